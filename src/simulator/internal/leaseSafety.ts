/** Judges a group with leases: one leader, with a majority behind it, and no leading work outside of its lease. */
import * as ReignOrder from "../../protocol/model/Reign.ts"
import * as Step from "../../protocol/Step.ts"
import type * as Invariants from "../Invariants.ts"
import * as LeaseInvariants from "../LeaseInvariants.ts"
import { claimOf, clocksOf, lasts, type Watched } from "./watched.ts"

export class LeaseSafety {
  readonly #servers: ReadonlyMap<number, Watched>
  readonly #complain: Invariants.Judge["complain"]
  readonly #count: Invariants.Judge["count"]
  /** Whether a server is paused, or has only just resumed and not yet had the time to stop its work. */
  readonly #isStopping: (index: number, at: number) => boolean

  constructor(servers: ReadonlyMap<number, Watched>, { complain, count, isStopping }: Invariants.Judge & {
    readonly isStopping: (index: number, at: number) => boolean
  }) {
    this.#servers = servers
    this.#complain = complain
    this.#count = count
    this.#isStopping = isStopping
  }

  /** Of the servers that say that they lead, or still work under a lease that lasts, there may be one. */
  stepped(at: number): void {
    const claims: Array<ReignOrder.Reign | null> = []
    const living: Array<Invariants.Living> = []
    for (const [index, watched] of this.#servers) {
      const clocks = clocksOf(watched.host)
      living.push({ state: watched.state, clocks })
      const claim = Step.leads(watched.state, clocks)
      const working = this.#judgeWork(watched, index, at)
      claims.push(claim ?? working)
    }
    const what = LeaseInvariants.contest(claims)
    if (what !== null) this.#complain(at, "oneLeader", null, what)
    // Where nobody leads there is nothing to be bound to.
    if (claims.some((claim) => claim !== null)) this.#count("majorityBound")
    const unbound = LeaseInvariants.unbound(living)
    if (unbound !== null) this.#complain(at, "majorityBound", null, unbound)
  }

  /** Work starts on a server: it may run on no other any more, regardless of what that believes. */
  workStarts(index: number, term: number, at: number): void {
    for (const [other, watched] of this.#servers) {
      if (other === index) continue
      for (const work of watched.works) {
        // Work that overruns is reported and fenced; but while its lease lasts nobody else leads all the same.
        if (!lasts(watched, work) && (work.overran || this.#isStopping(other, at))) continue
        const what = `work of term ${term} starts while that of ${work.term} runs on s${other}`
        this.#complain(at, "oneLeader", index, what)
      }
    }
  }

  /** The reign under whose lease a server works, where there is one. */
  #judgeWork(watched: Watched, index: number, at: number): ReignOrder.Reign | null {
    let reign: ReignOrder.Reign | null = null
    for (const work of watched.works) {
      work.claim = claimOf(watched.state, work.term) ?? work.claim
      if (work.overran) continue
      const isHeld = lasts(watched, work)
      if (isHeld) reign ??= ReignOrder.make(work.term, watched.state.self)
      // Who is paused does nothing; what it finds out in resuming, it then takes its time to stop.
      if (!isHeld && this.#isStopping(index, at)) continue
      this.#count("workWithinLease")
      if (!isHeld) this.#complain(at, "workWithinLease", index, `work of term ${work.term} runs, its lease is over`)
    }
    return reign
  }
}
