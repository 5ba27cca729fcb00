/**
 * Every server's part in the leases of others: what it promises, to whom, and what it answers. It votes in all elections
 * of the group, also in those that it takes no part in itself, since a majority is one of all servers.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Contest from "../election/Contest.ts"
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { State, Turn } from "../model/Turn.ts"

/**
 * The most elections whose promises are kept. Beyond, one that binds nobody makes room; where all bind, nothing more is
 * promised.
 */
export const maxPromises = 64

/** What this server has promised in an election. */
export const promiseIn = (state: Pick<State, "promises">, election: string): Lease.Promise =>
  Option.getOrElse(HashMap.get(state.promises, election), () => Lease.noPromise)

/** Keeps a promise, if there is room for it. */
const keep = (turn: Turn, election: string, promise: Lease.Promise): boolean => {
  const { promises } = turn.state
  if (!HashMap.has(promises, election) && HashMap.size(promises) >= maxPromises) {
    const free = Array.from(HashMap.entries(promises)).find(([, kept]) => !Lease.binds(kept, turn.now.monotonic))
    if (free === undefined) return false
    turn.state.promises = HashMap.remove(promises, free[0])
  }
  turn.state.promises = HashMap.set(turn.state.promises, election, promise)
  return true
}

/** The highest term of an election that this server has heard of, as far as it listens, or a former start of it has. */
const heardIn = (turn: Turn, election: string): number =>
  Math.max(Contest.register(turn.state, election)?.heard ?? 0, PromiseRecord.heardBefore(turn.state, election))

/** Whether this server may promise that term of an election to that start of a server, itself among them. */
export const mayGrant = (turn: Turn, election: string, candidate: Lease.Holder, term: number): boolean =>
  Lease.grants(promiseIn(turn.state, election), candidate, term, {
    silentUntil: turn.state.silentUntil,
    heard: heardIn(turn, election),
    now: turn.now.monotonic
  })

/** Promises, or renews what was promised. Answers whether it is so. */
export const bind = (
  turn: Turn,
  agreement: Lease.Agreement,
  election: string,
  holder: Lease.Holder,
  term: number
): boolean => {
  const before = promiseIn(turn.state, election)
  return keep(turn, election, Lease.promise(holder, term, agreement, turn.now.monotonic, before))
}

/** A server stands: it gets a vote for or against. Answers whether it got one for. */
export const onElection = (
  turn: Turn,
  agreement: Lease.Agreement,
  { election, sender, standing }: Message.Of<"ELECTION">,
  from: Member.Address
): boolean => {
  const now = turn.now.monotonic
  const before = promiseIn(turn.state, election)
  // The same question once more: its answer may have been lost.
  const again = !Lease.isSilent(turn.state.silentUntil, now) && Lease.bindsTo(before, sender, standing, now)
  const granted = again
    || (mayGrant(turn, election, sender, standing) && bind(turn, agreement, election, sender, standing))
  const bound = Lease.binds(before, now)
  turn.say(from, {
    type: "VOTE",
    election,
    standing,
    incarnation: sender.incarnation,
    granted,
    promised: granted ? standing : Math.max(before.term, heardIn(turn, election)),
    boundTo: granted ? sender.id : bound ? before.to!.id : null,
    remaining: granted || !bound ? 0 : Math.ceil(before.until - now)
  })
  return granted
}

/** A leader renews its claim. Answers whether this server is bound to it now. */
export const onBeat = (
  turn: Turn,
  agreement: Lease.Agreement,
  { beat, claim, election, sender }: Message.Of<"BEAT">,
  from: Member.Address
): boolean => {
  const { silentUntil } = turn.state
  const promise = promiseIn(turn.state, election)
  if (!Lease.takesBeat(promise, sender, claim, { silentUntil, now: turn.now.monotonic })) return false
  if (!bind(turn, agreement, election, sender, claim)) return false
  turn.say(from, { type: "BEAT_ACK", election, claim, beat, incarnation: sender.incarnation })
  return true
}

/**
 * A claim was given back: it is said several times, and may come before the claim. Answers whether that is news, and whether
 * this server was bound to it.
 */
export const onRelease = (
  turn: Turn,
  election: string,
  holder: Lease.Holder,
  claim: number
): { readonly isNews: boolean; readonly isFreed: boolean } => {
  const before = promiseIn(turn.state, election)
  const after = Lease.release(before, holder, claim)
  const isNews = after !== before && keep(turn, election, after)
  return { isNews, isFreed: isNews && before.to !== null && after.to === null }
}

/**
 * What this server would answer if that start of a server stood now: whether it would vote for it in a term above
 * `promised`; whom it is bound to, and for how many ms more it may vote for nobody else. It binds nobody.
 */
export const preVote = (turn: Turn, election: string, candidate: Lease.Holder): Message.PreVote => {
  const now = turn.now.monotonic
  const promise = promiseIn(turn.state, election)
  const promised = Math.max(promise.term, heardIn(turn, election))
  const bound = Lease.binds(promise, now)
  const granted = !isForeign(turn, candidate.id) && mayGrant(turn, election, candidate, promised + 1)
  const until = Math.max(turn.state.silentUntil, bound ? promise.until : -Infinity)
  return {
    granted,
    promised,
    boundTo: bound ? promise.to!.id : null,
    remaining: granted ? 0 : Math.max(0, Math.ceil(until - now))
  }
}

/**
 * Whether the sender goes by the same settings as we do. If not it gets no vote, and it is told once for each start of it.
 */
export const agrees = (turn: Turn, sender: Member.Member, theirs: Lease.Agreement | undefined): boolean => {
  const difference = Lease.difference(turn.state.rules.lease, theirs ?? null)
  if (difference === null) return true
  const known = HashMap.getUnsafe(turn.state.known, sender.id)
  if (!known.differs) {
    turn.state.known = HashMap.set(turn.state.known, sender.id, { ...known, differs: true })
    turn.emit({ event: "SettingsDiffer", member: sender, ...difference })
  }
  return false
}

/** Whether a server turned out to go by no lease, or by another than ours: to follow it would be to have no majority. */
export const isForeign = (turn: Turn, id: Member.NodeId): boolean =>
  turn.state.rules.lease !== null && Option.exists(turn.known(id), ({ differs }) => differs)

/** What is said in an election that this server takes no part in: it votes all the same. */
export const hear = (
  turn: Turn,
  lease: Lease.Agreement,
  message: Message.FromServer,
  from: Member.Address
): void => {
  switch (message.type) {
    case "ELECTION":
      return void onElection(turn, lease, message, from)
    case "BEAT":
      return void onBeat(turn, lease, message, from)
    case "RELEASE":
      return void onRelease(turn, message.election, message.sender, message.claim)
  }
}
