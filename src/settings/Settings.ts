/**
 * Every setting of a server, read from code, the environment or flags, and checked.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Message from "../protocol/model/Message.ts"
import * as Configured from "./Configured.ts"
import type { Options } from "./Options.ts"
import type * as Profile from "./Profile.ts"
import { isRead, read } from "./Reading.ts"
import type { settings } from "./SettingList.ts"
import { type Key, keys } from "./SettingName.ts"
import type { SettingRefused } from "./SettingRefused.ts"
import type { Settings } from "./SettingRules.ts"
import * as Spelling from "./Spelling.ts"

export {
  /**
   * The settings that the configuration gives.
   *
   * @category configuration
   * @since 0.1.0
   */
  config
} from "./Configured.ts"

export type {
  /**
   * Settings as code gives them: those that are absent have their default, or that of the profile.
   *
   * @category models
   * @since 0.1.0
   */
  Options
} from "./Options.ts"

/** @internal */
export { defaultText, format, read } from "./Reading.ts"

/** @internal */
export { settings } from "./SettingList.ts"

/** @internal */
export { environmentName, flagKeys, flagName, type Key, keys } from "./SettingName.ts"

export {
  /**
   * A setting has a value that is not allowed.
   *
   * @category errors
   * @since 0.1.0
   */
  SettingRefused
} from "./SettingRefused.ts"

export type {
  /**
   * All settings, each read and checked.
   *
   * @category models
   * @since 0.1.0
   */
  Settings
} from "./SettingRules.ts"

/** The schemas take all that `Options` lets code say. */
type Inputs = { readonly [K in Key]?: (typeof settings)[K]["code"]["Encoded"] | undefined }

/**
 * The settings that code gives, with defaults for the rest. Never reads the environment. A name that is no setting is
 * refused, unless it is one of `others`, which mean something to the caller. Settings that {@link config} gave are not read
 * again.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {},
  others: ReadonlyArray<string> = []
): Effect.Effect<Settings, SettingRefused> =>
  isRead(options) ? Effect.succeed(options) : Effect.andThen(
    Spelling.refuseUnknown(options, [...keys, ...others]),
    Effect.suspend(() => {
      const inputs: Inputs = options
      return Effect.fromResult(read((key) => inputs[key] === undefined ? undefined : { as: key, value: inputs[key] }))
    })
  )

/**
 * The settings of a `Config`, as an Effect whose refusals are those of settings: for `make`. The `Config` is
 * {@link config}, the same below a name (`Config.nested`), or a `Config` of the app's own for each option.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromConfig = <A>(config: Config.Wrap<A>): Effect.Effect<A, SettingRefused | Config.ConfigError> =>
  Effect.mapError(Config.unwrap(config), Configured.refusalIn)

/**
 * The agreement that all servers of a group with a majority lease must have in common; null without a lease.
 *
 * @internal
 */
export const agreement = (settings: Settings): Message.Agreement | null => {
  const { clockDrift, groupSize, heartbeatInterval, leadership, leaseDuration, stopTimeout } = settings
  if (leadership === "bully" || groupSize === undefined) return null
  const duration = leaseDuration ?? Duration.times(Duration.max(heartbeatInterval, stopTimeout), 3)
  return { groupSize, duration: Math.max(1, Math.round(Duration.toMillis(duration))), drift: clockDrift }
}

/**
 * The times of the settings in whole milliseconds, for floor 1.
 *
 * @internal
 */
export type Timing = { readonly [K in keyof Profile.Times | "stopTimeout" | "stableAfter"]: number }

/**
 * The times of these settings, rounded to whole milliseconds.
 *
 * @internal
 */
export const timing = (settings: Settings): Timing => {
  const millis = (key: keyof Timing) => Math.round(Duration.toMillis(settings[key]))
  return {
    heartbeatInterval: millis("heartbeatInterval"),
    leaderInterval: Math.min(millis("leaderInterval"), millis("heartbeatInterval")),
    cleanupInterval: millis("cleanupInterval"),
    memberTimeout: millis("memberTimeout"),
    probeTimeout: millis("probeTimeout"),
    discoveryWindow: millis("discoveryWindow"),
    electionStagger: millis("electionStagger"),
    okTimeout: millis("okTimeout"),
    coordinatorTimeout: millis("coordinatorTimeout"),
    stopTimeout: millis("stopTimeout"),
    stableAfter: millis("stableAfter")
  }
}
