/**
 * Looks at a whole simulated group after every step of every server, and keeps what it saw: which invariants were broken
 * when, who led when, and how often each promise was put to the test.
 */
import * as Duration from "effect/Duration"
import * as Lease from "../protocol/model/Lease.ts"
import type { Address } from "../protocol/model/Member.ts"
import type { State } from "../protocol/model/State.ts"
import * as Timing from "../protocol/model/Timing.ts"
import * as Step from "../protocol/Step.ts"
import type * as Settings from "../settings/Settings.ts"
import { subnetOf } from "../testing/internal/interfaces.ts"
import type * as SimulatedNetwork from "../testing/SimulatedNetwork.ts"
import type { Stepped } from "../testing/Stepped.ts"
import * as Agreement from "./Agreement.ts"
import * as Connected from "./internal/connected.ts"
import { Crashes } from "./internal/crashes.ts"
import { Fairness } from "./internal/fairness.ts"
import * as Grants from "./internal/grantSafety.ts"
import { Hardships } from "./internal/hardships.ts"
import { LeaseSafety } from "./internal/leaseSafety.ts"
import * as Lists from "./internal/lists.ts"
import * as Quiet from "./internal/quiet.ts"
import { Reigns } from "./internal/reigns.ts"
import * as Waking from "./internal/waking.ts"
import * as Watched from "./internal/watched.ts"
import * as Invariants from "./Invariants.ts"
import * as StepInvariants from "./StepInvariants.ts"

/** An invariant that was broken: when, in ms of true time since the start, by which server where it was one, and how. */
export interface Violation {
  readonly at: number
  readonly invariant: Invariants.Name
  readonly server: number | null
  readonly what: string
}

/** A reign as its own leader saw it. */
export type Led = Watched.Led

/** How often an invariant was looked at, and where it was first broken. */
export interface Verdict {
  readonly invariant: Invariants.Name
  readonly promise: string
  readonly checks: number
  readonly violation: Violation | null
}

/** More are counted and not kept: the first is the one that explains the others. */
const maxViolations = 100

/** The watcher of one run. What it is told of from outside: who has no process any more, and what happens to whom. */
export class Watcher {
  readonly violations: Array<Violation> = []
  /** When anything last disturbed the group: it may take the bound from here to settle. */
  disturbedAt = 0
  steps = 0
  /** What stays as it is for longer, and what is seen while nothing else happens. */
  readonly quiet: Quiet.Quiet
  /** Whether the machine of a server is on a network with all others. */
  isConnected: (index: number) => boolean = () => true
  readonly #leadership: "bully" | "lease"
  readonly #transition: typeof Step.step
  /** Also of work whose server only finds out at its next look at the clocks. */
  readonly #stopTimeout: number
  /** Who knows where it is, has told everybody by then. */
  readonly #tellsWithin: number
  readonly #servers = new Map<number, Watched.Watched>()
  readonly #checks = new Map<Invariants.Name, number>()
  readonly #hardships = new Hardships()
  readonly #leases: LeaseSafety
  readonly grants: Grants.GrantSafety
  readonly #fairness: Fairness
  readonly #reigns: Reigns
  readonly #wakings: Waking.Wakings
  readonly #crashes: Crashes
  readonly #setBack = new Set<SimulatedNetwork.Host>()
  readonly #ended: Array<number> = []
  #over = false
  #now = 0
  #settledSince = Infinity

  constructor(
    { heartbeatInterval, leadership, stopTimeout }: Pick<
      Settings.Settings,
      "heartbeatInterval" | "leadership" | "stopTimeout"
    >,
    servers: number,
    transition = Step.step
  ) {
    const judge: Invariants.Judge = {
      complain: (...complaint) => this.complain(...complaint),
      count: (invariant) => this.count(invariant)
    }
    this.quiet = new Quiet.Quiet(servers, judge)
    this.#fairness = new Fairness(this.#servers, this.#hardships, judge)
    this.#crashes = new Crashes(this.#servers, this.#hardships, judge)
    this.#reigns = new Reigns(this.#servers, this.#fairness, leadership, judge)
    this.#wakings = new Waking.Wakings(judge)
    this.#transition = transition
    this.#leadership = leadership
    this.#tellsWithin = 1.05 * Duration.toMillis(heartbeatInterval) + 10
    const isStopping = (index: number, at: number) => this.#hardships.wasPaused(index, at - this.#stopTimeout)
    this.#leases = new LeaseSafety(this.#servers, { ...judge, isStopping })
    this.grants = new Grants.GrantSafety(this.#servers, {
      ...judge,
      isStopping,
      disturbedAt: () => this.disturbedAt,
      isWhole: (living) => this.quiet.isWhole(living),
      clocksAgree: () => this.#reigns.clocksAgree
    })
    this.#stopTimeout = Duration.toMillis(stopTimeout)
      + Timing.checkInterval({ heartbeatInterval: Duration.toMillis(heartbeatInterval) }, true)
  }

  /** Who led when, in the order of their beginnings. */
  get led(): ReadonlyArray<Led> {
    return this.#reigns.led
  }

  // --- What it is told ---

  /** A step was made: to be given to the group as its `onStep`. */
  readonly stepped = (step: Stepped): void => {
    const { after, at, before, index, input, outputs } = step
    const watched = this.#watched(step)
    if (watched === null) return
    this.steps += 1
    this.#now = at
    this.#crashes.stepped(at)
    const [past, complaints] = StepInvariants.judge(watched.past, step)
    watched.past = past
    watched.state = after
    const mayWait = Watched.isIneligible(before) || Watched.isIneligible(after) || Agreement.waits(before, step.now)
    // The others have to hear of a priority first.
    if (mayWait || before.self.priority !== after.self.priority) watched.ineligibleAt = at
    for (const { invariant, what } of complaints) this.complain(at, invariant, index, what)
    this.#wakings.stepped(watched, step)
    if (input._tag === "Moved") {
      this.disturbed(at)
      if (this.#hardships.isAstray(index)) this.readdressed(index, at, step.host.isCurrentUnsafe())
    }
    if (input._tag === "Resign" || input._tag === "Describe") this.disturbed(at)
    if (outputs.length > 0) {
      for (const output of outputs) {
        if (output._tag === "Emit") this.#fairness.told(at, index, after, output.event)
      }
    }
    if (at >= this.#settledSince) {
      this.count("staysSettled")
      if (!Step.showsSame(before, after)) {
        this.complain(
          at,
          "staysSettled",
          index,
          `${Watched.describe(before)} became ${Watched.describe(after)} (${input._tag})`
        )
      }
    }
    this.quiet.stepped(at, index, after, outputs)
    this.#reigns.stepped(watched, step)
    if (this.#leadership !== "lease") return
    this.#leases.stepped(at)
    this.grants.stepped(watched, step)
  }

  /** A server is about to be killed, where nothing else is wrong. */
  killed(index: number, at: number): void {
    this.#crashes.killed(at, index)
  }

  /** A server has no process any more. */
  ended(index: number, at: number): void {
    const watched = this.#servers.get(index)
    if (watched === undefined) return
    if (watched.led !== null) watched.led.until = at
    this.grants.ended(watched, at)
    this.#ended[index] = watched.start
    this.#servers.delete(index)
    this.#hardships.ended(index)
  }

  /** Something happens to the group: what was settled is so no more, until it settles again. */
  disturbed(at: number): void {
    this.quiet.ends(this.#now)
    this.#crashes.disturbed()
    this.disturbedAt = Math.max(this.disturbedAt, at)
    this.#settledSince = Infinity
  }

  /** A server's process is paused, for one reason or another, until it is resumed. */
  paused(index: number, from: number): void {
    this.#hardships.paused(index, from)
  }

  /**
   * A server's machine is set back to a snapshot: what it has done since counts no more. One that will notice leads nobody, and
   * grants nothing, from that instant on, though its state says so only after its next step.
   */
  setBack(index: number, at: number, state: State, isNoticed: boolean): void {
    const watched = this.#servers.get(index)
    if (watched === undefined) return
    this.#hardships.paused(index, at)
    this.#hardships.resumed(index, at)
    watched.state = isNoticed
      ? { ...state, silentUntil: Infinity, election: { ...state.election, claim: null } }
      : state
    // The links are those of before.
    watched.past = { ...StepInvariants.nothing, linked: watched.past.linked }
    watched.seen = Watched.clocksOf(watched.host)
    watched.wokeAt = -Infinity
    // On a clock that was set back they would seem to last longer than those who granted them think.
    if (isNoticed) { for (const work of watched.works) work.claim = null }
    if (isNoticed) this.grants.setBack(watched)
    this.#setBack.add(watched.host)
  }

  /** Whether the machine of a server was ever set back: who read its events has read what is not so any more. */
  wasSetBack(host: SimulatedNetwork.Host): boolean {
    return this.#setBack.has(host)
  }

  /** It runs again. */
  resumed(index: number, at: number): void {
    this.#hardships.resumed(index, at)
  }

  /** What goes from one to the other may be lost or late until then: all of it, or multicasts only. */
  bad(from: number, to: number, until: number, what: "all" | "multicasts" = "all"): void {
    this.#hardships.bad(from, to, until, what)
  }

  /** The addresses of a server's machine are others now. Unless it knows, and is connected, it is astray until it is. */
  readdressed(index: number, at: number, isKnown: boolean): void {
    if (!this.#servers.has(index)) return
    this.#hardships.astray(index, isKnown && this.isConnected(index) ? at + this.#tellsWithin : Infinity)
  }

  /**
   * The group has had the time to settle: does it agree? From here on nothing may change, unless one that lost a lead waits:
   * then this answers in how many ms to look again, else null. `living`: those that run.
   */
  settled(at: number, living: ReadonlyArray<number>): number | null {
    const followers = living.flatMap((index) => {
      const watched = this.#servers.get(index)
      return watched === undefined ? [] : [{ ...watched, index, clocks: Watched.clocksOf(watched.host) }]
    })
    if (this.quiet.isWhole(living)) {
      this.count("settles")
      const states = followers.map(({ state }) => state)
      const clocks = (of: State) => followers.find(({ state }) => state === of)!.clocks
      const what = Agreement.disagreement(states, clocks)
      if (what !== null) {
        this.complain(at, "settles", null, what)
        return null
      }
      const lasts = Agreement.agreesFor(states, clocks)
      // Clocks of their own may be slow.
      if (lasts !== Infinity) return 1.05 * lasts
      this.#settledSince = at
    } else if (!this.quiet.conditions.isUnsteady) {
      this.count("settlesWhereConnected")
      const what = this.#disconnected(followers)
      if (what !== null) {
        const left = this.#takenBackFor(at, followers, living)
        if (left === null) this.complain(at, "settlesWhereConnected", null, what)
        return left
      }
    }
    this.quiet.begins(at)
    return null
  }

  /** One that lost a lead, and waited, has only just taken it back: for how many ms others may not have heard of it. */
  #takenBackFor(
    at: number,
    followers: ReadonlyArray<{ readonly index: number; readonly state: State; readonly clocks: Invariants.Clocks }>,
    living: ReadonlyArray<number>
  ): number | null {
    const newest = this.led.findLast(({ until }) => until === null)
    const leader = followers.find(({ index }) => index === newest?.server)
    if (newest === undefined || leader === undefined) return null
    const { clocks, state } = leader
    if (state.election.losses.count === 0 || !Agreement.mayWait(state, clocks, followers.length)) return null
    const left = newest.from + this.quiet.bound(state.timing, living) - at
    return left > 0 ? left : null
  }

  #disconnected(
    followers: ReadonlyArray<{ readonly index: number; readonly state: State; readonly clocks: Invariants.Clocks }>
  ): string | null {
    const [first] = followers
    if (first === undefined) return null
    const { lease, minimumMembers } = first.state.timing
    const claims = followers.map((one) => ({ ...one, claim: Step.leads(one.state, one.clocks) }))
    const majority = lease === null ? null : Lease.majority(lease)
    const voters = followers.flatMap(({ index, state: { timing } }) => timing.votes ? [index] : [])
    return Connected.disagreement(this.quiet.conditions.graph, claims, { majority, minimumMembers, voters })
  }

  /** The same group is asked who is there: does what it answers lead to all, and to its leader? */
  asked(at: number, living: ReadonlyArray<number>, where: ReadonlyMap<number, ReadonlyArray<Address>>): void {
    const servers = living.flatMap((index) => {
      const watched = this.#servers.get(index)
      return watched === undefined ? [] : [{ ...watched, addresses: where.get(index) ?? [] }]
    })
    const isAt = (one: Address) => ({ ip, port }: Address) => ip === one.ip && port === one.port
    const listener: Lists.Listener = (address) =>
      servers.find(({ addresses }) => addresses.some(isAt(address)))?.state.self ?? null
    for (const { addresses, host, state } of servers) {
      const shown = Lists.misplaced({ state, clocks: Watched.clocksOf(host) }, listener)
      if (shown !== null) this.complain(at, "membersReachable", null, shown)
      for (const from of addresses) {
        this.count("membersReachable")
        const asker = { ip: `${subnetOf(from.ip)}.250`, port: from.port }
        const what = Lists.misdirected(
          { state, clocks: Watched.clocksOf(host), from },
          asker,
          listener,
          this.#transition
        )
        if (what !== null) this.complain(at, "membersReachable", null, what)
      }
    }
  }

  /** Leading work starts on a server; call what is returned when it has ended, or is over its time. */
  workStarts(index: number, start: number, term: number): (what: "ended" | "overran") => void {
    const watched = this.#servers.get(index)
    if (watched === undefined || watched.start !== start) return () => {}
    this.count("workNeverOverlaps")
    for (const other of watched.works) {
      this.complain(
        this.#now,
        "workNeverOverlaps",
        index,
        `work of term ${term} starts while that of ${other.term} runs`
      )
    }
    if (this.#leadership === "lease") this.#leases.workStarts(index, term, this.#now)
    const work: Watched.Work = { term, claim: Watched.claimOf(watched.state, term), overran: false }
    watched.works.add(work)
    return (what) => {
      if (what === "ended") watched.works.delete(work)
      else work.overran = true
      // Until it has ended, nobody else can lead under its lease.
      if (work.overran && this.#leadership === "lease") this.disturbedAt = Math.max(this.disturbedAt, this.#now)
    }
  }

  /** A fiber of a server has died. */
  died(index: number, what: string): void {
    if (!this.#over) this.complain(this.#now, "neverDies", index, what)
  }

  /** The run is over: what is done from here on is its clearing up. */
  finish(): void {
    this.quiet.ends(this.#now)
    this.#servers.clear()
    this.#over = true
  }

  complain(at: number, invariant: Invariants.Name, server: number | null, what: string): void {
    if (this.violations.length < maxViolations) this.violations.push({ at, invariant, server, what })
  }

  verdicts(): ReadonlyArray<Verdict> {
    return Invariants.namesOf(this.#leadership).map((invariant) => ({
      invariant,
      promise: Invariants.promises[invariant],
      checks: Invariants.atEveryStep.has(invariant) ? this.steps : this.#checks.get(invariant) ?? 0,
      violation: this.violations.find((violation) => violation.invariant === invariant) ?? null
    }))
  }

  // --- What it judges ---

  /** An invariant was looked at once more. */
  count(invariant: Invariants.Name): void {
    this.#checks.set(invariant, (this.#checks.get(invariant) ?? 0) + 1)
  }

  /** Null for a process that is over: the end of the group closes what is left of it. */
  #watched({ at, before, host, index, now, start }: Stepped): Watched.Watched | null {
    const known = this.#servers.get(index)
    if (known !== undefined && known.start === start) return known
    if (this.#over || start <= (this.#ended[index] ?? 0)) return null
    const watched = Watched.make({ start, host, since: at, state: before, seen: now })
    this.#servers.set(index, watched)
    // It may have started before its network.
    if (!host.isCurrentUnsafe() || !this.isConnected(index)) this.#hardships.astray(index, Infinity)
    return watched
  }
}
