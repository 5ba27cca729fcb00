/**
 * A rolling restart of a group that leads by a lease, as docs/operations.md says (protocol, majority lease, handing over).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

type Group = SimulatedGroup.SimulatedGroup

interface Rolling {
  readonly servers?: number
  readonly settings?: Settings.Options
  readonly order?: ReadonlyArray<number>
  /** How one goes down. */
  readonly down?: (group: Group, index: number) => Effect.Effect<void>
  /** What changes while it is down. */
  readonly meanwhile?: (group: Group, index: number) => Effect.Effect<void>
  /** Whether the operator waits until it votes, and not only until all see it. */
  readonly untilItVotes?: boolean
  /** Two go down at a time. */
  readonly inPairs?: boolean
}

/** Restarts all, one after the other; for how long nobody led, and what each told of its vote since. */
const roll = (rolling: Rolling) =>
  VirtualTime.run(Effect.scoped(Effect.gen(function*() {
    const { down = (group, index) => group.stop(index), meanwhile = () => Effect.void, servers = 3 } = rolling
    const group = yield* SimulatedGroup.make({
      servers,
      seed: 7,
      clocks: () => ({ wallAhead: "1 day" }),
      settings: (index) => ({
        leadership: "lease",
        groupSize: servers,
        priority: index,
        name: `s${index}`,
        unicastPort: 47_778,
        ...rolling.settings
      })
    })
    yield* group.settle({ within: "2 minutes" })
    yield* group.advance("1 minute")
    const since = yield* group.now
    let without = 0
    const pass = Effect.fnUntraced(function*(millis: number) {
      for (let passed = 0; passed < millis; passed += 50) {
        yield* group.advance(50)
        const leaders = yield* group.leaders
        assert.isAtMost(leaders.length, 1, leaders.join())
        if (leaders.length === 0) without += 50
      }
    })
    const isShown = Effect.fnUntraced(function*(index: number) {
      const views = yield* group.views
      const { id, incarnation } = views.get(index)!.self
      const { votesIn } = (yield* group.server(index)).group
      const votes = rolling.untilItVotes !== true || (yield* votesIn) === 0
      return votes && [...views.values()].every(({ members }) =>
        members.some((member) => member.id === id && member.incarnation === incarnation)
      )
    })
    const order = rolling.order ?? Array.from({ length: servers }, (_, index) => index)
    for (let at = 0; at < order.length; at += rolling.inPairs === true ? 2 : 1) {
      const those = order.slice(at, at + (rolling.inPairs === true ? 2 : 1))
      for (const index of those) {
        yield* down(group, index)
        yield* pass(500)
      }
      for (const index of those) {
        yield* meanwhile(group, index)
        yield* group.start(index)
        for (let looks = 0; looks < 1_000 && !(yield* isShown(index)); looks += 1) yield* pass(50)
      }
      yield* pass(2_000)
    }
    yield* pass(60_000)
    const votes = (yield* group.timeline).flatMap(({ at, event }) =>
      at > since && event.event === "Votes" ? [event] : []
    )
    return { without, handedOver: votes.filter(({ handedOver }) => handedOver).length, votes: votes.length }
  })))

describe("a rolling restart with a lease", () => {
  it.effect.each<[string, Rolling]>([
    ["of three, the leader last", {}],
    ["of three, the leader first", { order: [2, 1, 0] }],
    ["of five", { servers: 5 }],
    ["of five, two at a time", { servers: 5, inPairs: true, order: [0, 1, 2, 3, 4] }],
    ["with a key", { settings: { key: "a".repeat(64) } }],
    ["with `fast`", { settings: { profile: "fast" } }],
    ["without `preempt`", { settings: { preempt: false } }],
    ["with clocks that are set back meanwhile", {
      meanwhile: (group, index) => group.jumpWallClock(index, "-1 hour")
    }]
  ])("%s: each votes at once, and nobody leads for a moment at most", ([, rolling]) =>
    Effect.gen(function*() {
      const { handedOver, votes, without } = yield* roll(rolling)
      const servers = rolling.servers ?? 3
      assert.deepStrictEqual({ handedOver, votes }, { handedOver: servers, votes: servers })
      assert.isAtMost(without, 1_000)
    }))

  it.effect("of servers that come back under another id: there is always a leader where the operator waits until each votes", () =>
    Effect.gen(function*() {
      const moved = yield* roll({
        untilItVotes: true,
        meanwhile: (group, index) => group.setAddress(index, `10.0.0.${100 + index}`)
      })
      assert.deepStrictEqual({ ...moved, without: 0 }, { without: 0, handedOver: 0, votes: 3 })
      assert.isAtMost(moved.without, 1_000)
    }))

  it.effect("of servers that are killed: they vote when their silence is over, and only the leader's own lease is waited for", () =>
    Effect.gen(function*() {
      const killed = yield* roll({ untilItVotes: true, down: (group, index) => group.kill(index) })
      assert.deepStrictEqual({ ...killed, without: 0 }, { without: 0, handedOver: 0, votes: 3 })
      assert.isAtMost(killed.without, 36_100)
    }))
})
