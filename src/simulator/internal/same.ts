/** What counts as the same reign and as the same members, and how complaints name members. */
import * as Member from "../../protocol/model/Member.ts"
import * as Reign from "../../protocol/model/Reign.ts"

export const sameReign = (self: Reign.Reign | null, that: Reign.Reign | null): boolean =>
  self === that || (self !== null && that !== null && Reign.compare(self, that) === 0)

export const sameMembers = (self: ReadonlyArray<Member.Member>, that: ReadonlyArray<Member.Member>): boolean =>
  self === that
  || (self.length === that.length && self.every((member) => that.some((other) => Member.isSameStart(member, other))))

export const names = (members: ReadonlyArray<Member.Member>): string =>
  members.map(({ incarnation, name }) => `${name}#${incarnation}`).join(" ") || "nobody"
