/**
 * Lists of members: who is in a view, in the order of rank; that list cut into pages, for who asks for it; and the reading
 * of another server's list, page by page, which makes nobody a member.
 */
import * as Option from "effect/Option"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Rules from "../model/Rules.ts"
import type { State, Turn } from "../model/Turn.ts"
import * as Zone from "../model/Zone.ts"
import * as Frame from "../wire/Frame.ts"

/** All members as one server sees them, itself included, highest rank first. */
export const everyone = (state: Pick<State, "self" | "members">): ReadonlyArray<Member.Member> => {
  const at = state.members.findIndex((member) => Member.outranks(state.self, member))
  return at < 0 ? [...state.members, state.self] : state.members.toSpliced(at, 0, state.self)
}

/**
 * Who speaks for the group: the leader, or while nobody leads whoever ranks highest here. It answers a question that all hear,
 * and the others compare their views with its view.
 */
export const speaker = ({ election, members, self }: Pick<State, "election" | "members" | "self">): Member.NodeId => {
  const [highest] = members
  if (election.reign !== null) return election.reign.leader.id
  return highest !== undefined && Member.outranks(highest, self) ? highest.id : self.id
}

/**
 * A number that is the same for the same members in any order, and hardly ever for others: the exclusive or of the FNV-1a
 * hashes (32 bits) of `id incarnation`.
 */
export const digest = (members: ReadonlyArray<Start>): number => {
  let all = 0
  for (const member of members) all ^= hash(member)
  return all >>> 0
}

type Start = Pick<Member.Member, "id" | "incarnation">

const hash = ({ id, incarnation }: Start): number => {
  let hash = 0x811c9dc5
  for (const letter of `${id} ${incarnation}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
  return hash >>> 0
}

/** Of the members of each view: they are another array with every change, and a heartbeat comes far more often. */
const digests = new WeakMap<ReadonlyArray<Member.Member>, number>()

/** The digest of all members as one server sees them, itself included. */
export const viewDigest = ({ members, self }: Pick<State, "self" | "members">): number => {
  const known = digests.get(members) ?? digest(members)
  digests.set(members, known)
  return (known ^ hash(self)) >>> 0
}

/** Whether a digest is that of one member of a view. */
export const hasDigest = (state: Pick<State, "self" | "members">, digest: number): boolean =>
  everyone(state).some((member) => hash(member) === digest)

// --- Telling ---

const lineOf = (turn: Turn, member: Member.Member, heardAt: number): Message.Listed => ({
  id: member.id,
  ip: member.ip,
  port: member.port,
  name: member.name,
  priority: member.priority,
  incarnation: member.incarnation,
  heard: Math.round(turn.now.monotonic - heardAt)
})

/** Left out of who votes, and of this server itself when it has left. */
const votesIn = (millis: number): Pick<Message.Listed, "votesIn"> =>
  millis > 0 && millis < Infinity ? { votesIn: Math.ceil(millis) } : {}

const lines = (
  turn: Turn,
  members: ReadonlyArray<Member.Member>,
  to: Member.Address,
  details: boolean
): ReadonlyArray<Message.Listed> =>
  members.map((member) => {
    const { monotonic } = turn.now
    const { heardAt, votesAt } = Option.getOrElse(
      turn.known(member.id),
      () => ({ heardAt: monotonic, votesAt: turn.state.silentUntil })
    )
    const line = { ...lineOf(turn, turn.told(member, to), heardAt), ...votesIn(votesAt - monotonic) }
    return details ? { ...line, hostname: member.hostname, tags: member.tags } : line
  })

const encoder = new TextEncoder()

/** One of the pages that a list is cut into, each of which fits one frame. Empty where there is no such page. */
const page = (
  turn: Turn,
  nonce: string,
  wanted: number,
  list: ReadonlyArray<Message.Listed>,
  to: Member.Address,
  view?: number
): Message.Of<"MEMBERS"> => {
  const { election, self } = turn.state
  const blank: Message.Of<"MEMBERS"> = {
    type: "MEMBERS",
    from: { id: self.id, incarnation: self.incarnation },
    term: (election.reign ?? election.last)?.term ?? 0,
    leader: election.reign === null ? null : turn.told(election.reign.leader, to),
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
  turn: Turn,
  member: Member.Member,
  heardAt: number,
  to: Member.Address
): Message.Of<"MEMBERS"> => page(turn, "0", 0, [lineOf(turn, member, heardAt)], to)

/**
 * Somebody asks for a page of the list. Asked by unicast, anyone answers; asked by multicast, those of whom
 * {@link isOurs} is true.
 */
export const onAsk = (
  turn: Turn,
  ask: Message.Of<"MEMBERS_ASK">,
  from: Member.Address,
  via: "multicast" | "unicast"
): void => {
  const members = everyone(turn.state)
  if (via === "multicast" && !isOurs(turn, members, ask, from)) return
  const { details = false, nonce, page: wanted, view } = ask
  const differs = view === undefined ? undefined : (view ^ digest(members)) >>> 0
  const missed = members.find((member) => hash(member) === differs)
  if (missed !== undefined) return turn.send(from, page(turn, nonce, 0, lines(turn, [missed], from, false), from))
  turn.send(
    from,
    page(turn, nonce, wanted, lines(turn, members, from, details), from, details ? digest(members) : undefined)
  )
}

/**
 * Whether it is for us to answer a question that all hear. The leader does, or while nobody leads who ranks highest in its
 * own view; and each server of the host that asks. Where more are `wanted`, since the leader may be the one that is lost,
 * each of the others does with such a chance that about so many answer.
 */
const isOurs = (
  turn: Turn,
  members: ReadonlyArray<Member.Member>,
  { wanted = 0 }: Message.Of<"MEMBERS_ASK">,
  from: Member.Address
): boolean => {
  const { addresses, phase, self } = turn.state
  // It does not know yet who is there.
  if (phase === "Discovering") return false
  return speaker(turn.state) === self.id || Zone.isOfHost(from.ip, addresses)
    || turn.random() * members.length < Math.min(wanted, Rules.answersWanted)
}

// --- Reading ---

/** Begins to read the list of a server, in so many ms. What was read of another is given up. */
export const read = (turn: Turn, from: Member.Address, nonce: string, after: number): void =>
  begin(turn, from, nonce, after, false)

/**
 * The same of a server whose view differs from ours. It need only tell of the one member that we miss, if it is one; and of a
 * list of many pages the rest is read by a few of those who miss some.
 */
export const compare = (turn: Turn, from: Member.Address, nonce: string, after: number): void =>
  begin(turn, from, nonce, after, true)

const begin = (turn: Turn, from: Member.Address, nonce: string, after: number, compares: boolean): void => {
  turn.state.paging = { from, nonce, page: 0, of: Infinity, tries: 0, missing: [], compares }
  turn.setTimer("page", after, { _tag: "Page" })
}

/** How many pages of a list are read on the average where views are compared, of as many as it has. */
const pagesWanted = 4

// As many as a silent member is asked: with a tenth of all datagrams lost, one in 4,000 is still missed.
const pageTries = Rules.probeTries

/** Asks for the page that is to be read next, or where all are read, those on them who are no members yet: five times. */
export const ask = (turn: Turn): void => {
  const { paging, rules } = turn.state
  if (paging === null || paging.tries >= pageTries) return
  if (paging.page < paging.of) {
    const { compares, from, nonce, page } = paging
    const view = compares && page === 0 ? { view: viewDigest(turn.state) } : {}
    turn.send(from, { type: "MEMBERS_ASK", nonce, page, ...view })
  } else askMissing(turn, paging.missing.filter((line) => Option.isNone(turn.known(line.id))), paging.from)
  turn.state.paging = { ...paging, tries: paging.tries + 1 }
  turn.setTimer("page", rules.probeTimeout, { _tag: "Page" })
}

/** A list is hearsay: whoever is on it becomes a member by answering. */
const askMissing = (turn: Turn, missing: ReadonlyArray<Message.Listed>, from: Member.Address): void => {
  for (const line of missing) {
    const to = Zone.heardOfFrom(line, from)
    if (to !== null) turn.say(to, { type: "SERVER_PROBE", nonce: turn.nonce() })
  }
}

/**
 * A page came. If it is the one that was asked for, those on it who are no members are asked whether they live, and the
 * next page is asked for.
 */
export const onPage = (turn: Turn, message: Message.Of<"MEMBERS">, from: Member.Address): void => {
  const { paging, self } = turn.state
  if (paging === null || message.nonce !== paging.nonce || message.page !== paging.page) return
  if (from.ip !== paging.from.ip || from.port !== paging.from.port) return
  const unknown = message.list.flatMap((line) =>
    line.id !== self.id && Option.isNone(turn.known(line.id)) ? [Zone.placed(line, message.from, from)] : []
  )
  askMissing(turn, unknown, from)
  const next = {
    ...paging,
    page: paging.page + 1,
    of: message.of,
    missing: [...paging.missing, ...unknown].slice(0, turn.state.rules.maxMembers)
  }
  const isOneOfMany = paging.compares && paging.page === 0 && turn.random() * message.of >= pagesWanted
  if (next.page < next.of && !isOneOfMany) {
    turn.state.paging = { ...next, tries: 0 }
    return ask(turn)
  }
  // The list is read: who does not answer is asked again, as questions and answers get lost.
  turn.state.paging = { ...next, of: next.page, tries: 1 }
  turn.setTimer("page", turn.state.rules.probeTimeout, { _tag: "Page" })
}
