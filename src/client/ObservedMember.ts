/** One member as an observer sees it: by its own word, and by that of others. Pure. */
import type * as Member from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"

/**
 * A member. `hostname` and `tags` are undefined while nobody has told them. `heardAt` is when it was heard itself, `toldAt` when
 * it was heard by the word of a list, -Infinity where never; `via` is how it was heard. `follows` is the leader that it named
 * last, `interval` its heartbeat's, in ms.
 */
export interface ObservedMember extends Omit<Message.Listed, "heard" | "hostname" | "tags" | "votesIn"> {
  readonly hostname: string | undefined
  readonly tags: Member.Member["tags"] | undefined
  readonly votesIn: number | undefined
  readonly heardAt: number
  readonly toldAt: number
  readonly via: "multicast" | "unicast"
  readonly follows: string | null | undefined
  readonly interval: number | undefined
  readonly view: number | undefined
  /** Since when it is known. */
  readonly since: number
  /** It was heard again after a server had left it out: nobody leaves it out again while it is heard. */
  readonly disputed: boolean
}

/** As an app sees it: what nobody has told of it is left empty. */
export const asMember = (
  { hostname = "", id, incarnation, ip, name, port, priority, revision, tags = {} }: ObservedMember
): Member.Member => ({
  id,
  ip,
  port,
  hostname,
  name,
  priority,
  incarnation,
  ...(revision === undefined ? {} : { revision }),
  tags
})

/** What a member says of itself that may change while it runs. */
export const descriptionOf = (
  { priority, revision, tags }: Pick<ObservedMember, "priority" | "revision" | "tags">
) => ({ priority, tags, ...(revision === undefined ? {} : { revision }) })

/** How long before the question a member must have been heard to be missing in the answer: datagrams pass each other. */
const margin = 100

/** For how long, in ms, a disputed member may be silent at least, and for how many of its intervals. */
const disputedFor = { ms: 30_000, intervals: 3 } as const

/** When a member was last heard or heard of; of one that is not heard here, when a server last saw it. */
export const lastSign = (
  { confirmedAt }: { readonly confirmedAt: number },
  { heardAt, toldAt }: Pick<ObservedMember, "heardAt" | "toldAt">
): number => heardAt === -Infinity ? Math.max(toldAt, confirmedAt) : Math.max(heardAt, toldAt)

/** Whether a member may be missing with who says at that instant whom it sees. */
export const mayBeMissing = ({ disputed, heardAt, interval = 0 }: ObservedMember, at: number): boolean =>
  heardAt < at - (disputed ? Math.max(disputedFor.ms, disputedFor.intervals * interval) : margin)

const sameTags = (a: ObservedMember["tags"], b: ObservedMember["tags"]): boolean => {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/** Whether an app is shown the same of a member. */
export const looksSame = (a: ObservedMember, b: ObservedMember): boolean =>
  a.incarnation === b.incarnation && a.ip === b.ip && a.port === b.port && a.name === b.name
  && a.priority === b.priority && a.hostname === b.hostname && sameTags(a.tags, b.tags)
