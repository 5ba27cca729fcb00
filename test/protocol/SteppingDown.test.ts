import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import type * as Event from "../../src/protocol/model/Event.ts"
import { following, leading, vacant } from "./harness/Openings.ts"
import * as Peer from "./harness/Peer.ts"
import type { Server } from "./harness/Server.ts"

const { alive, coordinator, leaving, member, reign, says, stands, stepsDown } = Peer

const changes = (server: Server) =>
  server.tells().flatMap((event) => event.event === "LeaderChanged" ? [event] : []) as ReadonlyArray<
    Extract<Event.Event, { readonly event: "LeaderChanged" }>
  >

const handsOver = (leader: string, term: number, transferee: string) =>
  stepsDown(leader, term, transferee, "Transferred")

/** The heir, or another of it, says that it leads by what the former leader said. */
const inherits = (transferee: string, term: number, by = transferee) =>
  says(by, { type: "COORDINATOR", election: "", cause: "Transferred" }, { follows: reign(term, transferee) })

describe("stepping down (protocol 5, leaving and stepping down)", () => {
  it("a leader that resigns ends its work first, then says STEPPING_DOWN at 0 and 50 ms and names the highest ranked other", () => {
    const server = leading(["a", "b"], { work: "by hand" })
    server.step({ _tag: "Resign" })
    assert.deepStrictEqual([server.leads, server.says()], [false, []])
    assert.strictEqual(server.outputs.at(-1)?._tag, "EndWork")
    server.step({ _tag: "WorkEnded" })
    const [send] = server.said("STEPPING_DOWN")
    assert.deepInclude(send?.message, { successor: Peer.id("b"), leader: null })
    server.advance(50)
    assert.strictEqual(server.said("STEPPING_DOWN").length, 1)
  })

  it("names one that is known to hear it before a higher ranked one that is not", () => {
    const server = leading(["a", "b", "c"])
    const { members } = server.state
    const deaf = { ...server.knows("c"), hearsUsAt: -Infinity }
    server.state = { ...server.state, known: HashMap.set(server.state.known, Peer.id("c"), deaf) }
    assert.strictEqual(members[0]?.name, "c")
    server.forget().step({ _tag: "Resign" })
    server.advance(0)
    assert.strictEqual(server.said("STEPPING_DOWN")[0]?.message.successor, Peer.id("b"))
  })

  it("resigning twice, without a lead, or while the work ends is nothing", () => {
    const server = leading(["a"], { work: "by hand" })
    server.step({ _tag: "Resign" })
    server.forget().step({ _tag: "Resign" })
    assert.deepStrictEqual(server.outputs, [])
    const follower = following(50, "z")
    follower.step({ _tag: "Resign" })
    follower.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(follower.outputs, [])
  })

  it("work that ends says nothing where the reign has been given up to a greater one meanwhile", () => {
    const server = leading(["a", "z"].slice(0, 1), { work: "by hand" })
    server.step({ _tag: "Resign" })
    server.hear(coordinator("z", 5_000_000))
    server.forget().step({ _tag: "WorkEnded" })
    assert.deepStrictEqual([server.outputs, server.follows], [[], "z"])
  })

  it("one whose lead is ending follows a newer reign of a lower one instead of taking a new reign (rule 7)", () => {
    const server = leading(["a"], { work: "by hand" })
    server.step({ _tag: "Resign" })
    server.hear(coordinator("a", 5_000_000))
    assert.deepStrictEqual([server.follows, server.leads], ["a", false])
  })

  it("one whose lead is ending for too few members follows a newer reign of a lower one, and waits before it stands", () => {
    const server = leading(["a", "b"], { timing: { minimumMembers: 3 }, work: "by hand" })
    server.hear(leaving("b"))
    server.hear(coordinator("c", 5_000_000))
    assert.deepStrictEqual([server.follows, server.activity], ["c", "Idle"])
  })

  it("one whose lead is ending because it resigned follows a newer reign of a lower one, and that is no loss", () => {
    const server = leading(["a", "b"], { work: "by hand" })
    server.step({ _tag: "Resign" })
    server.hear(coordinator("c", 5_000_000))
    assert.deepStrictEqual([server.follows, server.state.election.losses.count], ["c", 0])
  })

  it("its successor is a candidate at once, even if others rank higher", () => {
    const server = following(50, "a", ["b"], { timing: { preempt: false } })
    server.hear(alive("z"))
    server.hear(stepsDown("a", 50, "m"))
    server.advance(5)
    assert.strictEqual(server.activity, "Standing")
  })

  it("who stepped down does not stand in the way of its successor", () => {
    const server = following(50, "z", ["a"])
    server.hear(stepsDown("z", 50, "m"))
    server.advance(5)
    assert.deepStrictEqual([server.leads, server.says()], [true, ["COORDINATOR"]])
  })

  it("who would go first gives way to the successor by one step of the stagger", () => {
    const server = following(50, "z", ["a"])
    server.hear(stepsDown("z", 50, "a"))
    server.advance(19.9)
    assert.strictEqual(server.activity, "Pending")
    server.advance(5.1)
    assert.isTrue(server.leads)
  })

  it("the successor's name is heard also where the first word of the end was a heartbeat, and the repeat changes nothing", () => {
    const server = following(50, "z", ["a", "y"])
    server.hear(says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { term: 50 }))
    server.hear(stepsDown("z", 50, "a"))
    assert.strictEqual(server.state.election.vacancy.successor, Peer.id("a"))
    const { timers } = server.state
    server.hear(stepsDown("z", 50, "a"))
    assert.strictEqual(server.state.timers, timers)
  })

  it("no successor, or one named when the next election is under way, is no successor", () => {
    const server = following(50, "z", ["a", "y"])
    server.hear(stepsDown("z", 50, null))
    assert.strictEqual(server.state.election.vacancy.successor, null)
    server.advance(45)
    assert.strictEqual(server.activity, "Standing")
    server.hear(stepsDown("z", 50, "a"))
    assert.strictEqual(server.state.election.vacancy.successor, null)
  })

  it("STEPPING_DOWN of one who does not lead, or before anybody has led, is nothing", () => {
    const server = following(50, "z", ["a"])
    server.hear(stepsDown("a", 50, "m"))
    assert.strictEqual(server.follows, "z")
    server.hear(leaving("z"))
    server.hear(stepsDown("a", 50, "m"))
    assert.strictEqual(server.state.election.vacancy.successor, null)
    const fresh = vacant(["a", "z"])
    fresh.hear(stepsDown("a", 50, "m"))
    assert.strictEqual(fresh.state.election.vacancy.successor, null)
  })

  it("who resigned does not stand for one memberTimeout while somebody leads, neither objects; then it does", () => {
    const server = leading(["a"])
    server.step({ _tag: "Resign" })
    server.advance(20)
    server.hear(coordinator("a", 5_000_000))
    server.hear(stands("b", 77))
    server.advance(29_000)
    server.hear(alive("a", reign(5_000_000, "a")))
    assert.deepStrictEqual([server.follows, server.said("OK").length], ["a", 0])
    server.advance(1_010)
    assert.isTrue(server.leads)
  })

  it("who resigned stands again after coordinatorTimeout where nobody has taken the lead", () => {
    const server = leading([])
    server.step({ _tag: "Resign" })
    server.advance(1_999)
    assert.strictEqual(server.activity, "Idle")
    server.advance(10)
    assert.isTrue(server.leads)
  })

  it("who resigned stands again where its successor is gone: not for a memberTimeout would there be a leader else", () => {
    const server = leading(["a"])
    server.step({ _tag: "Resign" })
    server.advance(20)
    server.hear(coordinator("a", 5_000_000))
    server.advance(5_000)
    server.hear(leaving("a", { follows: reign(5_000_000, "a") }))
    server.advance(1_999)
    assert.isFalse(server.leads)
    server.advance(10)
    assert.isTrue(server.leads)
  })

  it("work that takes longer to end than coordinatorTimeout delays the second look, not by a memberTimeout", () => {
    const server = leading([], { work: 3_000 })
    server.step({ _tag: "Resign" })
    server.advance(3_000 + 2_010)
    assert.isTrue(server.leads)
  })
})

describe("the cause of an end (protocol 5, leaving and stepping down)", () => {
  it("is the one that the leader gives with STEPPING_DOWN, and the next leader's too", () => {
    const server = following(50, "z", ["a"])
    server.hear(stepsDown("z", 50, "m", "TooFewMembers"))
    server.advance(5)
    assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["TooFewMembers", "TooFewMembers"])
  })

  it("is Resigned where it gives none, or one of a later version", () => {
    for (const cause of [undefined, "StruckByLightning"]) {
      const server = following(50, "z", ["a"])
      server.hear(stepsDown("z", 50, "m", cause))
      assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["Resigned"])
    }
  })

  it("is put right for the next leader where a heartbeat told of the end first (reordered)", () => {
    const server = following(50, "z", ["y"])
    server.hear(says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { term: 50 }))
    server.hear(stepsDown("z", 50, null, "Stalled"))
    server.hear(coordinator("y", 60))
    assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["Resigned", "Stalled"])
  })

  it("is not taken from the word of another reign of that leader (stale), nor from another's", () => {
    const server = following(50, "z", ["a", "y"])
    server.hear(leaving("a"))
    server.hear(stepsDown("z", 50, null))
    server.hear(stepsDown("z", 49, "m", "Transferred"))
    server.hear(stepsDown("y", 50, "m", "Transferred"))
    assert.deepInclude(server.state.election.vacancy, { cause: "Resigned", successor: null })
  })

  it("brings no reign back that its leader ended, for any cause", () => {
    for (const cause of ["Stalled", "Transferred", "TooFewMembers", "WorkOverran"]) {
      const server = following(50, "z", ["y"])
      server.hear(stepsDown("z", 50, "y", cause))
      server.hear(alive("z", reign(50, "z")))
      assert.isNull(server.follows)
    }
  })

  it("is that of a former start where others follow a reign of that", () => {
    const server = vacant(["a"])
    server.hear(alive("a", reign(2_000_000, member("m", { incarnation: 900 }))))
    assert.deepInclude(changes(server)[0], { leader: null, cause: "Replaced" })
  })

  it("comes with the time without a leader, from its last sign of life where it fell silent", () => {
    const server = following(50, "z", ["a"])
    server.advance(30_001).hear(alive("a"))
    server.step({ _tag: "Sweep" })
    server.advance(750 + 305)
    const [, led] = changes(server)
    assert.strictEqual(led?.cause, "Silent")
    assert.isAtLeast(led?.without ?? 0, 31_000)
    const left = following(50, "z", ["a"])
    left.advance(20_000).hear(leaving("z", { follows: reign(50, "z") }))
    left.advance(5)
    assert.isAtMost(changes(left)[1]?.without ?? Infinity, 5)
    const restarted = following(50, "z", ["a"])
    restarted.advance(20_000).hear(alive(member("z", { incarnation: 2_000 })))
    restarted.hear(Peer.says(member("z", { incarnation: 2_000 }), { type: "COORDINATOR", election: "" }, {
      follows: reign(60, member("z", { incarnation: 2_000 }))
    }))
    assert.deepInclude(changes(restarted)[1], { cause: "Replaced", without: 20_300 })
  })
})

describe("stepping down for a time (protocol 5, leaving and stepping down)", () => {
  it("is resigning, and then not standing for that long even where nobody leads", () => {
    const server = leading([])
    server.step({ _tag: "StepDown", millis: 60_000 })
    server.advance(59_999)
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([server.follows, server.activity], [null, "Idle"])
    server.advance(6)
    assert.isTrue(server.leads)
    assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["Resigned", "Resigned"])
  })

  it("holds a follower back as well, and who is about to stand", () => {
    const server = vacant(["z"]).advance(25)
    assert.strictEqual(server.activity, "Standing")
    server.step({ _tag: "StepDown", millis: 60_000 })
    server.hear(stands("a", 77))
    server.hear(coordinator("a", 5_000_000))
    server.advance(50_000)
    assert.deepStrictEqual([server.follows, server.said("OK").length], ["a", 0])
    server.hear(alive("a", reign(5_000_000, "a")))
    server.hear(leaving("z"))
    server.advance(10_005)
    assert.isTrue(server.leads)
  })

  it("again: the later time holds, also where it is the shorter", () => {
    const server = leading([])
    server.step({ _tag: "StepDown", millis: 60_000 })
    server.step({ _tag: "StepDown", millis: 1_000 })
    server.advance(1_005)
    assert.isTrue(server.leads)
  })

  it("is not undone by being named as heir", () => {
    const server = following(50, "z", ["a"])
    server.step({ _tag: "StepDown", millis: 60_000 })
    server.hear(handsOver("z", 50, "m"))
    server.advance(10_000)
    assert.deepStrictEqual([server.follows, server.activity], [null, "Idle"])
  })

  it("is neither lengthened nor cut short by another's heir", () => {
    const server = following(50, "z", ["a"])
    server.step({ _tag: "StepDown", millis: 60_000 })
    server.hear(handsOver("z", 50, "a"))
    server.hear(leaving("a"))
    server.hear(leaving("z"))
    server.advance(59_000)
    assert.isNull(server.follows)
    server.advance(1_005)
    assert.isTrue(server.leads)
  })
})

describe("handing the lead over (protocol 5, leaving and stepping down)", () => {
  it("ends the leading work first, then names the transferee, even if others rank higher, and says why", () => {
    const server = leading(["a", "b"], { work: "by hand" })
    server.step({ _tag: "Transfer", to: Peer.id("a") })
    assert.deepStrictEqual([server.leads, server.says()], [false, []])
    server.step({ _tag: "WorkEnded" })
    const [send] = server.said("STEPPING_DOWN")
    assert.deepInclude(send?.message, { successor: Peer.id("a"), cause: "Transferred", leader: null })
    assert.deepInclude(changes(server)[0], { leader: null, cause: "Transferred" })
  })

  it("without a lead, to nobody in view, to oneself, or again while the work ends is nothing", () => {
    const server = leading(["a", "b"], { work: "by hand" })
    for (const name of ["z", "m"]) server.step({ _tag: "Transfer", to: Peer.id(name) })
    assert.deepStrictEqual(server.outputs, [])
    server.step({ _tag: "Transfer", to: Peer.id("a") })
    server.forget().step({ _tag: "Transfer", to: Peer.id("b") })
    assert.deepStrictEqual(server.outputs, [])
    const follower = following(50, "z", ["a"])
    follower.step({ _tag: "Transfer", to: Peer.id("a") })
    assert.deepStrictEqual(follower.outputs, [])
  })

  it("the transferee leads at once and without asking, even if others rank higher, and says by what right", () => {
    const server = following(50, "y", ["a", "z"], { timing: { preempt: false } })
    server.hear(handsOver("y", 50, "m"))
    server.hear(handsOver("y", 50, "m"))
    server.advance(5)
    assert.isTrue(server.leads)
    const said = server.said("COORDINATOR")
    assert.deepStrictEqual(said.map(({ message }) => message.cause), ["Transferred"])
    assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["Transferred", "Transferred"])
    server.hear(handsOver("y", 50, "m"))
    assert.isTrue(server.leads)
  })

  it("the heir leads although it had resigned itself", () => {
    const server = leading(["a"])
    server.step({ _tag: "Resign" })
    server.advance(20).hear(coordinator("a", 5_000_000))
    server.hear(handsOver("a", 5_000_000, "m"))
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("who is led in that way does not say so by right of a later reign", () => {
    const server = following(50, "z", ["a"])
    server.hear(handsOver("z", 50, "m"))
    server.advance(300).forget()
    server.hear(alive("a", reign(server.term + 900_000, "a")))
    assert.deepStrictEqual(server.said("COORDINATOR").map(({ message }) => message.cause), [undefined])
  })

  it("nobody else stands, nor objects, for a memberTimeout while the heir leads; then the rank decides again", () => {
    const server = following(50, "z", ["a", "b"])
    server.hear(handsOver("z", 50, "a"))
    server.hear(stands("b", 77))
    server.advance(20).hear(inherits("a", 60))
    server.advance(29_000)
    assert.deepStrictEqual([server.follows, server.said("OK").length], ["a", 0])
    server.hear(alive("a", reign(60, "a")))
    server.advance(1_000 + 25 + 1_000)
    assert.isTrue(server.leads)
  })

  it("who missed the word of the former leader hears from the heir that it is to let it be", () => {
    const server = following(50, "z", ["a"])
    server.hear(inherits("a", 60))
    server.hear(inherits("a", 60))
    server.advance(29_000)
    assert.strictEqual(server.follows, "a")
    server.hear(alive("a", reign(60, "a")))
    server.advance(1_000 + 25 + 1_000)
    assert.isTrue(server.leads)
  })

  it("what others tell of a reign, or tell late, makes nobody hold back", () => {
    const server = following(50, "z", ["a", "b"])
    server.hear(inherits("a", 60, "b"))
    server.hear(inherits("a", 40))
    server.advance(5)
    assert.strictEqual(server.state.election.ineligibility.transferee, null)
  })

  it("who stands already when it hears of an heir does not any more", () => {
    const server = following(50, "y", ["a", "z"])
    server.hear(stepsDown("y", 50, null))
    server.advance(45)
    assert.strictEqual(server.activity, "Standing")
    server.hear(handsOver("y", 50, "a"))
    assert.strictEqual(server.activity, "Idle")
  })

  it("an heir that does not lead within coordinatorTimeout is waited for no longer", () => {
    const server = following(50, "z", ["a"])
    server.hear(handsOver("z", 50, "a"))
    server.advance(1_999)
    assert.strictEqual(server.activity, "Idle")
    server.advance(1)
    assert.strictEqual(server.activity, "Pending")
  })

  it("a transferee that is gone before it leads is waited for no longer, and another that goes changes nothing", () => {
    const server = following(50, "z", ["a", "b"])
    server.hear(handsOver("z", 50, "a"))
    server.hear(leaving("b"))
    assert.strictEqual(server.activity, "Idle")
    server.hear(leaving("a"))
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("an heir whose reign is over is let be no longer", () => {
    const server = following(50, "z", ["a"])
    server.hear(handsOver("z", 50, "a"))
    server.hear(inherits("a", 60))
    server.advance(5_000).hear(leaving("a", { follows: reign(60, "a") }))
    assert.strictEqual(server.activity, "Pending")
    server.advance(25 + 1_000)
    assert.isTrue(server.leads)
  })

  it("an heir that is gone when the work has ended is none: it is as if the leader had resigned", () => {
    const server = leading(["a", "b"], { work: "by hand" })
    server.step({ _tag: "Transfer", to: Peer.id("a") })
    server.hear(leaving("a"))
    server.step({ _tag: "WorkEnded" })
    const [send] = server.said("STEPPING_DOWN")
    assert.deepInclude(send?.message, { successor: Peer.id("b"), cause: "Resigned" })
    assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["Resigned"])
    server.hear(coordinator("b", 5_000_000))
    server.advance(10_000)
    assert.strictEqual(server.follows, "b")
  })

  it("is said also by one that leaves meanwhile", () => {
    const server = leading(["a", "b"], { work: 200 })
    server.step({ _tag: "Transfer", to: Peer.id("a") })
    server.step({ _tag: "Leave" })
    server.advance(200)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "SERVER_LEAVING"])
  })
})

describe("leading work that overran (protocol 5, leaving and stepping down)", () => {
  it("keeps its server from standing and objecting until it has finished", () => {
    const server = leading(["a"], { work: "by hand" })
    const { term } = server
    server.hear(coordinator("z", term + 900_000))
    server.step({ _tag: "WorkOverran", term })
    server.hear(leaving("z", { follows: reign(term + 900_000, "z") }))
    server.hear(stands("a", 77))
    server.advance(20_000)
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([server.activity, server.said("OK").length], ["Idle", 0])
    server.step({ _tag: "WorkFinished" })
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("makes its server follow a newer reign of a lower one, and take the lead back when it has finished", () => {
    const server = following(50, "z", ["a"])
    server.step({ _tag: "WorkOverran", term: 3 })
    server.hear(coordinator("a", 60))
    server.advance(5_000)
    assert.strictEqual(server.follows, "a")
    server.step({ _tag: "WorkFinished" })
    server.advance(25 + 1_000)
    assert.isTrue(server.leads)
  })

  it("ends a later reign that has begun, and not the one that it is of", () => {
    const server = leading(["a"])
    server.step({ _tag: "WorkOverran", term: server.term })
    assert.isTrue(server.leads)
    server.step({ _tag: "WorkOverran", term: server.term - 1 })
    server.advance(0)
    assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["WorkOverran"])
    assert.deepStrictEqual(server.said("STEPPING_DOWN").map(({ message }) => message.cause), ["WorkOverran"])
  })

  it("that finishes without having overrun is nothing", () => {
    const server = leading(["a"])
    server.step({ _tag: "WorkFinished" })
    assert.deepStrictEqual(server.outputs, [])
  })
})

describe("leading work that has all failed for good (protocol 5, standing aside)", () => {
  it("keeps its server from standing and objecting, also where nobody leads, until some is offered again", () => {
    const server = following(50, "z", ["a"])
    server.step({ _tag: "WorkGivenUp" })
    server.hear(leaving("z", { follows: reign(50, "z") }))
    server.hear(stands("a", 77))
    server.advance(20_000)
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([server.activity, server.said("OK").length, server.said("ELECTION").length], ["Idle", 0, 0])
    server.step({ _tag: "WorkOffered" })
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("ends the reign that its server has, as if that resigned", () => {
    const server = leading(["a"])
    server.step({ _tag: "WorkGivenUp" })
    server.advance(0)
    assert.deepStrictEqual(changes(server).map(({ cause }) => cause), ["Resigned"])
    server.advance(20_000)
    assert.isFalse(server.leads)
  })

  it("undoes a candidacy and an objection that were begun", () => {
    const server = vacant(["z", "a"])
    server.hear(stands("a", 77))
    server.step({ _tag: "WorkGivenUp" })
    server.forget().advance(1_000)
    assert.deepStrictEqual([server.activity, server.says()], ["Idle", []])
  })

  it("makes its server follow a newer reign of a lower one, and take the lead back when some is offered", () => {
    const server = following(50, "z", ["a"])
    server.step({ _tag: "WorkGivenUp" })
    server.hear(coordinator("a", 60))
    server.advance(5_000)
    assert.strictEqual(server.follows, "a")
    server.step({ _tag: "WorkOffered" })
    server.advance(25 + 1_000)
    assert.isTrue(server.leads)
  })

  it("is nothing where some was there all the time", () => {
    const server = leading(["a"])
    server.step({ _tag: "WorkOffered" })
    assert.deepStrictEqual([server.outputs, server.leads], [[], true])
  })
})
