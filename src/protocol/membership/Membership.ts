/**
 * Who is there: what was heard makes members, silence and goodbyes unmake them, and those gone are remembered for a
 * while, so that what they said last does not bring them back.
 *
 * The functions work on a {@link Turn.Turn} and are used by `Step` alone. What a change of membership means for the lead
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
import * as Rules from "../model/Rules.ts"
import type { Check, Known, State, Turn } from "../model/Turn.ts"
import * as Zone from "../model/Zone.ts"
import * as Identity from "./Identity.ts"
import * as Links from "./Links.ts"
import * as MemberLists from "./MemberLists.ts"
import * as Paths from "./Paths.ts"
import * as Relocation from "./Relocation.ts"
import * as Witnesses from "./Witnesses.ts"

/** Whether this very start of a server is a member. */
export const holds = (turn: Turn, server: { readonly id: Member.NodeId; readonly incarnation: number }): boolean => {
  const known = turn.known(server.id)
  return Option.isSome(known) && known.value.member.incarnation === server.incarnation
}

/**
 * Whether what somebody says of the rank of a leader contradicts what that very start of it says of itself. Where it is may
 * be told otherwise: it may have moved, and is not reached everywhere at one address.
 */
export const contradicts = (turn: Turn, leader: Reign.Leader): boolean => {
  const { self } = turn.state
  const member = leader.id === self.id ? self : Option.getOrUndefined(turn.known(leader.id))?.member
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
export const reachedAt = (turn: Turn, message: Message.FromServer, from: Member.Address): Member.Address => {
  if (message.type !== "SERVER_PROBE" || message.port === undefined) return from
  const address = Option.getOrUndefined(turn.known(message.sender.id))?.address
  return address?.ip === from.ip ? address : { ip: from.ip, port: message.port }
}

/**
 * Takes note of a message from a server: any valid one refreshes it, an unknown one becomes a member, a higher
 * incarnation replaces a lower one. Null where it must not be acted on.
 */
export const hear = (
  turn: Turn,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast"
): Heard | null => {
  const { sender } = message
  if (sender.id === turn.state.self.id) {
    Identity.heard(turn, sender, from)
    return null
  }
  if (isDeparted(turn, message, from)) return null
  const before = Option.getOrUndefined(turn.known(sender.id))
  if (before === undefined) {
    if (message.type === "SERVER_LEAVING") return null
    if (turn.state.members.length >= turn.state.rules.maxMembers) {
      turn.drop("MembersFull")
      return null
    }
    join(turn, message, from, via)
    return { joined: true, replaced: null, elections: none }
  }
  if (sender.incarnation < before.member.incarnation) {
    turn.drop("Stale")
    tellOfLaterStart(turn, before, sender, from)
    return null
  }
  if (sender.incarnation > before.member.incarnation) {
    remove(turn, sender.id, { _tag: "Replaced", by: sender.incarnation })
    join(turn, message, from, via)
    return { joined: true, replaced: before, elections: none }
  }
  const member = noteMove(turn, before, message, from)
  refresh(turn, { ...before, member, ...stamp(turn, message, from, via, before) })
  noteProof(turn, message)
  return { joined: false, replaced: null, elections: before.elections }
}

const noteProof = (turn: Turn, message: Message.FromServer): void => {
  if (Paths.provesHearing(turn.state.self, message)) Paths.noteHeardBy(turn, message.sender.id)
}

const none: ReadonlyArray<string> = []

/** A member that has moved announces another address: from then on it is the member's. */
const noteMove = (
  turn: Turn,
  { member: before, moved }: Known,
  message: Message.FromServer,
  from: Member.Address
): Member.Member => {
  const { ip, port } = Zone.announced(message.sender, from)
  if ((message.moved ?? 0) <= moved || (ip === before.ip && port === before.port)) return before
  const member = { ...before, ip, port }
  turn.state.members = turn.state.members.map((other) => other.id === member.id ? member : other)
  Relocation.tell(turn, before, member)
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
  turn: Turn,
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
  alsoAt: alsoAt(turn, message.moved ?? 0, from, before),
  moved: Math.max(message.moved ?? 0, before.moved),
  heardAt: turn.now.monotonic,
  via,
  multicastAt: via === "multicast" ? turn.now.monotonic : before.multicastAt,
  through: null,
  interval: "interval" in message ? message.interval : before.interval,
  votesAt: message.type === "SERVER_ALIVE" ? turn.now.monotonic + (message.silent ?? -Infinity) : before.votesAt,
  sees: message.type === "SERVER_ALIVE" ? message.sees ?? 0 : before.sees,
  // Who says a heartbeat by unicast does not hear ours by multicast.
  unicastUntil: via === "unicast" && message.type === "SERVER_ALIVE"
    ? deafUntil(turn, message.interval)
    : before.unicastUntil,
  elections: electionsOf(message, before.elections)
})

const alsoAt = (
  turn: Turn,
  moved: number,
  from: Member.Address,
  before: Pick<Known, "address" | "alsoAt" | "moved" | "heardAt" | "interval">
): ReadonlyArray<Places.Place> => {
  if (moved !== before.moved) return moved > before.moved ? Places.none : before.alsoAt
  const until = before.heardAt + Rules.patience(turn.state.rules, before.interval)
  return Places.besides(before.alsoAt, { address: before.address, until }, from)
}

/** Twice as long as it takes to notice for oneself that a member is heard by unicast only. */
const deafUntil = (turn: Turn, interval: number): number =>
  turn.now.monotonic + 2 * Rules.patience(turn.state.rules, interval)

const refresh = (turn: Turn, before: Known): void => {
  const known = Links.heard(turn, before)
  const id = known.member.id
  turn.state.known = HashMap.set(
    turn.state.known,
    id,
    known.via === "multicast" && known.unicastOnly ? { ...known, unicastOnly: false } : known
  )
  endCheck(turn, id)
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
  turn: Turn,
  message: Message.FromServer,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const member = Zone.announced(message.sender, from)
  const { members } = turn.state
  const at = members.findIndex((other) => Member.outranks(member, other))
  turn.state.members = at < 0 ? [...members, member] : members.toSpliced(at, 0, member)
  turn.state.known = HashMap.set(turn.state.known, member.id, {
    member,
    // Nothing by multicast yet counts as just heard so: a newcomer's first heartbeat may still be on its way.
    ...stamp(turn, message, from, via, {
      address: from,
      alsoAt: Places.none,
      moved: 0,
      heardAt: turn.now.monotonic,
      multicastAt: turn.now.monotonic,
      interval: turn.state.rules.heartbeatInterval,
      votesAt: -Infinity,
      sees: 0,
      // One whom only a seed may have told of us may be where no multicast of ours comes.
      unicastUntil: via === "unicast" && turn.state.contacts.seeds.length > 0
        ? deafUntil(turn, turn.state.rules.heartbeatInterval)
        : -Infinity,
      elections: none
    }),
    joinedAt: turn.now.monotonic,
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
  noteProof(turn, message)
  turn.emit({ event: "MemberJoined", member, via: joinedVia(message.type) })
}

/** Takes a member out of the view and remembers it. The one member must be there. */
export const remove = (turn: Turn, id: Member.NodeId, reason: Event.Reason): void => {
  const { member } = HashMap.getUnsafe(turn.state.known, id)
  turn.state.members = turn.state.members.filter((other) => other.id !== id)
  turn.state.known = HashMap.remove(turn.state.known, id)
  endCheck(turn, id)
  turn.clearTimer(`respond:${id}`)
  turn.clearTimer(Paths.proofKey(id))
  if (reason._tag !== "Replaced") {
    rememberDeparted(turn, id, {
      incarnation: member.incarnation,
      until: turn.now.monotonic + Rules.departedFor(turn.state.rules),
      mayReturn: reason._tag !== "Left",
      nonce: "",
      askedAt: -Infinity
    })
  }
  turn.emit({ event: "MemberRemoved", member, reason })
}

const rememberDeparted = (
  turn: Turn,
  id: Member.NodeId,
  departed: HashMap.HashMap.Value<State["departed"]>
): void => {
  let all = turn.state.departed
  if (HashMap.size(all) >= turn.state.rules.maxDeparted) {
    let oldest: Member.NodeId = id
    let until = Infinity
    for (const [other, its] of all) {
      if (its.until < until) {
        oldest = other
        until = its.until
      }
    }
    all = HashMap.remove(all, oldest)
    if (until > turn.now.monotonic) turn.drop("DepartedFull")
  }
  turn.state.departed = HashMap.set(all, id, departed)
}

/** How often one that was removed for silence and is heard again is asked for each time that it is. */
const returnTries = 3

const returnKey = (id: Member.NodeId) => `return:${id}`

/** Whether this very start of a server was removed without a goodbye, and may return by answering. */
export const mayReturn = (
  turn: Turn,
  server: { readonly id: Member.NodeId; readonly incarnation: number }
): boolean => {
  const departed = Option.getOrUndefined(HashMap.get(turn.state.departed, server.id))
  return departed !== undefined && departed.mayReturn && departed.incarnation === server.incarnation
}

/** Whether a message is one of the departed, whose late datagrams revive nobody: only an answer to a new question does. */
const isDeparted = (turn: Turn, message: Message.FromServer, from: Member.Address): boolean => {
  const { id, incarnation } = message.sender
  const departed = Option.getOrUndefined(HashMap.get(turn.state.departed, id))
  if (departed === undefined) return false
  const forgotten = departed.until <= turn.now.monotonic
  const answered = message.type === "SERVER_RESPONSE" && message.nonce === departed.nonce
  // A goodbye of a start that we never met returns nobody, and the departed stay remembered.
  const isLater = incarnation > departed.incarnation && message.type !== "SERVER_LEAVING"
  if (forgotten || isLater || (answered && incarnation === departed.incarnation)) {
    turn.state.departed = HashMap.remove(turn.state.departed, id)
    turn.clearTimer(returnKey(id))
    return false
  }
  turn.drop("Departed")
  const { probeTimeout } = turn.state.rules
  if (message.type === "SERVER_LEAVING" || turn.now.monotonic - departed.askedAt < returnTries * probeTimeout) {
    return true
  }
  const nonce = turn.nonce()
  if (incarnation < departed.incarnation) {
    // It may have started again with its clock set back: it is told what it was known by, and goes on above that.
    sayKnown(turn, { ...message.sender, incarnation: departed.incarnation }, 0, from)
  } else if (departed.mayReturn) {
    // Its next datagram may be a heartbeat away: the question, or its answer, may be lost before.
    const gaps = Array.from({ length: returnTries - 1 }, () => probeTimeout)
    turn.sayOften(returnKey(id), { type: "SERVER_PROBE", nonce }, gaps, from)
  } else {
    return true
  }
  turn.state.departed = HashMap.set(turn.state.departed, id, { ...departed, nonce, askedAt: turn.now.monotonic })
  return true
}

/** Who speaks from the address of a member under a lower incarnation is that member with its clock set back: it is told. */
const tellOfLaterStart = (turn: Turn, known: Known, sender: Member.Member, from: Member.Address): void => {
  if (from.ip !== known.address.ip || from.port !== known.address.port) return
  if (turn.now.monotonic - known.noticedAt < Rules.noticeInterval) return
  turn.state.known = HashMap.set(turn.state.known, known.member.id, { ...known, noticedAt: turn.now.monotonic })
  sayKnown(turn, { ...sender, incarnation: known.member.incarnation }, known.heardAt, from)
}

/** Tells a server by what incarnation it is known: under the address that it says of itself, by which it knows itself. */
const sayKnown = (turn: Turn, known: Member.Member, heardAt: number, to: Member.Address): void =>
  turn.send(to, MemberLists.only(turn, known, heardAt, to))

// --- Health ---

/**
 * Looks for members that have been silent for longer than their time-out and starts to ask them directly; forgets the
 * departed whose time is over.
 */
export const sweep = (turn: Turn): void => {
  const now = turn.now.monotonic
  turn.state.lag = { now: 0, before: turn.state.lag.now }
  turn.state.departed = HashMap.filter(turn.state.departed, (departed) => departed.until > now)
  for (const { id } of turn.state.members) {
    const known = HashMap.getUnsafe(turn.state.known, id)
    Links.sweep(turn, known)
    if (now - Witnesses.lastKnownAt(known) > Rules.overdue(known.interval)) check(turn, id, false)
  }
}

/**
 * Starts to ask one member directly, unless that is under way: five times, `probeTimeout` apart. Any word of its ends it.
 */
export const check = (turn: Turn, id: Member.NodeId, isHint: boolean): void => {
  const asked = HashMap.get(turn.state.checks, id)
  if (Option.isNone(asked)) ask(turn, id, { nonce: turn.nonce(), tries: 0, refused: 0, isHint })
  else if (isHint) turn.state.checks = HashMap.set(turn.state.checks, id, { ...asked.value, isHint })
}

/** Beside how many of the last questions others are asked, too. */
const indirectTries = 2

const ask = (turn: Turn, id: Member.NodeId, asked: Check): void => {
  turn.state.checks = HashMap.set(turn.state.checks, id, { ...asked, tries: asked.tries + 1 })
  turn.ask(id, HashMap.getUnsafe(turn.state.known, id).address, { type: "SERVER_PROBE", nonce: asked.nonce })
  turn.setTimer(`check:${id}`, turn.state.rules.probeTimeout, { _tag: "Check", id })
  const left = Rules.probeTries - asked.tries
  if (left <= indirectTries) Witnesses.askAbout(turn, id, left * turn.state.rules.probeTimeout, asked.isHint)
}

const endCheck = (turn: Turn, id: Member.NodeId): void => {
  if (!HashMap.has(turn.state.checks, id)) return
  turn.state.checks = HashMap.remove(turn.state.checks, id)
  turn.clearTimer(`check:${id}`)
}

/**
 * A member let a direct question go by: it is asked again, or was asked often enough. The reason where it must go now; who
 * has not been silent for long enough stays, to be asked again by a later sweep.
 */
export const unanswered = (turn: Turn, id: Member.NodeId): Event.Reason | null => {
  const asked = HashMap.getUnsafe(turn.state.checks, id)
  if (asked.tries < Rules.probeTries) {
    ask(turn, id, asked)
    return null
  }
  const known = HashMap.getUnsafe(turn.state.known, id)
  const silentFor = turn.now.monotonic - known.heardAt
  const unknownFor = turn.now.monotonic - Witnesses.lastKnownAt(known)
  endCheck(turn, id)
  // Where another misses it too, it must have been heard since it was first asked.
  const { probeTimeout } = turn.state.rules
  const isKept = asked.isHint
    ? unknownFor < Rules.probeTries * probeTimeout
    : unknownFor <= Rules.patience(turn.state.rules, known.interval)
  if (isKept) {
    Links.notHeard(turn, known)
    return null
  }
  return {
    _tag: "Silent",
    for: Math.round(silentFor),
    lastHeardOn: known.via,
    ownLag: Math.round(Math.max(turn.state.lag.now, turn.state.lag.before))
  }
}

/**
 * The host of a member says that nobody listens there. Once may be a socket that is just being opened anew; asked again
 * and refused again, the member is gone. The reason where it must go now.
 */
export const refused = (turn: Turn, id: Member.NodeId): Event.Reason | null => {
  const asked = Option.getOrUndefined(HashMap.get(turn.state.checks, id))
  if (asked === undefined) return null
  const counted = { ...asked, refused: asked.refused + 1 }
  turn.state.checks = HashMap.set(turn.state.checks, id, counted)
  if (counted.refused < Rules.refusalsWanted) return null
  const { address } = HashMap.getUnsafe(turn.state.known, id)
  return { _tag: "Crashed", evidence: `${address.ip} refuses port ${address.port}` }
}

/**
 * The last question to a member never left this host, as our own system refused: it counts as none, and is asked again. A
 * member is judged by its silence, not by ours.
 */
export const notAsked = (turn: Turn, id: Member.NodeId): void => {
  turn.state.checks = HashMap.modify(
    turn.state.checks,
    id,
    (asked) => ({ ...asked, tries: Math.max(0, asked.tries - 1) })
  )
}

/**
 * With each heartbeat: who has not been heard by multicast for as long as a member may be silent, but lives, is asked by
 * unicast. The question tells it of us, its answer us of it: so both are kept where a switch has forgotten the group.
 */
export const keepByUnicast = (turn: Turn): void => {
  // Without multicast of our own all are, and each gets our heartbeats.
  if (!turn.state.rules.multicast) return
  for (const { id } of turn.state.members) {
    const known = HashMap.getUnsafe(turn.state.known, id)
    if (turn.now.monotonic - known.multicastAt <= Rules.patience(turn.state.rules, known.interval)) continue
    if (known.heardAt === known.multicastAt) continue
    // One that is silent altogether is left to the sweeps.
    if (!known.unicastOnly && turn.now.monotonic - known.heardAt <= Rules.overdue(known.interval)) {
      turn.state.known = HashMap.set(turn.state.known, id, { ...known, unicastOnly: true })
      turn.emit({ event: "UnicastOnly", member: known.member })
    }
    turn.say(known.address, { type: "SERVER_PROBE", nonce: turn.nonce() })
  }
}

/**
 * After a stall of that many ms: every stamp moves forward by it, so that nobody is judged for a time in which we could
 * not hear; and no question asked before counts.
 */
export const forgive = (turn: Turn, stalledFor: number): void => {
  const now = turn.now.monotonic
  turn.state.provenAt = Math.min(now, turn.state.provenAt + stalledFor)
  turn.state.known = HashMap.map(turn.state.known, (known) => ({
    ...known,
    heardAt: Math.min(now, known.heardAt + stalledFor),
    witnessedAt: Math.min(now, known.witnessedAt + stalledFor),
    multicastAt: Math.min(now, known.multicastAt + stalledFor),
    hearsUsAt: Math.min(now, known.hearsUsAt + stalledFor)
  }))
  for (const [id] of turn.state.checks) endCheck(turn, id)
}
