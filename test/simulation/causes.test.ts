/**
 * Every change of leader names its cause, to the one who led and to those who followed, and how long there was none.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Event from "../../src/protocol/model/Event.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

type Changed = Extract<Event.Event, { readonly event: "LeaderChanged" }>

/** Three servers of the profile `fast`; number 2 ranks highest and leads. */
const settled = Effect.fnUntraced(function*(settings: Settings.Options = {}, app?: SimulatedGroup.Options["app"]) {
  const group = yield* SimulatedGroup.make({
    servers: 3,
    app,
    seed: "causes",
    settings: (index) => ({ profile: "fast", priority: index, name: `n${index}`, ...settings })
  })
  assert.strictEqual(yield* group.settle(), 2)
  yield* group.advance("1 second")
  return group
})

const changesOf = (group: SimulatedGroup.SimulatedGroup, index: number, from = 0) =>
  Effect.map(
    group.events(index),
    (events) =>
      events.flatMap(({ at, event }): ReadonlyArray<Changed> =>
        at >= from && event.event === "LeaderChanged" ? [event] : []
      )
  )

/** What one server told since then, each as `n2 HigherRank`, or `nobody Left`. */
const told = (group: SimulatedGroup.SimulatedGroup, index: number, from: number) =>
  Effect.map(
    changesOf(group, index, from),
    (changes) => changes.map(({ cause, leader }) => `${leader?.name ?? "nobody"} ${cause}`)
  )

/** For how long the newest leader says that there was none. */
const withoutAt = (group: SimulatedGroup.SimulatedGroup, index: number) =>
  Effect.map(changesOf(group, index), (changes) => changes.at(-1)?.without ?? -1)

/** The last two changes that each server told, after something was done and all had settled. */
const after = Effect.fnUntraced(function*(
  group: SimulatedGroup.SimulatedGroup,
  what: Effect.Effect<unknown, unknown>,
  wait: SimulatedGroup.Wait = {}
) {
  const from = yield* group.now
  yield* what
  yield* group.advance("50 millis")
  yield* group.settle(wait)
  const seen: Record<string, ReadonlyArray<string>> = {}
  for (const index of yield* group.running) seen[`n${index}`] = yield* told(group, index, from)
  return seen
})

describe("a change of leader names its cause (protocol 5, who leads)", () => {
  it.effect("Start: the first reign that a server follows", () =>
    Effect.gen(function*() {
      const group = yield* settled()
      for (const index of [0, 1, 2]) assert.deepStrictEqual(yield* told(group, index, 0), ["n2 Start"])
    }))

  it.effect("HigherRank: a higher ranked one joins; nobody is without a leader meanwhile", () =>
    Effect.gen(function*() {
      const group = yield* settled()
      const seen = yield* after(group, Effect.andThen(group.add, group.advance("1 second")))
      assert.deepStrictEqual(seen["n0"], ["n3 HigherRank"])
      assert.deepStrictEqual(seen["n1"], ["n3 HigherRank"])
      assert.deepStrictEqual(seen["n2"], ["n3 HigherRank"])
      assert.deepStrictEqual(seen["n3"], ["n2 Start", "n3 HigherRank"])
      for (const index of [0, 1, 2, 3]) assert.strictEqual(yield* withoutAt(group, index), 0)
    }))

  it.effect("Left: it said goodbye", () =>
    Effect.gen(function*() {
      const group = yield* settled()
      const from = yield* group.now
      const seen = yield* after(group, group.stop(2))
      assert.deepStrictEqual(seen, { n0: ["nobody Left", "n1 Left"], n1: ["nobody Left", "n1 Left"] })
      assert.deepStrictEqual(
        yield* told(group, 2, from),
        ["nobody Left", "n1 Left"],
        "which it hears before it is gone"
      )
      for (const index of [0, 1]) assert.isAtMost(yield* withoutAt(group, index), 50)
    }))

  it.effect("Silent: its machine is gone; without a leader since its last word", () =>
    Effect.gen(function*() {
      const group = yield* settled()
      const died = yield* group.now
      const seen = yield* after(group, group.crash(2))
      assert.deepStrictEqual(seen, { n0: ["nobody Silent", "n1 Silent"], n1: ["nobody Silent", "n1 Silent"] })
      const outage = (yield* group.now) - died
      for (const index of [0, 1]) {
        const without = yield* withoutAt(group, index)
        assert.isAtLeast(without, 3 * 150 + 5 * 100, "three signs of life missed, five questions asked")
        // The last sign of life was at most one interval before the death.
        assert.isAtMost(without, outage + 500)
      }
    }))

  it.effect("Crashed: its host refuses the question, at once where its links tell that there is one to ask", () =>
    Effect.gen(function*() {
      for (const links of [true, false]) {
        const group = yield* settled({ links })
        // Its links are up by then.
        yield* group.advance("2 seconds")
        const seen = yield* after(group, group.kill(2))
        assert.deepStrictEqual(seen, { n0: ["nobody Crashed", "n1 Crashed"], n1: ["nobody Crashed", "n1 Crashed"] })
        for (const index of [0, 1]) {
          const without = yield* withoutAt(group, index)
          if (links) assert.isAtMost(without, 25)
          else assert.isAtLeast(without, 500)
        }
      }
    }))

  it.effect("Replaced: it started again", () =>
    Effect.gen(function*() {
      const group = yield* settled({ unicastPort: 40_000, links: false })
      const seen = yield* after(group, group.restart(2))
      // It ranks highest again, and the others ask before they would lead in its stead.
      const both = ["nobody Replaced", "n2 Replaced"]
      assert.deepStrictEqual(seen, { n0: both, n1: both, n2: ["n2 Start"] })
    }))

  it.effect("Stalled: its process was paused, which the others hear from it as soon as it runs again", () =>
    Effect.gen(function*() {
      // One that keeps a pace is silent to the others by then.
      const group = yield* settled({ leaderInterval: "500 millis" })
      yield* group.pause(2)
      yield* group.advance("1 second")
      const seen = yield* after(group, group.resume(2))
      const all = ["nobody Stalled", "n2 Stalled"]
      assert.deepStrictEqual(seen, { n0: all, n1: all, n2: all })
      const [, next] = (yield* changesOf(group, 2)).slice(1)
      assert.isAtLeast(next?.without ?? 0, 1_000, "it counts its own stall")
    }))

  it.effect("Resigned: it gave the lead up", () =>
    Effect.gen(function*() {
      const group = yield* settled()
      const seen = yield* after(group, Effect.flatMap(group.server(2), ({ leadership }) => leadership.resign))
      const both = ["nobody Resigned", "n1 Resigned"]
      assert.deepStrictEqual(seen, { n0: both, n1: both, n2: both })
    }))

  it.effect("WorkOverran: work of a former reign still runs on a server that leads again", () =>
    Effect.gen(function*() {
      const group = yield* settled(
        { leaderInterval: "500 millis" },
        (server, index) =>
          index === 2 ? server.leadership.whileLeader(Effect.uninterruptible(Effect.sleep("10 seconds"))) : Effect.void
      )
      const from = yield* group.now
      yield* group.pause(2)
      yield* group.advance("400 millis")
      yield* group.resume(2)
      yield* group.advance("3 seconds")
      for (const index of [0, 1]) {
        assert.deepStrictEqual((yield* told(group, index, from)).slice(-3), [
          "n2 Stalled",
          "nobody WorkOverran",
          "n1 WorkOverran"
        ])
      }
      assert.include(yield* told(group, 2, from), "nobody WorkOverran")
      yield* group.advance("10 seconds")
      assert.strictEqual((yield* told(group, 0, from)).at(-1), "n2 HigherRank", "when that has ended it leads again")
    }))

  it.effect("TooFewMembers: fewer than minimumMembers are left, and nobody leads", () =>
    Effect.gen(function*() {
      const group = yield* settled({ minimumMembers: 3 })
      const from = yield* group.now
      yield* group.stop(0)
      yield* group.advance("2 seconds")
      assert.deepStrictEqual(yield* group.leaders, [])
      for (const index of [1, 2]) assert.deepStrictEqual(yield* told(group, index, from), ["nobody TooFewMembers"])
      yield* group.start(0)
      yield* group.settle()
      for (const index of [1, 2]) {
        assert.deepStrictEqual((yield* told(group, index, from)).slice(1), ["n2 TooFewMembers"])
        assert.isAtLeast(yield* withoutAt(group, index), 2_000)
      }
    }))

  it.effect("Superseded: of two leaders that meet with preempt off, the greater reign stays", () =>
    Effect.gen(function*() {
      const group = yield* settled({ preempt: false })
      yield* group.partition([[0, 1], [2]])
      yield* group.advance("5 seconds")
      assert.sameMembers([...(yield* group.leaders)], [1, 2])
      const seen = yield* after(group, group.heal)
      assert.deepStrictEqual(seen, { n0: [], n1: [], n2: ["n1 Superseded"] })
    }))

  it.effect("HigherRank: with preempt on, the higher ranked of two leaders that meet takes the lead of both", () =>
    Effect.gen(function*() {
      const group = yield* settled()
      yield* group.partition([[0, 1], [2]])
      yield* group.advance("5 seconds")
      const seen = yield* after(group, group.heal)
      for (const name of ["n0", "n1"]) assert.deepStrictEqual(seen[name], ["n2 HigherRank"])
      assert.strictEqual(yield* withoutAt(group, 1), 0)
    }))
})
