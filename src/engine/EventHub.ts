/**
 * Events on their way to their readers: each reader has a queue of its own, so that what one does not read is lost to that
 * one alone, and told to it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Event from "../protocol/model/Event.ts"
import * as Readers from "./Readers.ts"

/** A view, and all events that follow number `sequence`, with no gap. */
export interface Subscription<V, E> {
  readonly view: V
  readonly sequence: number
  /** Ends when the hub does, after all that was published before. */
  readonly events: Stream.Stream<E | Lost>
}

/** A reader gets this in place of the events that it was too slow for. */
export type Lost = Extract<Event.Event, { readonly event: "EventsLost" }>

/** Tells a reader that it lost so many events before one of that time. */
export const lost = (at: number, count: number): Lost => ({ at, event: "EventsLost", count })

/** Where events are published and subscribed to. */
export interface EventHub<V, E> {
  /** Hands an event to every reader. Never waits, and runs none of them. */
  readonly publish: (event: E) => void
  /**
   * Subscribes, from the beginning while that is kept, else from now on; the view includes the events up to `sequence`. A
   * reader that falls more than {@link capacity} events behind loses its oldest, and gets {@link Lost} in their place.
   */
  readonly subscribe: Effect.Effect<Subscription<V, E>, never, Scope.Scope>
  /**
   * Subscribes to the events after one that was read before; the view is that of now. {@link Lost} counts those that the
   * history no longer has.
   */
  readonly subscribeAfter: (sequence: number) => Effect.Effect<Subscription<V, E>, never, Scope.Scope>
  /** The number of the newest event; 0 if there was none. */
  readonly sequence: () => number
  /** A reader that subscribes from here on gets the later events. */
  readonly forgetBeginning: () => void
  /** How many read now, and how many events all readers have lost since the start. */
  readonly readers: () => ReaderCounts
}

/** How many readers there are, and how much all there ever were have lost. */
export interface ReaderCounts {
  readonly open: number
  readonly lost: number
}

/** How many events wait for one reader at most. */
export const capacity = 4_096

/** How many of the newest events are kept for later readers, unless said otherwise. */
export const historyCapacity = 1_000

interface Numbered<E> {
  readonly sequence: number
  readonly event: E
}

/**
 * Makes a hub that ends with the scope. `view` is asked for at once, for readers from the beginning, and at each later
 * subscription: it must include exactly what was published. `kept` is how many of the newest events are kept for later readers.
 */
export const make = Effect.fnUntraced(function*<V, E extends { readonly at: number }>(
  view: () => V,
  kept: number = historyCapacity
): Effect.fn.Return<EventHub<V, E>, never, Scope.Scope> {
  const readers = yield* Readers.make<Numbered<E>>(capacity)
  const first = view()
  let isBeginning = true
  const history = makeHistory<E>(kept)
  let sequence = 0
  let lostByAll = 0

  const open = (from: { readonly view: V; readonly after: number }) => {
    let missing = 0
    const before = () => {
      const found = history.after(from.after, sequence)
      missing = found.missing
      return found.newer
    }
    return Effect.map(readers.open(before), (queue): Subscription<V, E> => {
      const told = withLosses<E>(from.after, missing, (count) => lostByAll += count)
      const events = Stream.fromPull(Effect.succeed(Effect.map(Queue.takeAll(queue), told)))
      return { view: from.view, sequence: from.after, events }
    })
  }

  return {
    publish: (event) => {
      sequence += 1
      const numbered = { sequence, event }
      history.add(numbered)
      readers.offer(numbered)
    },
    sequence: () => sequence,
    subscribe: Effect.suspend(() =>
      open(
        isBeginning && history.size() === sequence
          ? { view: first, after: 0 }
          : { view: view(), after: sequence }
      )
    ),
    subscribeAfter: (after) => Effect.suspend(() => open({ view: view(), after: Math.min(after, sequence) })),
    forgetBeginning: () => {
      isBeginning = false
    },
    readers: () => ({ open: readers.count(), lost: lostByAll })
  }
})

/** The newest events, so many at least. */
const makeHistory = <E>(kept: number) => {
  let events: Array<Numbered<E>> = []
  return {
    add: (numbered: Numbered<E>): void => {
      events.push(numbered)
      // Cut in halves, so that a full history costs nothing an event.
      if (events.length >= 2 * kept) events = kept === 0 ? [] : events.slice(-kept)
    },
    size: () => events.length,
    /** Those after that number, and how many between are not here any more: no reader that comes now can have lost them. */
    after: (number: number, newest: number) => ({
      newer: events.filter(({ sequence }) => sequence > number),
      missing: Math.max(0, (events[0]?.sequence ?? newest + 1) - number - 1)
    })
  }
}

/** Numbered events for a reader that has read those up to `after`: missing numbers are counted. */
const withLosses = <E extends { readonly at: number }>(
  after: number,
  missing: number,
  countLost: (count: number) => void
) => {
  let last = after
  let excused = missing
  return (some: Arr.NonEmptyReadonlyArray<Numbered<E>>): Arr.NonEmptyReadonlyArray<E | Lost> => {
    // The oldest of a queue are lost, so nothing is missing between two that were taken together.
    const [{ event, sequence }] = some
    const count = sequence - last - 1
    last += count + some.length
    const events = Arr.map(some, ({ event }) => event)
    if (count === 0) return events
    countLost(Math.max(0, count - excused))
    excused = 0
    return [lost(event.at, count), ...events]
  }
}
