/**
 * `SinceBoot` on Node: the uptime of the operating system, which counts suspensions, made fine by the monotonic clock.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { uptime } from "node:os"
import { hrtime } from "node:process"
import * as SinceBoot from "./SinceBoot.ts"

/**
 * The clock of this machine.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.sync(
  SinceBoot.SinceBoot,
  () => SinceBoot.combine({ coarse: () => uptime() * 1_000, fine: () => Number(hrtime.bigint()) / 1e6 })
)
