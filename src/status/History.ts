/**
 * The past of a group as one server saw it: who led when, who was away, and when the server itself was paused. Made of its
 * events, one after the other; the newest of each kind are kept.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"

/**
 * A reign: who led, from when to when (Unix ms; `to` is null while it lasts), why it began and why it ended. `without` is for
 * how long nobody had led before it, in ms.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PastReign = Schema.Struct({
  election: Schema.String,
  term: Reign.Term,
  leader: Member.Member,
  from: Schema.Finite,
  to: Schema.NullOr(Schema.Finite),
  cause: Event.Cause,
  end: Schema.NullOr(Event.Cause),
  without: Schema.Natural
})

/**
 * A member that was away: from when it was removed, and why, to when it came back; `to` is null while it is away.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Absence = Schema.Struct({
  member: Member.Member,
  from: Schema.Finite,
  to: Schema.NullOr(Schema.Finite),
  reason: Event.Reason
})

/**
 * A pause of the server itself: when it was noticed, and how long it was, in ms.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Pause = Schema.Struct({ at: Schema.Finite, for: Schema.Natural })

/**
 * The past, the oldest first. `since` is from when on it is known, in Unix ms: null where nothing is. `missed` is how many
 * events between were lost.
 *
 * @category schemas
 * @since 0.1.0
 */
export const History = Schema.Struct({
  since: Schema.NullOr(Schema.Finite),
  missed: Schema.Natural,
  reigns: Schema.Array(PastReign),
  absences: Schema.Array(Absence),
  pauses: Schema.Array(Pause)
})

/**
 * @category models
 * @since 0.1.0
 */
export type History = typeof History.Type

/**
 * How many of each kind are kept.
 *
 * @category models
 * @since 0.1.0
 */
export const kept = 500

/**
 * Nothing has happened yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: History = { since: null, missed: 0, reigns: [], absences: [], pauses: [] }

const newest = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> => items.length > kept ? items.slice(-kept) : items

/** With the newest one for which it holds changed. */
const withLast = <A>(items: ReadonlyArray<A>, is: (item: A) => boolean, change: (item: A) => A): ReadonlyArray<A> => {
  const at = items.findLastIndex(is)
  return at < 0 ? items : items.with(at, change(items[at] as A))
}

/**
 * The past with one more event.
 *
 * @category combinators
 * @since 0.1.0
 */
export const add = (history: History, event: Event.Event): History => {
  const known = history.since === null ? { ...history, since: event.at } : history
  switch (event.event) {
    case "LeaderChanged":
      return { ...known, reigns: newest(withReign(known.reigns, event)) }
    case "MemberRemoved": {
      const { at, member, reason } = event
      return { ...known, absences: newest([...known.absences, { member, from: at, to: null, reason }]) }
    }
    case "MemberJoined":
      return {
        ...known,
        absences: withLast(
          known.absences,
          ({ member, to }) => to === null && member.id === event.member.id,
          (absence) => ({ ...absence, to: event.at })
        )
      }
    case "Stalled":
      return { ...known, pauses: newest([...known.pauses, { at: event.at, for: event.for }]) }
    case "EventsLost":
      return { ...known, missed: known.missed + event.count }
    case "Left":
      return { ...known, reigns: known.reigns.map((reign) => ended(reign, event.at, "Left")) }
    default:
      return known
  }
}

type Reigns = History["reigns"]

const ended = (reign: Reigns[number], at: number, end: Event.Cause): Reigns[number] =>
  reign.to === null ? { ...reign, to: at, end } : reign

const withReign = (
  reigns: Reigns,
  { at, cause, election, leader, term, without }: Extract<Event.Event, { readonly event: "LeaderChanged" }>
): Reigns => {
  const last = reigns.findLast((reign) => reign.election === election)
  // The same reign, followed by another way.
  const goesOn = leader !== null && last?.to === null && last.term === term && last.leader.id === leader.id
  if (goesOn) return reigns
  const before = reigns.map((reign) => reign.election === election ? ended(reign, at, cause) : reign)
  return leader === null
    ? before
    : [...before, { election, term, leader, from: at, to: null, cause, end: null, without }]
}
