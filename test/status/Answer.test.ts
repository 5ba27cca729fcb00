import { assert, describe, it } from "@effect/vitest"
import type * as Inquiry from "../../src/client/Inquiry.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Answer from "../../src/status/Answer.ts"
import * as Style from "../../src/status/Style.ts"

const now = 1_700_000_000_000
const id = (number: number) => Member.NodeId.make(number.toString(16).padStart(16, "0"))
const line = (number: number, name: string, heard: number): Message.Listed => ({
  id: id(number),
  ip: `192.0.2.${number}`,
  port: 4_000,
  name,
  priority: number,
  incarnation: now - 60_000,
  heard,
  hostname: `host-${name}`,
  tags: {}
})
const kitchen = line(2, "kitchen", 12_500)
const bath = line(1, "bath", 0)
const leader = { id: kitchen.id, priority: 2, incarnation: kitchen.incarnation, ip: kitchen.ip, port: kitchen.port }
const answer: Inquiry.Answer = {
  members: [kitchen, bath],
  leader,
  term: 7,
  by: bath.id,
  from: { ip: "192.0.2.1", port: 4_000 }
}
const leaderLines = (change: Partial<Inquiry.Answer>) => Answer.leader({ ...answer, ...change }, now, Style.plain)
const memberLines = (change: Partial<Inquiry.Answer>) => Answer.members({ ...answer, ...change }, now, Style.plain)

describe("who leads, in words", () => {
  it("is a line of the table where the leader says so itself", () => {
    const [head, row, ...rest] = leaderLines({ by: kitchen.id })
    assert.match(head!, /NAME .* HEARD/)
    assert.match(row!, /^\* kitchen /)
    assert.deepStrictEqual(rest, [])
  })

  it("told by another, names that one, and since when it has not heard the leader", () => {
    const [, row, told] = leaderLines({})
    assert.match(row!, / 12s +7 /)
    assert.strictEqual(told, "as told by bath at 192.0.2.1:4000, which last heard it 12s ago")
  })

  it("is not said to be heard just now where the answering server does not list it", () => {
    const [, row, told] = leaderLines({ members: [bath] })
    assert.match(row!, /^\* 0000000000000002 .* \? +7 +\? +\?$/)
    assert.strictEqual(told, "as told by bath at 192.0.2.1:4000, which does not have it in its list")
    assert.strictEqual(leaderLines({ members: [] })[2]?.split(",")[0], "as told by 0000000000000001 at 192.0.2.1:4000")
  })

  it("is nobody where the answering server follows nobody", () => {
    assert.deepStrictEqual(leaderLines({ leader: null }), ["nobody leads"])
  })
})

describe("who is in the group, in words", () => {
  it("says who does not vote yet", () => {
    const lines = memberLines({ members: [kitchen, { ...bath, votesIn: 28_900 }] })
    assert.deepStrictEqual(lines.slice(3), ["bath does not vote yet: in 28s at the latest"])
    const never = memberLines({ members: [kitchen, { ...bath, votesIn: 86_400_000 }] })
    assert.deepStrictEqual(never.slice(3), ["bath has no vote"])
  })

  it("is a table with the leader marked", () => {
    const [, first, second, ...rest] = memberLines({})
    assert.match(first!, /^\* kitchen /)
    assert.match(second!, /^ {2}bath /)
    assert.deepStrictEqual(rest, [])
  })

  it("says where nobody leads, and where a leader is in no list", () => {
    assert.strictEqual(memberLines({ leader: null }).at(-1), "nobody leads")
    assert.strictEqual(
      memberLines({ members: [bath] }).at(-1),
      "0000000000000002 at 192.0.2.2:4000 leads, and is not in this list"
    )
  })

  it("names the server that answered by where it was heard", () => {
    assert.deepStrictEqual(Answer.answeredBy(answer), { id: bath.id, ip: "192.0.2.1", port: 4_000 })
  })
})
