import { assert, describe, it } from "@effect/vitest"
import * as Step from "../../src/protocol/Step.ts"
import { Explorer } from "../../src/testing/index.ts"
import { bounds, lease } from "./Frontier.ts"

const show = ({ violation }: Explorer.Found) =>
  violation === null ? "" : `${JSON.stringify(violation.complaint)}\n${violation.path.join("\n")}`

/** `npm run explore` goes on for as long as it is let: this is its first seconds. */
describe("the promises hold in every state that three servers are seen to get into", () => {
  for (
    const [mode, from, states] of [
      ["bully", "settled", 3_000],
      ["bully", "cold", 3_000],
      ["lease", "settled", 1_000],
      // Found here: what a candidate said late, when it had heard of its own term already, ended its reign for who heard it.
      ["lease", "cold", 1_500]
    ] as const
  ) {
    it(`${mode}, ${from}`, () => {
      const found = Explorer.explore({ from, bounds, states, seed: 1, rules: mode === "lease" ? lease : {} })
      assert.isNull(found.violation, show(found))
      assert.strictEqual(found.states, states)
    }, 60_000)
  }

  it("all of them are visited where little may happen, in whatever order", () => {
    const few: Explorer.Bounds = { crashes: 0, restarts: 0, lost: 0, duplicated: 0, elections: 0, horizon: 400 }
    const visit = (seed: number) => Explorer.explore({ from: "settled", bounds: few, states: 200_000, seed })
    const found = visit(1)
    assert.isTrue(found.exhausted)
    assert.isAbove(found.states, 10)
    assert.isNull(found.violation)
    assert.strictEqual(visit(2).states, found.states)
  }, 60_000)

  it("the way to a state in which one is broken is told, step by step", () => {
    const found = Explorer.explore({
      from: "settled",
      bounds,
      states: 3_000,
      // Who is gone is never missed.
      transition: (state, input, now) =>
        input._tag === "Sweep" || input._tag === "Refused" ? [state, []] : Step.step(state, input, now)
    })
    assert.strictEqual(found.violation?.complaint.invariant, "settles")
    assert.match(found.violation!.path.at(-1)!, /^ *\d+ {2}\w/)
  }, 60_000)
})
