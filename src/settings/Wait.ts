/** How long to wait, of an option in code that is no setting. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Setting from "./Setting.ts"
import { SettingRefused, shown } from "./SettingRefused.ts"

const wait = Setting.duration([Duration.millis(1), Duration.infinity], {
  summary: "",
  default: () => Duration.infinity
})

/** How long to wait, of 1 ms or more, without end too. */
export const waitOf = (
  as: string,
  given: Duration.Input | undefined,
  otherwise: Duration.Duration
): Effect.Effect<Duration.Duration, SettingRefused> =>
  given === undefined ? Effect.succeed(otherwise) : Effect.mapError(
    Schema.decodeEffect(wait.code)(given),
    () =>
      new SettingRefused({
        setting: as,
        as,
        was: shown(given),
        allowed: "a duration of 1ms or more, as in 500ms, 10s, 2m"
      })
  )
