/**
 * Who is silent for too long: it is asked directly, others are asked about it, and where nobody has heard of it, it must go.
 *
 * After Das, Gupta and Motivala, *SWIM* (2002), whose indirect probe it has.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import type { Check, Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as AnswerTimes from "./AnswerTimes.ts"
import * as Links from "./Links.ts"
import * as Witnesses from "./Witnesses.ts"

/**
 * Looks for members that have been silent for longer than their time-out and starts to ask them directly; forgets the
 * tombstones whose time is over.
 */
export const sweep = (context: StepContext): void => {
  const now = context.now.monotonic
  context.state.lag = { now: 0, before: context.state.lag.now }
  context.state.tombstones = HashMap.filter(context.state.tombstones, (tombstone) => tombstone.until > now)
  const isOverdue = (known: Known): boolean =>
    now - Witnesses.lastKnownAt(known) > Timing.overdue(context.expectedInterval(known))
  for (const known of those(context, (known) => isOverdue(known) || Links.isDeaf(known))) {
    Links.sweep(context, known)
    if (isOverdue(known)) check(context, known.member.id, { ofLead: false })
  }
}

/**
 * The few members of which something is true, highest rank first. All are looked at without looking each up by its id: that is
 * most of what it costs in a large group.
 */
const those = (context: StepContext, isOne: (known: Known) => boolean): ReadonlyArray<Known> => {
  const found: Array<Known> = []
  for (const known of HashMap.values(context.state.known)) if (isOne(known)) found.push(known)
  return found.sort((self, that) => Member.compareRank(that.member, self.member))
}

/**
 * Starts to ask one member directly, unless that is under way: five times, `probeTimeout` apart. Any word of its ends it.
 * `ofLead` where it is a leader that was missed.
 */
export const check = (context: StepContext, id: Member.NodeId, { ofLead }: Pick<Check, "ofLead">): void => {
  const asked = HashMap.get(context.state.checks, id)
  if (Option.isSome(asked)) {
    if (ofLead) context.state.checks = HashMap.set(context.state.checks, id, { ...asked.value, ofLead })
    return
  }
  const nonce = context.nonce()
  const now = context.now.monotonic
  AnswerTimes.asked(context, id, nonce)
  ask(context, id, { nonce, ...unasked, ofLead, since: now, askedAt: now })
}

const unasked = { tries: 0, refused: 0, linkRefused: false, refusedAt: -Infinity } as const

/** Asks one member at once, whether or not it is being asked already. */
export const askNow = (context: StepContext, id: Member.NodeId): void => {
  if (!isAsked(context, id)) return check(context, id, { ofLead: false })
  const { nonce } = HashMap.getUnsafe(context.state.checks, id)
  context.ask(id, HashMap.getUnsafe(context.state.known, id).address, { type: "SERVER_PROBE", nonce })
}

/** Whether a member is being asked: then nothing was heard of it since. */
export const isAsked = (context: StepContext, id: Member.NodeId): boolean => HashMap.has(context.state.checks, id)

/** Beside how many of the last questions others are asked, too. */
const indirectTries = 2

const ask = (context: StepContext, id: Member.NodeId, asked: Check): void => {
  const known = HashMap.getUnsafe(context.state.known, id)
  const next = { ...asked, tries: asked.tries + 1, askedAt: context.now.monotonic }
  context.state.checks = HashMap.set(context.state.checks, id, next)
  context.ask(id, known.address, { type: "SERVER_PROBE", nonce: asked.nonce })
  const gap = gapOf(context, next, known)
  context.setTimer(`check:${id}`, gap, { _tag: "Check", id })
  const left = Timing.probeTries - next.tries
  if (left < indirectTries) {
    Witnesses.askAbout(context, id, gap + left * context.state.timing.probeTimeout, asked.ofLead)
  }
}

/**
 * How long an answer to this question is waited for, in ms. The last question has `probeTimeout`: what was said earlier may have
 * met with a network that is well again. The others share the rest of the time for which this member is asked.
 */
const gapOf = (context: StepContext, { ofLead, tries }: Check, known: Known): number => {
  const { timing } = context.state
  // It has had all its time.
  if (tries >= Timing.probeTries || known.isSilent) return timing.probeTimeout
  const interval = context.expectedInterval(known)
  const patience = Timing.patience(timing, interval)
  // A member that is missed by a sweep is asked until its patience is over.
  const most = ofLead ? patience : patience - Timing.overdue(interval)
  return (AnswerTimes.asksFor(context, known, most) - timing.probeTimeout) / (Timing.probeTries - 1)
}

/** A member has been heard, or is gone: it is asked no more. */
export const endCheck = (context: StepContext, id: Member.NodeId): void => {
  if (!HashMap.has(context.state.checks, id)) return
  context.state.checks = HashMap.remove(context.state.checks, id)
  context.clearTimer(`check:${id}`)
}

/**
 * A member let a direct question go by: it is asked again, or was asked often enough. The reason where it must go now, or that
 * it leads no more here; who has not been silent for long enough stays, to be asked again by a later sweep.
 */
export const unanswered = (context: StepContext, id: Member.NodeId): Event.Reason | "LeadsNoMore" | null => {
  const asked = HashMap.getUnsafe(context.state.checks, id)
  const known = HashMap.getUnsafe(context.state.known, id)
  const late = context.now.monotonic - asked.askedAt - gapOf(context, asked, known)
  // Its answer may wait in the socket: this server did not run meanwhile.
  const isOverslept = late > context.state.timing.probeTimeout
  if (asked.tries < Timing.probeTries || isOverslept) {
    ask(context, id, isOverslept ? { ...asked, tries: asked.tries - 1 } : asked)
    return null
  }
  endCheck(context, id)
  // Others have been asked beside the last questions.
  const isSilent = Witnesses.lastKnownAt(known) < asked.since
  const unknownFor = context.now.monotonic - Witnesses.lastKnownAt(known)
  if (unknownFor <= Timing.patience(context.state.timing, context.expectedInterval(known))) {
    if (isSilent) context.state.known = HashMap.set(context.state.known, id, { ...known, isSilent })
    Links.notHeard(context, known)
    return isSilent && asked.ofLead ? "LeadsNoMore" : null
  }
  return {
    _tag: "Silent",
    for: Math.round(context.now.monotonic - known.heardAt),
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
  // One question may have been sent twice.
  const refused = Math.min(asked.tries, asked.refused + 1)
  return judge(context, id, { ...asked, refused, refusedAt: context.now.monotonic })
}

/**
 * The host of a member that is being asked refuses a connection to the port of its links. That is one of the refusals that
 * make a crash, and the other is one of its UDP port: without it, it is asked for that. The reason where it must go now.
 */
export const linkRefused = (context: StepContext, id: Member.NodeId): Event.Reason | null => {
  const asked = HashMap.getUnsafe(context.state.checks, id)
  const reason = judge(context, id, { ...asked, linkRefused: true, refusedAt: context.now.monotonic })
  if (reason !== null) return reason
  // What was asked just now may be refused in a moment.
  if (context.now.monotonic - asked.askedAt < refusalWithin) {
    context.setTimer(`refusal:${id}`, refusalWithin, { _tag: "AskForRefusal", id })
  } else askNow(context, id)
  return null
}

/** The UDP port of a member whose host refused the port of its links was asked, and has not refused: it is asked anew. */
export const askForRefusal = (context: StepContext, id: Member.NodeId): void => {
  if (isLinkRefused(context, id)) askNow(context, id)
}

/** How soon the host of a dead process says so, in ms, on a LAN. */
const refusalWithin = 3

/** Whether the host of a member that is being asked refused the port of its links. */
export const isLinkRefused = (context: StepContext, id: Member.NodeId): boolean =>
  Option.exists(HashMap.get(context.state.checks, id), (asked) => asked.linkRefused)

const judge = (context: StepContext, id: Member.NodeId, asked: Check): Event.Reason | null => {
  context.state.checks = HashMap.set(context.state.checks, id, asked)
  const { linkRefused, refused } = asked
  if (refused === 0 || refused + (linkRefused ? 1 : 0) < Timing.refusalsWanted) return null
  const { address: { ip, port }, member: { tcp } } = HashMap.getUnsafe(context.state.known, id)
  const evidence = linkRefused
    ? `${ip} refuses ports ${port} (UDP) and ${tcp} (TCP)`
    : `${ip} refuses port ${port}`
  return { _tag: "Crashed", evidence }
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
  const now = context.now.monotonic
  // One that is silent altogether is left to the sweeps.
  const isByUnicast = (known: Known): boolean =>
    known.heardAt !== known.multicastAt
    && now - known.multicastAt > Timing.patience(context.state.timing, context.expectedInterval(known))
  for (const known of those(context, isByUnicast)) {
    if (!known.unicastOnly && now - known.heardAt <= Timing.overdue(context.expectedInterval(known))) {
      context.state.known = HashMap.set(context.state.known, known.member.id, { ...known, unicastOnly: true })
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
