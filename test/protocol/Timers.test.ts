import { assert, describe, it } from "@effect/vitest"
import * as Member from "../../src/protocol/Member.ts"
import * as Step from "../../src/protocol/Step.ts"
import type { Output } from "../../src/protocol/Turn.ts"
import * as Server from "./harness/Server.ts"

const rules = Server.rules({}, "fast")

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

const discovery = (outputs: ReadonlyArray<Output>) =>
  outputs.find((output): output is Extract<Output, { _tag: "SetTimer" }> =>
    output._tag === "SetTimer" && output.key === "discovery"
  )!

describe("timers (protocol 4, a stall is not a death)", () => {
  // A frozen leader woke by a timer of its own, told that very timer to stop, was so interrupted in the middle of its
  // step, and lost the timer that ends its recovery: it followed a lower one for ever.
  it("a timer whose fire finds that we were asleep is not told to stop, and the recovery's end is set", () => {
    const initial = Step.make({ rules, self, addresses: [self], monotonic: 0 })
    const [started, first] = Step.step(initial, { _tag: "Start" }, { monotonic: 0, wall: 1, entropy: 1 })
    const { key, timer, token } = discovery(first)
    const [woken, outputs] = Step.step(started, { _tag: "TimerFired", key, token, timer }, {
      monotonic: 5_000,
      wall: 5_001,
      entropy: 2
    })
    assert.isFalse(outputs.some((output) => output._tag === "ClearTimer" && output.token === token))
    assert.strictEqual(woken.phase, "Recovering")
    const next = discovery(outputs)
    const [live] = Step.step(woken, { ...next, _tag: "TimerFired" }, {
      monotonic: 5_200,
      wall: 5_201,
      entropy: 3
    })
    assert.strictEqual(live.phase, "Live")
  })
})
