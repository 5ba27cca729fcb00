/**
 * Servers without a vote: what one of them does and does not do, and how the others count (protocol, servers without a vote).
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Voter from "../../src/protocol/lease/Voter.ts"
import * as Election from "../../src/protocol/model/Election.ts"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Status from "../../src/protocol/Status.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, member, reign, says } = Peer
const L = 1_500
const three: Lease.Agreement = { groupSize: 3, duration: L, drift: 0.01 }
const willing: Message.PreVote = { granted: true, promised: 0, boundTo: null, remaining: 0 }

const start = (
  votes: boolean,
  others: ReadonlyArray<Message.Message> = [],
  { generation, lease = three, ...rest }: {
    readonly generation?: string
    readonly lease?: Lease.Agreement
    readonly minimumMembers?: number
  } = {}
) => {
  const server = new Server({
    profile: "fast",
    preVote: willing,
    timing: { lease, stopTimeout: 300, votes, ...rest }
  })
  server.generation = generation
  server.step({ _tag: "Start" })
  for (const other of others) server.hear(other)
  server.advance(server.state.timing.discoveryWindow)
  return server.forget()
}

/** A heartbeat of one that never votes, or does in so many ms. */
const silent = (name: string, millis = 86_400_000): Message.Message =>
  ({ ...alive(name), silent: millis }) as Message.Message

const stands = (name: string, standing: number) =>
  says(name, { type: "ELECTION", election: "", standing, lease: three })
const beat = (name: string, claim: number) =>
  says(name, { type: "BEAT", election: "", claim, beat: 1, lease: three }, { follows: reign(claim, name) })

/** All that time the others give signs of life, each of its own kind. */
const passing = (server: Server, millis: number, others: ReadonlyArray<Message.Message>) => {
  for (const until = server.now + millis; server.now < until;) {
    server.advance(Math.min(500, until - server.now))
    for (const other of others) server.hear(other)
  }
  return server
}

const promise = (server: Server) => Voter.promiseIn(server.state, Election.ofGroup)

describe("a server without a vote (protocol, servers without a vote)", () => {
  it("neither votes nor acknowledges, asked once or again, and is bound to nobody", () => {
    const server = start(false, [alive("a"), alive("z")])
    for (const _ of [1, 2]) server.hear(stands("z", 7))
    server.hear(beat("z", 7))
    server.hear(beat("z", 7))
    assert.deepStrictEqual(server.says(), [])
    assert.isNull(promise(server).to)
    assert.strictEqual(server.follows, "z")
  })

  it("does not ever: its silence has no end", () => {
    const server = start(false, [alive("a"), alive("z")])
    passing(server, 20 * L, [alive("a"), alive("z")]).forget()
    server.hear(stands("z", 7))
    assert.deepStrictEqual(server.says(), [])
    assert.notInclude(server.told(), "Votes")
  })

  it("never stands, where nobody leads, where it outranks the leader, and where the lead is handed to it", () => {
    const server = start(false, [alive("a"), alive("b")])
    passing(server, 4 * L, [alive("a"), alive("b")])
    server.hear(beat("a", 7))
    passing(server, 4 * L, [alive("a", reign(7, "a")), alive("b", reign(7, "a"))])
    server.hear(Peer.stepsDown("a", 7, "m", "Transferred"))
    passing(server, 4 * L, [alive("a"), alive("b")])
    assert.isFalse(server.leads)
    const said = server.sent.map(({ message }) => message)
    assert.notInclude(said.map(({ type }) => type), "ELECTION")
    assert.isFalse(said.some((message) => message.type === "SERVER_PROBE" && message.preVote !== undefined))
  })

  it("is no majority by itself, also in a group of one", () => {
    const server = start(false, [], { lease: { ...three, groupSize: 1 } })
    server.advance(4 * L)
    assert.isFalse(server.leads)
  })

  it("says to a pre-vote that it would not vote, and names no time", () => {
    const server = start(false, [alive("z")])
    server.hear({ ...Peer.asks("z", "5"), preVote: "" } as Message.Message, "unicast")
    assert.deepStrictEqual(server.said("SERVER_RESPONSE")[0]?.message.preVote, { ...willing, granted: false })
  })

  it("says in its heartbeats and lists that it is silent for good, and shows no time until it votes", () => {
    const server = start(false, [alive("a")])
    server.step({ _tag: "Heartbeat" })
    assert.strictEqual(server.said("SERVER_ALIVE")[0]?.message.silent, 86_400_000)
    server.hear({ type: "MEMBERS_ASK", nonce: "1", page: 0 }, "unicast")
    const own = server.said("MEMBERS")[0]?.message.list.find(({ id }) => id === server.state.self.id)
    assert.strictEqual(own?.votesIn, 86_400_000)
    assert.isNull(Status.of(server.state, { monotonic: server.now, wall: 0, entropy: 0 }).votesIn)
  })

  it("asks nobody for what a former start promised, hands nothing over, and has no vote after its machine was set back", () => {
    const server = start(false, [alive("a"), alive("b")], { generation: "one" })
    server.generation = "two"
    passing(server, 2 * L, [alive("a"), alive("b")])
    server.hear(stands("a", 7))
    server.step({ _tag: "Leave" })
    server.advance(L)
    const types = server.sent.map(({ message }) => message.type)
    for (const type of ["PROMISES_ASK", "HANDOVER_OFFER", "VOTE"] as const) assert.notInclude(types, type)
  })
})

describe("a start of a server with a vote after one without, under one id (protocol, servers without a vote)", () => {
  it("is silent for one lease like any other, so that what a start before these promised is over", () => {
    const server = start(true, [alive("a"), alive("z")])
    server.hear(stands("z", 7))
    assert.deepStrictEqual(server.said("VOTE").map(({ message }) => message.granted), [false])
    assert.strictEqual(server.state.silentUntil, L)
  })

  it("gets what the last start with a vote promised: the one without has promised nothing since", () => {
    const server = start(true, [alive("a"), alive("z")])
    server.hear({
      type: "PROMISES",
      start: server.state.handover.start,
      key: "k",
      lease: three,
      page: 0,
      of: 1,
      promises: [{ election: "", term: 7, to: { id: Peer.id("z"), incarnation: 1_000 }, heard: 7 }]
    }, "unicast")
    server.hear(stands("a", 8))
    assert.deepStrictEqual(server.said("VOTE").map(({ message }) => message.granted), [false])
    assert.strictEqual(promise(server).to?.id, Peer.id("z"))
  })
})

describe("how others count who has no vote (protocol, servers without a vote)", () => {
  it("not in a majority: it does not stand where too few voters are in view, and says so", () => {
    const others = [silent("a"), silent("b"), silent("c")]
    const server = passing(start(true, others), 3 * L, others)
    assert.isFalse(server.leads)
    assert.notInclude(server.sent.map(({ message }) => message.type), "ELECTION")
    assert.isTrue(server.state.minority)
    server.hear(alive("a"))
    assert.isFalse(server.state.minority)
    server.hear(silent("a"))
    const told = server.tells().find((event) => event.event === "NoMajority")
    assert.include(told, { members: 1, needed: 2, groupSize: 3 })
  })

  it("one that is silent for a while only is a voter", () => {
    const server = start(true, [silent("a", L)])
    assert.isFalse(server.state.minority)
  })

  it("not among those that it asks for a pre-vote, nor among those that go first", () => {
    const others = [alive("a"), silent("y"), silent("z")]
    const server = passing(start(true, others), L, others)
    server.advance(30)
    const asked = server.sent.filter(({ message }) => message.type === "SERVER_PROBE" && message.preVote !== undefined)
    assert.deepStrictEqual([...new Set(asked.map(({ to }) => Peer.nameOf(to!)))], ["a"])
    assert.strictEqual(server.activity, "Standing")
  })

  it("not in GroupTooLarge, which counts voters", () => {
    const crowd = [silent("a"), silent("b"), alive("c"), alive("d")]
    assert.notInclude(sweeping(start(true, crowd), crowd).told(), "GroupTooLarge")
    const voters = [...crowd.slice(1), alive("e")]
    assert.include(sweeping(start(true, voters), voters).told(), "GroupTooLarge")
    assert.notInclude(sweeping(start(false, voters), voters).told(), "GroupTooLarge")
  })

  it("not as one that the lead can be handed to, or that leads next", () => {
    const others = [alive("a"), silent("z")]
    const server = passing(start(true, others), L, others).advance(30)
    const [asked] = server.said("ELECTION")
    server.hear(
      says("a", {
        type: "VOTE",
        election: "",
        standing: asked!.message.standing,
        incarnation: 1_000,
        granted: true,
        promised: 0,
        boundTo: null,
        remaining: 0
      }),
      "unicast"
    )
    assert.isTrue(server.leads)
    server.step({ _tag: "Transfer", to: Peer.id("z") })
    assert.isTrue(server.leads)
    server.forget().step({ _tag: "Resign" })
    server.advance(50)
    assert.strictEqual(server.said("STEPPING_DOWN")[0]?.message.successor, Peer.id("a"))
  })

  it("as a member all the same, where only so many servers are asked for", () => {
    const others = [alive("a"), silent("z")]
    const server = passing(start(true, others, { minimumMembers: 3 }), L, others).advance(30)
    assert.strictEqual(server.activity, "Standing")
  })

  it("by its newest heartbeat, regardless of what else it says", () => {
    const server = start(true, [silent("a")])
    server.hear(Peer.probe(member("a"), "9"))
    assert.strictEqual(HashMap.getUnsafe(server.state.known, Peer.id("a")).votesAt, Infinity)
    server.hear(alive("a"))
    assert.strictEqual(HashMap.getUnsafe(server.state.known, Peer.id("a")).votesAt, -Infinity)
  })
})

/** Sweeps for long enough to be sure of what it sees. */
const sweeping = (server: Server, others: ReadonlyArray<Message.Message>) => {
  for (let sweep = 0; sweep < 8; sweep += 1) {
    passing(server, 500, others)
    server.step({ _tag: "Sweep" })
  }
  return server
}
