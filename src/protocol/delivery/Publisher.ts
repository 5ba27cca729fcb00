/**
 * What a server publishes itself: as a client of the group, under an id of its own, and over the server's own socket. It has what a
 * client must find out: who leads, and where. What it publishes while it leads it accepts itself, with no datagram to itself.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Client from "../model/Client.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { Publisher } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Batch from "./Batch.ts"
import * as Delivery from "./Delivery.ts"
import * as Flights from "./Flights.ts"
import * as KnownClients from "./KnownClients.ts"
import * as Receiving from "./Receiving.ts"
import * as Relaying from "./Relaying.ts"

/** A message that the app publishes; it knows it by `ticket`. */
export interface Given {
  readonly ticket: number
  readonly body: Client.Body
  readonly topic?: string | undefined
}

const put = (context: StepContext, publisher: Publisher, change: Partial<Publisher>): void => {
  context.state.publisher = { ...publisher, ...change }
}

/** The app publishes something. */
export const publish = (context: StepContext, given: Given): void => {
  if (context.state.phase === "Leaving") return
  const publisher = context.state.publisher ?? begin(context)
  const added = Flights.add(Flights.of(publisher), given)
  if (added === null) context.outputs.push({ _tag: "NotPublished", ticket: given.ticket, older: [] })
  else put(context, publisher, added)
}

/** It joins at once: who hears that knows of its first message. */
const begin = (context: StepContext): Publisher => ({
  ...Flights.none,
  client: { id: Client.ClientId.make(context.nonce()), name: context.state.self.name },
  reign: null,
  joinAt: context.now.monotonic
})

/** The app waits for it no more. */
export const withdraw = (context: StepContext, ticket: number): void => {
  const { publisher } = context.state
  if (publisher !== null) put(context, publisher, Flights.withdraw(Flights.of(publisher), ticket))
}

/** What a message says of ours: that it is accepted, or that it cannot be. */
export const heard = (context: StepContext, message: Message.Message): void => {
  const { publisher } = context.state
  if (publisher === null) return
  const { id } = publisher.client
  switch (message.type) {
    case "CLIENT_DELIVER": {
      const own = Batch.delivered(message).findLast(({ client }) => client.id === id)
      return own === undefined ? undefined : acknowledged(context, publisher, own.seq)
    }
    case "CLIENT_ACK":
      return message.client === id ? acknowledged(context, publisher, message.seq) : undefined
    case "CLIENT_REFUSED": {
      const leader = context.state.election.reign?.leader
      if (message.client !== id || leader === undefined || !Member.isSameStart(leader, message.sender)) return
      const flight = Flights.refusedBy(publisher, message)
      if (flight !== undefined) giveUp(context, flight.ticket, message.older, true)
    }
  }
}

const acknowledged = (context: StepContext, publisher: Publisher, upTo: number): void => {
  const { rest, whole } = Flights.acknowledged(Flights.of(publisher), upTo, context.now.monotonic)
  put(context, publisher, rest)
  for (const { seq, ticket } of whole) context.outputs.push({ _tag: "Published", ticket, seq })
}

const giveUp = (context: StepContext, ticket: number, older: ReadonlyArray<string>, isRefused: boolean): void => {
  const publisher = context.state.publisher!
  put(context, publisher, Flights.giveUp(Flights.of(publisher), ticket, context.now.monotonic, isRefused))
  context.outputs.push({ _tag: "NotPublished", ticket, older })
}

/** At the end of each step: says what is due to the leader of now. */
export const goOn = (context: StepContext): void => {
  if (context.state.publisher === null) return
  if (context.state.phase === "Leaving") return leave(context, context.state.publisher)
  join(context, context.state.publisher)
  followLeader(context, context.state.publisher)
  acceptedByUs(context, context.state.publisher)
  refuseNewer(context, context.state.publisher)
  if (context.state.publisher.reign !== null) fly(context, context.state.publisher)
  acceptedByUs(context, context.state.publisher)
  awaitDue(context, context.state.publisher)
}

const leave = (context: StepContext, { client }: Publisher): void => {
  context.clearTimer("publish")
  context.state.publisher = null
  context.send(null, { type: "CLIENT_LEAVE", client })
}

const join = (context: StepContext, publisher: Publisher): void => {
  const { client, joinAt, seq } = publisher
  if (joinAt > context.now.monotonic) return
  const { self: { ip, port }, timing: { heartbeatInterval: interval } } = context.state
  put(context, publisher, { joinAt: context.now.monotonic + interval })
  const message = {
    type: "CLIENT_JOIN",
    client,
    nonce: context.nonce(),
    interval,
    seq,
    batches: true,
    topics: true
  } as const
  context.send(null, message)
  Delivery.onJoin(context, message, { ip, port }, "multicast")
}

/** Another leader is given all that is not acknowledged. */
const followLeader = (context: StepContext, publisher: Publisher): void => {
  const { reign } = context.state.election
  const before = publisher.reign
  const isSame = reign === null || before === null
    ? reign === before
    : reign.term === before.term && Member.isSameStart(reign.leader, before.leader)
  if (isSame) return
  put(context, publisher, { reign, flights: Flights.restart(publisher.flights, context.now.monotonic) })
}

/**
 * What members or clients are too old for is not sent, regardless of which server leads. What the leader of now has been given is its to
 * refuse: it may have relayed it.
 */
const refuseNewer = (context: StepContext, publisher: Publisher): void => {
  const newer = Flights.newer(publisher)
  const older = newer.size === 0 ? [] : KnownClients.olderOnes(context)
  if (older.length === 0) return
  const isOurs = ElectionContext.ownReign(context.state) !== null
  if (isOurs) Relaying.withdraw(context, publisher.client.id)
  const asked = isOurs || !leaderReads(context, publisher) ? none : Flights.said(publisher)
  for (const ticket of newer) if (!asked.has(ticket)) giveUp(context, ticket, older, isOurs)
}

const none: ReadonlySet<number> = new Set()

/** Whether the leader of now reads topics and parts, and so refuses them for those who do not. */
const leaderReads = (context: StepContext, { reign }: Publisher): boolean =>
  reign !== null && Option.exists(context.known(reign.leader.id), ({ member }) => member.topics === true)

const fly = (context: StepContext, publisher: Publisher): void => {
  const now = context.now.monotonic
  const launched = Flights.launch(Flights.of(publisher), now)
  const oldest = Flights.oldest(launched)
  const due = launched.flights.filter(({ dueAt }) => dueAt <= now)
  put(context, publisher, Flights.sent(launched, now))
  const said = (flight: Flights.Flight): Message.Of<"CLIENT_MESSAGE"> => {
    const { body, seq } = flight
    const about = { ...Flights.aboutCount(publisher), ...Client.aboutOf(flight) }
    return { type: "CLIENT_MESSAGE", client: publisher.client, seq, oldest, ...about, body }
  }
  const messages = due.map(said)
  if (ElectionContext.ownReign(context.state) === null) return sendAll(context, messages)
  const { ip, port } = context.state.self
  for (const message of messages) Relaying.onMessage(context, message, { ip, port }, "unicast")
}

const sendAll = (context: StepContext, messages: ReadonlyArray<Message.Message>): void => {
  const { leader } = context.state.election.reign!
  // One that ends its own reign is told when it follows another.
  if (leader.id === context.state.self.id) return
  const batches = Option.exists(context.known(leader.id), ({ member }) => member.batches === true)
  context.sendAll(Receiving.addressOf(context, leader), messages, batches)
}

/** What we have accepted as the leader, also later, when our own inbox had room. */
const acceptedByUs = (context: StepContext, publisher: Publisher): void => {
  if (ElectionContext.ownReign(context.state) === null) return
  const known = Option.getOrUndefined(HashMap.get(context.state.delivery.clients, publisher.client.id))
  if (known !== undefined && known.term === context.state.election.reign!.term) {
    acknowledged(context, publisher, known.accepted - 1)
  }
}

const awaitDue = (context: StepContext, publisher: Publisher): void => {
  const now = context.now.monotonic
  const { flights, joinAt, queue, reign } = publisher
  // What we accept ourselves makes room at once; the others of a large message have their turn meanwhile.
  const isReady = queue.length > 0 && flights.length < Client.window
  const due = Math.min(joinAt, reign === null ? Infinity : isReady ? now + 1 : Flights.dueAt(publisher))
  if (due >= context.dueAt("publish")) return
  // Whole ms: a rest left by rounding would be no time for a timer to run.
  context.setTimer("publish", Math.max(1, Math.ceil(due - now)), { _tag: "Publish" })
}
