/**
 * What every server takes in of the clients' messages as the leader relays them, and repairs for receivers that missed some. The
 * order and the gaps are the `Receiver`'s.
 *
 * The functions work on a {@link StepContext.StepContext}.
 */
import * as Option from "effect/Option"
import * as Identity from "../membership/Identity.ts"
import * as Client from "../model/Client.ts"
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Batch from "./Batch.ts"
import * as InTurn from "./InTurn.ts"
import * as Kept from "./Kept.ts"
import * as KnownClients from "./KnownClients.ts"
import type * as Parts from "./Parts.ts"
import * as Receiver from "./Receiver.ts"
import * as Repair from "./Repair.ts"
import * as Tracks from "./Tracks.ts"

/** Lends the receiver to one of its functions, and carries out what follows. */
export const receiving = <A>(context: StepContext, use: (host: Receiver.Host) => A): A => {
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
  if (host.receiver !== context.state.delivery.receiver) KnownClients.change(context, { receiver: host.receiver })
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
  const due = Repair.dueAt(context.state.delivery.receiver)
  if (due >= context.state.delivery.repairAt) return
  KnownClients.change(context, { repairAt: due })
  // Whole ms: a rest left by rounding would be no time for a timer to run.
  context.setTimer("repair", Math.max(0, Math.ceil(due - context.now.monotonic)), { _tag: "Repair" })
}

// --- What comes ---

/** The leader hands a message on, or somebody says it again. */
export const onDeliver = (context: StepContext, message: Message.Of<"CLIENT_DELIVER">): void => {
  if (message.from.id === context.state.self.id) return context.drop("Own")
  const all = Batch.delivered(message)
  for (const [at, { client: { id } }] of all.entries()) {
    if (id !== all[at - 1]?.client.id) KnownClients.noteAlive(context, id)
  }
  for (const one of all) {
    const { answers } = context.state.delivery
    if (answers.length > 0) KnownClients.change(context, { answers: Kept.withoutAnswered(answers, one) })
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
    receiving(context, (host) => Tracks.named(host, term, id, delivered))
  }
}

// --- Repair ---

/** Something missing is to be asked for again. */
export const repairDue = (context: StepContext): void => {
  KnownClients.change(context, { repairAt: Infinity })
  receiving(context, Repair.repair)
}

/**
 * Somebody missed something. Asked alone, we say it again to it alone; where the group is asked, after 0-20 ms to the
 * group, unless another does.
 */
export const onRepair = (
  context: StepContext,
  message: Message.Of<"CLIENT_REPAIR">,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  if (Identity.isOwnAddress(context, from)) return context.drop("Own")
  const { delivery: { answers, receiver }, self: { id, incarnation } } = context.state
  const again = (one: Receiver.Delivered): Receiver.Delivered => ({ ...one, from: { id, incarnation } })
  const found = Kept.find(receiver.kept, message.missed, message.from, message.to).map(again)
  if (via === "unicast") return context.sendAll(from, found, message.batches)
  receiving(context, (host) => Repair.overhear(host, message.missed, message.from, message.to))
  if (found.length === 0) return
  KnownClients.change(context, { answers: [...answers, ...found].slice(0, Client.window) })
  if (!context.hasTimer("answer")) context.setTimer("answer", context.random() * 20, { _tag: "Answer" })
}

/** Nobody else has answered for the rest. */
export const answer = (context: StepContext): void => {
  const { answers } = context.state.delivery
  KnownClients.change(context, { answers: [] })
  context.sendAll(null, answers, KnownClients.allBatch(context))
}
