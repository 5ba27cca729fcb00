/** Judges what servers hold by grants: one holder of a resource, tokens that rise, no work without a grant, and an owner of each. */
import * as HashMap from "effect/HashMap"
import * as GrantTable from "../../protocol/grants/GrantTable.ts"
import * as Holdings from "../../protocol/grants/Holdings.ts"
import * as Rendezvous from "../../protocol/membership/Rendezvous.ts"
import type { Holding } from "../../protocol/model/Grants.ts"
import * as Lease from "../../protocol/model/Lease.ts"
import type { Output } from "../../protocol/model/Output.ts"
import type { State } from "../../protocol/model/State.ts"
import * as Step from "../../protocol/Step.ts"
import type { Stepped } from "../../testing/Stepped.ts"
import type * as Invariants from "../Invariants.ts"
import { sameReign } from "./same.ts"
import { clocksOf, type Watched } from "./watched.ts"

/** A resource as a server held it, in ms of true time. `until` is null while it does. */
export interface Held {
  readonly server: number
  readonly space: string
  readonly resource: number
  readonly token: string
  readonly from: number
  until: number | null
}

/** What is done under a grant. */
export interface GrantWork {
  readonly space: string
  readonly resource: number
  readonly token: string
}

/** What a session believes to hold, until so long after it asked. */
interface Belief extends GrantWork {
  readonly key: string
  readonly session: string
  readonly sentAt: Lease.Instant
  readonly lasts: number
  readonly isEnding: boolean
}

interface Work {
  readonly grant: GrantWork
  readonly key: string
  /** The last that was seen of what it is done under; null where that counts no more. */
  belief: Belief | null
  overran: boolean
}

/** What is known of one start of one server. */
interface Known {
  holdings: State["grants"]["holdings"]
  beliefs: ReadonlyMap<string, Belief>
  readonly works: Set<Work>
  readonly held: Map<string, Held>
}

/** What the judge is told of the group. */
export interface Group extends Invariants.Judge {
  /** Whether a server is paused, or has only just resumed and not yet had the time to stop its work. */
  readonly isStopping: (index: number, at: number) => boolean
  /** When anything last disturbed the group. */
  readonly disturbedAt: () => number
  /** Whether all links are there between these servers. */
  readonly isWhole: (living: ReadonlyArray<number>) => boolean
  /** Whether wall clocks agree so well that terms grow. */
  readonly clocksAgree: () => boolean
}

export class GrantSafety {
  readonly held: Array<Held> = []
  readonly #servers: ReadonlyMap<number, Watched>
  readonly #group: Group
  readonly #known = new WeakMap<Watched, Known>()
  /** The newest token of each resource. */
  readonly #tokens = new Map<string, string>()
  /** Since when every server has seen the same group, as far as is known; and when it is looked at next who holds what. */
  #steadySince = 0
  #looksAt = 0

  constructor(servers: ReadonlyMap<number, Watched>, group: Group) {
    this.#servers = servers
    this.#group = group
  }

  /** A server made a step. */
  stepped(watched: Watched, { after, at, before, index, outputs }: Stepped): void {
    const known = this.#of(watched)
    for (const output of outputs) if (output._tag === "Granted") this.#granted(index, at, after, output)
    if (known.holdings !== after.grants.holdings) this.#follow(known, watched, index, at)
    this.#judgeEnding(known, watched, index, at)
    this.#judgeWork(known, watched, index, at)
    if (!Step.showsSame(before, after)) this.#steadySince = at
    if (at >= this.#looksAt) this.#look(at)
  }

  /**
   * Its machine was set back, and notices that: what it held counts no more from then on. The work goes on that runs, and of what
   * began since the server knows nothing: on a machine it would be gone.
   */
  setBack(watched: Watched): void {
    const known = this.#of(watched)
    const { grants: { holdings }, timing: { lease } } = watched.state
    const back = new Set(
      [...holdings].flatMap(([, holding]) => beliefsOf(holding, lease).map(({ key, token }) => `${key} ${token}`))
    )
    known.beliefs = new Map()
    for (const work of known.works) {
      work.belief = null
      if (!back.has(`${work.key} ${work.grant.token}`)) known.works.delete(work)
    }
  }

  /** A server has no process any more. */
  ended(watched: Watched, at: number): void {
    for (const held of this.#known.get(watched)?.held.values() ?? []) held.until ??= at
  }

  /** Something is done under a grant from now on; call what is returned when it has ended, or is over its time. */
  workStarts(
    { index, start }: { readonly index: number; readonly start: number },
    grant: GrantWork
  ): (what: "ended" | "overran") => void {
    const watched = this.#servers.get(index)
    if (watched === undefined || watched.start !== start) return () => {}
    const { beliefs, works } = this.#of(watched)
    const key = keyOf(grant)
    this.#judgeOverlap(index, key)
    const work: Work = { grant, key, belief: beliefs.get(`${key} ${grant.token}`) ?? null, overran: false }
    works.add(work)
    return (what) => {
      if (what === "ended") works.delete(work)
      else work.overran = true
      // For so long others have waited, regardless of the settings.
      if (work.overran) this.#steadySince = Math.max(this.#steadySince, this.#now)
    }
  }

  #now = 0

  #of(watched: Watched): Known {
    const known = this.#known.get(watched)
    if (known !== undefined) return known
    const made: Known = { holdings: HashMap.empty(), beliefs: new Map(), works: new Set(), held: new Map() }
    this.#known.set(watched, made)
    return made
  }

  #granted(
    index: number,
    at: number,
    { grants: { holdings } }: State,
    { hold, resource, token }: Extract<Output, { readonly _tag: "Granted" }>
  ): void {
    const { space } = HashMap.getUnsafe(holdings, hold)
    const key = keyOf({ space, resource })
    const before = this.#tokens.get(key) ?? ""
    if (!this.#group.clocksAgree()) return
    this.#tokens.set(key, token)
    this.#group.count("tokensRise")
    if (token > before) return
    this.#group.complain(at, "tokensRise", index, `${key} is granted by ${token} after ${before}`)
  }

  /** What a server believes has changed: what is new, or lasts for longer, must be nobody else's. */
  #follow(known: Known, watched: Watched, index: number, at: number): void {
    const { grants: { holdings }, timing: { lease } } = watched.state
    const before = known.beliefs
    const after = new Map<string, Belief>()
    for (const [, holding] of holdings) {
      for (const belief of beliefsOf(holding, lease)) after.set(`${belief.key} ${belief.token}`, belief)
    }
    known.holdings = holdings
    known.beliefs = after
    for (const [id, belief] of after) {
      const was = before.get(id)
      if (was === undefined) this.#begins(known, id, belief, index, at)
      if (was?.sentAt !== belief.sentAt) this.#judgeHolder(belief, watched, index, at)
    }
    for (const [id, held] of known.held) {
      if (after.has(id)) continue
      held.until = at
      known.held.delete(id)
    }
    for (const work of known.works) work.belief = after.get(`${work.key} ${work.grant.token}`) ?? work.belief
  }

  #begins({ held }: Known, id: string, { resource, space, token }: Belief, server: number, from: number): void {
    const one: Held = { server, space, resource, token, from, until: null }
    held.set(id, one)
    this.held.push(one)
  }

  #judgeHolder(belief: Belief, watched: Watched, index: number, at: number): void {
    if (!isValid(belief, watched)) return
    this.#group.count("oneHolder")
    for (const [other, that] of this.#servers) {
      for (const held of this.#known.get(that)?.beliefs.values() ?? []) {
        if (held.key !== belief.key || held.session === belief.session || !isValid(held, that)) continue
        const what = `${belief.key} is held by s${index} (${belief.token}) and by s${other} (${held.token}) at once`
        this.#group.complain(at, "oneHolder", index, what)
      }
    }
  }

  /** What is almost over must have been told to be ended: it must not be too late for that. */
  #judgeEnding({ beliefs }: Known, watched: Watched, index: number, at: number): void {
    if (beliefs.size === 0 || this.#group.isStopping(index, at)) return
    const { stopTimeout } = watched.state.timing
    const clocks = clocksOf(watched.host)
    for (const belief of beliefs.values()) {
      if (belief.isEnding) continue
      const left = leftOf(belief, clocks)
      if (left >= stopTimeout - rounding) continue
      const what = `${belief.key} is not to be ended, and lasts ${Math.round(left)} ms: less than work may take to stop`
      this.#group.complain(at, "workWithinGrant", index, what)
    }
  }

  #judgeWork({ works }: Known, watched: Watched, index: number, at: number): void {
    this.#now = at
    if (works.size === 0 || this.#group.isStopping(index, at)) return
    for (const work of works) {
      if (work.overran) continue
      this.#group.count("workWithinGrant")
      if (work.belief !== null && isValid(work.belief, watched)) continue
      const what = `work on ${work.key} runs, its grant ${work.grant.token} is over`
      this.#group.complain(at, "workWithinGrant", index, what)
    }
  }

  /** Work starts on a server: that on another must have ended. */
  #judgeOverlap(index: number, key: string): void {
    for (const [other, watched] of this.#servers) {
      for (const work of this.#known.get(watched)?.works ?? []) {
        if (work.key !== key || work.overran || this.#group.isStopping(other, this.#now)) continue
        this.#group.complain(
          this.#now,
          "workWithinGrant",
          index,
          `work on ${key} starts while that of s${other} runs under ${work.grant.token}`
        )
      }
    }
  }

  /** Where nothing has happened for long enough, all that is shared is held, by those whose share it is. */
  #look(at: number): void {
    const [first] = this.#servers.values()
    const holding = first === undefined ? undefined : sharedBy(first.state)
    if (first === undefined || holding === undefined) return
    const since = Math.max(this.#steadySince, this.#group.disturbedAt())
    const due = since + ownedWithin(holding, first.state.timing)
    this.#looksAt = Math.max(due, at + 1_000)
    if (at < due || !this.#isSettled()) return
    // Nothing is to be seen twice before something has happened.
    this.#looksAt = at + holding.expiry
    this.#group.count("everyPartitionOwned")
    const what = this.#misplaced(holding)
    if (what !== null) this.#group.complain(at, "everyPartitionOwned", null, what)
  }

  /** Whether all see each other and follow one that leads. */
  #isSettled(): boolean {
    const all = [...this.#servers.values()]
    const reign = all[0]?.state.election.reign ?? null
    return reign !== null && this.#group.isWhole([...this.#servers.keys()])
      && all.every(({ state }) =>
        state.phase === "Live" && state.members.length === all.length - 1 && sameReign(state.election.reign, reign)
      )
      && all.some(({ host, state }) => Step.leads(state, clocksOf(host)) !== null)
  }

  #misplaced({ count, space }: Holding): string | null {
    const sharing = [...this.#servers].flatMap(([index, { state }]) =>
      sharedBy(state) === undefined ? [] : [{ index, id: state.self.id }]
    )
    for (let resource = 0; resource < count; resource++) {
      const key = keyOf({ space, resource })
      const owner = Rendezvous.owners(`${space} ${resource}`, sharing)[0]!.index
      const holders = [...this.#servers].flatMap(([index, watched]) =>
        [...this.#known.get(watched)?.beliefs.values() ?? []].some((belief) =>
            belief.key === key && isValid(belief, watched)
          )
          ? [index]
          : []
      )
      if (holders.length === 1 && holders[0] === owner) continue
      return `${key} is held by ${holders.map((index) => `s${index}`).join(" and ") || "nobody"}, not by s${owner}`
    }
    return null
  }
}

// internal

/** What arithmetic may leave, in ms. */
const rounding = 0.01

const keyOf = ({ resource, space }: Pick<GrantWork, "space" | "resource">): string => `${space} ${resource}`

const beliefsOf = (holding: Holding, lease: Lease.Agreement | null): ReadonlyArray<Belief> => {
  const { expiry, held, session, space } = holding
  // The judge's own reckoning: who asked so long ago is believed to hold it by nobody.
  const lasts = expiry * (1 - 2 * (lease?.drift ?? 0))
  return Array.from(HashMap.entries(held), ([resource, { isEnding, sentAt, token }]) => ({
    key: keyOf({ space, resource }),
    space,
    resource,
    session,
    token,
    sentAt,
    lasts,
    isEnding
  }))
}

/** By the clocks that cannot be set: how long something is held on, in ms. */
const leftOf = ({ lasts, sentAt }: Belief, clocks: Invariants.Clocks): number =>
  lasts - Lease.elapsed(sentAt, clocks.sinceBoot === undefined ? clocks : { ...clocks, wall: sentAt.wall })

const isValid = (belief: Belief, { host }: Watched): boolean => leftOf(belief, clocksOf(host)) > 0

/** A session that takes its share. */
const sharedBy = ({ grants: { holdings } }: State): Holding | undefined => {
  for (const [, holding] of holdings) if (holding.wanted === null && !holding.isOver) return holding
  return undefined
}

/**
 * How long it may take until all that is shared is held by those whose share it is, when nothing happens any more, in ms: a new
 * reign grants nothing for one expiry; what one held that is gone is over in another, which the leader may have counted from
 * within the first; who waits asks within an interval; and what is with others by then is let go, four at a time.
 */
export const ownedWithin = (
  holding: Pick<Holding, "expiry" | "count">,
  { stopTimeout }: Pick<State["timing"], "stopTimeout">
): number => {
  const rounds = Math.ceil(holding.count / GrantTable.movesAtOnce)
  return 2 * holding.expiry + Holdings.interval(holding) + rounds * (stopTimeout + 1_000)
}
