/** Which instant of a schedule runs next (protocol, Scheduled runs). */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cron from "effect/Cron"
import * as Schema from "effect/Schema"
import type { Known } from "../../src/protocol/model/Runs.ts"
import * as Instants from "../../src/protocol/work/Instants.ts"

const minutely = Cron.parseUnsafe("* * * * *", "UTC")
const minute = 60_000
const noon = Date.UTC(2026, 5, 1, 12)
const nothing: Known = { begun: 0, done: 0, since: 0 }
const next = (catchUp: Instants.CatchUp, known: Partial<Known>, now: number, cron = minutely) =>
  Instants.next(cron, catchUp, { ...nothing, ...known }, now)

describe("the instant that runs next (protocol, Scheduled runs)", () => {
  it("is the first after now, where nothing has run and nothing is caught up", () => {
    assert.strictEqual(next("skip", {}, noon - 1), noon)
    assert.strictEqual(next("skip", {}, noon), noon + minute)
  })

  it("is never one that has begun, regardless of a new leader's clock", () => {
    for (const catchUp of ["skip", "once"] as const) {
      assert.strictEqual(next(catchUp, { begun: noon, done: noon }, noon - 2_000), noon + minute)
      assert.strictEqual(next(catchUp, { begun: noon, done: noon }, noon + 2_000), noon + minute)
    }
  })

  it("is none that a server may have known of that has started anew", () => {
    for (const catchUp of ["skip", "once"] as const) {
      assert.strictEqual(next(catchUp, { since: noon + 1_500 }, noon - 1), noon + minute)
      assert.strictEqual(next(catchUp, { since: noon + 1_500 }, noon + 1), noon + minute)
    }
  })

  it("is the newest that was missed, for `once`, and after it the first after now", () => {
    const known = { begun: noon, done: noon, since: 1 }
    assert.strictEqual(next("once", known, noon + 5.5 * minute), noon + 5 * minute)
    assert.strictEqual(next("once", known, noon + 5 * minute), noon + 5 * minute)
    assert.strictEqual(
      next("once", { ...known, begun: noon + 5 * minute, done: noon + 5 * minute }, noon + 5.5 * minute),
      noon + 6 * minute
    )
    assert.strictEqual(next("skip", known, noon + 5.5 * minute), noon + 6 * minute)
  })

  it("is one that began and is not known to be done, for `once`", () => {
    assert.strictEqual(next("once", { begun: noon, done: noon - minute }, noon + 5.5 * minute), noon)
    assert.strictEqual(next("skip", { begun: noon, done: noon - minute }, noon + 5.5 * minute), noon + 6 * minute)
  })

  it("is none where the schedule has none", () => {
    assert.strictEqual(next("skip", {}, noon, Cron.parseUnsafe("0 0 30 2 *", "UTC")), Infinity)
    assert.strictEqual(next("once", {}, noon, Cron.parseUnsafe("0 0 30 2 *", "UTC")), Infinity)
  })

  const instant = Schema.Int.check(Schema.isBetween({ minimum: noon - 600_000, maximum: noon + 600_000 }))
  const drawn = Arbitrary.schema(Schema.Struct({ begun: instant, since: instant, now: instant }))
  it.prop("is after all that may have begun, for all that is drawn", [drawn], ([{ begun, now, since }]) => {
    const last = Math.floor(begun / minute) * minute
    for (const catchUp of ["skip", "once"] as const) {
      const at = next(catchUp, { begun: last, done: last, since }, now)
      assert.isAbove(at, Math.max(last, since))
      assert.strictEqual(at % minute, 0)
      if (catchUp === "skip") assert.isAbove(at, now)
      assert.isAtMost(at, Math.max(last, since, now) + minute)
    }
  }, { arbitrary: { runs: 300 } })
})
