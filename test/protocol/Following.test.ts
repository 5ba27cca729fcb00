/**
 * By what path a leader is followed ("Paths both ways", "Following through others", "Hosts that hear nobody").
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type * as Timing from "../../src/protocol/model/Timing.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, coordinator, id, reign, response, stands } = Peer

/** A sign of life of who follows a leader that it knows to live. */
const knows = (name: string, leader: string, term: number, number: number, hops = 1): Message.FromServer => ({
  ...alive(name, reign(term, leader)) as Message.Of<"SERVER_ALIVE">,
  alive: number,
  ...(name === leader ? {} : { hops })
})

/** A leader's sign of life, by which it sees so many servers. */
const sees = (leader: string, term: number, servers: number): Message.FromServer => ({
  ...alive(leader, reign(term, leader)) as Message.Of<"SERVER_ALIVE">,
  alive: 1,
  sees: servers
})

const through = (server: Server) => server.state.election.life.through

const causes = (server: Server) =>
  server.tells().flatMap((event) =>
    event.event === "LeaderChanged" ? [`${event.leader?.name ?? "nobody"} ${event.cause}`] : []
  )

describe("a leader that is not known to hear this server (protocol, paths both ways)", () => {
  it("is asked and not followed, and is followed when it answers", () => {
    const server = Server.live({}, [alive("y", reign(50, "y"))])
    server.forget()
    server.hearDeaf(coordinator("z", 90_000_000))
    assert.deepStrictEqual([server.follows, server.state.election.heard < 90_000_000], ["y", true])
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to z"])
    server.hearDeaf(response("z", "1", reign(90_000_000, "z")))
    assert.strictEqual(server.follows, "z")
  })

  it("is dropped when its last proof is over and it does not answer, and its word alone brings it not back", () => {
    const server = Server.live({}, [coordinator("z", 50), alive("a")])
    for (let s = 0; s < 60; s += 10) {
      server.advance(10_000)
      server.hearDeaf(alive("z", reign(50, "z")))
      server.hear(alive("a"))
      server.step({ _tag: "Heartbeat" })
    }
    assert.deepStrictEqual(causes(server).slice(0, 1), ["nobody Deaf"])
    server.hearDeaf(alive("z", reign(50, "z")))
    assert.notStrictEqual(server.follows, "z")
  })

  it("is no reason for a leader to give way, regardless of what it proved before, if it should have heard that leader", () => {
    for (const [preempt, challenger, follows] of [[true, "a", "m"], [false, "a", "a"], [false, "z", "z"]] as const) {
      const server = Server.live({ timing: { preempt } }, [alive("a")]).advance(5_000)
      if (challenger === "z") server.hear(alive("z"))
      const { term } = server
      const greater = reign(90_000_000, challenger)
      server.forget().hear(alive("b", greater))
      server.hearDeaf(alive(challenger, greater))
      assert.deepStrictEqual([server.leads, server.term], [true, term])
      assert.isAbove(server.said("SERVER_PROBE").length, 0)
      server.hearDeaf(response(challenger, "1", greater))
      assert.deepStrictEqual([server.follows, server.term >= 90_000_000], [follows, true])
    }
  })

  it("is followed by one that nobody hears, if it sees more servers than half of those", () => {
    const few = Server.live()
    few.hearDeaf(alive("a"))
    few.hearDeaf(sees("z", 90_000_000, 1))
    assert.notStrictEqual(few.follows, "z")
    few.hearDeaf(sees("z", 90_000_001, 2))
    assert.strictEqual(few.follows, "z")
  })
})

describe("a leader that follows a greater reign itself (protocol, paths both ways)", () => {
  it("leads no more, also where that one cannot be followed from here", () => {
    for (const [greater, cause] of [["q", "Superseded"], ["y", "HigherRank"]] as const) {
      const server = Server.live({}, [coordinator("x", 50)])
      server.forget().hear(alive("x", reign(90_000_000, greater)))
      assert.deepStrictEqual(causes(server).slice(0, 1), [`nobody ${cause}`])
    }
  })

  it("is asked whether it hears the one that it speaks to of a passed reign, which leads on meanwhile", () => {
    const server = Server.live().advance(5_000)
    assert.isTrue(server.leads)
    server.hearDeaf(Peer.says("a", { type: "SERVER_ALIVE", interval: 10_000 }, { term: 90_000_000 }))
    assert.include(server.says(), "SERVER_PROBE to a")
    assert.isTrue(server.leads)
  })

  it("that stands and ranks higher is asked where nobody leads, and not waited for", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.forget().hearDeaf(stands("z", 77))
    assert.include(server.says(), "SERVER_PROBE to z")
    assert.notStrictEqual(server.activity, "Waiting")
  })
})

describe("a leader that has made way for a greater reign (protocol, following through others)", () => {
  const greater = 90_000_000
  const follower = (leads = "y") => Server.live({}, [coordinator(leads, 50), alive("b", reign(50, leads))])
  /** One that follows a leader and hears this. */
  const told = (message: Message.FromServer, leads?: string) => {
    const server = follower(leads)
    server.hear(message)
    return server
  }
  /** How long, in ms, until a server says that it stands, or leads; a minute where it does not. */
  const standsAfter = (server: Server) => {
    const begin = server.now
    while (server.now - begin < 60_000 && !/ELECTION|COORDINATOR/.test(server.says().join())) {
      server.advance(100).hear(alive("b"))
    }
    return server.now - begin
  }
  const waits = ({ state: { timing } }: Server) =>
    Math.max(timing.memberTimeout, 3 * timing.heartbeatInterval) + timing.heartbeatInterval

  const assertWaits = (server: Server) => {
    const after = standsAfter(server)
    assert.isAtLeast(after, waits(server))
    assert.isBelow(after, waits(server) + 2_000)
  }

  it("takes those who followed it along: they follow that reign through it by its first word", () => {
    const server = told(knows("y", "z", greater, 1))
    assert.deepStrictEqual([server.follows, through(server)], ["z", id("y")])
    assert.deepStrictEqual(causes(server), ["192.0.2.26:4026 HigherRank"])
  })

  it("does so a little later, too, where what it said first tells of no sign of life", () => {
    const server = told(response("y", "1", reign(greater, "z")))
    assert.isNull(server.follows)
    server.hear(knows("y", "z", greater, 1))
    assert.deepStrictEqual([server.follows, through(server)], ["z", id("y")])
  })

  it("takes along nobody whom it is not known to hear, nobody over too many servers, and who followed another", () => {
    const tooFar = told(knows("y", "z", greater, 1, 3))
    assert.isNull(tooFar.follows)
    const other = told(knows("b", "z", greater, 1))
    assert.strictEqual(other.follows, "y")
    const unheard = follower()
    unheard.advance(60_000).hearDeaf(knows("y", "z", greater, 1))
    assert.notStrictEqual(unheard.follows, "z")
  })

  it("takes nobody along where it leads by a lease: there the votes say", () => {
    const lease = { duration: 30_000, groupSize: 3, drift: 0.01 }
    const server = Server.live({ timing: { lease } }, [coordinator("y", 50)])
    server.hear(knows("y", "z", greater, 1))
    assert.notStrictEqual(server.follows, "z")
  })

  it("has given a first sign of life to each that it says its reign, so that they can tell of it at once", () => {
    const server = follower()
    assert.strictEqual(server.state.election.life.number, 1)
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepInclude(server.sent[0]?.message, { alive: 1, hops: 1 })
  })

  it("is not stood for at once by who cannot follow that reign yet: its signs of life may be on their way", () => {
    const server = told(knows("y", "z", greater, 1, 3))
    assertWaits(server)
    const follows = told(knows("y", "z", greater, 1, 3))
    for (const number of [2, 3]) follows.advance(waits(follows) / 3).hear(knows("b", "z", greater, number))
    assert.deepStrictEqual([follows.follows, through(follows)], ["z", id("b")])
  })

  it("nor where it follows nobody, and has followed a later reign; but at once where it only gave the lead up", () => {
    const passed = told(Peer.says("y", { type: "SERVER_ALIVE", interval: 10_000 }, { term: greater }))
    assert.isNull(passed.follows)
    assertWaits(passed)
    for (const heard of [50, greater]) {
      const gaveUp = told(Peer.says("y", { type: "SERVER_ALIVE", interval: 10_000 }, { term: 50, heard }))
      assert.isNull(gaveUp.follows)
      assert.isBelow(standsAfter(gaveUp), 1_000)
    }
  })

  it("is stood for at once in a named election, in which nobody is followed through others", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.step({ _tag: "Campaign", election: "billing" })
    const says = (term: number, leader: string) =>
      Peer.says("y", { type: "COORDINATOR", election: "billing" }, { follows: reign(term, leader) })
    server.hear(says(50, "y"))
    server.advance(5_000).hear(alive("b"))
    server.hear(alive("z"))
    server.hear(says(greater, "q"))
    const election = HashMap.getUnsafe(server.state.named, "billing")
    assert.deepStrictEqual([election.reign, election.vacancy.passedUntil], [null, -Infinity])
  })

  it("is stood for at once by who outranks the new leader", () => {
    const server = told(knows("q", "c", greater, 1, 3), "q")
    assert.isNull(server.follows)
    assert.isBelow(standsAfter(server), 1_000)
  })
})

describe("a server that no member is known to hear (protocol, hosts that hear nobody)", () => {
  it("does not stand, asks, tells it once, and stands when one answers", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.hearDeaf(alive("a"))
    server.advance(1_000)
    assert.isFalse(server.leads)
    for (let beats = 0; beats < 3; beats++) {
      server.hearDeaf(alive("a"))
      server.step({ _tag: "Heartbeat" })
      server.advance(10_000)
    }
    assert.strictEqual(server.told().filter((event) => event === "Unheard").length, 1)
    server.hearDeaf(response("a", "1"))
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("leads where all others say that they see nobody", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.hearDeaf(sees("a", 50, 1))
    server.advance(1_000)
    assert.isTrue(server.leads)
  })
})

describe("a leader that another hears and this server does not (protocol, following through others)", () => {
  /** `z` leads and is silent here; `a`, which follows it, says that it has just heard it, as often as `m` asks. */
  const silent = (
    timing: Partial<Timing.Timing>,
    says: (number: number) => ReadonlyArray<Message.FromServer>
  ): Server => {
    const server = Server.live({ timing }, [coordinator("z", 50), alive("a", reign(50, "z"))])
    for (let number = 2; number < 12; number++) {
      server.advance(5_000)
      for (const message of says(number)) server.hear(message)
      server.step({ _tag: "Sweep" })
      for (let tries = 0; tries < 9; tries++) {
        server.advance(100)
        for (const { message: { nonce } } of server.said("WITNESS_ASK")) {
          const from = { id: id("a"), incarnation: 1_000 }
          server.hear({ type: "WITNESS", from, nonce, heard: [{ id: id("z"), ago: 0 }] }, "unicast")
        }
      }
    }
    assert.sameMembers([...server.members], ["a", "z"])
    return server
  }

  it("is followed through that one, once it has been silent for long enough to be removed", () => {
    const server = silent({}, (number) => [knows("a", "z", 50, number)])
    assert.deepStrictEqual(causes(server), ["z PathChanged"])
    assert.deepStrictEqual([server.follows, through(server)], ["z", id("a")])
  })

  it("is followed no more where that one follows nobody", () => {
    const server = silent({}, () => [alive("a")])
    assert.deepStrictEqual(causes(server).slice(0, 1), ["nobody Silent"])
  })

  it("is followed on with a lease, for as long as the votes say", () => {
    const server = silent({ lease: { groupSize: 3, duration: 600_000, drift: 0.01 } }, () => [alive("a")])
    assert.deepStrictEqual(causes(server), [])
  })
})

describe("a leader by a lease that others hear and this server does not (protocol, following through others)", () => {
  const term = 90_000_000
  const lease: Lease.Agreement = { groupSize: 5, duration: 120_000, drift: 0.01 }

  /** Follows `b`; `z` was silent for longer than its patience, and stays in view by the word of witnesses. */
  const unheard = (before: ReadonlyArray<Message.Message> = []) => {
    const server = Server.live({ timing: { lease } }, [alive("a"), alive("z")])
    server.advance(lease.duration)
    for (const message of [alive("a"), alive("z"), ...before, alive("b", reign(50, "b"))]) server.hear(message)
    server.advance(31_000)
    for (const message of [alive("a"), alive("b", reign(50, "b"))]) server.hear(message)
    const known = HashMap.modify(server.state.known, id("z"), (z) => ({ ...z, isLinkMissing: true }))
    server.state = { ...server.state, known }
    return server.forget()
  }

  it("is followed through one of those from the start, when a second sign of its life has come: a sweep ends no path", () => {
    const server = unheard()
    server.hear(knows("a", "z", term, 4))
    assert.strictEqual(server.follows, "b")
    server.hear(knows("a", "z", term, 5))
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(causes(server), ["z HigherRank"])
    assert.deepStrictEqual([server.follows, through(server)], ["z", id("a")])
  })

  it("is followed directly by its own word, and by who has promised it something: its votes say that it lives", () => {
    const heard = unheard()
    heard.hear(knows("z", "z", term, 4))
    assert.deepStrictEqual([heard.follows, through(heard)], ["z", null])
    const bound = unheard([Peer.says("z", { type: "ELECTION", election: "", standing: term, lease })])
    bound.hear(knows("a", "z", term, 4))
    bound.step({ _tag: "Sweep" })
    assert.deepStrictEqual([bound.follows, through(bound)], ["z", null])
  })

  it("is followed directly in a named election, in which nobody is followed through others", () => {
    const server = unheard()
    server.step({ _tag: "Campaign", election: "billing" })
    server.hear(Peer.says("a", { type: "COORDINATOR", election: "billing" }, { follows: reign(term, "z") }))
    const { reign: followed } = HashMap.getUnsafe(server.state.named, "billing")
    assert.strictEqual(followed?.leader.id, id("z"))
  })
})

describe("a leader that is followed through another (protocol, following through others)", () => {
  it("is one whose signs of life grow: the first word alone is only noted", () => {
    const server = Server.live({}, [alive("b", reign(50, "b"))])
    server.hear(knows("a", "z", 90_000_000, 7))
    assert.notStrictEqual(server.follows, "z")
    server.hear(knows("a", "z", 90_000_000, 7))
    assert.notStrictEqual(server.follows, "z")
    server.hear(knows("a", "z", 90_000_000, 8))
    assert.deepStrictEqual([server.follows, through(server)], ["z", id("a")])
  })

  it("is none over too many servers, nor through a member that is not known to hear this one", () => {
    const server = Server.live({}, [alive("b")])
    for (const number of [7, 8, 9]) server.hear(knows("b", "z", 90_000_000, number, 3))
    for (const number of [17, 18, 19]) server.hearDeaf(knows("a", "z", 90_000_000, number))
    assert.notStrictEqual(server.follows, "z")
  })

  it("is none through a member that goes by this server itself: what it tells has come from here", () => {
    const server = Server.live({}, [alive("b")])
    const by = (name: string, number: number) =>
      ({ ...knows("a", "z", 90_000_000, number, 2), through: id(name) }) as Message.FromServer
    for (const number of [7, 8, 9]) server.hear(by(server.state.self.name, number))
    assert.notStrictEqual(server.follows, "z")
    for (const number of [10, 11]) server.hear(by("b", number))
    assert.deepStrictEqual([server.follows, through(server)], ["z", id("a")])
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepInclude(server.sent[0]?.message, { alive: 11, hops: 3, through: id("a") })
  })

  it("is followed over fewer servers as soon as a member tells what is known already by a shorter way", () => {
    const server = Server.live({}, [alive("b")])
    for (const number of [7, 8, 9]) server.hear(knows("a", "z", 90_000_000, number, 2))
    server.forget().hear(knows("b", "z", 90_000_000, 8))
    assert.deepStrictEqual([through(server), causes(server)], [id("a"), []], "an older number shortens nothing")
    server.hear(knows("b", "z", 90_000_000, 9))
    assert.deepStrictEqual([through(server), causes(server)], [id("b"), ["192.0.2.26:4026 PathChanged"]])
    server.forget().hear(knows("a", "z", 90_000_000, 10, 2))
    server.hear(knows("c", "z", 90_000_000, 10))
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(causes(server), [], "neither a longer way nor one as long is taken instead")
    assert.deepInclude(server.said("SERVER_ALIVE")[0]?.message, { alive: 10, hops: 2, through: id("b") })
  })

  it("is not so over a member that is not known to hear this one, but that is asked", () => {
    const server = Server.live({}, [alive("b")])
    for (const number of [7, 8]) server.hear(knows("a", "z", 90_000_000, number, 2))
    server.forget().hearDeaf(knows("c", "z", 90_000_000, 8))
    assert.strictEqual(through(server), id("a"))
    assert.include(server.says(), "SERVER_PROBE to c")
    server.hear(knows("c", "z", 90_000_000, 8))
    assert.strictEqual(through(server), id("c"))
  })

  it("lives no longer by a shorter way to what is known already", () => {
    const until = (isShortened: boolean) => {
      const server = Server.live({}, [alive("b")])
      for (const number of [7, 8]) server.hear(knows("a", "z", 90_000_000, number, 2))
      server.advance(19_000)
      if (isShortened) server.hear(knows("b", "z", 90_000_000, 8))
      const { by, until } = server.state.election.life.relay!
      return [by, until]
    }
    const [, before] = until(false)
    assert.deepStrictEqual(until(true), [id("b"), before])
  })

  it("lives by what that member says, and not by what comes from the leader one way only, which is not passed on", () => {
    const server = Server.live({}, [alive("b", reign(50, "b"))])
    for (const number of [7, 8]) server.hear(knows("a", "z", 90_000_000, number))
    const own = { ...alive("z", reign(90_000_000, "z")), alive: 20 } as Message.Of<"SERVER_ALIVE">
    server.hearDeaf(own)
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepInclude(server.sent[0]?.message, { alive: 8, hops: 2, through: id("a") })
    server.hear(own)
    server.hear(response("z", server.state.probe))
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepInclude(server.sent[0]?.message, { alive: 20, hops: 1 }, "followed directly again")
  })

  it("is no more, after two heartbeats, where the member has come to go by this server", () => {
    const server = Server.live({}, [alive("b", reign(50, "b"))])
    for (const number of [7, 8]) server.hear(knows("a", "z", 90_000_000, number))
    server.forget().advance(1_000)
    server.hear({ ...knows("a", "z", 90_000_000, 9, 2), through: server.state.self.id } as Message.FromServer)
    server.advance(19_000).step({ _tag: "Sweep" })
    assert.strictEqual(server.follows, "z")
    server.advance(2_000).step({ _tag: "Sweep" })
    assert.deepStrictEqual(causes(server).slice(0, 1), ["nobody Silent"])
  })

  it("is followed on when it is removed as silent, directly again when it is heard, and no more when it says goodbye", () => {
    const server = Server.live({}, [coordinator("z", 50), alive("a", reign(50, "z"))])
    for (let number = 2; number < 9; number++) {
      server.advance(5_000).hear(knows("a", "z", 50, number))
    }
    for (let sweeps = 0; sweeps < 3 && server.members.includes("z"); sweeps++) {
      server.step({ _tag: "Sweep" })
      server.advance(1_000)
    }
    assert.deepStrictEqual([server.members, server.follows, through(server)], [["a"], "z", id("a")])
    assert.deepStrictEqual(causes(server), ["z PathChanged"])
  })

  it("is gone when no newer sign of life comes for too long", () => {
    const server = Server.live({}, [alive("b", reign(50, "b"))])
    for (const number of [7, 8]) server.hear(knows("a", "z", 90_000_000, number))
    server.forget()
    for (let s = 0; s < 80; s += 10) {
      server.advance(10_000).hear(knows("a", "z", 90_000_000, 8))
      server.step({ _tag: "Sweep" })
    }
    assert.deepStrictEqual(causes(server).slice(0, 1), ["nobody Silent"])
  })

  it("is not objected for to the one that it is followed through", () => {
    const server = Server.live({}, [alive("b", reign(50, "b"))])
    for (const number of [7, 8]) server.hear(knows("a", "z", 90_000_000, number))
    server.forget()
    server.hear(stands("b", 77, { follows: reign(90_000_000, "z") }))
    server.hear(stands("a", 78, { follows: reign(90_000_000, "z") }))
    server.advance(10)
    assert.deepStrictEqual(server.said("OK").map(({ message }) => [message.to, message.hops, message.alive]), [[
      id("b"),
      2,
      8
    ]])
  })

  it("is not objected for to one that has followed a later reign: it could not go back", () => {
    const server = Server.live({}, [coordinator("z", 50), alive("b")])
    const candidate = (term: number) => stands("b", 77, { term })
    server.forget().hear(candidate(50))
    server.advance(10)
    assert.strictEqual(server.said("OK").length, 1)
    server.forget().hear(candidate(51))
    server.advance(10)
    assert.deepStrictEqual(server.said("OK"), [])
  })
})

/** A server that follows `z`, which it does not hear any more, through `a` and knows `b` besides. */
const followsThrough = (options: Options = {}): Server => {
  const server = Server.live(options, [coordinator("z", 50), alive("a", reign(50, "z")), alive("b", reign(50, "z"))])
  for (let number = 2; server.members.includes("z") && number < 15; number++) {
    server.advance(5_000).hear(knows("a", "z", 50, number))
    server.hear(alive("b"))
    server.step({ _tag: "Sweep" })
    server.advance(1_000)
  }
  assert.deepStrictEqual([server.follows, through(server)], ["z", id("a")])
  return server.forget()
}

/** A server that hears `z` and is not known to be heard by it, and follows it through `a`. */
const unprovenLeader = (): Server => {
  const server = Server.live({}, [coordinator("z", 50), alive("a", reign(50, "z"))])
  for (let number = 2; through(server) === null && number < 20; number++) {
    server.advance(5_000)
    server.hearDeaf(knows("z", "z", 50, number))
    server.hear(knows("a", "z", 50, number))
    server.step({ _tag: "Heartbeat" })
    server.advance(4_000)
    server.hearDeaf(knows("z", "z", 50, number))
    server.hear(knows("a", "z", 50, number + 1))
  }
  return server
}

const numberOf = (server: Server) => server.state.election.life.number

describe("the path to a leader that is followed through another (protocol, following through others)", () => {
  it("leads through a nearer member, or through another once the first says nothing new, and not at once to any", () => {
    const server = followsThrough()
    const number = numberOf(server)
    server.hear(knows("b", "z", 50, number + 1, 2))
    assert.strictEqual(through(server), id("a"))
    server.hear(knows("b", "z", 50, number + 2, 0))
    assert.deepStrictEqual([through(server), causes(server)], [id("b"), ["192.0.2.26:4026 PathChanged"]])
    server.advance(2 * server.state.timing.heartbeatInterval + 5_000)
    server.hear(knows("b", "z", 50, number + 2, 0))
    assert.strictEqual(through(server), id("b"))
    server.hear(knows("a", "z", 50, number + 3, 2))
    assert.deepStrictEqual([through(server), causes(server)], [id("a"), ["192.0.2.26:4026 PathChanged"]])
  })

  it("is direct again at the address that the leader has by then", () => {
    const server = followsThrough()
    const moved = Peer.member("z", { ip: "192.0.2.77" })
    server.hear(alive(moved, reign(50, "z")))
    const asked = server.said("SERVER_PROBE").find(({ to }) => to?.ip === moved.ip)
    server.hear(response(moved, asked!.message.nonce, reign(50, "z")), "unicast")
    server.hear({ ...alive(moved, reign(50, "z")) as Message.Of<"SERVER_ALIVE">, alive: numberOf(server) + 1 })
    assert.isNull(through(server) ?? null)
    assert.strictEqual(server.state.election.reign?.leader.ip, "192.0.2.77")
    assert.deepStrictEqual(causes(server), ["z PathChanged"])
  })

  it("leads through none that is not known to hear this server: that one is asked", () => {
    const server = followsThrough()
    server.hearDeaf(knows("c", "z", 50, numberOf(server) + 1, 0))
    assert.strictEqual(through(server), id("a"))
    assert.include(server.says(), "SERVER_PROBE to c")
    const direct = Server.live({}, [coordinator("z", 50)])
    direct.forget().hearDeaf(knows("c", "z", 50, 9))
    assert.deepStrictEqual([direct.says(), through(direct)], [[], null])
  })

  it("is another at once where the leader does not answer and another knows newer signs of life, until it does", () => {
    const server = unprovenLeader()
    assert.deepStrictEqual([server.follows, through(server), causes(server)], ["z", id("a"), ["z PathChanged"]])
    const number = numberOf(server)
    server.forget().hearDeaf(knows("z", "z", 50, number))
    assert.deepStrictEqual([through(server), numberOf(server)], [id("a"), number])
    server.hear(knows("z", "z", 50, number + 1))
    assert.deepStrictEqual([through(server), numberOf(server), causes(server)], [null, number + 1, ["z PathChanged"]])
  })

  it("leads on to a leader that is heard no more, and removed, and ends where the member that it leads through stands", () => {
    const server = unprovenLeader()
    assert.deepStrictEqual([server.members.includes("z"), through(server)], [true, id("a")])
    for (let number = 40; server.members.includes("z") && number < 60; number++) {
      server.advance(5_000).hear(knows("a", "z", 50, number))
      server.step({ _tag: "Sweep" })
      server.advance(1_000)
    }
    assert.deepStrictEqual([server.members.includes("z"), server.follows, through(server)], [false, "z", id("a")])
    server.forget().hear(stands("a", 90_000_000))
    assert.deepStrictEqual(causes(server).slice(0, 1), ["nobody Silent"])
  })

  it("is needed anew soon where the member that it leads through follows nobody any more, and no sooner for another", () => {
    const server = followsThrough()
    const until = () => server.state.election.life.relay?.until ?? 0
    const before = until()
    server.hear(alive("b"))
    assert.strictEqual(until(), before)
    server.hear(alive("a"))
    assert.strictEqual(until(), server.now + 2 * server.state.timing.heartbeatInterval)
    assert.isBelow(until(), before)
  })

  it("lasts through a pause as what was heard does", () => {
    const server = followsThrough()
    const before = server.state.election.life.relay!.until
    server.freeze(60_000).step({ _tag: "CheckPause" })
    assert.isAbove(server.state.election.life.relay!.until, before + 50_000)
    assert.strictEqual(server.follows, "z")
  })

  it("leads to a leader that is heard of and was never heard: its place stands for its name", () => {
    const server = Server.live({}, [alive("b", reign(50, "b"))])
    for (const number of [7, 8]) server.hear(knows("a", "z", 90_000_000, number))
    assert.deepStrictEqual(causes(server), ["192.0.2.26:4026 HigherRank"])
    assert.strictEqual(Step.view(server.state).through, id("a"))
    assert.isUndefined(Step.view(Server.live({}, [coordinator("z", 50)]).state).through)
  })

  it("is noted of the greater of two reigns that are heard of only, until that is heard of no more", () => {
    const server = Server.live({}, [alive("b", reign(50, "b"))])
    const noted = () => server.state.election.mention?.reign.term
    server.hear(knows("a", "z", 90_000_000, 7))
    server.hear(knows("c", "y", 80_000_000, 7))
    assert.strictEqual(noted(), 90_000_000)
    server.hear(knows("c", "y", 91_000_000, 7))
    assert.strictEqual(noted(), 91_000_000)
    server.state = {
      ...server.state,
      election: { ...server.state.election, mention: { ...server.state.election.mention!, until: server.now } }
    }
    server.hear(knows("c", "x", 80_000_000, 7))
    assert.strictEqual(noted(), 80_000_000)
  })

  it("is not found back to a leader that is dropped as deaf and still is not known to hear this server", () => {
    const server = Server.live({}, [coordinator("z", 50), alive("a")])
    server.state = { ...server.state, election: { ...server.state.election, reign: null } }
    const { vacancy } = server.state.election
    server.state = { ...server.state, election: { ...server.state.election, vacancy: { ...vacancy, cause: "Deaf" } } }
    server.advance(60_000).forget()
    server.hearDeaf(knows("z", "z", 50, 99))
    assert.notStrictEqual(server.follows, "z")
  })
})

describe("a leader by a lease whose promise runs out here (protocol, following through others)", () => {
  const lease: Lease.Agreement = { groupSize: 3, duration: 1_500, drift: 0.01 }
  const term = 90_000_000

  /** Follows `z` by its vote; that is not heard any more, and `a` says so often that it lives. */
  const lapsing = (words: number, others: ReadonlyArray<Message.Message> = []) => {
    const follows = { follows: reign(term, "z") }
    const server = Server.live({ profile: "fast", timing: { lease } }, [alive("a"), ...others])
    server.advance(lease.duration)
    server.hearDeaf(Peer.says("z", { type: "ELECTION", election: "", standing: term, lease }))
    server.hearDeaf(Peer.says("z", { type: "BEAT", election: "", claim: term, beat: 1, lease }, follows))
    server.hearDeaf(knows("z", "z", term, 3))
    server.forget()
    for (let word = 1; word <= words; word++) {
      server.advance(500).hearDeaf(knows("a", "z", term, 3 + word))
      if (server.says().includes("SERVER_PROBE to a")) server.hearDeaf(response("a", "1", reign(term, "z")), "unicast")
    }
    return server
  }

  it("is followed on through a member that was asked in time, which is told once", () => {
    const server = lapsing(2)
    assert.deepStrictEqual([server.follows, through(server)], ["z", null])
    for (let word = 3; word < 20; word++) {
      server.advance(500).hear(knows("a", "z", term, 3 + word))
      assert.deepStrictEqual([server.follows, through(server)], ["z", id("a")])
    }
    assert.deepStrictEqual(causes(server), ["z PathChanged"])
  })

  it("leads no more to this server where nobody says that it lives", () => {
    const server = lapsing(0).advance(1_600)
    assert.deepStrictEqual(causes(server), ["nobody LeaseLost"])
  })

  it("is no reason to ask others while it is heard, or by a word that is no news", () => {
    const server = lapsing(0)
    server.advance(400).hearDeaf(knows("a", "z", term, 4))
    server.advance(200).hearDeaf(knows("a", "z", term, 3))
    assert.deepStrictEqual(server.said("SERVER_PROBE"), [])
  })

  it("is asked for by some of a large group", () => {
    const crowd = Array.from({ length: 24 }, (_, index) => String.fromCharCode(98 + index)).filter((name) =>
      name !== "m"
    )
    const server = lapsing(0, crowd.map((name) => alive(name)))
    server.advance(600)
    for (const name of crowd) server.hearDeaf(knows(name, "z", term, 4))
    assert.isBelow(server.said("SERVER_PROBE").length, 12)
  })
})
