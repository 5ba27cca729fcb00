/**
 * For how long one who is no member believes a sealed session: as long as a member may be silent. In a large group heartbeats come
 * less often, and each server announces how often its own do. To believe them for less would ask them for a proof at each heartbeat.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Message from "../protocol/model/Message.ts"
import * as Session from "../protocol/wire/Session.ts"
import type * as Keys from "../server/Keys.ts"

/** Keys that believe a session for as long as is announced by what is heard. */
export interface Following {
  readonly keys: Keys.Keys
  readonly hear: (message: Message.Message) => void
}

/** How many of its intervals a member may be silent for. */
const missed = 3

/** `memberTimeout` is how long, in ms, a member of a small group may be silent. */
export const following = (keys: Keys.Keys, memberTimeout: number): Effect.Effect<Following> =>
  Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let longest = { interval: 0, at: -Infinity }
    // One that a member announces no more is forgotten when the next one must have come.
    const patience = (): number => now() - longest.at > missed * longest.interval ? 0 : missed * longest.interval
    return {
      keys: { ...keys, freshness: () => Session.freshness(Math.max(memberTimeout, patience())) },
      hear: (message) => {
        if (!("sender" in message) || !("interval" in message)) return
        const { interval } = message
        if (missed * interval >= patience()) longest = { interval, at: now() }
      }
    }
  })
