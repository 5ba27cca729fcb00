import { assert, describe, it } from "@effect/vitest"
import * as Client from "../../src/protocol/model/Client.ts"
import type * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as ClientEventText from "../../src/status/ClientEventText.ts"

const at = Date.UTC(2026, 2, 1, 14, 3, 9, 120)
const leader = { id: Member.nodeId("192.0.2.1", "a", 4), priority: 0, incarnation: 1, ip: "192.0.2.1", port: 4 }
const client = { id: Client.ClientId.make("0123456789abcdef"), name: "al\u001b[2Jice" }

const cases: { readonly [E in ClientEvent.ClientEvent as E["event"]]: readonly [E, string] } = {
  Joined: [
    { at, event: "Joined", client, leader, term: 7, members: 2 },
    "al\uFFFD[2Jice joined: 2 servers, let in by the leader at 192.0.2.1:4"
  ],
  LeaderChanged: [
    { at, event: "LeaderChanged", leader, term: 7 },
    "talking to the leader at 192.0.2.1:4"
  ],
  MessageReceived: [
    { at, event: "MessageReceived", client, seq: 3, body: "one\ntwo" },
    "al\uFFFD[2Jice: one\uFFFDtwo"
  ],
  MessageAcknowledged: [{ at, event: "MessageAcknowledged", seq: 3 }, "the leader acknowledged message 3"],
  MessageLost: [
    { at, event: "MessageLost", client: client.id, term: null, from: 3, to: 4 },
    "messages 3 to 4 of client 012345 are lost: nobody has them"
  ],
  EventsLost: [{ at, event: "EventsLost", count: 9 }, "this reader is too slow and lost 9 events"],
  Left: [{ at, event: "Left" }, "left the group"]
}

describe("events of a client in words", () => {
  it.each(Object.entries(cases))("%s", (_, [event, words]) => {
    assert.strictEqual(ClientEventText.describe(event), words)
    assert.strictEqual(ClientEventText.line(event), `2026-03-01T14:03:09.120Z ${words}`)
  })

  it("say that nobody leads, and one of what is one", () => {
    const nobody = ClientEventText.describe({ at, event: "LeaderChanged", leader: null, term: 7 })
    assert.strictEqual(nobody, "nobody leads: what is sent waits")
    const lost = { at, event: "MessageLost", client: null, term: 7, from: 3, to: 3 } as const
    assert.strictEqual(ClientEventText.describe(lost), "message 3 of a former leader is lost: nobody has it")
    const joined = ClientEventText.describe({ ...cases.Joined[0], members: 1 })
    assert.include(joined, "joined: 1 server,")
  })
})
