/**
 * A server whose link is bad, or whose process is paused again and again, must not take the lead each time that it may, and
 * lose it again (protocol, damping).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Damping from "../../src/protocol/election/Damping.ts"
import type * as Losses from "../../src/protocol/model/Losses.ts"
import type * as Step from "../../src/protocol/Step.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"
import * as Mutants from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"

interface Options {
  readonly servers?: number
  readonly leadership: "bully" | "lease"
  readonly profile?: "fast" | "standard"
  readonly settings?: Settings.Options
  readonly transition?: typeof Step.step | undefined
}

/** A group that follows its last server, who ranks highest. */
const settled = Effect.fnUntraced(
  function*({ leadership, profile = "fast", servers = 3, settings, transition }: Options) {
    const group = yield* SimulatedGroup.make({
      servers,
      seed: 2,
      transition,
      settings: (index) => ({
        profile,
        leadership,
        ...(leadership === "lease" ? { groupSize: servers } : {}),
        priority: index,
        name: `s${index}`,
        ...settings
      })
    })
    yield* group.settle()
    return { group, highest: servers - 1 }
  }
)

/** What a server was told of who leads since then, a minute. */
const changes = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, server: number, from: number) {
  const minutes = ((yield* group.now) - from) / 60_000
  const told = (yield* group.events(server)).filter(({ at, event }) => at > from && event.event === "LeaderChanged")
  return told.length / minutes
})

/** Two moves there and back a minute, each with a moment without a leader: it was up to 240. */
const most = 8

/** A leader whose heartbeats are its only signs of life gives its reign up after any pause. */
const withoutPace: Settings.Options = { leaderInterval: "500 millis" }

/** A server is paused for so many ms each second: how often a minute the lead moves, and for how long there was none. */
const pausing = Effect.fnUntraced(function*(options: Options, server: number, pause: number) {
  const { group } = yield* settled(options)
  const from = yield* group.now
  // Not in step with its own looks at the clock.
  for (let second = 0; second < 120; second++) {
    yield* group.pause(server)
    yield* group.advance(pause)
    yield* group.resume(server)
    yield* group.advance(Math.max(1_003 - pause, 503))
  }
  const without = Math.max(
    ...(yield* group.events(1)).map(({ at, event }) => at > from && event.event === "LeaderChanged" ? event.without : 0)
  )
  return { changes: yield* changes(group, 1, from), without }
})

/** The highest ranked is paused each second, and the others do not lead: in how many of 60 seconds it does. */
const alone = Effect.fnUntraced(function*(options: Options) {
  const { group } = yield* settled(options)
  for (const other of [0, 1]) {
    const { leadership } = yield* group.server(other)
    yield* leadership.stepDownFor("1 hour")
  }
  let led = 0
  for (let second = 0; second < 60; second++) {
    yield* group.pause(2)
    yield* group.advance(400)
    yield* group.resume(2)
    yield* group.advance(600)
    if ((yield* group.leaders).includes(2)) led += 1
  }
  return led
})

/** The highest ranked is cut off for 10 s, three times, and well in between: does it lead soon then, and later? */
const healing = Effect.fnUntraced(function*(options: Options) {
  const { group } = yield* settled(options)
  const seen: Array<{ readonly soon: boolean; readonly later: boolean }> = []
  for (let times = 0; times < 3; times++) {
    yield* group.partition([[0, 1], [2]])
    yield* group.advance("10 seconds")
    yield* group.heal
    yield* group.advance("2 seconds")
    const soon = (yield* group.agreed([0, 1]))?.leader === 2
    // Four times memberTimeout, and an election.
    yield* group.advance(4 * 1_600 + 5_000)
    seen.push({ soon, later: (yield* group.agreed())?.leader === 2 })
  }
  return seen
})

describe("the lead rests though the highest ranked server", () => {
  it.effect.each(
    [
      ["lease", 3, 0.5, "both"],
      ["lease", 3, 0.7, "in"],
      ["lease", 3, 0.7, "out"],
      ["lease", 5, 0.5, "both"],
      ["bully", 3, 0.5, "both"],
      ["bully", 5, 0.7, "both"]
    ] as const
  )("has a bad link (%s, %i servers, loss %d, %s): it waits longer each time (Damping)", ([
    leadership,
    servers,
    loss,
    way
  ]) =>
    Effect.gen(function*() {
      const { group, highest } = yield* settled({ leadership, servers })
      for (let other = 0; other < highest; other++) {
        if (way !== "in") yield* group.setLink(highest, other, { loss })
        if (way !== "out") yield* group.setLink(other, highest, { loss })
      }
      yield* group.advance("30 seconds")
      const from = yield* group.now
      yield* group.advance("3 minutes")
      assert.isAtMost(yield* changes(group, 0, from), most)
    }), 60_000)

  it.effect.each(
    [
      ["lease", 2, 300],
      ["lease", 2, 400],
      ["bully", 2, 300],
      ["bully", 2, 400],
      ["bully", 2, 900],
      ["bully", 2, 1_400],
      ["lease", 0, 400],
      ["bully", 0, 400]
    ] as const
  )("or another is paused each second, as garbage collectors make it (%s, s%i, %i ms): it is not whole (Damping)", ([
    leadership,
    server,
    pause
  ]) =>
    Effect.gen(function*() {
      assert.isAtMost((yield* pausing({ leadership }, server, pause)).changes, most)
    }), 60_000)
})

describe("one that has lost a lead", () => {
  it.effect("leads all the same where it is the only one that can, though it is paused each second (Damping)", () =>
    Effect.gen(function*() {
      assert.isAtLeast(yield* alone({ leadership: "bully", settings: withoutPace }), 20)
    }))

  it.effect.each([["bully"], ["lease"]] as const)(
    "once, as its host was cut off for a minute, leads again soon after it is back (%s; Damping)",
    ([leadership]) =>
      Effect.gen(function*() {
        const { group } = yield* settled({ leadership })
        yield* group.partition([[0, 1], [2]])
        yield* group.advance("1 minute")
        yield* group.heal
        yield* group.advance("10 seconds")
        assert.strictEqual((yield* group.agreed())?.leader, 2)
      })
  )

  it.effect("again and again leads when it has been heard whole for as long as it waits (Damping)", () =>
    Effect.gen(function*() {
      const waits = { soon: false, later: true }
      assert.deepStrictEqual(yield* healing({ leadership: "lease" }), [waits, waits, waits])
    }))
})

type DampingMutant = Mutants.Mutant & {
  /** What of it is right without the fault, and is not with it. */
  readonly isRight: (options: Options) => Effect.Effect<boolean, unknown, Scope.Scope>
}

const rests = (options: Options) => Effect.map(pausing(options, 2, 400), ({ changes }) => changes <= most)

const mutants: ReadonlyArray<DampingMutant> = [
  {
    name: "nobody remembers a lead that it lost",
    mutate: Mutations.leaving(({ after }) =>
      Mutations.withElection(after, { losses: { ...after.election.losses, count: 0 } })
    ),
    isRight: rests
  },
  {
    name: "only preemption waits: who lost the lead is the first to take the vacant place again",
    replace: [Mutants.replacing<typeof Damping>("election/Damping.ts", {
      objects: (objects) => (election) => election.register.reign === null || objects(election),
      standsIn: () => () => 0,
      isCutOff: () => () => false
    })],
    isRight: rests
  },
  {
    name: "one that goes last objects to the others",
    replace: [Mutants.replacing<typeof Damping>("election/Damping.ts", {
      objects: (objects) => (election) => election.register.reign === null || objects(election)
    })],
    // They wait for it then, for coordinatorTimeout at least.
    isRight: (options) => Effect.map(pausing(options, 2, 400), ({ without }) => without < 600)
  },
  {
    name: "one that goes last never goes",
    mutate: Mutations.leaving(({ after }) => {
      const { losses } = after.election
      return Mutations.withElection(after, {
        losses: { ...losses, lastUntil: losses.count > 0 ? Infinity : -Infinity }
      })
    }),
    isRight: (options) => Effect.map(alone(options), (led) => led >= 20)
  },
  {
    name: "one that lost a lead waits without end",
    replace: [Mutants.replacing<typeof Losses>("model/Losses.ts", {
      until: () => ({ count }) => count > 0 ? Infinity : -Infinity
    })],
    isRight: (options) => Effect.map(healing(options), (seen) => seen.every(({ later }) => later))
  }
]

describe("a fault in damping is seen", () => {
  for (const mutant of mutants) {
    const { isRight } = mutant
    it.effect(mutant.name, () =>
      Effect.gen(function*() {
        const { step: transition } = yield* Effect.promise(() => Mutants.load(mutant))
        const group = { leadership: "bully", settings: withoutPace } as const
        assert.isTrue(yield* isRight(group))
        assert.isFalse(yield* isRight({ ...group, transition }))
      }), 60_000)
  }
})
