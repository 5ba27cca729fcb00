import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as ElectionContext from "../../src/protocol/election/ElectionContext.ts"
import * as NamedElections from "../../src/protocol/election/NamedElections.ts"
import * as SteppingDown from "../../src/protocol/election/SteppingDown.ts"
import * as Election from "../../src/protocol/model/Election.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, id, reign } = Peer
const billing = "billing"
const order = (name: string) => (a: string, b: string) => Member.compareRank(Peer.member(b), Peer.member(a), name)

/** The letters from the highest rank in `billing` to the lowest, and those above and below `m`. */
const ranked = "abcdefghijklmnopqrstuvwxyz".split("").sort(order(billing))
const [high, higher] = ranked.slice(0, ranked.indexOf("m")) as [string, string]
const [low, lower] = ranked.slice(ranked.indexOf("m") + 1) as [string, string]

/** A sign of life of one who takes part in `billing`. */
const takesPart = (name: string | Member.Member, elections = [Election.tag(billing)]): Message.Message => ({
  ...alive(name) as Message.Of<"SERVER_ALIVE">,
  elections
})
const says = (
  sender: string,
  body: { readonly type: "COORDINATOR" } | { readonly type: "ELECTION"; readonly standing: number } | {
    readonly type: "OK"
    readonly standing: number
    readonly to: Member.NodeId
  } | { readonly type: "STEPPING_DOWN"; readonly successor: Member.NodeId | null },
  header: Peer.Follows = {}
) => Peer.says(sender, { ...body, election: billing }, header)
const coordinator = (leader: string, term: number) =>
  says(leader, { type: "COORDINATOR" }, { follows: reign(term, leader) })

const registerOf = (server: Server) => HashMap.getUnsafe(server.state.named, billing)
const own = (server: Server) => ElectionContext.ownReign(server.state, billing)
const follows = (server: Server) => {
  const { reign } = registerOf(server)
  return reign === null ? null : Peer.nameOf(reign.leader)
}

/** `m` follows `z` in the group, so that what it says in `billing` stands out, and takes part in `billing`. */
const taking = (hears: ReadonlyArray<Message.Message> = [], options: Options = {}) => {
  const server = Server.live(options, [alive("z", reign(50, "z")), ...hears])
  server.step({ _tag: "Campaign", election: billing })
  return server
}
const leading = (hears: ReadonlyArray<Message.Message> = [], options: Options = {}) => {
  const server = taking(hears, options).advance(310)
  assert.isNotNull(own(server))
  return server.advance(300).forget()
}
const following = (term: number, leader: string, options: Options = {}) => {
  const server = taking([takesPart(leader)], options)
  server.hear(coordinator(leader, term))
  assert.strictEqual(follows(server), leader)
  return server.advance(300).forget()
}

describe("the rank in a named election", () => {
  it("is drawn by the name and the node id, and another for another name; the group's own is by node id", () => {
    assert.notDeepEqual(ranked, "abcdefghijklmnopqrstuvwxyz".split("").sort(order("orders")))
    assert.deepStrictEqual("abc".split("").sort(order("")), ["c", "b", "a"])
    assert.strictEqual(Member.rendezvousHash(id("a"), billing), Member.rendezvousHash(id("a"), billing))
    assert.match(Member.rendezvousHash(id("a"), billing), /^[0-9a-f]{16}$/)
  })

  it("a priority outweighs it", () => {
    const [first, last] = [Peer.member(ranked[0]!), Peer.member(ranked.at(-1)!, { priority: 1 })]
    assert.isTrue(Member.outranks(last, first, billing))
    assert.isTrue(Reign.compare(Reign.make(7, last), Reign.make(7, first), billing) > 0)
  })

  it("the order of tokens is the order of reigns", () => {
    const reigns = ranked.map((name) => reign(7, name)).concat(reign(8, ranked[3]!), reign(6, ranked[5]!))
    const sorted = reigns.toSorted((a, b) => Reign.compare(a, b, billing)).map((r) => Reign.token(r, billing))
    assert.deepStrictEqual(sorted, sorted.toSorted())
    assert.deepStrictEqual(Reign.max(reigns[0]!, reigns[1]!, billing), reigns[0])
  })

  it("spreads the leads of many names over the servers", () => {
    const servers = "abcdefgh".split("")
    const leaders = Array.from({ length: 400 }, (_, i) => servers.toSorted(order(`job ${i}`))[0]!)
    for (const name of servers) assert.isAtLeast(leaders.filter((leader) => leader === name).length, 25)
  })
})

describe("taking part", () => {
  it("is announced at once, and in every sign of life", () => {
    const server = taking()
    const tags = [Election.tag(billing)]
    assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => message.elections), [tags])
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => message.elections), [tags])
    server.hear(Peer.probe("z"), "unicast")
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").map(({ message }) => message.elections), [tags])
    const without = Server.live()
    without.step({ _tag: "Heartbeat" })
    assert.notProperty(without.said("SERVER_ALIVE")[0]!.message, "elections")
  })

  it("listens for a discovery window who leads, then leads where nobody does, and says so with the election's name", () => {
    const server = taking().advance(299)
    assert.isNull(own(server))
    server.advance(11)
    const { term } = own(server)!
    assert.deepInclude(server.tells().at(-1), { event: "LeaderChanged", election: billing, term, cause: "Start" })
    const [said] = server.said("COORDINATOR")
    assert.deepInclude(said!.message, { election: billing, term })
    assert.strictEqual(said!.message.leader!.id, id("m"))
    assert.strictEqual(server.follows, "z", "the group's own election is another")
  })

  it("waits for no member that does not take part, however high it ranks", () => {
    const server = taking([alive(high), alive(higher)]).advance(310)
    assert.isNotNull(own(server))
  })

  it("asks those who take part and outrank it", () => {
    const server = taking([takesPart(high)]).forget().advance(310)
    assert.deepStrictEqual(server.said("ELECTION").map(({ message }) => message.election), [billing])
    server.advance(1_000)
    assert.isNotNull(own(server))
  })

  it("follows the leader that it hears in the window, and deposes one that it outranks", () => {
    const server = taking([takesPart(high)])
    server.hear(coordinator(high, 60))
    assert.strictEqual(follows(server), high)
    const above = taking([takesPart(low)])
    above.hear(coordinator(low, 60))
    assert.strictEqual(follows(above), low)
    assert.isAbove(own(above.advance(10))!.term, 60)
  })

  it("during the discovery window of the server waits for that", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.step({ _tag: "Campaign", election: billing })
    server.advance(299)
    assert.isNull(own(server))
    server.advance(6)
    assert.isNotNull(own(server))
  })

  it("asked for again changes nothing", () => {
    const server = leading()
    const { state } = server
    server.step({ _tag: "Campaign", election: billing })
    assert.deepStrictEqual([server.outputs, server.state.named], [[], state.named])
  })

  it("is bounded, and a name that may not be one is no election", () => {
    const server = Server.live()
    for (let i = 0; i < 16; i += 1) server.step({ _tag: "Campaign", election: `e${i}` })
    assert.isFalse(NamedElections.hasRoom(server.state, "one more"))
    assert.isTrue(NamedElections.hasRoom(server.state, "e3"))
    for (const election of ["one more", "", "x".repeat(33), "é".repeat(17)]) {
      server.step({ _tag: "Campaign", election })
    }
    assert.strictEqual(HashMap.size(server.state.named), 16)
    server.step({ _tag: "Withdraw", election: "e3" })
    assert.isTrue(NamedElections.hasRoom(server.state, "one more"))
    server.step({ _tag: "Campaign", election: "one more" })
    server.forget().step({ _tag: "Heartbeat" })
    assert.strictEqual(server.said("SERVER_ALIVE")[0]!.message.elections!.length, 16)
  })

  it("what is said of an election that one takes no part in is a sign of life and no more", () => {
    const server = Server.live({}, [alive("z", reign(50, "z"))])
    server.hear(coordinator("y", 60))
    assert.deepStrictEqual([server.members, server.follows, server.state.election.heard], [["z", "y"], "z", 50])
    server.hear(says("y", { type: "ELECTION", standing: 70 }))
    assert.deepStrictEqual(server.says(), [])
  })

  it("of others is learnt from their signs of life, and from what they say of it", () => {
    const server = taking([alive(low), alive(high)])
    assert.deepStrictEqual(server.knows(low).elections, [])
    server.hear(coordinator(high, 60))
    assert.deepStrictEqual(server.knows(high).elections, [Election.tag(billing)])
    server.hear(coordinator(high, 60))
    assert.deepStrictEqual(server.knows(high).elections, [Election.tag(billing)])
    server.hear(says(low, { type: "STEPPING_DOWN", successor: null }))
    assert.deepStrictEqual(server.knows(low).elections, [])
    for (let i = 0; i < 20; i += 1) {
      server.hear(Peer.says(low, { type: "COORDINATOR", election: `e${i}` }))
    }
    assert.strictEqual(server.knows(low).elections.length, 16)
  })
})

describe("the reign of a named election", () => {
  it("is said again by its leader with each heartbeat, as no other message carries it", () => {
    const server = leading()
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE", "COORDINATOR"])
    const follower = following(60, high)
    follower.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(follower.says(), ["SERVER_ALIVE"])
  })

  it("is told at once to a member that begins to take part, by the leader", () => {
    const server = leading([alive(low)])
    server.hear(takesPart(low))
    assert.deepStrictEqual(server.says(), [`COORDINATOR to ${low}`])
    server.advance(200).hear(takesPart(low))
    assert.deepStrictEqual(server.says(), [], "known by now")
    server.hear(takesPart(low, [Election.tag(billing), Election.tag("another")]))
    assert.deepStrictEqual(server.says(), [], "what it does elsewhere is nothing to us")
    const follower = following(60, high)
    follower.hear(takesPart(low))
    assert.deepStrictEqual(follower.says(), [])
  })

  it("neither moves nor is moved by the group's own", () => {
    const server = leading([takesPart(low)])
    const { term } = own(server)!
    server.hear(alive("z", reign(term + 9_000_000, "z")))
    assert.strictEqual(own(server)!.term, term)
    assert.strictEqual(server.term, term + 9_000_000)
    assert.isBelow(registerOf(server).heard, term + 9_000_000)
  })

  it("a notice in one election does not use up the other's (one per server, election and 100 ms)", () => {
    const server = Server.live({}, [alive(low)])
    server.step({ _tag: "Campaign", election: billing })
    server.advance(400).forget()
    assert.isTrue(server.leads && own(server) !== null)
    server.hear(alive(low))
    server.hear(says(low, { type: "ELECTION", standing: 7 }))
    server.hear(says(low, { type: "ELECTION", standing: 7 }))
    assert.deepStrictEqual(server.says(), [`COORDINATOR to ${low}`, `COORDINATOR to ${low}`])
  })

  it("ends with its leader, and the next is elected among those who take part", () => {
    const server = following(60, high)
    server.hear(Peer.leaving(high))
    assert.deepInclude(server.tells().at(-1), {
      event: "LeaderChanged",
      election: billing,
      leader: null,
      cause: "Left"
    })
    server.advance(10)
    assert.isNotNull(own(server))
    assert.strictEqual(server.follows, "z")
  })

  it("ends with a restart of its leader", () => {
    const server = following(60, high)
    server.hear(alive(Peer.member(high, { incarnation: 2_000 })))
    assert.isNull(follows(server))
  })

  it("a lower one that stands is objected to with the election's name, and a higher one waited for", () => {
    const server = taking([takesPart(low), takesPart(high)]).forget()
    server.hear(says(low, { type: "ELECTION", standing: 7 }))
    server.advance(30)
    assert.deepInclude(server.said("OK")[0]!.message, { election: billing, to: id(low), standing: 7 })
    server.hear(says(high, { type: "ELECTION", standing: 8 }))
    assert.strictEqual(registerOf(server).activity._tag, "Waiting")
    server.hear(takesPart(high, []))
    assert.notStrictEqual(registerOf(server).activity._tag, "Waiting", "it takes part no more")
  })

  it("one who stands waits for a higher one that objects", () => {
    const server = taking([takesPart(high)]).advance(310)
    const { activity } = registerOf(server)
    assert.strictEqual(activity._tag, "Standing")
    if (activity._tag !== "Standing") return
    server.hear(says(high, { type: "OK", standing: activity.standing, to: id("m") }))
    assert.strictEqual(registerOf(server).activity._tag, "Waiting")
    server.advance(2_600)
    assert.strictEqual(registerOf(server).activity._tag, "Standing")
  })

  it("one that steps down is followed by the one that it names", () => {
    const server = following(60, high)
    server.hear(says(high, { type: "STEPPING_DOWN", successor: id("m") }, { term: 60, heard: 60 }))
    server.advance(6)
    assert.isNotNull(own(server))
  })

  it("a stall ends every reign of one's own", () => {
    const server = leading([], { timing: { heartbeatInterval: 1_000 } })
    server.freeze(60_000).step({ _tag: "CheckPause" })
    assert.isNull(own(server))
    assert.deepInclude(server.tells().at(-1), { event: "LeaderChanged", election: billing, cause: "Stalled" })
    server.advance(310)
    assert.isNotNull(own(server))
  })

  it("a higher incarnation of one's own goes on with a new reign", () => {
    const server = leading()
    const { term } = own(server)!
    server.hear(Peer.alive(Peer.member("m", { incarnation: 5_000 })), "multicast", server.state.self)
    assert.isAbove(own(server)!.term, term)
    assert.strictEqual(own(server)!.leader.incarnation, 5_001)
  })

  it("what waited while we were paused brings its term and nothing else", () => {
    const server = following(60, high)
    server.freeze(60_000)
    server.hear(coordinator(low, 90))
    assert.deepStrictEqual([follows(server), registerOf(server).heard], [high, 90])
  })

  it("what waited while we were paused and is of an election that we take no part in brings nothing", () => {
    const server = following(60, high)
    server.freeze(60_000)
    server.hear(Peer.says(low, { type: "COORDINATOR", election: "reports" }, { term: 90 }))
    assert.deepStrictEqual([follows(server), registerOf(server).heard], [high, 60])
    assert.isFalse(HashMap.has(server.state.named, "reports"))
  })
})

describe("the reigns of one's own", () => {
  it("are those that last, by election, and change with any of them", () => {
    const server = Server.live({}, [alive("a")])
    server.step({ _tag: "Campaign", election: billing })
    const alone = server.state
    server.advance(10)
    const first = server.state
    assert.deepStrictEqual([...ElectionContext.ownReigns(first)], [["", first.election.reign!]])
    assert.isFalse(ElectionContext.ownsSame(alone, first))
    server.hear(takesPart(low))
    server.hear(says(low, { type: "ELECTION", standing: 7 }, { term: 6 }))
    assert.notStrictEqual(server.state.named, first.named)
    assert.isTrue(ElectionContext.ownsSame(first, server.state))
    server.advance(400)
    assert.deepStrictEqual([...ElectionContext.ownReigns(server.state).keys()], ["", billing])
    assert.isFalse(ElectionContext.ownsSame(first, server.state))
    server.hear(alive("a"))
    const { state } = server
    server.step({ _tag: "CheckPause" })
    assert.isTrue(ElectionContext.ownsSame(state, server.state))
    assert.isNull(ElectionContext.ownReign(server.state, "never heard of"))
  })
})

describe("giving it up", () => {
  it("a resignation is of one election only, and the successor the highest that takes part", () => {
    const server = leading([takesPart(lower), takesPart(low), alive(high)], { work: "by hand" })
    server.step({ _tag: "Resign", election: billing })
    assert.deepInclude(server.outputs, { _tag: "EndWork", election: billing })
    assert.isNull(own(server))
    server.step({ _tag: "WorkEnded", election: billing })
    assert.deepInclude(server.said("STEPPING_DOWN")[0]!.message, { election: billing, successor: id(low) })
    server.step({ _tag: "Resign", election: "never heard of" })
    server.step({ _tag: "WorkEnded", election: "never heard of" })
    assert.strictEqual(HashMap.size(server.state.named), 1)
    server.advance(31_000)
    assert.isNotNull(own(server), "it stands again after memberTimeout, or when nobody leads")
  })

  it("withdrawing ends the work, then says so, then forgets it all", () => {
    const server = leading([takesPart(low)], { work: 100 })
    server.step({ _tag: "Withdraw", election: billing })
    server.step({ _tag: "Withdraw", election: billing })
    assert.isNull(own(server))
    server.advance(99)
    assert.deepStrictEqual(server.says(), [])
    server.advance(2)
    const said = server.sent.slice()
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "SERVER_ALIVE"])
    assert.notProperty(said[1]!.message, "elections")
    server.advance(60)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN"])
    server.hear(coordinator(low, 9_000_000))
    server.advance(50)
    assert.isTrue(HashMap.isEmpty(server.state.named))
    assert.isFalse(server.state.timers.some(({ key }) => key.includes("@")))
  })

  it("withdrawing as a follower or candidate is announced, and neither stands nor objects any more", () => {
    const server = taking([takesPart(low), takesPart(high)]).forget()
    // With one above it, it would not object before that one has had time to.
    server.hear(says(low, { type: "ELECTION", standing: 7 }))
    server.step({ _tag: "Withdraw", election: billing })
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE"])
    server.step({ _tag: "Heartbeat" })
    server.advance(1_000)
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE"])
    server.step({ _tag: "Withdraw", election: billing })
    server.step({ _tag: "Withdraw", election: "" })
    assert.deepStrictEqual(server.says(), [])
  })

  it("who takes part again before it is forgotten stands as before", () => {
    const server = leading([takesPart(low)], { work: 100 })
    server.step({ _tag: "Withdraw", election: billing })
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.said("SERVER_ALIVE")[0]!.message.elections, [Election.tag(billing)], "it leads still")
    server.advance(110)
    server.step({ _tag: "Campaign", election: billing })
    server.advance(400)
    assert.isNotNull(own(server))
    const quick = leading([], { work: 100 })
    quick.step({ _tag: "Withdraw", election: billing })
    quick.step({ _tag: "Campaign", election: billing })
    quick.advance(200)
    assert.isNotNull(own(quick))
  })

  it("withdrawing while the work ends waits for that", () => {
    const server = leading([takesPart(low)], { work: "by hand" })
    server.step({ _tag: "Resign", election: billing })
    server.step({ _tag: "Withdraw", election: billing })
    assert.deepStrictEqual(server.says(), [])
    server.step({ _tag: "WorkEnded", election: billing })
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "SERVER_ALIVE"])
  })

  it("only a member that takes part can be handed the lead, and is the heir no more when it takes part no more", () => {
    const server = leading([takesPart(low), alive(lower)])
    assert.strictEqual(SteppingDown.refusal(server.state, id(low), billing), null)
    assert.strictEqual(SteppingDown.refusal(server.state, id(lower), billing), "NoSuchMember")
    assert.strictEqual(SteppingDown.refusal(server.state, id(lower)), "NotLeading")
    server.step({ _tag: "Transfer", election: billing, to: id(low) })
    server.advance(1)
    assert.deepInclude(server.said("STEPPING_DOWN")[0]!.message, { election: billing, successor: id(low) })
    assert.strictEqual(registerOf(server).vacancy.successor, null)
    const other = following(60, high)
    other.hear(takesPart(low))
    other.hear(says(high, { type: "STEPPING_DOWN", successor: id(low) }, { term: 60, heard: 60 }))
    assert.strictEqual(registerOf(other).vacancy.successor, id(low))
    other.hear(alive(low))
    assert.strictEqual(registerOf(other).vacancy.successor, null)
  })

  it("a leader that takes part no more, its word of it lost, leads no more (lost)", () => {
    const server = following(60, high)
    server.hear(alive(high))
    assert.deepInclude(server.tells().at(-1), {
      event: "LeaderChanged",
      election: billing,
      leader: null,
      cause: "Silent"
    })
    server.hear(coordinator(high, 60))
    assert.strictEqual(follows(server), high, "an old sign of life came late: it leads on (reordered)")
    server.hear(takesPart(low))
    server.hear(alive(low))
    assert.strictEqual(follows(server), high)
  })

  it("one who leaves the group ends the work of all its elections first", () => {
    const server = leading([takesPart(low)], { work: "by hand" })
    server.hear(Peer.leaving("z"))
    server.advance(10)
    assert.isTrue(server.leads)
    server.forget().step({ _tag: "Leave" })
    assert.deepStrictEqual(server.outputs.filter(({ _tag }) => _tag === "EndWork"), [
      { _tag: "EndWork", election: "" },
      { _tag: "EndWork", election: billing }
    ])
    server.step({ _tag: "WorkEnded", election: billing })
    server.step({ _tag: "Withdraw", election: billing })
    assert.deepStrictEqual(server.says(), [])
    server.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING"])
  })
})
