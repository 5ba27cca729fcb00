/**
 * `SinceBoot` on Node: the uptime of the operating system, which counts suspensions, made fine by the monotonic clock and
 * vouched for by the wall clock.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Os from "node:os"
import { hrtime } from "node:process"
import * as SinceBoot from "../SinceBoot.ts"

/** The clock of this machine. */
export const layer: Layer.Layer<never> = Layer.effect(
  SinceBoot.SinceBoot,
  Effect.map(Clock.Clock, (clock) =>
    SinceBoot.combine(SinceBoot.sparing({
      uptime,
      monotonic: () => Number(hrtime.bigint()) / 1e6,
      wall: () => clock.currentTimeMillisUnsafe()
    })))
)

// internal

/** No machine has been up for no time, and some sandboxes refuse to tell. */
const uptime = (): number | undefined => {
  try {
    const millis = Math.round(Os.uptime() * 1_000)
    return Number.isFinite(millis) && millis > 0 ? millis : undefined
  } catch {
    return undefined
  }
}
