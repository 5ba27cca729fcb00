/**
 * What a leader knows of all that is held, and what it grants: a resource has one holder at any instant of true time, regardless of
 * the network, as long as clocks differ in speed by no more than a lease allows.
 *
 * The table is in the leader's memory, and what is held is with its holders too, so nothing is copied or written to a disk:
 *
 * - A holder counts from when it sent the ask, `expiry x (1 - 2d)`; the leader from when it read it, `expiry`. So within a reign
 *   the leader grants anew only what its holder has let go or believes in no more.
 * - A new reign knows of nothing that is held. For `expiry` after its begin it grants nothing that is free, and believes the
 *   holders, who say what is theirs by their clocks. What an earlier reign granted was asked for before that reign was over, and
 *   is over when the time is.
 * - An ask says all that its session holds. What it holds no more is free: it takes a grant only from the answer to its newest
 *   ask, so none that is under way gives it back.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { limits, type Session, type Space, type Table } from "../model/Grants.ts"
import type * as Member from "../model/Member.ts"
import * as Resources from "../model/Resources.ts"
import * as Shares from "./Shares.ts"

/** The table of a reign that has begun. */
export const open = (term: number, now: number): Table => ({
  term,
  since: now,
  grants: 0,
  arrivals: 0,
  spaces: HashMap.empty(),
  sessions: 0,
  ended: []
})

/** What a session asks. */
export interface Ask {
  readonly id: Member.NodeId
  readonly session: string
  readonly seq: number
  readonly space: string
  readonly count: number
  readonly expiry: number
  readonly held: Resources.Resources
  /** What it holds no more, and does not let go yet. */
  readonly ending: Resources.Resources
  readonly wanted: Resources.Resources | null
  readonly weight: number
  readonly isOver: boolean
}

/**
 * What it is answered. `grant` is the number of all that is granted, 0 where nothing is. `again`: in how many ms it should ask
 * anew, since nothing is granted before; 0 where that is not known.
 */
export interface Answer {
  readonly granted: Resources.Resources
  readonly grant: number
  readonly lost: Resources.Resources
  readonly moving: Resources.Resources
  readonly again: number
  readonly refused: "Differs" | "Full" | null
}

/** What came of it: `news` are the sessions, others than the asker's, that should ask. The answer is null for an ask that came late. */
export interface Outcome {
  readonly table: Table
  readonly answer: Answer | null
  readonly news: ReadonlyArray<Recipient>
  /** Whether two say that they hold something since before this reign: a clock is wrong. */
  readonly conflict: boolean
}

/** A session, and its server. */
export interface Recipient {
  readonly id: Member.NodeId
  readonly session: string
}

/** So many resources of a session are on their way to others at one time: the others wait until these have been let go. */
export const movesAtOnce = 4

/** For how long more a new reign grants nothing of a space, since it may be held; not above 0: it does. */
const recovery = ({ since }: Table, { expiry }: Pick<Space, "expiry">, now: number): number => since + expiry - now

const empty = ({ count, expiry, wanted }: Ask): Space => ({
  count,
  expiry,
  isShared: wanted === null,
  sessions: HashMap.empty(),
  holders: HashMap.empty(),
  shares: null
})

const differs = (space: Space, ask: Ask): boolean =>
  space.count !== ask.count || space.expiry !== ask.expiry || space.isShared !== (ask.wanted === null)

const nothing = { granted: [], grant: 0, lost: [], moving: [], again: 0 } as const

const refused = (table: Table, why: "Differs" | "Full"): Outcome => ({
  table,
  answer: { ...nothing, refused: why },
  news: [],
  conflict: false
})

const replaced = (table: Table, name: string, space: Space, sessions: number): Table => ({
  ...table,
  sessions,
  spaces: HashMap.isEmpty(space.sessions)
    ? HashMap.remove(table.spaces, name)
    : HashMap.set(table.spaces, name, space)
})

/** A session asks. */
export const ask = (table: Table, ask: Ask, now: number, isThere: Shares.IsThere): Outcome => {
  const known = Option.getOrUndefined(HashMap.get(table.spaces, ask.space))
  const before = known ?? empty(ask)
  if (differs(before, ask)) return refused(table, "Differs")
  const session = Option.getOrUndefined(HashMap.get(before.sessions, ask.session))
  // An ask that was overtaken says what is true no longer, and one that comes again what may be.
  const isLate = session === undefined ? !ask.isOver && table.ended.includes(ask.session) : ask.seq <= session.seq
  if (isLate) return { table, answer: null, news: [], conflict: false }
  const isFull = session === undefined
    && (table.sessions >= limits.sessions || (known === undefined && HashMap.size(table.spaces) >= limits.spaces))
  if (isFull) return refused(table, "Full")
  return ask.isOver ? ended(table, ask, before, isThere) : asked(table, ask, before, session, { now, isThere })
}

/** A session ends, and holds nothing. */
const ended = (table: Table, { session, space: name }: Ask, before: Space, isThere: Shares.IsThere): Outcome => {
  const isKnown = HashMap.has(before.sessions, session)
  const { freed, space } = without(before, [session])
  const after = Shares.shared(name, space, isThere)
  const others = table.ended.filter((one) => one !== session)
  return {
    table: {
      ...replaced(table, name, after, table.sessions - (isKnown ? 1 : 0)),
      ended: [session, ...others].slice(0, limits.ended)
    },
    answer: { ...nothing, refused: null },
    news: due(after, freed, session, isThere),
    conflict: false
  }
}

/** A session goes on, or begins. */
const asked = (
  table: Table,
  ask: Ask,
  before: Space,
  session: Session | undefined,
  { isThere, now }: { readonly now: number; readonly isThere: Shares.IsThere }
): Outcome => {
  const recovers = recovery(table, before, now)
  const recovering = recovers > 0
  const { conflict, dropped, held, holders, kept, lost } = claimed(before.holders, session?.held ?? [], ask, recovering)
  const { seq, wanted, weight } = ask
  const known = {
    id: ask.id,
    seq,
    until: now + ask.expiry,
    arrived: session?.arrived ?? table.arrivals,
    wanted,
    weight
  }
  const put = (all: Space["sessions"], held: Resources.Resources) => HashMap.set(all, ask.session, { ...known, held })
  const space = Shares.shared(ask.space, { ...before, sessions: put(before.sessions, kept), holders }, isThere)
  const granted = recovering ? [] : free(space, ask, isThere)
  const after = granted.length === 0 ? space : {
    ...space,
    sessions: put(space.sessions, Resources.of([...kept, ...granted])),
    holders: granted.reduce((all, resource) => HashMap.set(all, resource, ask.session), holders)
  }
  const isFirst = session === undefined
  const grants = table.grants + (granted.length === 0 ? 0 : 1)
  return {
    table: replaced(
      { ...table, grants, arrivals: table.arrivals + (isFirst ? 1 : 0) },
      ask.space,
      after,
      table.sessions + (isFirst ? 1 : 0)
    ),
    answer: {
      granted,
      grant: granted.length === 0 ? 0 : grants,
      lost,
      // While a reign recovers, others that hold something may not have asked yet: so nothing moves to those that have.
      moving: recovering ? [] : misplacedOf(after, ask.session, held),
      again: Math.max(0, Math.ceil(recovers)),
      refused: null
    },
    news: recovering ? [] : news(before, after, { dropped, asker: ask.session, isThere }),
    conflict
  }
}

/** What a session should have, and nobody holds. */
const free = (space: Space, { session, wanted }: Ask, isThere: Shares.IsThere): Resources.Resources => {
  const should = wanted ?? space.shares!.of.get(session) ?? []
  const isFree = should.filter((resource) => !HashMap.has(space.holders, resource))
  if (isFree.length === 0 || wanted === null) return isFree
  const first = Shares.ofEach(space, isThere)
  return isFree.filter((resource) => first(resource) === session)
}

/** What of a session's own others should have: the first of it. */
const misplacedOf = ({ shares }: Space, session: string, held: Resources.Resources): Resources.Resources =>
  shares === null ? [] : held.filter((resource) => shares.sessions[resource] !== session).slice(0, movesAtOnce)

/** Whom an ask has news for: those who should have what it let go, and those whose shares have changed. */
const news = (
  before: Space,
  after: Space,
  { asker, dropped, isThere }: {
    readonly asker: string
    readonly dropped: Resources.Resources
    readonly isThere: Shares.IsThere
  }
): ReadonlyArray<Recipient> => {
  const freed = dropped.filter((resource) => !HashMap.has(after.holders, resource))
  const moved = after.shares === before.shares ? [] : misplaced(after)
  return distinct([...due(after, freed, asker, isThere), ...moved], asker)
}

/**
 * Who holds what by what a session says that it holds. What it held before and holds no more is free, but for what is ending. What the
 * table does not know of is its own while a reign recovers, and lost after.
 */
const claimed = (
  holders: Space["holders"],
  knew: Resources.Resources,
  { ending, held, session }: Ask,
  recovering: boolean
): Claimed => {
  const says = new Set([...held, ...ending])
  const dropped = knew.filter((resource) => !says.has(resource))
  let after = dropped.reduce((all, resource) => HashMap.remove(all, resource), holders)
  const known = new Set(knew)
  const own: Array<number> = []
  const lost: Array<number> = []
  let conflict = false
  for (const resource of held) {
    const holder = known.has(resource) ? session : Option.getOrUndefined(HashMap.get(after, resource))
    const isNew = holder === undefined && recovering
    if (isNew) after = HashMap.set(after, resource, session)
    if (isNew || holder === session) own.push(resource)
    else lost.push(resource)
    // After that another may have been granted it while the ask was under way.
    conflict ||= recovering && !isNew && holder !== session
  }
  const kept = ending.filter((resource) => known.has(resource))
  return { holders: after, held: own, kept: Resources.of([...own, ...kept]), dropped, lost, conflict }
}

interface Claimed {
  readonly holders: Space["holders"]
  readonly held: Resources.Resources
  /** The same, and what is ending. */
  readonly kept: Resources.Resources
  readonly dropped: Resources.Resources
  readonly lost: Resources.Resources
  readonly conflict: boolean
}

/** A space without these sessions, and what they held. */
const without = (
  space: Space,
  gone: ReadonlyArray<string>
): { readonly space: Space; readonly freed: Resources.Resources } => {
  const freed = gone.flatMap((session) =>
    Option.toArray(HashMap.get(space.sessions, session)).flatMap(({ held }) => held)
  )
  return {
    space: {
      ...space,
      sessions: gone.reduce((all, session) => HashMap.remove(all, session), space.sessions),
      holders: freed.reduce((all, resource) => HashMap.remove(all, resource), space.holders)
    },
    freed: Resources.of(freed)
  }
}

/** Those who should have what has become free, or wait for it. */
const due = (
  space: Space,
  freed: Resources.Resources,
  asker: string | null,
  isThere: Shares.IsThere
): ReadonlyArray<Recipient> => {
  if (freed.length === 0) return []
  const first = Shares.ofEach(space, isThere)
  return distinct(freed.flatMap((resource) => recipient(space, first(resource))), asker)
}

/** Those who hold what others should have. */
const misplaced = (space: Space): ReadonlyArray<Recipient> =>
  [...HashMap.entries(space.holders)].flatMap(([resource, session]) =>
    space.shares!.sessions[resource] === session ? [] : recipient(space, session)
  )

const recipient = ({ sessions }: Space, session: string | null): ReadonlyArray<Recipient> => {
  const known = session === null ? undefined : Option.getOrUndefined(HashMap.get(sessions, session))
  return known === undefined ? [] : [{ id: known.id, session: session! }]
}

const distinct = (all: ReadonlyArray<Recipient>, asker: string | null): ReadonlyArray<Recipient> =>
  [...new Map(all.map((one) => [one.session, one])).values()].filter(({ session }) => session !== asker)

/** The table without what is over by the clock, and who should ask since something is free. */
export const expire = (
  table: Table,
  now: number,
  isThere: Shares.IsThere
): { readonly table: Table; readonly news: ReadonlyArray<Recipient> } => {
  let after = table
  const news: Array<Recipient> = []
  for (const [name, before] of table.spaces) {
    const gone = [...HashMap.entries(before.sessions)].filter(([, { until }]) => until <= now)
    if (gone.length === 0) continue
    const { freed, space } = without(before, gone.map(([session]) => session))
    const shared = Shares.shared(name, space, isThere)
    after = replaced(after, name, shared, after.sessions - gone.length)
    news.push(...due(shared, freed, null, isThere))
  }
  return { table: after, news }
}

/** When a session is over next, on the leader's monotonic clock; Infinity where there is none. */
export const dueAt = ({ spaces }: Table): number => {
  let due = Infinity
  for (const [, { sessions }] of spaces) for (const [, { until }] of sessions) due = Math.min(due, until)
  return due
}
