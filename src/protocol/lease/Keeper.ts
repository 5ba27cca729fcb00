/**
 * Keeps what servers that left had promised, for their next start. The next start that asks gets it; no other does. It is
 * kept for `leaseDuration x (1 - 2d)` from when the key was made, by the fastest of this server's clocks. The server that
 * left was alive then, so by true time that is over before a start that does not have it could have promised anything.
 */
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { Turn } from "../model/Turn.ts"
import * as Voter from "./Voter.ts"

/** Of how many servers promises are kept. An offer of one more is not answered, and counted. */
export const maxKept = 64

/** Somebody leaves and asks whether its promises will be kept. The same question gets the same key. */
export const onOffer = (
  turn: Turn,
  agreement: Lease.Agreement,
  { lease, server, start }: Message.Of<"HANDOVER_OFFER">,
  from: Member.Address
): void => {
  if (server === turn.state.self.id || Lease.difference(agreement, lease) !== null) return
  forget(turn, agreement)
  const same = turn.state.kept.find((one) => one.server === server && one.start === start)
  if (same !== undefined) return turn.send(from, { type: "HANDOVER_ACCEPT", start, key: same.key })
  const others = turn.state.kept.filter((one) => one.server !== server)
  if (others.length >= maxKept) return turn.drop("HandoversFull")
  const kept: PromiseRecord.Kept = {
    server,
    start,
    key: turn.nonce(),
    madeAt: Lease.instant(turn.now),
    pages: null,
    givenTo: null
  }
  turn.state.kept = [...others, kept]
  turn.send(from, { type: "HANDOVER_ACCEPT", start, key: kept.key })
}

/** A page of what is handed over by a key of ours. */
export const onHandover = (
  turn: Turn,
  agreement: Lease.Agreement,
  message: Message.Of<"HANDOVER">,
  from: Member.Address
): void => {
  forget(turn, agreement)
  const kept = turn.state.kept.find(({ key }) => key === message.key)
  if (kept === undefined) return
  const pages = PromiseRecord.withPage(kept.pages, message)
  replace(turn, { ...kept, pages })
  if (PromiseRecord.whole(pages) !== null) turn.send(from, { type: "HANDOVER_KEPT", key: message.key })
}

/**
 * A server that has just started asks for what its former start promised. Once it was given to a start, no other gets it;
 * that one does each time it asks, since the answer may be lost.
 */
export const onAsk = (
  turn: Turn,
  agreement: Lease.Agreement,
  { server, start }: Message.Of<"PROMISES_ASK">,
  from: Member.Address
): void => {
  forget(turn, agreement)
  const kept = turn.state.kept.find((one) => one.server === server)
  if (kept === undefined || kept.start === start || (kept.givenTo ?? start) !== start) return
  const record = kept.pages && PromiseRecord.whole(kept.pages)
  if (record === null) return
  replace(turn, { ...kept, givenTo: start })
  for (const page of PromiseRecord.pagesOf(kept.key, record.map((one) => freed(turn, one)))) {
    turn.send(from, { type: "PROMISES", start, lease: agreement, ...page })
  }
}

/** What was given back since is promised to nobody: whoever had left by then could not hear of it. */
const freed = (turn: Turn, promised: Message.Promised): Message.Promised => {
  const { election, term, to } = promised
  const isFree = to !== null && Lease.gaveBack(Voter.promiseIn(turn.state, election), to, term)
  return isFree ? { ...promised, to: null } : promised
}

/** Before anything else that concerns what is kept: what is over is forgotten. */
const forget = (turn: Turn, agreement: Lease.Agreement): void => {
  turn.state.kept = turn.state.kept.filter(({ madeAt }) => Lease.elapsed(madeAt, turn.now) < Lease.lasts(agreement))
}

const replace = (turn: Turn, kept: PromiseRecord.Kept): void => {
  turn.state.kept = turn.state.kept.map((one) => one.server === kept.server ? kept : one)
}
