/**
 * The keys of the settings, and the names that they have where they are given.
 *
 * @since 0.1.0
 */
import { settings } from "./SettingList.ts"

/**
 * The key of a setting.
 *
 * @category models
 * @since 0.1.0
 */
export type Key = keyof typeof settings

/**
 * The keys of all settings, in the order of the list.
 *
 * @category models
 * @since 0.1.0
 */
export const keys = Object.keys(settings) as ReadonlyArray<Key>

/**
 * The keys of those settings that may be given as a flag: all but the secret ones.
 *
 * @category models
 * @since 0.1.0
 */
export const flagKeys = keys.filter((key) => !("isSecret" in settings[key])) as ReadonlyArray<
  Exclude<Key, "key" | "httpToken">
>

const words = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`)

/**
 * The name of a setting in the environment: `BELLWETHER_HEARTBEAT_INTERVAL`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const environmentName = (key: Key): string => `BELLWETHER_${words(key).toUpperCase()}`

/**
 * The name of a setting as a flag: `--heartbeat-interval`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const flagName = (key: Key): string => `--${words(key).toLowerCase().replaceAll("_", "-")}`
