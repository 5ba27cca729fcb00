/** The app of a simulated run that holds what is shared: what it does under a grant ends with it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import type * as Holds from "../../src/server/Holds.ts"
import * as Holding from "../../src/simulator/internal/holding.ts"
import type * as Watcher from "../../src/simulator/Watcher.ts"

/** The app on a server that has two partitions, whose work takes so many ms to stop. It tells what it hears. */
const holding = Effect.fnUntraced(function*(stopsIn: number) {
  const told: Array<string> = []
  const sessions: Array<Queue.Queue<Holds.HoldEvent>> = []
  const hold = Effect.fnUntraced(function*({ space }: { readonly space: string }) {
    const events = yield* Queue.unbounded<Holds.HoldEvent>()
    sessions.push(events)
    const session: Partial<Holds.Hold> = {
      events,
      token: () => Effect.succeed("1"),
      release: () => Effect.void,
      end: (finished) => Effect.sync(() => void told.push(`${space} ends, all work over: ${finished}`))
    }
    return session as Holds.Hold
  })
  const grants = {
    workStarts: (_: unknown, { resource }: { readonly resource: number }) => (what: string) =>
      void told.push(`${resource} ${what}`)
  }
  // By this chance its share is a part of the app, and is interrupted with it.
  const fiber = yield* Effect.forkChild(
    Random.withSeed(
      Holding.run({
        hold,
        watcher: { grants } as unknown as Watcher.Watcher,
        index: 0,
        start: 0,
        expiry: 6_000,
        stopTimeout: 500,
        drawStop: () => Effect.succeed(Effect.sleep(stopsIn))
      }),
      "a"
    ),
    { startImmediately: true }
  )
  for (const resource of [0, 1]) yield* Queue.offer(sessions[0]!, { _tag: "Granted", hold: 1, resource, token: "1" })
  yield* TestClock.adjust(1)
  return { fiber, told }
})

describe("the app of a simulated run", () => {
  it.effect("ends what it does under grants when it is interrupted, and then its session", () =>
    Effect.gen(function*() {
      const { fiber, told } = yield* holding(100)
      const ending = yield* Effect.forkChild(Fiber.interrupt(fiber))
      for (let step = 0; step < 10; step++) yield* TestClock.adjust(100)
      yield* Fiber.join(ending)
      assert.deepStrictEqual(told, ["0 ended", "1 ended", "partitions ends, all work over: true"])
    }))

  it.effect("waits for that as long as work may take to stop", () =>
    Effect.gen(function*() {
      const { fiber, told } = yield* holding(900)
      const ending = yield* Effect.forkChild(Fiber.interrupt(fiber))
      for (let step = 0; step < 10; step++) yield* TestClock.adjust(100)
      yield* Fiber.join(ending)
      assert.deepStrictEqual(told, ["partitions ends, all work over: false", "0 ended", "1 ended"])
    }))
})
