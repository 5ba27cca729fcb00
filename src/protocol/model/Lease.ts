/**
 * The parts of a majority lease: promises, how long they bind, how long a lease that rests on them lasts, and which answers
 * count. Every decision is a small function of data; `Voter` and `LeaseElection` ask them.
 *
 * A leader holds the lease while a majority of all servers has promised not to let another lead. A promise lasts for the
 * duration L from when its server received the question; the lease for `L x (1 - 2d)` from when the question was *sent*, d
 * being how much two clocks may differ in speed. So the lease ends before any of the promises does. After Trencséni et al.,
 * *PaxosLease: Diskless Paxos for Leases* (arXiv:1209.4187).
 */
import type * as Member from "./Member.ts"
import type * as Message from "./Message.ts"

/**
 * The settings that all servers of a group must have in common: their number, how long a promise binds (ms), and by how
 * much their clocks may differ in speed (0.01 is one in a hundred).
 */
export type Agreement = Message.Agreement

/** How many servers are a majority. */
export const majority = ({ groupSize }: Pick<Agreement, "groupSize">): number => Math.floor(groupSize / 2) + 1

/** Time between two renewals of a leader, in ms: five may be lost before the lease is. */
export const renewalInterval = ({ duration }: Agreement): number => duration / 6

/** How long a lease lasts from the instant in which what it rests on was sent, in ms on the leader's fastest clock. */
export const lasts = ({ drift, duration }: Agreement): number => duration * (1 - 2 * drift)

/** The first difference of two agreements, or null if they agree. */
export const difference = (
  ours: Agreement | null,
  theirs: Agreement | null
): { readonly setting: string; readonly ours: string; readonly theirs: string } | null => {
  if (ours === null || theirs === null) {
    const mode = (agreement: Agreement | null) => agreement === null ? "bully" : "lease"
    return ours === theirs ? null : { setting: "leadership", ours: mode(ours), theirs: mode(theirs) }
  }
  for (const [key, setting] of differences) {
    if (ours[key] !== theirs[key]) return { setting, ours: String(ours[key]), theirs: String(theirs[key]) }
  }
  return null
}

const differences = [["groupSize", "groupSize"], ["duration", "leaseDuration"], ["drift", "clockDrift"]] as const

// --- Clocks ---

/**
 * One instant by all clocks of a machine, in ms. `sinceBoot` also counts while the machine is suspended; undefined where
 * there is no such clock.
 */
export interface Instant {
  readonly monotonic: number
  readonly wall: number
  readonly sinceBoot: number | undefined
}

/** An instant out of all that a step is given. */
export const instant = (now: Readings): Instant => ({
  monotonic: now.monotonic,
  wall: now.wall,
  sinceBoot: now.sinceBoot
})

/** The readings of the clocks. */
export interface Readings {
  readonly monotonic: number
  readonly wall: number
  readonly sinceBoot?: number | undefined
}

/**
 * How much time has passed for a leader, in ms: by the fastest of its clocks, since the monotonic one stops while the
 * machine is suspended. So a wall clock that is set forward may end a lease early; none ends late.
 */
export const elapsed = (since: Instant, now: Readings): number =>
  Math.max(
    now.monotonic - since.monotonic,
    now.wall - since.wall,
    now.sinceBoot === undefined || since.sinceBoot === undefined ? 0 : now.sinceBoot - since.sinceBoot
  )

// --- Promises ---

/** One start of one server. */
export interface Holder {
  readonly id: Member.NodeId
  readonly incarnation: number
}

/** A claim of a server's start in a term. */
export interface Claimed extends Holder {
  readonly term: number
}

/**
 * The promise of a server in one election: to let nobody but `to` lead until then, on its monotonic clock. The term
 * outlives the promise: this term or a lower one is never promised anew. `to` is null if the claim was given back, or no
 * promise was made.
 */
export interface Promise {
  readonly to: Holder | null
  readonly term: number
  readonly until: number
  /**
   * The newest claim that each of several starts has given back, the latest first, also of starts to which nothing was
   * promised here. None of these claims is granted or acknowledged any more: the release may be heard before the claim
   * itself.
   */
  readonly released: ReadonlyArray<Claimed>
}

/** Of how many starts it is remembered what they gave back: of those that did so last. */
export const maxReleased = 16

/** Nothing has been promised yet. */
export const noPromise: Promise = { to: null, term: 0, until: -Infinity, released: [] }

/**
 * A promise made or renewed now, for the whole duration from now on. The claims that others gave back are kept from the
 * promise `before`.
 */
export const promise = (
  { id, incarnation }: Holder,
  term: number,
  { duration }: Agreement,
  now: number,
  before: Promise = noPromise
): Promise => ({ to: { id, incarnation }, term, until: now + duration, released: before.released })

/** Whether a promise binds its server to anybody now. */
export const binds = (promise: Promise, now: number): boolean => promise.to !== null && now < promise.until

/** Whether a server is bound to exactly this start of that server, for that term. */
export const bindsTo = (promise: Promise, holder: Holder, term: number, now: number): boolean =>
  binds(promise, now) && isHeldBy(promise, holder) && promise.term === term

const isHeldBy = ({ to }: Promise, holder: Holder): boolean => to !== null && isSameStart(to, holder)

const isSameStart = (self: Holder, that: Holder): boolean =>
  self.id === that.id && self.incarnation === that.incarnation

/** Whether a start has given back its claim of that term: of a later one it would not have, were it not done with this. */
export const isReleased = ({ released }: Promise, holder: Holder, term: number): boolean =>
  released.some((claimed) => isSameStart(claimed, holder) && term <= claimed.term)

/** Whether that very claim is the last that a start is known to have given back. */
export const gaveBack = ({ released }: Promise, holder: Holder, term: number): boolean =>
  released.some((claimed) => isSameStart(claimed, holder) && term === claimed.term)

/**
 * Whether a server must grant nothing: it has only just started, and may have forgotten what it had promised, or it has
 * left, and its next start may have what it promised.
 */
export const isSilent = (silentUntil: number, now: number): boolean => now < silentUntil

/** A grant depends on this besides the promise: the end of the silent start, the highest term heard of, and the time. */
export interface Circumstances {
  readonly silentUntil: number
  readonly heard: number
  readonly now: number
}

/**
 * Whether a server may promise itself, or another, for a term: its silent start is over, no unexpired promise names
 * another, the claim was not given back, and the term is above all that it has promised or heard of.
 */
export const grants = (
  promise: Promise,
  candidate: Holder,
  term: number,
  { heard, now, silentUntil }: Circumstances
): boolean =>
  !isSilent(silentUntil, now) && !(binds(promise, now) && !isHeldBy(promise, candidate))
  && !isReleased(promise, candidate, term) && term > promise.term && term > heard

/**
 * How a server that is not silent takes a renewal. If a promise binds it to exactly this claim, it renews the promise. If
 * it is bound to nobody, the renewal is a request, which it grants if it may. Otherwise it does nothing.
 */
export const takesBeat = (
  promise: Promise,
  leader: Holder,
  term: number,
  { now, silentUntil }: Pick<Circumstances, "silentUntil" | "now">
): boolean =>
  !isSilent(silentUntil, now)
  && (bindsTo(promise, leader, term, now)
    || (!binds(promise, now) && !isReleased(promise, leader, term)
      && (term > promise.term || (term === promise.term && promise.to !== null))))

/** The promise after a server gave a term back: free, if it was exactly for that. The same where nothing of it is new. */
export const release = (promise: Promise, holder: Holder, term: number): Promise => {
  if (isReleased(promise, holder, term)) return promise
  const { id, incarnation } = holder
  const others = promise.released.filter((claimed) => !isSameStart(claimed, holder))
  const released = [{ id, incarnation, term }, ...others].slice(0, maxReleased)
  return { ...promise, to: isHeldBy(promise, holder) && promise.term === term ? null : promise.to, released }
}

// --- Claims ---

/** A renewal that was said, and the servers that acknowledged it. */
export interface Beat {
  readonly beat: number
  readonly sentAt: Instant
  readonly acks: ReadonlyArray<Member.NodeId>
}

/** A server's claim to lead in a term: asked for, or `held` since a majority granted it. */
export interface Claim {
  readonly term: number
  readonly held: boolean
  /** When what the lease rests on was sent: the question, then the newest renewal that a majority acknowledged. */
  readonly leaseStart: Instant
  /** The servers that granted it, without the claimant. */
  readonly votes: ReadonlyArray<Member.NodeId>
  /** The number of the newest renewal, and those that may still be acknowledged by a majority. */
  readonly beat: number
  readonly beats: ReadonlyArray<Beat>
}

/** A claim that is asked for now. */
export const claim = (term: number, now: Readings): Claim => ({
  term,
  held: false,
  leaseStart: instant(now),
  votes: [],
  beat: 0,
  beats: []
})

/** How long the lease of a claim still lasts, in ms; not above 0: it is over. */
export const left = (claim: Claim, agreement: Agreement, now: Readings): number =>
  lasts(agreement) - elapsed(claim.leaseStart, now)

/** Whether the lease of a claim lasts now. */
export const isHeld = (claim: Claim, agreement: Agreement, now: Readings): boolean =>
  claim.held && left(claim, agreement, now) > 0

/** Whether a vote counts: it grants exactly the claim that this start of this server makes now. */
export const countsVote = (
  claim: Claim | null,
  self: Holder,
  vote: Pick<Message.Of<"VOTE">, "standing" | "incarnation" | "granted">
): claim is Claim =>
  claim !== null && !claim.held && vote.granted && vote.standing === claim.term && vote.incarnation === self.incarnation

const withOne = (servers: ReadonlyArray<Member.NodeId>, id: Member.NodeId): ReadonlyArray<Member.NodeId> =>
  servers.includes(id) ? servers : [...servers, id]

/** A claim with one more vote; a server's second is its first. */
export const voted = (claim: Claim, by: Member.NodeId): Claim => ({ ...claim, votes: withOne(claim.votes, by) })

/** Whether so many others and oneself are a majority. */
export const suffices = (others: ReadonlyArray<Member.NodeId>, agreement: Agreement): boolean =>
  others.length + 1 >= majority(agreement)

/** A claim whose next renewal is said now. Those are forgotten on which no lease could rest any more. */
export const beaten = (claim: Claim, agreement: Agreement, now: Readings): Claim => {
  const beat = claim.beat + 1
  const beats = claim.beats.filter(({ sentAt }) => elapsed(sentAt, now) < lasts(agreement))
  return rested({ ...claim, beat, beats: [...beats, { beat, sentAt: instant(now), acks: [] }] }, agreement)
}

/** Whether an acknowledgement counts: it is for exactly what this start of this server holds. */
export const countsAck = (
  claim: Claim | null,
  self: Holder,
  ack: Pick<Message.Of<"BEAT_ACK">, "claim" | "incarnation">
): claim is Claim => claim !== null && claim.held && ack.claim === claim.term && ack.incarnation === self.incarnation

/**
 * A claim with one more acknowledgement, of a renewal that was said. It counts for the earlier ones too: a server that is
 * bound by the later one is bound for longer. A second one of the same server changes nothing.
 */
export const acknowledged = (claim: Claim, by: Member.NodeId, beat: number, agreement: Agreement): Claim =>
  beat > claim.beat ? claim : rested({
    ...claim,
    beats: claim.beats.map((one) => one.beat <= beat ? { ...one, acks: withOne(one.acks, by) } : one)
  }, agreement)

/** Rests on the newest renewal that a majority has acknowledged; those before it are of no use any more. */
const rested = (claim: Claim, agreement: Agreement): Claim => {
  const newest = claim.beats.findLast(({ acks }) => suffices(acks, agreement))
  return newest === undefined
    ? claim
    : { ...claim, leaseStart: newest.sentAt, beats: claim.beats.filter(({ beat }) => beat > newest.beat) }
}
