/**
 * What an observer makes of what it hears and is answered: pure, message by message.
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Learning from "../../src/client/Learning.ts"
import * as Observation from "../../src/client/Observation.ts"
import * as ObservedMember from "../../src/client/ObservedMember.ts"
import * as Ranked from "../../src/protocol/membership/Ranked.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"

const wall = 1_700_000_000_000

const member = (number: number, priority = 0, incarnation = wall): Member.Member => ({
  id: Member.NodeId.make(number.toString(16).padStart(16, "0")),
  ip: "192.0.2.1",
  port: 40_000 + number,
  hostname: "host",
  name: `s${number}`,
  priority,
  incarnation,
  tags: {}
})

const [one, two, three] = [member(1, 3), member(2, 2), member(3, 1)]

const header = (sender: Member.Member, reign: Reign.Reign | null, term = reign?.term ?? 0) => ({
  sender,
  term,
  leader: reign?.leader ?? null,
  heard: term
})

const alive = (sender: Member.Member, reign: Reign.Reign | null, view?: number): Message.Message => ({
  type: "SERVER_ALIVE",
  ...header(sender, reign),
  interval: 500,
  ...(view === undefined ? {} : { view })
})

const listed = ({ hostname: _, tags: __, ...line }: Member.Member, heard = 0): Message.Listed => ({ ...line, heard })

/** An observer that is told things one after the other; each says what it told. */
const observer = () => {
  let at = 0
  let observation = Observation.make({ monotonic: 0, wall })
  const now = () => ({ monotonic: at, wall: wall + at })
  const take = ([after, events]: Learning.Result) => {
    const news = Observation.news(events, observation)
    observation = after
    return news.map(say)
  }
  return {
    pass: (millis: number) => void (at += millis),
    hear: (message: Message.Message, from: Member.Address = one) =>
      take(Learning.heard(observation, message, from, "multicast", now())),
    answer: (
      by: Member.Member,
      members: ReadonlyArray<Message.Listed>,
      reign: Reign.Reign | null,
      { askedAt = at, term = reign?.term ?? 0, isAll = true, view }: {
        readonly askedAt?: number
        readonly term?: number
        readonly isAll?: boolean
        readonly view?: number
      } = {}
    ) =>
      take(Learning.answered(
        observation,
        { by: by.id, isAll, view, members, leader: reign?.leader ?? null, term, askedAt },
        now()
      )),
    get names() {
      return Observation.ranked(observation).map(({ name }) => name)
    },
    get observation() {
      return observation
    },
    leader: (election = "") => observation.elections.get(election)?.reign?.leader.id
  }
}

const say = (event: Event.Event): string => {
  switch (event.event) {
    case "MemberJoined":
      return `${event.member.name} joined by ${event.via}`
    case "MemberMoved":
      return `${event.member.name} moved`
    case "MemberChanged":
      return `${event.after.name} changed: ${event.after.priority} ${event.after.tags["zone"] ?? "none"}`
    case "MemberRemoved":
      return `${event.member.name} ${event.reason._tag}`
    case "LeaderChanged":
      return `${event.election}${event.leader?.name ?? "nobody"} leads: ${event.cause} ${event.without}`
    default:
      return event.event
  }
}

const reign = (term: number, leader: Member.Member) => Reign.make(term, leader)

/** One that has the list of all three, of whom the first leads in term 7. */
const settled = () => {
  const seen = observer()
  seen.answer(one, [one, two, three].map((one) => listed(one)), reign(7, one))
  for (const sender of [one, two, three]) seen.hear(alive(sender, reign(7, one)), sender)
  return seen
}

const start = ({ id, incarnation }: Member.Member) => ({ id, incarnation })

/** What a server says of the members that it sees. */
const view = (...members: ReadonlyArray<Member.Member>) => Ranked.digest(members)

/** The same two seconds later, when the leader has said that it sees these three. */
const confirmed = () => {
  const seen = settled()
  seen.pass(2_000)
  for (const sender of [two, three]) seen.hear(alive(sender, reign(7, one)), sender)
  seen.hear(alive(one, reign(7, one), view(one, two, three)), one)
  return seen
}

describe("an observer", () => {
  it("has who is on the list, and says only who leads", () => {
    const seen = observer()
    assert.deepStrictEqual(seen.hear(alive(two, null)), [])
    assert.deepStrictEqual(seen.answer(one, [listed(one), listed(two)], reign(7, one)), ["s1 leads: Start 0"])
    assert.deepStrictEqual(seen.names, ["s1", "s2"])
  })

  it("says who comes, moves, restarts and leaves", () => {
    const seen = settled()
    const four = member(4)
    assert.deepStrictEqual(seen.hear(alive(four, reign(7, one)), four), ["s4 joined by heartbeat"])
    const moved = { ...four, port: 50_000 }
    assert.deepStrictEqual(seen.hear(alive(moved, reign(7, one)), moved), ["s4 moved"])
    const again = { ...four, incarnation: wall + 1 }
    assert.deepStrictEqual(seen.hear(alive(again, reign(7, one)), again), ["s4 Replaced", "s4 joined by heartbeat"])
    assert.deepStrictEqual(seen.hear({ type: "SERVER_LEAVING", ...header(again, reign(7, one)) }, again), ["s4 Left"])
    assert.deepStrictEqual(seen.names, ["s1", "s2", "s3"])
  })

  it("hears nothing from a start that has left or was replaced, and believes no list that still has it", () => {
    const seen = settled()
    seen.hear({ type: "SERVER_LEAVING", ...header(three, reign(7, one)) }, three)
    assert.deepStrictEqual(seen.hear(alive(three, reign(7, one)), three), [])
    assert.deepStrictEqual(seen.answer(two, [one, two, three].map((one) => listed(one)), reign(7, one)), [])
    assert.deepStrictEqual(seen.names, ["s1", "s2"])
    const again = { ...three, incarnation: wall + 9 }
    assert.deepStrictEqual(seen.hear(alive(again, reign(7, one)), again), ["s3 joined by heartbeat"])
    assert.deepStrictEqual(seen.hear(alive(three, reign(7, one)), three), [])
    assert.deepStrictEqual(seen.answer(two, [one, two, three].map((one) => listed(one)), reign(7, one)), [])
    assert.strictEqual(Observation.memberBy(seen.observation, three.id)?.incarnation, again.incarnation)
  })

  it("takes a member for gone that a list leaves out, and another list that still has it does not bring it back", () => {
    const seen = settled()
    seen.pass(2_000)
    assert.deepStrictEqual(seen.answer(two, [listed(one), listed(two)], reign(7, one)), ["s3 Silent"])
    seen.pass(300)
    assert.deepStrictEqual(seen.answer(one, [listed(one), listed(two), listed(three, 2_300)], reign(7, one)), [])
    assert.deepStrictEqual(seen.names, ["s1", "s2"])
    assert.deepStrictEqual(
      seen.answer(one, [listed(one), listed(two), listed(three, 100)], reign(7, one)),
      ["s3 joined by message"],
      "which was heard since"
    )
  })

  it("keeps a member that it heard after it had asked, and one that it hears again although a list leaves it out", () => {
    const seen = settled()
    seen.pass(1_000)
    seen.hear(alive(three, reign(7, one)), three)
    const without = [listed(one), listed(two)]
    assert.deepStrictEqual(seen.answer(two, without, reign(7, one)), [])
    seen.pass(1_000)
    assert.deepStrictEqual(seen.answer(two, without, reign(7, one)), ["s3 Silent"])
    assert.deepStrictEqual(seen.hear(alive(three, reign(7, one)), three), ["s3 joined by heartbeat"])
    seen.pass(1_000)
    assert.deepStrictEqual(seen.answer(two, without, reign(7, one)), [], "of two that differ, what it hears counts")
  })

  it("knows why the lead changes: by rank, by word of the leader, by its silence, by another start", () => {
    const seen = observer()
    seen.answer(two, [listed(two), listed(three)], reign(5, three))
    assert.deepStrictEqual(seen.hear(alive(two, reign(6, two)), two), ["s2 leads: HigherRank 0"])
    const coordinator = (leader: Member.Member, term: number, cause?: string): Message.Message => ({
      type: "COORDINATOR",
      ...header(leader, reign(term, leader)),
      election: "",
      ...(cause === undefined ? {} : { cause })
    })
    assert.deepStrictEqual(seen.hear(coordinator(three, 7, "Transferred"), three), ["s3 leads: Transferred 0"])
    seen.pass(500)
    const stepping: Message.Message = {
      type: "STEPPING_DOWN",
      ...header(three, null, 7),
      election: "",
      successor: null,
      cause: "MajorityLost"
    }
    assert.deepStrictEqual(seen.hear(stepping, three), ["nobody leads: MajorityLost 0"])
    assert.deepStrictEqual(seen.hear(alive(two, reign(7, three)), two), [], "a follower that has not heard it yet")
    seen.pass(250)
    assert.deepStrictEqual(seen.hear(coordinator(two, 8), two), ["s2 leads: MajorityLost 250"])
    seen.pass(900)
    assert.deepStrictEqual(seen.hear(coordinator(three, 9), three), ["s3 leads: Silent 900"])
    const again = { ...three, incarnation: wall + 5 }
    assert.deepStrictEqual(
      seen.hear(coordinator(again, 10), again),
      ["s3 Replaced", "nobody leads: Replaced 0", "s3 joined by message", "s3 leads: Replaced 0"]
    )
    assert.deepStrictEqual(seen.hear(alive(two, reign(9, three)), two), [], "an older reign")
  })

  it("follows again a leader that was only thought to be gone", () => {
    const seen = settled()
    seen.pass(2_000)
    const without = [listed(two), listed(three)]
    assert.deepStrictEqual(
      seen.answer(two, without, null, { term: 7 }),
      ["s1 Silent", "nobody leads: Silent 0"]
    )
    assert.deepStrictEqual(seen.hear(alive(one, reign(7, one)), one), [
      "s1 joined by heartbeat",
      "s1 leads: Silent 2000"
    ])
  })

  it("knows from a list alone that nobody leads, unless the list is older than the reign", () => {
    const seen = settled()
    const all = [one, two, three].map((one) => listed(one))
    assert.deepStrictEqual(seen.answer(three, all, null, { term: 3 }), [])
    assert.deepStrictEqual(seen.answer(two, all, null, { term: 7 }), ["nobody leads: Resigned 0"])
  })

  it("tells named elections apart, and sees leases as they are renewed", () => {
    const seen = settled()
    const beat = (election: string, claim: number): Message.Message => ({
      type: "BEAT",
      ...header(two, reign(claim, two)),
      election,
      claim,
      beat: 1,
      lease: { groupSize: 3, duration: 6_000, drift: 0.01 }
    })
    assert.deepStrictEqual(seen.hear(beat("backup", 9), two), ["backups2 leads: Start 0"])
    assert.strictEqual(seen.leader(), one.id)
    assert.strictEqual(seen.leader("backup"), two.id)
    assert.deepStrictEqual(seen.observation.elections.get("backup")?.renewed, { at: 0, duration: 6_000 })
    assert.deepStrictEqual(
      seen.hear({ type: "SERVER_LEAVING", ...header(two, reign(7, one)) }, two),
      ["s2 Left", "backupnobody leads: Left 0"]
    )
  })

  it("is in doubt where somebody is new or has crashed, or a view or the leader has changed", () => {
    const seen = settled()
    const all = [one, two, three].map((one) => listed(one))
    const answered = () => void seen.answer(one, all, reign(7, one))
    answered()
    assert.isFalse(seen.observation.isDoubtful)
    seen.hear(alive(two, reign(7, one), 11), two)
    assert.isFalse(seen.observation.isDoubtful, "the first view that it tells")
    seen.hear(alive(two, reign(7, one), 12), two)
    assert.isTrue(seen.observation.isDoubtful)
    answered()
    seen.hear(alive(member(4), reign(7, one)), member(4))
    assert.isTrue(seen.observation.isDoubtful)
    answered()
    seen.hear(alive(two, reign(8, two), 12), two)
    assert.isTrue(seen.observation.isDoubtful)
    answered()
    seen.hear({ type: "CRASHED", ...header(one, reign(8, two)), gone: start(three) }, one)
    assert.isTrue(seen.observation.isDoubtful)
  })

  it("takes a member for gone that the leader sees no more, and needs no list to know who stays", () => {
    const seen = confirmed()
    seen.pass(2_000)
    assert.deepStrictEqual(seen.hear(alive(one, reign(7, one), view(one, two)), one), ["s3 Silent"])
    assert.isNull(seen.observation.differsAt)
    assert.strictEqual(seen.observation.confirmedAt, 4_000)
  })

  it("knows that the leader sees others, and not who, where more than one is missing", () => {
    const seen = confirmed()
    seen.pass(2_000)
    assert.deepStrictEqual(seen.hear(alive(one, reign(7, one), view(one)), one), [])
    assert.strictEqual(seen.observation.differsAt, 4_000)
    assert.strictEqual(seen.observation.confirmedAt, 2_000)
    const told = seen.answer(one, [listed(one)], reign(7, one), { view: view(one) })
    assert.sameMembers([...told], ["s2 Silent", "s3 Silent"])
    assert.isNull(seen.observation.differsAt)
  })

  it("lets only the leader leave out a member", () => {
    const seen = confirmed()
    seen.pass(2_000)
    assert.deepStrictEqual(seen.hear(alive(two, reign(7, one), view(one, two)), two), [])
    assert.isNull(seen.observation.differsAt, "one of many may have missed a datagram")
  })

  it("keeps a member that the leader has not met yet, and forgets one that it has not missed yet", () => {
    const seen = confirmed()
    const four = member(4)
    seen.hear(alive(four, reign(7, one)), four)
    seen.pass(900)
    assert.deepStrictEqual(seen.hear(alive(one, reign(7, one), view(one, two, three)), one), [])
    assert.isNull(seen.observation.differsAt)
    seen.pass(200)
    assert.deepStrictEqual(seen.hear(alive(one, reign(7, one), view(one, two, three)), one), [])
    assert.isNotNull(seen.observation.differsAt, "it may have a bad link with the leader")
    seen.hear(alive(one, reign(7, one), view(one, two, three, four)), one)
    assert.isNull(seen.observation.differsAt)
    seen.hear({ type: "SERVER_LEAVING", ...header(four, reign(7, one)) }, four)
    assert.deepStrictEqual(seen.hear(alive(one, reign(7, one), view(one, two, three, four)), one), [])
    assert.isNull(seen.observation.differsAt)
    assert.deepStrictEqual(seen.names, ["s1", "s2", "s3"])
  })

  it("lets a member go at last that it heard although others did not, once it is silent here too", () => {
    const seen = confirmed()
    seen.pass(1_000)
    const without = [listed(one), listed(two)]
    assert.deepStrictEqual(seen.answer(two, without, reign(7, one)), ["s3 Silent"])
    seen.hear(alive(three, reign(7, one)), three)
    seen.pass(29_000)
    assert.deepStrictEqual(seen.answer(two, without, reign(7, one)), [])
    seen.pass(2_000)
    assert.deepStrictEqual(seen.answer(two, without, reign(7, one)), ["s3 Silent"])
  })

  it("takes the answer that nothing has changed for a sign of those that it does not hear", () => {
    const seen = observer()
    seen.answer(one, [listed(one), listed(two, 400)], reign(7, one), { view: view(one, two) })
    seen.pass(10_000)
    assert.deepStrictEqual(seen.answer(one, [], reign(7, one), { isAll: false, view: view(one, two) }), [])
    const signOf = (who: Member.Member) =>
      ObservedMember.lastSign(seen.observation, Observation.memberBy(seen.observation, who.id)!)
    assert.strictEqual(signOf(two), 10_000)
    seen.hear(alive(two, reign(7, one)), two)
    seen.pass(5_000)
    seen.answer(one, [], reign(7, one), { isAll: false, view: view(one, two) })
    assert.strictEqual(signOf(two), 10_000, "one that was heard is as old as what it said")
  })

  it("adds one that it missed to those that it knows, and shows a change once", () => {
    const seen = confirmed()
    const { version } = seen.observation
    const four = member(4)
    const all = view(one, two, three, four)
    assert.deepStrictEqual(
      seen.answer(one, [listed(four)], reign(7, one), { isAll: false, view: all }),
      ["s4 joined by message"]
    )
    assert.strictEqual(seen.observation.version, version + 1)
    seen.hear(alive(two, reign(7, one)), two)
    assert.strictEqual(seen.observation.version, version + 1, "a sign of life shows nothing new")
    seen.hear(alive({ ...two, tags: { zone: "a" } }, reign(7, one)), two)
    assert.strictEqual(seen.observation.version, version + 2)
    assert.strictEqual(seen.observation.confirmedAt, 2_000)
  })

  it("keeps no more than it has room for, also of what is made up", () => {
    const seen = settled()
    for (let number = 10; number < 5_000; number++) seen.hear(alive(member(number), null), member(number))
    assert.strictEqual(HashMap.size(seen.observation.members), 4_096)
    for (let number = 10; number < 2_000; number++) {
      seen.hear({ type: "SERVER_LEAVING", ...header(member(number), null) }, member(number))
    }
    assert.strictEqual(seen.observation.gone.size, 1_024)
    for (let number = 0; number < 100; number++) {
      const message = { type: "COORDINATOR", ...header(one, reign(9, one)), election: `e${number}` } as const
      seen.hear(message, one)
    }
    assert.strictEqual(seen.observation.elections.size, 64)
  })
})

describe("a member that changes what it says of itself (protocol, What a server says of itself)", () => {
  const described = (sender: Member.Member, revision: number, priority: number, zone: string): Member.Member => ({
    ...sender,
    revision,
    priority,
    tags: { zone }
  })
  const before = described(one, 0, 3, "a")
  const after = described(one, 1, 1, "b")
  const begun = () => {
    const watching = observer()
    watching.hear(alive(before, reign(5, before)))
    watching.hear(alive(described(two, 0, 2, "a"), reign(5, before)), two)
    watching.answer(before, [listed(before), listed(described(two, 0, 2, "a"))], reign(5, before))
    return watching
  }

  it("is told once, and what it said before and comes late does not undo it", () => {
    const watching = begun()
    assert.deepStrictEqual(watching.hear(alive(after, reign(5, before))), ["s1 changed: 1 b"])
    assert.deepStrictEqual(watching.hear(alive(before, reign(5, before))), [])
    assert.deepStrictEqual(watching.hear(alive(after, reign(5, before))), [])
    assert.deepStrictEqual(watching.names, ["s2", "s1"])
  })

  it("is not undone by the list of a server that has not heard of it", () => {
    const watching = begun()
    watching.hear(alive(after, reign(5, before)))
    assert.deepStrictEqual(watching.answer(two, [listed(before), listed(two)], reign(5, before)), [])
    assert.deepInclude(Observation.memberBy(watching.observation, one.id), {
      priority: 1,
      revision: 1,
      tags: { zone: "b" }
    })
  })

  it("is told by a list, where it was not heard", () => {
    const watching = begun()
    const line = { ...listed(after), tags: after.tags }
    assert.deepStrictEqual(watching.answer(two, [line, listed(described(two, 0, 2, "a"))], reign(5, before)), [
      "s1 changed: 1 b"
    ])
    assert.deepStrictEqual(watching.hear(alive(after, reign(5, before))), [])
  })

  it("and led with a higher priority before is replaced by one that ranks higher now", () => {
    const watching = begun()
    watching.hear(alive(after, reign(5, before)))
    const second = described(two, 0, 2, "a")
    assert.deepStrictEqual(watching.hear(alive(second, reign(6, second)), two), ["s2 leads: HigherRank 0"])
  })
})
