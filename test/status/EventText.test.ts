import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Event from "../../src/protocol/model/Event.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as EventText from "../../src/status/EventText.ts"

const member: Member.Member = {
  id: Member.NodeId.make("00000000000000aa"),
  ip: "192.0.2.1",
  port: 4000,
  hostname: "host",
  name: "bath",
  priority: 3,
  incarnation: 1,
  tags: {}
}
const at = Date.UTC(2026, 2, 1, 14, 3, 9, 120)
const bath = "bath (192.0.2.1:4000)"

describe("events in words", () => {
  it.each<readonly [Event.Event, string]>([
    [{ at, event: "Started", self: member }, `started as ${bath}, priority 3`],
    [{ at, event: "MemberJoined", member, via: "heartbeat" }, `${bath} joined, found by its heartbeat`],
    [{ at, event: "MemberJoined", member, via: "registry" }, `${bath} joined, found in the registry`],
    [
      {
        at,
        event: "MemberRemoved",
        member,
        reason: { _tag: "Silent", for: 10_000, lastHeardOn: "registry", ownLag: 0 }
      },
      `${bath} is gone: its session in the registry was not renewed for 10s`
    ],
    [{ at, event: "MemberRemoved", member, reason: { _tag: "Left" } }, `${bath} left`],
    [
      {
        at,
        event: "MemberRemoved",
        member,
        reason: { _tag: "Silent", for: 31_200, lastHeardOn: "multicast", ownLag: 12 }
      },
      `${bath} is gone: silent for 31s, last heard by multicast, no answer when asked; this process itself was late by 12ms`
    ],
    [
      { at, event: "MemberRemoved", member, reason: { _tag: "Crashed", evidence: "its port is closed" } },
      `${bath} is gone: it crashed, its port is closed`
    ],
    [
      { at, event: "MemberRemoved", member, reason: { _tag: "Replaced", by: 2 } },
      `${bath} started again`
    ],
    [
      { at, event: "LeaderChanged", election: "", leader: member, from: null, term: 7, cause: "Silent", without: 230 },
      `${bath} leads: the leader fell silent, after 230ms without a leader`
    ],
    [
      {
        at,
        event: "LeaderChanged",
        election: "",
        leader: member,
        from: null,
        term: 7,
        cause: "PathChanged",
        without: 0,
        through: member
      },
      `${bath} leads: the same leader, by another path, followed through ${bath}`
    ],
    [
      { at, event: "LeaderChanged", election: "", leader: null, from: member, term: 7, cause: "Resigned", without: 0 },
      "nobody leads: the leader resigned"
    ],
    [
      { at, event: "LinkMissing", member, way: "Incoming", through: member },
      `NO LINK: nothing arrives here from ${bath}; ${bath} hears it`
    ],
    [
      { at, event: "LinkMissing", member, way: "Incoming", through: null },
      `NO LINK: nothing arrives here from ${bath}`
    ],
    [
      { at, event: "LinkMissing", member, way: "Outgoing", through: null },
      `NO LINK: nothing from here arrives at ${bath}, which we hear`
    ],
    [{ at, event: "LinkBack", member, way: "Incoming" }, `${bath} is heard here again`],
    [{ at, event: "LinkBack", member, way: "Outgoing" }, `${bath} hears this server again`],
    [
      { at, event: "WorkFailed", election: "", name: "cleaner", term: 7, cause: "no disk", again: 250 },
      "the singleton cleaner failed (no disk): we start it again after 250ms"
    ],
    [
      { at, event: "WorkFailed", election: "billing", name: "cleaner", term: 7, cause: "no disk", again: null },
      "the singleton cleaner of billing failed (no disk): we give it up"
    ],
    [
      { at, event: "WorkFailed", election: "billing", name: "", term: 7, cause: "no disk", again: null },
      "leading work of billing failed (no disk): we give it up"
    ],
    [{ at, event: "Stalled", for: 1500 }, "this process was paused for 1s: it judges nobody by that time"],
    [
      { at, event: "Stalled", for: 0, doubted: 600_000 },
      "the system's uptime went ahead by 10m00s, and no other clock did: we take it for no suspension"
    ],
    [{ at, event: "Dropped", reason: "NotOurs", count: 3 }, "we dropped 3 datagrams: NotOurs"],
    [
      { at, event: "OtherGroup", tag: "1c168adb", from: "192.0.2.7:47777", count: 35 },
      "OTHER GROUP: 192.0.2.7:47777 speaks on our address and port to a group of another name (tag 1c168adb; 35 datagrams)"
    ],
    [
      { at, event: "TableFull", table: "members", setting: "maxMembers", limit: 8, count: 3 },
      "the table of members is full with 8 (maxMembers): we dropped 3 datagrams of others"
    ],
    [
      { at, event: "TableFull", table: "tombstones", setting: "maxTombstones", limit: 8, count: 3 },
      "the table of tombstones is full with 8 (maxTombstones): we forgot 3 before their time"
    ],
    [{ at, event: "Left" }, "left the group"]
  ])("%j", (event, text) => {
    assert.strictEqual(EventText.describe(event), text)
    assert.strictEqual(EventText.line(event), `2026-03-01T14:03:09.120Z ${text}`)
  })

  it.effect.prop("every event is one line without control characters", [Event.Event], ([event]) =>
    Effect.sync(() => {
      const text = EventText.describe(event)
      assert.isNotEmpty(text)
      assert.notMatch(text, /\p{Cc}|undefined/u)
    }))
})
