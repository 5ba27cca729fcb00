/**
 * A server whose link is bad, or whose process stands still again and again, must not take the lead each time that it may, and
 * lose it again (protocol, damping).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Settings from "../../src/group/Settings.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

interface Options {
  readonly servers?: number
  readonly leadership: "bully" | "lease"
  readonly profile?: "fast" | "standard"
  readonly settings?: Settings.Options
}

/** A group that follows its last server, who ranks highest. */
const settled = Effect.fnUntraced(function*({ leadership, profile = "fast", servers = 3, settings }: Options) {
  const group = yield* SimulatedGroup.make({
    servers,
    seed: 2,
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
})

/** What a server was told of who leads since then, a minute. */
const changes = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, server: number, from: number) {
  const minutes = ((yield* group.now) - from) / 60_000
  const told = (yield* group.events(server)).filter(({ at, event }) => at > from && event.event === "LeaderChanged")
  return told.length / minutes
})

/** Two moves there and back a minute, each with a moment without a leader: it was up to 240. */
const most = 8

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
      ["lease", 0, 400],
      ["bully", 0, 400]
    ] as const
  )("or another stands still each second, as garbage collectors make it (%s, s%i, %i ms): it is not whole (Damping)", ([
    leadership,
    server,
    pause
  ]) =>
    Effect.gen(function*() {
      const { group } = yield* settled({ leadership })
      const from = yield* group.now
      // Not in step with its own looks at the clock.
      for (let second = 0; second < 120; second++) {
        yield* group.pause(server)
        yield* group.advance(pause)
        yield* group.resume(server)
        yield* group.advance(1_003 - pause)
      }
      assert.isAtMost(yield* changes(group, 1, from), most)
    }), 60_000)
})

describe("one that has lost a lead", () => {
  it.effect("leads all the same where it is the only one that can, though it stands still each second (Damping)", () =>
    Effect.gen(function*() {
      const { group } = yield* settled({ leadership: "bully" })
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
      assert.isAtLeast(led, 20)
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
      const { group } = yield* settled({ leadership: "lease" })
      const { memberTimeout } = { memberTimeout: 1_600 }
      for (let times = 0; times < 3; times++) {
        yield* group.partition([[0, 1], [2]])
        yield* group.advance("10 seconds")
        yield* group.heal
        yield* group.advance("2 seconds")
        assert.notStrictEqual((yield* group.agreed([0, 1]))?.leader, 2)
        yield* group.advance(4 * memberTimeout + 5_000)
        assert.strictEqual((yield* group.agreed())?.leader, 2)
      }
    }))
})
