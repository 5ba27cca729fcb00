/**
 * For how long one who is no member believes a sealed session: as long as a member may be silent. In a large group heartbeats come
 * less often, and each server announces how often its own do. To believe them for less would ask them for a proof at each heartbeat.
 */
import type * as Message from "../protocol/model/Message.ts"
import * as Session from "../protocol/wire/Session.ts"

/** What was announced lately. Times are ms. */
export interface Freshness {
  readonly hear: (message: Message.Message) => void
  readonly freshness: () => Session.Freshness
}

/** How many of its intervals a member may be silent for. */
const missed = 3

/** `memberTimeout` is how long a member of a small group may be silent; `now` is a clock that never steps. */
export const make = (memberTimeout: number, now: () => number): Freshness => {
  let longest = { interval: 0, at: -Infinity }
  // One that a member announces no more is forgotten when the next one must have come.
  const patience = (): number => now() - longest.at > missed * longest.interval ? 0 : missed * longest.interval
  return {
    hear: (message) => {
      if (!("sender" in message) || !("interval" in message)) return
      const { interval } = message
      if (missed * interval >= patience()) longest = { interval, at: now() }
    },
    freshness: () => Session.freshness(Math.max(memberTimeout, patience()))
  }
}
