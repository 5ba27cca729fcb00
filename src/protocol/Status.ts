/**
 * All that one server knows at one instant, as plain data: what the HTTP API answers, what a display shows, and what a bug
 * report should hold. Times are whole milliseconds from the instant that it shows, so that they can be read without its clock.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as MemberLists from "./membership/MemberLists.ts"
import * as Election from "./model/Election.ts"
import * as Lease from "./model/Lease.ts"
import * as Member from "./model/Member.ts"
import * as Reign from "./model/Reign.ts"
import type { Known, Now, State } from "./model/State.ts"
import type { Timer } from "./model/Timer.ts"
import type * as Timers from "./model/Timers.ts"
import * as Voters from "./model/Voters.ts"
import * as Step from "./Step.ts"

/**
 * When a member was last heard, in ms before, and by which way. `through` is the member that still hears it where this server
 * does not; null where this one does, or nobody has said so.
 *
 * @category schemas
 * @since 0.1.0
 */
export const LastHeard = Schema.Struct({
  ago: Schema.Natural,
  via: Schema.Literals(["multicast", "unicast", "registry"]),
  unicastOnly: Schema.Boolean,
  through: Schema.NullOr(Member.NodeId)
})

/**
 * A member, and when it was last heard: null for the server itself. `asked` is how many direct questions it has left
 * unanswered since it fell silent: 5 of them, and it is removed. `page` is where people see in a browser what it sees, if it
 * announces one that can be reached from here. `votes` is there, and false, where it has no vote under the group's lease.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SeenMember = Schema.Struct({
  ...Member.Member.fields,
  heard: Schema.NullOr(LastHeard),
  asked: Schema.Natural,
  page: Schema.NullOr(Schema.String),
  votes: Schema.optionalKey(Schema.Literal(false))
})

/**
 * The lease that this server holds, or asks for: how long it still lasts, who granted it besides itself, and the members that
 * have acknowledged its newest renewal so far.
 *
 * @category schemas
 * @since 0.1.0
 */
export const HeldLease = Schema.Struct({
  held: Schema.Boolean,
  left: Schema.Natural,
  votes: Schema.Array(Member.NodeId),
  acknowledged: Schema.Array(Member.NodeId)
})

/**
 * Whom this server has promised not to let anybody else lead, and for how long that still binds it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const BindingPromise = Schema.Struct({ to: Member.NodeId, term: Reign.Term, left: Schema.Natural })

/**
 * One election: the group's own has the name "".
 *
 * `reign` is the one that is followed, `through` the member through which, where there is no direct path. `leads`: this server
 * leads now, by the clock. `vacant` is for how long nobody has led, null while somebody does. `activity` is what this server
 * does about it; `ineligible` for how long it does not stand, 0 where it may.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SeenElection = Schema.Struct({
  name: Schema.String,
  reign: Schema.NullOr(Reign.Reign),
  term: Reign.Term,
  through: Schema.NullOr(Member.NodeId),
  leads: Schema.Boolean,
  vacant: Schema.NullOr(Schema.Natural),
  activity: Schema.Literals(["Idle", "Pending", "Standing", "Waiting", "PreVote"]),
  ineligible: Schema.Natural,
  lease: Schema.NullOr(HeldLease),
  promise: Schema.NullOr(BindingPromise)
})

/**
 * What this server will do next unless something happens before: `timer` is the name of the protocol's timer, `about` the
 * member that it is about, `in` when it is due.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Upcoming = Schema.Struct({
  timer: Schema.String,
  election: Schema.NullOr(Schema.String),
  about: Schema.NullOr(Member.NodeId),
  in: Schema.Natural
})

/**
 * All that one server knows at one instant. `at` is Unix ms, for people to read. `votesIn` is in how long it votes at the latest:
 * 0 where it does, null where there are no leases, it has no vote, or it has left. `lag` is how late its own watch ran at worst lately.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Status = Schema.Struct({
  at: Schema.Finite,
  phase: Schema.Literals(["Discovering", "Live", "Recovering", "Leaving", "Left"]),
  uptime: Schema.Natural,
  self: Member.Member,
  /** Everyone, itself included, highest rank first. */
  members: Schema.Array(SeenMember),
  /** The group's own first. */
  elections: Schema.Array(SeenElection),
  /** The next first, at most {@link maxUpcoming}. */
  upcoming: Schema.Array(Upcoming),
  votesIn: Schema.NullOr(Schema.Natural),
  clients: Schema.Natural,
  lag: Schema.Natural
})

/**
 * @category models
 * @since 0.1.0
 */
export type Status = typeof Status.Type

type SeenElection = typeof SeenElection.Type

/**
 * Of how many timers it is told when they are due.
 *
 * @category models
 * @since 0.1.0
 */
export const maxUpcoming = 64

/** The time left until then: whole ms, of what never comes none. */
const left = (until: number, now: number): number => Number.isFinite(until) ? Math.max(0, Math.ceil(until - now)) : 0

const ago = (since: number, now: number): number => Math.max(0, Math.round(now - since))

/**
 * What a server's state shows at that instant.
 *
 * @internal
 */
export const of = (state: State, now: Now): Status => {
  const { delivery, identity, lag, named, phase, self, timing } = state
  const elections: ReadonlyArray<[string, Election.Election]> = [
    [Election.ofGroup, state.election],
    ...[...HashMap.entries(named)].sort(([a], [b]) => a < b ? -1 : 1)
  ]
  return {
    at: now.wall,
    phase,
    uptime: ago(identity.startedAt, now.monotonic),
    self,
    members: MemberLists.everyone(state).map((member) => seenMember(state, member, now.monotonic)),
    elections: elections.map(([name, register]) => seen(state, name, register, now)),
    upcoming: state.timers.slice(0, maxUpcoming).map((entry) => upcoming(entry, now.monotonic)),
    votesIn: timing.lease === null || !timing.votes || phase === "Left"
      ? null
      : left(state.silentUntil, now.monotonic),
    clients: HashMap.size(delivery.clients) - delivery.left,
    lag: Math.round(Math.max(lag.now, lag.before))
  }
}

const seenMember = (
  { checks, known, page, self, timing }: State,
  member: Member.Member,
  monotonic: number
): typeof SeenMember.Type => {
  const asked = Option.match(HashMap.get(checks, member.id), { onNone: () => 0, onSome: ({ tries }) => tries })
  if (member.id === self.id) return { ...member, heard: null, asked, page, ...voting(timing.votes) }
  const contact = HashMap.getUnsafe(known, member.id)
  return {
    ...member,
    heard: lastHeard(contact, monotonic),
    asked,
    page: contact.page,
    ...voting(Voters.hasVote(contact))
  }
}

const voting = (votes: boolean): { readonly votes?: false } => votes ? {} : { votes: false }

/**
 * When a member was last heard.
 *
 * @internal
 */
export const lastHeard = (
  { heardAt, through, unicastOnly, via }: Pick<Known, "heardAt" | "through" | "unicastOnly" | "via">,
  monotonic: number
): typeof LastHeard.Type => ({ ago: ago(heardAt, monotonic), via, unicastOnly, through })

const seen = (state: State, name: string, register: Election.Election, now: Now): SeenElection => {
  const { activity, claim, ineligibility, last, life, reign, vacancy } = register
  const { lease } = state.timing
  return {
    name,
    reign,
    term: (reign ?? last)?.term ?? 0,
    through: life.through,
    leads: Step.leads(state, now, name) !== null,
    vacant: reign === null ? ago(vacancy.since, now.monotonic) : null,
    activity: activity._tag,
    ineligible: left(ineligibility.until, now.monotonic),
    lease: claim === null || lease === null ? null : heldLease(claim, lease, now),
    promise: Option.match(HashMap.get(state.promises, name), {
      onNone: () => null,
      onSome: (promise) => bindingPromise(promise, now.monotonic)
    })
  }
}

const bindingPromise = (promise: Lease.Promise, monotonic: number): typeof BindingPromise.Type | null =>
  promise.to === null || !Lease.binds(promise, monotonic)
    ? null
    : { to: promise.to.id, term: promise.term, left: left(promise.until, monotonic) }

const heldLease = (claim: Lease.Claim, agreement: Lease.Agreement, now: Now): typeof HeldLease.Type => ({
  held: claim.held,
  left: Math.max(0, Math.floor(Lease.left(claim, agreement, now))),
  votes: claim.votes,
  acknowledged: claim.beats.at(-1)?.acks ?? []
})

const upcoming = ({ due, timer }: Timers.Entry<Timer>, monotonic: number): typeof Upcoming.Type => ({
  timer: timer._tag,
  election: "election" in timer ? timer.election : null,
  about: "id" in timer ? timer.id : null,
  in: left(due, monotonic)
})
