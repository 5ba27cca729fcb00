/** What a message that came means: for who is there, for who leads, and for what clients sent. */
import * as HashMap from "effect/HashMap"
import * as Commands from "./Commands.ts"
import * as Delivery from "./delivery/Delivery.ts"
import * as Receiving from "./delivery/Receiving.ts"
import * as Relaying from "./delivery/Relaying.ts"
import * as Algorithms from "./election/Algorithms.ts"
import * as Candidacy from "./election/Candidacy.ts"
import * as Departures from "./election/Departures.ts"
import * as ElectionContext from "./election/ElectionContext.ts"
import * as LeaderPace from "./election/LeaderPace.ts"
import * as NamedElections from "./election/NamedElections.ts"
import * as Register from "./election/Register.ts"
import * as SteppingDown from "./election/SteppingDown.ts"
import * as Waking from "./election/Waking.ts"
import * as Claiming from "./grants/Claiming.ts"
import * as Granting from "./grants/Granting.ts"
import * as Voter from "./lease/Voter.ts"
import * as Leaving from "./Leaving.ts"
import * as AnswerTimes from "./membership/AnswerTimes.ts"
import * as Contacts from "./membership/Contacts.ts"
import * as CrashLinks from "./membership/CrashLinks.ts"
import * as Description from "./membership/Description.ts"
import * as Identity from "./membership/Identity.ts"
import * as Links from "./membership/Links.ts"
import * as MemberLists from "./membership/MemberLists.ts"
import * as Membership from "./membership/Membership.ts"
import * as PathProbes from "./membership/PathProbes.ts"
import * as Paths from "./membership/Paths.ts"
import * as Presence from "./membership/Presence.ts"
import * as Tombstones from "./membership/Tombstones.ts"
import * as Witnesses from "./membership/Witnesses.ts"
import * as Election from "./model/Election.ts"
import * as Member from "./model/Member.ts"
import * as Message from "./model/Message.ts"
import type { StepContext } from "./model/StepContext.ts"
import * as Removal from "./Removal.ts"
import * as Talking from "./talk/Talking.ts"
import * as Runs from "./work/Runs.ts"

type Via = "multicast" | "unicast"

/** A message of somebody else, or one of our own that has come back, has arrived. */
export const received = (
  context: StepContext,
  message: Message.Message,
  source: Member.Address,
  via: Via,
  mayCommand = false
): void => {
  if (Message.isOfHandover(message)) return Algorithms.of(context.state).onHandover(context, message, source)
  switch (message.type) {
    case "WITNESS_ASK":
      return Witnesses.onAsk(context, message, source)
    case "WITNESS":
      return Witnesses.onAnswer(context, message)
    case "MEMBERS_ASK":
      return MemberLists.onAsk(context, message, source, via)
    case "MEMBERS":
      return onMembers(context, message, source)
    case "CLIENT_JOIN":
      return Delivery.onJoin(context, message, source, via)
    case "CLIENT_MESSAGE":
      return Relaying.onMessage(context, message, source, via)
    case "CLIENT_DELIVER":
      return Receiving.onDeliver(context, message)
    case "CLIENT_REPAIR":
      return Receiving.onRepair(context, message, source, via)
    case "CLIENT_LEAVE":
      return Delivery.onLeave(context, message)
    case "COMMAND":
      return Commands.received(context, message, source, mayCommand)
    // For who commands.
    case "COMMAND_DONE":
      return
    case "TALK":
    case "QUESTION":
    case "ANSWER":
    case "PARTS_ASK":
      return Talking.received(context, message)
    case "GRANTS_ASK":
      return Granting.onAsk(context, message)
    case "GRANTS_SAY":
      Claiming.onSay(context, message)
      return Leaving.goOn(context)
    case "GRANTS_NEWS":
      return Claiming.onNews(context, message)
    default:
      return fromServer(context, message, Membership.reachedAt(context, message, source), via)
  }
}

/** First it is a sign of life, then it may be a goodbye; who is live acts on what else it says. */
const fromServer = (context: StepContext, said: Message.FromServer, from: Member.Address, via: Via): void => {
  const incarnation = context.state.self.incarnation
  const heard = Membership.hear(context, said, from, via)
  goOnIfRaised(context, incarnation)
  if (heard === null) return fromNoMember(context, said, from, via)
  const message = Description.newest(context, said)
  noteMember(context, message, heard, from)
  if (message.type === "SERVER_RESPONSE") AnswerTimes.answered(context, message.sender.id, message.nonce)
  // What waited in the sockets while we were paused refreshes its senders; its claims are old.
  const isFresh = message.type === "SERVER_RESPONSE" && message.nonce === context.state.probe
  const election = ElectionContext.find(context, "election" in message ? message.election : Election.ofGroup)
  const isDrained = context.now.monotonic >= context.state.drainUntil || isFresh
  if (message.type === "SERVER_LEAVING" && election !== null) {
    Register.hearTerm(election, message)
    Receiving.onHeard(context, message)
    Removal.remove(context, message.sender.id, { _tag: "Left" })
  } else if (isDrained) {
    speaksOf(context, election, message, from, via)
    LeaderPace.heard(context, message.sender.id)
  } else if (election !== null) Register.hearTerm(election, message)
}

/** Where we turned out to be known by a higher incarnation, we have gone on under a higher one. */
const goOnIfRaised = (context: StepContext, before: number): void => {
  if (context.state.self.incarnation !== before) Waking.raised(context)
}

const fromNoMember = (context: StepContext, message: Message.FromServer, from: Member.Address, via: Via): void => {
  // If two servers have removed each other, each probes the other; both must answer to be admitted again.
  if (message.type === "SERVER_PROBE" && via === "unicast" && Tombstones.mayReturn(context, message.sender)) {
    Presence.respond(context, from, message.nonce)
  }
  // Who has left gave its claim back before.
  if (message.type === "RELEASE" && message.sender.id !== context.state.self.id) {
    Algorithms.of(context.state).onLateRelease(context, message)
  }
}

/** What it means for the elections that its sender is here, is here anew, or hears us. */
const noteMember = (
  context: StepContext,
  message: Message.FromServer,
  heard: Membership.Heard,
  from: Member.Address
): void => {
  for (const election of ElectionContext.all(context)) {
    if (heard.replaced !== null) {
      const { heardAt, member } = heard.replaced
      Departures.onRemoved(election, member, { _tag: "Replaced", by: message.sender.incarnation }, heardAt)
    }
    if (heard.joined) Candidacy.onJoined(election)
    if (heard.reranked) Candidacy.onReranked(election)
  }
  NamedElections.onHeard(context, message.sender, heard.elections, from)
  if (context.state.unheardSince !== Infinity && Paths.isHeardBy(context, message.sender.id)) {
    context.state.unheardSince = Infinity
    ElectionContext.all(context).forEach(Candidacy.callElection)
  }
}

/** Whether it stands or leads by our agreement, if it does either. */
const isAgreed = (context: StepContext, message: Message.FromServer): boolean =>
  (message.type !== "ELECTION" && message.type !== "BEAT" && message.type !== "COORDINATOR")
  || Voter.agrees(context, message.sender, message.lease)

/** What it says of an election. Where that is none that we take part in, it is a sign of life and no more, but for our vote. */
const speaksOf = (
  context: StepContext,
  election: ElectionContext.ElectionContext | null,
  message: Message.FromServer,
  from: Member.Address,
  via: Via
): void => {
  const algorithm = Algorithms.of(context.state)
  const isOurs = isAgreed(context, message)
  if (!isOurs) algorithm.onForeign(context, message.sender)
  if (election === null || election.register.withdrawn) {
    if (isOurs) algorithm.onBallotElsewhere(context, message, from)
    return
  }
  // These are said by all who vote: they may follow nobody in it.
  if (message.type === "VOTE" || message.type === "BEAT_ACK" || message.type === "RELEASE") {
    Register.hearTerm(election, message)
    return algorithm.onBallot(election, message)
  }
  const incarnation = context.state.self.incarnation
  Register.observe(election, message, from, message.type === "SERVER_PROBE" && via === "unicast")
  goOnIfRaised(context, incarnation)
  if ("view" in message) Contacts.compare(context, message, from)
  if (!isOurs) return
  if (election.name === Election.ofGroup) Receiving.onHeard(context, message)
  actOn(election, message, from, via)
}

const actOn = (
  election: ElectionContext.ElectionContext,
  message: Message.FromServer,
  from: Member.Address,
  via: Via
): void => {
  const { context } = election
  switch (message.type) {
    case "SERVER_PROBE":
      return onProbe(context, message, from, via)
    case "SERVER_RESPONSE":
      return onResponse(context, message, from)
    case "PATH_PROBE":
      return PathProbes.hear(context, message)
    case "CRASHED":
      return onCrashed(context, message)
    case "EVICTED":
      return Commands.onEvicted(context, message)
    case "ELECTION":
      return Algorithms.of(context.state).onElection(election, message, from)
    case "BEAT":
      return Algorithms.of(context.state).onBeat(election, message, from)
    case "OK":
      return Algorithms.of(context.state).onOk(election, message)
    case "STEPPING_DOWN":
      return SteppingDown.onSteppingDown(election, message)
    case "RUN_MARK":
      return Runs.onMark(context, message)
    case "RUN_MARKED":
      return Runs.onMarked(context, message)
  }
}

const onProbe = (
  context: StepContext,
  message: Message.Of<"SERVER_PROBE">,
  from: Member.Address,
  via: Via
): void => {
  const { nonce, sender } = message
  if (via === "unicast") {
    if (message.preVote === undefined) Links.asked(context, sender.id, nonce)
    return Presence.respond(context, from, nonce, Algorithms.of(context.state).answer(context, message, from))
  }
  // A burst of one nonce is one question.
  const known = HashMap.getUnsafe(context.state.known, sender.id)
  if (known.answered === nonce) return
  context.state.known = HashMap.set(context.state.known, sender.id, { ...known, answered: nonce })
  if (context.state.election.reign?.leader.id === context.state.self.id) return Presence.respond(context, from, nonce)
  Presence.considerAnswer(context, { id: sender.id, to: from, nonce, chance: 1 })
}

/** Who is said to have crashed and lives says so at once. */
const onCrashed = (context: StepContext, message: Message.Of<"CRASHED">): void => {
  if (!Member.isSameStart(message.gone, context.state.self)) return CrashLinks.told(context, message)
  if (context.state.phase !== "Leaving") Presence.contradict(context)
}

const onResponse = (context: StepContext, message: Message.Of<"SERVER_RESPONSE">, from: Member.Address): void => {
  const { nonce } = message
  Algorithms.of(context.state).onResponse(context, message)
  if (nonce !== context.state.probe || context.state.paging !== null || context.state.phase !== "Discovering") return
  // By then those who answer the probe of a group of any size have done so; only the others are asked for.
  MemberLists.read(context, from, nonce, Math.min(100, context.state.timing.discoveryWindow / 3))
}

const onMembers = (context: StepContext, message: Message.Of<"MEMBERS">, from: Member.Address): void => {
  const own = message.list.find((line) => line.id === context.state.self.id)
  if (own !== undefined && Identity.isOwnAddress(context, own)) {
    if (Identity.raise(context, own.incarnation)) Waking.raised(context)
    else if (Description.exceed(context, own)) Presence.sayChanged(context)
  }
  MemberLists.onPage(context, message, from)
}
