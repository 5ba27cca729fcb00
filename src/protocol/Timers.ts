/**
 * The timers of a server, by key: when each is due, and what it is for. They are plain data: who wakes the server asks when
 * the next one is due, and a step fires what is.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"

/** A timer that is set. `due` is ms on the monotonic clock, `order` its place among all that were ever set. */
export interface Entry<T> {
  readonly key: string
  readonly due: number
  readonly order: number
  readonly timer: T
}

/** Timers, one for each key. */
export interface Timers<T> {
  readonly entries: HashMap.HashMap<string, Entry<T>>
  /** How many were ever set. */
  readonly count: number
  /** When the next one is due; null once that one went, until somebody looks for the next. */
  readonly next: number | null
}

/** No timer. */
export const empty: Timers<never> = { entries: HashMap.empty(), count: 0, next: Infinity }

/** With a timer in place of the key's last one. */
export const set = <T>(timers: Timers<T>, key: string, due: number, timer: T): Timers<T> => {
  const { count, entries, next } = clear(timers, key)
  return {
    entries: HashMap.set(entries, key, { key, due, order: count, timer }),
    count: count + 1,
    next: next === null ? null : Math.min(next, due)
  }
}

/** Without the key's timer. */
export const clear = <T>(timers: Timers<T>, key: string): Timers<T> => {
  const entry = Option.getOrUndefined(HashMap.get(timers.entries, key))
  if (entry === undefined) return timers
  const { next } = timers
  return { ...timers, entries: HashMap.remove(timers.entries, key), next: entry.due === next ? null : next }
}

/** Whether the key has a timer. */
export const has = <T>(timers: Timers<T>, key: string): boolean => HashMap.has(timers.entries, key)

/** Whether this very timer is set: not where its key's was cleared, or set anew. */
export const isSet = <T>(timers: Timers<T>, entry: Entry<T>): boolean =>
  Option.getOrUndefined(HashMap.get(timers.entries, entry.key)) === entry

/** When the next one is due; Infinity where there is none. */
export const nextDue = <T>(timers: Timers<T>): number => {
  if (timers.next !== null) return timers.next
  let next = Infinity
  for (const { due } of HashMap.values(timers.entries)) next = Math.min(next, due)
  return next
}

/** The same timers, whose next one is known. A step looks for it once, at its end. */
export const settled = <T>(timers: Timers<T>): Timers<T> =>
  timers.next === null ? { ...timers, next: nextDue(timers) } : timers

/** Those that are due, in the order of their times, and of those of one time in the order in which they were set. */
export const due = <T>(timers: Timers<T>, now: number): ReadonlyArray<Entry<T>> =>
  nextDue(timers) > now ? [] : sorted(timers, now)

/** All of them, in the same order. */
export const inOrder = <T>(timers: Timers<T>): ReadonlyArray<Entry<T>> => sorted(timers, Infinity)

const sorted = <T>(timers: Timers<T>, until: number): Array<Entry<T>> => {
  const all: Array<Entry<T>> = []
  for (const entry of HashMap.values(timers.entries)) if (entry.due <= until) all.push(entry)
  return all.sort((self, that) => self.due === that.due ? self.order - that.order : self.due - that.due)
}
