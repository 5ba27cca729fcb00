/** A group as it is seen, and what happened to it. */
import type * as Event from "../../../src/protocol/model/Event.ts"
import * as Member from "../../../src/protocol/model/Member.ts"
import * as Reign from "../../../src/protocol/model/Reign.ts"
import * as Model from "../../../src/status/terminal/Model.ts"
import type * as Seen from "../../../src/status/terminal/Seen.ts"

export const now = 1_700_000_000_000

export const member = (number: number, name: string, priority = 0): Member.Member => ({
  id: Member.NodeId.make(number.toString(16).padStart(16, "0")),
  ip: "192.0.2.1",
  port: 40_000 + number,
  hostname: "host",
  name,
  priority,
  incarnation: now - number * 61_000,
  tags: number === 2 ? { zone: "a" } : {}
})

export const hall = member(1, "hall")
export const kitchen = member(2, "kitchen", 5)
export const bath = member(3, "bath", -1)

/** As the server `hall` sees it. */
export const seen: Seen.Seen = {
  at: now,
  group: "orders",
  where: "239.255.253.87:16983",
  self: hall.id,
  isOwn: true,
  members: [
    { ...kitchen, heard: { ago: 300, via: "multicast", unicastOnly: false, through: null }, asked: 0 },
    { ...hall, heard: null, asked: 0 },
    { ...bath, heard: { ago: 2_500, via: "unicast", unicastOnly: true, through: kitchen.id }, asked: 2 }
  ],
  elections: [{ name: "", reign: Reign.make(7, kitchen), term: 7, through: null }],
  upcoming: [{ timer: "Heartbeat", election: null, about: null, in: 300 }],
  lag: 3
}

type Happening = { readonly [E in Event.Event["event"]]: Omit<Extract<Event.Event, { event: E }>, "at"> }[
  Event.Event["event"]
]

/** So many seconds before now. */
const past: ReadonlyArray<readonly [ago: number, event: Happening]> = [
  [330, { event: "Started", self: hall }],
  [239, { event: "LeaderChanged", election: "", leader: bath, from: null, term: 6, cause: "Start", without: 0 }],
  [
    150,
    {
      event: "MemberRemoved",
      member: bath,
      reason: { _tag: "Silent", for: 3_100, lastHeardOn: "multicast", ownLag: 0 }
    }
  ],
  [150, { event: "LeaderChanged", election: "", leader: null, from: null, term: 6, cause: "Silent", without: 0 }],
  [130, {
    event: "LeaderChanged",
    election: "",
    leader: kitchen,
    from: null,
    term: 7,
    cause: "Silent",
    without: 20_000
  }],
  [90, { event: "Stalled", for: 4_000 }],
  [60, { event: "MemberJoined", member: bath, via: "heartbeat" }]
]

export const model: Model.Model = Model.saw(
  past.reduce(
    (model, [ago, event]) => Model.happened(model, { ...event, at: now - ago * 1_000 }),
    Model.make()
  ),
  seen
)
