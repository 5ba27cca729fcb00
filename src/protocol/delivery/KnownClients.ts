/** The clients that a server knows: who is there, and what they read. */
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import type * as Client from "../model/Client.ts"
import * as Election from "../model/Election.ts"
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { Delivery, KnownClient } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"

/** Changes what is known of the clients and of their messages. */
export const change = (context: StepContext, change: Partial<Delivery>): void => {
  context.state.delivery = { ...context.state.delivery, ...change }
}

/** Whether there was one that has left, and is forgotten now. If none has, a crowd of new clients costs no search. */
const forgetOne = (context: StepContext): boolean => {
  const { clients, left } = context.state.delivery
  for (const [id, { hasLeft }] of left === 0 ? [] : clients) {
    if (!hasLeft) continue
    remove(context, id)
    return true
  }
  return false
}

export const put = (context: StepContext, known: KnownClient): void => {
  const { clients, older, untopical } = context.state.delivery
  const { batches, client: { id }, hasLeft, topics } = known
  change(context, {
    clients: HashMap.set(clients, id, known),
    older: listed(older, id, !batches && !hasLeft),
    untopical: listed(untopical, id, !topics && !hasLeft)
  })
}

type Ids = Delivery["older"]

const listed = (set: Ids, id: Client.ClientId, belongs: boolean): Ids =>
  HashSet.has(set, id) === belongs ? set : belongs ? HashSet.add(set, id) : HashSet.remove(set, id)

export const remove = (context: StepContext, id: Client.ClientId): void => {
  const { clients, left, older, untopical } = context.state.delivery
  change(context, {
    clients: HashMap.remove(clients, id),
    left: HashMap.getUnsafe(clients, id).hasLeft ? left - 1 : left,
    older: HashSet.remove(older, id),
    untopical: HashSet.remove(untopical, id)
  })
}

/** Whether all who hear what is said to the group read several messages in one datagram. */
export const allBatch = ({ state: { delivery: { older }, members } }: StepContext): boolean =>
  HashSet.isEmpty(older) && members.every(({ batches }) => batches)

/** The names of those who would read a topic or a part as something else, as many as a refusal has room for. */
export const olderOnes = (
  { state: { delivery: { clients, untopical }, members } }: StepContext
): ReadonlyArray<string> => {
  const names = members.filter(({ topics }) => topics !== true).map(({ name }) => name)
  for (const id of untopical) {
    if (names.length >= Message.maxOlder) break
    names.push(HashMap.getUnsafe(clients, id).client.name)
  }
  return names.slice(0, Message.maxOlder)
}

/** What a client has said that it reads. */
interface Reads {
  readonly batches?: boolean | undefined
  readonly topics?: boolean | undefined
}

/** Takes note of a client: a new one has joined. Null where what it says must not be acted on. */
export const hear = (
  context: StepContext,
  client: Client.Client,
  from: Member.Address,
  { batches = false, interval, topics = false }: Reads & { readonly interval?: number }
): KnownClient | null => {
  const before = Option.getOrUndefined(HashMap.get(context.state.delivery.clients, client.id))
  if (before !== undefined) {
    if (before.hasLeft) {
      context.drop("Departed")
      return null
    }
    const known = {
      ...before,
      address: from,
      heardAt: context.now.monotonic,
      interval: interval ?? before.interval,
      batches: before.batches || batches,
      topics: before.topics || topics
    }
    put(context, known)
    return known
  }
  if (HashMap.size(context.state.delivery.clients) >= context.state.timing.maxClients && !forgetOne(context)) {
    context.drop("ClientsFull")
    return null
  }
  const known: KnownClient = {
    client,
    address: from,
    heardAt: context.now.monotonic,
    interval: interval ?? context.state.timing.heartbeatInterval,
    hasLeft: false,
    unicastUntil: -Infinity,
    term: -1,
    accepted: 0,
    waiting: [],
    refused: 0,
    refusal: null,
    batches,
    topics,
    noticedAt: -Infinity
  }
  put(context, known)
  context.emit({ event: "ClientJoined", client })
  return known
}

/** A client of which a message is relayed is there. */
export const noteAlive = (context: StepContext, id: Client.ClientId): void => {
  const known = Option.getOrUndefined(HashMap.get(context.state.delivery.clients, id))
  if (known !== undefined && !known.hasLeft) put(context, { ...known, heardAt: context.now.monotonic })
}

/** Whether a member is there, which publishes: it gets what is said to the group anyway. */
export const isMembers = ({ state: { known } }: StepContext, { ip, port }: Member.Address): boolean =>
  HashMap.some(known, ({ address }) => address.ip === ip && address.port === port)

/** Names the leader to a client, or says that nobody leads. */
export const sendLeaderNotice = (context: StepContext, id: Client.ClientId, from: Member.Address): void => {
  const known = HashMap.getUnsafe(context.state.delivery.clients, id)
  if (context.now.monotonic - known.noticedAt < Timing.leaderNoticeInterval) return
  put(context, { ...known, noticedAt: context.now.monotonic })
  context.say(from, { type: "COORDINATOR", election: Election.ofGroup })
}
