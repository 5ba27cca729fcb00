/**
 * A singleton job tested through what it is there for: the server that runs it dies, is cut off, is paused. Minutes
 * pass in a second, nothing is sent over a real network, and the seed decides all of it.
 */
import { assert, it } from "@effect/vitest"
import { SimulatedGroup, VirtualTime } from "bellwether/testing"
import { Effect } from "effect"
import { reports } from "./Reports.ts"

it.effect(
  "the reports go on when the server that sends them dies, and only one server sends at a time",
  () =>
    VirtualTime.run(Effect.gen(function*() {
      const sent: Array<{ readonly by: number; readonly at: number }> = []
      let now: Effect.Effect<number> = Effect.succeed(0)
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: 42,
        // At most one leader at any instant, also while the network is split.
        settings: { profile: "fast", leadership: "lease", groupSize: 3 },
        app: (server, index) =>
          server.leadership.singleton(
            "reports",
            reports(() => Effect.map(now, (at) => void sent.push({ by: index, at })))
          )
      })
      now = group.now
      const first = yield* group.settle()
      yield* group.advance("10 seconds")

      yield* group.kill(first)
      const second = yield* group.awaitLeader()
      yield* group.advance("10 seconds")

      // Cut off from the others, it cannot lead: the third takes over.
      yield* group.partition([[second]])
      yield* group.start(first)
      yield* group.advance("20 seconds")
      yield* group.heal
      yield* group.settle()

      // Who sent, in turn: nobody comes back once another has sent, but for one that leads anew.
      const turns = sent.filter(({ by }, index) => by !== sent[index - 1]?.by)
      assert.isAtLeast(turns.length, 3)
      for (const [index, { at, by }] of turns.entries()) {
        const before = sent.findLast((one) => one.by !== by && one.at < at)
        const next = turns[index + 1]?.at ?? Infinity
        if (before === undefined) continue
        // While it had its turn nobody else sent anything, and nobody waited long for it.
        assert.isFalse(sent.some((one) => one.by !== by && one.at >= at && one.at < next))
        assert.isBelow(at - before.at, 10_000)
      }
    })),
  60_000
)
