/** What a server with two backends tells its app, of what each of them tells. */
import { assert, describe, it } from "@effect/vitest"
import * as Joining from "../../src/moving/Joining.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import { member } from "../backend/harness/One.ts"

const self = member("self", 1)
const [old, both, fresh] = [member("old", 2), member("both", 3), member("fresh", 4)]
const empty = { self, members: [self], reign: null, term: 0 }

const joins = (who: Member.Member): Event.Event => ({ at: 1, event: "MemberJoined", member: who, via: "registry" })
const leaves = (who: Member.Member): Event.Event => ({
  at: 2,
  event: "MemberRemoved",
  member: who,
  reason: { _tag: "Left" }
})
const leads = (leader: Member.Member | null, term: number): Event.Event => ({
  at: 3,
  event: "LeaderChanged",
  election: "",
  leader,
  from: null,
  term,
  cause: leader === null ? "Left" : "Start",
  without: 0
})

type Events = ReadonlyArray<readonly [Joining.From, Event.Event]>

/** All that an app is told, and what is known then. */
const tellAll = (...events: Events) => {
  let joined = Joining.make(empty, empty)
  const told: Array<Event.Event> = []
  for (const [from, event] of events) {
    const [after, news] = Joining.tell(joined, from, event)
    joined = after
    told.push(...news)
  }
  return { joined, told }
}

const aboutOf = (event: Event.Event): string => {
  switch (event.event) {
    case "LeaderChanged":
      return event.leader?.name ?? "nobody"
    case "MemberJoined":
    case "MemberRemoved":
      return event.member.name
    case "MemberChanged":
      return event.after.name
    default:
      return ""
  }
}

/** All that an app hears, and the view that it has then. */
const story = (...events: Events) => {
  const { joined, told } = tellAll(...events)
  const heard = told.map((event) => `${event.event} ${aboutOf(event)}`.trim())
  const { members, reign } = Joining.view(joined)
  return { heard, members: members.map(({ name }) => name), leader: reign?.leader.id ?? null }
}

describe("one group of two backends", () => {
  it("tells once who comes, and who goes when it is in neither", () => {
    const { heard, members } = story(
      ["first", joins(both)],
      ["second", joins(both)],
      ["second", joins(fresh)],
      ["first", joins(old)],
      ["first", leaves(both)],
      ["second", leaves(both)],
      ["first", leaves(old)]
    )
    assert.deepStrictEqual(heard, [
      "MemberJoined both",
      "MemberJoined fresh",
      "MemberJoined old",
      "MemberRemoved both",
      "MemberRemoved old"
    ])
    assert.deepStrictEqual(members, ["fresh", "self"])
  })

  it("follows who leads in the first alone, as long as that one is not in both", () => {
    assert.strictEqual(story(["first", joins(old)], ["first", leads(old, 5)]).leader, old.id)
    const { heard, leader } = story(["first", leads(both, 5)], ["second", joins(both)])
    assert.deepStrictEqual(heard, ["LeaderChanged both", "MemberJoined both", "LeaderChanged nobody"])
    assert.isNull(leader)
  })

  it("follows who leads in the second, regardless of the first", () => {
    const { heard, leader } = story(
      ["second", joins(both)],
      ["first", leads(both, 5)],
      ["second", leads(both, 5)],
      ["first", leads(null, 5)],
      ["second", leads(null, 5)],
      ["second", leads(fresh, 6)]
    )
    const changes = ["LeaderChanged both", "LeaderChanged nobody", "LeaderChanged fresh"]
    assert.deepStrictEqual(heard.slice(1), changes)
    assert.strictEqual(leader, fresh.id)
  })

  it("tells one start and one end of this server, and its changes once", () => {
    const changed = { ...self, priority: 9, revision: 1 }
    const change: Event.Event = { at: 4, event: "MemberChanged", before: self, after: changed }
    const { heard, members } = story(
      ["first", { at: 0, event: "Started", self }],
      ["second", { at: 0, event: "Started", self }],
      ["first", joins(old)],
      ["first", change],
      ["second", change],
      ["second", { at: 9, event: "Left" }],
      ["first", { at: 9, event: "Left" }]
    )
    assert.deepStrictEqual(heard, ["Started", "MemberJoined old", "MemberChanged self", "Left"])
    assert.deepStrictEqual(members, ["self", "old"])
  })

  it("tells all else that either tells", () => {
    const event: Event.Event = { at: 1, event: "NetworkChanged", what: "etcd is away" }
    assert.deepStrictEqual(story(["second", event], ["first", event]).heard, ["NetworkChanged", "NetworkChanged"])
  })

  it("tells each reign of one leader, and of its end what the one says that told of it", () => {
    const { told } = tellAll(["second", leads(fresh, 5)], ["second", leads(fresh, 6)], ["second", leads(null, 6)])
    assert.deepStrictEqual(told.map((event) => event.event === "LeaderChanged" ? [event.term, event.cause] : []), [
      [5, "Start"],
      [6, "Start"],
      [6, "Left"]
    ])
  })

  it("shows a member of both as the first does", () => {
    const older = { ...both, name: "older" }
    assert.deepStrictEqual(story(["second", joins(both)], ["first", joins(older)]).members, ["older", "self"])
    assert.deepStrictEqual(story(["first", joins(older)], ["second", joins(both)]).members, ["older", "self"])
  })

  it("shows anew what is seen of the group, and nothing where that is the same", () => {
    const before = Joining.make(empty, empty)
    const changed = { ...self, priority: 9, revision: 1 }
    const shown = (event: Event.Event) => !Joining.showsSame(before, Joining.tell(before, "first", event)[0])
    assert.isTrue(shown(joins(old)))
    assert.isTrue(shown(leads(old, 5)))
    assert.isTrue(shown({ at: 4, event: "MemberChanged", before: self, after: changed }))
    assert.isFalse(shown({ at: 1, event: "NetworkChanged", what: "etcd is away" }))
  })
})
