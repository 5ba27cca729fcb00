/** What a server tells of itself at one instant: all that is known, in times from then on. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import * as Status from "../../src/protocol/Status.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, id, member, reign } = Peer

const now = (server: Server, pausedFor = 0) => ({
  monotonic: server.now + pausedFor,
  wall: server.now + server.wall + pausedFor,
  entropy: 0
})

const status = (server: Server, pausedFor = 0) => Status.of(server.state, now(server, pausedFor))

const agreement: Lease.Agreement = { groupSize: 3, duration: 1_500, drift: 0.01 }

describe("the status of a server (protocol 4)", () => {
  it("has all members, highest rank first, and when each was last heard", () => {
    const server = Server.live({ profile: "fast" }, [alive("z"), alive("a")])
    server.advance(100)
    const { members } = status(server)
    assert.deepStrictEqual(members.map(({ id }) => id), [id("z"), id("m"), id("a")])
    assert.strictEqual(members[1]?.heard, null)
    assert.strictEqual(members[0]?.heard?.ago, 100 + server.state.timing.discoveryWindow)
    assert.strictEqual(members[0]?.heard?.via, "multicast")
  })

  it("says how long nobody has led, then who does, and whether that is this server by the clock", () => {
    const server = new Server({ profile: "fast" })
    server.step({ _tag: "Start" })
    server.advance(100)
    assert.strictEqual(status(server).elections[0]?.vacant, 100)
    assert.strictEqual(status(server).phase, "Discovering")
    server.advance(1_000)
    const [own] = status(server).elections
    assert.strictEqual(own?.reign?.leader.id, id("m"))
    assert.isTrue(own?.leads)
    assert.strictEqual(own?.vacant, null)
    // It has been paused for so long that it leads no more, though it does not know yet.
    assert.isFalse(status(server, 60_000).elections[0]?.leads)
  })

  it("tells of a silent member how often it was asked", () => {
    const server = Server.live({}, [alive("z", reign(5, "z"))])
    server.advance(30_001).step({ _tag: "Sweep" })
    const asked = status(server).members[0]?.asked ?? 0
    server.advance(server.state.timing.probeTimeout)
    assert.strictEqual(status(server).members[0]?.asked, asked + 1)
    assert.deepInclude(status(server).upcoming.map(({ about, timer }) => ({ about, timer })), {
      about: id("z"),
      timer: "Check"
    })
  })

  it("has what will be done next in the order in which it is due, in ms from then on", () => {
    const server = new Server({ profile: "fast" })
    server.step({ _tag: "Start" })
    const { discoveryWindow } = server.state.timing
    server.advance(discoveryWindow - 1)
    const { upcoming } = status(server)
    assert.deepStrictEqual(upcoming.at(-1), { timer: "DiscoveryOver", election: null, about: null, in: 1 })
    const dues = upcoming.map((one) => one.in)
    assert.deepStrictEqual(dues, dues.toSorted((a, b) => a - b))
  })

  it("tells of a lease: that it is held, for how long, who voted, and in how long this server votes", () => {
    const server = new Server({
      profile: "fast",
      preVote: { granted: true, promised: 0, boundTo: null, remaining: 0 },
      timing: { lease: agreement, stopTimeout: 300 }
    })
    server.step({ _tag: "Start" })
    server.advance(500)
    assert.strictEqual(status(server).votesIn, 1_000)
    server.advance(999).hear(alive("a"))
    server.forget().advance(20)
    assert.strictEqual(status(server).votesIn, 0)
    const [asked] = server.said("ELECTION")
    assert.isDefined(asked)
    assert.strictEqual(status(server).elections[0]?.lease?.held, false)
    assert.strictEqual(status(server).elections[0]?.promise?.to, id("m"))
    const { standing } = asked.message
    server.hear(
      Peer.says("a", {
        type: "VOTE",
        election: "",
        standing,
        incarnation: member("m").incarnation,
        granted: true,
        promised: standing,
        boundTo: id("m"),
        remaining: 0
      })
    )
    const [own] = status(server).elections
    assert.deepStrictEqual({ held: own?.lease?.held, votes: own?.lease?.votes }, { held: true, votes: [id("a")] })
    assert.isAtMost(own?.lease?.left ?? 0, 1_470)
    assert.strictEqual(status(server, 2_000).elections[0]?.lease?.left, 0)
    assert.isFalse(status(server, 2_000).elections[0]?.leads)
  })

  it("is what its schema says, and survives JSON", () => {
    const server = Server.live({ profile: "fast" }, [alive("z"), alive("a")])
    for (const election of ["orders", "jobs", "billing", "mail", "audit"]) server.step({ _tag: "Campaign", election })
    server.advance(2_000)
    const before = status(server)
    assert.deepStrictEqual(before.elections.map(({ name }) => name), ["", "audit", "billing", "jobs", "mail", "orders"])
    const after = Schema.decodeSync(Schema.fromJsonString(Status.Status))(JSON.stringify(before))
    assert.deepStrictEqual(after, before)
  })
})
