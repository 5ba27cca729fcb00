/**
 * Servers that share a space and want a lock by the grants of their leader, in trouble for a while; and what must hold at each
 * instant of true time, under every fault.
 */
import * as HashMap from "effect/HashMap"
import type { Output } from "../../../src/protocol/model/Output.ts"
import type { State } from "../../../src/protocol/model/State.ts"
import * as Step from "../../../src/protocol/Step.ts"
import * as Cluster from "./Cluster.ts"

/** What is promised. */
export type Promised = "oneHolder" | "tokensRise" | "reclaimKeeps" | "grantsOnlyAfter" | "everyOneOwned"

export interface Violation {
  readonly promised: Promised
  readonly what: string
}

export interface Report {
  readonly violations: ReadonlyArray<Violation>
  /** How often each thing happened, so that a trial in which nothing did is seen. */
  readonly counts: Readonly<Record<string, number>>
}

export type Protocol = Pick<typeof Step, "make" | "step" | "leads" | "tokenOf">

const L = 1_500
const jobs = 4
const stopTimeout = 300

class Trial {
  readonly violations: Array<Violation> = []
  readonly counts: Record<string, number> = {}
  readonly #cluster: Cluster.Cluster
  readonly #random: () => number
  readonly #protocol: Protocol
  readonly #drift: number
  readonly #expiry: number
  readonly #starts = new Map<string, number>()
  /** The locks that each server asks for: two at a time, as two fibers would. */
  readonly #locks = new Map<string, Set<number>>()
  #lastLock = 1
  readonly #seen = new Map<string, State["grants"]["holdings"]>()
  readonly #newest = new Map<string, string>()
  /** When each reign was first led by. */
  readonly #reigns = new Map<number, number>()
  #isCalm = false

  constructor(seed: number, protocol: Protocol) {
    const random = this.#random = Cluster.random(seed)
    this.#protocol = protocol
    this.#drift = [0, 0.01, 0.05][seed % 3]!
    this.#expiry = [1_500, 3_000, 4 * L][Math.floor(seed / 3) % 3]!
    const loss = [0, 0.05, 0.3][Math.floor(seed / 2) % 3]!
    const delay = [20, this.#expiry][seed % 2]!
    this.#cluster = new Cluster.Cluster({
      size: 3,
      seed,
      timing: () => ({ lease: { groupSize: 3, duration: L, drift: this.#drift }, stopTimeout }),
      clocks: () => ({
        // As often as not at the very limits.
        rate: 1 + this.#drift * this.#pick([-1, 1, 2 * random() - 1]),
        monotonic: 1_000 * random(),
        wall: 1_000_000 + random() * L / 4,
        boot: true
      }),
      arrives: ({ message: { type } }) => {
        if (this.#isCalm) return [random() * 3]
        const isOurs = type.startsWith("GRANTS_")
        const copies = random() < loss ? 0 : random() < (isOurs ? 0.3 : 0.1) ? 2 : 1
        return Array.from({ length: copies }, () => random() < 0.15 ? random() * delay : random() * 3)
      },
      stops: () => stopTimeout * random(),
      told: (name, output) => this.#told(name, output),
      stepped: (name) => this.#stepped(name),
      protocol
    })
  }

  run(): Report {
    for (const name of this.#cluster.names) this.#start(name)
    this.#cluster.advance(2 * L + this.#expiry)
    for (let act = 0; act < 40; act++) {
      this.#act()
      this.#cluster.advance(L * this.#random())
    }
    this.#isCalm = true
    // Troubles end by themselves, and then there is a leader; it recovers, and what was read last is over, once more in the other order.
    this.#cluster.advance(6 * L)
    this.#cluster.advance(3 * this.#expiry)
    this.#lookForOwners()
    return { violations: this.violations, counts: this.counts }
  }

  #pick<A>(from: ReadonlyArray<A>): A {
    return from[Math.floor(this.#random() * from.length)]!
  }

  #complain(promised: Promised, what: string): void {
    this.violations.push({ promised, what: `at ${Math.round(this.#cluster.now)}: ${what}` })
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  // --- The app ---

  #start(name: string): void {
    if (this.#cluster.state(name) !== null) return
    this.#starts.set(name, (this.#starts.get(name) ?? 0) + 1)
    this.#cluster.start(name)
    this.#share(name, 1)
    this.#locks.set(name, new Set())
    this.#lock(name)
    this.#lock(name)
  }

  #share(name: string, weight: number): void {
    const shared = { space: "jobs", count: jobs, expiry: this.#expiry, wanted: null }
    this.#cluster.step(name, { _tag: "Hold", hold: 1, weight, ...shared })
  }

  /** Does something later, unless its process is another by then. */
  #later(name: string, millis: number, run: () => void): void {
    const start = this.#starts.get(name)
    this.#cluster.after(millis, () => {
      if (this.#starts.get(name) === start) run()
    })
  }

  #lock(name: string): void {
    const hold = ++this.#lastLock
    this.#locks.get(name)!.add(hold)
    const wanted = { space: "lock", count: 1, expiry: this.#expiry, wanted: [0], weight: 1 }
    this.#cluster.step(name, { _tag: "Hold", hold, ...wanted })
    // It may give up before it was granted anything.
    if (this.#random() < 0.2) this.#later(name, 100 * this.#random(), () => this.#unlock(name, hold))
  }

  #unlock(name: string, hold: number): void {
    if (!this.#locks.get(name)!.delete(hold)) return
    this.#cluster.step(name, { _tag: "Unhold", hold, finished: this.#random() < 0.9 })
    this.#later(name, 200 * this.#random(), () => this.#lock(name))
  }

  #told(name: string, output: Output): void {
    if (output._tag === "Granted") return this.#granted(name, output)
    if (output._tag !== "EndGrant") return
    const { hold, resource, why } = output
    this.#count(why)
    if (why === "Moving" && this.#recovers(name)) {
      this.#complain("reclaimKeeps", `${name} is to move ${resource} of ${hold} while the reign recovers`)
    }
    if (why === "Lost") this.#complain("reclaimKeeps", `${name} loses ${resource} of ${hold}`)
    const token = this.#tokenOf(name, hold, resource)
    // Some work takes longer than it may, and lets go of nothing by then.
    this.#later(name, stopTimeout * (this.#random() < 0.9 ? this.#random() : 2), () => {
      if (hold !== 1) this.#unlock(name, hold)
      else if (token !== null) this.#cluster.step(name, { _tag: "Release", hold, tokens: new Map([[resource, token]]) })
    })
  }

  #granted(name: string, { hold, resource, token }: Extract<Output, { readonly _tag: "Granted" }>): void {
    const about = this.#nameOf(name, hold, resource)
    this.#count(hold === 1 ? "jobs" : "locks")
    const newest = this.#newest.get(about) ?? ""
    if (token <= newest && this.#clocksAgree()) this.#complain("tokensRise", `${about} has ${token} after ${newest}`)
    this.#newest.set(about, token > newest ? token : newest)
    if (this.#recovers(name)) this.#complain("grantsOnlyAfter", `${about} goes to ${name} while the reign recovers`)
    this.#later(name, 2 * this.#expiry * this.#random(), () => {
      if (hold !== 1) this.#unlock(name, hold)
      else if (this.#random() < 0.3) {
        this.#cluster.step(name, { _tag: "Release", hold, tokens: new Map([[resource, token]]) })
      }
    })
  }

  /** Whether one expiry has not passed since the begin of the reign that a server follows. */
  #recovers(name: string): boolean {
    const { term } = this.#cluster.state(name)!.election.reign!
    const begun = this.#reigns.get(term) ?? this.#cluster.now
    return this.#cluster.now < begun + this.#expiry / (1 + this.#drift)
  }

  #clocksAgree(): boolean {
    const walls = this.#cluster.names.map((name) => this.#cluster.clocks(name).wall)
    return Math.max(...walls) - Math.min(...walls) < L
  }

  #nameOf(name: string, hold: number, resource: number): string {
    const holding = this.#cluster.state(name)!.grants.holdings
    return `${resource} of ${HashMap.getUnsafe(holding, hold).space}`
  }

  // --- What is seen ---

  #tokenOf(name: string, hold: number, resource: number): string | null {
    const state = this.#cluster.state(name)
    return state === null ? null : this.#protocol.tokenOf(state, hold, resource, this.#cluster.clocks(name))
  }

  /** What is held begins to be with a step, and ends by the clock: it is enough to look where a step has changed it. */
  #stepped(name: string): void {
    const state = this.#cluster.state(name)
    if (state === null) return
    if (this.#protocol.leads(state, this.#cluster.clocks(name)) !== null) {
      const { term } = state.election.reign!
      if (!this.#reigns.has(term)) this.#reigns.set(term, this.#cluster.now)
    }
    if (this.#seen.get(name) === state.grants.holdings) return
    this.#seen.set(name, state.grants.holdings)
    for (const [about, holders] of this.#holders()) {
      if (holders.length > 1) this.#complain("oneHolder", `${about} is held by ${holders.join(" and ")}`)
    }
  }

  /** Who holds what by its own clocks, those included that sleep. */
  #holders(): Map<string, Array<string>> {
    const found = new Map<string, Array<string>>()
    for (const name of this.#cluster.names) {
      for (const [hold, { held, space }] of this.#cluster.state(name)?.grants.holdings ?? []) {
        for (const resource of HashMap.keys(held)) {
          if (this.#tokenOf(name, hold, resource) === null) continue
          const about = `${resource} of ${space}`
          found.set(about, [...found.get(about) ?? [], `${name} (${hold})`])
        }
      }
    }
    return found
  }

  #lookForOwners(): void {
    const { names } = this.#cluster
    const weighs = names.some((name) =>
      HashMap.some(this.#cluster.state(name)!.grants.holdings, ({ wanted, weight }) => wanted === null && weight > 0)
    )
    if (!weighs) return
    const isOwned = (resource: number) => this.#holders().has(`${resource} of jobs`)
    for (let resource = 0; resource < jobs; resource++) {
      // It may be on its way from one to another just now.
      this.#cluster.advance(2_000, () => isOwned(resource))
      if (!isOwned(resource)) this.#complain("everyOneOwned", `${resource} of jobs has no holder`)
    }
  }

  // --- Trouble ---

  /** One trouble at random. Each ends by itself. */
  #act(): void {
    const cluster = this.#cluster
    const name = this.#pick(cluster.names)
    const time = 1.5 * this.#expiry * this.#random()
    const cut = (from: string, to: string) => {
      cluster.cut(from, to)
      cluster.after(time, () => cluster.mend(from, to))
    }
    const kind = this.#pick(kinds)
    this.#count(kind)
    switch (kind) {
      case "restart":
        cluster.crash(name)
        return cluster.after(this.#random() < 0.5 ? 1 : time, () => this.#start(name))
      case "stop":
        cluster.stop(name)
        return cluster.after(time + 3_000, () => this.#start(name))
      case "suspend":
        cluster.suspend(name)
        return cluster.after(time, () => cluster.wake(name))
      case "nap":
        return this.#nap(name, 20)
      case "cut":
      case "cut one way":
        for (const each of cluster.names) {
          cut(name, each)
          if (kind === "cut") cut(each, name)
        }
        return
      case "resign":
        return cluster.leaders.forEach((leader) => cluster.step(leader, { _tag: "Resign" }))
      case "weigh":
        return this.#share(name, Math.floor(4 * this.#random()))
    }
  }

  /** Sleeps for less than what is a pause, again and again. */
  #nap(name: string, times: number): void {
    if (times === 0) return
    this.#cluster.suspend(name)
    this.#cluster.after(250, () => {
      this.#cluster.wake(name)
      this.#cluster.after(20, () => this.#nap(name, times - 1))
    })
  }
}

const kinds = [
  "restart",
  "restart",
  "stop",
  "suspend",
  "nap",
  "cut",
  "cut one way",
  "resign",
  "resign",
  "weigh"
] as const

/** One trial. */
export const run = (seed: number, protocol: Protocol = Step): Report => new Trial(seed, protocol).run()
