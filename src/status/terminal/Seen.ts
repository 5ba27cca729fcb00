/**
 * What is seen of a group at one instant: by a server of itself, by its HTTP API, or by an observer, which knows less. What
 * is not known is left out.
 */
import type * as Reign from "../../protocol/model/Reign.ts"
import * as Voters from "../../protocol/model/Voters.ts"
import type * as Status from "../../protocol/Status.ts"
import * as Names from "../Names.ts"
import type * as Table from "../Table.ts"

/** A member. `heard` is null for the server itself; `follows` the id of the leader that it names, null where it names none. */
export interface SeenMember extends Omit<Table.Row, "heard" | "term"> {
  readonly heard?: Partial<typeof Status.LastHeard.Type> & { readonly ago: number } | null | undefined
  readonly asked?: number | undefined
  readonly votesIn?: number | undefined
  readonly votes?: false | undefined
  readonly follows?: string | null | undefined
}

/** An election. `renewed`: its leader has asked for its lease of so many ms to be renewed, so many ms ago. */
export interface SeenElection extends Partial<typeof Status.SeenElection.Type> {
  readonly name: string
  readonly reign: Reign.Reign | null
  readonly term: number
  readonly renewed?: { readonly ago: number; readonly duration: number } | undefined
}

/**
 * All of it. `at` is Unix ms by the clock that also dates the events. `where` says how it is seen, `self` is the server that
 * sees it, null for an observer; `isOwn` where that is this program itself. `few` says how many servers must be in view where too few are.
 */
export interface Seen {
  readonly at: number
  readonly group: string
  readonly where: string
  readonly self: string | null
  readonly isOwn?: boolean | undefined
  readonly members: ReadonlyArray<SeenMember>
  readonly elections: ReadonlyArray<SeenElection>
  readonly upcoming?: Status.Status["upcoming"] | undefined
  readonly votesIn?: number | null | undefined
  readonly clients?: number | undefined
  readonly lag?: number | undefined
  readonly few?: string | null | undefined
}

/** What a server's own status shows. */
export const ofStatus = (
  { self, ...status }: Status.Status,
  how: Pick<Seen, "few" | "group" | "isOwn" | "where">
): Seen => ({ ...status, ...how, self: self.id })

/** Whether it is known that a member has no vote: by a server's status, or by what it says of its silence itself. */
export const hasNoVote = ({ votes, votesIn = 0 }: Pick<SeenMember, "votes" | "votesIn">): boolean =>
  votes === false || votesIn >= Voters.never

/** The group's own election. */
export const own = ({ elections }: Seen): SeenElection | undefined => elections.find(({ name }) => name === "")

/** How a member is called: by its name, and by its port too where two share the name; else by its id. */
export const nameOf = ({ members }: Pick<Seen, "members">, id: string): string => {
  const member = members.find((one) => one.id === id)
  return member === undefined ? id : Names.among(members)(member)
}

/** The term by which a member leads the group; null where it does not. */
export const termOf = (seen: Seen, { id }: Pick<SeenMember, "id">): number | null => {
  const reign = own(seen)?.reign ?? null
  return reign?.leader.id === id ? reign.term : null
}
