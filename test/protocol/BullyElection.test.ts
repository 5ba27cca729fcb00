import { assert, describe, it } from "@effect/vitest"
import * as ElectionContext from "../../src/protocol/election/ElectionContext.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import { following, leading, vacant } from "./harness/Openings.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, coordinator, elsewhere, leaving, member, objects, reign, says, stands, stepsDown } = Peer

const leaderNotice = ["COORDINATOR to a"]

describe("observing (protocol 5, observe)", () => {
  it("heard grows to the highest term that any message speaks of, and never falls (rule 1)", () => {
    const server = vacant(["a"])
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 1_000 }, { term: 7 }))
    assert.strictEqual(server.state.election.heard, 7)
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 1_000 }, { term: 7, heard: 90 }))
    assert.strictEqual(server.state.election.heard, 90)
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 1_000 }, { term: 8, heard: 8 }))
    assert.strictEqual(server.state.election.heard, 90)
  })

  it("a term that is known from elsewhere is heard as well, and the next reign is above it (terms)", () => {
    const server = vacant([])
    const term = Reign.maxTerm - 9
    server.step({ _tag: "Heard", term })
    server.step({ _tag: "Heard", term: 7 })
    server.advance(60_000)
    assert.isTrue(server.leads)
    assert.isAbove(server.term, term)
    server.step({ _tag: "Heard", election: "none", term })
  })

  it("an equal reign changes nothing and is answered with nothing (rule 2)", () => {
    const server = following(50, "z", ["a"])
    server.hear(alive("a", reign(50, "z")))
    assert.deepStrictEqual([server.says(), server.told(), server.term], [[], [], 50])
  })

  it("a leader that says it follows nobody has stepped down: the place is vacant and one stands (rule 3)", () => {
    const server = following(50, "z", ["a"])
    server.hear(says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { term: 50 }))
    assert.strictEqual(server.follows, null)
    assert.strictEqual(server.activity, "Pending")
    assert.deepInclude(server.tells()[0], { event: "LeaderChanged", leader: null, term: 50, cause: "Resigned" })
  })

  it("where the last term there is has been claimed, nobody of a lower rank leads after it: the register never goes back", () => {
    const server = following(Reign.maxTerm, "z", ["a"])
    server.hear(leaving("z", { follows: reign(Reign.maxTerm, "z") }))
    server.advance(60_000)
    assert.isFalse(server.leads)
    assert.strictEqual(server.follows, null)
    assert.deepStrictEqual(server.state.election.last, reign(Reign.maxTerm, "z"))
  })

  // Found by the simulator: the leader of a smaller part led on when the later reign of the other part had ended, and those
  // who had followed that one waited for an end of its own, which never came.
  it("a leader takes a new reign where one who follows nobody has followed a later one, that is over (rule 3)", () => {
    const server = leading(["a"])
    const { term } = server
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000 }, { term: term - 1, heard: term + 5 }))
    assert.deepStrictEqual([server.says(), server.term], [leaderNotice, term])
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000 }, { term: term + 5 }))
    assert.isTrue(server.leads)
    assert.isAbove(server.term, term + 5)
    assert.deepStrictEqual(server.says(), ["COORDINATOR"])
  })

  it("where both reigns have one term, who followed the greater speaks of the next (rules 3 and 5)", () => {
    const follower = following(50, "z", ["b"])
    follower.hear(leaving("z", { term: 50 }))
    follower.hear(alive("b", reign(49, "b")))
    assert.strictEqual(follower.state.election.heard, 50)
    follower.hear(alive("b", reign(50, "b")))
    assert.deepStrictEqual([follower.follows, follower.state.election.heard], [null, 51])
    const leader = leading(["a"])
    const { term } = leader
    leader.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000 }, { term, heard: term + 1 }))
    assert.isAbove(leader.term, term + 1)
  })

  it("what a leader said before it led, arriving late, does not end its reign (rule 3, reordered)", () => {
    const server = following(50, "z")
    server.hear(says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { term: 40, heard: 49 }))
    assert.strictEqual(server.follows, "z")
  })

  it("a leader sends a notice to those who follow nobody (rule 3)", () => {
    const server = leading(["a"])
    server.hear(alive("a"))
    assert.deepStrictEqual(server.says(), leaderNotice)
  })

  it("a follower leaves one who follows nobody to the leader (rule 3)", () => {
    const server = following(50, "z", ["a"])
    server.hear(alive("a"))
    assert.deepStrictEqual([server.says(), server.follows], [[], "z"])
  })

  it("where both follow nobody, nothing happens (rule 3)", () => {
    const server = vacant(["a", "z"])
    server.hear(alive("a"))
    assert.deepStrictEqual(server.says(), [])
  })

  it("a leader sends a notice to who follows an older reign, at most one in 100 ms (rule 4)", () => {
    const server = leading(["a"])
    server.hear(alive("a", reign(3, "b")))
    server.hear(alive("a", reign(3, "b")))
    assert.deepStrictEqual(server.says(), leaderNotice)
    server.advance(99).hear(alive("a", reign(3, "b")))
    assert.deepStrictEqual(server.says(), [])
    server.advance(1).hear(alive("a", reign(3, "b")))
    assert.deepStrictEqual(server.says(), leaderNotice)
  })

  it("a leader says no more than its answer to who follows an older reign and asks by unicast (rule 4)", () => {
    const server = leading(["a"])
    const asks = Peer.says("a", { type: "SERVER_PROBE", nonce: "1" }, { follows: reign(3, "b") })
    server.hear(asks, "unicast")
    const [answer] = server.said("SERVER_RESPONSE")
    assert.strictEqual(answer?.message.leader?.id, server.state.self.id)
    server.hear(asks, "unicast")
    assert.deepStrictEqual(server.says(), ["SERVER_RESPONSE to a"])
    server.hear(asks, "multicast")
    assert.include(server.says(), "COORDINATOR to a")
  })

  it("a follower sends a notice to who leads by an older reign, and leaves other followers of it alone (rule 4)", () => {
    const server = following(50, "z", ["a", "b"])
    server.hear(alive("b", reign(3, "a")))
    assert.deepStrictEqual(server.says(), [])
    server.hear(alive("a", reign(3, "a")))
    assert.deepStrictEqual(server.says(), leaderNotice)
    assert.strictEqual(server.follows, "z")
  })

  it("a newer reign that names this server, which does not hold it, is over: it stands for one above (rule 5)", () => {
    const server = vacant(["a"])
    server.hear(alive("a", reign(2_000_000, "m")))
    assert.isFalse(server.leads)
    assert.deepInclude(server.tells()[0], { event: "LeaderChanged", leader: null, term: 2_000_000, cause: "Stalled" })
    server.advance(5)
    assert.isTrue(server.leads)
    assert.strictEqual(server.term, 2_000_001)
  })

  it("one who leads gives up an older reign for a newer one that names it, and takes a greater (rule 5)", () => {
    const server = leading(["a"])
    const before = server.term
    server.hear(alive("a", reign(before + 900_000, "m")))
    assert.isFalse(server.leads)
    assert.strictEqual(server.tells().filter((event) => event.event === "LeaderChanged").length, 1)
    server.advance(5)
    assert.strictEqual(server.term, before + 900_001)
  })

  it("a newer reign of a leader not in view is hearsay: that leader is asked by unicast, and not followed (rule 6)", () => {
    const server = following(50, "y", ["a"])
    server.hear(alive("a", reign(60, "z")))
    assert.deepStrictEqual([server.says(), server.follows], [["SERVER_PROBE to z"], "y"])
    server.hear(alive("a", reign(60, "z")))
    assert.deepStrictEqual(server.says(), [], "asked at most once in probeTimeout")
    server.advance(150).hear(alive("a", reign(60, "z")))
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to z"])
    server.hear(Peer.response("z", "1", reign(60, "z")), "unicast")
    assert.strictEqual(server.follows, "z")
  })

  it("hearsay of an earlier start of a server in view is not even asked about (rule 6)", () => {
    const server = following(50, "y", ["a"])
    server.hear(alive(member("z", { incarnation: 2_000 })))
    server.hear(alive("a", reign(60, "z")))
    assert.deepStrictEqual([server.says(), server.follows], [[], "y"])
  })

  it("a leader takes a new reign at once when it hears a newer one of a lower ranked server (rule 7)", () => {
    const server = leading(["a"])
    server.hear(alive("a", reign(server.term + 900_000, "a")))
    assert.isTrue(server.leads)
    assert.strictEqual(server.term, server.state.election.heard)
    assert.deepStrictEqual(server.says(), ["COORDINATOR"])
  })

  it("a follower of a living server that outranks it follows a newer reign of a lower one, and does not stand (rule 7)", () => {
    const server = following(50, "z", ["a"])
    server.hear(alive("a", reign(60, "a")))
    assert.deepStrictEqual([server.follows, server.activity], ["a", "Idle"])
  })

  it("any other who outranks the leader of a newer reign follows it and stands (rule 7)", () => {
    const server = following(50, "b", ["a"])
    server.hear(alive("a", reign(60, "a")))
    assert.deepStrictEqual([server.follows, server.activity], ["a", "Pending"])
    server.advance(5)
    assert.isTrue(server.leads)
  })

  // Found by the simulator: the better placed one was dead and not yet removed, so nobody ever objected.
  it("where the better placed one is gone, the next objects to a leader that it outranks (rule 8)", () => {
    const server = following(50, "z", ["a"])
    server.hear(alive("a", reign(60, "a")))
    assert.deepStrictEqual([server.follows, server.activity], ["a", "Idle"])
    server.hear(leaving("z"))
    server.advance(10)
    assert.isTrue(server.leads)
  })

  it("with its heartbeat a server that nobody outranks stands against a leader that it outranks (standing)", () => {
    const server = following(50, "z", ["a"])
    server.hear(alive("a", reign(60, "a")))
    server.step({ _tag: "Heartbeat" })
    assert.strictEqual(server.activity, "Idle")
    const polite = following(50, "a", [], { timing: { preempt: false } })
    polite.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([polite.follows, polite.activity], ["a", "Idle"])
  })

  it("a newer reign of a higher ranked member is followed, regardless of who tells of it (rule 8)", () => {
    const server = following(50, "y", ["a", "z"])
    server.hear(alive("a", reign(60, "z")))
    assert.deepStrictEqual([server.follows, server.term], ["z", 60])
    assert.deepInclude(server.tells()[0], { event: "LeaderChanged", cause: "HigherRank", without: 0 })
    server.hear(alive("y", reign(61, "y")))
    assert.deepInclude(server.tells()[0], { event: "LeaderChanged", cause: "Superseded", without: 0 })
  })

  it("two leaders of one term: the higher ranked one's reign is the greater (protocol 5, the register)", () => {
    const server = following(50, "y")
    server.hear(alive("z", reign(50, "z")))
    assert.strictEqual(server.follows, "z")
    server.hear(alive("y", reign(50, "y")))
    assert.strictEqual(server.follows, "z")
    assert.deepStrictEqual(server.says(), ["COORDINATOR to y"])
  })

  it("while vacant, hearsay of a reign not newer than the last one is ignored (observe, last sentence)", () => {
    const server = following(50, "z", ["a", "y"])
    server.hear(leaving("z", { follows: reign(50, "z") }))
    server.hear(alive("a", reign(50, "z")))
    server.hear(alive("a", reign(49, "y")))
    assert.strictEqual(server.follows, null)
    server.hear(alive("a", reign(51, "y")))
    assert.strictEqual(server.follows, "y")
  })

  it("a leader that was removed for silence and comes back is followed again by its own word", () => {
    const server = following(50, "z", ["a"], { timing: { memberTimeout: 30_000 } })
    server.advance(30_001).hear(alive("a"))
    server.step({ _tag: "Sweep" })
    server.advance(750)
    assert.strictEqual(server.follows, null)
    server.sent.length = 0
    server.hear(coordinator("z", 50), "unicast")
    const [question] = server.said("SERVER_PROBE")
    server.hear(Peer.response("z", question?.message.nonce ?? "", reign(50, "z")), "unicast")
    assert.deepStrictEqual([server.follows, server.term], ["z", 50])
  })

  it("a reign whose leader gave it up is over for good: a heartbeat that it overtook brings it not back", () => {
    // Found while the tests were written: the late heartbeat was followed until the leader's next word, 10 s later.
    const server = following(50, "z", ["a"])
    server.hear(stepsDown("z", 50, "m"))
    server.hear(alive("z", reign(50, "z")))
    assert.strictEqual(server.follows, null)
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("what contradicts what a member says of itself is not followed: one start has one rank", () => {
    // Found by property: the view named a leader of another priority than the event had.
    const server = following(50, "y", ["a", "z"])
    server.hear(alive("a", reign(60, member("z", { priority: 9 }))))
    assert.deepStrictEqual([server.follows, server.says()], ["y", []])
  })

  it("nor does a claim that this server leads by another rank than its own take anything from what it follows", () => {
    // Found by fuzzing: the rank was believed, and taken back when this server moved: a lesser reign was followed then.
    const server = following(50, "y", ["a", "z"])
    server.hear(alive("a", reign(60, member("m", { priority: 9 }))))
    assert.deepStrictEqual([server.follows, server.term], ["y", 50])
    server.step({ _tag: "Moved", addresses: [{ ip: "192.0.2.99", port: 4999 }] })
    assert.deepStrictEqual([server.follows, server.state.election.last], ["y", reign(50, "y")])
  })

  it("where others say that a leader is contradicts nothing: it is where it says itself, and is followed", () => {
    const server = following(50, "y", ["a", "z"])
    server.hear(alive("a", reign(60, member("z", { ip: "192.0.2.77", port: 77 }))))
    assert.deepStrictEqual(server.state.election.reign, reign(60, "z"))
  })
})

describe("standing (protocol 5, stand)", () => {
  it("begins when the discovery window is over and nobody higher leads, and not before", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.advance(299)
    assert.strictEqual(server.activity, "Idle")
    server.advance(1)
    assert.strictEqual(server.activity, "Pending")
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("does not begin at the start while a higher ranked server leads", () => {
    const server = following(50, "z")
    server.advance(5_000)
    assert.strictEqual(server.follows, "z")
    assert.deepStrictEqual(server.says(), [])
  })

  it("begins at the start over a lower ranked leader", () => {
    const server = Server.live({}, [coordinator("a", 50)])
    assert.deepStrictEqual([server.follows, server.activity], ["a", "Pending"])
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("begins when a server joins and the place is vacant", () => {
    const server = Server.live({ timing: { minimumMembers: 2 } })
    assert.strictEqual(server.activity, "Idle")
    server.hear(alive("a"))
    assert.strictEqual(server.activity, "Pending")
  })

  it("does not begin when a server joins and the place is taken", () => {
    const server = following(50, "z")
    server.hear(alive("a"))
    assert.strictEqual(server.activity, "Idle")
  })

  it("begins when the leader leaves, and the highest ranked leads without asking", () => {
    const server = following(50, "z", ["a"])
    server.hear(leaving("z", { follows: reign(50, "z") }))
    server.advance(5)
    assert.isTrue(server.leads)
    assert.deepStrictEqual(server.says(), ["COORDINATOR"])
    const [vacated, led] = server.tells().filter((event) => event.event === "LeaderChanged")
    assert.deepInclude(vacated, { leader: null, cause: "Left", term: 50 })
    assert.deepInclude(led, { cause: "Left", from: reign(50, "z").leader })
  })

  it("the leader was restarted: its reign is over and one stands", () => {
    const server = following(50, "z")
    server.hear(alive(member("z", { incarnation: 2_000 })))
    assert.deepStrictEqual([server.follows, server.activity], [null, "Pending"])
    assert.deepStrictEqual(server.told(), ["MemberRemoved", "MemberJoined", "LeaderChanged"])
  })

  it("is staggered by 20 ms for each living server that outranks this one, plus up to 5 ms", () => {
    const server = vacant(["x", "y", "z", "a"])
    server.advance(59.9)
    assert.deepStrictEqual([server.activity, server.says()], ["Pending", []])
    server.advance(5.1)
    assert.deepStrictEqual([server.activity, server.says()], ["Standing", ["ELECTION"]])
  })

  it("is staggered by at most 1 s, plus up to 5 ms", () => {
    const server = vacant(["x", "y", "z"], { timing: { electionStagger: 900 } })
    server.advance(999.9)
    assert.strictEqual(server.activity, "Pending")
    server.advance(5.1)
    assert.strictEqual(server.activity, "Standing")
  })

  it("triggers while it is pending, standing or waiting are the same election", () => {
    const server = vacant(["z"])
    const count = server.sent.length
    server.hear(alive("a"))
    server.step({ _tag: "Heartbeat" })
    assert.strictEqual(server.said("ELECTION").length + count, 0)
    server.advance(25)
    assert.strictEqual(server.said("ELECTION").length, 1)
    server.hear(alive("b"))
    server.step({ _tag: "Heartbeat" })
    server.advance(25)
    assert.strictEqual(server.said("ELECTION").length, 0)
  })

  it("is cancelled by following a reign", () => {
    const server = vacant(["z"])
    server.hear(coordinator("z", 50))
    server.advance(5_000)
    assert.deepStrictEqual([server.follows, server.said("ELECTION").length], ["z", 0])
  })

  it("one who leads says so at 0, 50 and 200 ms", () => {
    const server = vacant(["a"])
    const at: Array<number> = []
    for (let time = 0; time < 400; time += 1) {
      server.advance(1)
      if (server.said("COORDINATOR").length > 0) at.push(server.now)
    }
    assert.deepStrictEqual(at.map((time) => time - at[0]!), [0, 50, 200])
  })

  it("one outranked in its view asks at 0, a quarter and a half of okTimeout, and leads when nobody objected by then", () => {
    const server = vacant(["z"])
    const at: Array<number> = []
    for (let time = 0; time < 1_100 && !server.leads; time += 1) {
      server.advance(1)
      if (server.said("ELECTION").length > 0) at.push(server.now)
    }
    assert.deepStrictEqual([...at, server.now].map((time) => time - at[0]!), [0, 250, 500, 1_000])
    assert.isTrue(server.leads)
  })

  it("an objection of a higher one makes it wait 2 s, plus up to a quarter, and then stand again", () => {
    const server = vacant(["z"]).advance(25)
    const [asked] = server.said("ELECTION")
    server.hear(objects("z", "m", asked?.message.standing ?? 0))
    assert.strictEqual(server.activity, "Waiting")
    server.advance(1_999)
    assert.strictEqual(server.activity, "Waiting")
    server.advance(501 + 25)
    assert.strictEqual(server.activity, "Standing")
  })

  it("who waits for a higher one that is removed stands again at once", () => {
    const server = vacant(["z"])
    server.hear(stands("z", 1_000_000))
    assert.strictEqual(server.activity, "Waiting")
    server.hear(leaving("z"))
    assert.strictEqual(server.activity, "Pending")
  })

  it("a wait that was overtaken by events does not run out into a later election", () => {
    // The story: the wait's timer ran on after the higher one had gone, and made a server that stood forget that it did,
    // so that it did not hear the objection and led all the same.
    const server = vacant(["y", "z"])
    server.hear(stands("z", 1_000_000))
    server.advance(1_500).hear(leaving("z"))
    server.advance(30)
    assert.strictEqual(server.activity, "Standing")
    server.hear(alive("y"))
    server.advance(975)
    const [asked] = server.said("ELECTION").slice(-1)
    server.hear(objects("y", "m", asked?.message.standing ?? 0))
    assert.strictEqual(server.activity, "Waiting")
    assert.isFalse(server.leads)
  })

  it("a wait is not ended by the loss of a lower one", () => {
    const server = vacant(["a", "z"])
    server.hear(stands("z", 1_000_000))
    server.hear(leaving("a"))
    assert.strictEqual(server.activity, "Waiting")
  })

  it("a place that stays vacant is stood for with the next heartbeat at the latest", () => {
    const server = following(50, "z", ["a"], { timing: { minimumMembers: 3 } })
    server.hear(leaving("z", { follows: reign(50, "z") }))
    assert.strictEqual(server.activity, "Idle")
    server.hear(alive("z"))
    assert.strictEqual(server.activity, "Idle", "a goodbye is final")
    server.hear(alive("b"))
    assert.strictEqual(server.activity, "Pending")
  })

  it("a leader removed for silence is asked for by ELECTION for 2 x probeTimeout before the highest ranked leads", () => {
    const server = following(50, "z", ["a"])
    server.advance(30_001).hear(alive("a"))
    server.step({ _tag: "Sweep" })
    server.advance(750)
    assert.strictEqual(server.follows, null)
    server.sent.length = 0
    server.advance(5)
    assert.deepStrictEqual([server.activity, server.says()], ["Standing", ["ELECTION"]])
    server.advance(294)
    assert.isFalse(server.leads)
    server.advance(6)
    assert.isTrue(server.leads)
  })

  it("a leader that refuses a connection is not asked for", () => {
    const server = following(50, "z", ["a"])
    server.advance(30_001).hear(alive("a"))
    server.step({ _tag: "Sweep" })
    server.step({ _tag: "Refused", id: Peer.id("z") })
    server.advance(150).step({ _tag: "Refused", id: Peer.id("z") })
    assert.deepInclude(server.tells().find((event) => event.event === "LeaderChanged"), {
      leader: null,
      cause: "Crashed"
    })
    server.sent.length = 0
    server.advance(5)
    assert.deepStrictEqual([server.leads, server.says()], [true, ["COORDINATOR"]])
  })

  it("the new term is above every term heard of, and the Unix time where that is more (protocol 1, term)", () => {
    const server = vacant(["a"], { wall: 1_000_000 })
    server.advance(5)
    assert.isTrue(server.term >= 1_000_300 && server.term <= 1_000_305)
    const later = vacant(["a"])
    later.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000 }, { heard: 5_000_000 }))
    later.advance(5)
    assert.strictEqual(later.term, 5_000_001)
  })
})

describe("on ELECTION (protocol 5)", () => {
  it("a leader answers a lower one with a notice and no more", () => {
    const server = leading(["a"])
    server.hear(stands("a", 1))
    assert.deepStrictEqual(server.says(), leaderNotice)
    server.advance(5_000)
    assert.deepStrictEqual(server.said("OK").length, 0)
  })

  it("a follower objects to a lower one after 5 ms for each that outranks it", () => {
    const server = following(50, "z", ["a", "y"])
    server.hear(stands("a", 77))
    server.advance(9.9)
    assert.deepStrictEqual(server.said("OK"), [])
    server.advance(0.1)
    const [send] = server.said("OK")
    assert.strictEqual(send?.to, null)
    assert.deepInclude(send?.message, { to: Peer.id("a"), standing: 77, election: "" })
  })

  it("does not object where a higher one did meanwhile, but does where a lower one did", () => {
    const server = following(50, "z", ["a", "b", "y"])
    server.hear(stands("a", 77))
    server.hear(objects("y", "a", 77))
    server.advance(1_000)
    assert.strictEqual(server.said("OK").length, 0)
    server.hear(stands("a", 78))
    server.hear(objects("b", "a", 78))
    server.advance(1_000)
    assert.strictEqual(server.said("OK").length, 1)
  })

  it("takes a lower one's question for a hint: the place vacant, it stands itself", () => {
    const server = vacant([], { timing: { minimumMembers: 2 } })
    server.hear(stands("a", 77))
    assert.deepStrictEqual([server.activity, server.says()], ["Pending", []])
    server.advance(0)
    assert.deepStrictEqual(server.says(), ["OK"])
  })

  it("takes it for a hint: a leader not heard within probeTimeout is asked directly, five times, and then removed", () => {
    const server = following(50, "z", ["a", "b"])
    server.advance(200).hear(stands("a", 77))
    assert.deepStrictEqual(server.checked, ["z"])
    server.advance(749)
    assert.strictEqual(server.said("SERVER_PROBE").length, 5)
    assert.strictEqual(server.follows, "z")
    server.advance(1)
    assert.strictEqual(server.follows, null)
  })

  it("does not ask a leader heard within probeTimeout", () => {
    const server = following(50, "z", ["a"])
    server.advance(100).hear(alive("z", reign(50, "z")))
    server.advance(150).hear(stands("a", 77))
    assert.deepStrictEqual(server.checked, [])
    server.advance(1).hear(stands("a", 77))
    assert.deepStrictEqual(server.checked, ["z"])
  })

  it("does not ask the leader where it is the one who stands", () => {
    const server = following(50, "a", ["b"], { timing: { preempt: false } })
    server.advance(200).hear(stands("a", 77, { follows: reign(50, "a") }))
    assert.deepStrictEqual(server.checked, [])
  })

  it("leaves the question to the better placed where more than two besides the leader outrank it", () => {
    const few = following(50, "z", ["a", "x", "y"])
    few.advance(200).hear(stands("a", 77))
    assert.deepStrictEqual(few.checked, ["z"])
    const many = following(50, "z", ["a", "w", "x", "y"])
    many.advance(200).hear(stands("a", 77))
    assert.deepStrictEqual(many.checked, [])
  })

  it("asks nobody while it is still in the discovery window after a stall", () => {
    const server = following(50, "z", ["a"])
    server.freeze(10_000).step({ _tag: "CheckPause" })
    server.advance(200).hear(stands("a", 77))
    assert.deepStrictEqual(server.checked, [])
  })

  it("from a higher one, the place vacant: waits", () => {
    const server = vacant(["z"])
    server.hear(stands("z", 77))
    assert.strictEqual(server.activity, "Waiting")
    assert.deepStrictEqual(server.says(), [])
  })

  it("from a higher one, the place taken: nothing", () => {
    const server = following(50, "a", ["z"], { timing: { preempt: false } })
    server.hear(stands("z", 77))
    assert.deepStrictEqual([server.activity, server.says(), server.follows], ["Idle", [], "a"])
  })

  it("an objection of a lower one, to another, or to what it stood for before, does not count", () => {
    const server = vacant(["a", "y", "z"]).advance(45)
    const [asked] = server.said("ELECTION")
    const standing = asked?.message.standing ?? 0
    server.hear(objects("a", "m", standing))
    server.hear(objects("z", "b", standing))
    server.hear(objects("z", "m", standing - 1))
    assert.strictEqual(server.activity, "Standing")
    server.hear(objects("z", "m", standing))
    assert.strictEqual(server.activity, "Waiting")
    server.hear(objects("z", "m", standing))
    assert.strictEqual(server.activity, "Waiting")
  })

  it("what is said of another leadership in the group is no concern of this one's (protocol 3, election)", () => {
    const other = { election: "printing" } as const
    const server = vacant(["a", "z"]).advance(25)
    const [asked] = server.said("ELECTION")
    const standing = asked?.message.standing ?? 0
    server.hear({ ...objects("z", "m", standing), ...other })
    assert.strictEqual(server.activity, "Standing")
    server.hear({ ...stands("z", 77), ...other })
    assert.strictEqual(server.activity, "Standing")
    server.hear({ ...stands("a", 77), ...other })
    server.advance(100)
    assert.strictEqual(server.said("OK").length, 0)
    const follower = following(50, "z", ["a"])
    follower.hear({ ...stepsDown("z", 50, "a"), leader: reign(50, "z").leader, ...other })
    assert.strictEqual(follower.follows, "z")
  })
})

describe("preempt: false (protocol 5)", () => {
  const timing = { preempt: false }

  it("a higher ranked server that starts does not depose a leader", () => {
    const server = Server.live({ timing }, [coordinator("a", 50)])
    server.advance(5_000)
    assert.deepStrictEqual([server.follows, server.said("ELECTION").length], ["a", 0])
  })

  it("of two leaders that meet, the greater reign stays and the other steps down (rule 7 does not apply)", () => {
    const server = following(50, "z", ["a"], { timing })
    server.hear(leaving("z"))
    server.advance(5)
    assert.isTrue(server.leads)
    server.hear(alive("a", reign(server.term + 900_000, "a")))
    assert.deepStrictEqual([server.leads, server.follows], [false, "a"])
    server.advance(20_000)
    assert.strictEqual(server.follows, "a")
  })

  it("a newcomer that has not heard of a leader asks by ELECTION for okTimeout before it leads", () => {
    const server = vacant(["a"], { timing }).advance(5)
    assert.deepStrictEqual([server.activity, server.says()], ["Standing", ["ELECTION"]])
    server.hear(coordinator("a", 50))
    server.advance(5_000)
    assert.strictEqual(server.follows, "a")
  })

  it("one that has followed a leader leads at once when that leaves", () => {
    const server = following(50, "z", ["a"], { timing })
    server.hear(leaving("z", { follows: reign(50, "z") }))
    server.advance(5)
    assert.isTrue(server.leads)
  })
})

describe("minimumMembers (protocol 5)", () => {
  const timing = { minimumMembers: 3 }

  it("with fewer in view nobody stands, objects or leads; with enough one does", () => {
    const server = vacant(["a"], { timing })
    server.advance(20_000)
    server.step({ _tag: "Heartbeat" })
    server.hear(stands("a", 77))
    server.advance(1_000)
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE"])
    server.hear(alive("b"))
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("who stands while there are enough does not lead when there are not any more", () => {
    const server = vacant(["a", "z"], { timing }).advance(25)
    assert.strictEqual(server.activity, "Standing")
    server.hear(leaving("a"))
    server.advance(5_000)
    assert.isFalse(server.leads)
  })

  it("who is about to stand does not when there are not enough any more", () => {
    const server = vacant(["a", "z"], { timing })
    server.hear(leaving("a"))
    server.advance(5_000)
    assert.deepStrictEqual([server.activity, server.says()], ["Idle", []])
  })

  it("a leader steps down when too few are left, after its work has ended, and names no successor", () => {
    const server = leading(["a", "b"], { timing, work: 100 })
    server.hear(leaving("a"))
    assert.isFalse(server.leads)
    assert.strictEqual(server.follows, "m", "the group hears of it when the work has ended")
    server.advance(100)
    const [send] = server.said("STEPPING_DOWN")
    assert.deepInclude(send?.message, { successor: null, leader: null })
    assert.deepInclude(server.tells().at(-1), { event: "LeaderChanged", leader: null, cause: "TooFewMembers" })
  })

  it("a leader that stepped down for too few stands again as soon as its work has ended where there are enough by then", () => {
    const server = leading(["a", "b"], { timing, work: 100 })
    server.hear(leaving("a"))
    server.hear(alive("c"))
    server.advance(105)
    assert.isTrue(server.leads)
  })

  it("a leader goes on while there are enough", () => {
    const server = leading(["a", "b", "c"], { timing })
    server.hear(leaving("a"))
    assert.isTrue(server.leads)
  })
})

describe("one's own reign", () => {
  it("is none while another leads, while nobody does, and while the work ends", () => {
    const server = vacant(["a"])
    assert.isNull(ElectionContext.ownReign(server.state))
    server.advance(5)
    assert.deepStrictEqual(ElectionContext.ownReign(server.state), Reign.make(server.term, server.state.self))
    server.hear(coordinator("z", 5_000_000))
    assert.isNull(ElectionContext.ownReign(server.state))
  })

  it("goes on as a new one under a raised incarnation, and where it was ending it does not", () => {
    const server = leading(["a"])
    server.hear(alive(member("m", { incarnation: 2_000 })))
    assert.strictEqual(server.state.election.reign?.leader.incarnation, 2_001)
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE", "COORDINATOR"])
    const ending = leading(["a"], { work: "by hand" })
    ending.step({ _tag: "Resign" })
    ending.hear(alive(member("m", { incarnation: 2_000 })))
    assert.deepStrictEqual(ending.says(), ["SERVER_ALIVE"])
  })

  it("named in a reign by others from this very address under a later incarnation, it takes one above that", () => {
    const server = vacant(["a"])
    server.hear(alive("a", reign(60, member("m", { incarnation: 2_000 }))))
    assert.strictEqual(server.state.self.incarnation, 2_001)
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE"])
    server.hear(alive("a", reign(61, member("m", { incarnation: 3_000, ...elsewhere }))))
    assert.strictEqual(server.state.self.incarnation, 2_001)
  })
})
