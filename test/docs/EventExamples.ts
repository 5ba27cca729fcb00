/** One example of each event, for the page of events. The compiler sees to it that none is missing. */
import * as Client from "../../src/protocol/model/Client.ts"
import type * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Member from "../../src/protocol/model/Member.ts"

const at = Date.UTC(2026, 2, 1, 14, 3, 9, 120)
const term = 1_772_373_789_000
const member = (name: string, ip: string, priority: number): Member.Member => ({
  id: Member.nodeId(ip, name, 40_699),
  ip,
  port: 40_699,
  hostname: `${name}.example`,
  name,
  priority,
  incarnation: 1_772_373_000_000,
  tags: {}
})
const leaderOf = ({ id, incarnation, ip, port, priority }: Member.Member) => ({ id, priority, incarnation, ip, port })

const alpha = member("alpha", "192.0.2.1", 1)
const beta = member("beta", "192.0.2.2", 2)
const gamma = member("gamma", "192.0.2.3", 3)
const alice: Client.Client = { id: Client.ClientId.make("5b3c3ed0f2a14c6e"), name: "alice" }

/** Of a server. */
export const server: { readonly [E in Event.Event as E["event"]]: E } = {
  Started: { at, event: "Started", self: alpha },
  MemberJoined: { at, event: "MemberJoined", member: beta, via: "probe" },
  MemberRemoved: {
    at,
    event: "MemberRemoved",
    member: beta,
    reason: { _tag: "Silent", for: 31_200, lastHeardOn: "multicast", ownLag: 0 }
  },
  MemberMoved: { at, event: "MemberMoved", member: beta, from: "192.0.2.7:40699" },
  MemberChanged: {
    at,
    event: "MemberChanged",
    before: { ...beta, revision: 0, tags: { zone: "a" } },
    after: { ...beta, revision: 1, priority: 5, tags: { zone: "b" } }
  },
  Commanded: {
    at,
    event: "Commanded",
    command: "StepDown",
    election: "",
    for: 3_600_000,
    by: "ann@desk",
    from: "192.0.2.50:51234",
    outcome: "Done"
  },
  LeaderChanged: {
    at,
    event: "LeaderChanged",
    election: "",
    leader: beta,
    from: leaderOf(gamma),
    term,
    cause: "Crashed",
    without: 1_100
  },
  DuplicateIdentity: {
    at,
    event: "DuplicateIdentity",
    id: alpha.id,
    ours: "192.0.2.1:40699",
    theirs: "192.0.2.9:40699",
    hostname: "alpha.example"
  },
  IncarnationRaised: { at, event: "IncarnationRaised", from: 1_772_370_000_000, to: 1_772_373_000_001 },
  Stalled: { at, event: "Stalled", for: 6_200 },
  UnicastOnly: { at, event: "UnicastOnly", member: beta },
  Unheard: { at, event: "Unheard", members: 2 },
  LinkMissing: { at, event: "LinkMissing", member: beta, way: "Incoming", through: gamma },
  LinkBack: { at, event: "LinkBack", member: beta, way: "Incoming" },
  WorkOverran: { at, event: "WorkOverran", election: "", term, for: 500 },
  WorkFailed: {
    at,
    event: "WorkFailed",
    election: "billing",
    name: "invoices",
    term,
    cause: "Error: no disk",
    again: 250
  },
  KeysChanged: { at, event: "KeysChanged", keys: ["1f0c33a9", "77ab0e12"], active: "1f0c33a9" },
  KeyFileRefused: { at, event: "KeyFileRefused", why: "/etc/bellwether/keys cannot be read: ENOENT" },
  KeyFileExposed: { at, event: "KeyFileExposed", path: "/etc/bellwether/keys", mode: "644" },
  WrongKey: { at, event: "WrongKey", problem: "UnknownKey", from: "192.0.2.8:40111", count: 3 },
  Unprotected: { at, event: "Unprotected", why: "NoKey", interfaces: ["eth0"] },
  Votes: { at, event: "Votes", after: 30_000, handedOver: false },
  NoMajority: { at, event: "NoMajority", members: 1, needed: 2, groupSize: 3 },
  GroupTooLarge: { at, event: "GroupTooLarge", servers: 4, groupSize: 3 },
  SettingsDiffer: { at, event: "SettingsDiffer", member: beta, setting: "groupSize", ours: "3", theirs: "5" },
  NetworkChanged: { at, event: "NetworkChanged", what: "eth0 192.0.2.1 is gone" },
  SeedUnresolved: { at, event: "SeedUnresolved", seed: "beta.example:16984", why: "ENOTFOUND" },
  FiberDied: { at, event: "FiberDied", fiber: "heartbeat", cause: "Error: a defect", deaths: 1 },
  ClientJoined: { at, event: "ClientJoined", client: alice },
  ClientLeft: { at, event: "ClientLeft", client: alice, reason: { _tag: "Silent", for: 31_200 } },
  MessageReceived: { at, event: "MessageReceived", client: alice, seq: 1, body: "hello" },
  MessageLost: { at, event: "MessageLost", client: alice.id, term: null, from: 3, to: 4 },
  Dropped: { at, event: "Dropped", reason: "SourceTooFast", count: 120 },
  OtherGroup: { at, event: "OtherGroup", tag: "1c168adb", from: "192.0.2.7:47777", count: 35 },
  TableFull: { at, event: "TableFull", table: "members", setting: "maxMembers", limit: 4_096, count: 3 },
  EventsLost: { at, event: "EventsLost", count: 9 },
  Left: { at, event: "Left" }
}

/** Of a client. */
export const client: { readonly [E in ClientEvent.ClientEvent as E["event"]]: E } = {
  Joined: { at, event: "Joined", client: alice, leader: leaderOf(beta), term, members: 3 },
  MessageReceived: { at, event: "MessageReceived", client: alice, seq: 1, body: "hello" },
  MessageAcknowledged: { at, event: "MessageAcknowledged", seq: 1 },
  LeaderChanged: { at, event: "LeaderChanged", leader: leaderOf(alpha), term },
  MessageLost: { at, event: "MessageLost", client: alice.id, term: null, from: 3, to: 4 },
  EventsLost: { at, event: "EventsLost", count: 9 },
  Left: { at, event: "Left" }
}
