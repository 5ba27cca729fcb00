/**
 * A server whose machine is set back to a snapshot, and says so by its generation (protocol 6, a machine that is set back).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Voter from "../../src/protocol/lease/Voter.ts"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, id, says } = Peer
const L = 1_500
const lease: Lease.Agreement = { groupSize: 3, duration: L, drift: 0.01 }

const stands = (sender: string, standing: number) => says(sender, { type: "ELECTION", election: "", standing, lease })
const granted = (server: Server) => server.said("VOTE").map(({ message }) => message.granted)

const startedIn = (generation: string | undefined, timing = {}) => {
  const server = new Server({ profile: "fast", timing })
  server.generation = generation
  server.step({ _tag: "Start" })
  server.advance(300)
  server.hear(alive("a"))
  return server.forget()
}

const duplicates = (server: Server) => server.tells().filter(({ event }) => event === "DuplicateIdentity").length

const leadsNow = (server: Server) =>
  Step.leads(server.state, { monotonic: server.now, wall: server.now + server.wall, generation: server.generation }) !==
    null

describe("a machine that is set back to a snapshot", () => {
  it("is noticed by a generation that changes, at the first step and when asked before it: nobody leads on", () => {
    const server = startedIn("one").advance(2_000)
    server.step({ _tag: "CheckPause" })
    assert.isTrue(leadsNow(server))
    server.forget()
    const before = server.state.self.incarnation
    server.generation = "two"
    assert.isFalse(leadsNow(server), "already before its first step")
    server.step({ _tag: "CheckPause" })
    const { self: { incarnation } } = server.state
    assert.isAbove(incarnation, before)
    const told = server.tells()
    assert.deepInclude(told[0], { event: "IncarnationRaised", from: before, to: incarnation })
    assert.isTrue(told.some((event) => event.event === "LeaderChanged" && event.leader === null))
    assert.includeMembers([...server.says()], ["SERVER_PROBE", "SERVER_ALIVE"])
    server.forget()
    server.advance(1).step({ _tag: "CheckPause" })
    assert.deepStrictEqual(server.tells(), [], "once")
  })

  it.each([[undefined, undefined], [undefined, "one"], ["one", undefined], ["one", "one"]])(
    "is not where the generation was %s and is %s",
    (before, after) => {
      const server = startedIn(before)
      server.generation = after
      server.step({ _tag: "CheckPause" })
      assert.deepStrictEqual(server.tells(), [])
      assert.strictEqual(server.state.generation, before)
    }
  )

  it("makes an incarnation above its own where the wall clock was set back too", () => {
    const server = startedIn("one")
    const before = server.state.self.incarnation
    server.wall = -server.now - 1_000_000
    server.generation = "two"
    server.step({ _tag: "CheckPause" })
    assert.strictEqual(server.state.self.incarnation, before + 1)
  })

  it("binds a voter to nobody, and keeps it silent for a lease, as a start does; it keeps the terms", () => {
    const server = startedIn("one", { lease, minimumMembers: 9 }).advance(L)
    server.hear(stands("a", 50_000))
    assert.deepStrictEqual(granted(server), [true])
    server.forget()
    server.generation = "two"
    server.step({ _tag: "CheckPause" })
    assert.deepInclude(Voter.promiseIn(server.state, ""), { to: null, term: 50_000 })
    server.advance(L - 1).forget()
    server.hear(stands("a", 60_000))
    assert.deepStrictEqual(granted(server), [false])
    server.advance(2).forget()
    server.hear(stands("a", 70_000))
    assert.deepStrictEqual(granted(server), [true])
    assert.strictEqual(Voter.promiseIn(server.state, "").to?.id, id("a"))
  })

  it("asks for no promises of a former start: by a number drawn twice a keeper may have given them away before", () => {
    const server = startedIn("one", { lease })
    server.generation = "two"
    server.step({ _tag: "CheckPause" })
    const { start } = server.state.handover
    assert.notStrictEqual(start, "")
    server.advance(1_000).step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.said("PROMISES_ASK"), [])
    server.hear({ type: "PROMISES", start, key: "aa", lease, page: 0, of: 1, promises: [] }, "unicast")
    assert.notInclude(server.told(), "Votes")
    server.advance(L)
    assert.include(server.told(), "Votes", "when its silence is over")
  })

  it("leaves one that leaves silent for good: its next start may have what it promised", () => {
    const server = startedIn("one", { lease }).advance(L)
    server.step({ _tag: "Leave" })
    server.generation = "two"
    server.step({ _tag: "CheckPause" })
    assert.deepStrictEqual([server.state.phase, server.state.silentUntil], ["Leaving", Infinity])
    assert.deepStrictEqual(server.advance(1_000).says().filter((said) => said.startsWith("HANDOVER ")), [])
    assert.strictEqual(server.state.phase, "Left")
  })

  it("takes what it has forgotten to have said for no duplicate, for a memberTimeout", () => {
    const server = startedIn("one").advance(5_000)
    const snapshot = server.state
    server.generation = "two"
    server.step({ _tag: "CheckPause" })
    const forgotten = alive(server.state.self)
    server.state = snapshot
    server.now += 10
    server.generation = "three"
    server.step({ _tag: "CheckPause" })
    server.forget()
    server.advance(snapshot.timing.memberTimeout).hear(forgotten)
    assert.deepStrictEqual([server.drops(), duplicates(server)], [["Own"], 0])
    server.advance(1).hear(forgotten)
    assert.deepStrictEqual([server.drops(), duplicates(server)], [["Duplicate"], 1])
  })

  it("forgets with it how often it went beyond another, so that it may do so again", () => {
    const server = startedIn("one")
    for (const generation of ["two", "three", "four", "five"]) {
      server.generation = generation
      server.step({ _tag: "CheckPause" })
    }
    const above = server.state.self.incarnation + 10
    server.hear(alive({ ...server.state.self, incarnation: above }))
    assert.strictEqual(server.state.self.incarnation, above + 1)
  })

  it("lets one that leaves go on leaving", () => {
    const server = startedIn("one")
    server.step({ _tag: "Leave" })
    server.forget()
    server.generation = "two"
    server.step({ _tag: "CheckPause" })
    assert.strictEqual(server.state.phase, "Leaving")
    assert.notInclude(server.says(), "SERVER_ALIVE")
  })
})
