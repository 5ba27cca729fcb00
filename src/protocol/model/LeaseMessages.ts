/** The messages of leases: votes, renewals, and promises that are handed over. */
import * as Schema from "effect/Schema"
import * as Member from "./Member.ts"
import { Agreement, ElectionName, header, kind, Nonce, start } from "./MessageFields.ts"
import * as Reign from "./Reign.ts"

/**
 * The promise of a server in one election: the term, the server that it is still bound to, if any, and the highest term
 * that it has heard of.
 */
export const Promised = Schema.Struct({
  election: ElectionName,
  term: Reign.Term,
  to: Schema.NullOr(start),
  heard: Reign.Term
})

/** */
export type Promised = typeof Promised.Type

/** The most pages of one handover, and the most promises of one page. */
export const handover = { pages: 32, promises: 5 } as const

const promises = {
  page: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: handover.pages - 1 })),
  of: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: handover.pages })),
  promises: Schema.Array(Promised).check(Schema.isMaxLength(handover.promises))
}

/** Votes and renewals of a lease. */
export const renewals = [
  /**
   * The answer to `ELECTION` of that start of a server, for that term. Not `granted`: `promised` is a term that must be
   * exceeded, `boundTo` the server that this one is bound to for `remaining` more ms, if any.
   */
  kind("VOTE", {
    ...header,
    election: ElectionName,
    standing: Reign.Term,
    incarnation: Member.Incarnation,
    granted: Schema.Boolean,
    promised: Reign.Term,
    boundTo: Schema.NullOr(Member.NodeId),
    remaining: Schema.Natural
  }),
  /** A renewal of the lease of the term `claim`: bind yourself to it anew. `beat` counts from 1 with each claim. */
  kind("BEAT", { ...header, election: ElectionName, claim: Reign.Term, beat: Schema.Natural, lease: Agreement }),
  /** I am bound to that claim of that start of yours, by that renewal. */
  kind("BEAT_ACK", {
    ...header,
    election: ElectionName,
    claim: Reign.Term,
    beat: Schema.Natural,
    incarnation: Member.Incarnation
  }),
  /** I claim that term no more: it binds nobody, and a server that hears the claim later is not to be bound by it. */
  kind("RELEASE", { ...header, election: ElectionName, claim: Reign.Term })
] as const

/** The handing over of promises. */
export const handovers = [
  /**
   * I leave: will you keep what I promised for the next start of mine? `start` names this one. Like all that is said of a
   * handover it has no sender: it is no sign of life.
   */
  kind("HANDOVER_OFFER", { server: Member.NodeId, start: Nonce, lease: Agreement }),
  /** To the start that offered: I will, for so long from now. The promises are handed over by `key`. */
  kind("HANDOVER_ACCEPT", { start: Nonce, key: Nonce }),
  /** Page `page` of `of` of my promises. I promise and acknowledge nothing more. */
  kind("HANDOVER", { key: Nonce, ...promises }),
  /** I have all pages. */
  kind("HANDOVER_KEPT", { key: Nonce }),
  /** I have just started: which server keeps the promises of my former start? `start` names this one. */
  kind("PROMISES_ASK", { server: Member.NodeId, start: Nonce }),
  /** To the start that asked, and to no other: the promises of your former start. */
  kind("PROMISES", { start: Nonce, key: Nonce, lease: Agreement, ...promises })
] as const
