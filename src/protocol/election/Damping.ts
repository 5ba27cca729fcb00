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
import type { Turn } from "../model/Turn.ts"
import type * as Contest from "./Contest.ts"

type At = Contest.Contest

/** Of how many members at most a server asks whether they hear it, each heartbeat. */
const sample = 16

/** The part of them that has to answer. With one in ten datagrams lost each way, four in five do. */
const mostOf = 0.75

const now = (at: At): number => at.turn.now.monotonic

/** Whether it lost a lead, and has not yet waited for as long as that takes. */
const waits = (at: At): boolean => now(at) < Losses.until(at.election.losses, at.state.rules)

/** One loss alone leaves a server its place among those who stand for a vacant one. */
const isLast = (at: At): boolean => at.election.losses.count > 1 && waits(at)

/** Whether this server may depose a healthy leader whom it outranks. */
export const mayPreempt = (at: At): boolean => Stability.mayPreempt(at.turn) && !waits(at)

/**
 * Whether this server objects to one that it outranks and that stands. While it follows a leader, one that may not take its
 * place has no claim of its own; while nobody leads, one that goes last has none.
 */
export const objects = (at: At): boolean => at.election.reign === null ? !isLast(at) : !at.state.newcomer && !waits(at)

/** Whether this server has lost a lead that is not forgiven: it takes its turn without being called. */
export const hasLost = (at: At): boolean => at.election.losses.count > 0

/**
 * How long until this server may stand for the vacant place, in ms: at most `coordinatorTimeout` from when it fell vacant. 0
 * where it is nobody's last, sees nobody else, or was handed the lead.
 */
export const standsIn = (at: At): number => {
  const { election: { losses, reign, vacancy }, state: { self } } = at
  const isHeir = vacancy.cause === "Transferred" && vacancy.successor === self.id
  return reign !== null || isHeir || at.others.length === 0 || !isLast(at)
    ? 0
    : Math.max(0, Math.ceil(losses.lastUntil - now(at)))
}

/**
 * Whether this server, which has lost the lead more than once, sees others and has no sign of this very moment that any of
 * them hears it. Where most of what it says is lost, it would lead nobody, or for a moment.
 */
export const isCutOff = (at: At): boolean => {
  const { provenAt, rules } = at.state
  return isLast(at) && at.others.length > 0 && now(at) - provenAt > rules.heartbeatInterval + rules.probeTimeout
}

/** The causes by which a server loses a lead against its will. */
const losing: ReadonlySet<Event.Cause> = new Set(["MajorityLost", "TooFewMembers", "LeaseLost", "Stalled", "Unheard"])

/** After these a leader may live all the same. */
const mayLive: ReadonlySet<Event.Cause> = new Set(["Silent", "Deaf"])

const lose = (at: At): void => {
  const losses = Losses.forgiven(at.election.losses, at.state.rules, now(at))
  at.change({
    losses: {
      ...losses,
      count: Math.min(Losses.maxLosses, losses.count + 1),
      lostAt: now(at),
      wholeSince: now(at),
      askedAt: null,
      deposing: null,
      givenUp: null
    }
  })
}

/** The place falls vacant, for this cause. To be called while the register still has the reign that ends. */
export const onVacant = (at: At, cause: Event.Cause): void => {
  const { reign } = at.election
  if (at.leads && losing.has(cause)) lose(at)
  else if (!at.leads && mayLive.has(cause)) {
    at.change({ losses: { ...at.election.losses, givenUp: reign!.leader } })
  }
  const { losses } = at.election
  if (losses.count > 0) at.change({ losses: { ...losses, lastUntil: now(at) + at.state.rules.coordinatorTimeout } })
}

/**
 * A reign is followed. To be called while the register still has the one before: if that was this server's own, or one that it
 * had asked to make way, somebody of a lower rank has come to lead while it lived. Or its own reign ends since the leader that it
 * had given up lives.
 */
export const onFollowed = (at: At, { leader }: Reign.Reign): void => {
  const { ending, last, losses } = at.election
  if (leader.id === at.state.self.id) {
    if (losses.deposing !== null) at.change({ losses: { ...losses, deposing: null } })
    return
  }
  const inVain = last !== null && losses.deposing?.term === last.term
  const isReplaced = at.leads && (ending === null || losing.has(ending))
  const wasMistaken = isReplaced && losses.givenUp !== null && Member.isSameStart(losses.givenUp, leader)
  if (((isReplaced || inVain) && at.outranks(at.state.self, leader)) || wasMistaken) return lose(at)
  if (losses.givenUp !== null) at.change({ losses: { ...losses, givenUp: null } })
}

/**
 * This server leads, and another of a lower rank has come to lead by a greater reign. The first time it may take that as the
 * two halves of a split that meet: whoever ranks highest leads on. Answers whether it is the first time.
 */
export const forgivesFirst = (at: At): boolean => {
  if (Losses.forgiven(at.election.losses, at.state.rules, now(at)).count > 0) return false
  lose(at)
  return true
}

/** The leader has been asked to make way for this server. */
export const onAsked = (at: At): void => at.change({ losses: { ...at.election.losses, deposing: at.election.reign } })

/** This server was paused: it was not heard meanwhile. */
export const onStall = (at: At): void => notWhole(at, null)

const notWhole = (at: At, askedAt: number | null): void => {
  const losses = Losses.forgiven(at.election.losses, at.state.rules, now(at))
  if (losses.count > 0) at.change({ losses: { ...losses, wholeSince: now(at), askedAt } })
}

/** With each heartbeat, one that lost a lead and does not lead looks who has answered since the last, and asks again. */
export const heartbeat = (turn: Turn, elections: ReadonlyArray<At>): void => {
  if (turn.state.phase === "Leaving") return
  let asks = false
  for (const at of elections) {
    const losses = Losses.forgiven(at.election.losses, turn.state.rules, turn.now.monotonic)
    if (losses !== at.election.losses) at.change({ losses })
    if (losses.count === 0) continue
    if (at.leads) at.change({ losses: { ...losses, askedAt: null } })
    else {
      asks = true
      if (losses.askedAt !== null && !isHeardSince(turn, losses.askedAt)) notWhole(at, turn.now.monotonic)
      else at.change({ losses: { ...losses, askedAt: turn.now.monotonic } })
    }
  }
  if (!asks) return
  for (const { id } of asked(turn)) turn.sayTo(id, { type: "SERVER_PROBE", nonce: turn.nonce() })
}

const asked = (turn: Turn) => turn.state.members.slice(0, sample)

/** Whether most of the members that were asked have proved since that they hear this server. One that sees nobody is not heard. */
const isHeardSince = (turn: Turn, since: number): boolean => {
  const members = asked(turn)
  const heard = members.filter(({ id }) => Paths.wasHeardBy(turn, id, since))
  return members.length > 0 && heard.length >= mostOf * members.length
}
