/**
 * A clock that goes on while the machine is suspended. The monotonic clock of most platforms stops then. By this clock a
 * server knows after a suspension that it was paused, and a leader that its lease is over.
 *
 * The platform has only an uptime. It is coarse, and not always true: in a container it may jump by days, stop, or be no
 * number (LXC's `lxcfs`). So a jump counts only where the wall clock jumped too: after a suspension the kernel adds the
 * time to both. A jump of the uptime alone is reported, and not counted.
 */
import * as Context from "effect/Context"

/**
 * A reading of the clock, in ms since some instant. `sinceBoot` runs as the monotonic clock does and counts suspensions
 * besides; it is never set back, and may show too much after a suspension, never too little. `doubted` is how far the
 * uptime has gone ahead in all with no other clock to confirm it: nothing of it is in `sinceBoot`.
 */
export interface Reading {
  readonly sinceBoot: number
  readonly doubted: number
}

/**
 * The clock. Undefined where the platform has none: then a suspension shows by the wall clock alone, and only a leader with
 * a lease is warned.
 */
export const SinceBoot = Context.Reference<(() => Reading) | undefined>("bellwether/transport/SinceBoot", {
  defaultValue: () => undefined
})

/** The readings of the clocks of the platform, in ms. */
interface Platform {
  /** Since the machine started, suspensions included, cut to some granularity; undefined where it is not known now. */
  readonly uptime: () => number | undefined
  /** The monotonic clock. */
  readonly monotonic: () => number
  /** The wall clock. */
  readonly wall: () => number
}

/**
 * The same platform with an uptime that is seldom read: once a second, and at once where the wall clock jumped, since no other
 * jump of the uptime counts as a suspension. In between it is not known. On Linux each reading opens, reads and closes a file.
 */
export const sparing = ({ monotonic, uptime, wall }: Platform): Platform => {
  let readAt = -Infinity
  let wallAhead = 0
  let readings = 0
  return {
    monotonic,
    wall,
    uptime: () => {
      const now = monotonic()
      const ahead = wall() - now
      const isKnown = readings >= firstReadings && now - readAt < readEvery
      if (isKnown && Math.abs(ahead - wallAhead) < smallestJump) return undefined
      readings += 1
      readAt = now
      wallAhead = ahead
      return uptime()
    }
  }
}

/**
 * A fine clock out of the uptime, which counts suspensions, and the monotonic clock, which does not. A suspension is seen
 * where the uptime has gone further ahead than its granularity explains, and is counted with all that may have been cut off; one
 * shorter than twice the granularity may not be seen.
 */
export const combine = ({ monotonic, uptime, wall }: Platform): () => Reading => {
  // Between what the uptime is ahead of the monotonic clock; unknown until it was read.
  let ahead: { readonly least: number; readonly most: number } | undefined
  // How far the wall clock was ahead at least: in the time before `since`, and from then on.
  let walls = { before: Infinity, after: Infinity, since: -Infinity }
  let counted = 0
  let doubted = 0
  return () => {
    const before = monotonic()
    const shown = uptime()
    const wallNow = wall()
    // A process that stops between these readings knows less then, and takes it for no suspension.
    const now = monotonic()
    const wallJump = wallNow - before - Math.min(walls.before, walls.after)
    if (now - walls.since > wallWindow) walls = { before: walls.after, after: Infinity, since: now }
    walls = { ...walls, after: Math.min(walls.after, wallNow - now) }
    if (shown !== undefined) {
      const least = shown - now
      const most = shown + cutOf(shown) - before
      const jump = ahead === undefined ? 0 : least - ahead.most
      if (ahead !== undefined && jump > 0) {
        if (wallJump >= jump / 2) {
          counted += most - ahead.least
          // One jump of the wall clock vouches for one jump.
          walls = { before: Infinity, after: wallNow - now, since: now }
        } else {
          doubted += jump
        }
      }
      // Time does not run back: where it seems to, this uptime or the former one is not true. The next jump is one from here.
      ahead = ahead === undefined || jump > 0 || most < ahead.least
        ? { least, most }
        : { least: Math.max(ahead.least, least), most: Math.min(ahead.most, most) }
    }
    return { sinceBoot: now + counted, doubted }
  }
}

// internal

/** For so many ms at least is it remembered where the wall clock was: a coarse uptime shows a suspension later than it. */
const wallWindow = 5_000

/** For how many ms an uptime is not read again, and by how many the wall clock must jump for it. The latter is cut to whole ms. */
const readEvery = 1_000
const smallestJump = 5

/** So many show how it is cut. */
const firstReadings = 3

/**
 * How much may be cut off an uptime: where it is whole seconds, that is its granularity, or seems so one time in a hundred;
 * else hundredths (Linux), or the ticks of Windows.
 */
const cutOf = (uptime: number): number => uptime % 1_000 === 0 ? 1_000 : 20
