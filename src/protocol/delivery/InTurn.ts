/**
 * Messages that came together in one datagram. Nearly always nothing is missing, and those of one client are its next: such a run is taken
 * at once, with one change of each table. Any other message is left to the `Receiver`, so the result is the same.
 */
import * as ClientOrder from "./ClientOrder.ts"
import * as Kept from "./Kept.ts"
import * as Receiver from "./Receiver.ts"

type Delivered = Receiver.Delivered

/** Messages came, of one reign, each with the next index. A receiver that has not begun begins with the first if `begins`. */
export const receive = (host: Receiver.Host, all: ReadonlyArray<Delivered>, begins: boolean): void => {
  for (let at = 0; at < all.length;) {
    const run = runAt(host, all, at)
    if (run === null) ClientOrder.receive(host, all[at]!, begins)
    else take(host, run)
    at += run?.messages.length ?? 1
  }
}

/** Messages of one client, in turn, that there is room for; and what was known of their reign and their client. */
interface Run {
  readonly messages: ReadonlyArray<Delivered>
  readonly track: Receiver.Track
  readonly source: Receiver.Source
}

const runAt = (host: Receiver.Host, all: ReadonlyArray<Delivered>, from: number): Run | null => {
  const { delivered, limit, since, tracks: [track], unplaced } = host.receiver
  const { client: { id }, index, leader, seq, term } = all[from]!
  if (track === undefined || track.term !== term || track.leader !== leader || term < since) return null
  if (track.missing.length > 0 || index !== track.newest + 1 || unplaced.length > 0) return null
  const source = ClientOrder.sourceOf(host, id)
  if (source === undefined || source.next !== seq || source.held.length > 0 || source.spilled) return null
  const isOfRun = (message: Delivered, at: number) => message.client.id === id && message.seq === seq + at
  const end = all.findIndex((message, at) =>
    at >= from && (at - from >= limit - delivered || !isOfRun(message, at - from))
  )
  const messages = from === 0 && end < 0 ? all : all.slice(from, end < 0 ? all.length : end)
  return messages.length === 0 ? null : { messages, track, source }
}

const take = (host: Receiver.Host, { messages, source, track }: Run): void => {
  const { delivered, kept, tracks } = host.receiver
  const last = messages.at(-1)!
  let count = 0
  for (const message of messages) count += ClientOrder.deliver(host, message)
  Receiver.change(host, {
    tracks: [{ ...track, newest: last.index }, ...tracks.slice(1)],
    kept: messages.reduce(Kept.add, kept),
    delivered: delivered + count
  })
  ClientOrder.putSource(host, last.client.id, {
    ...source,
    next: last.seq + 1,
    highest: last.seq,
    ask: null,
    heardAt: host.now
  })
}
