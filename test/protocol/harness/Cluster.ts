/**
 * Several pure servers in true time: each has clocks of its own, which drift, jump and stop; what they say may be
 * lost, doubled, and late by far; they crash, restart, and are cut off. What happens to them is decided by who uses it.
 */
import * as ElectionContext from "../../../src/protocol/election/ElectionContext.ts"
import type * as Lease from "../../../src/protocol/model/Lease.ts"
import type * as Member from "../../../src/protocol/model/Member.ts"
import type * as Message from "../../../src/protocol/model/Message.ts"
import type { Output } from "../../../src/protocol/model/Output.ts"
import type * as Reign from "../../../src/protocol/model/Reign.ts"
import type { Now, State } from "../../../src/protocol/model/State.ts"
import * as Timing from "../../../src/protocol/model/Timing.ts"
import * as Step from "../../../src/protocol/Step.ts"
import type * as Invariants from "../../../src/simulator/Invariants.ts"
import * as LeaseInvariants from "../../../src/simulator/LeaseInvariants.ts"
import * as StepInvariants from "../../../src/simulator/StepInvariants.ts"
import * as Peer from "./Peer.ts"
import { timing } from "./Server.ts"

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

/** What the clocks of a machine show at the beginning, how fast they go, and whether one counts since the boot. */
export interface Clocks {
  readonly rate: number
  readonly monotonic: number
  readonly wall: number
  readonly boot: boolean
}

export interface Datagram {
  readonly from: string
  readonly to: string
  readonly message: Message.Message
  readonly via: "multicast" | "unicast"
}

export interface Options {
  readonly size: number
  /** What servers say of themselves, if it is more than who and where they are. */
  readonly member?: ((name: string) => Partial<Member.Member>) | undefined
  /** Decides what the servers draw. */
  readonly seed: number
  readonly timing: (name: string) => Partial<Timing.Timing>
  readonly clocks: (index: number) => Clocks
  /** After how many ms each copy of a datagram arrives; none, and it is lost. */
  readonly arrives: (datagram: Datagram) => ReadonlyArray<number>
  /** How many ms leading work takes to end. What takes more than its time is not waited for. */
  readonly stops: () => number
  /** Hears of what steps leave to be done. */
  readonly told?: ((name: string, output: Output) => void) | undefined
  /** Is called when a server has taken a step, and what that left to be done is done. */
  readonly stepped?: ((name: string) => void) | undefined
  /** What servers go by instead of the protocol. */
  readonly protocol?: Pick<typeof Step, "make" | "step" | "leads"> | undefined
}

/** Leading work of one reign: whether it has been told to stop, and whether the server waits for that. */
interface Work {
  readonly term: number
  /** What its lease rested on when that was last to be seen. */
  claim: Lease.Claim | null
  isStopping: boolean
  isAwaited: boolean
  overran: boolean
}

interface Machine {
  readonly member: Member.Member
  rate: number
  readonly hasBoot: boolean
  /** The monotonic clock: what it showed at an instant of true time, and whether it goes. */
  since: number
  monotonic: number
  wallAhead: number
  bootAhead: number
  state: State | null
  past: StepInvariants.Past
  isSuspended: boolean
  /** When it last woke, or its wall clock was set: that may have ended its lease, and its work has its time to stop. */
  startledAt: number
  work: Work | null
  /** How much work besides runs on that its caller has given up. */
  givenUp: number
  /** The term that the server gives back when none of its work runs. */
  awaitsIdle: number | null
  /** What it is to hear of that later, of the terms that it was about; null where it hears at once. */
  idleHeld: Array<number> | null
  /** When it is woken next for its timers, on its monotonic clock. */
  armedAt: number
  /** By which it was last seen to lead. */
  led: Reign.Reign | null
  /** Of an earlier start: what is still to come for it is nobody's. */
  start: number
  /** What is done once it has said goodbye. */
  onGone: () => void
}

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** What must hold of each step also where datagrams are later than the others assume. */
const unconditional: ReadonlySet<Invariants.Name> = new Set(["reignNeverBack", "workWithinLease"])

/** A reign that one server was seen to lead by. */
export interface Led {
  readonly at: number
  readonly by: string
  readonly reign: Reign.Reign
}

export interface Violation {
  readonly at: number
  readonly invariant: Invariants.Name
  readonly what: string
}

export class Cluster {
  now = 0
  /** Each reign that was led by, in the order in which they began. */
  readonly led: Array<Led> = []
  readonly violations: Array<Violation> = []
  readonly names: ReadonlyArray<string>
  readonly #options: Options
  readonly #protocol: NonNullable<Options["protocol"]>
  readonly #random: () => number
  readonly #machines: ReadonlyMap<string, Machine>
  readonly #due: Array<Due> = []
  readonly #cuts = new Set<string>()
  #order = 0
  #clocksAgree = true

  constructor(options: Options) {
    this.#options = options
    this.#protocol = options.protocol ?? Step
    this.#random = random(options.seed)
    this.names = Array.from({ length: options.size }, (_, index) => String.fromCharCode(97 + index))
    this.#machines = new Map(this.names.map((name, index) => {
      const { boot, monotonic, rate, wall } = options.clocks(index)
      return [name, {
        member: Peer.member(name, options.member?.(name)),
        rate,
        hasBoot: boot,
        since: 0,
        monotonic,
        wallAhead: wall - monotonic,
        bootAhead: 5_000,
        state: null,
        past: StepInvariants.nothing,
        isSuspended: false,
        startledAt: -Infinity,
        work: null,
        givenUp: 0,
        awaitsIdle: null,
        idleHeld: null,
        armedAt: Infinity,
        led: null,
        start: 0,
        onGone: () => {}
      }]
    }))
  }

  #machine(name: string): Machine {
    return this.#machines.get(name)!
  }

  // --- Time ---

  /** Has something done after so many ms. */
  after(millis: number, run: () => void): void {
    const entry = { at: this.now + millis, order: this.#order++, run }
    // Sorted from the last to the first.
    let low = 0
    let high = this.#due.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#due[middle]!.at > entry.at) low = middle + 1
      else high = middle
    }
    this.#due.splice(low, 0, entry)
  }

  /** Lets true time pass, or as much of it as it takes until that holds. */
  advance(millis: number, until: () => boolean = () => false): this {
    const end = this.now + millis
    for (let next = this.#due.at(-1); next !== undefined && next.at <= end; next = this.#due.at(-1)) {
      this.#due.pop()
      this.now = Math.max(this.now, next.at)
      next.run()
      if (until()) return this
    }
    this.now = end
    return this
  }

  /** What the clocks of a machine show. */
  clocks(name: string): Omit<Now, "entropy"> {
    return this.#clocks(this.#machine(name))
  }

  #clocks({ bootAhead, hasBoot, isSuspended, monotonic, rate, since, wallAhead }: Machine): Omit<Now, "entropy"> {
    const passed = (this.now - since) * rate
    return {
      monotonic: monotonic + (isSuspended ? 0 : passed),
      // These two go on while it is suspended.
      wall: monotonic + passed + wallAhead,
      sinceBoot: hasBoot ? monotonic + passed + bootAhead : undefined
    }
  }

  /** Calls when that much has passed on the machine's monotonic clock, unless that start of it is over. */
  #sleep(machine: Machine, millis: number, run: () => void): void {
    const { start } = machine
    const until = this.#clocks(machine).monotonic + millis
    const wake = () => {
      if (machine.start !== start || machine.state === null) return
      const left = until - this.#clocks(machine).monotonic
      if (machine.isSuspended) return this.after(10, wake)
      if (left > 1e-6) return this.after(left / machine.rate, wake)
      run()
    }
    this.after(millis / machine.rate, wake)
  }

  // --- Servers ---

  /** Starts one that has no process: a new incarnation, on the same machine. */
  start(name: string): void {
    const machine = this.#machine(name)
    if (machine.state !== null) return
    machine.start += 1
    machine.armedAt = Infinity
    machine.past = StepInvariants.nothing
    const { monotonic, wall } = this.#clocks(machine)
    const { ip, port } = machine.member
    machine.state = this.#protocol.make({
      timing: timing(this.#options.timing(name), "fast"),
      self: { ...machine.member, incarnation: Math.floor(wall) },
      addresses: [{ ip, port }],
      monotonic
    })
    this.#step(machine, { _tag: "Start" })
    const { heartbeatInterval } = machine.state.timing
    const repeat = (input: Step.Input, every: number) => {
      this.#step(machine, input)
      this.#sleep(machine, every, () => repeat(input, every))
    }
    repeat({ _tag: "Discover" }, heartbeatInterval)
    repeat({ _tag: "Heartbeat" }, heartbeatInterval)
    this.#sleep(machine, heartbeatInterval, () => repeat({ _tag: "Sweep" }, heartbeatInterval))
    // As often as one that leads.
    const watch = Timing.checkInterval(machine.state.timing, true)
    this.#sleep(machine, watch, () => repeat({ _tag: "CheckPause" }, watch))
  }

  step(name: string, input: Step.Input): void {
    this.#step(this.#machine(name), input)
  }

  #step(machine: Machine, input: Step.Input): void {
    if (machine.state === null || machine.isSuspended) return
    const now = { ...this.#clocks(machine), entropy: Math.floor(this.#random() * 4_294_967_296) }
    const before = machine.state
    const [state, outputs] = this.#protocol.step(before, input, now)
    const [past, complaints] = StepInvariants.judge(machine.past, { before, input, now, after: state, outputs })
    for (const { invariant, what } of complaints) {
      if (unconditional.has(invariant)) this.#complain(invariant, `${machine.member.name} ${what}`)
    }
    machine.state = state
    machine.past = past
    this.#work(machine)
    for (const output of outputs) this.#carryOut(machine, output)
    this.#arm(machine)
    this.#look()
    this.#options.stepped?.(machine.member.name)
  }

  /** Wakes it when its next timer is due: who comes too early does nothing but look again. */
  #arm(machine: Machine): void {
    if (machine.state === null) return
    const due = Step.dueAt(machine.state)
    if (due >= machine.armedAt) return
    machine.armedAt = due
    // A little longer: a sleep may end by a rounding too early.
    this.#sleep(machine, Math.max(0, due - this.#clocks(machine).monotonic) + 1e-5, () => {
      if (machine.armedAt !== due) return
      machine.armedAt = Infinity
      if (Step.dueAt(machine.state!) <= due) this.#step(machine, { _tag: "Due" })
      else this.#arm(machine)
    })
  }

  #carryOut(machine: Machine, output: Output): void {
    this.#options.told?.(machine.member.name, output)
    switch (output._tag) {
      case "Send":
        return output.to.forEach((address) => this.#send(machine, address, output.message))
      case "Ask":
        return this.#send(machine, output.to, output.message)
      case "AwaitIdle":
        machine.awaitsIdle = output.term
        return this.#sleep(machine, 0, () => this.#tellWhenIdle(machine))
      case "Farewell":
        this.crash(machine.member.name)
        return machine.onGone()
      case "EndWork":
        if (machine.work !== null) machine.work.isAwaited = true
        else this.#sleep(machine, 0, () => this.#step(machine, { _tag: "WorkEnded", election: output.election }))
    }
  }

  #send(machine: Machine, address: Member.Address | null, message: Message.Message): void {
    const via = address === null ? "multicast" as const : "unicast" as const
    for (const [to, other] of this.#machines) {
      if (other === machine || (address !== null && address.port !== other.member.port)) continue
      const from = machine.member.name
      if (this.#cuts.has(`${from} ${to}`)) continue
      const datagram: Datagram = { from, to, message, via }
      for (const millis of this.#options.arrives(datagram)) this.after(millis, () => this.deliver(datagram))
    }
  }

  /** A datagram arrives now. */
  deliver({ from, message, to, via }: Datagram): void {
    const { ip, port } = this.#machine(from).member
    this.#step(this.#machine(to), { _tag: "Received", message, from: { ip, port }, via })
  }

  /** Somebody acknowledges a beat in the name of another. */
  forge(from: string, to: string, beat: number): void {
    const { election: { claim }, self: { incarnation } } = this.#machine(to).state!
    const body = { type: "BEAT_ACK", election: "", claim: claim!.term, beat, incarnation } as const
    const sender = this.#machine(from).state!.self
    this.deliver({ from, to, message: Peer.says(sender, body, { term: claim!.term }), via: "unicast" })
  }

  // --- What is seen of them ---

  /** Who leads now, each by its own clocks. */
  get leaders(): ReadonlyArray<string> {
    return this.names.filter((name) => this.#leads(this.#machine(name)))
  }

  state(name: string): State | null {
    return this.#machine(name).state
  }

  /** Whether its machine has a clock that counts since the boot. */
  hasUptime(name: string): boolean {
    return this.#machine(name).hasBoot
  }

  #leads(machine: Machine): boolean {
    return machine.state !== null && this.#protocol.leads(machine.state, this.#clocks(machine)) !== null
  }

  /** Leading work starts with a reign, and has its time to stop when that is over. */
  #work(machine: Machine): void {
    const { state, work } = machine
    if (state === null) return
    const { claim } = state.election
    if (work !== null && claim?.term === work.term) work.claim = claim
    const own = ElectionContext.ownReign(state)
    if (work === null) {
      if (own !== null && this.#leads(machine)) this.#startWork(machine, own.term)
      return
    }
    if (work.isStopping || own?.term === work.term) return
    work.isStopping = true
    const { stopTimeout } = state.timing
    const stops = this.#options.stops()
    this.#sleep(machine, Math.min(stops, stopTimeout), () => {
      work.overran = stops > stopTimeout
      if (!work.overran) machine.work = null
      if (work.isAwaited) {
        this.#step(machine, { _tag: "WorkEnded", finished: !work.overran && machine.givenUp === 0 })
      }
      if (!work.overran) return this.#tellWhenIdle(machine)
      this.#step(machine, { _tag: "WorkOverran", term: work.term })
      this.#sleep(machine, stops - stopTimeout, () => {
        machine.work = null
        this.#finished(machine)
      })
    })
  }

  /** Some of the work of its reign is given up by its caller, and takes so long to stop: more than its time. */
  giveUpWork(name: string, millis: number): void {
    const machine = this.#machine(name)
    const { stopTimeout } = machine.state!.timing
    const term = ElectionContext.ownReign(machine.state!)!.term
    machine.givenUp += 1
    this.#sleep(machine, stopTimeout, () => this.#step(machine, { _tag: "WorkOverran", term }))
    this.#sleep(machine, millis, () => {
      machine.givenUp -= 1
      this.#finished(machine)
    })
  }

  /** Work that had overrun has ended. */
  #finished(machine: Machine): void {
    if (machine.givenUp === 0 && machine.work?.overran !== true) this.#step(machine, { _tag: "WorkFinished" })
    this.#tellWhenIdle(machine)
  }

  /** From now on it hears late that none of its work runs. */
  holdIdle(name: string): void {
    this.#machine(name).idleHeld ??= []
  }

  /** It hears what it was to hear of that, and at once again. */
  deliverIdle(name: string): void {
    const machine = this.#machine(name)
    const held = machine.idleHeld ?? []
    machine.idleHeld = null
    for (const term of held) this.#step(machine, { _tag: "WorkIdle", term })
  }

  #tellWhenIdle(machine: Machine): void {
    const { awaitsIdle, givenUp, idleHeld, work } = machine
    if (work !== null || givenUp > 0 || awaitsIdle === null) return
    machine.awaitsIdle = null
    if (idleHeld === null) this.#step(machine, { _tag: "WorkIdle", term: awaitsIdle })
    else idleHeld.push(awaitsIdle)
  }

  /** Whether the lease of a machine's work lasts, regardless of what the server thinks. */
  #isCovered({ state, work, ...machine }: Machine): boolean {
    const lease = state?.timing.lease ?? null
    return lease !== null && work !== null && work.claim !== null
      && LeaseInvariants.isLasting(work.claim, lease, this.#clocks({ ...machine, state, work }))
  }

  #startWork(machine: Machine, term: number): void {
    machine.work = {
      term,
      claim: machine.state!.election.claim,
      isStopping: false,
      isAwaited: false,
      overran: false
    }
    for (const [name, other] of this.#machines) {
      const { work } = other
      if (work === null || other === machine || (this.#isExcused(other) && !this.#isCovered(other))) continue
      this.#complain(
        "oneLeader",
        `work of ${machine.member.name} in term ${term} starts while that of ${name} in term ${work.term} runs`
      )
    }
  }

  /** One that is paused does nothing; what it finds out in waking, it takes its time to stop. So does what overruns. */
  #isExcused({ isSuspended, startledAt, state, work }: Machine): boolean {
    const { stopTimeout } = state!.timing
    return isSuspended || work?.overran === true
      || this.now - startledAt <= 2 * stopTimeout + Timing.checkInterval(state!.timing, true)
  }

  #complain(invariant: Invariants.Name, what: string): void {
    this.violations.push({ at: this.now, invariant, what })
  }

  /** What is promised is broken in a step only: so it is enough to look after each. */
  #look(): void {
    const leaders: Array<Machine> = []
    const living: Array<Invariants.Living> = []
    for (const machine of this.#machines.values()) {
      const { member: { name }, state, work } = machine
      if (state === null) continue
      const clocks = this.#clocks(machine)
      living.push({ state, clocks })
      if (this.#protocol.leads(state, clocks) !== null) leaders.push(machine)
      if (work !== null && !this.#isExcused(machine) && !this.#isCovered(machine)) {
        this.#complain("workWithinLease", `work of ${name} in term ${work.term} runs, its lease is over`)
      }
    }
    if (leaders.length > 1) {
      this.#complain(
        "oneLeader",
        `${leaders.map(({ member }) => member.name).join(" and ")} lead`
      )
    }
    const unbound = LeaseInvariants.unbound(living)
    if (unbound !== null) this.#complain("majorityBound", unbound)
    for (const leader of leaders) this.#lead(leader, living)
  }

  #lead(machine: Machine, living: ReadonlyArray<Invariants.Living>): void {
    const reign = machine.state!.election.reign!
    if (reign === machine.led) return
    machine.led = reign
    const { name } = machine.member
    // Provided that the wall clocks agree within a lease.
    const walls = living.map(({ clocks }) => clocks.wall)
    if (Math.max(...walls) - Math.min(...walls) >= machine.state!.timing.lease!.duration) this.#clocksAgree = false
    const before = this.led.at(-1)?.reign
    if (this.#clocksAgree && before !== undefined && reign.term <= before.term) {
      this.#complain("termsGrow", `${name} leads in term ${reign.term} after one of ${before.term}`)
    }
    this.led.push({ at: this.now, by: name, reign })
  }

  // --- What happens to them ---

  #rebase(machine: Machine): void {
    const { monotonic, sinceBoot, wall } = this.#clocks(machine)
    machine.since = this.now
    machine.wallAhead = wall - monotonic
    machine.bootAhead = (sinceBoot ?? monotonic) - monotonic
    machine.monotonic = monotonic
  }

  /** The machine loses its power. */
  crash(name: string): void {
    const machine = this.#machine(name)
    this.#rebase(machine)
    machine.state = null
    machine.work = null
    machine.givenUp = 0
    machine.awaitsIdle = null
    machine.idleHeld = null
    machine.isSuspended = false
  }

  /** It is told to leave, and its process ends when it has said goodbye. Starts again so many ms later, if at all. */
  stop(name: string, again = Infinity): void {
    const machine = this.#machine(name)
    machine.onGone = () => again < Infinity && this.after(again, () => this.start(name))
    this.#step(machine, { _tag: "Leave" })
  }

  /** Its lid is closed: its monotonic clock stops too, and what arrives is lost. */
  suspend(name: string): void {
    const machine = this.#machine(name)
    this.#rebase(machine)
    machine.isSuspended = true
  }

  wake(name: string): void {
    const machine = this.#machine(name)
    if (!machine.isSuspended) return
    this.#rebase(machine)
    machine.isSuspended = false
    machine.startledAt = this.now
  }

  setWallClock(name: string, by: number): void {
    const machine = this.#machine(name)
    machine.wallAhead += by
    machine.startledAt = this.now
  }

  /** Nothing that one says from now on reaches the other. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from} ${to}`)
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(`${from} ${to}`)
  }
}
