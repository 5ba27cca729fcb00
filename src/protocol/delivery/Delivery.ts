/**
 * The clients of a group come and go: what a server does when one joins, is silent or leaves. Their messages are `Relaying`'s and
 * `Receiving`'s.
 *
 * The functions work on a {@link StepContext.StepContext}.
 */
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as MemberLists from "../membership/MemberLists.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { Delivery } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as ClientOrder from "./ClientOrder.ts"
import * as KnownClients from "./KnownClients.ts"
import * as Receiver from "./Receiver.ts"
import * as Receiving from "./Receiving.ts"

/** No client, no message. */
export const empty: Delivery = {
  clients: HashMap.empty(),
  left: 0,
  older: HashSet.empty(),
  untopical: HashSet.empty(),
  receiver: Receiver.empty,
  answers: [],
  relayedAt: -Infinity,
  repairAt: Infinity
}

/**
 * A client joins, or says that it is still there: the leader lets it in. While nobody leads, the server that ranks highest
 * in its own view says so. A client that asks by unicast does not hear multicasts: any server that it asks names the
 * leader.
 */
export const onJoin = (
  context: StepContext,
  message: Message.Of<"CLIENT_JOIN">,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const known = KnownClients.hear(context, message.client, from, message)
  if (known === null) return
  if (via === "unicast" && !KnownClients.isMembers(context, from)) {
    const unicastUntil = context.now.monotonic + 2 * Timing.patience(context.state.timing, message.interval)
    KnownClients.put(context, { ...known, unicastUntil })
  }
  if (message.seq === 0) Receiving.receiving(context, (host) => ClientOrder.introduce(host, message.client.id))
  if (message.client.id === context.state.publisher?.client.id) return
  if (ElectionContext.ownReign(context.state) !== null) {
    const members = context.state.members.length + 1
    return context.say(from, { type: "CLIENT_WELCOME", nonce: message.nonce, members })
  }
  const isHighest = MemberLists.everyone(context.state)[0]?.id === context.state.self.id
  if (via === "unicast" || (context.state.election.reign === null && isHighest)) {
    KnownClients.sendLeaderNotice(context, message.client.id, from)
  }
}

/** A client is gone. */
export const onLeave = (context: StepContext, { client }: Message.Of<"CLIENT_LEAVE">): void => {
  const known = Option.getOrUndefined(HashMap.get(context.state.delivery.clients, client.id))
  if (known === undefined || known.hasLeft) return
  KnownClients.put(context, { ...known, hasLeft: true, waiting: [], heardAt: context.now.monotonic })
  KnownClients.change(context, { left: context.state.delivery.left + 1 })
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
  KnownClients.change(context, {
    clients: HashMap.map(context.state.delivery.clients, (known) => ({
      ...known,
      heardAt: Math.min(context.now.monotonic, known.heardAt + stalledFor)
    }))
  })
}
