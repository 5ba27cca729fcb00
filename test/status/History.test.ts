/** The past of a group, made of its events. */
import { assert, describe, it } from "@effect/vitest"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as History from "../../src/status/History.ts"
import * as Peer from "../protocol/harness/Peer.ts"

const { member } = Peer

const of = (...events: ReadonlyArray<Event.Event>) => events.reduce(History.add, History.empty)

const leader = (
  at: number,
  term: number,
  name: string | null,
  change: Partial<Extract<Event.Event, { readonly event: "LeaderChanged" }>> = {}
): Event.Event => ({
  at,
  event: "LeaderChanged",
  election: "",
  leader: name === null ? null : member(name),
  from: null,
  term,
  cause: "Start",
  without: 0,
  ...change
})

const removed = (at: number, name: string): Event.Event => ({
  at,
  event: "MemberRemoved",
  member: member(name),
  reason: { _tag: "Left" }
})

const joined = (at: number, name: string): Event.Event => ({
  at,
  event: "MemberJoined",
  member: member(name),
  via: "heartbeat"
})

describe("the past of a group", () => {
  it("has each reign from its beginning to its end, with the cause of both", () => {
    const { reigns, since } = of(
      { at: 1, event: "Started", self: member("m") },
      leader(2, 10, "z"),
      leader(5, 10, null, { cause: "Silent" }),
      leader(7, 11, "m", { cause: "Silent", without: 4 })
    )
    assert.strictEqual(since, 1)
    assert.deepStrictEqual(
      reigns.map((
        { cause, end, from, leader, term, to, without }
      ) => [leader.name, term, from, to, cause, end, without]),
      [["z", 10, 2, 5, "Start", "Silent", 0], ["m", 11, 7, null, "Silent", null, 4]]
    )
  })

  it("ends a reign where the next follows it at once, each election by itself", () => {
    const { reigns } = of(
      leader(1, 10, "a"),
      leader(2, 20, "a", { election: "orders" }),
      leader(3, 11, "z", { cause: "HigherRank" })
    )
    assert.deepStrictEqual(reigns.map(({ election, to }) => [election, to]), [["", 3], ["orders", null], ["", null]])
  })

  it("goes on with a reign that is followed by another way", () => {
    const { reigns } = of(leader(1, 10, "z"), leader(2, 10, "z", { cause: "PathChanged", through: member("a") }))
    assert.deepStrictEqual(reigns.map(({ from, to }) => [from, to]), [[1, null]])
  })

  it("has who was away until it came back, the last absence where there were several", () => {
    const { absences } = of(removed(1, "a"), joined(2, "a"), removed(3, "a"), removed(4, "b"), joined(5, "a"))
    assert.deepStrictEqual(absences.map(({ from, member, to }) => [member.name, from, to]), [
      ["a", 1, 2],
      ["a", 3, 5],
      ["b", 4, null]
    ])
  })

  it("passes over one that joins for the first time, and counts what was lost", () => {
    const { absences, missed, pauses } = of(
      joined(1, "a"),
      { at: 2, event: "EventsLost", count: 3 },
      { at: 3, event: "EventsLost", count: 4 },
      { at: 4, event: "Stalled", for: 900 }
    )
    assert.deepStrictEqual([absences, missed, pauses], [[], 7, [{ at: 4, for: 900 }]])
  })

  it("ends every reign when this server leaves", () => {
    const { reigns } = of(leader(1, 10, "a"), { at: 9, event: "Left" })
    assert.deepStrictEqual(reigns.map(({ end, to }) => [to, end]), [[9, "Left"]])
  })

  it("keeps the newest of each kind", () => {
    const events = Array.from({ length: 3 * History.kept }, (_, index): ReadonlyArray<Event.Event> => [
      leader(index, index + 1, "a"),
      removed(index, "b"),
      { at: index, event: "Stalled", for: 1 }
    ])
    const { absences, pauses, reigns } = of(...events.flat())
    assert.deepStrictEqual([reigns.length, absences.length, pauses.length], [
      History.kept,
      History.kept,
      History.kept
    ])
    assert.strictEqual(reigns.at(-1)?.term, 3 * History.kept)
  })
})
