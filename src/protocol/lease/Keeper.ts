/**
 * Keeps what servers that left had promised, for their next start. The next start that asks gets it; no other does. It is
 * kept for `leaseDuration x (1 - 2d)` from when the key was made, by the fastest of this server's clocks. The server that
 * left was alive then, so by true time that is over before a start that does not have it could have promised anything.
 */
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Voter from "./Voter.ts"

/** Of how many servers promises are kept. An offer of one more is not answered, and counted. */
export const maxKept = 64

/** Somebody leaves and asks whether its promises will be kept. The same question gets the same key. */
export const onOffer = (
  context: StepContext,
  agreement: Lease.Agreement,
  { lease, server, start }: Message.Of<"HANDOVER_OFFER">,
  from: Member.Address
): void => {
  if (server === context.state.self.id || Lease.difference(agreement, lease) !== null) return
  forget(context, agreement)
  const same = context.state.kept.find((one) => one.server === server && one.start === start)
  if (same !== undefined) return context.send(from, { type: "HANDOVER_ACCEPT", start, key: same.key })
  const others = context.state.kept.filter((one) => one.server !== server)
  if (others.length >= maxKept) return context.drop("HandoversFull")
  const kept: PromiseRecord.Kept = {
    server,
    start,
    key: context.nonce(),
    madeAt: Lease.instant(context.now),
    pages: null,
    givenTo: null
  }
  context.state.kept = [...others, kept]
  context.send(from, { type: "HANDOVER_ACCEPT", start, key: kept.key })
}

/** A page of what is handed over by a key of ours. */
export const onHandover = (
  context: StepContext,
  agreement: Lease.Agreement,
  message: Message.Of<"HANDOVER">,
  from: Member.Address
): void => {
  forget(context, agreement)
  const kept = context.state.kept.find(({ key }) => key === message.key)
  if (kept === undefined) return
  const pages = PromiseRecord.withPage(kept.pages, message)
  replace(context, { ...kept, pages })
  if (PromiseRecord.whole(pages) !== null) context.send(from, { type: "HANDOVER_KEPT", key: message.key })
}

/**
 * A server that has just started asks for what its former start promised. Once it was given to a start, no other gets it;
 * that one does each time it asks, since the answer may be lost.
 */
export const onAsk = (
  context: StepContext,
  agreement: Lease.Agreement,
  { server, start }: Message.Of<"PROMISES_ASK">,
  from: Member.Address
): void => {
  forget(context, agreement)
  const kept = context.state.kept.find((one) => one.server === server)
  if (kept === undefined || kept.start === start || (kept.givenTo ?? start) !== start) return
  const record = kept.pages && PromiseRecord.whole(kept.pages)
  if (record === null) return
  replace(context, { ...kept, givenTo: start })
  for (const page of PromiseRecord.pagesOf(kept.key, record.map((one) => freed(context, one)))) {
    context.send(from, { type: "PROMISES", start, lease: agreement, ...page })
  }
}

/** What was given back since is promised to nobody: a server that had left by then could not hear of it. */
const freed = (context: StepContext, promised: Message.Promised): Message.Promised => {
  const { election, term, to } = promised
  const isFree = to !== null && Lease.gaveBack(Voter.promiseIn(context.state, election), to, term)
  return isFree ? { ...promised, to: null } : promised
}

/** Before anything else that concerns what is kept: what is over is forgotten. */
const forget = (context: StepContext, agreement: Lease.Agreement): void => {
  context.state.kept = context.state.kept.filter(({ madeAt }) =>
    Lease.elapsed(madeAt, context.now) < Lease.lasts(agreement)
  )
}

const replace = (context: StepContext, kept: PromiseRecord.Kept): void => {
  context.state.kept = context.state.kept.map((one) => one.server === kept.server ? kept : one)
}
