import { assert, describe, it } from "@effect/vitest"
import * as Progress from "../../src/cli/progress.ts"

const text = "seed 42, 00:21:18 of 01:00:00"

describe("the line that tells how far a command is", () => {
  it("has a bar of 30 if there is room, and a shorter one if there is less", () => {
    assert.strictEqual(Progress.line(0.5, text, 80), `[${"#".repeat(15)}${" ".repeat(15)}] ${text}`)
    assert.strictEqual(Progress.line(0.5, text, 40), `[###    ] ${text}`)
  })

  it("fits every width: without a bar if that would be shorter than 5, and cut if not even the text fits", () => {
    assert.strictEqual(Progress.line(0.5, text, 37), text)
    assert.strictEqual(Progress.line(0.5, text, 12), text.slice(0, 11))
    for (let columns = 1; columns < 120; columns++) {
      assert.isAtMost(Progress.line(0.3, text, columns).length, columns - 1)
    }
  })

  it("is empty at the start and full at the end, and never more than that", () => {
    assert.strictEqual(Progress.line(0, text, 80).indexOf("#"), -1)
    for (const share of [1, 1.5]) assert.include(Progress.line(share, text, 80), `[${"#".repeat(30)}]`)
    assert.include(Progress.line(-1, text, 80), `[${" ".repeat(30)}]`)
  })
})
