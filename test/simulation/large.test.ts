/** Large groups: heartbeats come less often, and all else goes on (protocol 4, the pace of heartbeats). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

const servers = 16
/** Six are as many as are heard each 500 ms. */
const most = 12

const settings = (key: string | undefined) => (index: number): Settings.Options => ({
  profile: "fast",
  priority: index,
  maxHeartbeatsPerSecond: most,
  ...(key === undefined ? {} : { key })
})

describe.each([["without a key", undefined], ["with a key", "11".repeat(32)]] as const)(
  "sixteen servers %s, of which six may say their heartbeats each 500 ms (protocol 4, the pace of heartbeats)",
  (_, key) => {
    it.effect(
      "hear no more heartbeats than they may, miss nobody, and replace a leader that crashes",
      () =>
        VirtualTime.run(Effect.gen(function*() {
          const group = yield* SimulatedGroup.make({ servers, seed: 5, settings: settings(key) })
          const first = yield* group.settle()
          const sent = { heartbeats: 0, challenges: 0, asked: 0 }
          const leader = `s${first}`
          yield* group.network.tap(({ payload, sender, via, what }) => {
            if (what !== "sent") return
            if (payload[3] === Frame.flags.challenge) sent.challenges += 1
            else if (via === "unicast") sent.asked += 1
            else if (sender !== leader) sent.heartbeats += 1
          })
          yield* group.advance("20 seconds")
          Object.assign(sent, { heartbeats: 0, challenges: 0, asked: 0 })
          yield* group.advance("60 seconds")
          assert.isAtMost(sent.heartbeats, 1.1 * 60 * most)
          assert.isAtLeast(sent.heartbeats, 0.6 * 60 * most)
          // Sessions last from one heartbeat to the next: a challenge now and then is the regular one.
          assert.isAtMost(sent.challenges, 2 * servers ** 2)
          assert.isAtMost(sent.asked, 60 * servers)
          assert.isTrue((yield* group.timeline).every(({ event }) => event.event !== "MemberRemoved"))

          yield* group.crash(first)
          yield* group.until(
            "another leads",
            Effect.map(group.leaders, (leaders) => leaders.some((one) => one !== first)),
            {
              within: "3 seconds"
            }
          )
          // All others find that it is gone, and nobody else is missed.
          const removed = Effect.map(group.timeline, (timeline) =>
            timeline.flatMap(({ event }) => event.event === "MemberRemoved" ? [event.member.priority] : []))
          yield* group.until(
            "all have removed it",
            Effect.map(removed, ({ length }) =>
              length >= servers - 1),
            {
              within: "1 minute"
            }
          )
          assert.deepStrictEqual([...new Set(yield* removed)], [first])
        })),
      60_000
    )
  }
)

describe("a client of a large group with a key (protocol 4, the pace of heartbeats)", () => {
  it.effect(
    "asks each server for a proof of its session now and then, and not at each heartbeat",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        // Each says its own about every 2.6 s, and memberTimeout is 1.6 s.
        const settings = { profile: "fast", maxHeartbeatsPerSecond: 6, key: "11".repeat(32) } as const
        const group = yield* SimulatedGroup.make({ servers, seed: 5, settings: () => settings, clients: settings })
        yield* group.settle()
        yield* Effect.flatMap(group.clients.add(), group.clients.at)
        yield* group.advance("20 seconds")
        let challenges = 0
        yield* group.network.tap(({ payload, sender, what }) => {
          if (what === "sent" && payload[3] === Frame.flags.challenge && sender === "c0") challenges += 1
        })
        yield* group.advance("60 seconds")
        assert.isAtMost(challenges, 2 * servers)
      })),
    60_000
  )
})
