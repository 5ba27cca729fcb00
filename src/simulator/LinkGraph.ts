/** Which servers hear which: a directed graph, since a firewall or a switch may let datagrams pass one way only. */

/** The way from one server to another, by their numbers. */
export type Link = readonly [from: number, to: number]

/**
 * A graph of up to 31 servers. Bit `to` of `heardBy[from]` says that what `from` sends gets to `to`; nobody is linked to itself.
 */
export interface LinkGraph {
  readonly heardBy: ReadonlyArray<number>
}

/**
 * Servers that all reach each other, directly or through others, and the most links on the shortest path between two of them.
 */
export interface Part {
  readonly servers: ReadonlyArray<number>
  readonly hops: number
}

/** All hear all, but for the links that are missing. */
export const make = (servers: number, missing: Iterable<Link> = []): LinkGraph => {
  const all = servers === 0 ? 0 : 2 ** servers - 1
  const heardBy = Array.from({ length: servers }, (_, from) => all & ~bit(from))
  for (const [from, to] of missing) heardBy[from] = (heardBy[from] ?? 0) & ~bit(to)
  return { heardBy }
}

/** Every directed graph of so many servers, the whole one first: 64 of three, 4,096 of four. */
export const directed = (servers: number): ReadonlyArray<LinkGraph> =>
  subsets(pairs(servers)).map((missing) => make(servers, missing))

/**
 * Every graph of so many servers whose links pass both ways or not at all, the whole one first: 8 of three, 64 of four.
 */
export const undirected = (servers: number): ReadonlyArray<LinkGraph> =>
  subsets(pairs(servers).filter(([from, to]) => from < to)).map((missing) =>
    make(servers, missing.flatMap(([from, to]): ReadonlyArray<Link> => [[from, to], [to, from]]))
  )

/** Every link that there can be between so many servers. */
export const pairs = (servers: number): ReadonlyArray<Link> => {
  const all = Array.from({ length: servers }, (_, index) => index)
  return all.flatMap((from) => all.flatMap((to): ReadonlyArray<Link> => from === to ? [] : [[from, to]]))
}

/** Whether what the one sends gets to the other. */
export const has = ({ heardBy }: LinkGraph, from: number, to: number): boolean => ((heardBy[from] ?? 0) & bit(to)) !== 0

/** The links that are missing among these servers; all of the graph unless named. */
export const missing = (graph: LinkGraph, among = everyone(graph)): ReadonlyArray<Link> =>
  among.flatMap((from) =>
    among.flatMap((to): ReadonlyArray<Link> => from === to || has(graph, from, to) ? [] : [[from, to]])
  )

/** Whether none is missing among these servers. */
export const isWhole = ({ heardBy }: LinkGraph, among: ReadonlyArray<number>): boolean => {
  const all = maskOf(among)
  return among.every((from) => ((heardBy[from] ?? 0) & all) === (all & ~bit(from)))
}

/** The strongly connected parts of these servers; one that nobody reaches both ways is a part of its own, of no hops. */
export const parts = (graph: LinkGraph, among = everyone(graph)): ReadonlyArray<Part> => {
  const all = maskOf(among)
  const reached = new Map(among.map((from) => [from, reach(graph, from, all)]))
  const found: Array<Part> = []
  let seen = 0
  for (const server of among) {
    if ((seen & bit(server)) !== 0) continue
    const servers = among.filter((other) =>
      other === server || (reached.get(server)!.hops.has(other) && reached.get(other)!.hops.has(server))
    )
    seen |= maskOf(servers)
    const hops = Math.max(
      0,
      ...servers.flatMap((from) => servers.flatMap((to) => from === to ? [] : reached.get(from)!.hops.get(to) ?? []))
    )
    found.push({ servers, hops })
  }
  return found
}

/** Whether a part hears another of these servers, one way: that is none of it. */
export const hearsOthers = (graph: LinkGraph, part: ReadonlyArray<number>, among: ReadonlyArray<number>): boolean =>
  among.some((other) => !part.includes(other) && part.some((server) => has(graph, other, server)))

/** Of these servers those that at least so many, themselves included, hear and are heard by directly. */
export const centres = (graph: LinkGraph, among: ReadonlyArray<number>, least: number): ReadonlyArray<number> =>
  among.filter((server) =>
    among.filter((other) => other === server || (has(graph, server, other) && has(graph, other, server))).length >=
      least
  )

/** A graph as the links that are missing, in words. */
export const describe = (links: ReadonlyArray<Link>): string => {
  const targets = new Map<number, Array<number>>()
  for (const [from, to] of links) targets.set(from, [...targets.get(from) ?? [], to])
  return [...targets].map(([from, to]) => `from s${from} to ${to.map((index) => `s${index}`).join(" and ")}`).join(", ")
}

// internal

const bit = (server: number): number => 1 << server

const maskOf = (servers: ReadonlyArray<number>): number => servers.reduce((mask, server) => mask | bit(server), 0)

const everyone = ({ heardBy }: LinkGraph): ReadonlyArray<number> => heardBy.map((_, index) => index)

const subsets = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: 2 ** all.length }, (_, subset) => all.filter((_, index) => (subset & bit(index)) !== 0))

/** How many links it takes to each server that can be reached, breadth first. */
const reach = ({ heardBy }: LinkGraph, start: number, all: number): { readonly hops: ReadonlyMap<number, number> } => {
  const hops = new Map<number, number>()
  let seen = bit(start)
  let edge = [start]
  for (let distance = 1; edge.length > 0; distance++) {
    const next: Array<number> = []
    for (const from of edge) {
      let fresh = (heardBy[from] ?? 0) & all & ~seen
      seen |= fresh
      while (fresh !== 0) {
        const lowest = fresh & -fresh
        const to = 31 - Math.clz32(lowest)
        hops.set(to, distance)
        next.push(to)
        fresh &= ~lowest
      }
    }
    edge = next
  }
  return { hops }
}
