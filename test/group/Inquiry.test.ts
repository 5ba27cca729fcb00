import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Inquiry from "../../src/group/Inquiry.ts"
import * as Settings from "../../src/group/Settings.ts"
import * as World from "../simulation/World.ts"

/** A group of servers that have settled, and somebody who is none of them. */
const asked = Effect.fnUntraced(
  function*(
    options: { readonly servers: number; readonly loss?: number; readonly key?: string; readonly askedWith?: string }
  ) {
    const world = yield* World.make({ seed: "inquiry" })
    const servers = yield* world.startAll(options.servers, { key: options.key })
    yield* World.pass(5_000)
    if (options.loss !== undefined) yield* world.network.setLoss(options.loss)
    const asker = yield* world.network.host("asker")
    const settings = yield* Settings.make({ key: options.askedWith ?? options.key })
    const ask = Effect.gen(function*() {
      const asking = yield* Effect.forkChild(
        Effect.exit(Effect.provide(Inquiry.members(settings, { timeout: "10 seconds" }), asker.layerDatagrams)),
        { startImmediately: true }
      )
      yield* World.pass(11_000)
      return yield* yield* Fiber.join(asking)
    })
    return { servers, ask }
  }
)

describe("a question to a group", () => {
  it.effect("is answered with everyone, page by page, in the order of rank", () =>
    Effect.gen(function*() {
      const { ask, servers } = yield* asked({ servers: 40 })
      const { leader, members, term } = yield* ask
      const view = yield* servers[0]!.group.view
      assert.deepStrictEqual(members.map(({ id }) => id), servers.map(({ self }) => self.id))
      assert.deepStrictEqual(leader, view.reign?.leader)
      assert.strictEqual(term, view.term)
    }))

  it.effect("is answered by a seed where there is no multicast, whoever leads", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      const seeds = ["10.0.0.9:5000", "10.0.0.3:5000"]
      const servers = yield* world.startAll(12, { multicast: false, unicastPort: 5_000, seeds })
      yield* World.pass(5_000)
      const asker = yield* world.network.host("asker")
      const settings = yield* Settings.make({ multicast: false, seeds: ["10.0.0.99:5000", "s2:5000"] })
      const asking = yield* Effect.forkChild(
        Effect.provide(Inquiry.members(settings), asker.layerDatagrams),
        { startImmediately: true }
      )
      yield* World.pass(1_000)
      const { leader, members } = yield* Fiber.join(asking)
      assert.strictEqual(members.length, 12)
      assert.strictEqual(leader?.id, servers[0]!.self.id)
    }))

  it.effect("finds its way through a third of all datagrams lost", () =>
    Effect.gen(function*() {
      const { ask } = yield* asked({ servers: 30, loss: 0.3 })
      assert.strictEqual((yield* ask).members.length, 30)
    }))

  it.effect("of a group with a key is answered to who has the key, also with a third of all datagrams lost", () =>
    Effect.gen(function*() {
      const { ask, servers } = yield* asked({ servers: 20, key: "5e".repeat(32) })
      assert.strictEqual((yield* ask).members.length, 20)
      assert.strictEqual((yield* servers[0]!.group.members).length, 20)
      const { ask: lossy } = yield* asked({ servers: 10, key: "5e".repeat(32), loss: 0.3 })
      assert.strictEqual((yield* lossy).members.length, 10)
    }))

  it.effect("of a group with a key is not answered to who has none or another", () =>
    Effect.gen(function*() {
      const { ask } = yield* asked({ servers: 3, key: "5e".repeat(32), askedWith: "5f".repeat(32) })
      const error = yield* Effect.flip(ask)
      assert.strictEqual(error._tag, "NoAnswer")
      assert.include(error.message, "key")
    }))

  it.effect("makes nobody a member", () =>
    Effect.gen(function*() {
      const { ask, servers } = yield* asked({ servers: 3 })
      yield* ask
      for (const { group } of servers) assert.strictEqual((yield* group.members).length, 3)
    }))

  it.effect("that nobody answers fails, saying where it was asked and what to check", () =>
    Effect.gen(function*() {
      const { ask } = yield* asked({ servers: 0 })
      const error = yield* Effect.flip(ask)
      assert.strictEqual(error._tag, "NoAnswer")
      assert.match(error.message, /^nobody in group "default" answered within 10000 ms on 239\.255\.253\.87:16983/)
      assert.strictEqual(Runtime.getErrorExitCode(error), 3)
    }))
})
