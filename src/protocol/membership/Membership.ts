/**
 * Who is there: what was heard makes members, silence and goodbyes unmake them, and those gone are remembered for a
 * while, so that what they said last does not bring them back.
 *
 * The functions work on a {@link StepContext.StepContext} and are used by `Step` alone. What a change of membership means for the lead
 * is decided there and in `BullyElection`.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Election from "../model/Election.ts"
import type * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Places from "../model/Places.ts"
import type * as Reign from "../model/Reign.ts"
import type { Check, Known, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Zone from "../model/Zone.ts"
import * as Identity from "./Identity.ts"
import * as Links from "./Links.ts"
import * as MemberLists from "./MemberLists.ts"
import * as Paths from "./Paths.ts"
import * as Relocation from "./Relocation.ts"
import * as Witnesses from "./Witnesses.ts"

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
 * be told otherwise: it may have moved, and is not reached everywhere at one address.
 */
export const contradicts = (context: StepContext, leader: Reign.Leader): boolean => {
  const { self } = context.state
  const member = leader.id === self.id ? self : Option.getOrUndefined(context.known(leader.id))?.member
  return member !== undefined && member.incarnation === leader.incarnation && member.priority !== leader.priority
}

/**
 * What hearing a server brought about: nothing (it was dropped), or its stamp is fresh, and it may be new (`joined`), in
 * place of an earlier start of its own (`replaced`). `elections` are the tags of those it took part in before.
 */
export interface Heard {
  readonly joined: boolean
  readonly replaced: Known | null
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
  if (isDeparted(context, message, from)) return null
  const before = Option.getOrUndefined(context.known(sender.id))
  if (before === undefined) {
    if (message.type === "SERVER_LEAVING") return null
    if (context.state.members.length >= context.state.timing.maxMembers) {
      context.drop("MembersFull")
      return null
    }
    join(context, message, from, via)
    return { joined: true, replaced: null, elections: none }
  }
  if (sender.incarnation < before.member.incarnation) {
    context.drop("Stale")
    tellOfLaterStart(context, before, sender, from)
    return null
  }
  if (sender.incarnation > before.member.incarnation) {
    remove(context, sender.id, { _tag: "Replaced", by: sender.incarnation })
    join(context, message, from, via)
    return { joined: true, replaced: before, elections: none }
  }
  const member = noteMove(context, before, message, from)
  refresh(context, { ...before, member, ...stamp(context, message, from, via, before) })
  noteProof(context, message)
  return { joined: false, replaced: null, elections: before.elections }
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
  context.state.members = context.state.members.map((other) => other.id === member.id ? member : other)
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

const stamp = (
  context: StepContext,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast",
  before: Pick<
    Known,
    | "address"
    | "alsoAt"
    | "moved"
    | "heardAt"
    | "multicastAt"
    | "interval"
    | "votesAt"
    | "sees"
    | "unicastUntil"
    | "elections"
  >
) => ({
  // What it said before it moved, and comes late, is a sign of life; but it is there no more.
  address: (message.moved ?? 0) < before.moved ? before.address : from,
  alsoAt: alsoAt(context, message.moved ?? 0, from, before),
  moved: Math.max(message.moved ?? 0, before.moved),
  heardAt: context.now.monotonic,
  via,
  multicastAt: via === "multicast" ? context.now.monotonic : before.multicastAt,
  through: null,
  interval: "interval" in message ? message.interval : before.interval,
  votesAt: message.type === "SERVER_ALIVE" ? context.now.monotonic + (message.silent ?? -Infinity) : before.votesAt,
  sees: message.type === "SERVER_ALIVE" ? message.sees ?? 0 : before.sees,
  // Who says a heartbeat by unicast does not hear ours by multicast.
  unicastUntil: via === "unicast" && message.type === "SERVER_ALIVE"
    ? deafUntil(context, message.interval)
    : before.unicastUntil,
  elections: electionsOf(message, before.elections)
})

const alsoAt = (
  context: StepContext,
  moved: number,
  from: Member.Address,
  before: Pick<Known, "address" | "alsoAt" | "moved" | "heardAt" | "interval">
): ReadonlyArray<Places.Place> => {
  if (moved !== before.moved) return moved > before.moved ? Places.none : before.alsoAt
  const until = before.heardAt + Timing.patience(context.state.timing, before.interval)
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
  endCheck(context, id)
}

const joinedVia = (type: Message.Message["type"]): Event.Via =>
  type === "SERVER_ALIVE"
    ? "heartbeat"
    : type === "SERVER_PROBE"
    ? "probe"
    : type === "SERVER_RESPONSE"
    ? "response"
    : "message"

const join = (
  context: StepContext,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const member = Zone.announced(message.sender, from)
  const { members } = context.state
  const at = members.findIndex((other) => Member.outranks(member, other))
  context.state.members = at < 0 ? [...members, member] : members.toSpliced(at, 0, member)
  context.state.known = HashMap.set(context.state.known, member.id, {
    member,
    // Nothing by multicast yet counts as just heard so: a newcomer's first heartbeat may still be on its way.
    ...stamp(context, message, from, via, {
      address: from,
      alsoAt: Places.none,
      moved: 0,
      heardAt: context.now.monotonic,
      multicastAt: context.now.monotonic,
      interval: context.state.timing.heartbeatInterval,
      votesAt: -Infinity,
      sees: 0,
      // One whom only a seed may have told of us may be where no multicast of ours comes.
      unicastUntil: via === "unicast" && context.state.contacts.seeds.length > 0
        ? deafUntil(context, context.state.timing.heartbeatInterval)
        : -Infinity,
      elections: none
    }),
    joinedAt: context.now.monotonic,
    hearsUsAt: -Infinity,
    proofAskedAt: -Infinity,
    witnessedAt: -Infinity,
    isLinkMissing: false,
    askedBy: { nonce: "", times: 0 },
    deafAt: -Infinity,
    unansweredAt: -Infinity,
    isReached: false,
    unicastOnly: false,
    differs: false,
    noticedAt: -Infinity,
    answered: ""
  })
  noteProof(context, message)
  context.emit({ event: "MemberJoined", member, via: joinedVia(message.type) })
}

/** Takes a member out of the view and remembers it. The one member must be there. */
export const remove = (context: StepContext, id: Member.NodeId, reason: Event.Reason): void => {
  const { member } = HashMap.getUnsafe(context.state.known, id)
  context.state.members = context.state.members.filter((other) => other.id !== id)
  context.state.known = HashMap.remove(context.state.known, id)
  endCheck(context, id)
  context.clearTimer(`respond:${id}`)
  context.clearTimer(Paths.proofKey(id))
  if (reason._tag !== "Replaced") {
    rememberDeparted(context, id, {
      incarnation: member.incarnation,
      until: context.now.monotonic + Timing.departedFor(context.state.timing),
      mayReturn: reason._tag !== "Left",
      nonce: "",
      askedAt: -Infinity
    })
  }
  context.emit({ event: "MemberRemoved", member, reason })
}

const rememberDeparted = (
  context: StepContext,
  id: Member.NodeId,
  departed: HashMap.HashMap.Value<State["departed"]>
): void => {
  let all = context.state.departed
  if (HashMap.size(all) >= context.state.timing.maxDeparted) {
    let oldest: Member.NodeId = id
    let until = Infinity
    for (const [other, its] of all) {
      if (its.until < until) {
        oldest = other
        until = its.until
      }
    }
    all = HashMap.remove(all, oldest)
    if (until > context.now.monotonic) context.drop("DepartedFull")
  }
  context.state.departed = HashMap.set(all, id, departed)
}

/** How often one that was removed for silence and is heard again is asked for each time that it is. */
const returnTries = 3

const returnKey = (id: Member.NodeId) => `return:${id}`

/** Whether this very start of a server was removed without a goodbye, and may return by answering. */
export const mayReturn = (
  context: StepContext,
  server: { readonly id: Member.NodeId; readonly incarnation: number }
): boolean => {
  const departed = Option.getOrUndefined(HashMap.get(context.state.departed, server.id))
  return departed !== undefined && departed.mayReturn && departed.incarnation === server.incarnation
}

/** Whether a message is one of the departed, whose late datagrams revive nobody: only an answer to a new question does. */
const isDeparted = (context: StepContext, message: Message.FromServer, from: Member.Address): boolean => {
  const { id, incarnation } = message.sender
  const departed = Option.getOrUndefined(HashMap.get(context.state.departed, id))
  if (departed === undefined) return false
  const forgotten = departed.until <= context.now.monotonic
  const answered = message.type === "SERVER_RESPONSE" && message.nonce === departed.nonce
  // A goodbye of a start that we never met returns nobody, and the departed stay remembered.
  const isLater = incarnation > departed.incarnation && message.type !== "SERVER_LEAVING"
  if (forgotten || isLater || (answered && incarnation === departed.incarnation)) {
    context.state.departed = HashMap.remove(context.state.departed, id)
    context.clearTimer(returnKey(id))
    return false
  }
  context.drop("Departed")
  const { probeTimeout } = context.state.timing
  if (message.type === "SERVER_LEAVING" || context.now.monotonic - departed.askedAt < returnTries * probeTimeout) {
    return true
  }
  const nonce = context.nonce()
  if (incarnation < departed.incarnation) {
    // It may have started again with its clock set back: it is told what it was known by, and goes on above that.
    sayKnown(context, { ...message.sender, incarnation: departed.incarnation }, 0, from)
  } else if (departed.mayReturn) {
    // Its next datagram may be a heartbeat away: the question, or its answer, may be lost before.
    const gaps = Array.from({ length: returnTries - 1 }, () => probeTimeout)
    context.sayOften(returnKey(id), { type: "SERVER_PROBE", nonce }, gaps, from)
  } else {
    return true
  }
  context.state.departed = HashMap.set(context.state.departed, id, {
    ...departed,
    nonce,
    askedAt: context.now.monotonic
  })
  return true
}

/** Who speaks from the address of a member under a lower incarnation is that member with its clock set back: it is told. */
const tellOfLaterStart = (context: StepContext, known: Known, sender: Member.Member, from: Member.Address): void => {
  if (from.ip !== known.address.ip || from.port !== known.address.port) return
  if (context.now.monotonic - known.noticedAt < Timing.noticeInterval) return
  context.state.known = HashMap.set(context.state.known, known.member.id, {
    ...known,
    noticedAt: context.now.monotonic
  })
  sayKnown(context, { ...sender, incarnation: known.member.incarnation }, known.heardAt, from)
}

/** Tells a server by what incarnation it is known: under the address that it says of itself, by which it knows itself. */
const sayKnown = (context: StepContext, known: Member.Member, heardAt: number, to: Member.Address): void =>
  context.send(to, MemberLists.only(context, known, heardAt, to))

// --- Health ---

/**
 * Looks for members that have been silent for longer than their time-out and starts to ask them directly; forgets the
 * departed whose time is over.
 */
export const sweep = (context: StepContext): void => {
  const now = context.now.monotonic
  context.state.lag = { now: 0, before: context.state.lag.now }
  context.state.departed = HashMap.filter(context.state.departed, (departed) => departed.until > now)
  for (const { id } of context.state.members) {
    const known = HashMap.getUnsafe(context.state.known, id)
    Links.sweep(context, known)
    if (now - Witnesses.lastKnownAt(known) > Timing.overdue(known.interval)) check(context, id, false)
  }
}

/**
 * Starts to ask one member directly, unless that is under way: five times, `probeTimeout` apart. Any word of its ends it.
 */
export const check = (context: StepContext, id: Member.NodeId, isHint: boolean): void => {
  const asked = HashMap.get(context.state.checks, id)
  if (Option.isNone(asked)) ask(context, id, { nonce: context.nonce(), tries: 0, refused: 0, isHint })
  else if (isHint) context.state.checks = HashMap.set(context.state.checks, id, { ...asked.value, isHint })
}

/** Beside how many of the last questions others are asked, too. */
const indirectTries = 2

const ask = (context: StepContext, id: Member.NodeId, asked: Check): void => {
  context.state.checks = HashMap.set(context.state.checks, id, { ...asked, tries: asked.tries + 1 })
  context.ask(id, HashMap.getUnsafe(context.state.known, id).address, { type: "SERVER_PROBE", nonce: asked.nonce })
  context.setTimer(`check:${id}`, context.state.timing.probeTimeout, { _tag: "Check", id })
  const left = Timing.probeTries - asked.tries
  if (left <= indirectTries) Witnesses.askAbout(context, id, left * context.state.timing.probeTimeout, asked.isHint)
}

const endCheck = (context: StepContext, id: Member.NodeId): void => {
  if (!HashMap.has(context.state.checks, id)) return
  context.state.checks = HashMap.remove(context.state.checks, id)
  context.clearTimer(`check:${id}`)
}

/**
 * A member let a direct question go by: it is asked again, or was asked often enough. The reason where it must go now; who
 * has not been silent for long enough stays, to be asked again by a later sweep.
 */
export const unanswered = (context: StepContext, id: Member.NodeId): Event.Reason | null => {
  const asked = HashMap.getUnsafe(context.state.checks, id)
  if (asked.tries < Timing.probeTries) {
    ask(context, id, asked)
    return null
  }
  const known = HashMap.getUnsafe(context.state.known, id)
  const silentFor = context.now.monotonic - known.heardAt
  const unknownFor = context.now.monotonic - Witnesses.lastKnownAt(known)
  endCheck(context, id)
  // Where another misses it too, it must have been heard since it was first asked.
  const { probeTimeout } = context.state.timing
  const isKept = asked.isHint
    ? unknownFor < Timing.probeTries * probeTimeout
    : unknownFor <= Timing.patience(context.state.timing, known.interval)
  if (isKept) {
    Links.notHeard(context, known)
    return null
  }
  return {
    _tag: "Silent",
    for: Math.round(silentFor),
    lastHeardOn: known.via,
    ownLag: Math.round(Math.max(context.state.lag.now, context.state.lag.before))
  }
}

/**
 * The host of a member says that nobody listens there. Once may be a socket that is just being opened anew; asked again
 * and refused again, the member is gone. The reason where it must go now.
 */
export const refused = (context: StepContext, id: Member.NodeId): Event.Reason | null => {
  const asked = Option.getOrUndefined(HashMap.get(context.state.checks, id))
  if (asked === undefined) return null
  const counted = { ...asked, refused: asked.refused + 1 }
  context.state.checks = HashMap.set(context.state.checks, id, counted)
  if (counted.refused < Timing.refusalsWanted) return null
  const { address } = HashMap.getUnsafe(context.state.known, id)
  return { _tag: "Crashed", evidence: `${address.ip} refuses port ${address.port}` }
}

/**
 * The last question to a member never left this host, as our own system refused: it counts as none, and is asked again. A
 * member is judged by its silence, not by ours.
 */
export const notAsked = (context: StepContext, id: Member.NodeId): void => {
  context.state.checks = HashMap.modify(
    context.state.checks,
    id,
    (asked) => ({ ...asked, tries: Math.max(0, asked.tries - 1) })
  )
}

/**
 * With each heartbeat: who has not been heard by multicast for as long as a member may be silent, but lives, is asked by
 * unicast. The question tells it of us, its answer us of it: so both are kept where a switch has forgotten the group.
 */
export const keepByUnicast = (context: StepContext): void => {
  // Without multicast of our own all are, and each gets our heartbeats.
  if (!context.state.timing.multicast) return
  for (const { id } of context.state.members) {
    const known = HashMap.getUnsafe(context.state.known, id)
    if (context.now.monotonic - known.multicastAt <= Timing.patience(context.state.timing, known.interval)) continue
    if (known.heardAt === known.multicastAt) continue
    // One that is silent altogether is left to the sweeps.
    if (!known.unicastOnly && context.now.monotonic - known.heardAt <= Timing.overdue(known.interval)) {
      context.state.known = HashMap.set(context.state.known, id, { ...known, unicastOnly: true })
      context.emit({ event: "UnicastOnly", member: known.member })
    }
    context.say(known.address, { type: "SERVER_PROBE", nonce: context.nonce() })
  }
}

/**
 * After a stall of that many ms: every stamp moves forward by it, so that nobody is judged for a time in which we could
 * not hear; and no question asked before counts.
 */
export const forgive = (context: StepContext, stalledFor: number): void => {
  const now = context.now.monotonic
  context.state.provenAt = Math.min(now, context.state.provenAt + stalledFor)
  context.state.known = HashMap.map(context.state.known, (known) => ({
    ...known,
    heardAt: Math.min(now, known.heardAt + stalledFor),
    witnessedAt: Math.min(now, known.witnessedAt + stalledFor),
    multicastAt: Math.min(now, known.multicastAt + stalledFor),
    hearsUsAt: Math.min(now, known.hearsUsAt + stalledFor)
  }))
  for (const [id] of context.state.checks) endCheck(context, id)
}
