/**
 * One host of the test with network namespaces: opens an endpoint on the default choice of interfaces, multicasts its
 * name ten times a second, and prints what happens, one JSON object a line.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Datagrams } from "../../src/transport/Datagrams.ts"
import * as NodeDatagrams from "../../src/transport/NodeDatagrams.ts"

const [name = ""] = process.argv.slice(2)
const tell = (line: object) => Console.log(JSON.stringify(line))

const host = Effect.gen(function*() {
  const datagrams = yield* Datagrams
  const endpoint = yield* datagrams.open({
    multicastAddress: "239.255.1.2",
    port: 20_000,
    ttl: 1,
    interfaces: [],
    unicastPort: 0
  })
  yield* tell({ opened: endpoint.local })
  yield* Effect.forkScoped(
    Effect.forever(Effect.flatMap(endpoint.troubles, ({ kind, where }) => tell({ kind, where })))
  )
  yield* endpoint.multicast(new TextEncoder().encode(name)).pipe(
    Effect.ignore,
    Effect.andThen(Effect.sleep("100 millis")),
    Effect.forever,
    Effect.forkScoped
  )
  while (true) {
    for (const { from, payload, via } of yield* endpoint.receive) {
      yield* tell({ heard: new TextDecoder().decode(payload), from: from.ip, via, direct: endpoint.isDirect(from.ip) })
    }
  }
})

void Effect.runPromise(Effect.scoped(host).pipe(Effect.provide(NodeDatagrams.layer)))
