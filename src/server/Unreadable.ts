/** The log of bodies that the schema of their topic does not read. Others say them, and perhaps often: once a minute is enough. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Name from "../protocol/model/Name.ts"

/** Logs it, now and then: what it was (`message 7 of beta`), on which topic, and what the schema says. */
export type Tell = (what: string, topic: string, why: string) => Effect.Effect<void>

/** How often it is logged, in ms. */
const again = 60_000

/** The most characters of what is logged: another has said some of it. */
const longest = 300

/** Nothing was logged yet. */
export const make: Effect.Effect<Tell> = Effect.map(Clock.Clock, (clock) => {
  let toldAt = -Infinity
  return (what, topic, why) =>
    Effect.suspend(() => {
      const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      if (now - toldAt < again) return Effect.void
      toldAt = now
      const told = `${what} on the topic ${JSON.stringify(topic)} is not what its schema reads: ${why}`
      return Effect.logWarning(Name.escaped(told.slice(0, longest)))
    })
})
