/** Owners of keys as an app asks for them, on a simulated network (protocol, Owners of keys). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Group from "../../src/server/Group.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const keys = Array.from({ length: 250 }, (_, at) => `order ${at}`)

const four = Effect.gen(function*() {
  const group = yield* SimulatedGroup.make({
    servers: 4,
    seed: 5,
    settings: (index) => ({
      profile: "fast",
      name: `n${index}`,
      unicastPort: 40_000 + index,
      tags: { role: index === 3 ? "front" : "worker", cores: index === 0 ? "4" : index === 1 ? "none" : "1" }
    })
  })
  yield* group.settle()
  const at = (index: number) => Effect.map(group.server(index), (server) => server.group)
  const ownerNames = Effect.fnUntraced(function*(index: number, options?: Group.OwnersOptions) {
    const { owners } = yield* at(index)
    return yield* Effect.forEach(keys, (key) => Effect.map(owners(key, options), (all) => all.map(({ name }) => name)))
  })
  return { group, at, ownerNames }
})

describe("owners of keys (protocol, Owners of keys)", () => {
  it.effect("are the same on every server, and each server knows its own keys", () =>
    Effect.gen(function*() {
      const { at, ownerNames } = yield* four
      const all = yield* ownerNames(0, { count: 2 })
      for (const index of [1, 2, 3]) {
        assert.deepStrictEqual(yield* ownerNames(index, { count: 2 }), all)
        const { isOwner } = yield* at(index)
        const own = yield* Effect.filter(keys, (key) => isOwner(key, { count: 2 }))
        assert.deepStrictEqual(own, keys.filter((_, key) => all[key]!.includes(`n${index}`)))
      }
      const { owner } = yield* at(0)
      assert.strictEqual(Option.getOrThrow(yield* owner(keys[0]!)).name, all[0]![0])
    }))

  it.effect("are chosen by tag, and own as much as their weight says", () =>
    Effect.gen(function*() {
      const { at, ownerNames } = yield* four
      const workers = (yield* ownerNames(2, { where: ({ tags }) => tags["role"] === "worker" })).flat()
      assert.notInclude(workers, "n3")
      const weighted = (yield* ownerNames(2, { weight: "cores" })).flat()
      const share = (name: string) => weighted.filter((owner) => owner === name).length
      assert.isAbove(share("n0"), 2 * share("n2"))
      assert.strictEqual(share("n1"), 0, "its tag is no number")
      const even = (yield* ownerNames(2, { weight: "speed" })).flat()
      assert.deepStrictEqual(even, (yield* ownerNames(2)).flat(), "without the tag each counts 1")
      const { owner } = yield* at(0)
      assert.isTrue(Option.isNone(yield* owner("key", { where: () => false })))
    }))

  it.effect("tell which keys moved: first all, then those of one that died, and again as it comes back", () =>
    Effect.gen(function*() {
      const { at, group, ownerNames } = yield* four
      const before = (yield* ownerNames(0)).flat()
      const told: Array<ReadonlyArray<Group.Moved>> = []
      const { moved } = yield* at(0)
      const reader = yield* Effect.forkChild(Stream.runForEach(moved(keys), (all) => Effect.sync(() => told.push(all))))
      yield* group.advance("100 millis")
      assert.strictEqual(told.length, 1)
      assert.deepStrictEqual(told[0]!.map(({ key }) => key), keys)
      assert.deepStrictEqual(told[0]!.map(({ after }) => after[0]!.name), before)
      assert.isTrue(told[0]!.every((one) => one.before.length === 0))

      yield* group.kill(2)
      yield* group.until("its keys move", Effect.sync(() => told.length === 2))
      const lost = keys.filter((_, key) => before[key] === "n2")
      assert.deepStrictEqual(told[1]!.map(({ key }) => key), lost, "no other key moves")
      assert.isTrue(told[1]!.every((one) => one.before[0]!.name === "n2" && one.after[0]!.name !== "n2"))

      yield* group.start(2)
      yield* group.until("they come back", Effect.sync(() => told.length === 3))
      assert.deepStrictEqual(told[2]!.map(({ key }) => key), lost)
      assert.isTrue(told[2]!.every((one) => one.after[0]!.name === "n2"))

      yield* group.advance("5 seconds")
      assert.strictEqual(told.length, 3, "a view with the same members moves nothing")
      yield* Fiber.interrupt(reader)
    }))
})
