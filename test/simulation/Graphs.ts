/**
 * Groups whose links are as a graph says: which servers hear which. What must come of it is that each part within which all
 * have paths to all, directly or through others, has one leader, and that nobody follows a server that does not lead.
 */
import * as Effect from "effect/Effect"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

/** Which server hears which: `from` is heard by `to`. */
export type Graph = ReadonlyArray<readonly [from: number, to: number]>

/** All graphs of so many servers: each pair of them is cut or not, both ways. */
export const undirected = (servers: number): ReadonlyArray<Graph> => {
  const pairs = pairsOf(servers)
  return Array.from(
    { length: 2 ** pairs.length },
    (_, bits) => pairs.flatMap(([a, b], at) => (bits >> at) & 1 ? [[a, b] as const, [b, a] as const] : [])
  )
}

/** All graphs of so many servers, each way between two of them cut or not. */
export const directed = (servers: number): ReadonlyArray<Graph> => {
  const ways = pairsOf(servers).flatMap(([a, b]) => [[a, b], [b, a]] as const)
  return Array.from({ length: 2 ** ways.length }, (_, bits) => ways.filter((_, at) => (bits >> at) & 1))
}

const pairsOf = (servers: number): ReadonlyArray<readonly [number, number]> =>
  Array.from({ length: servers }, (_, a) => Array.from({ length: servers - a - 1 }, (_, b) => [a, a + b + 1] as const))
    .flat()

/** The parts of at least two servers within which all have paths to all. */
export const parts = (servers: number, graph: Graph): ReadonlyArray<ReadonlyArray<number>> => {
  const all = Array.from({ length: servers }, (_, index) => index)
  const from = (start: number): ReadonlySet<number> => {
    const reached = new Set([start])
    for (const at of reached) for (const [a, b] of graph) if (a === at) reached.add(b)
    return reached
  }
  const reached = all.map(from)
  return all.flatMap((one) => {
    const part = all.filter((other) => reached[one]!.has(other) && reached[other]!.has(one))
    return part.length > 1 && part[0] === one ? [part] : []
  })
}

/** How the links are cut: from the start on, or once all follow one leader. */
export type When = "from the start" | "later"

export interface Trial {
  readonly servers: number
  readonly graph: Graph
  readonly when: When
  readonly leadership: "bully" | "lease"
  readonly preempt: boolean
  readonly seed: number
  /** How long the group has to settle, in s. */
  readonly settles: number
  /** How long it is looked at after that, in s. */
  readonly looks: number
}

/** What was wrong in the time after the group had to be settled, one line each. */
export const wrong = (trial: Trial): Promise<ReadonlyArray<string>> =>
  Effect.runPromise(VirtualTime.run(Effect.gen(function*() {
    const { graph, servers, when } = trial
    const group = yield* SimulatedGroup.make({
      servers: when === "later" ? servers : 0,
      seed: trial.seed,
      settings: (index) => ({
        profile: "fast",
        priority: index,
        name: `s${index}`,
        preempt: trial.preempt,
        ...(trial.leadership === "lease" ? { leadership: "lease", groupSize: servers } : {})
      })
    })
    if (when === "later") yield* group.settle()
    for (let a = 0; a < servers; a++) {
      for (let b = 0; b < servers; b++) {
        if (a === b || graph.some(([from, to]) => from === a && to === b)) continue
        yield* when === "later" ? group.cut(a, b) : group.network.cut(`s${a}`, `s${b}`)
      }
    }
    if (when !== "later") { for (let index = 0; index < servers; index++) yield* group.add }
    yield* group.advance(`${trial.settles} seconds`)
    const found = new Set<string>()
    const changes = new Map<number, number>()
    const from = yield* group.now
    for (let second = 0; second < trial.looks; second++) {
      yield* group.advance("1 second")
      const views = yield* group.views
      const leaders = yield* group.leaders
      const followed = (index: number): number | null => {
        const reign = views.get(index)?.reign ?? null
        if (reign === null) return null
        return [...views].find(([, { self }]) => self.id === reign.leader.id)?.[0] ?? -1
      }
      for (let index = 0; index < servers; index++) {
        const leader = followed(index)
        if (leader !== null && !leaders.includes(leader)) found.add(`s${index} follows s${leader}, which does not lead`)
      }
      if (trial.leadership === "lease") continue
      for (const part of parts(servers, graph)) {
        const follow = new Set(part.map(followed))
        if (follow.size > 1 || follow.has(null)) {
          found.add(
            `of ${part.map((one) => `s${one}`).join(" ")} follow ${part.map((one) => `s${followed(one)}`).join(" ")}`
          )
        }
      }
    }
    for (let index = 0; index < servers; index++) {
      const events = yield* group.events(index)
      const changed = events.filter(({ at, event }) => at > from && event.event === "LeaderChanged").length
      if (changed > 0) changes.set(index, changed)
    }
    for (const [index, times] of changes) found.add(`s${index} changed its leader ${times} times`)
    return [...found]
  })))

export const show = (graph: Graph): string => graph.map(([a, b]) => `${a}>${b}`).join(" ")
