/**
 * Members in the order of rank, highest first: found, put in and taken out by bisection, as a large group is joined by many at once.
 * Each list goes on from the digest of the one before it.
 */
import * as Member from "../model/Member.ts"

/** Members in the order of rank. */
export type Ranked = ReadonlyArray<Member.Member>

/** How many of them rank higher: where one is, or would be. */
export const above = (members: Ranked, one: Member.Ranked): number => {
  let from = 0
  let to = members.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (Member.outranks(members[middle]!, one)) from = middle + 1
    else to = middle
  }
  return from
}

/** With one more. */
export const added = (members: Ranked, one: Member.Member): Ranked =>
  known(members.toSpliced(above(members, one), 0, one), digest(members) ^ hash(one))

/** Without one of them. */
export const removed = (members: Ranked, one: Member.Member): Ranked =>
  known(members.toSpliced(above(members, one), 1), digest(members) ^ hash(one))

/** With one of them as it is now: its start stays the same, and its place only if its priority does. */
export const changed = (members: Ranked, before: Member.Member, now: Member.Member): Ranked =>
  before.priority === now.priority
    ? known(members.with(above(members, before), now), digest(members))
    : added(removed(members, before), now)

/** One start of a server. */
export type Start = Pick<Member.Member, "id" | "incarnation">

/** The FNV-1a hash (32 bits) of `id incarnation`. */
export const hash = ({ id, incarnation }: Start): number => {
  let hash = 0x811c9dc5
  for (const letter of `${id} ${incarnation}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
  return hash >>> 0
}

/** Of the lists that there were: a heartbeat comes far more often than a change. */
const digests = new WeakMap<ReadonlyArray<Start>, number>()

const known = (members: Ranked, digest: number): Ranked => {
  digests.set(members, digest >>> 0)
  return members
}

/**
 * A number that is the same for the same members in any order, and hardly ever for others: the exclusive or of their hashes.
 */
export const digest = (members: ReadonlyArray<Start>): number => {
  const before = digests.get(members)
  if (before !== undefined) return before
  let all = 0
  for (const member of members) all ^= hash(member)
  digests.set(members, all >>> 0)
  return all >>> 0
}
