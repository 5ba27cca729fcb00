/**
 * Which members hear this server, by what they prove ("Paths both ways").
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Message from "../../src/protocol/Message.ts"
import * as Paths from "../../src/protocol/Paths.ts"
import { Turn } from "../../src/protocol/Turn.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, id, objects, response } = Peer

const turnOf = (server: Server): Turn =>
  new Turn(server.state, { monotonic: server.now, wall: server.now + server.wall, entropy: 1 })

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
    const { memberTimeout } = server.state.rules
    for (let s = 0; s <= memberTimeout / 1_000; s += 5) server.advance(5_000).hearDeaf(alive("z"))
    assert.isFalse(isHeardBy(server, "z"))
    const turn = turnOf(server)
    Paths.noteHeardBy(turn, id("z"))
    assert.isTrue(Paths.isHeardBy(turn, id("z")))
  })
})
