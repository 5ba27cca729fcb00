/**
 * What the leader does with the clients' messages: it accepts each once, in its turn, relays it to the group and acknowledges it,
 * or refuses it.
 *
 * The functions work on a {@link StepContext.StepContext}.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Client from "../model/Client.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { KnownClient } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Batch from "./Batch.ts"
import * as ClientOrder from "./ClientOrder.ts"
import * as InTurn from "./InTurn.ts"
import * as KnownClients from "./KnownClients.ts"
import type * as Receiver from "./Receiver.ts"
import * as Receiving from "./Receiving.ts"
import * as Refusals from "./Refusals.ts"
import * as Tracks from "./Tracks.ts"

/**
 * A client sends a message, or several. The leader accepts each once, in the order of `seq`, relays it and acknowledges; another
 * server names the leader.
 */
export const onMessage = (
  context: StepContext,
  message: Message.Of<"CLIENT_MESSAGE">,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const { client, oldest, seq } = message
  const isNewer = Client.isNewer(message)
  const hears = KnownClients.hear(context, client, from, {
    batches: isNewer || message.more !== undefined,
    topics: isNewer
  })
  if (hears === null) return
  const own = ElectionContext.ownReign(context.state)
  if (own === null) {
    if (via === "unicast") KnownClients.sendLeaderNotice(context, client.id, from)
    return
  }
  if (Refusals.isLate(hears, message)) return context.drop("OutOfTurn")
  const known = Refusals.heard(hears, message)
  // Messages below `oldest` were acknowledged by a former leader: to wait for them would be to wait without end.
  const accepted = known.term === own.term ? Math.max(known.accepted, oldest) : oldest
  const refusal = isNewer && seq >= accepted
    ? Refusals.refusalOf(known, message, () => KnownClients.olderOnes(context))
    : null
  if (refusal !== null) return refuse(context, { ...known, refusal }, message)
  let waiting: KnownClient["waiting"] = known.term === own.term
    ? known.waiting.filter(({ seq }) => seq >= accepted)
    : []
  const bodies = Batch.bodies(message)
  for (const [at, body] of bodies.entries()) {
    if (seq + at < accepted) continue
    // It comes again, under another number.
    if (known.refusal !== null && seq + at >= known.refusal.at) break
    if (seq + at >= accepted + Client.window) {
      context.drop("OutOfTurn")
      break
    }
    const about = Client.aboutOf(at === 0 ? message : { topic: message.topic })
    waiting = inTurn(waiting, { type: "CLIENT_MESSAGE", client, seq: seq + at, oldest, ...about, body })
  }
  KnownClients.put(context, { ...known, term: own.term, accepted, waiting })
  const repeated = Math.min(accepted, seq + bodies.length) - 1
  const newest = Math.max(repeated, accept(context, client.id))
  // The first word of a reign says more to it than that: that this server leads, and what it reads.
  const isEcho = message.echo === true && via === "unicast" && known.term === own.term
  if (!isEcho) acknowledge(context, client.id, seq, newest)
}

const refuse = (
  context: StepContext,
  known: KnownClient & { readonly refusal: NonNullable<KnownClient["refusal"]> },
  { client: { id: client }, refused, seq }: Message.Of<"CLIENT_MESSAGE">
): void => {
  KnownClients.put(context, known)
  const { older } = known.refusal
  const count = refused === undefined ? {} : { refused }
  context.say(known.address, { type: "CLIENT_REFUSED", client, seq, ...count, older })
}

/** Nothing that waits of a client is accepted any more: it sends what it still wants again. */
export const withdraw = (context: StepContext, id: Client.ClientId): void => {
  const known = Option.getOrUndefined(HashMap.get(context.state.delivery.clients, id))
  if (known !== undefined && known.waiting.length > 0) KnownClients.put(context, { ...known, waiting: [] })
}

/** With a message in its place; the newest of one number counts. */
const inTurn = (waiting: KnownClient["waiting"], message: Message.Of<"CLIENT_MESSAGE">): KnownClient["waiting"] => {
  const at = waiting.findIndex(({ seq }) => seq >= message.seq)
  if (at < 0) return [...waiting, message]
  return waiting.toSpliced(at, waiting[at]!.seq === message.seq ? 1 : 0, message)
}

/** A client that takes an acknowledgement for all up to it needs the newest alone; an older one needs each. */
const acknowledge = (context: StepContext, id: Client.ClientId, from: number, to: number): void => {
  // Our own publisher sees it at once.
  if (to < from || id === context.state.publisher?.client.id) return
  const { accepted, address, batches } = HashMap.getUnsafe(context.state.delivery.clients, id)
  if (batches) return context.say(address, { type: "CLIENT_ACK", client: id, seq: accepted - 1 }, true)
  for (let seq = from; seq <= to; seq += 1) context.say(address, { type: "CLIENT_ACK", client: id, seq })
}

/**
 * Accepts what is in turn of one client, as long as our own inbox has room, and relays it. Returns the number of the newest message
 * accepted of it, 0 where none is accepted now.
 */
const accept = (context: StepContext, id: Client.ClientId): number => {
  const known = HashMap.getUnsafe(context.state.delivery.clients, id)
  const { accepted, waiting } = known
  const { delivered, limit } = context.state.delivery.receiver
  const ready = waiting.filter(({ seq }, at) => seq === accepted + at)
  // What has waited may be what those who came meanwhile are too old for: it is refused when it comes again.
  const newer = ready.findIndex(Client.isNewer)
  const inTurn = newer < 0 || KnownClients.olderOnes(context).length === 0 ? ready : ready.slice(0, newer)
  const taken = inTurn.slice(0, Math.max(0, limit - delivered))
  if (taken.length > 0) {
    KnownClients.put(context, { ...known, accepted: accepted + taken.length, waiting: waiting.slice(taken.length) })
    relay(context, taken)
  }
  if (taken.length < inTurn.length) context.drop("InboxFull")
  return taken.length === 0 ? 0 : accepted + taken.length - 1
}

/** Gives messages the next indexes of our reign, and multicasts them. */
const relay = (context: StepContext, messages: KnownClient["waiting"]): void => {
  const { id, incarnation } = context.state.self
  const { term } = context.state.election.reign!
  const next = context.newestIndex() + 1
  const all = messages.map(({ body, client, part, seq, topic }, at): Receiver.Delivered => ({
    type: "CLIENT_DELIVER",
    from: { id, incarnation },
    term,
    leader: id,
    index: next + at,
    client,
    seq,
    ...Client.aboutOf({ part, topic }),
    body
  }))
  context.sendAll(null, all, KnownClients.allBatch(context))
  Receiving.receiving(context, (host) => {
    // The leader of the reign is there from its first message on.
    if (next === 1) Tracks.named(host, term, id, 0)
    InTurn.receive(host, all, true)
  })
  KnownClients.change(context, { relayedAt: context.now.monotonic })
  if (!context.hasTimer("newest")) context.setTimer("newest", newestAfter[0], { _tag: "NameNewest", isLast: false })
}

/** After how many ms the newest index is named again: a lost last message leaves no other gap to see. */
const newestAfter = [100, 500] as const

/** It is time to name our newest index, unless more was relayed meanwhile: then it is not the newest any more. */
export const nameNewest = (context: StepContext, isLast: boolean): void => {
  if (ElectionContext.ownReign(context.state) === null) return
  const passed = context.now.monotonic - context.state.delivery.relayedAt
  const wanted = newestAfter[isLast ? 1 : 0]
  if (isLast && passed < wanted - newestAfter[0]) return nameNewest(context, false)
  // Whole ms: a rest left by rounding would be no time for a timer to run.
  const left = Math.ceil(wanted - passed)
  if (left > 0) return context.setTimer("newest", left, { _tag: "NameNewest", isLast })
  context.say(null, { type: "SERVER_ALIVE", interval: context.state.timing.heartbeatInterval })
  if (!isLast) context.setTimer("newest", newestAfter[1] - newestAfter[0], { _tag: "NameNewest", isLast: true })
}

/** For how many ms more a server that leaves stays to be asked: only it may have the messages that it relayed last. */
export const lingers = (context: StepContext): number =>
  context.state.members.length > 0 && context.now.monotonic - context.state.delivery.relayedAt < lingering.within
    ? lingering.for
    : 0

const lingering = { within: 1_000, for: 300 } as const

/** The app has read its inbox: so many messages may have been handed to it in all. */
export const onRoom = (context: StepContext, limit: number): void => {
  Receiving.receiving(context, (host) => ClientOrder.allow(host, limit))
  if (ElectionContext.ownReign(context.state) === null) return
  for (const [id, { term, waiting }] of context.state.delivery.clients) {
    if (waiting.length === 0 || term !== context.state.election.reign!.term) continue
    acknowledge(context, id, waiting[0]!.seq, accept(context, id))
  }
}
