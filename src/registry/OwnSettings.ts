/** Reads the settings that a registry has besides those of the group, as code gives them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Setting } from "../settings/Setting.ts"
import { notShown, SettingRefused, shown } from "../settings/SettingRefused.ts"

/** Refuses a value of one of them. What is allowed is what the setting says, unless said otherwise. */
export const refuse = <K extends string>(
  settings: Readonly<Record<K, Pick<Setting<never, never>, "allowed">>>,
  setting: K,
  was: string,
  allowed: string = settings[setting].allowed
): Effect.Effect<never, SettingRefused> => Effect.fail(new SettingRefused({ setting, as: setting, was, allowed }))

/** One that was given, or its default. */
export const one = <A, I>(
  key: string,
  setting: Setting<A, I>,
  given: unknown
): Effect.Effect<A, SettingRefused> =>
  given === undefined
    ? Effect.succeed(setting.default("standard"))
    : Option.match(Schema.decodeUnknownOption(setting.code)(given), {
      onSome: Effect.succeed,
      onNone: () => refuse({ [key]: setting }, key, setting.isSecret === true ? notShown : shown(given))
    })
