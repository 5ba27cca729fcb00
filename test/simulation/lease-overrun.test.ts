/**
 * Leading work that does not stop in its time, in a group that leads by a lease: however the reign ended, the lead settles
 * (protocol, majority lease, giving back).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"
import { leadershipOf, transfer } from "./HandingOver.ts"

const overruns = "900 millis"

/** Three servers, the last of the highest rank, whose work takes three times as long to stop as it may. */
const make = (election = "") =>
  SimulatedGroup.make({
    servers: 3,
    seed: 23,
    settings: (index) => ({
      profile: "fast",
      leadership: "lease",
      groupSize: 3,
      priority: index,
      name: `n${index}`,
      stopTimeout: "300 millis"
    }),
    app: ({ leadership }) =>
      Effect.flatMap(
        election === "" ? Effect.succeed(leadership) : leadership.of(election),
        ({ whileLeader }) => whileLeader(Effect.forever(Effect.uninterruptible(Effect.sleep(overruns))))
      )
  })

const led = (group: SimulatedGroup.SimulatedGroup, from: number, election = "") =>
  Effect.map(group.timeline, (seen) => {
    const terms = seen.flatMap(({ at, event }) =>
      at > from && event.event === "LeaderChanged" && event.election === election && event.leader !== null
        ? [event.term]
        : []
    )
    return new Set(terms).size
  })

type Act = (group: SimulatedGroup.SimulatedGroup) => Effect.Effect<unknown, unknown>

/** After it, a few reigns at most, and then none for a minute. */
const settlesAfter = (act: Act, reigns: number) =>
  VirtualTime.run(Effect.scoped(Effect.gen(function*() {
    const group = yield* make()
    yield* group.settle()
    yield* group.advance("2 seconds")
    const from = yield* group.now
    yield* act(group)
    yield* group.advance("15 seconds")
    assert.isAtMost(yield* led(group, from), reigns)
    assert.strictEqual((yield* group.leaders).length, 1)
    const settled = yield* group.now
    yield* group.advance("1 minute")
    assert.strictEqual(yield* led(group, settled), 0)
  })))

describe("work that overruns under a lease: the lead settles", () => {
  it.effect("when its server resigns", () =>
    settlesAfter((group) => Effect.flatMap(leadershipOf(group, 2), ({ resign }) => resign), 3))

  it.effect("when it steps down for a time", () =>
    settlesAfter((group) => Effect.flatMap(leadershipOf(group, 2), ({ stepDownFor }) => stepDownFor("5 seconds")), 3))

  it.effect("when it hands the lead over", () => settlesAfter((group) => Effect.scoped(transfer(group, 2, 0)), 4))

  it.effect("when a higher ranked one joins, and takes it over", () =>
    settlesAfter((group) =>
      Effect.gen(function*() {
        yield* group.kill(2)
        yield* group.advance("5 seconds")
        yield* group.start(2)
      }), 3))

  it.effect("when it loses its majority, and finds it again", () =>
    settlesAfter((group) =>
      Effect.gen(function*() {
        yield* group.partition([[2], [0, 1]])
        yield* group.advance("3 seconds")
        yield* group.heal
      }), 4))

  it.effect("when it was paused", () =>
    settlesAfter((group) =>
      Effect.gen(function*() {
        yield* group.pause(2)
        yield* group.advance("800 millis")
        yield* group.resume(2)
      }), 4))

  it.effect("when it leaves while its work still runs, and comes back", () =>
    settlesAfter((group) =>
      Effect.gen(function*() {
        yield* group.stop(2)
        yield* group.advance("1 second")
        yield* group.start(2)
      }), 4))

  it.effect("in a leadership by name", () =>
    VirtualTime.run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make("billing")
      yield* group.settle()
      yield* group.advance("3 seconds")
      const all = yield* Effect.forEach(
        [0, 1, 2],
        (index) => Effect.flatMap(leadershipOf(group, index), (leadership) => leadership.of("billing"))
      )
      const [leader] = yield* Effect.filter(all, ({ isLeader }) => isLeader)
      assert.isDefined(leader)
      const from = yield* group.now
      yield* leader.resign
      yield* group.advance("15 seconds")
      assert.isAtMost(yield* led(group, from, "billing"), 3)
      const settled = yield* group.now
      yield* group.advance("1 minute")
      assert.strictEqual(yield* led(group, settled, "billing"), 0)
      assert.strictEqual((yield* Effect.filter(all, ({ isLeader }) => isLeader)).length, 1)
    }))))
})
