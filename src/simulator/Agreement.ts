/** What it is that living servers agree on where every link is whole, and how long they may take to. */
import * as Lease from "../protocol/model/Lease.ts"
import * as Losses from "../protocol/model/Losses.ts"
import * as Member from "../protocol/model/Member.ts"
import type { State } from "../protocol/model/State.ts"
import * as Timing from "../protocol/model/Timing.ts"
import * as Step from "../protocol/Step.ts"
import { names, sameMembers, sameReign } from "./internal/same.ts"
import { type Clocks, formatReign } from "./Invariants.ts"

/**
 * Whether all living servers, that have had the time to, agree: on one reign, whose leader is the highest ranked of them
 * (where `preempt` is on; else any of them) and says that it leads; and see exactly each other. Null, or what is wrong.
 */
export const disagreement = (living: ReadonlyArray<State>, clocks: (of: State) => Clocks): string | null => {
  const [first] = living
  if (first === undefined) return null
  const reign = first.election.reign
  const odd = living.find(({ election }) => !sameReign(election.reign, reign))
  if (odd !== undefined) {
    return `${first.self.name} follows ${formatReign(reign)}, but ${odd.self.name} ${formatReign(odd.election.reign)}`
  }
  const { lease, minimumMembers } = first.timing
  const voters = living.filter(({ timing }) => timing.votes)
  const few = living.length < minimumMembers || (lease !== null && voters.length < Lease.majority(lease))
  if (few) return reign === null ? null : `${formatReign(reign)} leads ${living.length}, fewer than the minimum`
  if (reign === null) return "nobody leads"
  const leader = living.find(({ self }) => Member.isSameStart(self, reign.leader))
  if (leader === undefined) return `all follow ${formatReign(reign)}, of one who does not live`
  if (Step.leads(leader, clocks(leader)) === null && !isMakingWay(leader, voters, clocks)) {
    return `all follow ${formatReign(reign)}, who does not lead`
  }
  const higher = leader.timing.preempt
    ? voters.find((state) => Member.outranks(state.self, leader.self) && !mayWait(state, clocks(state), living.length))
    : undefined
  if (higher !== undefined) return `all follow ${formatReign(reign)}, but ${higher.self.name} ranks higher`
  const starts = living.map(({ self }) => self)
  const blind = living.find((state) => !sameMembers(Step.view(state).members, starts))
  if (blind !== undefined) {
    return `${blind.self.name} sees ${names(Step.view(blind).members)}, but ${names(starts)} live`
  }
  const late = living.find(({ members }) => members.some((member) => !isDescribed(member, starts)))
  return late === undefined
    ? null
    : `${late.self.name} sees somebody as it was before it changed its tags or its priority`
}

const isDescribed = (member: Member.Member, starts: ReadonlyArray<Member.Member>): boolean =>
  starts.some((self) => Member.isSameStart(self, member) && self.revision === member.revision)

/** Whether a server has lost a lead, and waits before it takes it from another. */
export const waits = ({ election, timing }: State, { monotonic }: Clocks): boolean =>
  monotonic < Losses.until(election.losses, timing)

/** Whether a leader ends its work for one that outranks it, and that has waited until so lately that it need not lead yet. */
const isMakingWay = (leader: State, voters: ReadonlyArray<State>, clocks: (of: State) => Clocks): boolean =>
  leader.election.ending !== null && leader.timing.preempt
  && voters.some((state) => Member.outranks(state.self, leader.self) && mayWait(state, clocks(state), voters.length))

/** The same, or it has waited until so lately that it need not lead yet. */
export const mayWait = ({ election, timing }: State, { monotonic }: Clocks, servers: number): boolean =>
  monotonic < Losses.until(election.losses, timing) + settlesWithin(timing, servers)

/**
 * For how many ms what all have agreed on may stay so: until one that outranks the leader has waited, and has had the time to
 * take the lead; Infinity where nobody waits.
 */
export const agreesFor = (living: ReadonlyArray<State>, clocks: (of: State) => Clocks): number => {
  const waiting = living.filter(({ timing }) => timing.votes).filter((state) => {
    const { election: { reign }, timing, self } = state
    // The reign has the priority that its leader began with.
    const leader = reign === null ? undefined : living.find((other) => Member.isSameStart(other.self, reign.leader))
    return leader !== undefined && timing.preempt && Member.outranks(self, leader.self)
      && mayWait(state, clocks(state), living.length)
  })
  const left = waiting.map((state) => Losses.until(state.election.losses, state.timing) - clocks(state).monotonic)
  return waiting.length === 0 ? Infinity : Math.max(...left) + settlesWithin(waiting[0]!.timing, living.length)
}

/**
 * How long all may take to agree after the last fault, in ms, where nothing is lost any more and a datagram takes
 * `delay` at most: the sum of what can follow on each other.
 *
 * - Who is dead, and was heard until the last fault, is removed: `patience`, two sweeps (one of them in the recovery from
 *   a pause, where nobody is judged), and five questions.
 * - Who lives and was removed is heard again and proves itself: a heartbeat, and a question.
 * - Somebody stands: its stagger, a question that nobody objects to, and once a wait for a higher one that did not lead;
 *   and where no trigger called it, the next heartbeat does.
 * - Who has only just started waits for `stableAfter` before it takes the lead from another.
 * - Who has resigned comes back: `memberTimeout`; it runs beside the first of these.
 * - With leases, a server that has started grants nothing for one lease, promises run out in another, and candidates may have to
 *   back off from each other.
 * - Where links are missing and some are reached over `hops` links only, each link more takes a heartbeat to be told of whom
 *   nobody here hears, and as long as a silent member is left in peace to be told no more.
 */
export const settlesWithin = (timing: Timing.Timing, servers: number, { delay = 1, hops = 0 } = {}): number => {
  // In a large group heartbeats come less often.
  const interval = Timing.intervalBeside(timing, servers - 1)
  const removal = Timing.patience(timing, interval) + 2 * timing.cleanupInterval
    + Timing.probeTries * timing.probeTimeout + timing.discoveryWindow
  const proof = interval + timing.probeTimeout
  const standing = Math.min(1_000, timing.electionStagger * (servers - 1)) + 5
    + Math.max(timing.okTimeout, 2 * timing.probeTimeout) + 1.25 * timing.coordinatorTimeout
  const leases = timing.lease === null ? 0 : 4 * timing.lease.duration
  const told = hops * (Timing.patience(timing, interval) + interval)
  return Math.ceil(
    removal + told + proof + standing + leases + timing.heartbeatInterval + timing.stableAfter + 10 * delay
  )
}
