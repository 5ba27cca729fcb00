/**
 * What one start of a server hands to its next, so that this one need not be silent: its promises, and the highest terms
 * that it promised or heard. Another server keeps them meanwhile (`Keeper`).
 *
 * Who leaves first neither grants nor acknowledges any more. It asks others whether they will keep its promises, takes the
 * first that will, and hands them to that one alone: two that kept them could give them to two starts.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Candidacy from "../election/Candidacy.ts"
import type { HandoverTimer } from "../election/ElectionAlgorithm.ts"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Keeper from "./Keeper.ts"

/** How often the offer is said, and then the record, and the time between, in ms: both take no longer than 320 ms. */
const tries = 4
const gap = 40

const change = (context: StepContext, part: Partial<PromiseRecord.Handover>): void => {
  context.state.handover = { ...context.state.handover, ...part }
}

/** Until when a server that starts at that instant promises nothing: for good where it has no vote. */
export const silentUntil = (
  { votes }: Pick<Timing.Timing, "votes">,
  { duration }: Lease.Agreement,
  monotonic: number
): number => votes ? monotonic + duration : Infinity

/** Until when this server promises nothing, in ms from now: 0 where it votes, and where nobody does. */
export const votesIn = ({ silentUntil }: Pick<State, "silentUntil">, monotonic: number): number =>
  Math.max(0, Math.ceil(silentUntil - monotonic))

const isSilent = ({ now, state }: StepContext): boolean => Lease.isSilent(state.silentUntil, now.monotonic)

// --- A start ---

/**
 * The silent start begins: the server that keeps what the former start promised is asked for it. Who has no vote needs none of
 * it: it promises nothing, so a next start of it that votes finds all that any start of it has promised.
 */
export const start = (context: StepContext): void => {
  if (!context.state.timing.votes) return
  change(context, { start: context.nonce() })
  context.setTimer("votes", votesIn(context.state, context.now.monotonic), { _tag: "Handover", due: "votes", gaps: [] })
  askOften(context, Timing.gaps.probe)
}

/** The machine was set back. What one that leaves has promised, its next start may have. */
export const startAnew = (context: StepContext, agreement: Lease.Agreement): void => {
  const isLeaving = context.state.phase === "Leaving"
  context.state.silentUntil = isLeaving ? Infinity : silentUntil(context.state.timing, agreement, context.now.monotonic)
  if (!isLeaving) start(context)
}

/** Asks again and again, after each of the gaps (ms). */
const askOften = (context: StepContext, gaps: ReadonlyArray<number>): void => {
  ask(context)
  const [gap, ...rest] = gaps
  if (gap !== undefined) context.setTimer("promises", gap, { _tag: "Handover", due: "question", gaps: rest })
}

/** Asks once, while this server is silent: a keeper may not have been reached before. */
export const ask = (context: StepContext): void => {
  const { handover, phase, self } = context.state
  if (handover.start === "" || !handover.asks || phase === "Leaving" || !isSilent(context)) return
  context.send(null, { type: "PROMISES_ASK", server: self.id, start: handover.start })
}

/**
 * What the former start promised comes. This server has promised nothing yet, so with all of it it knows what its silence
 * is for: it keeps these promises for as long as it would have been silent, and votes.
 */
const onPromises = (context: StepContext, agreement: Lease.Agreement, message: Message.Of<"PROMISES">): void => {
  const { handover, phase, silentUntil } = context.state
  if (message.start !== handover.start || !handover.asks || phase === "Leaving" || !isSilent(context)) return
  if (Lease.difference(agreement, message.lease) !== null) return
  const pages = PromiseRecord.withPage(handover.pages, message)
  const record = PromiseRecord.whole(pages)
  if (record === null) return change(context, { pages })
  context.state.promises = HashMap.fromIterable(
    record.flatMap(({ election, term, to }) =>
      term === 0 ? [] : [[
        election,
        { to, term, until: to === null ? -Infinity : silentUntil, released: [] }
      ]]
    )
  )
  change(context, {
    pages: null,
    heard: HashMap.fromIterable(record.map(({ election, heard }) => [election, heard]))
  })
  context.state.silentUntil = -Infinity
  for (const election of ElectionContext.all(context)) {
    election.change({
      heard: Math.max(election.register.heard, PromiseRecord.heardBefore(context.state, election.name))
    })
  }
  votes(context, true)
}

/** The silent start is over. */
const votes = (context: StepContext, handedOver: boolean): void => {
  for (const key of ["votes", "promises"]) context.clearTimer(key)
  const after = Math.max(0, Math.round(context.now.monotonic - context.state.identity.startedAt))
  context.emit({ event: "Votes", after, handedOver })
  ElectionContext.all(context).forEach(Candidacy.callElection)
}

// --- The end of a start ---

/**
 * This server leaves: from here on it neither grants nor acknowledges anything, and offers its promises to others. One
 * that is still silent has none to hand over: it does not know what its former start promised.
 */
export const leave = (context: StepContext, agreement: Lease.Agreement): void => {
  const hasVoted = !isSilent(context)
  context.state.silentUntil = Infinity
  for (const key of ["votes", "promises"]) context.clearTimer(key)
  const keepers = keepersOf(context)
  if (!hasVoted || keepers.length === 0) return
  change(context, { giving: { keepers, tries: 0, accepted: null } })
  goOn(context, agreement)
}

/** Those that were there the longest, after the leader: they are the last to be expected to stop next. */
const keepersOf = ({ state: { election, known, members } }: StepContext): ReadonlyArray<Member.NodeId> => {
  const leader = election.reign?.leader.id
  const since = (id: Member.NodeId) => id === leader ? -Infinity : HashMap.getUnsafe(known, id).joinedAt
  return members.map(({ id }) => id).toSorted((a, b) => since(a) - since(b)).slice(0, tries)
}

/** Whether this server still hands over: its goodbye waits for that. */
export const isUnderWay = ({ handover }: Pick<State, "handover">): boolean => handover.giving !== null

/** Says again what was not answered, as often as it may be; then this server is silent when it starts next. */
const goOn = (context: StepContext, agreement: Lease.Agreement): void => {
  const { start } = context.state.handover
  // Its timer is cleared when it is over.
  const giving = context.state.handover.giving!
  const { accepted, keepers } = giving
  if (giving.tries === tries) return change(context, { giving: null })
  change(context, { giving: { ...giving, tries: giving.tries + 1 } })
  context.setTimer("handover", gap, { _tag: "Handover", due: "record", gaps: [] })
  if (accepted !== null) {
    for (const page of accepted.pages) context.send(accepted.by, { type: "HANDOVER", ...page })
    return
  }
  // One that does not answer may be gone, or too old to know what is asked: with each try one more is asked.
  for (const id of keepers.slice(0, giving.tries + 1)) {
    const known = Option.getOrUndefined(context.known(id))
    if (known === undefined) continue
    context.send(known.address, { type: "HANDOVER_OFFER", server: context.state.self.id, start, lease: agreement })
  }
}

/** Without what says nothing. */
const recordOf = (context: StepContext): ReadonlyArray<Message.Promised> => {
  const { handover, named, promises } = context.state
  const elections = new Set(["", ...HashMap.keys(promises), ...HashMap.keys(named), ...HashMap.keys(handover.heard)])
  return Array.from(elections, (election): Message.Promised => {
    const promise = Option.getOrElse(HashMap.get(promises, election), () => Lease.noPromise)
    const heard = ElectionContext.register(context.state, election)?.heard ?? 0
    return {
      election,
      term: promise.term,
      to: Lease.binds(promise, context.now.monotonic) ? promise.to : null,
      heard: Math.max(heard, PromiseRecord.heardBefore(context.state, election))
    }
  }).filter(({ heard, term }) => Math.max(heard, term) > 0)
}

/** One of those asked will keep the promises. The first gets them, and nobody else. */
const onAccept = (
  context: StepContext,
  agreement: Lease.Agreement,
  { key, start }: Message.Of<"HANDOVER_ACCEPT">,
  by: Member.Address
): void => {
  const { giving, start: own } = context.state.handover
  if (giving === null || giving.accepted !== null || start !== own) return
  const pages = PromiseRecord.pagesOf(key, recordOf(context))
  change(context, { giving: { ...giving, tries: 0, accepted: { by, pages } } })
  goOn(context, agreement)
}

/** The keeper has it all. */
const onKept = (context: StepContext, { key }: Message.Of<"HANDOVER_KEPT">): void => {
  if (context.state.handover.giving?.accepted?.pages[0]?.key !== key) return
  change(context, { giving: null })
  context.clearTimer("handover")
}

/** A timer of it has run out. */
export const fired = (context: StepContext, agreement: Lease.Agreement, { due, gaps }: HandoverTimer): void => {
  switch (due) {
    case "votes":
      return votes(context, false)
    case "question":
      return askOften(context, gaps)
    case "record":
      return goOn(context, agreement)
  }
}

/** What is said of a handover. It is no sign of life: who says it leaves, or has only just started. */
export const hear = (
  context: StepContext,
  agreement: Lease.Agreement,
  message: Message.OfHandover,
  from: Member.Address
): void => {
  switch (message.type) {
    case "HANDOVER_OFFER":
      return Keeper.onOffer(context, agreement, message, from)
    case "HANDOVER_ACCEPT":
      return onAccept(context, agreement, message, from)
    case "HANDOVER":
      return Keeper.onHandover(context, agreement, message, from)
    case "HANDOVER_KEPT":
      return onKept(context, message)
    case "PROMISES_ASK":
      return Keeper.onAsk(context, agreement, message, from)
    case "PROMISES":
      return onPromises(context, agreement, message)
  }
}
