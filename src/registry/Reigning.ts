/**
 * The reigns of this server's own: how one begins, when it must end, and how the key is given back.
 *
 * A reign rests on the newest renewal of the session that its key is bound to: it is over by the clock, `stopTimeout` before that
 * its work is ended, regardless of what the registry says or does not say. Where the watch shows the key gone, it is over at once.
 */
import type * as Event from "../protocol/model/Event.ts"
import type * as Lease from "../protocol/model/Lease.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Enclosing from "./Enclosing.ts"
import * as Mirror from "./Mirror.ts"
import { left, type RegistryContext } from "./RegistryContext.ts"
import * as Keys from "./RegistryKeys.ts"
import type * as RegistryState from "./RegistryState.ts"
import * as Values from "./RegistryValues.ts"

/** How long this server's session still lasts, in ms. */
const leftNow = (context: RegistryContext): number =>
  left(context.state.session, context.state.timing.drift, context.now)

/** Whether the leader's key of an election is of that reign of this server. */
const shows = ({ state: { mirror, self } }: RegistryContext, name: string, { term }: Reign.Reign): boolean => {
  const lead = Mirror.leader(mirror, name)?.read
  return lead?.term === term && Member.isSameStart(lead.leader, self)
}

/**
 * This server has the leader's key. It leads where it may, and there is time for work to run in and to end; else it gives the key
 * back. A reign that is over does not begin anew.
 */
export const begin = (context: RegistryContext, name: string, reign: Reign.Reign, session: string): void => {
  const { over, own } = context.election(name)
  if (own !== null || reign.term <= over || session !== context.state.session?.id) return
  // The answer came so late that others have led since.
  if ((Mirror.term(context.state.mirror, name)?.read ?? 0) > reign.term) return
  const isSeen = shows(context, name, reign)
  const { hasNoWork, ineligibility, overrun, withdrawn } = context.election(name)
  const mayLead = context.state.phase === "Live" && !context.state.isDisplaced && !hasNoWork && !overrun && !withdrawn
    && Enclosing.encloses(context, name, reign.term)
    && !(ineligibility.isFirm && ineligibility.until > context.now.monotonic)
    && leftNow(context) > context.state.timing.stopTimeout + 1
  const { sentAt, ttl } = context.state.session
  const ending: RegistryState.Ending | null = mayLead
    ? null
    : { cause: "Resigned", successor: null, granted: { sentAt, ttl }, finished: true, hadTime: true, isOver: true }
  context.change(name, { own: { reign, session, isSeen, ending } })
  if (ending !== null) return
  const named = Mirror.handover(context.state.mirror, name)?.read ?? null
  const last = context.election(name).last
  const wasNamed = named !== null && named.term === last?.term &&
    (named.cause === "Transferred" || named.cause === "Resigned")
  context.change(name, {
    heldUntil: wasNamed ? context.now.monotonic + context.state.timing.memberTimeout : -Infinity,
    ineligibility: ineligibility.isFirm ? ineligibility : { until: -Infinity, isFirm: false }
  })
}

/** Ends the work of a reign of this server; what follows, follows when that has ended. */
export const end = (
  context: RegistryContext,
  name: string,
  cause: Event.Cause,
  successor: Member.NodeId | null = null,
  isOver = false
): void => {
  const { own } = context.election(name)
  if (own === null || own.ending !== null || context.state.session === null) return
  const { sentAt, ttl } = context.state.session
  const ending = { cause, successor, granted: { sentAt, ttl }, finished: false, hadTime: false, isOver }
  context.change(name, { own: { ...own, ending } })
  context.outputs.push({ _tag: "EndWork", election: name })
}

const changeEnding = (context: RegistryContext, name: string, change: Partial<RegistryState.Ending>): void => {
  const { own } = context.election(name)
  if (own !== null && own.ending !== null) {
    context.change(name, { own: { ...own, ending: { ...own.ending, ...change } } })
  }
}

/** The work has ended, or has had its time: then what it holds is given back when it is over by the clock. */
export const workEnded = (context: RegistryContext, name: string, finished: boolean): void => {
  const { own } = context.election(name)
  if (own === null || own.ending === null || own.ending.finished) return
  if (finished) return changeEnding(context, name, { finished: true })
  // Nothing is renewed for what is not given back.
  if (context.state.phase === "Leaving") {
    context.state.leavesWork = true
    return forget(context, name)
  }
  changeEnding(context, name, { hadTime: true })
  context.outputs.push({ _tag: "AwaitIdle", election: name, term: own.reign.term })
}

/** None of the work runs any more. */
export const workIdle = (context: RegistryContext, name: string, term: number): void => {
  if (context.election(name).own?.reign.term === term) changeEnding(context, name, { finished: true })
}

/** The reign is over, and with it all that this server knows of it. */
export const forget = (context: RegistryContext, name: string): void => {
  const { over, own } = context.election(name)
  if (own === null) return
  context.over.set(name, own.ending?.cause ?? "LeaseLost")
  context.change(name, { own: null, over: Math.max(over, own.reign.term) })
}

/** Before anything else in a step: what is over by the clock is. */
export const expire = (context: RegistryContext): void => {
  const { stopTimeout } = context.state.timing
  const rest = leftNow(context)
  for (const name of context.elections) {
    const { own } = context.election(name)
    if (own === null) continue
    if (own.ending === null) {
      // A timer fires on whole ms: the last one is left to the work.
      if (rest <= 0) end(context, name, "LeaseLost", null, true)
      else if (rest < stopTimeout + 1) end(context, name, "LeaseLost")
      else context.isPast(context.now.monotonic + Math.max(1, Math.floor(rest - stopTimeout)))
    }
    const { ending } = context.election(name).own!
    if (ending === null) continue
    const leftOf = left(ending.granted, context.state.timing.drift, context.now)
    if (leftOf <= 0) changeEnding(context, name, { isOver: true })
    else context.isPast(context.now.monotonic + Math.ceil(leftOf))
  }
}

/**
 * What the watch and the session say of the reigns of this server: whether their keys are seen, and whether they are gone. A
 * picture shows the newest term of an election, so one that shows a term before ours was taken before we had the key.
 */
export const look = (context: RegistryContext, isPicture: boolean): void => {
  for (const name of context.elections) {
    const { own } = context.election(name)
    if (own === null) {
      adopt(context, name)
      continue
    }
    const { mirror, session } = context.state
    const isShown = shows(context, name, own.reign)
    const term = Mirror.term(mirror, name)?.read ?? 0
    const shownTerm = Mirror.leader(mirror, name)?.read?.term ?? 0
    const isGone = own.session !== session?.id
      || (!isShown && (own.isSeen || shownTerm > own.reign.term || (isPicture && term >= own.reign.term)))
    if (isGone) {
      forget(context, name)
    } else if (isShown && !own.isSeen) context.change(name, { own: { ...own, isSeen: true } })
  }
}

/** The watch shows a lead of this server that it does not know of: the answer was lost, or comes later. */
const adopt = (context: RegistryContext, name: string): void => {
  const entry = Mirror.leader(context.state.mirror, name)
  const lead = entry?.read ?? null
  if (
    entry === null || entry.session === null || lead === null || !Member.isSameStart(lead.leader, context.state.self)
  ) return
  const { over, returned } = context.election(name)
  const reign = { term: lead.term, leader: lead.leader }
  if (reign.term > over) return begin(context, name, reign, entry.session)
  if (entry.session !== context.state.session?.id || reign.term === returned) return
  // With the session all of it goes at once.
  if (context.state.phase === "Leaving") return
  // The session was taken for over, and is not: nobody leads by its key, so it is given back.
  context.change(name, { own: { reign, session: entry.session, isSeen: true, ending: null } })
  end(context, name, "LeaseLost", null, true)
}

/** A leader makes way for a candidate that outranks it, where both are set to do so. */
export const makeWay = (context: RegistryContext, name: string, candidates: ReadonlyArray<Candidate>): void => {
  const { heldUntil, own } = context.election(name)
  const { self, timing } = context.state
  if (own === null || own.ending !== null || !timing.preempt) return
  const best = candidates.find(({ member, says }) => says.preempts && Member.outranks(member, self, name))
  if (best !== undefined && context.isPast(heldUntil)) end(context, name, "HigherRank", best.member.id)
}

/** A member that takes part in an election. */
export interface Candidate {
  readonly member: Member.Member
  readonly says: Values.Candidate
}

/** Gives back the key of a reign whose work has ended, or had all the time that it rested on. */
export const release = (context: RegistryContext, name: string): void => {
  const { own } = context.election(name)
  if (own === null || own.ending === null) return
  const { cause, finished, granted, hadTime, successor } = own.ending
  // A wall clock that was set forward ends a reign at once, and leaves its work no time: that it has all the same.
  if (!finished && !hadTime) return
  if (!finished && left(granted, context.state.timing.drift, context.now) > 0) return
  // With the session all of it goes at once.
  if (context.state.phase === "Leaving" && cause !== "Transferred") return forget(context, name)
  const entry = Mirror.leader(context.state.mirror, name)
  if (entry === null || !own.isSeen || !context.state.isWatching || !context.isFree(`lead ${name}`)) return
  context.commit(`lead ${name}`, { _tag: "Release", election: name, term: own.reign.term }, {
    if: [{ key: entry.key, version: entry.version }],
    put: [{
      key: Keys.handover(name),
      value: Values.write("Handover", { term: own.reign.term, cause, successor }),
      bound: false
    }],
    remove: [entry.key]
  })
}

/** Whether the clocks of a server say that its session lasts. */
export const lasts = (
  { session, timing }: Pick<RegistryState.State, "session" | "timing">,
  now: Lease.Readings
): boolean => left(session, timing.drift, now) > 0
