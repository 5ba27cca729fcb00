/** Who is a member: those whose keys the watch shows. A key is gone when its member has left, or its session is over. */
import * as Member from "../protocol/model/Member.ts"
import * as Mirror from "./Mirror.ts"
import type { RegistryContext } from "./RegistryContext.ts"
import * as Keys from "./RegistryKeys.ts"

/** Tells who has come, gone and changed since the last step. */
export const follow = (context: RegistryContext, isPicture: boolean): void => {
  const { members: before, mirror, self } = context.state
  const shown = new Map(Mirror.members(mirror).map((member) => [member.id, member]))
  shown.delete(self.id)
  const members: Array<Member.Member> = []
  for (const member of before) {
    const now = shown.get(member.id)
    shown.delete(member.id)
    if (now === undefined) remove(context, member, isPicture)
    else if (now.incarnation > member.incarnation) {
      context.removed.set(member.id, "Replaced")
      context.emit({ event: "MemberRemoved", member, reason: { _tag: "Replaced", by: now.incarnation } })
      members.push(now)
      context.emit({ event: "MemberJoined", member: now, via: "registry" })
    } else members.push(changed(context, member, now))
  }
  const room = context.state.timing.maxMembers - members.length
  const newcomers = [...shown.values()]
  for (const member of newcomers.slice(0, room)) {
    members.push(member)
    context.emit({ event: "MemberJoined", member, via: "registry" })
  }
  context.state.membersFull = Math.max(0, newcomers.length - room)
  const isSame = members.length === before.length && members.every((member, index) => member === before[index])
  if (!isSame) context.state.members = members.sort((self, that) => Member.compareRank(that, self))
}

/** What an earlier start said, or what is as it was, changes nothing. */
const changed = (context: RegistryContext, before: Member.Member, after: Member.Member): Member.Member => {
  const isNews = after.incarnation === before.incarnation && (after.revision ?? 0) > (before.revision ?? 0)
  if (!isNews) return before
  context.emit({ event: "MemberChanged", before, after })
  return after
}

/** Of one that is missing in a new picture it is not known how it went. */
const remove = (context: RegistryContext, member: Member.Member, isPicture: boolean): void => {
  const hasLeft = !isPicture && context.gone.get(Keys.member(member.id)) === "deleted"
  context.removed.set(member.id, hasLeft ? "Left" : "Silent")
  context.emit({
    event: "MemberRemoved",
    member,
    reason: hasLeft
      ? { _tag: "Left" }
      : { _tag: "Silent", for: Math.round(context.state.session?.ttl ?? 0), lastHeardOn: "registry", ownLag: 0 }
  })
}
