/** What is drawn of messages: what the server can know, and no more. */
import { assert, describe, it } from "@effect/vitest"
import type { Exchanged } from "../../../src/server/Traffic.ts"
import * as Flights from "../../../src/status/page/Flights.ts"
import * as Peer from "../../protocol/harness/Peer.ts"

const { id, member } = Peer

const members = ["z", "m", "a"].map((name) => member(name))

const see = (exchanged: Partial<Exchanged>) =>
  Flights.see(
    { at: 0, way: "heard", type: "OK", by: id("z"), to: null, election: "", term: null, ...exchanged },
    id("m"),
    members
  )

describe("a message on the ring", () => {
  it("that was heard flies from who said it to this server, since nobody knows who else hears it", () => {
    assert.deepStrictEqual(see({ type: "ELECTION" }), {
      beats: null,
      flights: [{ type: "ELECTION", from: id("z"), to: id("m") }]
    })
  })

  it("that was sent flies to whom it is addressed: to one, or to all the others", () => {
    const sent = { way: "sent", by: id("m"), type: "COORDINATOR" } as const
    assert.deepStrictEqual(see(sent).flights.map(({ to }) => to), [id("z"), id("a")])
    assert.deepStrictEqual(see({ ...sent, to: "192.0.2.26:4026" }).flights.map(({ to }) => to), [id("z")])
    assert.deepStrictEqual(see({ ...sent, to: "192.0.2.99:1" }).flights, [])
  })

  it("that is a heartbeat beats where it comes from", () => {
    assert.strictEqual(see({ type: "SERVER_ALIVE" }).beats, id("z"))
    assert.deepStrictEqual(see({ type: "SERVER_ALIVE", way: "sent", by: id("m") }), { beats: id("m"), flights: [] })
  })

  it("of somebody who is no member is not drawn", () => {
    for (const by of [null, "ffffffffffffffff"]) assert.deepStrictEqual(see({ by }), { beats: null, flights: [] })
    assert.deepStrictEqual(see({ way: "sent", by: id("a") }).flights, [])
  })

  it("has a colour by what it is for", () => {
    assert.deepStrictEqual(
      ["SERVER_ALIVE", "ELECTION", "OK", "VOTE", "COORDINATOR", "BEAT_ACK", "WITNESS"].map(Flights.kindOf),
      ["heartbeat", "election", "objection", "objection", "leader", "lease", "other"]
    )
    assert.isFalse(Flights.isNews({ type: "BEAT" }))
    assert.isTrue(Flights.isNews({ type: "ELECTION" }))
  })
})
