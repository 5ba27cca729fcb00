/**
 * Groups in which some links are missing for good, one run for each graph: as long as it takes to settle and a while more.
 * The simulator's own invariants judge them. `npm run graphs` runs all graphs of a size.
 */
import * as Effect from "effect/Effect"
import type * as Step from "../../src/protocol/Step.ts"
import type * as Server from "../../src/server/Server.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import type * as Faults from "../../src/simulator/Faults.ts"
import * as LinkGraph from "../../src/simulator/LinkGraph.ts"
import * as Simulation from "../../src/simulator/Simulation.ts"

export interface Options {
  readonly leadership: "bully" | "lease"
  /** Missing from the start, or only when the group has settled. */
  readonly since: "start" | "later"
  readonly seed?: number | undefined
  readonly settings?: Settings.Options | undefined
  readonly transition?: typeof Step.step | undefined
}

/** In `fast`. */
const settled = { bully: 6_000, lease: 12_000 }
const patience = { bully: 13_000, lease: 19_000 }
const looks = 15_000

/** The story of one graph: nothing else happens. */
export const story = (graph: LinkGraph.LinkGraph, { leadership, since }: Options): ReadonlyArray<Faults.Fault> => [{
  kind: "links",
  at: since === "start" ? 0 : settled[leadership],
  for: patience[leadership] + looks + 1,
  missing: LinkGraph.missing(graph)
}]

/** Runs a group whose links are those of the graph; the report of it. */
export const run = (
  graph: LinkGraph.LinkGraph,
  options: Options
): Effect.Effect<Simulation.Report, Server.ServerError> =>
  Effect.suspend(() => {
    const { leadership, seed = 1, settings, transition } = options
    const servers = graph.heardBy.length
    const faults = story(graph, options)
    return Simulation.run({
      servers,
      seed,
      millis: faults[0]!.at + patience[leadership] + looks,
      faults,
      transition,
      settings: {
        profile: "fast",
        ...(leadership === "lease" ? { leadership, groupSize: servers } : {}),
        ...settings
      }
    })
  })

/** A graph and what was broken on it, in a line. */
export const tell = (graph: LinkGraph.LinkGraph, { violations }: Simulation.Report): string =>
  `nothing gets ${LinkGraph.describe(LinkGraph.missing(graph)) || "lost"}: ${
    violations.slice(0, 1).map(({ at, invariant, what }) => `${invariant} after ${Math.round(at)} ms: ${what}`).join()
  }`
