/** The figures of docs/tuning.md are decided by their seeds, and the picture is drawn of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Page from "../docs/Page.ts"
import * as Radio from "./Radio.ts"
import * as Tuning from "./Tuning.ts"

describe("what docs/tuning.md shows", () => {
  const grid: Tuning.Grid = {
    networks: [Radio.networks.switch, Radio.networks.saving],
    leaderIntervals: [500],
    probeTimeouts: [150],
    signs: 1_200,
    cuts: 3
  }

  it("is the same each time, a leader that is cut off is replaced, and on one switch none that lives", () => {
    const points = Tuning.measureAll(() => {}, grid)
    assert.deepStrictEqual(Tuning.measureAll(() => {}, grid), points)
    const [first, second] = points
    assert.strictEqual(first!.demotions, 0)
    assert.isTrue(first!.detection > 1.5 && first!.detection < 2.7, `${first!.detection} s`)
    assert.isBelow(second!.detection, 10)
  })

  it("is drawn as dots, and told as a table", () => {
    const points = Tuning.measureAll(() => {}, grid)
    assert.strictEqual(Tuning.draw(points).split("<title>one switch").length, 2)
    assert.strictEqual(Tuning.table(points).split("\n").length, 3)
  })

  it("has a line for each pair of times that the script measures", () => {
    const page = Page.read("docs/tuning.md")
    for (const interval of Tuning.grid.leaderIntervals) {
      for (const timeout of Tuning.grid.probeTimeouts) assert.include(page, `| ${interval} / ${timeout} ms`)
    }
  })
})

describe("a leader whose followers are on Wi-Fi that saves power (protocol, the leader's pace)", () => {
  it("is given up less than once in two hours by each", () => {
    const group = new Radio.Radio(Radio.networks.saving, 4, 7, Radio.timing())
    group.pass(2 * 3_600_000)
    assert.isAtMost(group.falseDemotions, 3)
  })
})

describe("members on Wi-Fi that saves power (protocol 4, watching)", () => {
  it("are asked for long enough: in six hours of four servers nobody removes one that lives", () => {
    for (const seed of [11, 12, 13]) {
      const group = new Radio.Radio(Radio.networks.saving, 4, seed, Radio.timing())
      group.pass(2 * 3_600_000)
      assert.strictEqual(group.falseRemovals, 0, `seed ${seed}`)
    }
  })
})
