import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NodeSinceBoot from "../../src/transport/NodeSinceBoot.ts"
import * as SinceBoot from "../../src/transport/SinceBoot.ts"

/** A machine whose coarse clock is cut to so many ms. */
const machine = (cut: number, uptime = 123_456.789) => {
  let slept = 0
  let now = 5_000.25
  return {
    platform: {
      coarse: () => Math.floor((now + slept + uptime) / cut) * cut,
      fine: () => now
    },
    pass: (millis: number) => void (now += millis),
    sleep: (millis: number) => void (slept += millis),
    truth: () => now + slept
  }
}

describe("the clock that counts suspensions", () => {
  for (const cut of [10, 1_000]) {
    it(`is fine, and never runs behind the truth, where the system's is cut to ${cut} ms`, () => {
      const { pass, platform, sleep, truth } = machine(cut, cut === 10 ? 123_456.789 : 123_000)
      const clock = SinceBoot.combine(platform)
      let [last, lastTruth] = [clock(), truth()]
      for (
        const [awake, asleep] of [[0.5, 0], [250, 0], [3, 60_000], [0, 0], [999, 0], [40, 2_500], [7_000, 0]] as const
      ) {
        pass(awake)
        sleep(asleep)
        const now = clock()
        assert.isAtLeast(now - last, truth() - lastTruth - 1e-6)
        assert.isAtMost(now - last, truth() - lastTruth + 3 * cut)
        if (asleep === 0) assert.closeTo(now - last, awake, 1e-6)
        ;[last, lastTruth] = [now, truth()]
      }
    })
  }

  it.live("of this machine goes forward", () =>
    Effect.gen(function*() {
      const clock = yield* SinceBoot.SinceBoot
      assert.isDefined(clock)
      const before = clock()
      yield* Effect.sleep(20)
      assert.isAbove(clock() - before, 10)
      assert.isAbove(before, 0)
    }).pipe(Effect.provide(NodeSinceBoot.layer)))

  it.effect("is unknown where nobody gives it", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* SinceBoot.SinceBoot)
    }))
})
