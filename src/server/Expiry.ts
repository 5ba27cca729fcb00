/** For how long a grant lasts unless it is renewed, of an option in code. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Holdings from "../protocol/grants/Holdings.ts"
import { maxExpiry } from "../protocol/model/GrantMessages.ts"
import type * as Lease from "../protocol/model/Lease.ts"
import * as DurationText from "../settings/DurationText.ts"
import * as Setting from "../settings/Setting.ts"
import { SettingRefused, shown } from "../settings/SettingRefused.ts"

/** An expiry in ms: the default of the lease unless given, and long enough that work which is renewed in time is not ended. */
export const expiryOf = (
  given: Duration.Input | undefined,
  lease: Lease.Agreement,
  stopTimeout: Duration.Duration
): Effect.Effect<number, SettingRefused> => {
  if (given === undefined) return Effect.succeed(Holdings.defaultExpiry(lease))
  const least = Duration.max(Duration.times(stopTimeout, 3), Duration.millis(100))
  const most = Duration.millis(maxExpiry)
  const { code } = Setting.duration([least, most], { summary: "", default: () => most })
  return Schema.decodeEffect(code)(given).pipe(
    Effect.mapBoth({
      onSuccess: (expiry) => Math.ceil(Duration.toMillis(expiry)),
      onFailure: () =>
        new SettingRefused({
          setting: "expiry",
          as: "expiry",
          was: shown(given),
          allowed: `a duration from ${DurationText.format(least)} (3 x stopTimeout) to ${DurationText.format(most)}`
        })
    })
  )
}
