/**
 * What `doctor` sees on a host where all is well, and pieces to put in its place.
 */
import type { ForeignSender, Interface, Observations, Server, Socket } from "../../src/doctor/Observations.ts"
import { NodeId } from "../../src/protocol/model/Member.ts"
import type { Explained } from "../../src/transport/interfaces/InterfaceChoice.ts"

export const id = (letter: string) => NodeId.make(letter.repeat(16))

/** An interface as this version explains it. */
type Known = Interface & Pick<Explained, "why">

export const eth0: Known = {
  name: "eth0",
  address: "192.0.2.1",
  internal: false,
  chosen: true,
  primary: true,
  why: "Automatic",
  refusal: null,
  sent: 12,
  echoed: 12,
  lastSent: 12_000,
  lastEcho: 12_001
}
export const lo: Known = {
  ...eth0,
  name: "lo",
  address: "127.0.0.1",
  internal: true,
  chosen: false,
  primary: false,
  why: "Loopback",
  sent: 0,
  echoed: 0,
  lastSent: null,
  lastEcho: null
}
export const docker0: Known = { ...lo, name: "docker0", address: "172.17.0.1", internal: false, why: "Virtual" }

export const server = (letter: string, change: Partial<Server> = {}): Server => ({
  id: id(letter),
  name: letter,
  ip: `192.0.2.${letter.charCodeAt(0)}`,
  port: 4_000,
  local: false,
  interval: 10_000,
  multicast: { first: 100, last: 11_000 },
  asked: 12,
  answered: { first: 60, last: 12_000 },
  listed: true,
  starts: [{ incarnation: 1, address: `192.0.2.${letter.charCodeAt(0)}:4000`, first: 60, last: 12_000 }],
  follows: { leader: id("a"), term: 7, since: 60 },
  ...change
})
export const foreign = (reason: string, change: Partial<ForeignSender> = {}): ForeignSender => ({
  ip: "192.0.2.66",
  reason,
  tag: reason === "OtherGroup" ? "1c168adb" : null,
  datagrams: 3,
  last: 9_000,
  ...change
})
export const socket = (change: Partial<Socket> = {}): Socket => ({
  ip: "0.0.0.0",
  port: 16_983,
  uid: 1_000,
  drops: 0,
  owner: { pid: 4_711, command: "radio" },
  ...change
})

/** Two servers on two hosts, heard both ways. */
export const healthy: Observations = {
  at: 1_785_000_000_000,
  lasted: 12_500,
  group: "orders",
  tag: "37a8eec1",
  multicastAddress: "239.255.253.87",
  port: 16_983,
  ttl: 1,
  multicast: true,
  seeds: [],
  unicastPort: 0,
  heartbeatInterval: 10_000,
  exposedKeyFile: null,
  interfaces: [lo, eth0, docker0],
  servers: [server("a"), server("b", { local: true })],
  foreign: [],
  refusals: [],
  questions: { asked: 12, unanswered: 0, lastAnswer: 12_000, answeredBy: [id("a")] },
  sockets: [socket({ owner: { pid: 1, command: "node" } })],
  receiveBuffer: { wanted: 1_048_576, limit: 4_194_304 }
}

/** What the system refused. */
export const refused = (kind: string, errno: string | null, during: "open" | "join" | "send" = "open") => ({
  during,
  kind,
  where: "eth0 192.0.2.1",
  errno
})
/** An interface to which no probe comes back. */
export const unheard = [{ ...eth0, echoed: 0, lastEcho: null }]
/** A server that is not heard by multicast. */
export const deaf = { multicast: null }
/** A server that does not answer. */
export const mute = { answered: null, asked: 5 }
