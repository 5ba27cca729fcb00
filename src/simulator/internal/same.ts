/** What counts as the same reign and as the same members, and how complaints name members. */
import * as Member from "../../protocol/model/Member.ts"
import type * as Reign from "../../protocol/model/Reign.ts"

/** An event names the leader as it is now, whose priority may be another than the reign began with. */
export const sameReign = (self: Reign.Reign | null, that: Reign.Reign | null): boolean =>
  self === that
  || (self !== null && that !== null && self.term === that.term && Member.isSameStart(self.leader, that.leader))

export const sameMembers = (self: ReadonlyArray<Member.Member>, that: ReadonlyArray<Member.Member>): boolean =>
  self === that
  || (self.length === that.length && self.every((member) => that.some((other) => Member.isSameStart(member, other))))

export const names = (members: ReadonlyArray<Member.Member>): string =>
  members.map(({ incarnation, name }) => `${name}#${incarnation}`).join(" ") || "nobody"
