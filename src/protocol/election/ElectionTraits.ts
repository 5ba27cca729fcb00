/**
 * What the rules that both algorithms of election share must know of the one that a server goes by: where its guarantees differ,
 * and why.
 *
 * They are data, apart from the algorithms themselves, since the rules that ask for them stand below these.
 */
import type { Timing } from "../model/Timing.ts"

/** What distinguishes an algorithm of election. */
export interface ElectionTraits {
  readonly leadership: "bully" | "lease"
  /**
   * A leader leads by the votes of a majority. So a majority hears it, and it has missed no reign that a majority knew of. Else
   * each server has to find out itself who hears it, and whether another leader has missed its own reign.
   */
  readonly isVotedFor: boolean
  /**
   * A candidate first asks who would vote for it, so it is in nobody's way and may stand at any time. Else one more candidate
   * is one more reign: a server stands only where no other sees to it, and a leader that makes way takes its followers along.
   */
  readonly asksFirst: boolean
  /**
   * A term is claimed before it is led in, and the claim may fail. So a leader cannot go on in a higher term at will, and a higher
   * term that was only heard of ends no reign. Else each new term is that of a reign.
   */
  readonly claimsTerms: boolean
  /** Who follows has promised the leader to let no other lead for a time. Else nothing keeps a follower but that it hears of its leader. */
  readonly bindsFollowers: boolean
  /** A server with other settings has no part in the majority, so it is not followed. Else it is, and the difference is only told. */
  readonly needsOneAgreement: boolean
}

const bully: ElectionTraits = {
  leadership: "bully",
  isVotedFor: false,
  asksFirst: false,
  claimsTerms: false,
  bindsFollowers: false,
  needsOneAgreement: false
}

const lease: ElectionTraits = {
  leadership: "lease",
  isVotedFor: true,
  asksFirst: true,
  claimsTerms: true,
  bindsFollowers: true,
  needsOneAgreement: true
}

/** Of the majority lease where there is an agreement on one, else of the Bully. */
export const of = (timing: Pick<Timing, "lease">): ElectionTraits => timing.lease === null ? bully : lease
