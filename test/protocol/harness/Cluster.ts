/**
 * Several pure servers in true time: each has clocks of its own, which drift, jump and stand still; what they say is lost,
 * doubled, and late by far; they crash, restart, and are cut off. All is drawn from one seed.
 */
import * as HashMap from "effect/HashMap"
import type * as Member from "../../../src/protocol/Member.ts"
import type * as Reign from "../../../src/protocol/Reign.ts"
import * as Rules from "../../../src/protocol/Rules.ts"
import * as Step from "../../../src/protocol/Step.ts"
import type { Now, Output, State } from "../../../src/protocol/Turn.ts"
import * as Peer from "./Peer.ts"
import { rules } from "./Server.ts"

/** Numbers in [0, 1) from a seed (splitmix32). */
export const random = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 4_294_967_296
  }
}

export interface Options {
  readonly size: number
  readonly seed: number
  readonly rules: Partial<Rules.Rules>
  /** By how much each clock may be faster or slower than true time. */
  readonly drift: number
  /** How far the wall clocks may be from each other, in ms. */
  readonly wallSpread: number
  readonly loss: number
  readonly duplication: number
  /** The longest that a datagram may take, in ms. Most take far less. */
  readonly delay: number
  /** What servers go by instead of the protocol. */
  readonly protocol?: Pick<typeof Step, "make" | "step" | "leads"> | undefined
}

interface Machine {
  readonly index: number
  readonly member: Member.Member
  readonly rate: number
  readonly addresses: ReadonlyArray<Member.Address>
  /** The monotonic clock: what it showed at an instant of true time, and whether it goes. */
  since: number
  monotonic: number
  wallAhead: number
  bootAhead: number
  state: State | null
  isSuspended: boolean
  /** Of an earlier start: what is still to come for it is nobody's. */
  start: number
}

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** A reign that one server was seen to lead by. */
export interface Led {
  readonly at: number
  readonly by: string
  readonly reign: Reign.Reign
}

export class Cluster {
  now = 0
  /** Each reign that was led by, in the order in which they began. */
  readonly led: Array<Led> = []
  /** Where two led at one instant. */
  readonly violations: Array<string> = []
  readonly #options: Options
  readonly #protocol: NonNullable<Options["protocol"]>
  readonly #random: () => number
  readonly #machines: ReadonlyArray<Machine>
  readonly #due: Array<Due> = []
  readonly #cuts = new Set<string>()
  #order = 0

  constructor(options: Options) {
    this.#options = options
    this.#protocol = options.protocol ?? Step
    this.#random = random(options.seed)
    this.#machines = Array.from({ length: options.size }, (_, index) => {
      const member = Peer.member(String.fromCharCode(97 + index))
      return {
        index,
        member,
        // As often as not at the very limits.
        rate: 1 + options.drift * this.#pick([-1, 1, 2 * this.#random() - 1]),
        addresses: [{ ip: member.ip, port: member.port }],
        since: 0,
        monotonic: 1_000 * this.#random(),
        wallAhead: 1_000_000 + options.wallSpread * this.#random(),
        bootAhead: 5_000,
        state: null,
        isSuspended: false,
        start: 0
      }
    })
    for (const machine of this.#machines) this.#at(50 * this.#random(), () => this.#boot(machine))
  }

  #pick<A>(from: ReadonlyArray<A>): A {
    return from[Math.floor(this.#random() * from.length)]!
  }

  /** Sorted from the last to the first. */
  #at(at: number, run: () => void): void {
    const entry = { at, order: this.#order++, run }
    let low = 0
    let high = this.#due.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#due[middle]!.at > at) low = middle + 1
      else high = middle
    }
    this.#due.splice(low, 0, entry)
  }

  /** Lets true time pass. */
  advance(millis: number): this {
    const until = this.now + millis
    for (let next = this.#due.at(-1); next !== undefined && next.at <= until; next = this.#due.at(-1)) {
      this.#due.pop()
      this.now = Math.max(this.now, next.at)
      next.run()
    }
    this.now = until
    return this
  }

  #clock(machine: Machine): Now {
    const passed = (this.now - machine.since) * machine.rate
    const monotonic = machine.monotonic + (machine.isSuspended ? 0 : passed)
    return {
      monotonic,
      // These two go on while it is suspended.
      wall: machine.monotonic + passed + machine.wallAhead,
      sinceBoot: machine.monotonic + passed + machine.bootAhead,
      entropy: Math.floor(this.#random() * 4_294_967_296)
    }
  }

  /** Calls when that much has passed on the machine's monotonic clock, unless that start of it is over. */
  #sleep(machine: Machine, millis: number, run: () => void): void {
    const { start } = machine
    const until = this.#clock(machine).monotonic + millis
    const wake = () => {
      if (machine.start !== start || machine.state === null) return
      const left = until - this.#clock(machine).monotonic
      if (machine.isSuspended) return this.#at(this.now + 10, wake)
      if (left > 1e-6) return this.#at(this.now + left / machine.rate, wake)
      run()
    }
    this.#at(this.now + millis / machine.rate, wake)
  }

  #boot(machine: Machine): void {
    machine.start += 1
    const now = this.#clock(machine)
    machine.state = this.#protocol.make({
      rules: rules(this.#options.rules, "fast"),
      self: { ...machine.member, incarnation: Math.floor(now.wall) },
      addresses: machine.addresses,
      monotonic: now.monotonic
    })
    this.#step(machine, { _tag: "Start" })
    const { heartbeatInterval } = machine.state.rules
    const repeat = (input: Step.Input, every: number) => {
      this.#step(machine, input)
      this.#sleep(machine, every, () => repeat(input, every))
    }
    repeat({ _tag: "Discover" }, heartbeatInterval)
    repeat({ _tag: "Heartbeat" }, heartbeatInterval)
    this.#sleep(machine, heartbeatInterval, () => repeat({ _tag: "Sweep" }, heartbeatInterval))
    const watch = Rules.watchInterval(machine.state.rules)
    this.#sleep(machine, watch, () => repeat({ _tag: "Watch" }, watch))
  }

  #step(machine: Machine, input: Step.Input): void {
    if (machine.state === null) return
    const [state, outputs] = this.#protocol.step(machine.state, input, this.#clock(machine))
    machine.state = state
    for (const output of outputs) this.#carryOut(machine, output)
    this.#look()
  }

  #carryOut(machine: Machine, output: Output): void {
    switch (output._tag) {
      case "Send":
      case "Ask":
        for (const other of this.#machines) {
          const via = output.to === null ? "multicast" as const : "unicast" as const
          if (output.to !== null && output.to.port !== other.member.port) continue
          if (other === machine || this.#cuts.has(`${machine.index} ${other.index}`)) continue
          const copies = this.#random() < this.#options.loss ? 0 : this.#random() < this.#options.duplication ? 2 : 1
          for (let i = 0; i < copies; i += 1) {
            const slow = this.#random() < 0.15
            const after = slow ? this.#random() * this.#options.delay : this.#random() * 3
            const from = { ip: machine.member.ip, port: machine.member.port }
            const { message } = output
            this.#at(this.now + after, () => {
              if (!other.isSuspended) this.#step(other, { _tag: "Received", message, from, via })
            })
          }
        }
        return
      case "SetTimer":
        return this.#sleep(machine, output.after, () => this.#step(machine, { ...output, _tag: "TimerFired" }))
      case "EndWork": {
        const { stopTimeout } = machine.state!.rules
        const finished = this.#random() < 0.9
        return this.#sleep(
          machine,
          finished ? stopTimeout * this.#random() : stopTimeout,
          () => this.#step(machine, { _tag: "WorkEnded", election: output.election, finished })
        )
      }
    }
  }

  /** Who leads now, by its own clock. */
  get leaders(): ReadonlyArray<Machine> {
    return this.#machines.filter((machine) =>
      machine.state !== null && this.#protocol.leads(machine.state, this.#clock(machine)) !== null
    )
  }

  /** One comes to lead in a step only: so it is enough to look after each. */
  #look(): void {
    const { leaders } = this
    if (leaders.length > 1) {
      this.violations.push(`${this.now.toFixed(3)}: ${leaders.map(({ member }) => member.name).join(" and ")}`)
    }
    for (const { member, state } of leaders) {
      const reign = state!.election.reign!
      if (this.led.at(-1)?.reign !== reign) this.led.push({ at: this.now, by: member.name, reign })
    }
  }

  // --- What happens to them ---

  #rebase(machine: Machine): void {
    const { monotonic, sinceBoot, wall } = this.#clock(machine)
    machine.since = this.now
    machine.wallAhead = wall - monotonic
    machine.bootAhead = sinceBoot! - monotonic
    machine.monotonic = monotonic
  }

  /** One trouble at random. Each ends by itself. */
  trouble(longest: number): string {
    const machine = this.#pick(this.#machines)
    const time = longest * this.#random()
    const other = this.#pick(this.#machines)
    const kind = this.#pick(
      [
        "crash",
        "restart",
        "restart",
        "suspend",
        "jump",
        "cut",
        "cut one way",
        "cut a pair",
        "cut a pair",
        "cut a pair",
        "resign"
      ] as const
    )
    switch (kind) {
      case "crash":
      case "restart":
        machine.state = null
        machine.isSuspended = false
        this.#rebase(machine)
        this.#at(this.now + (kind === "crash" ? time : 1), () => {
          if (machine.state === null) this.#boot(machine)
        })
        break
      case "suspend":
        this.#rebase(machine)
        machine.isSuspended = true
        this.#at(this.now + time, () => {
          if (!machine.isSuspended) return
          this.#rebase(machine)
          machine.isSuspended = false
        })
        break
      case "jump":
        // Within the spread: what terms need of wall clocks across restarts.
        machine.wallAhead += this.#options.wallSpread * (this.#random() - 0.5)
        break
      case "cut a pair":
        for (const pair of [`${machine.index} ${other.index}`, `${other.index} ${machine.index}`]) {
          this.#cuts.add(pair)
          this.#at(this.now + time, () => this.#cuts.delete(pair))
        }
        break
      case "cut":
      case "cut one way":
        for (const other of this.#machines) {
          const pairs = [`${machine.index} ${other.index}`, `${other.index} ${machine.index}`]
          for (const pair of kind === "cut" ? pairs : pairs.slice(0, 1)) {
            this.#cuts.add(pair)
            this.#at(this.now + time, () => this.#cuts.delete(pair))
          }
        }
        break
      case "resign":
        this.#step(machine, { _tag: "Resign" })
    }
    return kind
  }

  /** How many promises bind now, over all servers: to see that something is tried. */
  get promises(): number {
    return this.#machines.reduce((sum, { state }) => sum + (state === null ? 0 : HashMap.size(state.promises)), 0)
  }
}
