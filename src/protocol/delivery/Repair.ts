/** Asks for messages that are missing, the leader first, and gives them up. */
import * as HashMap from "effect/HashMap"
import type * as Client from "../model/Client.ts"
import type * as Message from "../model/Message.ts"
import * as ClientOrder from "./ClientOrder.ts"
import type * as Receiver from "./Receiver.ts"
import * as Tracks from "./Tracks.ts"

/** After how many ms of asking a message is given up. */
export const giveUpAfter = 2_000

/** Asks before the group is asked too: the leader nearly always has it. */
const leaderFirst = 2

/** When something is to be asked for again, Infinity where nothing is missing. */
export const dueAt = (receiver: Receiver.Receiver): number => {
  let due = Infinity
  for (const { missing } of receiver.tracks) for (const { ask } of missing) due = Math.min(due, ask.dueAt)
  for (const client of receiver.asking) {
    due = Math.min(due, HashMap.getUnsafe(receiver.sources, client).ask!.dueAt)
  }
  return due
}

const nextAsk = (host: Receiver.Host, ask: Receiver.Ask): Receiver.Ask => ({
  ...ask,
  asks: ask.asks + 1,
  dueAt: host.now + Math.min(150, 50 * 1.5 ** ask.asks) * (0.75 + host.random() / 2)
})

const whom = (host: Receiver.Host, { asks }: Receiver.Ask): "leader" | "group" =>
  host.hasLeader && (asks < leaderFirst || asks % 2 === 1) ? "leader" : "group"

/** Asks for the messages that are due, and gives up those that were asked for long enough. */
export const repair = (host: Receiver.Host): void => {
  for (const track of host.receiver.tracks) {
    const { leader, missing, term } = track
    if (!missing.some(({ ask }) => ask.dueAt <= host.now)) continue
    const rest = missing.flatMap((run): ReadonlyArray<Receiver.Run> => {
      if (run.ask.dueAt > host.now) return [run]
      if (host.now - run.ask.since >= giveUpAfter) {
        Tracks.loseIndexes(host, track, run.from, run.to)
        return []
      }
      host.ask(whom(host, run.ask), { term, leader }, run.from, run.to)
      return [{ ...run, ask: nextAsk(host, run.ask) }]
    })
    Tracks.putTrack(host, { ...track, missing: rest })
  }
  for (const client of host.receiver.asking) {
    const source = HashMap.getUnsafe(host.receiver.sources, client)
    const ask = source.ask!
    if (ask.dueAt <= host.now) repairSource(host, client, source, ask)
  }
  if (host.receiver.unplaced.length > 0) ClientOrder.place(host)
}

const repairSource = (
  host: Receiver.Host,
  client: Client.ClientId,
  source: Receiver.Source,
  ask: Receiver.Ask
): void => {
  const from = source.next!
  const [first] = source.held
  const to = (first?.seq ?? source.highest + 1) - 1
  // Where an index before it is missing, that is being asked for.
  if (first !== undefined && Tracks.completeTo(host.receiver, first) < first.index) {
    return ClientOrder.putSource(host, client, { ...source, ask: { ...ask, dueAt: host.now + 50 } })
  }
  if (host.now - ask.since >= giveUpAfter && ask.asks > leaderFirst) {
    host.lose({ client, term: null, from, to })
    return ClientOrder.advance(host, client, { ...source, next: to + 1, ask: null })
  }
  host.ask(whom(host, ask), { client }, from, to)
  ClientOrder.putSource(host, client, { ...source, ask: nextAsk(host, ask) })
}

/** Somebody else asks the group for messages that may be missing here too: this receiver waits for the answer. */
export const overhear = (host: Receiver.Host, missed: Message.Missed, from: number, to: number): void => {
  if ("client" in missed) {
    const source = ClientOrder.sourceOf(host, missed.client)
    if (source === undefined || source.ask === null || source.next! < from || source.next! > to) return
    return ClientOrder.putSource(host, missed.client, { ...source, ask: nextAsk(host, source.ask) })
  }
  for (const track of host.receiver.tracks) {
    if (track.term !== missed.term || track.leader !== missed.leader) continue
    const missing = track.missing.map((run) =>
      from <= run.from && run.to <= to ? { ...run, ask: nextAsk(host, run.ask) } : run
    )
    Tracks.putTrack(host, { ...track, missing })
  }
}
