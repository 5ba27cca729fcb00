/**
 * Stories of faults for what servers hold by grants: eight partitions, of which each has its share, and a lock. What comes of them
 * stands in `grant-stories.txt`: who leads, and who holds which partition.
 */
import * as Faults from "../../src/simulator/Faults.ts"
import * as FaultText from "../../src/simulator/FaultText.ts"
import type * as Simulation from "../../src/simulator/Simulation.ts"

/** Until after the end. */
const ever = 90_000

const kill = (server: number, at: number, millis = ever): Faults.Fault => ({ kind: "kill", at, for: millis, server })
const stop = (server: number, at: number, millis = ever): Faults.Fault => ({ kind: "stop", at, for: millis, server })
const cut = (from: number, to: number, at: number, millis: number): Faults.Fault => ({
  kind: "cut",
  at,
  for: millis,
  from,
  to
})
const late = (at: number, millis: number, max: number): Faults.Fault => ({ kind: "delay", at, for: millis, max })
const split = (parts: ReadonlyArray<ReadonlyArray<number>>, at: number, millis: number): Faults.Fault => ({
  kind: "partition",
  at,
  for: millis,
  parts
})
const pause = (server: number, at: number, millis: number): Faults.Fault => ({
  kind: "pause",
  at,
  for: millis,
  server,
  first: "sleepers"
})
const suspend = (server: number, at: number, millis: number): Faults.Fault => ({
  kind: "suspend",
  at,
  for: millis,
  server
})
/** Its machine sleeps for a moment, again and again. */
const naps = (server: number, at: number, millis: number): ReadonlyArray<Faults.Fault> =>
  Array.from({ length: Math.floor(millis / 400) }, (_, nap) => suspend(server, at + 400 * nap, 240))

/** The servers rank s0 s1 s2, the last the highest; s2 leads from the start, and its first reign has recovered by 7 s. */
export const stories = {
  "nothing happens": [],
  "a holder is killed": [kill(0, 12_000)],
  "a holder is killed, and starts again": [kill(0, 12_000, 1_000)],
  "a holder stops, and comes back": [stop(0, 12_000, 6_000)],
  "holders come and go": [stop(0, 12_000, 4_000), stop(1, 24_000, 4_000)],
  "the leader is killed": [kill(2, 12_000)],
  "the leader stops": [stop(2, 12_000)],
  "the leader gives the lead up": [{ kind: "resign", at: 12_000, for: 0, server: 2 }],
  "the leader is cut off": [split([[0, 1], [2]], 12_000, 9_000)],
  "the majority is lost": [kill(0, 12_000, 9_000), kill(1, 12_000, 9_000)],
  "a holder hears nothing of the leader": [cut(2, 0, 12_000, 9_000)],
  "the leader hears nothing of a holder": [cut(0, 2, 12_000, 9_000)],
  "answers come late, and then none": [late(10_000, 8_000, 500), cut(0, 2, 16_500, 8_000)],
  "a holder is paused": [pause(0, 12_000, 9_000)],
  "the machine of a holder sleeps": [suspend(0, 12_000, 9_000)],
  "the machine of a holder is suspended, and hears nothing when it wakes": [
    suspend(0, 12_000, 9_000),
    cut(2, 0, 12_000, 15_000)
  ],
  "the machine of a holder naps, and none of its asks comes": [cut(0, 2, 12_000, 12_000), ...naps(0, 12_000, 12_000)],
  "all that is sent is doubled and overtaken": [
    { kind: "duplicate", at: 8_000, for: 12_000, probability: 0.5 },
    { kind: "reorder", at: 8_000, for: 12_000, probability: 0.5, by: 900 },
    kill(0, 10_000, 3_000),
    kill(1, 16_000, 3_000)
  ],
  "clocks are set": [
    { kind: "jump", at: 12_000, for: 0, server: 0, by: 3_600_000 },
    { kind: "jump", at: 15_000, for: 0, server: 0, by: -3_600_000 }
  ],
  "work takes longer to stop than it has": [
    { kind: "slowWork", at: 8_000, for: 15_000, server: 0 },
    cut(0, 2, 12_000, 9_000)
  ]
} satisfies Record<string, ReadonlyArray<Faults.Fault>>

export type Name = keyof typeof stories

/** What its run is made of: long enough to see who holds what when all is well again. */
export const run = (name: Name): Simulation.Options => {
  const faults: ReadonlyArray<Faults.Fault> = stories[name]
  const ends = faults.map((fault) => fault.for === ever ? fault.at : Faults.endOf(fault))
  return {
    servers: 3,
    // Of an answer that comes late it depends on the chance which it is.
    seed: name === "answers come late, and then none" ? 6 : 4,
    faults,
    millis: Math.max(12_000, ...ends) + 24_000,
    settings: { profile: "fast", leadership: "lease", groupSize: 3 }
  }
}

const seconds = (millis: number) => `${(millis / 1_000).toFixed(1).padStart(6)} s`

/** Changes of holders within so many ms are told as one. */
const together = 600

/** What came of a run, as a text; of terms only whose is greater. */
export const tell = (report: Simulation.Report): string => {
  const { led, story } = report
  const terms = [...new Set(led.map(({ term }) => term))].toSorted((a, b) => a - b)
  // Naps are one thing that happens, and not thirty.
  const told = story.filter((fault, at) => fault.kind !== "suspend" || fault.for > 1_000 || at < 2)
  const lines = [
    ...told.map((fault) => ({ at: fault.at, text: `${seconds(fault.at)}  ${FaultText.describe(fault)}` })),
    ...led.map(({ from, server, term, until }) => ({
      at: from,
      text: `${seconds(from)}  > s${server} leads in term ${terms.indexOf(term) + 1}${
        until === null ? "" : `, until ${(until / 1_000).toFixed(1)} s`
      }`
    })),
    ...holders(report)
  ]
  return lines.toSorted((a, b) => a.at - b.at).map(({ text }) => text).join("\n")
}

const holders = (
  { held, servers }: Simulation.Report
): ReadonlyArray<{ readonly at: number; readonly text: string }> => {
  const ofPartitions = held.filter(({ space }) => space === "partitions")
  const changes = ofPartitions.flatMap(({ from, until }) => until === null ? [from] : [from, until])
    .toSorted((a, b) => a - b)
  const last = changes.filter((at, index) => index === changes.length - 1 || changes[index + 1]! - at > together)
  return last.map((at) => {
    const now = Array.from(
      { length: servers },
      (_, index) =>
        ofPartitions.filter(({ from, server, until }) =>
          server === index && from <= at && (until === null || until > at)
        )
          .map(({ resource }) => resource).toSorted((a, b) => a - b)
    )
    const text = now.map((all, index) => `s${index} ${all.join(" ") || "nothing"}`).join(", ")
    return { at: at + 0.001, text: `${seconds(at)}  . ${text}` }
  })
}
