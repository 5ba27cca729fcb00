/**
 * Every voter's part in the leases of others: what it promises, to whom, and what it answers. It votes in all elections
 * of the group, also in those that it takes no part in itself, since a majority is one of all voters. A server without a vote is
 * silent for good, and promises nothing.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as ElectionTraits from "../election/ElectionTraits.ts"
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"

/**
 * The most elections whose promises are kept. Beyond, one that binds nobody makes room; where all bind, nothing more is
 * promised.
 */
export const maxPromises = 64

/** What this server has promised in an election. */
export const promiseIn = (state: Pick<State, "promises">, election: string): Lease.Promise =>
  Option.getOrElse(HashMap.get(state.promises, election), () => Lease.noPromise)

/** Keeps a promise, if there is room for it. */
const keep = (context: StepContext, election: string, promise: Lease.Promise): boolean => {
  const { promises } = context.state
  if (!HashMap.has(promises, election) && HashMap.size(promises) >= maxPromises) {
    const free = Array.from(HashMap.entries(promises)).find(([, kept]) => !Lease.binds(kept, context.now.monotonic))
    if (free === undefined) return false
    context.state.promises = HashMap.remove(promises, free[0])
  }
  context.state.promises = HashMap.set(context.state.promises, election, promise)
  return true
}

/** The highest term of an election that this server has heard of, as far as it listens, or a former start of it has. */
const heardIn = (context: StepContext, election: string): number =>
  Math.max(
    ElectionContext.register(context.state, election)?.heard ?? 0,
    PromiseRecord.heardBefore(context.state, election)
  )

/** Whether this server may promise that term of an election to that start of a server, itself among them. */
export const mayGrant = (context: StepContext, election: string, candidate: Lease.Holder, term: number): boolean =>
  Lease.grants(promiseIn(context.state, election), candidate, term, {
    silentUntil: context.state.silentUntil,
    heard: heardIn(context, election),
    now: context.now.monotonic
  })

/** Promises, or renews what was promised. Answers whether it is so. */
export const bind = (
  context: StepContext,
  agreement: Lease.Agreement,
  election: string,
  holder: Lease.Holder,
  term: number
): boolean => {
  const before = promiseIn(context.state, election)
  return keep(context, election, Lease.promise(holder, term, agreement, context.now.monotonic, before))
}

/** A server stands: it gets a vote for or against. Answers whether it got one for. */
export const onElection = (
  context: StepContext,
  agreement: Lease.Agreement,
  { election, sender, standing }: Message.Of<"ELECTION">,
  from: Member.Address
): boolean => {
  if (!context.state.timing.votes) return false
  const now = context.now.monotonic
  const before = promiseIn(context.state, election)
  // The same question once more: its answer may have been lost.
  const again = !Lease.isSilent(context.state.silentUntil, now) && Lease.bindsTo(before, sender, standing, now)
  const granted = again
    || (mayGrant(context, election, sender, standing) && bind(context, agreement, election, sender, standing))
  const bound = Lease.binds(before, now)
  context.say(from, {
    type: "VOTE",
    election,
    standing,
    incarnation: sender.incarnation,
    granted,
    promised: granted ? standing : Math.max(before.term, heardIn(context, election)),
    boundTo: granted ? sender.id : bound ? before.to!.id : null,
    remaining: granted || !bound ? 0 : Math.ceil(before.until - now)
  })
  return granted
}

/** A leader renews its claim. Answers whether this server is bound to it now. */
export const onBeat = (
  context: StepContext,
  agreement: Lease.Agreement,
  { beat, claim, election, sender }: Message.Of<"BEAT">,
  from: Member.Address
): boolean => {
  const { silentUntil } = context.state
  const promise = promiseIn(context.state, election)
  if (!Lease.takesBeat(promise, sender, claim, { silentUntil, now: context.now.monotonic })) return false
  if (!bind(context, agreement, election, sender, claim)) return false
  context.say(from, { type: "BEAT_ACK", election, claim, beat, incarnation: sender.incarnation })
  return true
}

/**
 * A claim was given back: it is said several times, and may come before the claim. Answers whether that is news, and whether
 * this server was bound to it.
 */
export const onRelease = (
  context: StepContext,
  election: string,
  holder: Lease.Holder,
  claim: number
): { readonly isNews: boolean; readonly isFreed: boolean } => {
  const before = promiseIn(context.state, election)
  const after = Lease.release(before, holder, claim)
  const isNews = after !== before && keep(context, election, after)
  return { isNews, isFreed: isNews && before.to !== null && after.to === null }
}

/**
 * What this server would answer if that start of a server stood now: whether it would vote for it in a term above
 * `promised`; whom it is bound to, and for how many ms more it may vote for nobody else. It binds nobody.
 */
export const preVote = (context: StepContext, election: string, candidate: Lease.Holder): Message.PreVote => {
  const now = context.now.monotonic
  const promise = promiseIn(context.state, election)
  const promised = Math.max(promise.term, heardIn(context, election))
  const bound = Lease.binds(promise, now)
  const granted = !isForeign(context, candidate.id) && mayGrant(context, election, candidate, promised + 1)
  const until = Math.max(context.state.silentUntil, bound ? promise.until : -Infinity)
  return {
    granted,
    promised,
    boundTo: bound ? promise.to!.id : null,
    // Who never votes has no time to name: the asker would wait for it.
    remaining: granted || until === Infinity ? 0 : Math.max(0, Math.ceil(until - now))
  }
}

/**
 * Whether the sender goes by the same settings as we do. If not it gets no vote, and it is told once for each start of it.
 */
export const agrees = (context: StepContext, sender: Member.Member, theirs: Lease.Agreement | undefined): boolean => {
  const difference = Lease.difference(context.state.timing.lease, theirs ?? null)
  if (difference === null) return true
  const known = HashMap.getUnsafe(context.state.known, sender.id)
  if (!known.differs) {
    context.state.known = HashMap.set(context.state.known, sender.id, { ...known, differs: true })
    context.emit({ event: "SettingsDiffer", member: sender, ...difference })
  }
  return false
}

/** Whether a server turned out to go by no lease, or by another than ours: to follow it would be to have no majority. */
export const isForeign = (context: StepContext, id: Member.NodeId): boolean =>
  ElectionTraits.of(context.state.timing).needsOneAgreement &&
  Option.exists(context.known(id), ({ differs }) => differs)

/** What is said in an election that this server takes no part in: it votes all the same. */
export const hear = (
  context: StepContext,
  lease: Lease.Agreement,
  message: Message.FromServer,
  from: Member.Address
): void => {
  switch (message.type) {
    case "ELECTION":
      return void onElection(context, lease, message, from)
    case "BEAT":
      return void onBeat(context, lease, message, from)
    case "RELEASE":
      return void onRelease(context, message.election, message.sender, message.claim)
  }
}
