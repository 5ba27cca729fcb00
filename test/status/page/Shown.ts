/** What a server answers, for tests of the page: three members, the highest of which leads. */
import type { GroupStatus } from "../../../src/status/http/Contract.ts"
import * as Peer from "../../protocol/harness/Peer.ts"

const { id, member, reign } = Peer

const heard = { ago: 120, via: "multicast", unicastOnly: false, through: null } as const

/** One election as the server sees it. */
export const election = (
  change: Partial<GroupStatus["elections"][number]> = {}
): GroupStatus["elections"][number] => ({
  name: "",
  reign: reign(7, "z"),
  term: 7,
  through: null,
  leads: false,
  vacant: null,
  activity: "Idle",
  ineligible: 0,
  lease: null,
  promise: null,
  ...change
})

/** What the server `m` answers. */
export const status = (change: Partial<GroupStatus> = {}): GroupStatus => ({
  group: "orders",
  version: "0.1.0",
  sequence: "1000-5",
  at: 1_796_038_097_166,
  phase: "Live",
  uptime: 60_000,
  self: member("m"),
  members: [
    { ...member("z"), heard, asked: 0, page: "http://192.0.2.26:7780/" },
    { ...member("m"), heard: null, asked: 0, page: "http://192.0.2.13:7780/" },
    { ...member("a"), heard: { ...heard, through: id("z"), unicastOnly: true }, asked: 2, page: null }
  ],
  elections: [election()],
  upcoming: [],
  votesIn: null,
  clients: 0,
  lag: 1,
  settings: {},
  dropped: {},
  ...change
})
