/**
 * Servers over one simulated registry, by a seed: on true time that the test makes, each with a clock of its own, and with the
 * faults of a network, of processes and of registries. At every instant it is asked what must hold.
 */
import * as HashMap from "effect/HashMap"
import type * as Event from "../../../src/protocol/model/Event.ts"
import * as Member from "../../../src/protocol/model/Member.ts"
import type { Now } from "../../../src/protocol/model/State.ts"
import type * as Registry from "../../../src/registry/Registry.ts"
import type * as RegistryState from "../../../src/registry/RegistryState.ts"
import type * as RegistryStep from "../../../src/registry/RegistryStep.ts"
import { RegistryStore } from "./RegistryStore.ts"

/** What is promised. */
export type Promised =
  | "oneLeader"
  | "termsGrow"
  | "workWithinLease"
  | "oneWork"
  | "goneIsOver"
  | "reignNeverBack"
  | "viewIsTold"
  | "runsOnce"
  | "settles"
  | "staysSettled"
  | "asksLittle"

export interface Violation {
  readonly promised: Promised
  readonly at: number
  readonly what: string
}

export interface Report {
  readonly violations: ReadonlyArray<Violation>
  /** How often each thing happened, so that a trial in which nothing did is seen. */
  readonly counts: Readonly<Record<string, number>>
  readonly log: ReadonlyArray<string>
}

export type Step = Pick<typeof RegistryStep, "make" | "step" | "leads" | "dueAt" | "view">

export interface Options {
  /** Faults of the registry itself: it ends sessions before their time. Then two may lead until the first hears of that. */
  readonly early?: boolean
  readonly servers?: number
  /** For how long faults happen, in ms. */
  readonly troubled?: number
  readonly logs?: boolean
}

const ttl = 6_000
const drift = 0.02
const stopTimeout = 500
/** For so long it is looked whether something still changes when all is settled. */
const watched = 10_000
const elections = ["", "billing"]

const random = (seed: number) => {
  let state = seed | 0
  return (): number => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 4_294_967_296
  }
}

interface Work {
  readonly term: number
  readonly session: string
  /** When it was told to stop, in true time. */
  told: number | null
  overruns: boolean
}

/** One host, and the process on it. */
interface Host {
  readonly name: string
  readonly id: Member.NodeId
  readonly rate: number
  readonly hasBoot: boolean
  wallAhead: number
  /** How long its monotonic clock has been stopped so far. */
  asleep: number
  state: RegistryState.State | null
  looked: RegistryState.State | null
  start: number
  /** Until when it does not run, in true time. */
  pausedUntil: number
  pausedAt: number
  waiting: Array<() => void>
  session: string | null
  cutUntil: number
  /** Until when answers come late. */
  slowUntil: number
  isWatched: boolean
  alarm: number
  readonly works: Map<string, Array<Work>>
  readonly ending: Map<string, Array<() => void>>
  followed: Map<string, number>
  owns: Map<string, number>
  view: Map<string, Member.Member>
  viewed: Map<string, number | null>
  job: { begun: number; request: number; run: number } | null
  asked: number
}

class Trial {
  readonly violations: Array<Violation> = []
  readonly counts: Record<string, number> = {}
  readonly log: Array<string> = []
  readonly #protocol: Step
  readonly #random: () => number
  readonly #store = new RegistryStore()
  readonly #hosts: ReadonlyArray<Host>
  readonly #queue: Array<{ readonly at: number; readonly order: number; readonly act: () => void }> = []
  readonly #registryRate: number
  readonly #terms = new Map<string, number>()
  readonly #runs = new Map<number, string>()
  readonly #options: Options
  readonly #lossy: number
  readonly #preempt: boolean
  readonly #stableAfter: number
  #now = 0
  #order = 0
  #isCalm = false
  #requests = 0

  constructor(seed: number, protocol: Step, options: Options) {
    this.#protocol = protocol
    this.#options = options
    this.#random = random(seed)
    const draw = this.#random
    this.#lossy = draw() < 0.3 ? 0 : 0.15 * draw()
    this.#preempt = draw() < 0.8
    this.#stableAfter = draw() < 0.5 ? 0 : 3_000
    this.#registryRate = 1 + drift * (2 * draw() - 1)
    const size = options.servers ?? 2 + Math.floor(3 * draw())
    this.#hosts = Array.from({ length: size }, (_, index) => this.#host(`n${index}`))
  }

  #host(name: string): Host {
    const draw = this.#random
    return {
      name,
      id: Member.nodeId(name, name, 1),
      rate: 1 + drift * (2 * draw() - 1),
      hasBoot: draw() < 0.7,
      wallAhead: 1_000_000 + (draw() < 0.5 ? 0 : 20_000 * draw()),
      asleep: 0,
      state: null,
      looked: null,
      start: 0,
      pausedUntil: -Infinity,
      pausedAt: -Infinity,
      waiting: [],
      session: null,
      cutUntil: -Infinity,
      slowUntil: -Infinity,
      isWatched: false,
      alarm: Infinity,
      works: new Map(),
      ending: new Map(),
      followed: new Map(),
      owns: new Map(),
      view: new Map(),
      viewed: new Map(),
      job: null,
      asked: 0
    }
  }

  // --- Time ---

  #after(millis: number, act: () => void): void {
    const at = this.#now + Math.max(0, millis)
    const entry = { at, order: ++this.#order, act }
    let low = 0
    let high = this.#queue.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#queue[middle]!
      if (other.at > at) low = middle + 1
      else high = middle
    }
    this.#queue.splice(low, 0, entry)
  }

  #runUntil(end: number): void {
    for (let next = this.#queue.at(-1); next !== undefined && next.at <= end; next = this.#queue.at(-1)) {
      this.#queue.pop()
      this.#now = next.at
      next.act()
      this.#look()
      if (this.violations.length > 0) return
    }
    this.#now = end
  }

  #clocks(host: Host): Now {
    const ran = (this.#now - host.asleep) * host.rate
    return {
      monotonic: ran,
      wall: this.#now * host.rate + host.wallAhead,
      entropy: Math.floor(this.#random() * 4_294_967_296),
      ...host.hasBoot ? { sinceBoot: this.#now * host.rate } : {}
    }
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  #say(what: string): void {
    if (this.#options.logs === true) this.log.push(`${this.#now.toFixed(0).padStart(7)} ${what}`)
  }

  #complain(promised: Promised, what: string): void {
    if (this.violations.length < 3) this.violations.push({ promised, at: this.#now, what })
  }

  // --- A process ---

  #boot(host: Host): void {
    if (host.state !== null) return
    const now = this.#clocks(host)
    host.start += 1
    const priority = Number(host.name.slice(1)) % 3
    const self: Member.Member = {
      id: host.id,
      ip: "127.0.0.1",
      port: 1,
      hostname: host.name,
      name: host.name,
      priority,
      incarnation: Math.floor(now.wall),
      revision: 0,
      tags: {}
    }
    host.state = this.#protocol.make({
      timing: {
        stopTimeout,
        drift,
        preempt: this.#preempt,
        stableAfter: this.#stableAfter,
        electionStagger: 20,
        coordinatorTimeout: 1_000,
        memberTimeout: 3_000,
        maxMembers: 100
      },
      self,
      monotonic: now.monotonic
    })
    host.session = null
    host.alarm = Infinity
    host.waiting = []
    host.pausedUntil = -Infinity
    host.works.clear()
    host.ending.clear()
    host.followed = new Map()
    host.owns = new Map()
    host.view = new Map()
    host.viewed = new Map()
    host.job = null
    this.#count("starts")
    this.#say(`${host.name} starts`)
    this.#input(host, { _tag: "Start" })
    if (this.#random() < 0.7) this.#input(host, { _tag: "Campaign", election: "billing" })
    this.#watch(host, 0)
  }

  #kill(host: Host): void {
    if (host.state === null) return
    this.#say(`${host.name} is killed`)
    this.#gone(host)
  }

  #gone(host: Host): void {
    host.state = null
    host.start += 1
    host.works.clear()
    host.owns = new Map()
    host.isWatched = false
  }

  /** Does it in that process, when that runs; not in a later one. */
  #in(host: Host, act: () => void): void {
    const { start } = host
    const guarded = () => {
      if (host.start === start && host.state !== null) act()
    }
    if (this.#now < host.pausedUntil) host.waiting.push(guarded)
    else guarded()
  }

  #later(host: Host, millis: number, act: () => void): void {
    const { start } = host
    this.#after(millis, () => {
      if (host.start === start) this.#in(host, act)
    })
  }

  #pause(host: Host, millis: number, sleeps: boolean): void {
    if (host.state === null || this.#now < host.pausedUntil) return
    this.#say(`${host.name} ${sleeps ? "sleeps" : "is paused"} for ${millis.toFixed(0)}`)
    this.#count(sleeps ? "sleeps" : "pauses")
    host.pausedUntil = this.#now + millis
    host.pausedAt = host.pausedUntil
    const { start } = host
    const before = this.#now
    this.#after(millis, () => {
      if (sleeps) host.asleep += this.#now - before
      if (host.start !== start) return
      const waiting = host.waiting
      host.waiting = []
      // Timers come before what came meanwhile, or after it.
      if (this.#random() < 0.5) this.#input(host, { _tag: "Due" })
      for (const act of waiting) act()
      if (host.state !== null) this.#input(host, { _tag: "Due" })
    })
  }

  #input(host: Host, input: RegistryState.Input): void {
    this.#in(host, () => {
      const before = host.state!
      const [after, outputs] = this.#protocol.step(before, input, this.#clocks(host))
      host.state = after
      this.#hears(before, input, after)
      this.#follow(host)
      for (const output of outputs) this.#carryOut(host, output)
      this.#alarm(host)
    })
  }

  #alarm(host: Host): void {
    if (host.state === null) return
    const due = this.#protocol.dueAt(host.state)
    if (due === Infinity) return
    const at = this.#now + Math.max(0, Math.ceil(due - this.#clocks(host).monotonic) / host.rate)
    if (at >= host.alarm && host.alarm > this.#now) return
    host.alarm = at
    this.#later(host, at - this.#now, () => {
      if (host.alarm !== at) return
      host.alarm = Infinity
      this.#count("alarms")
      this.#input(host, { _tag: "Due" })
    })
  }

  #carryOut(host: Host, output: RegistryState.Output): void {
    switch (output._tag) {
      case "Emit":
        return this.#event(host, output.event)
      case "Renew":
        return this.#renew(host, output.number)
      case "Commit":
        return this.#commit(host, output.id, output.transaction)
      case "EndWork": {
        const { election } = output
        return this.#whenIdle(
          host,
          election,
          (finished) => this.#input(host, { _tag: "WorkEnded", election, finished }),
          stopTimeout
        )
      }
      case "AwaitIdle": {
        const { election, term } = output
        return this.#whenIdle(host, election, () => this.#input(host, { _tag: "WorkIdle", election, term }), Infinity)
      }
      case "RunMarked":
        return this.#marked(host, output)
      case "Farewell": {
        this.#count("farewells")
        if (output.closes) {
          const { session } = host
          this.#request(host, () => session !== null && this.#store.end(session, "deleted"), () => {}, () => {})
        }
        return this.#gone(host)
      }
    }
  }

  // --- The registry ---

  #registryNow(at = this.#now): number {
    return at * this.#registryRate
  }

  #expireAt(session: string): void {
    const until = this.#store.sessions.get(session)
    if (until === undefined) return
    const isLate = !this.#isCalm && this.#random() < 0.2
    const late = isLate ? 2_000 * this.#random() : 20 * this.#random()
    this.#after(until / this.#registryRate - this.#now + late, () => {
      const now = this.#store.sessions.get(session)
      if (now === undefined) return
      if (now <= this.#registryNow()) {
        this.#say(`session ${session} expires`)
        this.#count("expiries")
        this.#store.end(session, "expired")
      } else this.#expireAt(session)
    })
  }

  #delay(host: Host): number {
    const draw = this.#random
    if (this.#now < host.slowUntil) return 200 + 1_500 * draw()
    if (!this.#isCalm && draw() < this.#lossy) return 3_000 * draw()
    return 1 + 10 * draw()
  }

  /** A question and its answer, each of which may come late or never. */
  #request<A>(
    host: Host,
    act: () => A,
    answer: (value: A) => void,
    fail: (kind: "Unreachable" | "Unknown") => void
  ): void {
    host.asked += 1
    const { start } = host
    const draw = this.#random
    const isCut = this.#now < host.cutUntil
    const timeout = 1_000 + 2_000 * draw()
    let isOver = false
    const over = (then: () => void) => {
      if (isOver) return
      isOver = true
      then()
    }
    if (isCut && draw() < 0.5) return this.#later(host, 1 + 5 * draw(), () => fail("Unreachable"))
    this.#later(host, timeout / host.rate, () => over(() => fail("Unknown")))
    const isLost = isCut || (!this.#isCalm && draw() < this.#lossy)
    if (isLost && draw() < 0.5) return
    this.#after(this.#delay(host), () => {
      const value = act()
      if (isLost || host.start !== start) return
      this.#later(host, this.#delay(host), () => over(() => answer(value)))
    })
  }

  #renew(host: Host, number: number): void {
    const { session } = host
    this.#request(
      host,
      (): string | null => {
        const until = this.#registryNow() + ttl
        if (session === null) {
          const id = this.#store.begin(until)
          this.#expireAt(id)
          return id
        }
        return this.#store.renew(session, until) ? session : null
      },
      (id) => {
        host.session = id
        this.#input(
          host,
          id === null
            ? { _tag: "RenewFailed", number, kind: "SessionOver", detail: "over" }
            : { _tag: "Renewed", number, session: id, ttl }
        )
      },
      (kind) => this.#input(host, { _tag: "RenewFailed", number, kind, detail: "no answer" })
    )
  }

  #commit(host: Host, id: number, transaction: Registry.Transaction): void {
    const { session } = host
    this.#count("commits")
    this.#say(
      `${host.name} asks for ${
        JSON.stringify(transaction.put?.map(({ key, value }) => [key, value]))
      } without ${transaction.remove?.join()}`
    )
    this.#request(
      host,
      () => this.#store.commit(session, transaction),
      (outcome) => {
        this.#count(outcome)
        if (outcome === "over" && host.session === session) host.session = null
        this.#input(host, { _tag: "Committed", id, outcome: outcome === "over" ? "SessionOver" : outcome })
      },
      (kind) => {
        this.#count(kind)
        this.#input(host, { _tag: "Committed", id, outcome: kind })
      }
    )
  }

  /** A watch: its picture is of when the registry is asked, and each change comes after those before it. */
  #watch(host: Host, wait: number): void {
    const draw = this.#random
    this.#later(host, wait, () => {
      host.isWatched = true
      const { start } = host
      let arrives = 0
      let isOpen = true
      let stop = () => {}
      const end = () => {
        if (!isOpen) return
        isOpen = false
        stop()
        if (host.start !== start) return
        this.#later(host, 1, () => {
          this.#input(host, { _tag: "WatchFailed", kind: "Unreachable", detail: "cut" })
          this.#watch(host, Math.min(2_000, Math.max(50, 2 * wait)))
        })
      }
      if (this.#now < host.cutUntil) return end()
      const deliver = (change: Registry.Change) => {
        const stalls = !this.#isCalm && draw() < this.#lossy / 4 ? 4_000 * draw() : 0
        arrives = Math.max(arrives, this.#now + 1 + (draw() < 0.7 ? 2 : 50) * draw() + stalls)
        this.#later(host, arrives - this.#now, () => {
          if (isOpen) this.#input(host, change)
        })
      }
      this.#after(this.#delay(host), () => {
        if (!isOpen || host.start !== start) return
        deliver(this.#store.picture())
        stop = this.#store.listen(({ changes }) => {
          if (host.start !== start) return stop()
          // A connection that is half dead tells nothing any more.
          if (this.#now < host.cutUntil) {
            stop()
            return this.#after(500 * draw(), end)
          }
          changes.forEach(deliver)
        })
      })
      const cuts = (): void => {
        this.#after(2_000 + 30_000 * draw(), () => {
          if (!isOpen || host.start !== start) return
          if (!this.#isCalm && draw() < 0.5) {
            this.#count("watches cut")
            return end()
          }
          if (this.#now < host.cutUntil) return end()
          cuts()
        })
      }
      cuts()
    })
  }

  // --- Leading work ---

  #follow(host: Host): void {
    const state = host.state!
    for (const election of elections) {
      const register = election === ""
        ? state.group
        : HashMap.has(state.named, election)
        ? HashMap.getUnsafe(state.named, election)
        : null
      const own = register?.own ?? null
      const term = own === null || own.ending !== null ? null : own.reign.term
      const before = host.owns.get(election) ?? null
      if (term === before) continue
      if (before !== null) this.#tellEnd(host, election)
      if (term === null) host.owns.delete(election)
      else {
        host.owns.set(election, term)
        this.#begin(host, election, own!)
      }
    }
    this.#looksBack(host)
  }

  #begin(host: Host, election: string, { reign: { term }, session }: RegistryState.Own): void {
    this.#count("reigns")
    this.#say(`${host.name} leads ${election} in term ${term}, by ${session}`)
    // Of a session that ended before its time an answer may come when another leads.
    if (this.#store.endedEarly.has(session)) this.#count("reigns of what was ended early")
    else if (term <= (this.#terms.get(election) ?? 0)) {
      this.#complain("termsGrow", `${host.name} leads ${election} in term ${term} after ${this.#terms.get(election)}`)
    }
    this.#terms.set(election, Math.max(term, this.#terms.get(election) ?? 0))
    const begin = () => {
      if (host.owns.get(election) !== term) return
      // As work asks before its first step.
      if (this.#protocol.leads(host.state!, this.#clocks(host), election)?.term !== term) return
      const works = host.works.get(election) ?? []
      host.works.set(election, [...works, { term, session, told: null, overruns: false }])
    }
    this.#whenIdle(host, election, begin, Infinity)
    if (election === "") this.#startJob(host)
  }

  /** Work is told to stop. Mostly it ends in its time. */
  #tellEnd(host: Host, election: string): void {
    const draw = this.#random
    for (const work of host.works.get(election) ?? []) {
      if (work.told !== null) continue
      work.told = this.#now
      const takes = !this.#isCalm && draw() < 0.05 ? stopTimeout + 4_000 * draw() : (stopTimeout - 5) * draw()
      const end = () => {
        const rest = (host.works.get(election) ?? []).filter((one) => one !== work)
        host.works.set(election, rest)
        this.#ended(host, election, work)
        if (work.overruns && !rest.some(({ overruns }) => overruns)) {
          this.#input(host, { _tag: "WorkFinished", election })
        }
        if (rest.length === 0) {
          const waiting = host.ending.get(election) ?? []
          host.ending.delete(election)
          waiting.forEach((act) => act())
        }
      }
      this.#later(host, takes / host.rate, end)
      if (takes > stopTimeout) {
        this.#later(host, stopTimeout / host.rate, () => {
          this.#count("overruns")
          work.overruns = true
          this.#input(host, { _tag: "WorkOverran", election, term: work.term })
        })
      }
    }
  }

  /** Work that ended in its time has ended within the session that it ran under, unless its process was paused meanwhile. */
  #ended(host: Host, election: string, { overruns, session, term, told }: Work): void {
    if (overruns || this.#store.endedEarly.has(session) || this.#now - host.pausedAt < ttl) return
    if (!this.#lasts(session)) {
      this.#complain(
        "workWithinLease",
        `${host.name}: work in ${election} of term ${term} told at ${told} outlived ${session}`
      )
    }
  }

  /** Whether a session lasts by the registry's clock, which may be late to notice that it does not. */
  #lasts(session: string): boolean {
    return (this.#store.sessions.get(session) ?? -Infinity) > this.#registryNow() - 1
  }

  #whenIdle(host: Host, election: string, act: (finished: boolean) => void, atMost: number): void {
    if ((host.works.get(election) ?? []).length === 0) {
      return this.#later(host, 0, () => act(true))
    }
    let isDone = false
    const once = (finished: boolean) => {
      if (isDone) return
      isDone = true
      act(finished)
    }
    host.ending.set(election, [...host.ending.get(election) ?? [], () => once(true)])
    if (atMost < Infinity) this.#later(host, atMost / host.rate, () => once(false))
  }

  // --- A scheduled job ---

  #startJob(host: Host): void {
    const request = ++this.#requests
    host.job = { begun: 0, request, run: 0 }
    this.#input(host, { _tag: "MarkRun", request, leadership: "", job: "nightly", mark: { begun: 0, done: 0 } })
  }

  #marked(host: Host, { known, request }: Extract<RegistryState.Output, { readonly _tag: "RunMarked" }>): void {
    const { job } = host
    if (job === null || job.request !== request) return
    const term = this.#protocol.leads(host.state!, this.#clocks(host), "")?.term
    if (term === undefined) return
    if (job.run !== 0 && known.begun === job.run) {
      this.#count("runs")
      const earlier = this.#runs.get(job.run)
      if (earlier !== undefined) this.#complain("runsOnce", `run ${job.run} by ${host.name} and by ${earlier}`)
      this.#runs.set(job.run, host.name)
    }
    const next = known.begun + 1
    const again = ++this.#requests
    host.job = { begun: known.begun, request: again, run: next }
    this.#later(host, 200 + 2_000 * this.#random(), () => {
      if (host.job?.request !== again || host.owns.get("") !== term) return
      this.#input(host, {
        _tag: "MarkRun",
        request: again,
        leadership: "",
        job: "nightly",
        mark: { begun: next, done: known.begun }
      })
    })
  }

  // --- What must hold ---

  #event(host: Host, event: Event.Event): void {
    this.#count(
      event.event === "LeaderChanged" ? `${event.leader === null ? "end" : "lead"}: ${event.cause}` : event.event
    )
    this.#say(
      `${host.name}: ${event.event} ${"cause" in event ? event.cause : ""} ${"term" in event ? event.term : ""} ${
        "what" in event ? event.what : ""
      }`
    )
    switch (event.event) {
      case "MemberJoined":
        if (host.view.has(event.member.id)) {
          this.#complain("viewIsTold", `${host.name}: ${event.member.name} joins twice`)
        }
        host.view.set(event.member.id, event.member)
        break
      case "MemberChanged":
        if (event.after.id !== host.id) host.view.set(event.after.id, event.after)
        break
      case "MemberRemoved":
        if (!host.view.delete(event.member.id)) {
          this.#complain("viewIsTold", `${host.name}: ${event.member.name} leaves twice`)
        }
        break
      case "LeaderChanged":
        host.viewed.set(event.election, event.leader === null ? null : event.term)
        if (event.leader !== null && event.leader.id !== host.id && !host.view.has(event.leader.id)) {
          this.#complain("viewIsTold", `${host.name} follows ${event.leader.name}, who is no member`)
        }
        break
      default:
    }
  }

  /** A reign whose key the watch shows to be gone is over at once. */
  #hears(before: RegistryState.State, input: RegistryState.Input, after: RegistryState.State): void {
    if (input._tag !== "Gone" || input.key !== "elections/@/leader" || before.group.own?.isSeen !== true) return
    if (after.group.own?.reign.term === before.group.own.reign.term) {
      this.#complain("goneIsOver", `${before.self.name} leads in term ${before.group.own.reign.term} without a key`)
    }
  }

  #looksBack(host: Host): void {
    const { group, members, self } = host.state!
    const term = group.reign?.term ?? null
    if (term === null) return
    const before = host.followed.get("") ?? 0
    if (term < before) this.#complain("reignNeverBack", `${host.name} goes back from ${before} to ${term}`)
    host.followed.set("", term)
    if (![self, ...members].some(({ id }) => id === group.reign!.leader.id)) {
      this.#complain("viewIsTold", `${host.name} follows who is no member`)
    }
  }

  /** Work that runs, and has not had its time, is that of one server. */
  #lookAtWork(): void {
    for (const election of elections) {
      const busy = this.#hosts.filter((host) =>
        this.#now >= host.pausedUntil && this.#now - host.pausedAt > ttl
        && (host.works.get(election) ?? []).some(({ overruns, session }) =>
          !overruns && !this.#store.endedEarly.has(session)
        )
      )
      if (busy.length > 1) this.#complain("oneWork", `${busy.map(({ name }) => name).join()} work in ${election}`)
    }
  }

  #look(): void {
    this.#lookAtWork()
    for (const election of elections) {
      let leader: Host | null = null
      for (const host of this.#hosts) {
        const { state } = host
        if (state === null || this.#now < host.pausedUntil) continue
        const own = (election === ""
          ? state.group
          : HashMap.has(state.named, election)
          ? HashMap.getUnsafe(state.named, election)
          : null)?.own
        if (own === null || own === undefined || this.#store.endedEarly.has(own.session)) {
          continue
        }
        if (this.#protocol.leads(state, this.#clocks(host), election) !== null) {
          if (leader !== null) this.#complain("oneLeader", `${leader.name} and ${host.name} lead ${election}`)
          leader = host
          if (!this.#lasts(own.session)) {
            this.#complain("workWithinLease", `${host.name} leads ${election} by ${own.session}, which is over`)
          }
        }
      }
    }
    for (const host of this.#hosts) {
      const { state } = host
      if (state === null || this.#now < host.pausedUntil || state === host.looked) continue
      host.looked = state
      const isTold = host.view.size === state.members.length && state.members.every(({ id }) => host.view.has(id))
      if (!isTold) this.#complain("viewIsTold", `${host.name} shows others than it was told of`)
      if ((host.viewed.get("") ?? null) !== (state.group.reign?.term ?? null)) {
        this.#complain(
          "viewIsTold",
          `${host.name} was told of the reign ${host.viewed.get("")}, and follows ${state.group.reign?.term}`
        )
      }
    }
  }

  // --- The trial ---

  #happens(): void {
    const draw = this.#random
    const election = elections[Math.floor(draw() * elections.length)]!
    // What happens to a leader is what matters most.
    const leader = this.#hosts.find((host) => host.owns.has(election))
    const drawn = this.#hosts[Math.floor(draw() * this.#hosts.length)]!
    const host = leader !== undefined && draw() < 0.4 ? leader : drawn
    const other = this.#hosts[Math.floor(draw() * this.#hosts.length)]!
    const chance = draw()
    if (host.state === null) return void (draw() < 0.6 && this.#boot(host))
    if (chance < 0.1) return this.#kill(host)
    if (chance < 0.2) return this.#input(host, { _tag: "Leave" })
    if (chance < 0.32) return this.#pause(host, draw() < 0.5 ? 1_500 * draw() : 12_000 * draw(), draw() < 0.4)
    if (chance < 0.44) {
      this.#count("cuts")
      if (draw() < 0.5) {
        // It gets worse and worse.
        const slow = 1_000 + 3_000 * draw()
        host.slowUntil = this.#now + slow
        return this.#after(slow, () => {
          if (!this.#isCalm) host.cutUntil = this.#now + 15_000 * draw()
        })
      }
      host.cutUntil = this.#now + (draw() < 0.5 ? 2_000 : 15_000) * draw()
      return this.#say(`${host.name} is cut off until ${host.cutUntil.toFixed(0)}`)
    }
    if (chance < 0.5) {
      // Without a clock that goes on in its sleep, the wall clock is not set back.
      host.wallAhead += 20_000 * (host.hasBoot ? draw() - 0.5 : draw() / 2)
      return this.#count("wall jumps")
    }
    if (chance < 0.58) return this.#input(host, { _tag: "Resign", election })
    if (chance < 0.64) return this.#input(host, { _tag: "StepDown", election, millis: 1 + Math.floor(8_000 * draw()) })
    if (chance < 0.72) return this.#input(host, { _tag: "Transfer", election, to: other.id })
    if (chance < 0.78) {
      return this.#input(host, { _tag: "Describe", description: { priority: Math.floor(4 * draw()), tags: {} } })
    }
    if (chance < 0.84) return this.#input(host, { _tag: draw() < 0.5 ? "Campaign" : "Withdraw", election: "billing" })
    if (chance < 0.9) return this.#input(host, { _tag: draw() < 0.4 ? "WorkGivenUp" : "WorkOffered", election })
    if (chance < 0.94 && this.#options.early === true) {
      const sessions = [...this.#store.sessions.keys()]
      const session = sessions[Math.floor(draw() * sessions.length)]
      if (session !== undefined) {
        this.#count("early ends")
        this.#say(`session ${session} ends early`)
        this.#store.endEarly(session)
      }
    }
  }

  run(): Report {
    for (const host of this.#hosts) {
      this.#after(this.#random() < 0.5 ? 5 : 3_000 * this.#random(), () => this.#boot(host))
    }
    const troubled = this.#options.troubled ?? 25_000
    while (this.#now < troubled && this.violations.length === 0) {
      this.#runUntil(this.#now + 100 + 3_000 * this.#random())
      if (this.violations.length === 0) this.#happens()
    }
    this.#settle()
    return { violations: this.violations, counts: this.counts, log: this.log }
  }

  /** Faults cease: then all agree within a bounded time, and nothing changes any more. */
  #settle(): void {
    if (this.violations.length > 0) return
    this.#isCalm = true
    this.#say("calm")
    for (const host of this.#hosts) {
      host.cutUntil = -Infinity
      host.slowUntil = -Infinity
    }
    const paused = Math.max(this.#now, ...this.#hosts.map(({ pausedUntil }) => pausedUntil))
    this.#runUntil(paused + 1)
    for (const host of this.#hosts) {
      this.#boot(host)
      if (host.state === null) continue
      for (const election of elections) this.#input(host, { _tag: "WorkOffered", election })
    }
    // Late expiry and stalls, ineligibility, a successor that is waited for, stability.
    this.#runUntil(this.#now + 2 * ttl + 4_000 + 8_000 + 3_000 + 1_000 + this.#stableAfter + 2_000)
    if (this.violations.length > 0) return
    // Some were only now about to leave.
    if (this.#hosts.some(({ state }) => state === null)) {
      for (const host of this.#hosts) this.#boot(host)
      this.#runUntil(this.#now + 2 * ttl + this.#stableAfter + 5_000)
      if (this.violations.length > 0) return
    }
    const terms = this.#agreed()
    const asked = this.#hosts.map(({ asked }) => asked)
    const alarms = this.counts["alarms"] ?? 0
    this.#runUntil(this.#now + watched)
    if (this.violations.length > 0) return
    if (JSON.stringify(terms) !== JSON.stringify(this.#agreed())) {
      this.#complain("staysSettled", "the lead changes for nothing")
    }
    for (const [index, host] of this.#hosts.entries()) {
      const often = host.asked - asked[index]!
      // A renewal each sixth of a session, and marks of the job.
      const most = 6 * watched / ttl * 1.1 + 2 + watched / 700
      if (often > most) this.#complain("asksLittle", `${host.name} asks ${often} times in ${watched} ms`)
    }
    const woken = (this.counts["alarms"] ?? 0) - alarms
    if (woken > this.#hosts.length * watched / 200) this.#complain("asksLittle", `servers woke ${woken} times`)
  }

  #agreed(): ReadonlyArray<unknown> {
    const views = this.#hosts.map(({ state }) => this.#protocol.view(state!))
    const [first] = views
    if (first === undefined || first.reign === null) {
      this.#complain("settles", "nobody leads")
      return []
    }
    for (const [index, view] of views.entries()) {
      const host = this.#hosts[index]!
      if (view.reign?.term !== first.reign.term || view.reign.leader.id !== first.reign.leader.id) {
        this.#complain("settles", `${host.name} follows ${view.reign?.term}, another ${first.reign.term}`)
      }
      if (view.members.length !== this.#hosts.length) {
        this.#complain("settles", `${host.name} sees ${view.members.map(({ name }) => name).join()}`)
      }
    }
    const best = first.members[0]!
    if (this.#preempt && best.id !== first.reign.leader.id) {
      this.#complain("settles", `${best.name} does not lead, though it ranks highest`)
    }
    const leader = this.#hosts.find(({ id }) => id === first.reign!.leader.id)!
    if (this.#protocol.leads(leader.state!, this.#clocks(leader), "") === null) {
      this.#complain("settles", `${leader.name} is followed, and does not lead`)
    }
    const billing = this.#hosts.filter(({ state }) => HashMap.has(state!.named, "billing"))
    const leaders = billing.filter((host) => this.#protocol.leads(host.state!, this.#clocks(host), "billing") !== null)
    if (billing.length > 0 && leaders.length !== 1) this.#complain("settles", `${leaders.length} lead billing`)
    return [first.reign.term, leaders[0]?.name]
  }
}

/** One trial. */
export const run = (seed: number, protocol: Step, options: Options = {}): Report =>
  new Trial(seed, protocol, options).run()
