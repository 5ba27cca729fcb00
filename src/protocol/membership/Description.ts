/**
 * What a server says of itself that may change while it runs: its priority and its tags, and with them whether there is room to
 * announce where it accepts crash links. It keeps its incarnation; `revision` counts the changes, so that what it said before one
 * and comes late does not undo it.
 *
 * Every message carries the whole of it. So one that misses all that is said of a change learns of it by the next heartbeat.
 */
import * as HashMap from "effect/HashMap"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Ranked from "./Ranked.ts"
import * as StatusPages from "./StatusPages.ts"

/** The part of a member that may change. */
export type Description = Pick<Member.Member, "priority" | "tags" | "tcp">

const revisionOf = ({ revision = 0 }: Pick<Member.Member, "revision">): number => revision

/** Whether a server says that of itself later than what it said before. */
export const isNewer = (said: Pick<Member.Member, "revision">, before: Pick<Member.Member, "revision">): boolean =>
  revisionOf(said) > revisionOf(before)

/**
 * The revision by which a server is to be told that it is known, where it has forgotten what it said: the one that is known. It may have
 * counted up to that again since, to something else: then one more. Null where there is nothing to tell.
 */
export const forgotten = (said: Member.Member, known: Member.Member): number | null => {
  if (isNewer(known, said)) return revisionOf(known)
  const isOther = revisionOf(said) === revisionOf(known) && !(said.priority === known.priority && sameTags(said, known))
  return isOther ? Math.min(revisionOf(known) + 1, Member.maxRevision) : null
}

/** The same member, described in another way. */
const described = (
  { tcp: _, ...member }: Member.Member,
  { priority, tags, tcp }: Description,
  revision: number
): Member.Member => ({ ...member, ...(tcp === undefined ? {} : { tcp }), priority, tags, revision })

const sameTags = (one: Pick<Description, "tags">, other: Pick<Description, "tags">): boolean => {
  const tags = Object.entries(one.tags)
  return tags.length === Object.keys(other.tags).length
    && tags.every(([key, text]) => Object.hasOwn(other.tags, key) && other.tags[key] === text)
}

const isEqual = (one: Description, other: Description): boolean =>
  one.priority === other.priority && one.tcp === other.tcp && sameTags(one, other)

/** This server describes itself in another way from now on. Answers how it did before; null where that is the same. */
export const change = (context: StepContext, description: Description): Member.Member | null => {
  const { page, self: before } = context.state
  if (isEqual(before, description)) return null
  const after = described(before, description, Math.min(revisionOf(before) + 1, Member.maxRevision))
  context.state.self = after
  // Its texts come first.
  StatusPages.announce(context, page)
  context.emit({ event: "MemberChanged", before, after })
  return before
}

/**
 * Others have heard a later description of this very start than it remembers: its machine was set back to before that. It goes on above
 * that, as it is now. Answers whether it does.
 */
export const exceed = (context: StepContext, heard: Pick<Member.Member, "incarnation" | "revision">): boolean => {
  const { self: before } = context.state
  const isOfIt = heard.incarnation === before.incarnation && isNewer(heard, before)
  if (!isOfIt || revisionOf(heard) >= Member.maxRevision) return false
  context.state.self = { ...before, revision: revisionOf(heard) + 1 }
  context.emit({ event: "MemberChanged", before, after: context.state.self })
  return true
}

/** A member has said that of itself: the member by its newest word. */
export const heard = (context: StepContext, before: Member.Member, sender: Member.Member): Member.Member => {
  if (!isNewer(sender, before)) return before
  const after = described(before, sender, revisionOf(sender))
  context.state.members = Ranked.changed(context.state.members, before, after)
  context.emit({ event: "MemberChanged", before, after })
  return after
}

/** A message of a member, as that describes itself now: what it said of itself before a change, and comes late, decides nothing. */
export const newest = <M extends Message.FromServer>(context: StepContext, message: M): M => {
  const { member } = HashMap.getUnsafe(context.state.known, message.sender.id)
  return isNewer(member, message.sender)
    ? { ...message, sender: described(message.sender, member, revisionOf(member)) }
    : message
}
