/**
 * Which members hear this server, by what they prove ("Paths both ways").
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Paths from "../../src/protocol/membership/Paths.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import { StepContext } from "../../src/protocol/model/StepContext.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, id, objects, response } = Peer

const turnOf = (server: Server): StepContext =>
  new StepContext(server.state, { monotonic: server.now, wall: server.now + server.wall, entropy: 1 })

const isHeardBy = (server: Server, name: string): boolean => Paths.isHeardBy(turnOf(server), id(name))

/** A server that hears others which are not known to hear it. */
const live = (hears: ReadonlyArray<Message.Message>): Server => {
  const server = Server.live()
  for (const message of hears) server.hearDeaf(message)
  return server
}

const acknowledges = (incarnation: number) =>
  Peer.says("z", { type: "BEAT_ACK", election: "", claim: 1, beat: 1, incarnation })

describe("a member that hears us (protocol, paths both ways)", () => {
  it("is one that answers our question, from its first word on", () => {
    const server = live([response("z", "1")])
    assert.isTrue(isHeardBy(server, "z"))
  })

  it("is not known by what it says to all, nor by a question", () => {
    const server = live([alive("z"), Peer.probe("z")])
    assert.isFalse(isHeardBy(server, "z"))
    assert.isFalse(isHeardBy(server, "nobody"))
  })

  it("is one that objects to us, but not one that objects to another", () => {
    const server = live([alive("z"), objects("z", "b", 5)])
    assert.isFalse(isHeardBy(server, "z"))
    server.hearDeaf(objects("z", "m", 5))
    assert.isTrue(isHeardBy(server, "z"))
  })

  it("is one that acknowledges to this very start of us", () => {
    const server = live([alive("z"), acknowledges(Peer.member("m").incarnation - 1)])
    assert.isFalse(isHeardBy(server, "z"))
    server.hearDeaf(acknowledges(Peer.member("m").incarnation))
    assert.isTrue(isHeardBy(server, "z"))
  })

  it("is known for as long as it may be silent, and anew by the next proof", () => {
    const server = live([response("z", "1")])
    const { memberTimeout } = server.state.timing
    for (let s = 0; s <= memberTimeout / 1_000; s += 5) server.advance(5_000).hearDeaf(alive("z"))
    assert.isFalse(isHeardBy(server, "z"))
    const context = turnOf(server)
    Paths.noteHeardBy(context, id("z"))
    assert.isTrue(Paths.isHeardBy(context, id("z")))
  })
})

describe("a member whose proof is wanted (protocol, paths both ways)", () => {
  /** What a server says in one turn in which only this happens. */
  const says = (server: Server, act: (context: StepContext) => void): ReadonlyArray<string> => {
    const context = turnOf(server)
    act(context)
    server.state = context.state
    return context.outputs.flatMap((output) => output._tag === "Send" ? [output.message.type] : [])
  }

  it("is asked five times at first and then once, at most once in a heartbeat; a stranger is not", () => {
    const server = live([alive("z")])
    const { heartbeatInterval } = server.state.timing
    const request = (name: string) => {
      let isFirst: boolean | undefined
      const said = says(server, (context) => void (isFirst = Paths.request(context, id(name))))
      return [said.length, isFirst]
    }
    assert.deepStrictEqual(request("nobody"), [0, false])
    assert.deepStrictEqual([request("z"), request("z")], [[1, true], [0, false]])
    says(server, (context) => context.clearTimer(Paths.proofKey(id("z"))))
    server.advance(heartbeatInterval).hearDeaf(alive("z"))
    assert.deepStrictEqual(request("z"), [1, false])
  })

  it("is asked when half of the time of its last proof is over, while it speaks; and over others if it was proved so", () => {
    const server = live([response("z", "1"), alive("z")])
    const keep = (name = "z") => says(server, (context) => Paths.keep(context, id(name)))
    const reach = (hearsUsAt: number) => {
      const known = HashMap.set(server.state.known, id("z"), { ...server.knows("z"), hearsUsAt, isReached: true })
      server.state = { ...server.state, known }
    }
    assert.deepStrictEqual([keep("nobody"), keep()], [[], []])
    server.advance(20_000)
    assert.deepStrictEqual(keep(), [], "it is silent")
    server.hearDeaf(alive("z"))
    assert.deepStrictEqual(keep(), ["SERVER_PROBE"])
    reach(server.now + 1_000_000)
    assert.deepStrictEqual(keep(), [])
    reach(server.now)
    assert.deepStrictEqual(keep(), ["PATH_PROBE"])
  })
})

describe("a member that speaks and lets questions for a proof go by (protocol, paths both ways)", () => {
  it("is asked over others beside the last two, so that a way round is known before it is dropped", () => {
    const server = Server.live({}, [Peer.coordinator("z", 50), alive("a")])
    const { heartbeatInterval, probeTimeout } = server.state.timing
    for (let beats = 0; beats < 2; beats++) {
      server.advance(heartbeatInterval).hear(alive("a"))
      server.hearDeaf(alive("z", Peer.reign(50, "z")))
      server.step({ _tag: "Heartbeat" })
    }
    server.forget().advance(3 * probeTimeout - 1)
    assert.deepStrictEqual(server.said("PATH_PROBE"), [])
    server.advance(1)
    assert.deepStrictEqual([server.follows, server.said("PATH_PROBE").length], ["z", 1])
  })

  it("is not, where it is silent: then the sweeps judge it", () => {
    const server = Server.live({}, [Peer.coordinator("z", 50), alive("a")])
    const { heartbeatInterval, probeTimeout } = server.state.timing
    server.advance(heartbeatInterval).hearDeaf(alive("z", Peer.reign(50, "z")))
    server.advance(1.5 * heartbeatInterval - probeTimeout).forget()
    server.step({ _tag: "Heartbeat" })
    server.advance(5 * probeTimeout)
    assert.include(server.says(), "SERVER_PROBE to z")
    assert.deepStrictEqual(server.said("PATH_PROBE"), [])
  })
})

describe("a leader that is asked whether it hears a server (protocol, paths both ways)", () => {
  it("answers, and says nothing besides, where it is asked by unicast", () => {
    const server = Server.live({}, [alive("a")])
    assert.isTrue(server.advance(1_000).leads)
    server.forget().hear(Peer.probe("a", "7"), "unicast")
    assert.deepStrictEqual(server.says(), ["SERVER_RESPONSE to a"])
    server.forget().hear(Peer.probe("a", "8"))
    assert.deepStrictEqual(server.says(), ["COORDINATOR to a", "SERVER_RESPONSE to a"])
  })
})
