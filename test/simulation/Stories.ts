/**
 * Stories of faults that were written for one rule of the protocol each (its section in brackets): what is meant to happen
 * is what only that rule stands against. What comes of them stands in `stories.txt`.
 */
import type * as Settings from "../../src/settings/Settings.ts"
import * as Faults from "../../src/simulator/Faults.ts"
import * as FaultText from "../../src/simulator/FaultText.ts"
import type * as Simulation from "../../src/simulator/Simulation.ts"

export interface Story {
  readonly servers: number
  readonly faults: ReadonlyArray<Faults.Fault>
  readonly settings?: Settings.Options
  /** How long it goes on after the last fault, in ms; unless given, until the group has settled. */
  readonly lasts?: number
}

const hour = 3_600_000
/** Until after the end. */
const ever = 60_000

const crash = (server: number, at: number, millis = ever): Faults.Fault => ({ kind: "crash", at, for: millis, server })
const kill = (server: number, at: number, millis = ever): Faults.Fault => ({ kind: "kill", at, for: millis, server })
const stop = (server: number, at: number, millis = ever): Faults.Fault => ({ kind: "stop", at, for: millis, server })
const restart = (server: number, at: number): Faults.Fault => ({ kind: "restart", at, for: 0, server })
const cut = (from: number, to: number, at: number, millis: number): Faults.Fault => ({
  kind: "cut",
  at,
  for: millis,
  from,
  to
})
const split = (parts: ReadonlyArray<ReadonlyArray<number>>, at: number, millis: number): Faults.Fault => ({
  kind: "partition",
  at,
  for: millis,
  parts
})
const change = (server: number, at: number, priority: number, zone: string): Faults.Fault => ({
  kind: "change",
  at,
  for: 0,
  server,
  priority,
  zone
})
const setClock = (server: number, at: number, by: number): Faults.Fault => ({ kind: "jump", at, for: 0, server, by })
/** Its timers fire before it reads what waits in its sockets. */
const pause = (server: number, at: number, millis: number): Faults.Fault => ({
  kind: "pause",
  at,
  for: millis,
  server,
  first: "sleepers"
})
/** Its address is 10.0.0.`host` from then on. */
const move = (server: number, at: number, host: number, millis = 0): Faults.Fault => ({
  kind: "move",
  at,
  for: millis,
  server,
  host
})
const secondNetwork = (server: number, at: number): Faults.Fault => ({ kind: "secondNetwork", at, for: ever, server })
const overtaken = (at: number, millis: number, by: number): Faults.Fault => ({
  kind: "reorder",
  at,
  for: millis,
  probability: 1,
  by
})

/** Leaders give no sign of life but their heartbeats, so they are missed by the sweeps. */
const withoutPace: Settings.Options = { leaderInterval: "500 millis" }

/**
 * The servers rank s0 s1 s2, or s0 s1 s2 s3 s4, the last the highest; but of two that have one priority (s0 and s1, s2 and
 * s3) either may rank higher, as their ids have it.
 */
export const stories = {
  // Wall clocks behind all terms: each new one is the last that was heard of, and one more.
  "two lead in one term, and meet (5, the order of reigns)": {
    servers: 3,
    faults: [
      ...[0, 1, 2].map((server) => setClock(server, 1_000, -hour)),
      split([[0, 1], [2]], 2_000, 6_000),
      { kind: "resign", at: 5_000, for: 0, server: 2 }
    ]
  },
  "one hears only from another of a new start that leads, and then dies (5, hearsay)": {
    servers: 3,
    faults: [cut(2, 1, 2_000, 6_000), restart(2, 2_500), crash(2, 7_000)]
  },
  "a leader is paused for longer than the others wait (4, a stall is not a death)": {
    servers: 3,
    faults: [pause(2, 2_000, 3_000)]
  },
  // So that the answer to the last question is due before anything else is.
  "a server is paused when it has asked its last question (4, a stall is not a death)": {
    servers: 3,
    faults: [cut(1, 0, 2_000, 900), pause(0, 2_900, 3_000)],
    settings: { ...withoutPace, probeTimeout: "90 millis" }
  },
  // A pause that is too short to be one for anything but the lead, and one that is long enough for that.
  "a leader is paused for almost as long as the others wait, and a little longer (4, a stall is not a death)": {
    servers: 3,
    faults: [pause(2, 2_000, 600), pause(2, 5_000, 870)]
  },
  "a leader is gone that was heard a moment ago (5, the leader's pace)": {
    servers: 5,
    faults: [crash(4, 2_000), crash(3, 2_000)]
  },
  "the goodbye of an earlier start comes when the next one is there (3, SERVER_LEAVING)": {
    servers: 3,
    faults: [overtaken(1_990, 60, 800), stop(0, 2_000, 100)]
  },
  "multicast does not reach one server (4, health)": {
    servers: 3,
    faults: [{ kind: "multicastLoss", at: 2_000, for: 5_000, server: 0, probability: 1 }]
  },
  // Its sweeps come before those of the others.
  "the lowest is the first to miss the leader (5, OK)": {
    servers: 5,
    faults: [restart(0, 2_110), crash(4, 2_900)],
    settings: withoutPace
  },
  "who ranks next misses the goodbye of the leader (5, standing)": {
    servers: 5,
    faults: [cut(4, 3, 1_900, 200), stop(4, 2_000)]
  },
  "a leader stops (5, leaving)": { servers: 3, faults: [stop(2, 2_000)] },
  "a leader is killed, and its host says so (4, health)": { servers: 3, faults: [kill(2, 2_000)] },
  "one is killed that not all have a link with (crash links)": { servers: 5, faults: [kill(0, 4_000)] },
  "a firewall rejects all connections to one that lives (crash links)": {
    servers: 3,
    faults: [{ kind: "tcp", at: 4_000, for: 3_000, server: 2, how: "rejected" }]
  },
  "another program has the ports of one that is killed (crash links)": {
    servers: 3,
    faults: [{ kind: "tcp", at: 4_000, for: 2_000, server: 2, how: "taken" }, kill(2, 4_500)]
  },
  "the highest ranked comes back (5, rule 7)": { servers: 3, faults: [crash(2, 2_000, 5_000)] },
  "the highest ranked comes back, and is not to preempt (5, preempt)": {
    servers: 3,
    faults: [crash(2, 2_000, 5_000)],
    settings: { preempt: false }
  },
  "the highest ranked comes back, and has to last first (5, stableAfter)": {
    servers: 3,
    faults: [crash(2, 2_000, 5_000)],
    settings: { stableAfter: "3 seconds" }
  },
  "the highest ranked is gone that some heard by one way only (4, witnesses)": {
    servers: 5,
    faults: [cut(4, 0, 2_000, 9_000), cut(4, 1, 2_000, 9_000), crash(4, 9_000)]
  },
  "the highest ranked leaves that one hears of by others only (4, witnesses)": {
    servers: 3,
    faults: [cut(2, 0, 2_000, 5_900), stop(2, 8_000)]
  },
  "fewer than the minimum are left (5, minimumMembers)": {
    servers: 3,
    faults: [crash(1, 2_000), crash(0, 2_000)],
    settings: { minimumMembers: 2 }
  },
  "the highest ranked was alone, and too few (5, rule 7)": {
    servers: 3,
    faults: [split([[0, 1], [2]], 2_000, 6_000)],
    settings: { minimumMembers: 2 },
    // It lost a lead, and waits.
    lasts: 12_000
  },
  "one that would object to a lower leader is gone (5, rule 7)": {
    servers: 3,
    faults: [split([[0], [1, 2]], 2_000, 4_000), crash(2, 5_990)],
    settings: withoutPace
  },
  "a server starts again with its clock set back (1, incarnation)": {
    servers: 3,
    faults: [setClock(0, 2_000, -hour), restart(0, 2_500)]
  },
  "the clock of one that leads a part is an hour ahead (5, rule 1)": {
    servers: 3,
    faults: [setClock(1, 1_000, hour), split([[0, 2], [1]], 2_000, 5_000)]
  },
  "what the dead said last comes when they have been removed (4, the departed)": {
    servers: 3,
    faults: [{ kind: "delay", at: 1_500, for: 510, max: 4_000 }, crash(0, 2_020)]
  },
  "what a leader said last comes when another leads (5, the order of reigns)": {
    servers: 3,
    faults: [crash(2, 2_000, 2_900), overtaken(4_600, 600, 1_500)]
  },
  "the address of the leader changes, and another has it before long (Where a server is)": {
    servers: 3,
    faults: [move(2, 2_000, 77), move(0, 5_000, 3, 500)]
  },
  "all are on a second network too (Where a server is)": {
    servers: 3,
    faults: [0, 1, 2].map((server) => secondNetwork(server, 2_000))
  },
  "one cannot send, and does not hear another either (4, health)": {
    servers: 3,
    faults: [{ kind: "noSends", at: 2_000, for: 4_000, server: 0 }, cut(1, 0, 2_000, 4_000)]
  },
  "the leader starts before its network (Where a server is)": {
    servers: 3,
    faults: [{ kind: "lateNetwork", at: 2_000, for: 3_000, server: 2 }]
  },
  // The simulator found it.
  "a leader was cut off from a later reign, that ends (5, rule 3)": {
    servers: 5,
    faults: [split([[0, 1, 2, 3], [4]], 5_000, 2_900), crash(2, 7_890, 20), crash(3, 7_890, 20)]
  },
  "one of a large group starts again (4, the pace of heartbeats)": {
    servers: 6,
    faults: [restart(0, 2_000)],
    // As many as three of them say with each tick.
    settings: { maxHeartbeatsPerSecond: 5 },
    lasts: 26_000
  },
  "one changes what it says of itself while datagrams overtake each other (What a server says of itself)": {
    servers: 3,
    faults: [overtaken(1_000, 2_000, 800), change(2, 2_000, 3, "b")]
  },
  "the leader lowers its priority, and another starts again (What a server says of itself)": {
    servers: 5,
    faults: [change(4, 2_000, -1, "b"), restart(0, 5_000)]
  },
  "the leader raises its priority, and another starts again (What a server says of itself)": {
    servers: 3,
    faults: [change(2, 2_000, 5, "b"), restart(0, 3_000)]
  }
} satisfies Record<string, Story>

export type Name = keyof typeof stories

const ofNetworks: ReadonlySet<string> = new Set(["move", "secondNetwork", "lateNetwork"])

/** What its run is made of. */
export const run = (name: Name): Simulation.Options => {
  const { lasts, settings, ...story }: Story = stories[name]
  const ends = story.faults.map((fault) => fault.for === ever ? fault.at : Faults.endOf(fault))
  // The group has settled by then. It takes two seconds to find that a network is another.
  const isQuick = settings?.stableAfter === undefined && !story.faults.some(({ kind }) => ofNetworks.has(kind))
  const millis = Math.max(...ends) + (lasts ?? (isQuick ? 6_500 : 9_500))
  return { ...story, millis, seed: 1, settings: { profile: "fast", links: name.includes("crash links"), ...settings } }
}

const seconds = (millis: number) => `${(millis / 1_000).toFixed(1).padStart(6)} s`

/** What came of a run, as a text; of terms only whose is greater. */
export const tell = ({ led, story }: Simulation.Report): string => {
  const terms = [...new Set(led.map(({ term }) => term))].toSorted((a, b) => a - b)
  const lines = [
    ...story.map((fault) => ({ at: fault.at, text: `${seconds(fault.at)}  ${FaultText.describe(fault)}` })),
    ...led.map(({ from, server, term, until }) => ({
      at: from,
      text: `${seconds(from)}  > s${server} leads in term ${terms.indexOf(term) + 1}${
        until === null ? "" : `, until ${(until / 1_000).toFixed(1)} s`
      }`
    }))
  ]
  return lines.toSorted((a, b) => a.at - b.at).map(({ text }) => text).join("\n")
}
