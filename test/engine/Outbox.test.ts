import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Server from "../../src/server/Server.ts"
import { Datagrams, DatagramsFailed, type Endpoint } from "../../src/transport/Datagrams.ts"
import * as World from "../simulation/World.ts"

type Refusals = Partial<Pick<Endpoint, "ask" | "unicast">>

/** A server on a machine whose own system refuses what `refusals` says, once they are there. */
const startRefused = (world: World.World, refusals: Refusals) =>
  Effect.gen(function*() {
    const host = yield* world.network.host("refused")
    const layer = Layer.effect(
      Datagrams,
      Effect.map(Datagrams, ({ open }) =>
        Datagrams.of({
          open: (options) =>
            Effect.map(open(options), (endpoint): Endpoint => ({
              ...endpoint,
              ask: (to, payload) => (refusals.ask ?? endpoint.ask)(to, payload),
              unicast: (to, payload) => (refusals.unicast ?? endpoint.unicast)(to, payload)
            }))
        }))
    ).pipe(Layer.provide(host.layer))
    const scope = yield* Scope.make()
    const server = yield* Server.make({ name: "refused", priority: 9 }).pipe(
      Effect.provide(layer),
      Scope.provide(scope)
    )
    // Leaving takes time, which passes only when a test lets it.
    const close = Effect.gen(function*() {
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
    })
    return { ...server, close }
  })

const refuse = (kind: DatagramsFailed["kind"]) => () =>
  Effect.fail(new DatagramsFailed({ during: "open", kind, where: "here" }))

const names = (server: Server.ServerShape) =>
  Effect.map(server.group.members, (members) => members.map(({ name }) => name).toSorted())

describe("a question that our own system refuses (protocol 4)", () => {
  const scenario = (refusals: Refusals) =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 4 })
      const now: Record<string, Refusals[keyof Refusals]> = {}
      const server = yield* startRefused(world, now)
      const other = yield* world.start("other")
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* names(server), ["other", "refused"])
      Object.assign(now, refusals)
      yield* other.kill
      yield* TestClock.adjust("3 minutes")
      const then = yield* names(server)
      for (const key of Object.keys(now)) delete now[key]
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* names(server), ["refused"])
      yield* server.close
      return then
    })

  it.effect("keeps the member that was not asked, until it can be and does not answer", () =>
    Effect.gen(function*() {
      const refusals = { ask: refuse("OutOfDescriptors"), unicast: refuse("PermissionDenied") }
      assert.deepStrictEqual(yield* scenario(refusals), ["other", "refused"])
    }))

  it.effect("is sent by a socket that is open, where there is none to be had for it", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* scenario({ ask: refuse("OutOfDescriptors") }), ["refused"])
    }))

  it.effect("is one that went by where it is the way that is missing", () =>
    Effect.gen(function*() {
      const refusals = { ask: refuse("Unreachable"), unicast: refuse("Unreachable") }
      assert.deepStrictEqual(yield* scenario(refusals), ["refused"])
    }))
})
