import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/testing/TestClock"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as LeadingWork from "../../src/server/LeadingWork.ts"
import * as WhileLeader from "../../src/server/WhileLeader.ts"

const reign = Reign.make(7, {
  id: Member.NodeId.make("00000000000000aa"),
  priority: 0,
  incarnation: 1,
  ip: "192.0.2.1",
  port: 4_000
})

/** Of a lead whose server need not hear of the work's result. */
const untold: Omit<LeadingWork.Lead, "own" | "owns"> = {
  about: { group: "default", node: "1", election: "" },
  token: (of) => Reign.token(of),
  resign: Effect.void,
  overran: () => Effect.void,
  finished: Effect.void,
  failed: () => Effect.void,
  givenUp: Effect.void,
  offered: Effect.void
}

describe("leading work", () => {
  it.effect("that is about to begin as its reign ends is waited for by the end of the reign", () =>
    Effect.gen(function*() {
      const all = LeadingWork.makeAll(Duration.millis(500))
      const work = all.of("")
      const owns = yield* SubscriptionRef.make<Reign.Reign | null>(reign)
      const log: Array<string> = []
      let asked = 0
      const lead: LeadingWork.Lead = {
        ...untold,
        // The reign lasts when the work asks, and is ended before that can do anything else.
        own: Effect.gen(function*() {
          asked += 1
          if (asked > 1) return null
          yield* SubscriptionRef.set(owns, null)
          yield* Effect.forkDetach(
            Effect.tap(work.end, (finished) => Effect.sync(() => log.push(`told the group, ${finished}`))),
            { startImmediately: true }
          )
          return reign
        }),
        owns: SubscriptionRef.changes(owns)
      }
      const ending = Effect.andThen(Effect.sleep(400), Effect.sync(() => log.push("ended")))
      const fiber = yield* Effect.forkChild(
        WhileLeader.whileLeader(lead, work, Effect.onInterrupt(Effect.never, () => ending))
      )
      yield* TestClock.adjust(1_000)
      // It was interrupted before its first step, and so had nothing to end.
      assert.deepStrictEqual([log, work.running.size], [["told the group, true"], 0])
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("does not begin under a reign that is over by then, and keeps nobody waiting", () =>
    Effect.gen(function*() {
      const all = LeadingWork.makeAll(Duration.millis(500))
      let began = 0
      const lead: LeadingWork.Lead = {
        ...untold,
        own: Effect.succeed(null),
        owns: Stream.concat(Stream.make(reign), Stream.never)
      }
      const fiber = yield* Effect.forkChild(WhileLeader.whileLeader(lead, all.of(""), Effect.sync(() => began++)))
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual([began, all.of("").running.size], [0, 0])
      assert.isTrue(yield* all.end(""))
      yield* Fiber.interrupt(fiber)
    }))
})
