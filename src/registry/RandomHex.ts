/** Names that nobody else has. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** So many hex digits. */
export const make = (digits: number): Effect.Effect<string> =>
  Effect.map(
    Effect.all(Array.from({ length: digits }, () => Random.nextBetween(0, 16))),
    (all) => all.map((digit) => Math.floor(digit).toString(16)).join("")
  )
