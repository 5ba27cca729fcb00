/**
 * A reign: one leader with one term. Reigns are totally ordered, and the order is the fencing token: a resource that
 * refuses a lower pair than it has seen keeps a deposed leader from writing after its successor has.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Member from "./Member.ts"

/**
 * The largest term there can be, 2^52: far above any Unix millisecond, and exact in a double. A message with a larger
 * one is dropped.
 *
 * @internal
 */
export const maxTerm = 2 ** 52

/**
 * A number that grows with every reign.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Term = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxTerm }))

/**
 * What must be known of a leader to rank it, to recognise its start, and to reach it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Leader = Schema.Struct({
  id: Member.NodeId,
  priority: Member.Priority,
  incarnation: Member.Incarnation,
  ip: Member.Ip,
  port: Member.Port
})

/**
 * @category models
 * @since 0.1.0
 */
export type Leader = typeof Leader.Type

/**
 * One leader with one term. The term never changes while the reign lasts.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reign = Schema.Struct({ term: Term, leader: Leader })

/**
 * @category models
 * @since 0.1.0
 */
export type Reign = typeof Reign.Type

/**
 * The reign of a member in a term.
 *
 * @internal
 */
export const make = (term: number, { id, incarnation, ip, port, priority }: Leader): Reign => ({
  term,
  leader: { id, priority, incarnation, ip, port }
})

/**
 * The total order of the reigns of one election, the group's own unless named: by term, then by the rank of the leader,
 * then by its start. Positive where `self` is the greater.
 *
 * @category ordering
 * @since 0.1.0
 */
export const compare = (self: Reign, that: Reign, election = ""): number =>
  self.term - that.term || Member.compareRank(self.leader, that.leader, election)
  || self.leader.incarnation - that.leader.incarnation

/**
 * Whether somebody who follows nobody has followed a later reign than this, that is over. No word of this reign's leader
 * can make it go back: a new one must be taken. `heard` says so too, but not under a lease: there a claim that failed may
 * have raised it, and that ends no reign.
 *
 * @internal
 */
export const isPassed = (
  self: Reign,
  { heard, term }: { readonly heard: number; readonly term: number },
  byLease: boolean
): boolean => term > self.term || (!byLease && term === self.term && heard > self.term)

/**
 * The greater of two, either of which may be none.
 *
 * @internal
 */
export const max = (self: Reign | null, that: Reign | null, election = ""): Reign | null =>
  self === null ? that : that === null || compare(self, that, election) >= 0 ? self : that

/**
 * The term for a new reign: above every term heard of, and at least the wall clock's milliseconds, so that terms also
 * grow over a restart of the whole group.
 *
 * @internal
 */
export const nextTerm = (heard: number, wall: number): number =>
  Math.min(maxTerm, Math.max(heard + 1, Math.max(0, Math.floor(wall))))

/**
 * The reign as one text whose order among texts is the order of the reigns of its election, the group's own unless named:
 * the fencing token to hand to a resource that keeps the greatest one it has seen.
 *
 * @category conversions
 * @since 0.1.0
 */
export const token = (self: Reign, election = ""): string =>
  `${String(self.term).padStart(16, "0")}-${String(self.leader.priority + 2_147_483_648).padStart(10, "0")}-${
    Member.rendezvousHash(self.leader.id, election)
  }`
