/**
 * What a leader does not accept, since members or clients are there that would read it as something else, and what that does to the
 * numbers behind it. The client gives a refused message up, and says so by its count; then its numbers are other messages'. So a number
 * means nothing without its count: what comes of a lower count is late.
 */
import type * as Message from "../model/Message.ts"
import type { KnownClient } from "../model/State.ts"

type Sent = Message.Of<"CLIENT_MESSAGE">

/** How many messages its client has given up. */
const countOf = ({ refused = 0 }: Sent): number => refused

/** Whether it is from before a refusal that the client has heard of. */
export const isLate = ({ refused }: KnownClient, message: Sent): boolean => countOf(message) < refused

/**
 * What is known of its client by a message that is not late. A refusal holds until the client has heard of it, or has all up to that
 * number acknowledged, by another leader that has accepted what was refused here.
 */
export const heard = (known: KnownClient, message: Sent): KnownClient => {
  const refused = countOf(message)
  if (refused > known.refused) return { ...known, refused, refusal: null, waiting: [] }
  return known.refusal === null || message.oldest <= known.refusal.at ? known : { ...known, refusal: null }
}

/** The refusal of a message that is to be accepted next, or later; null where it may be. */
export const refusalOf = (
  { refusal }: KnownClient,
  { seq }: Sent,
  olderOnes: () => ReadonlyArray<string>
): NonNullable<KnownClient["refusal"]> | null => {
  if (refusal !== null && seq >= refusal.at) return refusal
  const older = olderOnes()
  return older.length === 0 ? null : { at: seq, older }
}
