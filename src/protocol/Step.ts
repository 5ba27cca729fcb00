/**
 * One server's whole part in the protocol as one function: what it was, what happened, and what time it is, to what it
 * is now and what is to be done. Every input of a server goes through {@link step}; nothing else changes its state.
 */
import * as HashMap from "effect/HashMap"
import * as Delivery from "./delivery/Delivery.ts"
import * as Publisher from "./delivery/Publisher.ts"
import * as Relaying from "./delivery/Relaying.ts"
import * as Due from "./Due.ts"
import * as Algorithms from "./election/Algorithms.ts"
import * as Candidacy from "./election/Candidacy.ts"
import * as Damping from "./election/Damping.ts"
import * as Departures from "./election/Departures.ts"
import * as ElectionContext from "./election/ElectionContext.ts"
import * as LeaderLife from "./election/LeaderLife.ts"
import * as NamedElections from "./election/NamedElections.ts"
import * as Snapshot from "./election/Snapshot.ts"
import * as SteppingDown from "./election/SteppingDown.ts"
import * as Waking from "./election/Waking.ts"
import * as Claiming from "./grants/Claiming.ts"
import * as Granting from "./grants/Granting.ts"
import type { Input } from "./Input.ts"
import * as Leaving from "./Leaving.ts"
import * as Contacts from "./membership/Contacts.ts"
import * as CrashLinks from "./membership/CrashLinks.ts"
import * as Description from "./membership/Description.ts"
import * as FailureDetector from "./membership/FailureDetector.ts"
import * as HeartbeatPace from "./membership/HeartbeatPace.ts"
import * as Identity from "./membership/Identity.ts"
import * as MemberLists from "./membership/MemberLists.ts"
import * as PathProbes from "./membership/PathProbes.ts"
import * as PauseDetector from "./membership/PauseDetector.ts"
import * as Presence from "./membership/Presence.ts"
import * as Stability from "./membership/Stability.ts"
import * as StatusPages from "./membership/StatusPages.ts"
import * as Witnesses from "./membership/Witnesses.ts"
import * as Election from "./model/Election.ts"
import * as Grants from "./model/Grants.ts"
import type * as Member from "./model/Member.ts"
import type { Output } from "./model/Output.ts"
import * as PromiseRecord from "./model/PromiseRecord.ts"
import type * as Reign from "./model/Reign.ts"
import type { Now, State } from "./model/State.ts"
import { StepContext } from "./model/StepContext.ts"
import * as Talk from "./model/Talk.ts"
import * as Timers from "./model/Timers.ts"
import type * as Timing from "./model/Timing.ts"
import * as Received from "./Received.ts"
import * as Removal from "./Removal.ts"
import * as Asking from "./talk/Asking.ts"
import * as Peers from "./talk/Peers.ts"
import * as Saying from "./talk/Saying.ts"
import * as Talking from "./talk/Talking.ts"
import * as Runs from "./work/Runs.ts"

export type { Input } from "./Input.ts"

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
  publisher: null,
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
  commands: [],
  runs: Runs.none,
  talk: Talk.none,
  grants: Grants.none,
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

/** The token of what a session of this server's own holds now, by the clock; null where it does not. */
export const tokenOf = Claiming.tokenOf

/** Whether this server holds anything by the grants of a leader. */
export const holdsAny = Claiming.holdsAny

/** When the next timer is due, on the monotonic clock; Infinity where none is, or the server has left. */
export const dueAt = ({ phase, timers }: State): number => phase === "Left" ? Infinity : Timers.nextDue(timers)

/**
 * The one transition: timers that were due before the input fire first, then it is acted on; a message is acted on before
 * them. A timer that is due at the very instant of an input comes after it, with `Due`. Never throws.
 */
export const step = (state: State, input: Input, now: Now): readonly [state: State, outputs: ReadonlyArray<Output>] => {
  if (state.phase === "Left") return [state, []]
  const context = new StepContext(state, now)
  if (Snapshot.isRestored(state, now)) {
    Waking.restored(context)
    Claiming.restored(context)
  }
  // Before its start a server could not be late.
  if (input._tag === "Start") PauseDetector.start(context)
  else look(context)
  const algorithm = Algorithms.of(state)
  algorithm.begin(context)
  Claiming.expire(context)
  const isMessage = input._tag === "Received"
  if (!isMessage) Due.fireDue(context, input._tag === "Due" ? "now" : "before")
  // The last of them may have been the goodbye.
  if (context.state.phase !== "Left") act(context, input)
  // A message may have waited in the socket for as long: nobody is judged by a timer before it is read.
  if (isMessage) Due.fireDue(context, "before")
  Publisher.goOn(context)
  CrashLinks.follow(context, state)
  algorithm.end(context)
  Granting.follow(context)
  Claiming.follow(context, state)
  return [context.state, context.outputs]
}

/** Any step is a look at the clocks: was this server paused since the last one? */
const look = (context: StepContext): void => {
  const { now, state } = context
  if (PauseDetector.isPaused(state, now) || PauseDetector.isLeadOver(state, now)) {
    Waking.wake(context)
  }
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
        Peers.sweep(context)
        Algorithms.of(context.state).onSweep(context)
      }
      break
    case "CheckPause":
      Algorithms.of(context.state).onPauseCheck(context)
      break
    case "Received":
      Received.received(context, input.message, input.from, input.via, input.mayCommand)
      Publisher.heard(context, input.message)
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
    case "Describe":
      describe(context, input.description)
      break
    case "Room":
      Relaying.onRoom(context, input.limit)
      break
    case "Publish":
      Publisher.publish(context, input)
      break
    case "Unpublish":
      Publisher.withdraw(context, input.ticket)
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
    case "Heard":
      inElection(
        context,
        input,
        (election) => election.change({ heard: Math.max(election.register.heard, input.term) })
      )
      break
    case "Campaign":
      NamedElections.campaign(context, input.election)
      break
    case "Withdraw":
      NamedElections.withdraw(context, input.election)
      break
    case "MarkRun":
      Runs.ask(context, input)
      break
    case "Say":
      Saying.say(context, input)
      break
    case "Question":
      Asking.ask(context, input)
      break
    case "GiveUp":
      Asking.giveUp(context, input.number)
      break
    case "Handled":
      Talking.handled(context, input)
      break
    case "Hold":
      Claiming.hold(context, input)
      break
    case "Release":
      Claiming.release(context, input)
      Leaving.goOn(context)
      break
    case "Unhold":
      Claiming.unhold(context, input)
      Leaving.goOn(context)
      break
    case "Leave":
      Leaving.leave(context)
      break
  }
}

/** What this server says of itself is another: all are told, and where its rank is another that may move the lead. */
const describe = (context: StepContext, description: Description.Description): void => {
  const before = Description.change(context, description)
  if (before === null) return
  Presence.sayChanged(context)
  const { priority } = context.state.self
  if (priority === before.priority) return
  // A leader need not wait before it defends its lead.
  if (priority > before.priority && !context.leadsAnything()) Stability.risen(context)
  ElectionContext.all(context).forEach(Candidacy.onReranked)
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
  Due.keepPaths(context)
  Damping.heartbeat(context, ElectionContext.all(context))
  for (const election of ElectionContext.all(context)) Candidacy.callIfDue(election)
}
