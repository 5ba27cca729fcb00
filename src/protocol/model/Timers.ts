/**
 * The timers of a server, by key: the due time and the purpose of each. They are plain data: the engine asks when the next
 * one is due, and a step fires those that are.
 */

/** A timer that is set. `due` is ms on the monotonic clock. */
export interface Entry<T> {
  readonly key: string
  readonly due: number
  readonly timer: T
}

/** Timers, one for each key: in the order in which they are due, and of one time in the order in which they were set. */
export type Timers<T> = ReadonlyArray<Entry<T>>

/** No timer. */
export const empty: Timers<never> = []

/** With a timer in place of the key's last one. */
export const set = <T>(timers: Timers<T>, key: string, due: number, timer: T): Timers<T> => {
  const others = timers.filter((other) => other.key !== key)
  others.splice(others.findLastIndex((other) => other.due <= due) + 1, 0, { key, due, timer })
  return others
}

/** Without the key's timer. */
export const clear = <T>(timers: Timers<T>, key: string): Timers<T> =>
  has(timers, key) ? timers.filter((other) => other.key !== key) : timers

/** Whether the key has a timer. */
export const has = <T>(timers: Timers<T>, key: string): boolean => timers.some((timer) => timer.key === key)

/** When the key's timer is due; Infinity where there is none. */
export const dueOf = <T>(timers: Timers<T>, key: string): number =>
  timers.find((timer) => timer.key === key)?.due ?? Infinity

/** When the next one is due; Infinity where there is none. */
export const nextDue = <T>(timers: Timers<T>): number => timers[0]?.due ?? Infinity
