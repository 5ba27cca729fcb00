/**
 * A machine that was copied with its address behind a translation of addresses: two whole servers under one id (protocol,
 * section 4).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Server from "../../src/server/Server.ts"
import { Datagrams } from "../../src/transport/Datagrams.ts"
import * as World from "./World.ts"

const { eventsOf, pass } = World

describe("a copied machine", () => {
  it.effect("is told by both copies, with both addresses; the others keep one member, and one leader (4, duplicates)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 1 })
      const settings = { unicastPort: 4_001 }
      const original = yield* world.start("original", settings)
      const other = yield* world.start("other", { priority: 10 })
      yield* pass(5_000)

      // It believes to be what it was copied from; on the network its datagrams have another source.
      const host = yield* world.network.host("copy")
      const told: Array<Event.Event> = []
      const scope = yield* Scope.make()
      const copy = yield* Server.make(settings).pipe(
        Scope.provide(scope),
        Effect.provideService(Datagrams, {
          open: (options) =>
            Effect.map(host.datagrams.open(options), (endpoint) => ({
              ...endpoint,
              hostname: "original",
              // Its own multicasts come back to it before their source is translated.
              receive: Effect.map(endpoint.receive, (some) =>
                some.map(({ from, payload, via }) => ({
                  payload,
                  via,
                  from: from.ip === host.ip ? { ...from, ip: original.self.ip } : from
                }))),
              local: [{ ...endpoint.local[0], ip: original.self.ip }]
            }))
        })
      )
      const { events } = yield* Scope.provide(copy.group.subscribe, scope)
      yield* events.pipe(Stream.runForEach((event) => Effect.sync(() => told.push(event))), Effect.forkScoped)
      assert.strictEqual((yield* copy.group.self).id, original.self.id)
      yield* pass(45_000)
      assert.strictEqual((yield* other.group.members).length, 2)

      const [ofOriginal] = eventsOf(original, "DuplicateIdentity")
      assert.deepInclude(ofOriginal?.event, { ours: `${original.self.ip}:4001`, theirs: `${host.ip}:4001` })
      const ofCopy = told.find((event) => event.event === "DuplicateIdentity")
      assert.deepInclude(ofCopy, { ours: `${original.self.ip}:4001`, theirs: `${original.self.ip}:4001` })
      const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void))
      yield* pass(2_000)
      yield* Fiber.join(closing)
      assert.strictEqual(world.agreed()?.leader.id, other.self.id)
    }))
})
