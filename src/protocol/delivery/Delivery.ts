/**
 * The server's side of what clients send: who they are, what the leader accepts and hands on, what every server takes in
 * from it, and what is said again to those who missed some. The order and the gaps are the `Receiver`'s.
 *
 * The functions work on a {@link Turn.Turn} and are used by `Step` alone.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Contest from "../election/Contest.ts"
import * as Identity from "../membership/Identity.ts"
import * as MemberLists from "../membership/MemberLists.ts"
import * as Client from "../model/Client.ts"
import * as Election from "../model/Election.ts"
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import * as Rules from "../model/Rules.ts"
import type { Delivery, KnownClient, Turn } from "../model/Turn.ts"
import * as Receiver from "./Receiver.ts"

/** No client, no message. */
export const empty: Delivery = {
  clients: HashMap.empty(),
  left: 0,
  receiver: Receiver.empty,
  answers: [],
  handedOnAt: -Infinity,
  repairAt: Infinity
}

type Via = "multicast" | "unicast"

const change = (turn: Turn, change: Partial<Delivery>): void => {
  turn.state.delivery = { ...turn.state.delivery, ...change }
}

/** Lends the receiver to one of its functions, and carries out what follows. */
const receiving = <A>(turn: Turn, use: (host: Receiver.Host) => A): A => {
  const { reign } = turn.state.election
  const leader = reign === null || reign.leader.id === turn.state.self.id ? null : reign.leader
  const host: Receiver.Host = {
    receiver: turn.state.delivery.receiver,
    now: turn.now.monotonic,
    random: () => turn.random(),
    hasLeader: leader !== null,
    // Twice: what comes late of those that are forgotten must not come twice.
    maxSources: 2 * turn.state.rules.maxClients,
    deliver: ({ body, client, seq }) => turn.emit({ event: "MessageReceived", client, seq, body }),
    lose: (lost) => turn.emit({ event: "MessageLost", ...lost }),
    ask: (whom, missed, from, to) => {
      const address = whom === "leader" && leader !== null ? addressOf(turn, leader) : null
      turn.send(address, { type: "CLIENT_REPAIR", missed, from, to })
    }
  }
  const used = use(host)
  if (host.receiver !== turn.state.delivery.receiver) change(turn, { receiver: host.receiver })
  awaitRepair(turn)
  return used
}

const addressOf = (turn: Turn, leader: Member.Address & { readonly id: Member.NodeId }): Member.Address =>
  Option.match(turn.known(leader.id), { onNone: () => leader, onSome: ({ address }) => address })

/** One timer for all that is missing, set anew only where something is due earlier. */
const awaitRepair = (turn: Turn): void => {
  const due = Receiver.dueAt(turn.state.delivery.receiver)
  if (due >= turn.state.delivery.repairAt) return
  change(turn, { repairAt: due })
  // Whole ms: what is left of one by rounding would be no time for a timer to run.
  turn.setTimer("repair", Math.max(0, Math.ceil(due - turn.now.monotonic)), { _tag: "Repair" })
}

// --- Who the clients are ---

/** Whether there was one that has left, and is forgotten now. Where none has, a crowd of strangers costs no search. */
const forgetOne = (turn: Turn): boolean => {
  const { clients, left } = turn.state.delivery
  for (const [id, { hasLeft }] of left === 0 ? [] : clients) {
    if (!hasLeft) continue
    change(turn, { clients: HashMap.remove(clients, id), left: left - 1 })
    return true
  }
  return false
}

const put = (turn: Turn, known: KnownClient): void =>
  change(turn, { clients: HashMap.set(turn.state.delivery.clients, known.client.id, known) })

/** Takes note of a client: a new one has joined. Null where what it says must not be acted on. */
const hear = (turn: Turn, client: Client.Client, from: Member.Address, interval?: number): KnownClient | null => {
  const before = Option.getOrUndefined(HashMap.get(turn.state.delivery.clients, client.id))
  if (before !== undefined) {
    if (before.hasLeft) {
      turn.drop("Departed")
      return null
    }
    const known = { ...before, address: from, heardAt: turn.now.monotonic, interval: interval ?? before.interval }
    put(turn, known)
    return known
  }
  if (HashMap.size(turn.state.delivery.clients) >= turn.state.rules.maxClients && !forgetOne(turn)) {
    turn.drop("ClientsFull")
    return null
  }
  const known: KnownClient = {
    client,
    address: from,
    heardAt: turn.now.monotonic,
    interval: interval ?? turn.state.rules.heartbeatInterval,
    hasLeft: false,
    unicastUntil: -Infinity,
    term: -1,
    accepted: 0,
    waiting: [],
    noticedAt: -Infinity
  }
  put(turn, known)
  turn.emit({ event: "ClientJoined", client })
  return known
}

/**
 * A client joins, or says that it is still there: the leader lets it in. While nobody leads, whoever ranks highest in its
 * own view says so. One that asks by unicast does not hear multicasts: whomever it asks says who leads.
 */
export const onJoin = (turn: Turn, message: Message.Of<"CLIENT_JOIN">, from: Member.Address, via: Via): void => {
  const known = hear(turn, message.client, from, message.interval)
  if (known === null) return
  if (via === "unicast") {
    const unicastUntil = turn.now.monotonic + 2 * Rules.patience(turn.state.rules, message.interval)
    put(turn, { ...known, unicastUntil })
  }
  if (message.seq === 0) receiving(turn, (host) => Receiver.introduce(host, message.client.id))
  if (Contest.ownReign(turn.state) !== null) {
    const members = turn.state.members.length + 1
    return turn.say(from, { type: "CLIENT_WELCOME", nonce: message.nonce, members })
  }
  const isHighest = MemberLists.everyone(turn.state)[0]?.id === turn.state.self.id
  if (via === "unicast" || (turn.state.election.reign === null && isHighest)) notify(turn, message.client.id, from)
}

/** Tells a client whom to talk to, or that nobody leads. */
const notify = (turn: Turn, id: Client.ClientId, from: Member.Address): void => {
  const known = HashMap.getUnsafe(turn.state.delivery.clients, id)
  if (turn.now.monotonic - known.noticedAt < Rules.noticeInterval) return
  put(turn, { ...known, noticedAt: turn.now.monotonic })
  turn.say(from, { type: "COORDINATOR", election: Election.ofGroup })
}

/** A client is gone. */
export const onLeave = (turn: Turn, { client }: Message.Of<"CLIENT_LEAVE">): void => {
  const known = Option.getOrUndefined(HashMap.get(turn.state.delivery.clients, client.id))
  if (known === undefined || known.hasLeft) return
  put(turn, { ...known, hasLeft: true, waiting: [], heardAt: turn.now.monotonic })
  change(turn, { left: turn.state.delivery.left + 1 })
  turn.emit({ event: "ClientLeft", client, reason: { _tag: "Left" } })
}

/** Forgets clients that have been silent for longer than their time-out. */
export const sweep = (turn: Turn): void => {
  const { delivery, rules } = turn.state
  const now = turn.now.monotonic
  for (const [id, { client, hasLeft, heardAt, interval }] of delivery.clients) {
    if (now - heardAt <= Rules.patience(rules, interval)) continue
    const { clients, left } = turn.state.delivery
    change(turn, { clients: HashMap.remove(clients, id), left: hasLeft ? left - 1 : left })
    if (!hasLeft) {
      turn.emit({ event: "ClientLeft", client, reason: { _tag: "Silent", for: Math.round(now - heardAt) } })
    }
  }
}

/** After a stall of so many ms nobody is judged for it: the stamps of all clients move forward. */
export const forgive = (turn: Turn, stalledFor: number): void => {
  if (HashMap.isEmpty(turn.state.delivery.clients)) return
  change(turn, {
    clients: HashMap.map(turn.state.delivery.clients, (known) => ({
      ...known,
      heardAt: Math.min(turn.now.monotonic, known.heardAt + stalledFor)
    }))
  })
}

// --- What the leader accepts ---

/**
 * A client sends a message. The leader accepts each once, in the order of `seq`, hands it on and acknowledges; whoever
 * does not lead says who does.
 */
export const onMessage = (
  turn: Turn,
  message: Message.Of<"CLIENT_MESSAGE">,
  from: Member.Address,
  via: Via
): void => {
  const known = hear(turn, message.client, from)
  if (known === null) return
  const own = Contest.ownReign(turn.state)
  if (own === null) {
    if (via === "unicast") notify(turn, message.client.id, from)
    return
  }
  // What is below `oldest` was acknowledged by a former leader: to wait for it would be to wait for ever.
  const accepted = known.term === own.term ? Math.max(known.accepted, message.oldest) : message.oldest
  const waiting = known.term === own.term ? known.waiting.filter(({ seq }) => seq >= accepted) : []
  if (message.seq < accepted) {
    put(turn, { ...known, term: own.term, accepted, waiting })
    return acknowledge(turn, known, message.seq)
  }
  if (message.seq >= accepted + Client.window) return turn.drop("OutOfTurn")
  const others = waiting.filter(({ seq }) => seq !== message.seq)
  put(turn, { ...known, term: own.term, accepted, waiting: [...others, message].sort((a, b) => a.seq - b.seq) })
  accept(turn, message.client.id)
}

const acknowledge = (turn: Turn, { address, client }: KnownClient, seq: number): void =>
  turn.say(address, { type: "CLIENT_ACK", client: client.id, seq })

/** Accepts what is in turn of one client, as long as our own inbox has room. */
const accept = (turn: Turn, id: Client.ClientId): void => {
  for (;;) {
    const known = HashMap.getUnsafe(turn.state.delivery.clients, id)
    const [message] = known.waiting
    if (message === undefined || message.seq !== known.accepted) return
    const { delivered, limit } = turn.state.delivery.receiver
    if (delivered >= limit) return turn.drop("InboxFull")
    put(turn, { ...known, accepted: known.accepted + 1, waiting: known.waiting.slice(1) })
    handOn(turn, message)
    acknowledge(turn, known, message.seq)
  }
}

/** Gives a message the next index of our reign, and multicasts it. */
const handOn = (turn: Turn, { body, client, seq }: Message.Of<"CLIENT_MESSAGE">): void => {
  const { id, incarnation } = turn.state.self
  const { term } = turn.state.election.reign!
  const index = turn.newestIndex() + 1
  const message: Receiver.Delivered = {
    type: "CLIENT_DELIVER",
    from: { id, incarnation },
    term,
    leader: id,
    index,
    client,
    seq,
    body
  }
  turn.send(null, message)
  receiving(turn, (host) => {
    // Whoever founds the reign is there from its first message on.
    if (index === 1) Receiver.named(host, term, id, 0)
    Receiver.receive(host, message, true)
  })
  change(turn, { handedOnAt: turn.now.monotonic })
  if (!turn.hasTimer("newest")) turn.setTimer("newest", newestAfter[0], { _tag: "NameNewest", isLast: false })
}

/** After how many ms the newest index is named again: a lost last message leaves no other gap to see. */
const newestAfter = [100, 500] as const

/** It is time to name our newest index, unless more was handed on meanwhile: then it is not the newest any more. */
export const nameNewest = (turn: Turn, isLast: boolean): void => {
  if (Contest.ownReign(turn.state) === null) return
  const passed = turn.now.monotonic - turn.state.delivery.handedOnAt
  const wanted = newestAfter[isLast ? 1 : 0]
  if (isLast && passed < wanted - newestAfter[0]) return nameNewest(turn, false)
  // Whole ms: what is left of one by rounding would be no time for a timer to run.
  const left = Math.ceil(wanted - passed)
  if (left > 0) return turn.setTimer("newest", left, { _tag: "NameNewest", isLast })
  turn.say(null, { type: "SERVER_ALIVE", interval: turn.state.rules.heartbeatInterval })
  if (!isLast) turn.setTimer("newest", newestAfter[1] - newestAfter[0], { _tag: "NameNewest", isLast: true })
}

// --- What every server takes in ---

/** The leader hands a message on, or somebody says it again. */
export const onDeliver = (turn: Turn, message: Message.Of<"CLIENT_DELIVER">): void => {
  if (message.from.id === turn.state.self.id) return turn.drop("Own")
  const { answers, clients } = turn.state.delivery
  const known = Option.getOrUndefined(HashMap.get(clients, message.client.id))
  if (known !== undefined && !known.hasLeft) put(turn, { ...known, heardAt: turn.now.monotonic })
  if (answers.length > 0) change(turn, { answers: Receiver.withoutAnswered(answers, message) })
  const { reign } = turn.state.election
  const isOfOurs = reign !== null && reign.term === message.term && reign.leader.id === message.leader
  receiving(turn, (host) => Receiver.receive(host, message, isOfOurs))
}

/**
 * A server names the newest index that it knows of the reign it follows, if that is ours too, or of its own that is over.
 */
export const onHeard = (turn: Turn, message: Message.FromServer): void => {
  if (!Message.namesNewest(message)) return
  const { delivered = 0, leader, sender, term } = message
  const { delivery: { receiver }, election: { reign } } = turn.state
  const isBegun = receiver.tracks.length > 0
  // Who has just given its reign up names its last message, which may not have arrived.
  const id = leader?.id ?? sender.id
  const isFollowed = leader !== null && reign !== null && reign.leader.id === id && reign.term === term
  const isOver = leader === null && receiver.tracks.some((track) => track.term === term && track.leader === id)
  if (!isFollowed && !isOver) return
  if (!isBegun || Receiver.newestOf(receiver, term, id) < delivered) {
    receiving(turn, (host) => Receiver.named(host, term, id, delivered))
  }
}

/** For how many ms more a server that leaves stays to be asked: what it handed on last, only it may have. */
export const lingers = (turn: Turn): number =>
  turn.state.members.length > 0 && turn.now.monotonic - turn.state.delivery.handedOnAt < lingering.within
    ? lingering.for
    : 0

const lingering = { within: 1_000, for: 300 } as const

/** The app has read its inbox: so many messages may have been handed to it in all. */
export const onRoom = (turn: Turn, limit: number): void => {
  receiving(turn, (host) => Receiver.allow(host, limit))
  if (Contest.ownReign(turn.state) === null) return
  for (const [id, { term, waiting }] of turn.state.delivery.clients) {
    if (waiting.length > 0 && term === turn.state.election.reign!.term) accept(turn, id)
  }
}

// --- Repair ---

/** Something missing is to be asked for again. */
export const repairDue = (turn: Turn): void => {
  change(turn, { repairAt: Infinity })
  receiving(turn, Receiver.repair)
}

/**
 * Somebody missed something. Asked alone, we say it again to it alone; where the group is asked, after 0-20 ms to the
 * group, unless another does.
 */
export const onRepair = (turn: Turn, message: Message.Of<"CLIENT_REPAIR">, from: Member.Address, via: Via): void => {
  if (Identity.isOwnAddress(turn, from)) return turn.drop("Own")
  const { delivery: { answers, receiver }, self: { id, incarnation } } = turn.state
  const again = (one: Receiver.Delivered): Receiver.Delivered => ({ ...one, from: { id, incarnation } })
  const found = Receiver.find(receiver, message.missed, message.from, message.to).map(again)
  if (via === "unicast") return found.forEach((one) => turn.send(from, one))
  receiving(turn, (host) => Receiver.overhear(host, message.missed, message.from, message.to))
  if (found.length === 0) return
  change(turn, { answers: [...answers, ...found].slice(0, Client.window) })
  if (!turn.hasTimer("answer")) turn.setTimer("answer", turn.random() * 20, { _tag: "Answer" })
}

/** Nobody else has answered for what is left. */
export const answer = (turn: Turn): void => {
  const { answers } = turn.state.delivery
  change(turn, { answers: [] })
  for (const message of answers) turn.send(null, message)
}
