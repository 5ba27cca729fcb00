/**
 * Makes a server ready for maintenance: another one leads, and it does not lead again meanwhile.
 *
 * The server is told by the program `bellwether`, over the network. So its app needs nothing for that, and it works from every host
 * that has the group's key; without a key, on the server's own host.
 */
import { Inquiry, Settings } from "bellwether"
import { Console, Effect, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { fileURLToPath } from "node:url"

/** What `npx bellwether` runs. */
const program = fileURLToPath(new URL("dist/main.js", import.meta.resolve("bellwether/package.json")))

/** The server has refused (1), is none (2), or has not answered (3). */
export class NotDone extends Schema.TaggedError<NotDone>()("NotDone", { command: Schema.String, code: Schema.Int }) {
  override get message() {
    return `bellwether ${this.command} ends with ${this.code}`
  }
}

/** Commands a server, and prints what comes of it. The settings of the group come from the environment, as for a server. */
const bellwether = (...args: ReadonlyArray<string>) =>
  Effect.scoped(Effect.gen(function*() {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const running = yield* spawner.spawn(ChildProcess.make(process.execPath, [program, ...args]))
    yield* Stream.runForEach(Stream.splitLines(Stream.decodeText(running.all)), (line) => Console.log(line))
    const code = yield* running.exitCode
    if (code !== 0) return yield* new NotDone({ command: args.join(" "), code })
  }))

/** Succeeds once another server leads and this one will not for an hour. */
export const prepare = Effect.fnUntraced(function*(server: string) {
  const settings = yield* Effect.flatMap(Settings.fromConfig(Settings.config), Settings.make)
  const { leader, members } = yield* Inquiry.members(settings)
  const isLeader = members.some(({ id, name }) => id === leader?.id && name === server)
  // The list is in the order of rank.
  const next = members.find(({ name }) => name !== server)
  if (isLeader && next !== undefined) yield* bellwether("transfer", "--to", next.name, "--at", server)
  // Else its rank would give the lead back to it after a moment.
  yield* bellwether("step-down", "--for", "1h", "--at", server)
  yield* Console.log(`${server} is ready for maintenance`)
})
