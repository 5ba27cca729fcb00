/** What a session holds for somebody who may stop waiting for an answer, or be told too late. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/testing/TestClock"
import * as Session from "./Session.ts"

describe("claims", () => {
  it.effect("keep nothing that nobody was told of, and give no token of it", () =>
    Effect.gen(function*() {
      const { claims, held, released } = yield* Session.make
      const asking = yield* Effect.forkChild(claims.acquire([5], Duration.seconds(2)), { startImmediately: true })
      held.set(5, { token: "t5", left: 6_000 })
      assert.isNull(yield* claims.token(5))
      yield* Fiber.interrupt(asking)
      assert.deepStrictEqual(released, ["t5"])
    }))

  it.effect("are what was granted, until it is let go", () =>
    Effect.gen(function*() {
      const { answer, claims, held, released } = yield* Session.make
      const asking = yield* Effect.forkChild(claims.acquire([5, 6], Duration.seconds(2)), { startImmediately: true })
      held.set(5, { token: "t5", left: 6_000 })
      yield* answer()
      assert.deepStrictEqual([...(yield* Fiber.join(asking)).tokens], [[5, "t5"]])
      assert.strictEqual(yield* claims.token(5), "t5")
      yield* claims.release(5)
      assert.deepStrictEqual(released, ["t5"])
      const left = yield* claims.left
      assert.deepStrictEqual([left(5), left(6)], [null, null])
    }))

  it.effect("are told without what is lost while one waits for more", () =>
    Effect.gen(function*() {
      const { answer, claims, held } = yield* Session.make
      const ask = Effect.forkChild(claims.acquire([5, 6], Duration.seconds(2)), { startImmediately: true })
      const first = yield* ask
      held.set(5, { token: "t5", left: 6_000 })
      yield* answer()
      yield* Fiber.join(first)
      const next = yield* ask
      held.delete(5)
      held.set(6, { token: "t6", left: 6_000 })
      yield* answer()
      assert.deepStrictEqual([...(yield* Fiber.join(next)).tokens], [[6, "t6"]])
      assert.strictEqual((yield* claims.left)(5), 0)
    }))

  it.effect("are not answered where the leader refuses, or says nothing in time", () =>
    Effect.gen(function*() {
      const { answer, claims } = yield* Session.make
      const both = Effect.all([claims.acquire([5], Duration.seconds(2)), claims.confirm(Duration.seconds(2))], {
        concurrency: "unbounded"
      })
      for (const befalls of [answer(null), TestClock.adjust("2 seconds")]) {
        const asking = yield* Effect.forkChild(both, { startImmediately: true })
        yield* befalls
        const [{ isAnswered, tokens }, isConfirmed] = yield* Fiber.join(asking)
        assert.deepStrictEqual([isAnswered, isConfirmed, tokens.size], [false, false, 0])
      }
    }))

  it.effect("end with their scope, when nothing is done any more with what they hold", () =>
    Effect.gen(function*() {
      const { close, ends } = yield* Session.make
      yield* close
      assert.deepStrictEqual(ends, [true])
    }))

  it.effect("tell once a minute why nothing can be held", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
      yield* Effect.gen(function*() {
        const { events } = yield* Session.make
        const refuse = Effect.andThen(
          Queue.offer(events, { _tag: "HoldRefused", hold: 1, why: "Differs" }),
          TestClock.adjust("20 seconds")
        )
        yield* Effect.repeat(refuse, { times: 5 })
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.lengthOf(lines, 2)
      assert.include(lines[0]!, "shardLockExpiration")
    }))
})
