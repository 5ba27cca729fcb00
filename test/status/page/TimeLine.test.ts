/** The time line: what it shows of the past, and how it scrolls and zooms. */
import { assert, describe, it } from "@effect/vitest"
import type * as History from "../../../src/status/History.ts"
import * as TimeLine from "../../../src/status/page/TimeLine.ts"
import * as Peer from "../../protocol/harness/Peer.ts"

const { member } = Peer

const history: History.History = {
  since: 0,
  missed: 0,
  reigns: [
    { election: "", term: 1, leader: member("z"), from: 100, to: 600, cause: "Start", end: "Silent", without: 0 },
    { election: "", term: 2, leader: member("m"), from: 700, to: null, cause: "Silent", end: null, without: 100 },
    { election: "jobs", term: 1, leader: member("a"), from: 500, to: null, cause: "Start", end: null, without: 0 }
  ],
  absences: [
    { member: member("z"), from: 600, to: 900, reason: { _tag: "Left" } },
    { member: member("z"), from: 950, to: null, reason: { _tag: "Left" } }
  ],
  pauses: [{ at: 500, for: 100 }]
}

const bars = (window: TimeLine.Window) =>
  TimeLine.lanes(history, window, 1_000).map(({ bars, label }) =>
    [label].concat(bars.map(({ label, left, width }) => `${label} ${left.toFixed(2)}+${width.toFixed(2)}`))
  )

describe("the time line", () => {
  it("has who led, who was away and when the server was paused, as far as they lie in the window", () => {
    assert.deepStrictEqual(bars({ span: 1_000, end: null }), [
      ["Leader", "z 0.10+0.50", "m 0.70+0.30"],
      ["Leader of jobs", "a 0.50+0.50"],
      ["z away", "z 0.95+0.05", "z 0.60+0.30"],
      ["Own pauses", "paused 0.40+0.10"]
    ])
    assert.deepStrictEqual(bars({ span: 200, end: 300 }), [["Leader", "z 0.00+1.00"], ["Leader of jobs"]])
  })

  it("shows the members whose absences are the newest where there are too many", () => {
    const absences = "abcdefghijkl".split("").map((name, index) => ({
      member: member(name),
      from: index,
      to: null,
      reason: { _tag: "Left" as const }
    }))
    const lanes = TimeLine.lanes({ ...history, absences }, { span: 1_000, end: null }, 1_000)
    const away = lanes.filter(({ label }) => label.endsWith("away")).map(({ label }) => label[0])
    assert.strictEqual(away.join(""), "lkjihgfe")
  })

  it("follows the present until it is scrolled back, and follows it again at the end", () => {
    const back = TimeLine.pan({ span: 1_000, end: null }, -0.5, 10_000)
    assert.deepStrictEqual(TimeLine.bounds(back, 12_000), [8_500, 9_500])
    assert.strictEqual(TimeLine.pan(back, 5, 12_000).end, null)
  })

  it("zooms around the place that is pointed at, between five seconds and two weeks", () => {
    const window = { span: 100_000, end: 200_000 }
    const zoomed = TimeLine.zoom(window, 0.5, 1_000_000, 0.25)
    assert.deepStrictEqual(TimeLine.bounds(zoomed, 1_000_000), [112_500, 162_500])
    assert.strictEqual(TimeLine.zoom(window, 1e-9, 1_000_000).span, 5_000)
    assert.strictEqual(TimeLine.zoom({ span: 100_000, end: null }, 1e9, 1e12).span, 14 * 86_400_000)
    assert.strictEqual(TimeLine.zoom({ span: 100_000, end: null }, 2, 1e12).end, null)
  })

  it("begins with all of a short past and the last ten minutes of a long one", () => {
    assert.strictEqual(TimeLine.firstOf(history, 1_000).span, 60_000)
    assert.strictEqual(TimeLine.firstOf(history, 1e9).span, 600_000)
  })

  it("marks whole times, no more than there is space for", () => {
    for (const span of [5_000, 61_000, 600_000, 86_400_000, 14 * 86_400_000]) {
      const ticks = TimeLine.ticks({ span, end: null }, 1_796_038_097_166, 6)
      assert.isAtLeast(ticks.length, 1)
      assert.isAtMost(ticks.length, 7)
      for (const { at, left } of ticks) {
        assert.strictEqual(at % 1_000, 0)
        assert.isTrue(left > 0 && left < 1)
      }
    }
  })
})
