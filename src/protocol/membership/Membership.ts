/**
 * Who is there: what was heard makes members; goodbyes and silence ({@link FailureDetector}) unmake them.
 *
 * The functions work on a {@link StepContext.StepContext} and are used by `Step` alone. What a change of membership means for the lead
 * is decided there and in `Departures`.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Election from "../model/Election.ts"
import type * as Event from "../model/Event.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Places from "../model/Places.ts"
import type * as Reign from "../model/Reign.ts"
import type { Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Voters from "../model/Voters.ts"
import * as Zone from "../model/Zone.ts"
import * as AnswerTimes from "./AnswerTimes.ts"
import * as CrashLinks from "./CrashLinks.ts"
import * as Description from "./Description.ts"
import * as FailureDetector from "./FailureDetector.ts"
import * as Identity from "./Identity.ts"
import * as Links from "./Links.ts"
import * as Paths from "./Paths.ts"
import * as Ranked from "./Ranked.ts"
import * as Relocation from "./Relocation.ts"
import * as StatusPages from "./StatusPages.ts"
import * as Tombstones from "./Tombstones.ts"

/** Whether this very start of a server is a member. */
export const holds = (
  context: StepContext,
  server: { readonly id: Member.NodeId; readonly incarnation: number }
): boolean => {
  const known = context.known(server.id)
  return Option.isSome(known) && known.value.member.incarnation === server.incarnation
}

/**
 * Whether what somebody says of the rank of a leader contradicts what that very start of it says of itself. Where it is may
 * be told otherwise: it may have moved, and is not reached everywhere at one address. A reign keeps the priority that it began
 * with, which is none that its leader says any more once it has another.
 */
export const contradicts = (context: StepContext, leader: Reign.Leader): boolean => {
  const { self } = context.state
  const member = leader.id === self.id ? self : Option.getOrUndefined(context.known(leader.id))?.member
  return member !== undefined && member.incarnation === leader.incarnation && member.priority !== leader.priority
    && (member.revision ?? 0) === 0
}

/**
 * What hearing a server brought about: nothing (it was dropped), or its stamp is fresh, and it may be new (`joined`), in
 * place of an earlier start of its own (`replaced`), or have another priority than before
 * (`reranked`). `elections` are the tags of those it took part in before.
 */
export interface Heard {
  readonly joined: boolean
  readonly replaced: Known | null
  readonly reranked: boolean
  readonly elections: ReadonlyArray<string>
}

/**
 * Where the sender of a message is reached: where it came from. But a question may come from a socket of its own that closes
 * soon: then it names the port of the one that stays. A translation of addresses on the way may have that one at another port:
 * the one that its sender was heard at from there.
 */
export const reachedAt = (context: StepContext, message: Message.FromServer, from: Member.Address): Member.Address => {
  if (message.type !== "SERVER_PROBE" || message.port === undefined) return from
  const address = Option.getOrUndefined(context.known(message.sender.id))?.address
  return address?.ip === from.ip ? address : { ip: from.ip, port: message.port }
}

/**
 * Takes note of a message from a server: any valid one refreshes it, an unknown one becomes a member, a higher
 * incarnation replaces a lower one. Null where it must not be acted on.
 */
export const hear = (
  context: StepContext,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast"
): Heard | null => {
  const { sender } = message
  if (sender.id === context.state.self.id) {
    Identity.heard(context, sender, from)
    return null
  }
  if (Tombstones.isOfOneGone(context, message, from)) return null
  const before = Option.getOrUndefined(context.known(sender.id))
  if (before === undefined) {
    if (message.type === "SERVER_LEAVING") return null
    if (context.state.members.length >= context.state.timing.maxMembers) {
      context.drop("MembersFull")
      return null
    }
    join(context, message, from, via)
    return { joined: true, replaced: null, reranked: false, elections: none }
  }
  if (sender.incarnation < before.member.incarnation) {
    context.drop("Stale")
    tellOfLaterStart(context, before, sender, from)
    return null
  }
  if (sender.incarnation > before.member.incarnation) {
    remove(context, sender.id, { _tag: "Replaced", by: sender.incarnation })
    join(context, message, from, via)
    return { joined: true, replaced: before, reranked: false, elections: none }
  }
  const member = Description.heard(context, noteMove(context, before, message, from), sender)
  refresh(context, stamped(context, message, from, via, before, member))
  noteProof(context, message)
  tellOfChange(context, sender, from)
  const reranked = member.priority !== before.member.priority
  return { joined: false, replaced: null, reranked, elections: before.elections }
}

const noteProof = (context: StepContext, message: Message.FromServer): void => {
  if (Paths.provesHearing(context.state.self, message)) Paths.noteHeardBy(context, message.sender.id)
}

const none: ReadonlyArray<string> = []

/** A member that has moved announces another address: from then on it is the member's. */
const noteMove = (
  context: StepContext,
  { member: before, moved }: Known,
  message: Message.FromServer,
  from: Member.Address
): Member.Member => {
  const { ip, port } = Zone.announced(message.sender, from)
  if ((message.moved ?? 0) <= moved || (ip === before.ip && port === before.port)) return before
  const member = { ...before, ip, port }
  context.state.members = Ranked.changed(context.state.members, before, member)
  Relocation.tell(context, before, member)
  return member
}

/** The others are said by all who vote, and by those who take part no more. */
const isTakingPart: ReadonlySet<Message.Message["type"]> = new Set(["ELECTION", "OK", "COORDINATOR", "BEAT"])

/** A sign of life names all that its sender takes part in; who speaks of an election otherwise takes part in it too. */
const electionsOf = (message: Message.FromServer, before: ReadonlyArray<string>): ReadonlyArray<string> => {
  if ("interval" in message) return message.elections ?? none
  if (!("election" in message) || message.election === Election.ofGroup || !isTakingPart.has(message.type)) {
    return before
  }
  const tag = Election.tag(message.election)
  return before.includes(tag) ? before : [...before, tag].slice(-Election.maxNamed)
}

/** What is known of a member after a message of it. */
const stamped = (
  context: StepContext,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast",
  before: Known,
  member: Member.Member
): Known => ({
  ...before,
  member,
  // What it said before it moved, and comes late, is a sign of life; but it is there no more.
  address: (message.moved ?? 0) < before.moved ? before.address : from,
  alsoAt: alsoAt(context, message.moved ?? 0, from, before),
  moved: Math.max(message.moved ?? 0, before.moved),
  heardAt: context.now.monotonic,
  via,
  multicastAt: via === "multicast" ? context.now.monotonic : before.multicastAt,
  through: null,
  interval: "interval" in message ? message.interval : before.interval,
  pace: paceOf(message, before.pace),
  isSilent: false,
  votesAt: message.type === "SERVER_ALIVE"
    ? Voters.votesAt(message.silent, context.now.monotonic)
    : before.votesAt,
  sees: message.type === "SERVER_ALIVE" ? message.sees ?? 0 : before.sees,
  // Who says a heartbeat by unicast does not hear ours by multicast.
  unicastUntil: via === "unicast" && message.type === "SERVER_ALIVE"
    ? deafUntil(context, message.interval)
    : before.unicastUntil,
  elections: electionsOf(message, before.elections),
  page: message.type === "SERVER_ALIVE"
    ? StatusPages.taken(context.state.self, message.sender, message.page)
    : before.page
})

/** A sign of life names it if there is one; another message, if it is there. */
const paceOf = (message: Message.FromServer, before: number | null): number | null =>
  ("pace" in message ? message.pace : undefined) ?? (message.type === "SERVER_ALIVE" ? null : before)

const alsoAt = (
  context: StepContext,
  moved: number,
  from: Member.Address,
  before: Pick<Known, "address" | "alsoAt" | "moved" | "heardAt" | "interval" | "pace">
): ReadonlyArray<Places.Place> => {
  if (moved !== before.moved) return moved > before.moved ? Places.none : before.alsoAt
  const until = before.heardAt + Timing.patience(context.state.timing, context.expectedInterval(before))
  return Places.besides(before.alsoAt, { address: before.address, until }, from)
}

/** Twice as long as it takes to notice for oneself that a member is heard by unicast only. */
const deafUntil = (context: StepContext, interval: number): number =>
  context.now.monotonic + 2 * Timing.patience(context.state.timing, interval)

const refresh = (context: StepContext, before: Known): void => {
  const known = Links.heard(context, before)
  const id = known.member.id
  context.state.known = HashMap.set(
    context.state.known,
    id,
    known.via === "multicast" && known.unicastOnly ? { ...known, unicastOnly: false } : known
  )
  FailureDetector.endCheck(context, id)
}

/** By which message of its a server was found. */
export const joinedVia = (type: Message.Message["type"]): Event.Via =>
  type === "SERVER_ALIVE"
    ? "heartbeat"
    : type === "SERVER_PROBE"
    ? "probe"
    : type === "SERVER_RESPONSE"
    ? "response"
    : "message"

/** A newcomer before its first message is taken note of. */
const unheard = (
  { now: { monotonic }, state: { contacts, timing } }: StepContext,
  member: Member.Member,
  from: Member.Address,
  via: "multicast" | "unicast"
): Known => ({
  member,
  address: from,
  alsoAt: Places.none,
  moved: 0,
  joinedAt: monotonic,
  heardAt: monotonic,
  via,
  // Nothing by multicast yet counts as just heard so: a newcomer's first heartbeat may still be on its way.
  multicastAt: monotonic,
  interval: timing.heartbeatInterval,
  pace: null,
  isSilent: false,
  timed: AnswerTimes.none,
  slowest: AnswerTimes.quick,
  votesAt: -Infinity,
  hearsUsAt: -Infinity,
  witnessedAt: -Infinity,
  through: null,
  isReached: false,
  unansweredAt: -Infinity,
  proofAskedAt: -Infinity,
  sees: 0,
  isLinkMissing: false,
  askedBy: { nonce: "", times: 0 },
  deafAt: -Infinity,
  unicastOnly: false,
  elections: none,
  page: null,
  // One whom only a seed may have told of us may be where no multicast of ours comes.
  unicastUntil: via === "unicast" && contacts.seeds.length > 0
    ? monotonic + 2 * Timing.patience(timing, timing.heartbeatInterval)
    : -Infinity,
  differs: false,
  noticedAt: -Infinity,
  answered: ""
})

const join = (
  context: StepContext,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const member = Zone.announced(message.sender, from)
  context.state.members = Ranked.added(context.state.members, member)
  context.state.known = HashMap.set(
    context.state.known,
    member.id,
    stamped(context, message, from, via, unheard(context, member, from, via), member)
  )
  noteProof(context, message)
  context.emit({ event: "MemberJoined", member, via: joinedVia(message.type) })
}

/** Takes a member out of the view and remembers it. The one member must be there. */
export const remove = (context: StepContext, id: Member.NodeId, reason: Event.Reason): void => {
  const { member } = HashMap.getUnsafe(context.state.known, id)
  context.state.members = Ranked.removed(context.state.members, member)
  context.state.known = HashMap.remove(context.state.known, id)
  FailureDetector.endCheck(context, id)
  CrashLinks.forget(context, id)
  context.clearTimer(`respond:${id}`)
  context.clearTimer(Paths.proofKey(id))
  if (reason._tag !== "Replaced") {
    Tombstones.remember(context, id, {
      incarnation: member.incarnation,
      until: context.now.monotonic + Timing.tombstoneFor(context.state.timing),
      mayReturn: reason._tag !== "Left",
      nonce: "",
      askedAt: -Infinity
    })
  }
  context.emit({ event: "MemberRemoved", member, reason })
}

/** About how many members tell a server that it has said something else of itself since. */
const tellersWanted = 4

/**
 * What a member said of itself before a change may come late; or its machine was set back to before the change. So it is told, and
 * goes on above that.
 */
const tellOfChange = (context: StepContext, sender: Member.Member, from: Member.Address): void => {
  const known = HashMap.getUnsafe(context.state.known, sender.id)
  const { member, noticedAt } = known
  const revision = Description.forgotten(sender, member)
  if (revision === null || context.now.monotonic - noticedAt < Timing.leaderNoticeInterval) return
  if (context.random() * context.state.members.length >= tellersWanted) return
  context.state.known = HashMap.set(context.state.known, sender.id, { ...known, noticedAt: context.now.monotonic })
  Tombstones.sayKnown(context, { ...sender, revision }, known.heardAt, from)
}

/** Who speaks from the address of a member under a lower incarnation is that member with its clock set back: it is told. */
const tellOfLaterStart = (context: StepContext, known: Known, sender: Member.Member, from: Member.Address): void => {
  if (from.ip !== known.address.ip || from.port !== known.address.port) return
  if (context.now.monotonic - known.noticedAt < Timing.leaderNoticeInterval) return
  context.state.known = HashMap.set(context.state.known, known.member.id, {
    ...known,
    noticedAt: context.now.monotonic
  })
  Tombstones.sayKnown(context, { ...sender, incarnation: known.member.incarnation }, known.heardAt, from)
}
