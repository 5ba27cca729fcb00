/**
 * The settings of a group in Postgres.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as OwnSettings from "../registry/OwnSettings.ts"
import * as DurationText from "../settings/DurationText.ts"
import * as Setting from "../settings/Setting.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"

/**
 * How the database keeps a group. Which database it is, and as which user, the `SqlClient` says.
 *
 * @category models
 * @since 0.1.0
 */
export interface SqlOptions {
  /**
   * For how long a server that is not heard of any more is taken to live, and to lead: 3 seconds at least, of which a statement may
   * take a sixth, with a new connection if it needs one. The same on every server. A killed leader is replaced half a second after
   * that. A restart of the database that takes longer ends all reigns.
   *
   * Default: 10 seconds.
   */
  readonly leaseDuration?: Duration.Input | undefined
  /**
   * How often the database is asked for changes: 50 ms to a sixth of `leaseDuration`. What another server does is seen that much
   * later; each server asks once in that time.
   *
   * Default: a twentieth of `leaseDuration`, from 100 ms to 1 s.
   */
  readonly pollInterval?: Duration.Input | undefined
  /**
   * The schema of the database in which the tables are: a lower case name, and not that of a user, who would find these tables before
   * its own. Groups of several names share them.
   *
   * Default: bellwether_groups.
   */
  readonly schema?: string | undefined
  /**
   * Whether the tables are made at the start where they are not there. Off, another has to: see `migrations`.
   *
   * Default: true.
   */
  readonly migrate?: boolean | undefined
}

/** What needs no quotes in SQL, and is no name of the system's own. */
const name = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/

/**
 * The settings by key.
 *
 * @internal
 */
export const settings = {
  leaseDuration: Setting.duration([Duration.seconds(3), Duration.hours(1)], {
    summary: "time for which a server is taken to live, and to lead",
    default: () => Duration.seconds(10)
  }),
  pollInterval: Setting.duration<undefined>([Duration.millis(50), Duration.minutes(10)], {
    summary: "time between two questions for changes",
    default: () => undefined
  }),
  schema: Setting.form<string>("1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_", "name", {
    is: Schema.String.check(Schema.isPattern(name)),
    parse: Option.some,
    format: (text) => text
  }, { summary: "schema of the tables", default: () => "bellwether_groups" }),
  migrate: Setting.toggle({ summary: "make the tables where they are not there", default: () => true })
} as const

/**
 * A key of the settings.
 *
 * @internal
 */
export type Key = keyof typeof settings

/**
 * The keys of the settings.
 *
 * @internal
 */
export const keys = Object.keys(settings) as ReadonlyArray<Key>

/**
 * The settings, read and checked.
 *
 * @internal
 */
export interface Read {
  readonly leaseDuration: Duration.Duration
  readonly pollInterval: Duration.Duration
  readonly schema: string
  readonly migrate: boolean
}

const { one } = OwnSettings

const refused = (setting: Key, was: string, allowed?: string) => OwnSettings.refuse(settings, setting, was, allowed)

/**
 * Reads and checks them.
 *
 * @internal
 */
export const read = Effect.fnUntraced(function*(options: SqlOptions): Effect.fn.Return<Read, SettingRefused> {
  const leaseDuration = yield* one("leaseDuration", settings.leaseDuration, options.leaseDuration)
  const given = yield* one("pollInterval", settings.pollInterval, options.pollInterval)
  const longest = Duration.times(leaseDuration, 1 / 6)
  if (given !== undefined && Duration.isGreaterThan(given, longest)) {
    const allowed = `50ms to a sixth of leaseDuration, which is ${DurationText.format(leaseDuration)}`
    return yield* refused("pollInterval", DurationText.format(given), allowed)
  }
  const between = { minimum: Duration.millis(100), maximum: Duration.seconds(1) }
  return {
    leaseDuration,
    pollInterval: given ?? Duration.clamp(Duration.times(leaseDuration, 1 / 20), between),
    schema: yield* one("schema", settings.schema, options.schema),
    migrate: yield* one("migrate", settings.migrate, options.migrate)
  }
})
