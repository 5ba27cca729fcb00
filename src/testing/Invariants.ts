/**
 * What must hold after every step, whatever the network and the clocks do: the promises of the protocol as functions that
 * say what is wrong, or null. The simulator asks them after each step of real servers, the explorer in every state that
 * it reaches.
 *
 * Those on one server's steps remember what they must of the steps before in a {@link Past}, so that they need not trust
 * the state that they judge.
 *
 * @since 0.1.0
 */
import * as Election from "../protocol/Election.ts"
import type * as Event from "../protocol/Event.ts"
import * as Lease from "../protocol/Lease.ts"
import * as Member from "../protocol/Member.ts"
import * as Reign from "../protocol/Reign.ts"
import * as Rules from "../protocol/Rules.ts"
import * as Step from "../protocol/Step.ts"
import type { Now, Output, State } from "../protocol/Turn.ts"

/**
 * Every invariant by its name, and what it says.
 *
 * @category models
 * @since 0.1.0
 */
export const promises = {
  oneLeader: "never two leaders at one instant of true time",
  termsGrow: "the terms of successive leaders strictly grow",
  workWithinLease: "leading work never outlives its lease",
  reignNeverBack: "the reign that a server follows never goes back, and its own, once over, stays over",
  viewIsTold: "the events, replayed, give the view: nobody is in it whose removal was announced",
  returnsInOrder: "a member is announced once, removed once, and comes back only as a later start or as proven alive",
  settles: "all living servers agree on one reign, the highest ranked, within the bound of the last fault",
  staysSettled: "once settled, nothing changes until the next fault",
  noFalseEviction: "nobody is evicted who runs and is connected, also not by one who stood still",
  workNeverOverlaps: "leading work never overlaps on one server with that of its next reign",
  readersSeeTheView: "a reader of the events has the same picture as the server",
  neverDies: "no fiber dies, and nobody sees a duplicate of its own identity"
} as const

/**
 * The name of an invariant.
 *
 * @category models
 * @since 0.1.0
 */
export type Name = keyof typeof promises

/**
 * What is promised in which mode of leadership.
 *
 * @category models
 * @since 0.1.0
 */
export const namesOf = (leadership: "bully" | "lease"): ReadonlyArray<Name> => {
  const lease: ReadonlySet<string> = new Set(["oneLeader", "termsGrow", "workWithinLease"])
  return (Object.keys(promises) as Array<Name>).filter((name) => leadership === "lease" || !lease.has(name))
}

/**
 * What one server did before, as far as a later step must be judged by it. A value: a step gives the next.
 *
 * @category models
 * @since 0.1.0
 */
export interface Past {
  /** The greatest reign that it has followed. */
  readonly greatest: Reign.Reign | null
  /** The greatest of its own reigns that is over. */
  readonly over: Reign.Reign | null
  /** Of each id that was removed, the start that was, and whether it may come back as it was. */
  readonly gone: ReadonlyMap<string, { readonly incarnation: number; readonly left: boolean; readonly until: number }>
}

/**
 * A server that has done nothing yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const nothing: Past = { greatest: null, over: null, gone: new Map() }

/**
 * A complaint about an invariant.
 *
 * @category models
 * @since 0.1.0
 */
export interface Complaint {
  readonly invariant: Name
  readonly what: string
}

/**
 * Judges one step of one server by what it did before: the past that the next is judged by, and what is wrong.
 *
 * @category guards
 * @since 0.1.0
 */
export const judge = (
  past: Past,
  before: State,
  after: State,
  outputs: ReadonlyArray<Output>,
  now: Pick<Now, "monotonic">
): readonly [past: Past, complaints: ReadonlyArray<Complaint>] => {
  const complaints: Array<Complaint> = []
  const complain = (invariant: Name, what: string | null) => {
    if (what !== null) complaints.push({ invariant, what })
  }
  let next = past
  if (before.election.reign !== after.election.reign) {
    complain("reignNeverBack", wentBack(past, after))
    next = followed(past, before, after)
  }
  let members: ReadonlyArray<Member.Member> | null = null
  let reign = before.election.reign
  for (const output of outputs) {
    if (output._tag !== "Emit") continue
    const { event } = output
    if (event.event === "FiberDied" || event.event === "DuplicateIdentity") complain("neverDies", JSON.stringify(event))
    if (event.event === "Started") continue
    members ??= before.members
    complain("returnsInOrder", outOfOrder(next, members, event, now.monotonic))
    next = remembered(next, event, after.rules, now.monotonic)
    members = membersAfter(members, event)
    if (event.event === "LeaderChanged" && event.election === Election.ofGroup) {
      reign = event.leader && Reign.make(event.term, event.leader)
    }
  }
  if (before.members !== after.members && !sameMembers(members ?? before.members, after.members)) {
    complain("viewIsTold", `told ${names(members ?? before.members)}, but the view holds ${names(after.members)}`)
  }
  if (!sameReign(reign, after.election.reign)) {
    complain("viewIsTold", `told of ${formatReign(reign)}, but follows ${formatReign(after.election.reign)}`)
  }
  return [next, complaints]
}

/**
 * The reign that a server would say is its own if it were asked now; null where it would say that it does not lead.
 *
 * @category conversions
 * @since 0.1.0
 */
export const claim = (state: State, now: Clocks): Reign.Reign | null => Step.leads(state, now)

/**
 * What the clocks of a server show.
 *
 * @category models
 * @since 0.1.0
 */
export type Clocks = Pick<Now, "monotonic" | "wall" | "sinceBoot">

/**
 * Judges all that claim to lead at one instant: null where that is nobody or one.
 *
 * @category guards
 * @since 0.1.0
 */
export const contest = (claims: ReadonlyArray<Reign.Reign | null>): string | null => {
  const leaders = claims.filter((claim) => claim !== null)
  return leaders.length < 2 ? null : `${leaders.map(formatReign).join(" and ")} lead at once`
}

/**
 * Whether all living servers, that have had the time to, agree: on one reign, whose leader is the highest ranked of them
 * (where `preempt` is on; else any of them) and says that it leads; and see exactly each other. Null, or what is wrong.
 *
 * @category guards
 * @since 0.1.0
 */
export const disagreement = (living: ReadonlyArray<State>, clocks: (of: State) => Clocks): string | null => {
  const [first] = living
  if (first === undefined) return null
  const reign = first.election.reign
  const odd = living.find(({ election }) => !sameReign(election.reign, reign))
  if (odd !== undefined) {
    return `${first.self.name} follows ${formatReign(reign)}, but ${odd.self.name} ${formatReign(odd.election.reign)}`
  }
  const { lease, minimumMembers } = first.rules
  const few = living.length < Math.max(minimumMembers, lease === null ? 1 : Lease.majority(lease))
  if (few) return reign === null ? null : `${formatReign(reign)} leads ${living.length}, fewer than the minimum`
  if (reign === null) return "nobody leads"
  const leader = living.find(({ self }) => Member.isSameStart(self, reign.leader))
  if (leader === undefined) return `all follow ${formatReign(reign)}, of one who does not live`
  if (claim(leader, clocks(leader)) === null) return `all follow ${formatReign(reign)}, who does not lead`
  const higher = leader.rules.preempt ? living.find(({ self }) => Member.outranks(self, reign.leader)) : undefined
  if (higher !== undefined) return `all follow ${formatReign(reign)}, but ${higher.self.name} ranks higher`
  const starts = living.map(({ self }) => self)
  const blind = living.find((state) => !sameMembers(Step.view(state).members, starts))
  return blind === undefined
    ? null
    : `${blind.self.name} sees ${names(Step.view(blind).members)}, but ${names(starts)} live`
}

/**
 * How long all may take to agree after the last fault, in ms, where nothing is lost any more and a datagram takes
 * `delay` at most: the sum of what can follow on each other.
 *
 * - Who is dead, and was heard until the last fault, is removed: `patience`, two sweeps (one of them in the recovery from
 *   a stall, where nobody is judged), and five questions.
 * - Who lives and was removed is heard again and proves itself: a heartbeat, and a question.
 * - Somebody stands: its stagger, a canvass that nobody objects to, and once a wait for a higher one that did not lead;
 *   and where no trigger called it, the next heartbeat does.
 * - Who has resigned comes back: `memberTimeout`; it runs beside the first of these.
 * - With leases, whoever started grants nothing for one lease, promises run out in another, and candidates may have to
 *   back off from each other.
 *
 * @category conversions
 * @since 0.1.0
 */
export const settlesWithin = (rules: Rules.Rules, servers: number, delay = 1): number => {
  const removal = Rules.patience(rules, rules.heartbeatInterval) + 2 * rules.cleanupInterval
    + Rules.probeTries * rules.probeTimeout + rules.discoveryWindow
  const proof = rules.heartbeatInterval + rules.probeTimeout
  const standing = Math.min(1_000, rules.electionStagger * (servers - 1)) + 5
    + Math.max(rules.okTimeout, 2 * rules.probeTimeout) + 1.25 * rules.coordinatorTimeout
  const leases = rules.lease === null ? 0 : 4 * rules.lease.duration
  return Math.ceil(removal + proof + standing + leases + rules.heartbeatInterval + 10 * delay)
}

/**
 * A reign in a few words.
 *
 * @category conversions
 * @since 0.1.0
 */
export const formatReign = (reign: Reign.Reign | null): string =>
  reign === null ? "nobody" : `${reign.leader.id.slice(0, 6)}#${reign.leader.incarnation} in term ${reign.term}`

// internal

const sameReign = (self: Reign.Reign | null, that: Reign.Reign | null): boolean =>
  self === that || (self !== null && that !== null && Reign.compare(self, that) === 0)

const sameMembers = (self: ReadonlyArray<Member.Member>, that: ReadonlyArray<Member.Member>): boolean =>
  self === that
  || (self.length === that.length && self.every((member) => that.some((other) => Member.isSameStart(member, other))))

const names = (members: ReadonlyArray<Member.Member>): string =>
  members.map(({ incarnation, name }) => `${name}#${incarnation}`).join(" ") || "nobody"

const wentBack = ({ greatest, over }: Past, { election: { reign } }: State): string | null => {
  if (reign === null) return null
  if (greatest !== null && Reign.compare(reign, greatest) < 0) {
    return `follows ${formatReign(reign)} after ${formatReign(greatest)}`
  }
  return over !== null && Reign.compare(reign, over) <= 0 ? `${formatReign(reign)}, its own, was over already` : null
}

const followed = (past: Past, before: State, after: State): Past => {
  const ended = before.election.reign
  const isOwn = ended !== null && ended.leader.id === before.self.id
  return {
    ...past,
    greatest: Reign.max(past.greatest, after.election.reign),
    over: isOwn ? Reign.max(past.over, ended) : past.over
  }
}

const outOfOrder = (
  past: Past,
  members: ReadonlyArray<Member.Member>,
  event: Event.Event,
  now: number
): string | null => {
  if (event.event === "MemberRemoved") {
    return members.some((member) => Member.isSameStart(member, event.member))
      ? null
      : `${names([event.member])} is removed (${event.reason._tag}) and was no member`
  }
  if (event.event !== "MemberJoined") return null
  const { member } = event
  if (members.some(({ id }) => id === member.id)) return `${names([member])} joins and is a member already`
  const gone = past.gone.get(member.id)
  if (gone === undefined || gone.until <= now || member.incarnation > gone.incarnation) return null
  if (member.incarnation < gone.incarnation) return `${names([member])} joins after its start ${gone.incarnation}`
  return gone.left ? `${names([member])} joins, but has left as that very start` : null
}

const remembered = (past: Past, event: Event.Event, rules: Rules.Rules, now: number): Past => {
  if (event.event !== "MemberRemoved") return past
  const { member: { id, incarnation }, reason } = event
  const replaced = reason._tag === "Replaced"
  const start = replaced ? reason.by : incarnation
  const gone = { incarnation: start, left: reason._tag === "Left", until: now + Rules.departedFor(rules) }
  return { ...past, gone: new Map(past.gone).set(id, gone) }
}

const membersAfter = (members: ReadonlyArray<Member.Member>, event: Event.Event): ReadonlyArray<Member.Member> => {
  if (event.event === "MemberJoined") return [...members, event.member]
  if (event.event !== "MemberRemoved") return members
  return members.filter((member) => !Member.isSameStart(member, event.member))
}
