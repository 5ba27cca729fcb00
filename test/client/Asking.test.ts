/**
 * When an observer asks, whom, and what an answer says: pure.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Asking from "../../src/client/Asking.ts"
import * as Learning from "../../src/client/Learning.ts"
import * as Observation from "../../src/client/Observation.ts"
import * as Ranked from "../../src/protocol/membership/Ranked.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import type * as ListReading from "../../src/server/ListReading.ts"

const member = (number: number): Member.Member => ({
  id: Member.NodeId.make(number.toString(16).padStart(16, "0")),
  ip: "192.0.2.1",
  port: 40_000 + number,
  hostname: "host",
  name: `s${number}`,
  priority: 9 - number,
  incarnation: 1_700_000_000_000,
  tags: {}
})

const [one, two, three] = [member(1), member(2), member(3)]
const listed = (member: Member.Member): Message.Listed => ({ ...member, heard: 0 })
const at = ({ ip, port }: Member.Address): Member.Address => ({ ip, port })

const nothing = Observation.make({ monotonic: 0, wall: 0 })

/** What is known once the first of two has answered, at 1,000 ms. */
const [known] = Learning.answered(nothing, {
  by: one.id,
  isAll: true,
  view: Ranked.digest([one, two]),
  members: [listed(one), listed(two)],
  leader: Reign.make(7, one).leader,
  term: 7,
  askedAt: 1_000
}, { monotonic: 1_000, wall: 0 })

const asked = { at: 1_000, pages: 1, inVain: 0, share: 0.5 }
const hears = Asking.manner(true, 0, 10_000, false)
const alone = Asking.manner(false, 1, 10_000, false)

describe("an observer asks", () => {
  it("at once again when it hears a group that has not answered, and less and less often while it hears none", () => {
    const due = (inVain: number, manner = hears) => Asking.dueAt(nothing, { ...asked, inVain }, manner)
    assert.deepStrictEqual([0, 1, 2, 6, 50].map((inVain) => due(inVain)), [1_500, 2_000, 3_000, 31_000, 31_000])
    assert.deepStrictEqual([0, 6].map((inVain) => due(inVain, alone)), [1_500, 11_000])
    assert.strictEqual(Asking.dueAt({ ...nothing, heardAt: 1_200 }, { ...asked, inVain: 50 }, hears), 1_500)
  })

  it("once in a heartbeat where it hears nothing, and where it does when three of the leader's are lost", () => {
    assert.strictEqual(Asking.dueAt(known, asked, alone), 11_000)
    assert.strictEqual(Asking.dueAt(known, asked, hears), 31_000)
    const [heard] = Learning.heard(
      known,
      {
        type: "SERVER_ALIVE",
        sender: one,
        term: 7,
        leader: Reign.make(7, one).leader,
        heard: 7,
        interval: 3_000,
        view: known.digest
      },
      one,
      "multicast",
      { monotonic: 8_000, wall: 0 }
    )
    assert.strictEqual(Asking.dueAt(heard, asked, hears), 17_000)
  })

  it("soon where the leader sees others, and less often where that stays so", () => {
    const differs = { ...known, differsAt: 60_000 }
    assert.strictEqual(Asking.dueAt(differs, asked, hears), 60_100, "observers do not all ask at one instant")
    const due = (inVain: number) => Asking.dueAt(differs, { ...asked, at: 60_000, inVain }, hears)
    assert.deepStrictEqual([0, 1, 2, 6].map(due), [60_700, 61_400, 62_800, 90_000])
  })

  it("at each sign of a change where it is in a hurry", () => {
    const doubtful = { ...known, isDoubtful: true }
    assert.strictEqual(Asking.dueAt(doubtful, asked, hears), 31_000)
    assert.strictEqual(Asking.dueAt(doubtful, asked, Asking.manner(true, 0, 1_000, true)), 1_700)
  })
})

describe("an observer asks whom", () => {
  const seed = { ip: "192.0.2.9", port: 5_000 }

  it("everybody at first, then the leader, then others one by one", () => {
    const places = { multicast: true, seeds: [], first: at(two) }
    assert.deepStrictEqual(Asking.placesAt(nothing, { ...places, first: undefined }, 0), [null])
    const all = [0, 1, 2, 3, 4, 5].map((time) => Asking.placesAt(known, places, time))
    assert.deepStrictEqual(all, [[at(one)], [at(one)], [null], [at(one)], [at(two)], [null]])
  })

  it("without multicast who answered last, then others one by one", () => {
    const places = { multicast: false, seeds: [seed], first: at(two) }
    assert.deepStrictEqual(Asking.placesAt(nothing, { ...places, first: undefined }, 3), [seed])
    const all = [0, 1, 2, 3, 4, 5].map((time) => Asking.placesAt(known, places, time))
    assert.deepStrictEqual(all, [[at(two)], [at(two)], [seed], [at(one)], [at(two)], [seed]])
  })

  it("nobody where nobody is left to ask", () => {
    const places = { multicast: false, seeds: [], first: undefined }
    const empty = { ...nothing, answeredBy: one.id }
    assert.deepStrictEqual(Asking.placesAt(empty, places, 0), [])
  })
})

describe("an observer reads an answer", () => {
  const reading = (
    members: ReadonlyArray<Message.Listed>,
    view?: number,
    of = 1
  ): ListReading.Reading => ({
    from: at(one),
    by: one.id,
    lines: new Map(members.map((line) => [line.id, line])),
    leader: null,
    term: 7,
    view,
    read: of,
    of
  })
  const answer = (read: ListReading.Reading, digest: number | undefined = known.digest) => {
    const answered = Asking.answerOf(read, 1_000, digest, known)
    return answered === null ? null : [answered.isAll, answered.view, answered.members.length]
  }

  it("as all members, as none that it does not know, or as the one that it misses", () => {
    const all = Ranked.digest([one, two, three])
    assert.deepStrictEqual(answer(reading([one, two, three].map(listed), all)), [true, all, 3])
    assert.deepStrictEqual(answer(reading([])), [false, known.digest, 0])
    assert.deepStrictEqual(answer(reading([listed(three)])), [false, all, 1])
  })

  it("of an older server, which tells no details of the one or knows no such question", () => {
    const { hostname: _, tags: __, ...bare } = listed(three)
    assert.isNull(answer(reading([bare])), "it is asked for its list")
    assert.deepStrictEqual(Asking.answerOf(reading([bare]), 1_000, undefined, known)?.isAll, true)
    assert.deepStrictEqual(answer(reading([listed(one)])), [true, undefined, 1])
    assert.deepStrictEqual(answer(reading([one, two].map(listed))), [true, undefined, 2])
  })
})
