/**
 * The server's side of the clients' messages: the clients, accepting and relaying by the leader, taking in by every server,
 * and repairs for receivers that missed some. The order and the gaps are the `Receiver`'s.
 *
 * The functions work on a {@link StepContext.StepContext} and are used by `Step` alone.
 */
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Identity from "../membership/Identity.ts"
import * as MemberLists from "../membership/MemberLists.ts"
import * as Client from "../model/Client.ts"
import * as Election from "../model/Election.ts"
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { Delivery, KnownClient } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Batch from "./Batch.ts"
import * as InTurn from "./InTurn.ts"
import * as Kept from "./Kept.ts"
import * as KnownClients from "./KnownClients.ts"
import type * as Parts from "./Parts.ts"
import * as Receiver from "./Receiver.ts"
import * as Refusals from "./Refusals.ts"

/** No client, no message. */
export const empty: Delivery = {
  clients: HashMap.empty(),
  left: 0,
  older: HashSet.empty(),
  untopical: HashSet.empty(),
  receiver: Receiver.empty,
  answers: [],
  handedOnAt: -Infinity,
  repairAt: Infinity
}

type Via = "multicast" | "unicast"

const change = (context: StepContext, change: Partial<Delivery>): void => {
  context.state.delivery = { ...context.state.delivery, ...change }
}

/** Lends the receiver to one of its functions, and carries out what follows. */
const receiving = <A>(context: StepContext, use: (host: Receiver.Host) => A): A => {
  const { reign } = context.state.election
  const leader = reign === null || reign.leader.id === context.state.self.id ? null : reign.leader
  const host: Receiver.Host = {
    receiver: context.state.delivery.receiver,
    now: context.now.monotonic,
    random: () => context.random(),
    hasLeader: leader !== null,
    // Twice: late messages of clients that are forgotten must not be delivered twice.
    maxSources: 2 * context.state.timing.maxClients,
    maxMessage: context.state.timing.maxMessageBytes,
    deliver: (message) => deliver(context, message),
    dropPart: () => context.drop("PartLost"),
    lose: (lost) => context.emit({ event: "MessageLost", ...lost }),
    ask: (whom, missed, from, to) => {
      const address = whom === "leader" && leader !== null ? addressOf(context, leader) : null
      context.send(address, { type: "CLIENT_REPAIR", missed, from, to, batches: true })
    }
  }
  const used = use(host)
  if (host.receiver !== context.state.delivery.receiver) change(context, { receiver: host.receiver })
  awaitRepair(context)
  return used
}

/** A body in parts is for those who subscribe: many events are kept, and a large body in each would be too much. */
const deliver = (context: StepContext, message: Parts.Whole): void => {
  const { body, client, parts, seq, topic } = message
  const shown = parts === 1 ? { body } : { body: null, bytes: Client.bodyBytes(body) }
  context.emit({ event: "MessageReceived", client, seq, ...Client.aboutOf({ topic }), ...shown })
  context.outputs.push({ _tag: "Deliver", message })
}

/** Where a leader was last heard, or is by its own word. */
export const addressOf = (
  context: StepContext,
  leader: Member.Address & { readonly id: Member.NodeId }
): Member.Address => Option.match(context.known(leader.id), { onNone: () => leader, onSome: ({ address }) => address })

/** One timer for all that is missing, set anew only where something is due earlier. */
const awaitRepair = (context: StepContext): void => {
  const due = Receiver.dueAt(context.state.delivery.receiver)
  if (due >= context.state.delivery.repairAt) return
  change(context, { repairAt: due })
  // Whole ms: a rest left by rounding would be no time for a timer to run.
  context.setTimer("repair", Math.max(0, Math.ceil(due - context.now.monotonic)), { _tag: "Repair" })
}

// --- The clients ---

/**
 * A client joins, or says that it is still there: the leader lets it in. While nobody leads, the server that ranks highest
 * in its own view says so. A client that asks by unicast does not hear multicasts: any server that it asks names the
 * leader.
 */
export const onJoin = (
  context: StepContext,
  message: Message.Of<"CLIENT_JOIN">,
  from: Member.Address,
  via: Via
): void => {
  const known = KnownClients.hear(context, message.client, from, message)
  if (known === null) return
  if (via === "unicast" && !KnownClients.isMembers(context, from)) {
    const unicastUntil = context.now.monotonic + 2 * Timing.patience(context.state.timing, message.interval)
    KnownClients.put(context, { ...known, unicastUntil })
  }
  if (message.seq === 0) receiving(context, (host) => Receiver.introduce(host, message.client.id))
  if (message.client.id === context.state.publisher?.client.id) return
  if (ElectionContext.ownReign(context.state) !== null) {
    const members = context.state.members.length + 1
    return context.say(from, { type: "CLIENT_WELCOME", nonce: message.nonce, members })
  }
  const isHighest = MemberLists.everyone(context.state)[0]?.id === context.state.self.id
  if (via === "unicast" || (context.state.election.reign === null && isHighest)) {
    sendLeaderNotice(context, message.client.id, from)
  }
}

/** Names the leader to a client, or says that nobody leads. */
const sendLeaderNotice = (context: StepContext, id: Client.ClientId, from: Member.Address): void => {
  const known = HashMap.getUnsafe(context.state.delivery.clients, id)
  if (context.now.monotonic - known.noticedAt < Timing.leaderNoticeInterval) return
  KnownClients.put(context, { ...known, noticedAt: context.now.monotonic })
  context.say(from, { type: "COORDINATOR", election: Election.ofGroup })
}

/** A client is gone. */
export const onLeave = (context: StepContext, { client }: Message.Of<"CLIENT_LEAVE">): void => {
  const known = Option.getOrUndefined(HashMap.get(context.state.delivery.clients, client.id))
  if (known === undefined || known.hasLeft) return
  KnownClients.put(context, { ...known, hasLeft: true, waiting: [], heardAt: context.now.monotonic })
  change(context, { left: context.state.delivery.left + 1 })
  context.emit({ event: "ClientLeft", client, reason: { _tag: "Left" } })
}

/** Forgets clients that have been silent for longer than their time-out. */
export const sweep = (context: StepContext): void => {
  const { delivery, timing } = context.state
  const now = context.now.monotonic
  for (const [id, { client, hasLeft, heardAt, interval }] of delivery.clients) {
    if (now - heardAt <= Timing.patience(timing, interval)) continue
    KnownClients.remove(context, id)
    if (!hasLeft) {
      context.emit({ event: "ClientLeft", client, reason: { _tag: "Silent", for: Math.round(now - heardAt) } })
    }
  }
}

/** After a pause of so many ms nobody is judged for it: the stamps of all clients move forward. */
export const forgive = (context: StepContext, stalledFor: number): void => {
  if (HashMap.isEmpty(context.state.delivery.clients)) return
  change(context, {
    clients: HashMap.map(context.state.delivery.clients, (known) => ({
      ...known,
      heardAt: Math.min(context.now.monotonic, known.heardAt + stalledFor)
    }))
  })
}

// --- What the leader accepts ---

/**
 * A client sends a message, or several. The leader accepts each once, in the order of `seq`, relays it and acknowledges; another
 * server names the leader.
 */
export const onMessage = (
  context: StepContext,
  message: Message.Of<"CLIENT_MESSAGE">,
  from: Member.Address,
  via: Via
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
    if (via === "unicast") sendLeaderNotice(context, client.id, from)
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
    handOn(context, taken)
  }
  if (taken.length < inTurn.length) context.drop("InboxFull")
  return taken.length === 0 ? 0 : accepted + taken.length - 1
}

/** Gives messages the next indexes of our reign, and multicasts them. */
const handOn = (context: StepContext, messages: KnownClient["waiting"]): void => {
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
  receiving(context, (host) => {
    // The leader of the reign is there from its first message on.
    if (next === 1) Receiver.named(host, term, id, 0)
    InTurn.receive(host, all, true)
  })
  change(context, { handedOnAt: context.now.monotonic })
  if (!context.hasTimer("newest")) context.setTimer("newest", newestAfter[0], { _tag: "NameNewest", isLast: false })
}

/** After how many ms the newest index is named again: a lost last message leaves no other gap to see. */
const newestAfter = [100, 500] as const

/** It is time to name our newest index, unless more was relayed meanwhile: then it is not the newest any more. */
export const nameNewest = (context: StepContext, isLast: boolean): void => {
  if (ElectionContext.ownReign(context.state) === null) return
  const passed = context.now.monotonic - context.state.delivery.handedOnAt
  const wanted = newestAfter[isLast ? 1 : 0]
  if (isLast && passed < wanted - newestAfter[0]) return nameNewest(context, false)
  // Whole ms: a rest left by rounding would be no time for a timer to run.
  const left = Math.ceil(wanted - passed)
  if (left > 0) return context.setTimer("newest", left, { _tag: "NameNewest", isLast })
  context.say(null, { type: "SERVER_ALIVE", interval: context.state.timing.heartbeatInterval })
  if (!isLast) context.setTimer("newest", newestAfter[1] - newestAfter[0], { _tag: "NameNewest", isLast: true })
}

// --- What every server takes in ---

/** The leader hands a message on, or somebody says it again. */
export const onDeliver = (context: StepContext, message: Message.Of<"CLIENT_DELIVER">): void => {
  if (message.from.id === context.state.self.id) return context.drop("Own")
  const all = Batch.delivered(message)
  for (const [at, { client: { id } }] of all.entries()) {
    if (id !== all[at - 1]?.client.id) KnownClients.noteAlive(context, id)
  }
  for (const one of all) {
    const { answers } = context.state.delivery
    if (answers.length > 0) change(context, { answers: Kept.withoutAnswered(answers, one) })
  }
  const { reign } = context.state.election
  const isOfOurs = reign !== null && reign.term === message.term && reign.leader.id === message.leader
  receiving(context, (host) => InTurn.receive(host, all, isOfOurs))
}

/**
 * A server names the newest index that it knows of the reign it follows, if that is ours too, or of its own that is over.
 */
export const onHeard = (context: StepContext, message: Message.FromServer): void => {
  if (!Message.namesNewest(message)) return
  const { delivered = 0, leader, sender, term } = message
  const { delivery: { receiver }, election: { reign } } = context.state
  const isBegun = receiver.tracks.length > 0
  // A leader that has just given its reign up names its last message, which may not have arrived.
  const id = leader?.id ?? sender.id
  const isFollowed = leader !== null && reign !== null && reign.leader.id === id && reign.term === term
  const isOver = leader === null && receiver.tracks.some((track) => track.term === term && track.leader === id)
  if (!isFollowed && !isOver) return
  if (!isBegun || Receiver.newestOf(receiver, term, id) < delivered) {
    receiving(context, (host) => Receiver.named(host, term, id, delivered))
  }
}

/** For how many ms more a server that leaves stays to be asked: only it may have the messages that it relayed last. */
export const lingers = (context: StepContext): number =>
  context.state.members.length > 0 && context.now.monotonic - context.state.delivery.handedOnAt < lingering.within
    ? lingering.for
    : 0

const lingering = { within: 1_000, for: 300 } as const

/** The app has read its inbox: so many messages may have been handed to it in all. */
export const onRoom = (context: StepContext, limit: number): void => {
  receiving(context, (host) => Receiver.allow(host, limit))
  if (ElectionContext.ownReign(context.state) === null) return
  for (const [id, { term, waiting }] of context.state.delivery.clients) {
    if (waiting.length === 0 || term !== context.state.election.reign!.term) continue
    acknowledge(context, id, waiting[0]!.seq, accept(context, id))
  }
}

// --- Repair ---

/** Something missing is to be asked for again. */
export const repairDue = (context: StepContext): void => {
  change(context, { repairAt: Infinity })
  receiving(context, Receiver.repair)
}

/**
 * Somebody missed something. Asked alone, we say it again to it alone; where the group is asked, after 0-20 ms to the
 * group, unless another does.
 */
export const onRepair = (
  context: StepContext,
  message: Message.Of<"CLIENT_REPAIR">,
  from: Member.Address,
  via: Via
): void => {
  if (Identity.isOwnAddress(context, from)) return context.drop("Own")
  const { delivery: { answers, receiver }, self: { id, incarnation } } = context.state
  const again = (one: Receiver.Delivered): Receiver.Delivered => ({ ...one, from: { id, incarnation } })
  const found = Kept.find(receiver.kept, message.missed, message.from, message.to).map(again)
  if (via === "unicast") return context.sendAll(from, found, message.batches)
  receiving(context, (host) => Receiver.overhear(host, message.missed, message.from, message.to))
  if (found.length === 0) return
  change(context, { answers: [...answers, ...found].slice(0, Client.window) })
  if (!context.hasTimer("answer")) context.setTimer("answer", context.random() * 20, { _tag: "Answer" })
}

/** Nobody else has answered for the rest. */
export const answer = (context: StepContext): void => {
  const { answers } = context.state.delivery
  change(context, { answers: [] })
  context.sendAll(null, answers, KnownClients.allBatch(context))
}
