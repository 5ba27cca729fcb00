import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Timers from "../../src/protocol/model/Timers.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Server from "./harness/Server.ts"

const act = Schema.Union([
  Schema.Struct({
    do: Schema.Literals(["set", "set", "set"]),
    key: Schema.Literals(["a", "b", "c", "d", "e"]),
    due: Schema.Literals([1, 2, 2, 3, 7, 1e9])
  }),
  Schema.Struct({ do: Schema.Literals(["clear"]), key: Schema.Literals(["a", "b", "c", "d", "e"]) })
])

describe("timers as data", () => {
  it("there are none at first", () => {
    assert.strictEqual(Timers.nextDue(Timers.empty), Infinity)
    assert.isFalse(Timers.has(Timers.empty, "a"))
    assert.strictEqual(Timers.clear(Timers.empty, "a"), Timers.empty)
  })

  it("are in the order in which they are due, those of one time in the order in which they were set", () => {
    let timers: Timers.Timers<string> = Timers.empty
    for (const [key, due] of [["late", 9], ["b", 5], ["a", 5], ["early", 1]] as const) {
      timers = Timers.set(timers, key, due, key)
    }
    assert.deepStrictEqual(timers.map(({ key }) => key), ["early", "b", "a", "late"])
    const anew = Timers.set(timers, "b", 5, "anew")
    assert.deepStrictEqual(anew.map(({ key, timer }) => [key, timer]), [
      ["early", "early"],
      ["a", "a"],
      ["b", "anew"],
      ["late", "late"]
    ])
  })

  it.prop(
    "behave as a list does that is searched and sorted each time",
    [Arbitrary.array(Arbitrary.schema(act), { maxLength: 40 })],
    ([acts]) => {
      let timers: Timers.Timers<number> = Timers.empty
      let list: ReadonlyArray<{ readonly key: string; readonly due: number; readonly timer: number }> = []
      for (const [index, act] of acts.entries()) {
        list = list.filter(({ key }) => key !== act.key)
        if (act.do === "clear") timers = Timers.clear(timers, act.key)
        else {
          timers = Timers.set(timers, act.key, act.due, index)
          list = [...list, { key: act.key, due: act.due, timer: index }]
        }
        const sorted = list.toSorted((a, b) => a.due - b.due)
        assert.deepStrictEqual(timers, sorted)
        assert.strictEqual(Timers.nextDue(timers), sorted[0]?.due ?? Infinity)
        for (const key of ["a", "b", "c"]) {
          assert.strictEqual(Timers.has(timers, key), list.some((one) => one.key === key))
        }
      }
    },
    { arbitrary: { runs: 500 } }
  )
})

const timing = Server.timing({}, "fast")

const self: Member.Member = {
  id: Member.NodeId.make("00000000000000aa"),
  ip: "10.0.0.1",
  port: 4_000,
  hostname: "h",
  name: "n",
  priority: 0,
  incarnation: 1,
  tags: {}
}

describe("timers (protocol 4, a stall is not a death)", () => {
  // A frozen leader woke by a timer of its own, lost the timer that ends its recovery, and followed a lower one without end.
  it("a timer whose time finds that we were suspended does not fire by its old setting, and the recovery's end is set", () => {
    const initial = Step.make({ timing, self, addresses: [self], monotonic: 0 })
    const [started] = Step.step(initial, { _tag: "Start" }, { monotonic: 0, wall: 1, entropy: 1 })
    assert.strictEqual(Step.dueAt(started), timing.discoveryWindow)
    const [woken] = Step.step(started, { _tag: "Due" }, { monotonic: 5_000, wall: 5_001, entropy: 2 })
    assert.strictEqual(woken.phase, "Recovering")
    const over = woken.timers.find(({ key }) => key === "discovery")
    assert.strictEqual(over?.due, 5_000 + timing.discoveryWindow)
    const [live] = Step.step(woken, { _tag: "Due" }, { monotonic: 5_200, wall: 5_201, entropy: 3 })
    assert.strictEqual(live.phase, "Live")
  })
})
