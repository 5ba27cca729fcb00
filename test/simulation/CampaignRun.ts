/**
 * One run of a campaign, and what of it is summed up.
 */
import * as Effect from "effect/Effect"
import type * as Faults from "../../src/simulator/Faults.ts"
import type * as Invariants from "../../src/simulator/Invariants.ts"
import * as Simulation from "../../src/simulator/Simulation.ts"

export interface Run {
  readonly leadership: "bully" | "lease"
  readonly servers: number
  /** How many of them have a vote: all, unless set. */
  readonly voters?: number | undefined
  readonly seed: number
  readonly minutes: number
  readonly faults: Faults.Profile
}

export interface Broken {
  readonly seed: number
  readonly at: number
  readonly server: number | null
  readonly what: string
}

export interface Outcome {
  readonly steps: number
  readonly changes: number
  readonly datagrams: number
  readonly looked: ReadonlyArray<readonly [Invariants.Name, number]>
  readonly happened: Simulation.Report["happened"]
  /** By each invariant once, where it was first broken. */
  readonly broken: ReadonlyMap<Invariants.Name, Broken>
}

export const run = async (
  { faults, leadership, minutes, seed, servers, voters = servers }: Run
): Promise<Outcome> => {
  const lease = leadership === "lease" ? { leadership, groupSize: voters } : {}
  const report = await Effect.runPromise(
    Simulation.run({ servers, voters, seed, millis: minutes * 60_000, faults, settings: { profile: "fast", ...lease } })
  )
  const broken = new Map<Invariants.Name, Broken>()
  for (const { at, invariant, server, what } of report.violations) {
    if (!broken.has(invariant)) broken.set(invariant, { seed, at: Math.round(at), server, what })
  }
  return {
    steps: report.steps,
    changes: report.led.length,
    datagrams: report.datagrams.delivered,
    looked: report.verdicts.map(({ checks, invariant }) => [invariant, checks] as const),
    happened: report.happened,
    broken
  }
}
