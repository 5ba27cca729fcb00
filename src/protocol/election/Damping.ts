/**
 * A server that takes and loses the lead again and again moves the work of the whole group each time. So one that lost a
 * lead against its will waits before it takes the lead from another again, each time twice as long, up to a bound; and
 * from the second loss on it goes last for a vacant place. Compare route flap damping (RFC 2439).
 *
 * It goes last, but it does go: it may be the only one that can lead. And all of this only makes a server stand later, or
 * keep an objection to itself, so no two lead that would not have without it.
 */
import * as Paths from "../membership/Paths.ts"
import * as Stability from "../membership/Stability.ts"
import type * as Event from "../model/Event.ts"
import * as Losses from "../model/Losses.ts"
import * as Member from "../model/Member.ts"
import type * as Reign from "../model/Reign.ts"
import type { StepContext } from "../model/StepContext.ts"
import type * as ElectionContext from "./ElectionContext.ts"

type Context = ElectionContext.ElectionContext

/** Of how many members at most a server asks whether they hear it, each heartbeat. */
const sample = 16

/** The part of them that has to answer. With one in ten datagrams lost each way, four in five do. */
const mostOf = 0.75

const now = (election: Context): number => election.context.now.monotonic

/** Whether it lost a lead, and has not yet waited for as long as that takes. */
const waits = (election: Context): boolean =>
  now(election) < Losses.until(election.register.losses, election.state.timing)

/** One loss alone leaves a server its place among those who stand for a vacant one. */
const isLast = (election: Context): boolean => election.register.losses.count > 1 && waits(election)

/** Whether this server may depose a healthy leader whom it outranks. */
export const mayPreempt = (election: Context): boolean => Stability.mayPreempt(election.context) && !waits(election)

/**
 * Whether this server objects to one that it outranks and that stands. While it follows a leader, one that may not take its
 * place has no claim of its own; while nobody leads, one that goes last has none.
 */
export const objects = (election: Context): boolean =>
  election.register.reign === null ? !isLast(election) : !election.state.newcomer && !waits(election)

/** Whether this server has lost a lead that is not forgiven: it takes its turn without being called. */
export const hasLost = (election: Context): boolean => election.register.losses.count > 0

/**
 * How long until this server may stand for the vacant place, in ms: at most `coordinatorTimeout` from when it fell vacant. 0
 * where it is nobody's last, sees nobody else, or was handed the lead.
 */
export const standsIn = (election: Context): number => {
  const { register: { losses, reign, vacancy }, state: { self } } = election
  const isHeir = vacancy.cause === "Transferred" && vacancy.successor === self.id
  return reign !== null || isHeir || election.others.length === 0 || !isLast(election)
    ? 0
    : Math.max(0, Math.ceil(losses.lastUntil - now(election)))
}

/**
 * Whether this server, which has lost the lead more than once, sees others and has no sign of this very moment that any of
 * them hears it. Where most of what it says is lost, it would lead nobody, or for a moment.
 */
export const isCutOff = (election: Context): boolean => {
  const { provenAt, timing } = election.state
  return isLast(election) && election.others.length > 0 &&
    now(election) - provenAt > timing.heartbeatInterval + timing.probeTimeout
}

/** The causes by which a server loses a lead against its will. */
const losing: ReadonlySet<Event.Cause> = new Set(["MajorityLost", "TooFewMembers", "LeaseLost", "Stalled", "Unheard"])

/** After these a leader may live all the same. */
const mayLive: ReadonlySet<Event.Cause> = new Set(["Silent", "Deaf"])

const lose = (election: Context): void => {
  const losses = Losses.forgiven(election.register.losses, election.state.timing, now(election))
  election.change({
    losses: {
      ...losses,
      count: Math.min(Losses.maxLosses, losses.count + 1),
      lostAt: now(election),
      wholeSince: now(election),
      askedAt: null,
      deposing: null,
      givenUp: null
    }
  })
}

/** The place falls vacant, for this cause. To be called while the register still has the reign that ends. */
export const onVacant = (election: Context, cause: Event.Cause): void => {
  const { reign } = election.register
  if (election.leads && losing.has(cause)) lose(election)
  else if (!election.leads && mayLive.has(cause)) {
    election.change({ losses: { ...election.register.losses, givenUp: reign!.leader } })
  }
  const { losses } = election.register
  if (losses.count > 0) {
    election.change({ losses: { ...losses, lastUntil: now(election) + election.state.timing.coordinatorTimeout } })
  }
}

/**
 * A reign is followed. To be called while the register still has the one before: if that was this server's own, or one that it
 * had asked to make way, somebody of a lower rank has come to lead while it lived. Or its own reign ends since the leader that it
 * had given up lives.
 */
export const onFollowed = (election: Context, reign: Reign.Reign): void => {
  const { leader } = reign
  const { ending, last, losses } = election.register
  if (leader.id === election.state.self.id) {
    if (losses.deposing !== null) election.change({ losses: { ...losses, deposing: null } })
    return
  }
  const inVain = last !== null && losses.deposing?.term === last.term
  const isReplaced = election.leads && (ending === null || losing.has(ending))
  const wasMistaken = isReplaced && losses.givenUp !== null && Member.isSameStart(losses.givenUp, leader)
  const isLower = election.outranks(election.state.self, election.rankOf(reign))
  if (((isReplaced || inVain) && isLower) || wasMistaken) return lose(election)
  if (losses.givenUp !== null) election.change({ losses: { ...losses, givenUp: null } })
}

/**
 * This server leads, and another of a lower rank has come to lead by a greater reign. The first time it may take that as the
 * two halves of a split that meet: the highest ranked leader leads on. Answers whether it is the first time.
 */
export const forgivesFirst = (election: Context): boolean => {
  if (Losses.forgiven(election.register.losses, election.state.timing, now(election)).count > 0) return false
  lose(election)
  return true
}

/** The leader has been asked to make way for this server. */
export const onAsked = (election: Context): void =>
  election.change({ losses: { ...election.register.losses, deposing: election.register.reign } })

/** This server was paused: it was not heard meanwhile. */
export const onPause = (election: Context): void => notWhole(election, null)

const notWhole = (election: Context, askedAt: number | null): void => {
  const losses = Losses.forgiven(election.register.losses, election.state.timing, now(election))
  if (losses.count > 0) election.change({ losses: { ...losses, wholeSince: now(election), askedAt } })
}

/** With each heartbeat, one that lost a lead and does not lead looks who has answered since the last, and asks again. */
export const heartbeat = (context: StepContext, elections: ReadonlyArray<Context>): void => {
  if (context.state.phase === "Leaving") return
  let asks = false
  for (const election of elections) {
    const losses = Losses.forgiven(election.register.losses, context.state.timing, context.now.monotonic)
    if (losses !== election.register.losses) election.change({ losses })
    if (losses.count === 0) continue
    if (election.leads) election.change({ losses: { ...losses, askedAt: null } })
    else {
      asks = true
      if (losses.askedAt !== null && !isHeardSince(context, losses.askedAt)) notWhole(election, context.now.monotonic)
      else election.change({ losses: { ...losses, askedAt: context.now.monotonic } })
    }
  }
  if (!asks) return
  for (const { id } of asked(context)) {
    // What proves the path to it proves this as well.
    if (!Paths.isAsked(context, id)) context.sayTo(id, { type: "SERVER_PROBE", nonce: context.nonce() })
  }
}

const asked = (context: StepContext) => context.state.members.slice(0, sample)

/** Whether most of the members that were asked have proved since that they hear this server. One that sees nobody is not heard. */
const isHeardSince = (context: StepContext, since: number): boolean => {
  const members = asked(context)
  const heard = members.filter(({ id }) => Paths.wasHeardBy(context, id, since))
  return members.length > 0 && heard.length >= mostOf * members.length
}
