/**
 * A server that goes on at another address: its own interface has another one, or it was given one after its start. It
 * keeps its id, its incarnation and what it leads.
 *
 * The address of a leader is no part of its reign: it says where the leader is, and each server says it as it knows it.
 */
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Member from "../model/Member.ts"
import type * as Reign from "../model/Reign.ts"
import type { StepContext } from "../model/StepContext.ts"

/**
 * A member, or this server itself, is at another address than before: it is told, and so is where the leader of each reign of
 * its is. The member is the same start of the same server.
 */
export const tell = (context: StepContext, before: Member.Address, member: Member.Member): void => {
  const { ip, port } = member
  // Its rank stays as the reign has it: registers do not go back.
  const reignAt = (reign: Reign.Reign | null): Reign.Reign | null =>
    reign !== null && Member.isSameStart(reign.leader, member)
      ? { ...reign, leader: { ...reign.leader, ip, port } }
      : reign
  for (const election of ElectionContext.all(context)) {
    const { last, reign } = election.register
    election.change({ reign: reignAt(reign), last: reignAt(last) })
  }
  context.emit({ event: "MemberMoved", member, from: Member.formatAddress(before) })
}
