import { assert, describe, it } from "@effect/vitest"
import * as Message from "../../src/protocol/model/Message.ts"
import * as Fuzzer from "./Fuzzer.ts"
import * as Hostile from "./Hostile.ts"

const inputs = 12_000

describe("hostile datagrams (protocol 7)", () => {
  it("have one of each kind of message to begin with", () => {
    const kinds = new Set(Hostile.corpus.map(({ type }) => type))
    assert.sameMembers([...kinds], Object.keys(Message.Message.cases))
  })

  it("throw nothing, change nothing where they are no message, and fill no table without end", () => {
    const report = Fuzzer.run({ seed: 2, inputs })
    assert.strictEqual(report.inputs, inputs)
    // They must get through to where it hurts.
    assert.isAbove(report.framed, inputs / 3)
    assert.isAbove(report.messages, inputs / 5)
    for (const kind of Object.keys(Message.Message.cases)) assert.isAbove(report.kinds[kind] ?? 0, 50, kind)
    for (
      const reason of [
        "NotOurs",
        "OtherGroup",
        "UnknownFlags",
        "TooLong",
        "NotJson",
        "UnknownType",
        "Invalid",
        "Sealed",
        "NotSealed",
        "UnknownKey",
        "Forged",
        "Repeated",
        "Unauthenticated",
        "Stale",
        "Departed",
        "Duplicate",
        "MembersFull",
        "ClientsFull",
        "TombstonesFull",
        "NotDirect"
      ]
    ) {
      assert.isAbove(report.drops[reason] ?? 0, 0, reason)
    }
    for (
      const event of ["MemberJoined", "MemberRemoved", "LeaderChanged", "Stalled", "DuplicateIdentity", "UnicastOnly"]
    ) {
      assert.isAbove(report.events[event] ?? 0, 0, event)
    }
    for (const event of ["Joined", "LeaderChanged", "MessageAcknowledged", "MessageReceived", "MessageLost"]) {
      assert.isAbove(report.clientEvents[event] ?? 0, 0, event)
    }
  })

  it("are the same for the same seed", () => {
    assert.deepStrictEqual(Fuzzer.run({ seed: 3, inputs: 1_500 }), Fuzzer.run({ seed: 3, inputs: 1_500 }))
  })
})
