/**
 * A link that is missing one way is told once, and its end (protocol 4, witnesses).
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, asks, id } = Peer

/** What is told of links, as `member way` or `member way through`. */
const links = (server: Server): ReadonlyArray<string> =>
  server.tells().flatMap((event) =>
    event.event === "LinkMissing"
      ? [`${event.member.name} ${event.way}${event.through === null ? "" : ` ${event.through.name}`}`]
      : event.event === "LinkBack"
      ? [`${event.member.name} ${event.way} back`]
      : []
  )

/** `a` is silent for so long, and `b` says that it has just heard it. */
const witness = (server: Server, silence: number): void => {
  server.advance(silence).hear(alive("b"))
  server.step({ _tag: "Sweep" })
  server.advance(499)
  const [send] = server.said("WITNESS_ASK")
  server.hear(
    {
      type: "WITNESS",
      from: { id: id("b"), incarnation: 1_000 },
      nonce: send!.message.nonce,
      heard: [{ id: id("a"), ago: 0 }]
    },
    "unicast"
  )
}

describe("a member that this server does not hear", () => {
  /** `a` falls silent, and `b` says that it has just heard it. */
  const keep = (server: Server, silence: number): void => {
    witness(server, silence)
    server.advance(400)
  }

  it("is told once while another hears it, with that one, and when it is heard again", () => {
    const server = Server.live({}, [alive("a"), alive("b")])
    keep(server, 30_001)
    assert.deepStrictEqual(links(server), ["a Incoming b"])
    keep(server, 30_001)
    assert.deepStrictEqual(links(server), [])
    server.hear(alive("a"))
    server.hear(alive("a"))
    assert.deepStrictEqual(links(server), ["a Incoming back"])
  })

  it("is not said to be heard by unicast only where its answer comes before its next multicast", () => {
    const server = Server.live({}, [alive("a"), alive("b")])
    keep(server, 30_001)
    server.hear(Peer.response("a", "9"), "unicast")
    server.forget()
    server.step({ _tag: "Heartbeat" })
    assert.notInclude(server.told(), "UnicastOnly")
    server.advance(30_001).hear(Peer.response("a", "10"), "unicast")
    server.step({ _tag: "Heartbeat" })
    assert.include(server.told(), "UnicastOnly")
  })

  it("is told without the witness where that is gone by then", () => {
    const server = Server.live({}, [alive("a"), alive("b")])
    witness(server, 30_001)
    server.hear(Peer.leaving("b"))
    server.advance(400)
    assert.deepStrictEqual(links(server), ["a Incoming"])
  })

  it("is not told of where it is only late", () => {
    const server = Server.live({}, [alive("a"), alive("b")])
    server.advance(15_001).hear(alive("b"))
    server.step({ _tag: "Sweep" })
    server.advance(2_000)
    assert.deepStrictEqual(links(server), [])
  })
})

describe("a member that does not hear this server", () => {
  const ask = (server: Server, nonce: string, times: number): void => {
    for (let i = 0; i < times; i += 1) server.advance(150).hear(asks("a", nonce), "unicast")
  }

  it("is one that asks five times under one nonce, as if nobody answered; that is told once", () => {
    const server = Server.live({}, [alive("a")])
    ask(server, "1", 4)
    ask(server, "2", 4)
    assert.deepStrictEqual(links(server), [])
    ask(server, "2", 1)
    ask(server, "3", 5)
    assert.deepStrictEqual(links(server), ["a Outgoing"])
  })

  /** For a minute it is heard and asks nothing, as one that has removed this server. */
  const passBy = (server: Server): void => {
    for (let seconds = 0; seconds < 60; seconds += 5) {
      server.hearDeaf(alive("a"))
      server.step({ _tag: "Sweep" })
      server.advance(5_000)
    }
    server.advance(1).hearDeaf(alive("a"))
  }

  it("is asked where it has not asked so for twice its patience, and is told as back when it answers", () => {
    const server = Server.live({}, [alive("a")])
    ask(server, "1", 5)
    server.forget()
    for (let seconds = 0; seconds < 60; seconds += 5) {
      server.hearDeaf(alive("a"))
      server.step({ _tag: "Sweep" })
      server.advance(5_000)
    }
    assert.deepStrictEqual(server.said("SERVER_PROBE"), [])
    for (let seconds = 0; seconds < 60; seconds += 5) {
      server.advance(5_000).hearDeaf(alive("a"))
      server.step({ _tag: "Sweep" })
    }
    assert.deepStrictEqual([links(server), server.said("SERVER_PROBE").length], [[], 2])
    server.hearDeaf(Peer.response("a", "1"))
    server.advance(30_000).hearDeaf(alive("a"))
    server.step({ _tag: "Sweep" })
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(links(server), ["a Outgoing back"])
  })

  it("is not told as back by what proved that it heard this server just before it asked no more", () => {
    const server = Server.live({}, [alive("a")])
    ask(server, "1", 5)
    server.advance(1).hear(alive("a"))
    server.forget().advance(60_001).hearDeaf(alive("a"))
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(links(server), [])
  })

  it("does not hear it again where only others say again what this server asks", () => {
    const server = Server.live({}, [alive("a")])
    ask(server, "1", 5)
    passBy(server)
    const known = server.knows("a")
    server.state = {
      ...server.state,
      known: HashMap.set(server.state.known, id("a"), { ...known, hearsUsAt: server.now + 1, isReached: true })
    }
    server.forget()
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual([server.says(), links(server)], [["SERVER_PROBE to a"], []])
  })
})
