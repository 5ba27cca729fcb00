/**
 * A client's whole part in the protocol as one function: from a state, an input and the time to a new state and outputs.
 * Every input of a client goes through {@link step}; nothing else changes its state.
 *
 * A client follows reigns as servers do, the greater one wins, but it judges nobody: it drops a leader that does not answer
 * for the next that it hears of, and until then it speaks to the whole group.
 */
import * as HashMap from "effect/HashMap"
import * as Client from "../model/Client.ts"
import { ClientContext, type Output, type State } from "../model/ClientContext.ts"
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { Now } from "../model/State.ts"
import * as Batch from "./Batch.ts"
import * as ClientLeader from "./ClientLeader.ts"
import * as ClientOrder from "./ClientOrder.ts"
import * as Flights from "./Flights.ts"
import * as InTurn from "./InTurn.ts"
import * as Kept from "./Kept.ts"
import * as Receiver from "./Receiver.ts"
import * as Repair from "./Repair.ts"
import * as Tracks from "./Tracks.ts"

/**
 * The inputs of a client.
 *
 * - `Start`: once, first of all. `Received`: a message came. `Due`: the time {@link dueAt} has come.
 * - `Send`: the app sends; `Withdraw`: it does not want to any more. A message that has gone out cannot be taken back.
 * - `Room`: the app has read its inbox; so many messages may have been handed to it since the start.
 * - `Leave`: the group is to be left; it is over with `Farewell`.
 */
export type Input =
  | { readonly _tag: "Start" }
  | { readonly _tag: "Received"; readonly message: Message.Message; readonly from: Member.Address }
  | { readonly _tag: "Due" }
  | { readonly _tag: "Send"; readonly ticket: number; readonly body: Client.Body; readonly topic?: string | undefined }
  | { readonly _tag: "Withdraw"; readonly ticket: number }
  | { readonly _tag: "Room"; readonly limit: number }
  | { readonly _tag: "Leave" }

/** After how many unanswered tries a leader that says nothing else either is dropped. */
const patientTries = 3
const joinGaps: ReadonlyArray<number> = [50, 100]
const leaveGap = 20
const maxHeard = 64
/** For how many ms after it has missed something a client asks for acknowledgements. */
const echoMissing = 2_000
/** How many clients' order is remembered at most. */
const maxSources = 2_048

/** A client before its start. */
export const make = (
  options: Pick<State, "client" | "interval"> & Partial<Pick<State, "maxMessageBytes">>
): State => ({
  maxMessageBytes: Client.maxMessageBytes,
  ...options,
  ...Flights.none,
  phase: "Joining",
  reign: null,
  last: null,
  address: null,
  leaderMoved: 0,
  leaderHeardAt: -Infinity,
  leaderAnsweredAt: -Infinity,
  leaderBatches: false,
  leaderReads: null,
  unanswering: [],
  claimant: null,
  members: 0,
  heard: HashMap.empty(),
  receiver: Receiver.empty,
  missedAt: -Infinity,
  answers: [],
  answerAt: Infinity,
  join: { nonce: "0", tries: 0, dueAt: Infinity },
  answered: "",
  leavings: 0
})

/** When the next `Due` is due, on the monotonic clock; Infinity where nothing is. */
export const dueAt = (state: State): number => {
  if (state.phase === "Left") return Infinity
  return Math.min(state.join.dueAt, state.answerAt, Repair.dueAt(state.receiver), Flights.dueAt(state))
}

/**
 * Where the leader is that this client speaks to, or that it has dropped since it did not answer: it may lead all the same.
 * Null where none was heard of, or the last one has given its reign up.
 */
export const leaderAddress = ({ address, last }: State): Member.Address | null =>
  address ?? (last === null || last.isOver ? null : last.address)

/** Whether all that the app sent is acknowledged: nothing waits unless there is something on its way. */
export const isDrained = (state: State): boolean => state.flights.length === 0

/** The one transition. Never throws. */
export const step = (state: State, input: Input, now: Now): readonly [state: State, outputs: ReadonlyArray<Output>] => {
  if (state.phase === "Left") return [state, []]
  const context = new ClientContext(state, now)
  switch (input._tag) {
    case "Start":
      ClientLeader.beginJoin(context, now.monotonic)
      break
    case "Received":
      received(context, input.message, input.from)
      break
    case "Due":
      break
    case "Send":
      enqueue(context, input)
      break
    case "Withdraw":
      Object.assign(context.state, Flights.withdraw(Flights.of(state), input.ticket))
      break
    case "Room":
      receiving(context, (host) => ClientOrder.allow(host, input.limit))
      break
    case "Leave":
      leave(context)
      break
  }
  join(context)
  fly(context)
  if (Repair.dueAt(context.state.receiver) <= now.monotonic) receiving(context, Repair.repair)
  if (context.state.answerAt <= now.monotonic) answer(context)
  return [context.state, context.outputs]
}

// --- Joining and leaving ---

/** Says that it joins, or is still there, until it is answered; and leaves by the same clock. */
const join = (context: ClientContext): void => {
  const { client, interval, join: { dueAt, nonce, tries }, phase, seq } = context.state
  if (dueAt > context.now.monotonic) return
  if (phase === "Leaving") return sayLeaving(context)
  // Any leader that hears a join answers it: that this one speaks otherwise says nothing.
  if (tries >= patientTries) ClientLeader.dropUnanswering(context)
  // A client that is in already has time.
  const quick = phase === "Joining" ? joinGaps : []
  const gap = quick[tries] ??
    Math.min(Flights.backoff.longest, Flights.backoff.first * 2 ** (tries - quick.length))
  // By it servers forget a client that says nothing more.
  const next = Math.max(1, Math.round(Math.max(interval, gap)))
  context.send(null, { type: "CLIENT_JOIN", client, nonce, interval: next, seq, batches: true, topics: true })
  context.state.join = { nonce, tries: tries + 1, dueAt: context.now.monotonic + gap }
}

const leave = (context: ClientContext): void => {
  if (context.state.phase === "Leaving") return
  context.state.phase = "Leaving"
  context.state.flights = []
  context.state.queue = []
  context.state.join = { ...context.state.join, dueAt: context.now.monotonic }
}

/** Twice, as a datagram gets lost. */
const sayLeaving = (context: ClientContext): void => {
  const { client, leavings } = context.state
  if (leavings === 2) {
    context.state.phase = "Left"
    context.emit({ event: "Left" })
    return void context.outputs.push({ _tag: "Farewell" })
  }
  context.send(null, { type: "CLIENT_LEAVE", client })
  context.state.leavings = leavings + 1
  context.state.join = { ...context.state.join, dueAt: context.now.monotonic + (leavings === 0 ? leaveGap : 1) }
}

// --- Sending ---

const enqueue = (context: ClientContext, input: Extract<Input, { readonly _tag: "Send" }>): void => {
  const added = Flights.add(Flights.of(context.state), input)
  if (added === null) context.outputs.push({ _tag: "QueueFull", ticket: input.ticket })
  else context.state.queue = added.queue
}

/**
 * A leader that is too old for topics and parts would relay them as something else, and so might one that is not known: what has
 * any waits until the leader that we follow has said what it reads.
 */
const refuseNewer = (context: ClientContext): void => {
  const { leaderReads, reign } = context.state
  if (leaderReads !== false || reign === null) return
  const older = [Member.formatAddress(reign.leader)]
  for (const ticket of Flights.newer(context.state)) refuse(context, ticket, older, false)
}

const refuse = (context: ClientContext, ticket: number, older: ReadonlyArray<string>, byLeader: boolean): void => {
  Object.assign(context.state, Flights.giveUp(Flights.of(context.state), ticket, context.now.monotonic, byLeader))
  context.outputs.push({ _tag: "Refused", ticket, older })
}

/** Sends the messages that are due: waiting ones as far as there is room, and those that were not acknowledged in time. */
const fly = (context: ClientContext): void => {
  const now = context.now.monotonic
  const { state } = context
  refuseNewer(context)
  Object.assign(state, Flights.launch(Flights.of(state), now))
  const oldest = Flights.oldest(state)
  const due = state.flights.filter(({ dueAt }) => dueAt <= now)
  if (due.length === 0) return
  const patient = due.find(({ tries }) => tries >= patientTries)
  if (patient !== undefined) ClientLeader.doubtLeader(context, patient.since)
  if (due.some(({ tries }) => tries > 0)) state.missedAt = now
  const hearsEcho = state.phase === "Joined" && now - state.missedAt >= echoMissing
  const waits = (flight: Flights.Flight) => state.leaderReads !== true && Client.isNewer(flight)
  for (const flight of due) {
    if (waits(flight)) continue
    const { body, seq, tries } = flight
    const echo = hearsEcho && tries === 0 ? { echo: true as const } : {}
    const about = { ...Flights.aboutCount(state), ...Client.aboutOf(flight) }
    const message = { type: "CLIENT_MESSAGE", client: state.client, seq, oldest, ...echo, ...about, body } as const
    context.send(state.address, message, state.leaderBatches)
  }
  Object.assign(state, Flights.sent(Flights.of(state), now, waits))
}

/** The leader has all up to that number. */
const acknowledged = (context: ClientContext, upTo: number): void => {
  const { rest, whole } = Flights.acknowledged(Flights.of(context.state), upTo, context.now.monotonic)
  Object.assign(context.state, rest)
  for (const { seq, ticket } of whole) {
    context.emit({ event: "MessageAcknowledged", seq })
    context.outputs.push({ _tag: "Acknowledged", ticket, seq })
  }
}

// --- Messages ---

const received = (context: ClientContext, message: Message.Message, from: Member.Address): void => {
  if (Message.isOfHandover(message)) return
  switch (message.type) {
    case "CLIENT_DELIVER":
      return onDeliver(context, message)
    case "CLIENT_JOIN":
      if (message.seq === 0) receiving(context, (host) => ClientOrder.introduce(host, message.client.id))
      return
    case "CLIENT_REPAIR":
      return onRepair(context, message)
    case "CLIENT_MESSAGE":
    case "CLIENT_LEAVE":
    case "MEMBERS":
    case "MEMBERS_ASK":
    case "WITNESS_ASK":
    case "WITNESS":
    case "COMMAND":
    case "COMMAND_DONE":
    case "TALK":
    case "QUESTION":
    case "ANSWER":
    case "PARTS_ASK":
    case "GRANTS_ASK":
    case "GRANTS_SAY":
    case "GRANTS_NEWS":
      return
  }
  hear(context, message.sender.id)
  if ("election" in message && message.election !== "") return
  const isAck = message.type === "CLIENT_ACK" && message.client === context.state.client.id
  const isRefusal = message.type === "CLIENT_REFUSED" && message.client === context.state.client.id
  const { answered, join: { nonce } } = context.state
  const isWelcome = message.type === "CLIENT_WELCOME" && message.nonce === nonce
  const isLater = message.type === "CLIENT_WELCOME" && message.nonce === answered
  ClientLeader.observe(context, message, from, isAck || isRefusal || isWelcome || isLater)
  ClientLeader.noteReads(context, message)
  if (isAck) acknowledged(context, message.seq)
  if (message.type === "CLIENT_REFUSED") onRefused(context, message)
  if (isWelcome) welcomed(context, message)
  if (Message.namesNewest(message) && context.state.phase !== "Joining") named(context, message, message.delivered ?? 0)
}

/** The leader that we follow knows who would read it as something else. */
const onRefused = (context: ClientContext, message: Message.Of<"CLIENT_REFUSED">): void => {
  const { client: self, reign } = context.state
  const { client, older, sender } = message
  if (client !== self.id || reign === null || !Member.isSameStart(reign.leader, sender)) return
  const flight = Flights.refusedBy(context.state, message)
  if (flight !== undefined && Client.isNewer(flight)) refuse(context, flight.ticket, older, true)
}

const onDeliver = (context: ClientContext, message: Receiver.Delivered): void => {
  const all = Batch.delivered(message)
  if (context.state.phase === "Joined") {
    for (const one of all) context.state.answers = Kept.withoutAnswered(context.state.answers, one)
    receiving(context, (host) => InTurn.receive(host, all, false))
  }
  const own = all.findLast(({ client }) => client.id === context.state.client.id)
  // Who knows of no leader gets an acknowledgement, which names it.
  if (own === undefined || context.state.reign === null) return
  ClientLeader.relayed(context, message.from)
  acknowledged(context, own.seq)
}

/** The servers that were heard are counted, to explain why nobody answers. */
const hear = (context: ClientContext, id: Member.NodeId): void => {
  const { heard } = context.state
  if (HashMap.size(heard) < maxHeard || HashMap.has(heard, id)) {
    context.state.heard = HashMap.set(heard, id, context.now.monotonic)
  }
}

const welcomed = (context: ClientContext, { leader, members, term }: Message.Of<"CLIENT_WELCOME">): void => {
  const { client, interval, phase } = context.state
  if (phase === "Leaving" || leader === null) return
  context.state.answered = context.state.join.nonce
  ClientLeader.beginJoin(context, context.now.monotonic + interval)
  context.state.members = members
  if (phase === "Joined") return
  context.state.phase = "Joined"
  context.emit({ event: "Joined", client, leader, term, members })
}

const named = (context: ClientContext, { leader, sender, term }: Message.Header, delivered: number): void => {
  const { receiver, reign } = context.state
  // A leader that has just given its reign up names its last message, which may not have arrived.
  const id = leader?.id ?? sender.id
  const isFollowed = leader !== null && reign !== null && id === reign.leader.id && term === reign.term
  const isOver = leader === null && receiver.tracks.some((track) => track.term === term && track.leader === id)
  if (isFollowed || isOver) receiving(context, (host) => Tracks.named(host, term, id, delivered))
}

/** The group is asked: the servers first, as they all should have it; after them any client that has it. */
const onRepair = (context: ClientContext, { from, missed, to }: Message.Of<"CLIENT_REPAIR">): void => {
  receiving(context, (host) => Repair.overhear(host, missed, from, to))
  const found = Kept.find(context.state.receiver.kept, missed, from, to)
  if (found.length === 0) return
  context.state.answers = [...context.state.answers, ...found].slice(0, Client.window)
  if (context.state.answerAt === Infinity) context.state.answerAt = context.now.monotonic + 20 + 20 * context.random()
}

const answer = (context: ClientContext): void => {
  const from = { id: Member.NodeId.make(context.state.client.id), incarnation: 0 }
  for (const message of context.state.answers) context.send(null, { ...message, from })
  context.state.answers = []
  context.state.answerAt = Infinity
}

/** Lends the receiver to one of its functions, and carries out what follows. */
const receiving = (context: ClientContext, use: (host: Receiver.Host) => unknown): void => {
  const { address, receiver } = context.state
  const host: Receiver.Host = {
    receiver,
    now: context.now.monotonic,
    random: () => context.random(),
    hasLeader: address !== null,
    maxSources,
    maxMessage: context.state.maxMessageBytes,
    deliver: (message) => {
      const { parts: _, ...told } = message
      context.emit({ event: "MessageReceived", ...told })
      context.outputs.push({ _tag: "Deliver", message })
    },
    dropPart: () => void context.outputs.push({ _tag: "Drop", reason: "PartLost" }),
    lose: (lost) => context.emit({ event: "MessageLost", ...lost }),
    ask: (whom, missed, from, to) =>
      context.send(whom === "leader" ? address : null, { type: "CLIENT_REPAIR", missed, from, to, batches: true })
  }
  use(host)
  context.state.receiver = host.receiver
  if (Repair.dueAt(host.receiver) !== Infinity) context.state.missedAt = context.now.monotonic
}
