/**
 * The time of one machine as a function of true time, both in ms: linear between two changes of its rate.
 */

export interface LocalTime {
  readonly rate: number
  /** True time at the last change, and what the clocks showed then. */
  readonly since: number
  readonly monotonic: number
  /** The wall clock as it would be if nobody had set it. */
  readonly wall: number
  /** How far the wall clock has been set ahead. */
  readonly ahead: number
  /** The wall clock when the machine started, and how much of the time since it has forgotten. */
  readonly startedAt: number
  readonly forgotten: number
  /** Its monotonic clock stops. */
  readonly isSuspended: boolean
}

export const make = (
  now: number,
  { ahead, rate, wall }: { readonly wall: number; readonly rate: number; readonly ahead: number }
): LocalTime => ({
  rate,
  since: now,
  monotonic: now,
  wall,
  ahead,
  startedAt: wall,
  forgotten: 0,
  isSuspended: false
})

export const monotonicAt = (time: LocalTime, now: number): number =>
  time.isSuspended ? time.monotonic : time.monotonic + (now - time.since) * time.rate

export const wallAt = ({ ahead, rate, since, wall }: LocalTime, now: number): number =>
  wall + (now - since) * rate + ahead

/** By its own rate, on while it is suspended, and never set. */
export const sinceStart = (time: LocalTime, now: number): number =>
  wallAt(time, now) - time.ahead - time.startedAt - time.forgotten

/** When its monotonic clock will show this, unless it is suspended. */
export const whenMonotonic = (time: LocalTime, until: number, now: number): number =>
  now + Math.max(0, (until - monotonicAt(time, now)) / time.rate)

/** The same time, reckoned from now on: what changes then does not change what has passed. */
export const rebased = (time: LocalTime, now: number): LocalTime => ({
  ...time,
  since: now,
  monotonic: monotonicAt(time, now),
  wall: time.wall + (now - time.since) * time.rate
})

/** As a snapshot has it that was taken so long ago, but for the wall clock. Of a time that is {@link rebased}. */
export const setBack = (time: LocalTime, by: number): LocalTime => ({
  ...time,
  monotonic: time.monotonic - by,
  forgotten: time.forgotten + by
})
