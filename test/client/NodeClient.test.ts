/**
 * A client on real sockets, on this host's loopback interface only.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "../../src/client/Client.ts"
import * as NodeClient from "../../src/NodeClient.ts"
import * as NodeServer from "../../src/NodeServer.ts"
import * as Group from "../../src/server/Group.ts"

const here = { group: "node-client-test", port: 47_731, interfaces: ["lo"], ttl: 0 } as const

it.live("joins a server, and 200 messages at once are acknowledged in order, each once", () =>
  Effect.gen(function*() {
    const { join, send } = yield* Client.Client
    const group = yield* Group.Group
    yield* join
    const bodies = Array.from({ length: 200 }, (_, at) => at)
    const seqs = yield* Effect.forEach(bodies, (body) => send(body), { concurrency: "unbounded" })
    assert.deepStrictEqual(seqs, bodies.map((at) => at + 1))
    assert.notProperty(yield* group.dropped, "SourceTooFast")
  }).pipe(
    Effect.provide(Layer.merge(
      NodeServer.layer({ ...here, profile: "fast" }),
      NodeClient.layer({ ...here, name: "ann", profile: "fast" })
    ))
  ), 30_000)
