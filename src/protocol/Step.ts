/**
 * One server's whole part in the protocol as one function: what it was, what happened, and what time it is, to what it
 * is now and what is to be done. Every input of a server goes through {@link step}; nothing else changes its state.
 */
import * as HashMap from "effect/HashMap"
import * as Delivery from "./delivery/Delivery.ts"
import * as Algorithms from "./election/Algorithms.ts"
import * as Candidacy from "./election/Candidacy.ts"
import * as Damping from "./election/Damping.ts"
import * as Departures from "./election/Departures.ts"
import type { ElectionTimer } from "./election/ElectionAlgorithm.ts"
import * as ElectionContext from "./election/ElectionContext.ts"
import * as Following from "./election/Following.ts"
import * as LeaderLife from "./election/LeaderLife.ts"
import * as LeaderPace from "./election/LeaderPace.ts"
import * as NamedElections from "./election/NamedElections.ts"
import * as Snapshot from "./election/Snapshot.ts"
import * as SteppingDown from "./election/SteppingDown.ts"
import * as Waking from "./election/Waking.ts"
import * as Leaving from "./Leaving.ts"
import * as Contacts from "./membership/Contacts.ts"
import * as CrashLinks from "./membership/CrashLinks.ts"
import * as FailureDetector from "./membership/FailureDetector.ts"
import * as HeartbeatPace from "./membership/HeartbeatPace.ts"
import * as Identity from "./membership/Identity.ts"
import * as MemberLists from "./membership/MemberLists.ts"
import * as PathProbes from "./membership/PathProbes.ts"
import * as Paths from "./membership/Paths.ts"
import * as PauseDetector from "./membership/PauseDetector.ts"
import * as Presence from "./membership/Presence.ts"
import * as Stability from "./membership/Stability.ts"
import * as StatusPages from "./membership/StatusPages.ts"
import * as Witnesses from "./membership/Witnesses.ts"
import * as Election from "./model/Election.ts"
import type * as Member from "./model/Member.ts"
import type * as Message from "./model/Message.ts"
import * as PromiseRecord from "./model/PromiseRecord.ts"
import type * as Reign from "./model/Reign.ts"
import type { Now, Output, State, Timer } from "./model/State.ts"
import { StepContext } from "./model/StepContext.ts"
import * as Timers from "./model/Timers.ts"
import type * as Timing from "./model/Timing.ts"
import * as Received from "./Received.ts"
import * as Removal from "./Removal.ts"

/**
 * What can happen to a server.
 *
 * - `Start`: once, first of all. `Discover`, `Heartbeat`, `Sweep`, `PauseDetector`: the ticks of the four fibers.
 * - `Received`: a message came. `Due`: what was due at {@link dueAt} is due; any other input will do as well.
 * - `Refused`: the host of a member that was asked says that nobody listens there. `NotAsked`: our own system did not let us
 *   ask. `Moved`: our own sockets' addresses are
 *   others now. `Seeds`: the names of the seeds resolve to these now.
 * - `LinkUp`, `LinkLeft`, `LinkBroke`, `LinkTried`: what happened to the crash links with that start of a server.
 * - `WorkEnded`: in answer to `EndWork`; not `finished` where it has had its time and runs on. `WorkOverran`: so has
 *   leading work of the reign of that term, asked for or not.
 *   `WorkFinished`: none of that kind runs any more. `WorkIdle`: in answer to `AwaitIdle`, none of any kind does.
 * - `WorkGivenUp`: all leading work of the app has failed for good. `WorkOffered`: it has some again.
 * - `Campaign`: this server takes part in a named election from now on. `Withdraw`: no longer.
 * - `Room`: the app has read its inbox; so many messages may have been handed to it since the start.
 * - `Page`: this server's page is there from now on, or no longer.
 * - `Resign`: the lead is to be given up. `StepDown`: so it is, and not stood for again for so many ms, whoever leads.
 *   `Transfer`: it is to be handed to a member.
 * - `Leave`: the group is to be left; it is over with `Farewell`.
 *
 * Where no `election` is named, it is the group's own.
 */
export type Input =
  | { readonly _tag: "Start" }
  | { readonly _tag: "Discover" }
  | { readonly _tag: "Heartbeat" }
  | { readonly _tag: "Sweep" }
  | { readonly _tag: "CheckPause" }
  | {
    readonly _tag: "Received"
    readonly message: Message.Message
    readonly from: Member.Address
    readonly via: "multicast" | "unicast"
  }
  | { readonly _tag: "Due" }
  | { readonly _tag: "Refused"; readonly id: Member.NodeId }
  | { readonly _tag: "NotAsked"; readonly id: Member.NodeId }
  | { readonly _tag: "LinkUp" | "LinkLeft" | "LinkBroke"; readonly id: Member.NodeId; readonly incarnation: number }
  | {
    readonly _tag: "LinkTried"
    readonly id: Member.NodeId
    readonly incarnation: number
    readonly outcome: "Refused" | "Inconclusive"
  }
  | { readonly _tag: "Moved"; readonly addresses: ReadonlyArray<Member.Address> }
  | { readonly _tag: "Seeds"; readonly addresses: ReadonlyArray<Member.Address> }
  | { readonly _tag: "WorkEnded"; readonly election?: string; readonly finished?: boolean }
  | { readonly _tag: "WorkOverran"; readonly election?: string; readonly term: number }
  | { readonly _tag: "WorkFinished"; readonly election?: string }
  | { readonly _tag: "WorkIdle"; readonly election?: string; readonly term: number }
  | { readonly _tag: "WorkGivenUp"; readonly election?: string }
  | { readonly _tag: "WorkOffered"; readonly election?: string }
  | { readonly _tag: "Campaign"; readonly election: string }
  | { readonly _tag: "Withdraw"; readonly election: string }
  | { readonly _tag: "Resign"; readonly election?: string }
  | { readonly _tag: "StepDown"; readonly election?: string; readonly millis: number }
  | { readonly _tag: "Transfer"; readonly election?: string; readonly to: Member.NodeId }
  | { readonly _tag: "Room"; readonly limit: number }
  | { readonly _tag: "Page"; readonly page: string | null }
  | { readonly _tag: "Leave" }

/** A server before its start. `addresses` are those of its own sockets. */
export const make = (options: {
  readonly timing: Timing.Timing
  readonly self: Member.Member
  readonly addresses: ReadonlyArray<Member.Address>
  readonly seeds?: ReadonlyArray<Member.Address> | undefined
  readonly monotonic: number
}): State => ({
  timing: options.timing,
  self: options.self,
  addresses: options.addresses,
  phase: "Discovering",
  newcomer: options.timing.stableAfter > 0,
  members: [],
  known: HashMap.empty(),
  tombstones: HashMap.empty(),
  checks: HashMap.empty(),
  crashLinks: CrashLinks.none,
  witnesses: Witnesses.none,
  election: Election.make(options.monotonic),
  named: HashMap.empty(),
  contacts: Contacts.make(options.seeds ?? []),
  delivery: Delivery.empty,
  promises: HashMap.empty(),
  silentUntil: Algorithms.of(options).silentUntil(options.timing, options.monotonic),
  handover: PromiseRecord.none,
  kept: [],
  minority: false,
  crowdedSince: Infinity,
  heartbeatPace: null,
  pathProbes: PathProbes.none,
  provenAt: -Infinity,
  unheardSince: Infinity,
  lookedAt: options.monotonic,
  lookedSinceBoot: undefined,
  signedAt: -Infinity,
  signedSinceBoot: undefined,
  generation: undefined,
  doubts: { watched: 0, toldAt: -Infinity },
  lag: { now: 0, before: 0 },
  drainUntil: -Infinity,
  probe: "",
  paging: null,
  identity: Identity.make(options.monotonic),
  page: null,
  timers: Timers.empty
})

/**
 * One server's view of the group: everyone, highest rank first, and the reign it follows, null while nobody leads.
 * `term` is that of the reign, or of the last one.
 */
export interface View {
  readonly self: Member.Member
  readonly members: ReadonlyArray<Member.Member>
  readonly reign: Reign.Reign | null
  readonly term: number
  /** The member through which the leader is followed, where this server has no path both ways with it. */
  readonly through?: Member.NodeId
}

/** What a state shows of the group. */
export const view = (state: State): View => ({
  self: state.self,
  members: MemberLists.everyone(state),
  reign: state.election.reign,
  term: (state.election.reign ?? state.election.last)?.term ?? 0,
  ...(state.election.life.through === null ? {} : { through: state.election.life.through })
})

/** Whether two states show the same, so that the view need not be made and told anew. */
export const showsSame = (before: State, after: State): boolean =>
  before.members === after.members && before.self === after.self && before.election.reign === after.election.reign
  && before.election.last === after.election.last && before.election.life.through === after.election.life.through

/**
 * The reign of this server's own in an election, the group's own unless named, if it leads now: by its state, and by the
 * clock, which says whether it was paused and whether its lease lasts.
 */
export const leads = (
  state: State,
  now: Pick<Now, "monotonic" | "wall" | "sinceBoot" | "generation">,
  election = Election.ofGroup
): Reign.Reign | null =>
  PauseDetector.isLeadOver(state, now) || Snapshot.isRestored(state, now) ||
    !Algorithms.of(state).lasts(state, election, now)
    ? null
    : ElectionContext.ownReign(state, election)

/** When the next timer is due, on the monotonic clock; Infinity where none is, or the server has left. */
export const dueAt = ({ phase, timers }: State): number => phase === "Left" ? Infinity : Timers.nextDue(timers)

/**
 * The one transition: timers that were due before the input fire first, then it is acted on; a message is acted on before
 * them. A timer that is due at the very instant of an input comes after it, with `Due`. Never throws.
 */
export const step = (state: State, input: Input, now: Now): readonly [state: State, outputs: ReadonlyArray<Output>] => {
  if (state.phase === "Left") return [state, []]
  const context = new StepContext(state, now)
  if (Snapshot.isRestored(state, now)) Waking.restored(context)
  // Before its start a server could not be late.
  if (input._tag === "Start") PauseDetector.start(context)
  else look(context)
  const algorithm = Algorithms.of(state)
  algorithm.begin(context)
  const isMessage = input._tag === "Received"
  if (!isMessage) fireDue(context, input._tag === "Due" ? "now" : "before")
  // The last of them may have been the goodbye.
  if (context.state.phase !== "Left") act(context, input)
  // A message may have waited in the socket for as long: nobody is judged by a timer before it is read.
  if (isMessage) fireDue(context, "before")
  CrashLinks.follow(context, state)
  algorithm.end(context)
  return [context.state, context.outputs]
}

/** Any step is a look at the clocks: was this server paused since the last one? */
const look = (context: StepContext): void => {
  const { now, state } = context
  if (PauseDetector.isPaused(state, now) || PauseDetector.isLeadOver(state, now)) Waking.wake(context)
  if (PauseDetector.isInDoubt(state, now)) Waking.lookAround(context)
  PauseDetector.look(context)
}

const act = (context: StepContext, input: Input): void => {
  const { timing: { discoveryWindow }, self } = context.state
  switch (input._tag) {
    case "Start":
      Snapshot.look(context)
      context.emit({ event: "Started", self })
      context.setTimer("discovery", discoveryWindow, { _tag: "DiscoveryOver", times: 0 })
      Stability.start(context)
      Algorithms.of(context.state).onStart(context)
      break
    case "Discover": {
      const askAll = context.state.probe === "" || context.state.members.length === 0
      if (askAll) Presence.probeGroup(context)
      Contacts.seek(context, askAll)
      break
    }
    case "Heartbeat":
      heartbeat(context)
      break
    case "Sweep":
      if (context.state.phase === "Live") {
        FailureDetector.sweep(context)
        ElectionContext.all(context).forEach(Departures.sweep)
        Delivery.sweep(context)
        Algorithms.of(context.state).onSweep(context)
      }
      break
    case "CheckPause":
      Algorithms.of(context.state).onPauseCheck(context)
      break
    case "Received":
      Received.received(context, input.message, input.from, input.via)
      break
    case "LinkUp":
      CrashLinks.up(context, input)
      break
    case "LinkLeft":
      CrashLinks.left(context, input)
      break
    case "LinkBroke":
      CrashLinks.broke(context, input)
      break
    case "LinkTried":
      Removal.removeIf(context, input.id, CrashLinks.tried(context, input))
      break
    case "Due":
      break
    case "Refused":
      Removal.removeIf(context, input.id, FailureDetector.refused(context, input.id))
      break
    case "NotAsked":
      FailureDetector.notAsked(context, input.id)
      break
    case "Moved":
      if (!Identity.moved(context, input.addresses)) break
      Presence.sayMoved(context)
      CrashLinks.moved(context)
      break
    case "Seeds":
      Contacts.resolved(context, input.addresses)
      break
    case "WorkEnded":
      inElection(context, input, (election) => NamedElections.workEnded(election, input.finished ?? true))
      Leaving.goOn(context)
      break
    case "WorkOverran":
      inElection(context, input, (election) => SteppingDown.workOverran(election, input.term))
      break
    case "WorkIdle":
      inElection(context, input, (election) => SteppingDown.workIdle(election, input.term))
      break
    case "WorkFinished":
      inElection(context, input, SteppingDown.workFinished)
      break
    case "WorkGivenUp":
      inElection(context, input, SteppingDown.workGivenUp)
      break
    case "WorkOffered":
      inElection(context, input, SteppingDown.workOffered)
      break
    case "Room":
      Delivery.onRoom(context, input.limit)
      break
    case "Page":
      StatusPages.announce(context, input.page)
      break
    case "Resign":
      inElection(context, input, SteppingDown.resign)
      break
    case "StepDown":
      inElection(context, input, (election) => SteppingDown.stepDown(election, input.millis))
      break
    case "Transfer":
      inElection(context, input, (election) => SteppingDown.transfer(election, input.to))
      break
    case "Campaign":
      NamedElections.campaign(context, input.election)
      break
    case "Withdraw":
      NamedElections.withdraw(context, input.election)
      break
    case "Leave":
      Leaving.leave(context)
      break
  }
}

/** Does it in the election that the input names, if we take part in it. */
const inElection = (
  context: StepContext,
  input: { readonly election?: string },
  act: (at: ElectionContext.ElectionContext) => void
): void => {
  const election = ElectionContext.find(context, input.election ?? Election.ofGroup)
  if (election !== null) act(election)
}

// --- Ticks ---

const heartbeat = (context: StepContext): void => {
  LeaderLife.giveSignOfLife(ElectionContext.ofGroup(context))
  if (HeartbeatPace.isDue(context)) Presence.sayAlive(context)
  Algorithms.of(context.state).onHeartbeat(context)
  NamedElections.heartbeat(context)
  FailureDetector.keepByUnicast(context)
  keepPaths(context)
  Damping.heartbeat(context, ElectionContext.all(context))
  for (const election of ElectionContext.all(context)) Candidacy.callIfDue(election)
}

/** Whether others hear us is asked of those whom it matters of. */
const keepPaths = (context: StepContext): void => {
  if (context.state.phase !== "Live") return
  ElectionContext.all(context).forEach(Following.keep)
  Algorithms.of(context.state).checkPaths(context)
}

// --- Timers ---

/** What one that fires clears or sets anew does not fire by its old setting; what it sets waits for the next step. */
const fireDue = (context: StepContext, until: "before" | "now"): void => {
  const now = context.now.monotonic
  if (Timers.nextDue(context.state.timers) > now) return
  for (const entry of context.state.timers.filter(({ due }) => due < now || (due === now && until === "now"))) {
    if (context.state.phase === "Left" || !context.state.timers.includes(entry)) continue
    context.clearTimer(entry.key)
    fired(context, entry.timer, now - entry.due)
  }
}

const fired = (context: StepContext, timer: Timer, late: number): void => {
  switch (timer._tag) {
    case "DiscoveryOver":
      if (Presence.listensOn(context, timer, late)) return
      context.state.phase = "Live"
      Algorithms.of(context.state).onHeartbeat(context)
      keepPaths(context)
      return ElectionContext.all(context).forEach(Candidacy.callElection)
    case "Stable":
      Stability.reached(context)
      return ElectionContext.all(context).forEach(Candidacy.callElection)
    case "SayAgain":
      return context.sayOften(timer.key, timer.body, timer.gaps, timer.to)
    case "Respond":
      return Presence.answerDue(context, timer)
    case "Check":
      return Removal.onUnanswered(context, timer.id)
    case "Links":
      return CrashLinks.change(context)
    case "AskForRefusal":
      return FailureDetector.askForRefusal(context, timer.id)
    case "TellCrash":
      return context.say(null, { type: "CRASHED", gone: { id: timer.id, incarnation: timer.incarnation } })
    case "ConfirmCrash":
      return CrashLinks.confirm(context, { id: timer.id, incarnation: timer.incarnation })
    case "LeaderSign":
      return Presence.sayLeads(context)
    case "LeaderMissed":
      return LeaderPace.missed(context, timer.id)
    case "AskWitnesses":
      return Witnesses.ask(context)
    case "Proof":
      if (Paths.unanswered(context, timer)) {
        const { onUnproven } = Algorithms.of(context.state)
        ElectionContext.all(context).forEach((election) => onUnproven(election, timer.id))
      }
      return
    case "Page":
      return MemberLists.ask(context)
    case "Repair":
      return Delivery.repairDue(context)
    case "Answer":
      return Delivery.answer(context)
    case "NameNewest":
      return Delivery.nameNewest(context, timer.isLast)
    case "Handover":
      return Algorithms.of(context.state).onHandoverTimer(context, timer)
    case "Farewell":
      return Leaving.fired(context, timer)
    default:
      return electionFired(new ElectionContext.ElectionContext(context, timer.election), timer)
  }
}

const electionFired = (election: ElectionContext.ElectionContext, timer: ElectionTimer): void => {
  switch (timer._tag) {
    case "IneligibleOver":
      return SteppingDown.ineligibleOver(election)
    case "Withdrawn":
      return NamedElections.forget(election)
    default:
      return Algorithms.of(election.state).onTimer(election, timer)
  }
}
