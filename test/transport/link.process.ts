/**
 * A server's crash links and nothing else, in a process that a test kills: one link to the port that it is given. It prints
 * its own port, and then what happens to its links, one line each.
 */
import * as Effect from "effect/Effect"
import * as Member from "../../src/protocol/model/Member.ts"
import * as NodeCrashLinks from "../../src/transport/node/NodeCrashLinks.ts"

const [id = "", incarnation = "1", to = "", port = "0"] = process.argv.slice(2)

const tell = (line: string) => void process.stdout.write(`${line}\n`)

const program = Effect.gen(function*() {
  const links = yield* NodeCrashLinks.open({
    hosts: ["127.0.0.1"],
    port: 0,
    source: () => "127.0.0.1",
    own: () => "127.0.0.1",
    ask: () => Effect.void,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    report: () => {}
  })({
    self: { id: Member.NodeId.make(id), incarnation: () => Number(incarnation) },
    tag: Uint8Array.of(1, 2, 3, 4),
    accepts: () => true,
    proofs: () => []
  })
  tell(`port ${links.port}`)
  if (to !== "") {
    links.keep([{ id: Member.NodeId.make(to), incarnation: 1, address: { ip: "127.0.0.1", port: Number(port) } }])
  }
  return yield* Effect.forever(Effect.map(links.happened, (all) => all.forEach(({ _tag }) => tell(_tag))))
}).pipe(Effect.scoped)

// Its links keep no process alive.
setInterval(() => {}, 1_000)
void Effect.runPromise(program)
