/**
 * Lists of members: who is in a view, in the order of rank; that list cut into pages, for who asks for it; and the reading
 * of another server's list, page by page, which makes nobody a member.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Voters from "../model/Voters.ts"
import * as Zone from "../model/Zone.ts"
import * as Frame from "../wire/Frame.ts"
import * as Ranked from "./Ranked.ts"

/** All members as one server sees them, itself included, highest rank first. */
export const everyone = ({ members, self }: Pick<State, "self" | "members">): Ranked.Ranked =>
  Ranked.added(members, self)

/**
 * Who speaks for the group: the leader, or while nobody leads the highest ranked here. It answers a question that all hear,
 * and the others compare their views with its view.
 */
export const speaker = (
  { election, known, members, self }: Pick<State, "election" | "known" | "members" | "self">
): Member.NodeId => {
  if (election.reign !== null) return election.reign.leader.id
  const highest = members.find(({ id }) => !HashMap.getUnsafe(known, id).isSilent)
  return highest !== undefined && Member.outranks(highest, self) ? highest.id : self.id
}

/** The digest of all members as one server sees them, itself included. */
export const viewDigest = ({ members, self }: Pick<State, "self" | "members">): number =>
  (Ranked.digest(members) ^ Ranked.hash(self)) >>> 0

/** Whether a digest is that of one member of a view. */
export const hasDigest = (state: Pick<State, "self" | "members">, digest: number): boolean =>
  everyone(state).some((member) => Ranked.hash(member) === digest)

// --- Telling ---

const lineOf = (context: StepContext, member: Member.Member, heardAt: number): Message.Listed => ({
  id: member.id,
  ip: member.ip,
  port: member.port,
  name: member.name,
  priority: member.priority,
  incarnation: member.incarnation,
  ...(member.revision === undefined ? {} : { revision: member.revision }),
  heard: Math.round(context.now.monotonic - heardAt)
})

/** Of a voter that leaves it is not said that it votes no more. */
const ownVotesAt = ({ silentUntil, timing: { votes } }: State): number =>
  votes && silentUntil === Infinity ? -Infinity : silentUntil

/** Left out of who votes. */
const votesIn = (millis: number): Pick<Message.Listed, "votesIn"> =>
  millis > 0 ? { votesIn: Math.ceil(Math.min(millis, Voters.never)) } : {}

const lines = (
  context: StepContext,
  members: ReadonlyArray<Member.Member>,
  to: Member.Address,
  details: boolean
): ReadonlyArray<Message.Listed> =>
  members.map((member) => {
    const { monotonic } = context.now
    const { heardAt, votesAt } = Option.getOrElse(
      context.known(member.id),
      () => ({ heardAt: monotonic, votesAt: ownVotesAt(context.state) })
    )
    const line = { ...lineOf(context, context.told(member, to), heardAt), ...votesIn(votesAt - monotonic) }
    return details ? { ...line, hostname: member.hostname, tags: member.tags } : line
  })

const encoder = new TextEncoder()

/** One of the pages that a list is cut into, each of which fits one frame. Empty where there is no such page. */
const page = (
  context: StepContext,
  nonce: string,
  wanted: number,
  list: ReadonlyArray<Message.Listed>,
  to: Member.Address,
  view?: number
): Message.Of<"MEMBERS"> => {
  const { election, self } = context.state
  const blank: Message.Of<"MEMBERS"> = {
    type: "MEMBERS",
    from: { id: self.id, incarnation: self.incarnation },
    term: (election.reign ?? election.last)?.term ?? 0,
    leader: election.reign === null ? null : context.told(election.reign.leader, to),
    nonce,
    page: 65_535,
    of: 65_535,
    ...(view === undefined ? {} : { view }),
    list: []
  }
  const room = Frame.maxBodyBytes - encoder.encode(JSON.stringify(blank)).length
  const pages: Array<Array<Message.Listed>> = [[]]
  let used = 0
  for (const line of list) {
    const bytes = encoder.encode(JSON.stringify(line)).length + 1
    if (used + bytes > room) {
      pages.push([])
      used = 0
    }
    pages[pages.length - 1]!.push(line)
    used += bytes
  }
  return { ...blank, page: wanted, of: pages.length, list: pages[wanted] ?? [] }
}

/**
 * A list of one member only, for `to`: what tells a server by which incarnation it is known. It names the member's address as
 * it is given.
 */
export const only = (
  context: StepContext,
  member: Member.Member,
  heardAt: number,
  to: Member.Address
): Message.Of<"MEMBERS"> => page(context, "0", 0, [lineOf(context, member, heardAt)], to)

/**
 * Somebody asks for a page of the list. Asked by unicast, anyone answers; asked by multicast, those of whom
 * {@link isOurs} is true.
 */
export const onAsk = (
  context: StepContext,
  ask: Message.Of<"MEMBERS_ASK">,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const members = everyone(context.state)
  if (via === "multicast" && !isOurs(context, members, ask, from)) return
  const { details = false, nonce, page: wanted, view } = ask
  const differs = view === undefined ? undefined : (view ^ Ranked.digest(members)) >>> 0
  // Who sees the same reads no list: where many start at once, each would read that of another.
  if (differs === 0) return context.send(from, page(context, nonce, 0, [], from))
  const missed = members.find((member) => Ranked.hash(member) === differs)
  if (missed !== undefined) {
    return context.send(from, page(context, nonce, 0, lines(context, [missed], from, details), from))
  }
  context.send(
    from,
    page(
      context,
      nonce,
      wanted,
      lines(context, members, from, details),
      from,
      details ? Ranked.digest(members) : undefined
    )
  )
}

/**
 * Whether it is for us to answer a question that all hear. The leader does, or while nobody leads who ranks highest in its
 * own view; and each server of the host that asks. Where more are `wanted`, since the leader may be the one that is lost,
 * each of the others does with such a chance that about so many answer.
 */
const isOurs = (
  context: StepContext,
  members: ReadonlyArray<Member.Member>,
  { wanted = 0 }: Message.Of<"MEMBERS_ASK">,
  from: Member.Address
): boolean => {
  const { addresses, phase, self } = context.state
  // It does not know yet who is there.
  if (phase === "Discovering") return false
  return speaker(context.state) === self.id || Zone.isOfHost(from.ip, addresses)
    || context.random() * members.length < Math.min(wanted, Timing.answersWanted)
}

// --- Reading ---

/**
 * Begins to read the list of a server, in so many ms. What was read of another is given up. It is told our view: where it sees the
 * same, or one member more, that is its answer.
 */
export const read = (context: StepContext, from: Member.Address, nonce: string, after: number): void =>
  begin(context, from, nonce, after, false)

/** The same of a server whose view differs from ours: of a list of many pages the rest is read by a few of those who miss some. */
export const compare = (context: StepContext, from: Member.Address, nonce: string, after: number): void =>
  begin(context, from, nonce, after, true)

const begin = (context: StepContext, from: Member.Address, nonce: string, after: number, compares: boolean): void => {
  context.state.paging = { from, nonce, page: 0, of: Infinity, tries: 0, missing: [], compares }
  context.setTimer("page", after, { _tag: "Page" })
}

/** How many pages of a list are read on the average where views are compared, of as many as it has. */
const pagesWanted = 4

// As many as a silent member is asked: with a tenth of all datagrams lost, one in 4,000 is still missed.
const pageTries = Timing.probeTries

/** Asks for the page that is to be read next, or where all are read, those on them who are no members yet: five times. */
export const ask = (context: StepContext): void => {
  const { paging, timing } = context.state
  if (paging === null || paging.tries >= pageTries) return
  if (paging.page < paging.of) {
    const { from, nonce, page } = paging
    const view = page === 0 ? { view: viewDigest(context.state) } : {}
    context.send(from, { type: "MEMBERS_ASK", nonce, page, ...view })
  } else askMissing(context, paging.missing.filter((line) => Option.isNone(context.known(line.id))), paging.from)
  context.state.paging = { ...paging, tries: paging.tries + 1 }
  context.setTimer("page", timing.probeTimeout, { _tag: "Page" })
}

/** A list is second-hand: who is on it becomes a member by answering. */
const askMissing = (context: StepContext, missing: ReadonlyArray<Message.Listed>, from: Member.Address): void => {
  for (const line of missing) {
    const to = Zone.heardOfFrom(line, from)
    if (to !== null) context.say(to, { type: "SERVER_PROBE", nonce: context.nonce() })
  }
}

/**
 * A page came. If it is the one that was asked for, those on it who are no members are asked whether they live, and the
 * next page is asked for.
 */
export const onPage = (context: StepContext, message: Message.Of<"MEMBERS">, from: Member.Address): void => {
  const { paging, self } = context.state
  if (paging === null || message.nonce !== paging.nonce || message.page !== paging.page) return
  if (from.ip !== paging.from.ip || from.port !== paging.from.port) return
  const unknown = message.list.flatMap((line) =>
    line.id !== self.id && Option.isNone(context.known(line.id)) ? [Zone.placed(line, message.from, from)] : []
  )
  askMissing(context, unknown, from)
  const next = {
    ...paging,
    page: paging.page + 1,
    of: message.of,
    missing: [...paging.missing, ...unknown].slice(0, context.state.timing.maxMembers)
  }
  const isOneOfMany = paging.compares && paging.page === 0 && context.random() * message.of >= pagesWanted
  if (next.page < next.of && !isOneOfMany) {
    context.state.paging = { ...next, tries: 0 }
    return ask(context)
  }
  // The list is read: who does not answer is asked again, as questions and answers get lost.
  context.state.paging = { ...next, of: next.page, tries: 1 }
  context.setTimer("page", context.state.timing.probeTimeout, { _tag: "Page" })
}
