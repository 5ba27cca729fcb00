/**
 * One election as one step works on it: its register in the state, its order of rank, who else takes part, and its own
 * timers. So that the rules are written once, for the group's own election and for named ones.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Election from "../model/Election.ts"
import type * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import type { Body } from "../model/Output.ts"
import type * as Reign from "../model/Reign.ts"
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import type { Timer } from "../model/Timer.ts"
import * as Voters from "../model/Voters.ts"
import * as ElectionTraits from "./ElectionTraits.ts"

type ElectionTimer<T = Timer> = T extends { readonly election: string } ? Omit<T, "election"> : never

type LeaderChanged = Omit<Extract<Event.Event, { readonly event: "LeaderChanged" }>, "at" | "event" | "election">

/** An election that this server takes part in, while a step lasts. */
export class ElectionContext {
  readonly context: StepContext
  /** Empty for the group's own election. */
  readonly name: string
  readonly #suffix: string

  constructor(context: StepContext, name: string) {
    this.context = context
    this.name = name
    this.#suffix = name === Election.ofGroup ? "" : `@${name}`
  }

  get state(): StepContext["state"] {
    return this.context.state
  }

  get traits(): ElectionTraits.ElectionTraits {
    return ElectionTraits.of(this.state.timing)
  }

  get register(): Election.Election {
    return this.context.election(this.name)
  }

  change(change: Partial<Election.Election>): void {
    const register = { ...this.register, ...change }
    if (this.name === Election.ofGroup) this.state.election = register
    else this.state.named = HashMap.set(this.state.named, this.name, register)
  }

  /** Whether this server follows a reign of its own, one that is being ended included. */
  get leads(): boolean {
    return this.register.reign?.leader.id === this.state.self.id
  }

  /** How the leader of a reign ranks now: the reign keeps the priority that it began with. */
  rankOf({ leader }: Reign.Reign): Member.Ranked {
    const { known, self } = this.state
    const member = leader.id === self.id ? self : Option.getOrUndefined(HashMap.get(known, leader.id))?.member
    return member !== undefined && Member.isSameStart(member, leader) ? member : leader
  }

  outranks(self: Member.Ranked, that: Member.Ranked): boolean {
    return Member.outranks(self, that, this.name)
  }

  /** The other members who may lead. */
  get others(): ReadonlyArray<Member.Member> {
    return others(this.state, this.name)
  }

  /** Whether one of them has let all questions go by, and was not heard since: it is neither waited for nor named. */
  isSilent(id: Member.NodeId): boolean {
    return HashMap.getUnsafe(this.state.known, id).isSilent
  }

  /** Those of the others that may take the lead when they are asked to, highest rank first. */
  get successors(): ReadonlyArray<Member.Member> {
    return this.others.filter(({ id }) => !this.isSilent(id))
      .toSorted((self, that) => Member.compareRank(that, self, this.name))
  }

  emitChange(change: LeaderChanged): void {
    this.context.emit({ event: "LeaderChanged", election: this.name, ...change })
  }

  /** Says something to the group, or to one address, now and again after each of the gaps (ms), unless the key's timer is cleared. */
  sayOften(key: string, body: Body, gaps: ReadonlyArray<number>, to: Member.Address | null = null): void {
    this.context.sayOften(key + this.#suffix, body, gaps, to)
  }

  setTimer(key: string, after: number, timer: ElectionTimer): void {
    this.context.setTimer(key + this.#suffix, after, { ...timer, election: this.name })
  }

  hasTimer(key: string): boolean {
    return this.context.hasTimer(key + this.#suffix)
  }

  clearTimer(key: string): void {
    this.context.clearTimer(key + this.#suffix)
  }

  /** Clears all timers of this election whose keys begin so. */
  clearTimers(begin: string): void {
    for (const { key } of this.state.timers) {
      const at = key.indexOf("@")
      if (key.startsWith(begin) && (at < 0 ? "" : key.slice(at)) === this.#suffix) this.context.clearTimer(key)
    }
  }
}

/** The group's own election. */
export const ofGroup = (context: StepContext): ElectionContext => new ElectionContext(context, Election.ofGroup)

/** All elections that a server takes part in, the group's own first. */
export const all = (context: StepContext): ReadonlyArray<ElectionContext> =>
  HashMap.isEmpty(context.state.named)
    ? [ofGroup(context)]
    : [ofGroup(context), ...Array.from(HashMap.keys(context.state.named), (name) => new ElectionContext(context, name))]

/** One election by its name, if this server takes part in it. */
export const find = (context: StepContext, name: string): ElectionContext | null =>
  name === Election.ofGroup || HashMap.has(context.state.named, name) ? new ElectionContext(context, name) : null

/** The register of an election in a state; undefined where the server takes no part in it. */
export const register = (state: Pick<State, "election" | "named">, name: string): Election.Election | undefined =>
  name === Election.ofGroup ? state.election : Option.getOrUndefined(HashMap.get(state.named, name))

/** The other members that may lead in an election: those that take part in it, and have a vote where there are leases. */
export const others = (
  state: Pick<State, "known" | "members" | "timing">,
  name: string
): ReadonlyArray<Member.Member> => {
  const members = state.timing.lease === null ? state.members : Voters.among(state, state.members)
  if (name === Election.ofGroup) return members
  const tag = Election.tag(name)
  return members.filter(({ id }) => HashMap.getUnsafe(state.known, id).elections.includes(tag))
}

/**
 * The reign of this server's own that lasts and is not being ended: while there is one, leading work of that election, the
 * group's own unless named, may run.
 *
 * It does not ask the clock whether the server was paused meanwhile; who acts on it must.
 */
export const ownReign = (
  state: Pick<State, "self" | "election" | "named">,
  name = Election.ofGroup
): Reign.Reign | null => {
  const election = register(state, name)
  return election !== undefined && election.reign !== null && election.ending === null
      && election.reign.leader.id === state.self.id
    ? election.reign
    : null
}

/** The reigns of {@link ownReign} by election. */
export type OwnReigns = ReadonlyMap<string, Reign.Reign>

/** All reigns of this server's own that last and are not being ended. */
export const ownReigns = (state: Pick<State, "self" | "election" | "named">): OwnReigns => {
  const all = new Map<string, Reign.Reign>()
  for (const name of [Election.ofGroup, ...HashMap.keys(state.named)]) {
    const own = ownReign(state, name)
    if (own !== null) all.set(name, own)
  }
  return all
}

/** Whether two states of one server have the same reigns of its own. */
export const ownsSame = (before: State, after: State): boolean => {
  if (ownReign(before) !== ownReign(after)) return false
  if (before.named === after.named) return true
  const names = [...HashMap.keys(before.named), ...HashMap.keys(after.named)]
  return names.every((name) => ownReign(before, name) === ownReign(after, name))
}
