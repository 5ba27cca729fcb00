/** What the keys of a group say to one that is no member: who is there, and who leads. Pure. */
import * as Election from "../protocol/model/Election.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Mirror from "./Mirror.ts"
import type * as Registry from "./Registry.ts"

/** The members, highest rank first; who leads, null where nobody does; and the term of that reign, or of the last one. */
export interface RegistryAnswer {
  readonly members: ReadonlyArray<Member.Member>
  readonly leader: Reign.Leader | null
  readonly term: number
}

/** By a picture of all keys. */
export const of = (entries: ReadonlyArray<Registry.Entry>): RegistryAnswer => {
  const mirror = Mirror.picture(Mirror.empty, entries)
  const lead = Mirror.leader(mirror, Election.ofGroup)?.read ?? null
  return {
    members: Mirror.members(mirror).toSorted((one, other) => Member.compareRank(other, one)),
    leader: lead?.leader ?? null,
    term: lead?.term ?? Mirror.term(mirror, Election.ofGroup)?.read ?? 0
  }
}
