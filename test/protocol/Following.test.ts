/**
 * By what path a leader is followed ("Paths both ways", "Following through others", "Hosts that hear nobody").
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Message from "../../src/protocol/Message.ts"
import type * as Rules from "../../src/protocol/Rules.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

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

  it("is followed by one that nobody hears, if it sees more servers than half of those", () => {
    const few = Server.live()
    few.hearDeaf(alive("a"))
    few.hearDeaf(sees("z", 90_000_000, 1))
    assert.notStrictEqual(few.follows, "z")
    few.hearDeaf(sees("z", 90_000_001, 2))
    assert.strictEqual(few.follows, "z")
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
  const silent = (rules: Partial<Rules.Rules>, says: (number: number) => ReadonlyArray<Message.FromServer>): Server => {
    const server = Server.live({ rules }, [coordinator("z", 50), alive("a", reign(50, "z"))])
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
