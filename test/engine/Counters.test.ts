import { assert, describe, it } from "@effect/vitest"
import * as Counters from "../../src/engine/Counters.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"

const self = Member.NodeId.make("00000000000000aa")
const other = Member.NodeId.make("00000000000000bb")
const member = { id: self } as Member.Member

const changed = (more: Partial<Extract<Event.Event, { readonly event: "LeaderChanged" }>>): Event.Event => ({
  at: 0,
  event: "LeaderChanged",
  election: "",
  leader: member,
  from: null,
  term: 1,
  cause: "Crashed",
  without: 700,
  ...more
})

const delivered = (leader: Member.NodeId, term: number, index: number) => ({
  _tag: "Send" as const,
  to: [null],
  message: { type: "CLIENT_DELIVER", leader, term, index } as Message.Of<"CLIENT_DELIVER">
})

describe("the counters of a server", () => {
  it("know the group's own election from the start, with nothing in it", () => {
    const { elections } = Counters.make(self).counted()
    assert.deepStrictEqual(elections.get("")?.outcomes, { won: 0, lost: 0, open: 0 })
    assert.strictEqual(elections.size, 1)
  })

  it("count new leaders by cause, with how long there was none; not that one was lost, nor another path to the same", () => {
    const counters = Counters.make(self)
    counters.event(changed({ leader: null }))
    counters.event(changed({}))
    counters.event(changed({ cause: "PathChanged" }))
    counters.event(changed({ cause: "LeaseLost", without: 0 }))
    const group = counters.counted().elections.get("")
    assert.deepStrictEqual(group?.changes, { Crashed: 1, LeaseLost: 1 })
    assert.deepStrictEqual([group?.vacant.count, group?.vacant.sum], [2, 700])
  })

  it("count a pause, and not one that may have been none", () => {
    const counters = Counters.make(self)
    counters.event({ at: 0, event: "Stalled", for: 40_000 })
    counters.event({ at: 0, event: "Stalled", for: 0, doubted: 5_000 })
    assert.deepStrictEqual([counters.counted().pauses.count, counters.counted().pauses.sum], [1, 40_000])
  })

  it("count a client's message as accepted once, and as repeated each time that it is said again", () => {
    const counters = Counters.make(self)
    for (const index of [1, 2, 2, 1]) counters.output(delivered(self, 5, index))
    counters.output(delivered(other, 6, 1))
    counters.output(delivered(self, 7, 1))
    const { accepted, repeated } = counters.counted().messages
    assert.deepStrictEqual([accepted, repeated], [3, 3])
  })

  it("count elections beyond the most together", () => {
    const counters = Counters.make(self)
    for (let n = 0; n < Counters.maxElections + 10; n++) {
      counters.ended({ election: `election-${n}`, outcome: "won", term: 1 })
    }
    const { elections } = counters.counted()
    assert.strictEqual(elections.size, Counters.maxElections + 1)
    assert.strictEqual(elections.get(Counters.others)?.outcomes.won, 11)
  })
})
