/**
 * A group that leads by a majority lease, in trouble for a while: what happens to it is drawn from one seed.
 */
import type * as Lease from "../../../src/protocol/model/Lease.ts"
import type * as Invariants from "../../../src/simulator/Invariants.ts"
import { Cluster, type Options, random } from "./Cluster.ts"

const L = 1_500
/** How far wall clocks differ, as growing terms need it across restarts; and where nobody keeps them. */
const spreads = { kept: L / 2, wild: 20 * L }

/** What may differ from trial to trial. Work that ends sooner leaves less of a lease unused, so that its last ms matter. */
export interface Trial {
  readonly drift: number
  readonly stopTimeout?: number | undefined
  /** Where wall clocks are wild, half of the machines have no other clock that goes on while they sleep. */
  readonly wallClocks?: keyof typeof spreads | undefined
  readonly protocol?: Options["protocol"]
}

/** Lives through thirty troubles, and then some time without. */
export const live = (
  size: number,
  seed: number,
  { drift, protocol, stopTimeout = 300, wallClocks = "kept" }: Trial
): Cluster => {
  const spread = spreads[wallClocks]
  const lease: Lease.Agreement = { groupSize: size, duration: L, drift }
  const chance = random(seed)
  const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(chance() * from.length)]!
  const loss = [0, 0.05, 0.3][seed % 3]!
  const delay = [1, 4][seed % 2]! * L
  const cluster = new Cluster({
    size,
    seed,
    timing: () => ({ lease, stopTimeout }),
    protocol,
    clocks: () => ({
      // As often as not at the very limits.
      rate: 1 + drift * pick([-1, 1, 2 * chance() - 1]),
      monotonic: 1_000 * chance(),
      wall: 1_000_000 + spread * chance(),
      boot: wallClocks === "kept" || chance() < 0.5
    }),
    arrives: () => {
      const copies = chance() < loss ? 0 : chance() < 0.1 ? 2 : 1
      // Most take far less than the longest.
      return Array.from({ length: copies }, () => chance() < 0.15 ? chance() * delay : chance() * 3)
    },
    stops: () => stopTimeout * (chance() < 0.9 ? chance() : 2)
  })
  for (const name of cluster.names) cluster.after(50 * chance(), () => cluster.start(name))
  cluster.advance(2 * L)
  for (let i = 0; i < 30; i += 1) {
    trouble(cluster, { longest: 3 * L, spread, chance, pick })
    cluster.advance(L * ((seed * 7 + i * 5) % 11) / 12)
  }
  return cluster.advance(6 * L)
}

/** What it broke first of what a lease promises, or null. */
export const broken = ({ violations: [first] }: Cluster): Invariants.Name | null => first?.invariant ?? null

const kinds = [
  "crash",
  "restart",
  "restart",
  "stop",
  "stop",
  "stop",
  "suspend",
  "jump",
  "cut",
  "cut one way",
  "cut a pair",
  "cut a pair",
  "cut a pair",
  "resign"
] as const

/** One trouble at random. Each ends by itself. */
const trouble = (cluster: Cluster, { chance, longest, pick, spread }: {
  readonly longest: number
  readonly spread: number
  readonly chance: () => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}): void => {
  const name = pick(cluster.names)
  const other = pick(cluster.names)
  const time = longest * chance()
  const cut = (from: string, to: string) => {
    cluster.cut(from, to)
    cluster.after(time, () => cluster.mend(from, to))
  }
  const kind = pick(kinds)
  switch (kind) {
    case "crash":
    case "restart":
      cluster.crash(name)
      return cluster.after(kind === "crash" ? time : 1, () => cluster.start(name))
    case "stop":
      return cluster.stop(name, pick([1, time / 4, time]))
    case "suspend":
      cluster.suspend(name)
      return cluster.after(time, () => cluster.wake(name))
    case "jump":
      // Where none counts since the boot, the wall clock is what a lease goes by in sleep: it is not set then.
      return cluster.hasUptime(name) ? cluster.setWallClock(name, spread * (chance() - 0.5)) : undefined
    case "cut a pair":
      cut(name, other)
      return cut(other, name)
    case "cut":
    case "cut one way":
      for (const each of cluster.names) {
        cut(name, each)
        if (kind === "cut") cut(each, name)
      }
      return
    case "resign":
      return cluster.step(name, { _tag: "Resign" })
  }
}
