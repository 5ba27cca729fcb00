/**
 * Reads the settings, once: from what gives them into values of their types, each refused by the name that it had
 * there.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Profile from "./Profile.ts"
import type { Setting } from "./Setting.ts"
import { settings } from "./SettingList.ts"
import { type Key, keys } from "./SettingName.ts"
import { notShown, SettingRefused, shown } from "./SettingRefused.ts"
import { rules, type Settings } from "./SettingRules.ts"

/**
 * How one setting was given: by its text, or as a value in code. `as` is its name there, for the refusal.
 *
 * @category models
 * @since 0.1.0
 */
export type Given = { readonly as: string } & ({ readonly text: string } | { readonly value: unknown })

/**
 * The value of a setting as text, in the form in which flags and the environment give it. Empty for none.
 *
 * @category conversions
 * @since 0.1.0
 */
export const format = <K extends Key>(key: K, value: Settings[K]): string => {
  const setting: Setting<Settings[K]> = settings[key] as never
  return value === undefined ? "" : setting.isSecret === true ? notShown : Schema.encodeSync(setting.text)(value)
}

/**
 * The default of a setting for people to read. If it depends on the profile, those of the other profiles follow.
 *
 * @category conversions
 * @since 0.1.0
 */
export const defaultText = (key: Key): string => {
  const setting: Setting<unknown, unknown> = settings[key]
  const [first = "", ...others] = Profile.names.map((profile) => format(key, setting.default(profile) as never))
  return others.every((other) => other === first)
    ? first || setting.unset || "none"
    : `${first}; ${Profile.names.slice(1).map((profile, index) => `${profile} ${others[index]}`).join(", ")}`
}

const results = new WeakSet<object>()

/**
 * Whether these are settings as {@link read} gave them: a copy that was changed is not.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRead = (settings: object): settings is Settings => results.has(settings)

/**
 * Resolves all settings from what gives them: `given` is asked for each once, and answers undefined for those that
 * keep their default. Values that do not fit each other are refused too, by the name of one that was given.
 *
 * @category constructors
 * @since 0.1.0
 */
export const read = (given: (key: Key) => Given | undefined): Result.Result<Settings, SettingRefused> => {
  const all = new Map(keys.map((key) => [key, given(key)]))
  const values: Record<string, unknown> = {}
  const refused = (key: Key, was: string, allowed: string) =>
    Result.fail(new SettingRefused({ setting: key, as: all.get(key)?.as ?? key, was, allowed }))
  // The profile first: the others' defaults depend on it.
  for (const key of ["profile" as const, ...keys.filter((key) => key !== "profile")]) {
    const setting: Setting<unknown, unknown> = settings[key]
    const one = all.get(key)
    if (one === undefined) {
      values[key] = setting.default(key === "profile" ? "standard" : values["profile"] as Profile.Profile)
    } else {
      const [schema, input] = "text" in one ? [setting.text, one.text] : [setting.code, one.value]
      const value = Schema.decodeUnknownOption(schema)(input)
      if (Option.isNone(value)) {
        return refused(key, setting.isSecret === true ? notShown : shown(input), setting.allowed)
      }
      values[key] = value.value
    }
  }
  const resolved = values as Settings
  for (const rule of rules) {
    const { allowed, broken } = rule(resolved)
    if (!broken) continue
    const parts = keys.filter((key) => allowed[key] !== undefined).toReversed()
    const key = parts.find((key) => all.get(key) !== undefined) ?? parts[0] ?? "group"
    return refused(key, shown(format(key, resolved[key])), allowed[key] ?? "")
  }
  results.add(resolved)
  return Result.succeed(resolved)
}
