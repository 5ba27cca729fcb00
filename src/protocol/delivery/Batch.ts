/**
 * Several messages of clients in one datagram: what waits to be sent is packed as far as a datagram has room, and taken apart by
 * its receivers. An older program reads the first message of such a datagram alone; so it is given one message a datagram.
 */
import * as Client from "../model/Client.ts"
import type * as Message from "../model/Message.ts"
import type { Output } from "../model/Output.ts"
import * as Frame from "../wire/Frame.ts"

type Delivered = Message.Of<"CLIENT_DELIVER">

/** What waits to be sent. */
export type Outgoing = Extract<Output, { readonly _tag: "Send" | "Ask" | "Farewell" }>

type Sending = Extract<Outgoing, { readonly _tag: "Send" }>

// --- Taking apart ---

/** The messages that a datagram of the leader holds, each as if it had come alone. */
export const delivered = (message: Delivered): ReadonlyArray<Delivered> => {
  const { more, ...first } = message
  if (more === undefined) return [message]
  const { part: _, topic: __, ...bare } = first
  const all: Array<Delivered> = [first]
  let last: Delivered = first
  for (const { body, client = last.client, seq = last.seq + 1, ...about } of more) {
    last = { ...bare, index: last.index + 1, client, seq, ...about, body }
    all.push(last)
  }
  return all
}

/** The bodies that a datagram of a client holds: of `seq`, and of those that follow it. */
export const bodies = ({ body, more = [] }: Message.Of<"CLIENT_MESSAGE">): ReadonlyArray<Client.Body> => [body, ...more]

// --- Packing ---

type Packable = Delivered | Message.Of<"CLIENT_MESSAGE">

/** A datagram that may have room for more. `last` is its newest message. */
interface Open {
  readonly at: number
  readonly sending: Sending
  readonly first: Packable
  readonly more: Array<Client.Following>
  last: Pick<Packable, "client" | "seq">
  bytes: number
}

/** What the list of the others takes at least: `,"more":[]`. */
const listBytes = 10

/**
 * Puts messages of clients that wait for the same receivers together, in their order, and leaves out acknowledgements that a later one
 * includes. They pass by each other, and by nothing else that waits.
 */
export const pack = (all: ReadonlyArray<Outgoing>): ReadonlyArray<Outgoing> => {
  if (all.length < 2) return all
  const packed: Array<Outgoing | undefined> = []
  const open = new Map<Message.Message["type"], Open>()
  const acknowledged = new Map<Client.ClientId, { readonly at: number; readonly seq: number }>()
  const close = (one: Open | undefined) => {
    if (one !== undefined && one.more.length > 0) packed[one.at] = { ...one.sending, message: whole(one) }
  }
  const put = (one: Outgoing) => packed.push(one) - 1
  const putPackable = (sending: Sending, message: Packable) => {
    const before = open.get(message.type)
    if (before !== undefined && follows(before, sending, message) && add(before, message)) return
    close(before)
    open.set(message.type, { at: put(sending), sending, first: message, more: [], last: message, bytes: 0 })
  }
  const putAck = (sending: Sending, { client, seq }: Message.Of<"CLIENT_ACK">) => {
    const before = acknowledged.get(client)
    if (before !== undefined && before.seq <= seq) packed[before.at] = undefined
    acknowledged.set(client, { at: put(sending), seq })
  }
  const putOther = (one: Outgoing) => {
    open.forEach(close)
    open.clear()
    acknowledged.clear()
    put(one)
  }
  for (const one of all) {
    if (one._tag !== "Send" || one.batches !== true) putOther(one)
    else if (one.message.type === "CLIENT_DELIVER" || one.message.type === "CLIENT_MESSAGE") {
      putPackable(one, one.message)
    } else if (one.message.type === "CLIENT_ACK") putAck(one, one.message)
    else putOther(one)
  }
  open.forEach(close)
  return packed.filter((one) => one !== undefined)
}

const whole = ({ first, more }: Open): Message.Message =>
  first.type === "CLIENT_DELIVER" ? { ...first, more } : { ...first, more: more.map(({ body }) => body) }

/** Whether a message is the next of those in a datagram, and goes to the same receivers. */
const follows = ({ first, last, more, sending }: Open, { to }: Sending, next: Packable): boolean =>
  isSame(sending.to, to) && (first.type === "CLIENT_DELIVER" && next.type === "CLIENT_DELIVER"
    ? next.index === first.index + more.length + 1 && next.term === first.term && next.leader === first.leader
    : next.client.id === last.client.id && next.seq === last.seq + 1 && ("echo" in next) === ("echo" in first)
      && countOf(next) === countOf(first) && next.topic === first.topic && next.part === undefined &&
      first.part === undefined)

const countOf = (message: Packable): number | undefined => "refused" in message ? message.refused : undefined

const isSame = (some: Sending["to"], others: Sending["to"]): boolean =>
  some === others || (some.length === others.length
    && some.every((one, at) => one?.ip === others[at]?.ip && one?.port === others[at]?.port))

/** Adds a message to a datagram. Returns whether there was room. */
const add = (open: Open, { body, client, part, seq, topic }: Packable): boolean => {
  if (open.more.length === Client.maxMore) return false
  const isSameClient = client.id === open.last.client.id
  const following: Client.Following = {
    ...isSameClient ? {} : { client },
    ...isSameClient && seq === open.last.seq + 1 ? {} : { seq },
    ...Client.aboutOf({ part, topic }),
    body
  }
  if (open.bytes === 0) open.bytes = Client.bodyBytes(open.first) + listBytes
  const bytes = open.bytes + Client.bodyBytes(following) + 1
  if (bytes > Frame.maxBodyBytes) return false
  open.bytes = bytes
  open.more.push(following)
  open.last = { client, seq }
  return true
}
