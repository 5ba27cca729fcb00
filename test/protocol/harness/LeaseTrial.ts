/**
 * A group that leads by a majority lease, in trouble for a while: what befalls it is drawn from one seed.
 */
import type * as Lease from "../../../src/protocol/Lease.ts"
import { Cluster, type Options } from "./Cluster.ts"

const L = 1_500

/** What may differ from trial to trial. Work that ends sooner leaves less of a lease unused, so that its last ms matter. */
export interface Trial {
  readonly drift: number
  readonly stopTimeout?: number | undefined
  readonly protocol?: Options["protocol"]
}

/** Lives through thirty troubles, and then some time without. */
export const live = (size: number, seed: number, { drift, protocol, stopTimeout = 300 }: Trial): Cluster => {
  const lease: Lease.Agreement = { groupSize: size, duration: L, drift }
  const cluster = new Cluster({
    size,
    seed,
    rules: { lease, stopTimeout },
    drift,
    wallSpread: L / 2,
    loss: [0, 0.05, 0.3][seed % 3]!,
    duplication: 0.1,
    delay: [1, 4][seed % 2]! * L,
    protocol
  })
  cluster.advance(2 * L)
  for (let i = 0; i < 30; i += 1) {
    cluster.trouble(3 * L)
    cluster.advance(L * ((seed * 7 + i * 5) % 11) / 12)
  }
  return cluster.advance(6 * L)
}

/** What it broke of what a lease promises, or null: two that led at one instant, or a term that did not grow. */
export const broken = ({ led, violations }: Cluster): string | null => {
  if (violations.length > 0) return "oneLeader"
  return led.some(({ reign }, index) => index > 0 && reign.term <= led[index - 1]!.reign.term) ? "termsGrow" : null
}
