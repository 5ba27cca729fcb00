import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as NodeSinceBoot from "../../src/transport/node/NodeSinceBoot.ts"
import * as SinceBoot from "../../src/transport/SinceBoot.ts"

/** A machine whose uptime is cut to so many ms. */
const machine = (cut: number, uptime = 123_456.789) => {
  let slept = 0
  let now = 5_000.25
  let set = 0
  let lie: ((truth: number) => number | undefined) | undefined
  let stop = 0
  const truth = () => now + slept
  const cutOff = (millis: number) => Math.floor(Math.round(millis * 1e6) / 1e6 / cut) * cut
  let readings = 0
  const platform = {
    uptime: () => {
      readings += 1
      const told = lie === undefined ? truth() + uptime : lie(truth() + uptime)
      // The process is stopped right after it asked.
      now += stop
      stop = 0
      return told === undefined ? undefined : cutOff(told)
    },
    monotonic: () => now,
    wall: () => Math.floor(1_785_000_000_000 + truth() + set)
  }
  return {
    read: SinceBoot.combine(SinceBoot.sparing(platform)),
    pass: (millis: number) => void (now += millis),
    sleep: (millis: number) => void (slept += millis),
    /** Sets the wall clock. */
    set: (millis: number) => void (set += millis),
    /** From now on the uptime is told so. */
    lies: (how: typeof lie) => void (lie = how),
    /** How often the uptime was read. */
    readings: () => readings,
    stopsWhileReading: (millis: number) => void (stop = millis),
    truth
  }
}

type Machine = ReturnType<typeof machine>

/** Looks at the clock every 100 ms for so long, as a server does: how far it went besides that, and what is doubted more. */
const watch = ({ pass, read, truth }: Machine, millis = 3_000) => {
  const [first, start] = [read(), truth()]
  let last = first
  for (let passed = 0; passed < millis; passed += 100) {
    pass(100)
    last = read()
  }
  return { ahead: last.sinceBoot - first.sinceBoot - (truth() - start), doubted: last.doubted - first.doubted }
}

describe("the clock that counts suspensions (protocol 4)", () => {
  for (const cut of [10, 15.625, 1_000]) {
    it(`is fine, and never runs behind the truth, if the system's is cut to ${cut} ms`, () => {
      const { pass, read, sleep, truth } = machine(cut, cut === 1_000 ? 123_000 : 123_456.789)
      let [last, lastTruth] = [read().sinceBoot, truth()]
      for (
        const [awake, asleep] of [[0.5, 0], [250, 0], [3, 60_000], [0, 0], [999, 0], [40, 2_500], [7_000, 0]] as const
      ) {
        pass(awake)
        sleep(asleep)
        const { doubted, sinceBoot: now } = read()
        assert.isAtLeast(now - last, truth() - lastTruth - 1e-6)
        assert.isAtMost(now - last, truth() - lastTruth + 3 * Math.max(cut, 20))
        if (asleep === 0) assert.closeTo(now - last, awake, 1e-6)
        assert.strictEqual(doubted, 0)
        ;[last, lastTruth] = [now, truth()]
      }
    })
  }

  it("counts no jump that the uptime makes alone, and tells it once", () => {
    for (const jump of [10_000, 300 * 86_400_000]) {
      const one = machine(10)
      watch(one)
      const before = one.read()
      one.lies((truth) => truth + jump)
      one.pass(1_000)
      const after = one.read()
      assert.closeTo(after.sinceBoot - before.sinceBoot, 1_000, 1e-6)
      assert.closeTo(after.doubted - before.doubted, jump, 40)
      assert.strictEqual(watch(one).doubted, 0)
    }
  })

  it("counts a suspension after the uptime jumped up and back, after it was set back, and after it jumped and stayed so", () => {
    for (
      const lies of [
        [(truth: number) => truth + 300 * 86_400_000, undefined],
        [(truth: number) => truth - 100_000, undefined],
        [(truth: number) => truth + 300 * 86_400_000],
        [(truth: number) => truth - 100_000],
        [() => undefined, undefined],
        [() => 5_000, undefined]
      ]
    ) {
      const one = machine(10)
      for (const lie of lies) {
        watch(one)
        one.lies(lie)
        assert.closeTo(watch(one).ahead, 0, 1e-6)
      }
      one.sleep(600_000)
      const before = one.read()
      assert.strictEqual(watch(one).doubted, 0)
      one.sleep(600_000)
      const { sinceBoot } = one.read()
      assert.closeTo(sinceBoot - before.sinceBoot, 603_000, 100)
    }
  })

  it("takes a jump of a wall clock that is set for none", () => {
    const one = machine(10)
    watch(one)
    for (const by of [3_600_000, -7_200_000]) {
      one.set(by)
      assert.deepInclude(watch(one), { doubted: 0 })
    }
  })

  it("counts all of a suspension after which the wall clock is set back a little, and doubts one that it denies", () => {
    const one = machine(10)
    watch(one)
    const before = one.read()
    one.sleep(10_000)
    one.set(-2_000)
    const after = one.read()
    assert.closeTo(after.sinceBoot - before.sinceBoot, 10_000, 50)
    assert.strictEqual(after.doubted, 0)
    watch(one)
    one.sleep(10_000)
    one.set(-9_000)
    const denied = one.read()
    assert.closeTo(denied.sinceBoot - after.sinceBoot, 3_000, 1e-6)
    assert.closeTo(denied.doubted, 10_000, 40)
  })

  it("sees a short suspension also if its first look came on a whole second, though the uptime has hundredths", () => {
    const one = machine(10, 123_000 - 5_000.25)
    watch(one, 200)
    const before = one.read()
    one.sleep(500)
    assert.closeTo(one.read().sinceBoot - before.sinceBoot, 500, 50)
  })

  it("goes on if the granularity of the uptime changes while it runs", () => {
    const one = machine(10)
    watch(one)
    one.lies((truth) => Math.floor(truth / 1_000) * 1_000)
    assert.deepInclude(watch(one, 5_000), { doubted: 0 })
    one.lies(undefined)
    assert.deepInclude(watch(one, 5_000), { doubted: 0 })
  })

  it("takes a stop between two readings for no jump", () => {
    const one = machine(10)
    watch(one)
    one.stopsWhileReading(2_000)
    const { ahead, doubted } = watch(one)
    assert.closeTo(ahead, 0, 1e-6)
    assert.strictEqual(doubted, 0)
  })

  it("runs as the monotonic one while the uptime is unknown from the start, and when it comes", () => {
    const one = machine(10)
    one.lies(() => undefined)
    assert.closeTo(watch(one).ahead, 0, 1e-6)
    one.lies(undefined)
    assert.deepStrictEqual(watch(one), { ahead: watch(one).ahead, doubted: 0 })
  })

  it("reads the uptime once a second, and at once if the wall clock jumped", () => {
    const one = machine(10)
    watch(one)
    const before = one.readings()
    for (let at = 0; at < 10_000; at++) {
      one.pass(1)
      one.read()
    }
    assert.closeTo(one.readings() - before, 10, 1)
    const calm = one.readings()
    one.sleep(40)
    one.read()
    assert.strictEqual(one.readings(), calm + 1)
  })

  const Happening = Schema.Union([
    Schema.Struct({ asleep: Schema.Literals([500, 5_000, 600_000]) }),
    Schema.Struct({ jump: Schema.Literals([-1_000_000, -5_000, 5_000, 1_000_000]) }),
    Schema.Struct({ passes: Schema.Literals([100, 700, 12_000]) })
  ])
  it.effect.prop(
    "is never behind the truth, nor far ahead of it, with any course of the uptime",
    [Arbitrary.schema(Schema.Array(Happening))],
    ([happenings]) =>
      Effect.sync(() => {
        const one = machine(10)
        watch(one, 200)
        let off = 0
        let asleep = 0
        const [before, start] = [one.read().sinceBoot, one.truth()]
        for (const happening of happenings) {
          if ("asleep" in happening) {
            one.sleep(happening.asleep)
            asleep += 1
          } else if ("jump" in happening) {
            off += happening.jump
            const by = off
            one.lies((truth) => truth + by + 10_000_000_000)
          } else {
            one.pass(happening.passes)
          }
          // A jump besides a suspension is not told apart from it: nothing else happens in the seconds around.
          watch(one, 12_000)
        }
        const went = one.read().sinceBoot - before
        assert.isAtLeast(went, one.truth() - start - 1e-3)
        assert.isAtMost(went, one.truth() - start + 50 * asleep + 1e-3)
      }),
    { arbitrary: { runs: 200 } }
  )

  it.live("of this machine goes forward", () =>
    Effect.gen(function*() {
      const clock = yield* SinceBoot.SinceBoot
      assert.isDefined(clock)
      const before = clock()
      yield* Effect.sleep(20)
      const after = clock()
      assert.isAbove(after.sinceBoot - before.sinceBoot, 10)
      assert.isAbove(before.sinceBoot, 0)
      assert.strictEqual(after.doubted, 0)
    }).pipe(Effect.provide(NodeSinceBoot.layer)))

  it.effect("is unknown if nobody provides it", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* SinceBoot.SinceBoot)
    }))
})
