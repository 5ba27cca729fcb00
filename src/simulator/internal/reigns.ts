/** Who led when, and whether what is promised of one reign after another holds. */
import * as ElectionContext from "../../protocol/election/ElectionContext.ts"
import type { Stepped } from "../../testing/Stepped.ts"
import type * as Invariants from "../Invariants.ts"
import type { Fairness } from "./fairness.ts"
import type { Led, Watched } from "./watched.ts"

export class Reigns {
  readonly led: Array<Led> = []
  /** Whether the wall clocks have agreed within a lease so far. */
  clocksAgree = true
  readonly #servers: ReadonlyMap<number, Watched>
  readonly #fairness: Fairness
  readonly #leadership: "bully" | "lease"
  readonly #complain: Invariants.Judge["complain"]
  readonly #count: Invariants.Judge["count"]
  #highest = 0

  constructor(
    servers: ReadonlyMap<number, Watched>,
    fairness: Fairness,
    leadership: "bully" | "lease",
    { complain, count }: Invariants.Judge
  ) {
    this.#servers = servers
    this.#fairness = fairness
    this.#leadership = leadership
    this.#complain = complain
    this.#count = count
  }

  /** A step was made: a reign may have begun or ended. */
  stepped(watched: Watched, { after, at, before, index }: Stepped): void {
    const reign = ElectionContext.ownReign(after)
    const { led } = watched
    if (led !== null && (reign === null || reign.term !== led.term)) {
      led.until = at
      watched.led = null
    }
    if (reign === null || reign.term === led?.term) return
    watched.led = { server: index, term: reign.term, from: at, until: null }
    this.led.push(watched.led)
    if (this.#leadership !== "lease") {
      // Who led already, and goes on by another reign, takes the lead from nobody.
      if (led === null) {
        this.#fairness.leads(at, index, after, before)
        this.#fairness.replaces(at, index, before)
      }
      return
    }
    // Provided that the wall clocks agree within a lease: else who forgot its promises may grant a lower term.
    const walls = [...this.#servers.values()].map(({ host }) => host.clock.currentTimeMillisUnsafe())
    const { lease } = after.timing
    if (lease !== null && Math.max(...walls) - Math.min(...walls) >= lease.duration) this.clocksAgree = false
    if (!this.clocksAgree) return
    this.#count("termsGrow")
    if (reign.term <= this.#highest) {
      this.#complain(at, "termsGrow", index, `leads in term ${reign.term} after one of ${this.#highest}`)
    }
    this.#highest = Math.max(this.#highest, reign.term)
  }
}
