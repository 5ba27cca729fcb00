/**
 * `npm run bench -- receive [TIMES]`: what one datagram costs from the socket to its step: a heartbeat of one of 100 members,
 * read by the messenger and stepped by the engine of a server. Nothing is handed to the system.
 */
import * as Effect from "effect/Effect"
import type * as Message from "../src/protocol/model/Message.ts"
import * as Frame from "../src/protocol/wire/Frame.ts"
import * as Server from "../src/server/Server.ts"
import * as Settings from "../src/settings/Settings.ts"
import * as Datagrams from "../src/transport/Datagrams.ts"
import { corpus } from "../test/fuzz/Hostile.ts"
import * as Endpoint from "./endpoint.ts"

const members = 100
const batch = 64

/** A server whose network gives what it is told to. */
const started = Effect.gen(function*() {
  let taken = 0
  let wanted = 0
  let finished = () => {}
  const said = corpus.find(({ type }) => type === "SERVER_ALIVE") as Message.Of<"SERVER_ALIVE">
  const tag = Frame.groupTag("bench")
  const frames = Array.from({ length: members }, (_, at) => {
    const from = { ip: `192.0.2.${at + 1}`, port: 4_000 }
    const id = at.toString(16).padStart(16, "0") as typeof said.sender.id
    const encoded = Frame.encode({ ...said, sender: { ...said.sender, id, ...from } }, tag)
    if (encoded._tag === "Failure") throw new Error("the heartbeat is too long")
    return { payload: encoded.success, from, via: "multicast" as const }
  })
  const receive = Effect.suspend(() => {
    if (taken >= wanted) {
      finished()
      return Effect.never
    }
    const some = Array.from({ length: batch }, (_, at) => frames[(taken + at) % members]!)
    taken += batch
    return Effect.succeed(some)
  })
  let begin: () => void = () => {}
  const waiting = Effect.promise(() => new Promise<void>((resolve) => begin = resolve))
  const endpoint: Datagrams.Endpoint = {
    ...Endpoint.lonely,
    receive: Effect.suspend(() => wanted === 0 ? Effect.andThen(waiting, receive) : receive)
  }
  const settings = yield* Settings.make({ group: "bench" })
  yield* Server.fromSettings(settings).pipe(
    Effect.provideService(Datagrams.Datagrams, { open: () => Effect.succeed(endpoint) })
  )
  return (times: number) =>
    Effect.promise(() =>
      new Promise<number>((resolve) => {
        // The CPU that it took, so that what else runs on the machine counts less.
        const from = process.cpuUsage()
        finished = () => {
          const { system, user } = process.cpuUsage(from)
          resolve((system + user) / times)
        }
        wanted = times
        begin()
      })
    )
})

export const receive = async ([times = "200000"]: ReadonlyArray<string>): Promise<void> => {
  const cost = await Effect.runPromise(Effect.scoped(Effect.flatMap(started, (run) => run(Number(times)))))
  process.stdout.write(`${cost.toFixed(3)} µs a heartbeat\n`)
}
