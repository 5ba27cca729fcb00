/**
 * Every setting of a server, resolved from code, the environment or flags, and checked. What the settings are is in one
 * list, `settings`: what code may pass, what the environment may hold, the flags of the program, their help, and what is
 * said when a value is refused all come from it.
 *
 * @since 0.1.0
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as KeyRing from "../protocol/KeyRing.ts"
import type * as Message from "../protocol/Message.ts"
import type { Options } from "./Options.ts"
import * as Profile from "./Profile.ts"
import * as Setting from "./Setting.ts"
import { settings } from "./SettingList.ts"
import * as Spelling from "./Spelling.ts"
import * as Stray from "./Stray.ts"

export {
  /**
   * The settings by key, in the order in which help shows them.
   *
   * @category models
   * @since 0.1.0
   */
  settings
}

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
export const flagKeys = keys.filter((key) => !("isSecret" in settings[key])) as ReadonlyArray<Exclude<Key, "key">>

/**
 * All settings, resolved and checked. `name` is undefined where the host name is to be used.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = {
  readonly [K in Key]: (typeof settings)[K] extends Setting.Setting<infer A, infer _> ? A : never
}

export type {
  /**
   * Settings as code gives them: those that are absent have their default, or that of the profile.
   *
   * @category models
   * @since 0.1.0
   */
  Options
} from "./Options.ts"

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

/**
 * The default of a setting for people to read. Where it depends on the profile, those of the other profiles follow.
 *
 * @category conversions
 * @since 0.1.0
 */
export const defaultText = (key: Key): string => {
  const [first = "", ...others] = Profile.names.map((profile) => format(settings[key].default(profile)))
  return others.every((other) => other === first)
    ? first || settings[key].unset || "none"
    : `${first}; ${Profile.names.slice(1).map((profile, index) => `${profile} ${others[index]}`).join(", ")}`
}

/**
 * The value of a setting as text, in the form in which flags and the environment give it. Empty for none.
 *
 * @category conversions
 * @since 0.1.0
 */
export const format = (value: Settings[Key]): string => {
  if (value === undefined) return ""
  if (Redacted.isRedacted(value)) return Setting.notShown
  if (Duration.isDuration(value)) return Setting.formatDuration(value)
  if (typeof value === "boolean") return value ? "on" : "off"
  if (typeof value !== "object") return String(value)
  if (Array.isArray(value)) return value.join(",")
  return Object.entries(value).map((pair) => pair.join("=")).join(",")
}

/**
 * How one setting was given: by its text, or as a value in code. `as` is its name there, for the refusal.
 *
 * @category models
 * @since 0.1.0
 */
export type Given = { readonly as: string } & ({ readonly text: string } | { readonly value: unknown })

/**
 * What is allowed where a list of keys that seals nothing is refused.
 *
 * @category models
 * @since 0.1.0
 */
export const plainOnlyIfPermissive =
  `a list that does not begin with the word ${KeyRing.plainWord}, unless keyMode is permissive`

type Rule = (settings: Settings) => { readonly broken: boolean; readonly allowed: { readonly [K in Key]?: string } }

// Each says, for each setting that has a part in it, what would be allowed given the others.
const rules: ReadonlyArray<Rule> = [
  ({ heartbeatInterval, memberTimeout, profile }) => ({
    broken: !Duration.isGreaterThan(memberTimeout, Duration.times(heartbeatInterval, 2)),
    allowed: {
      memberTimeout: `more than twice heartbeatInterval, which is ${format(heartbeatInterval)} (profile ${profile}): `
        + "one lost heartbeat must not look like a death",
      heartbeatInterval: `less than half of memberTimeout, which is ${format(memberTimeout)} (profile ${profile}): `
        + "one lost heartbeat must not look like a death"
    }
  }),
  ({ key, keyFile }) => ({
    broken: key !== undefined && keyFile !== undefined,
    allowed: { key: "key or keyFile, not both", keyFile: "key or keyFile, not both" }
  }),
  ({ key, keyFile, keyMode }) => ({
    broken: keyMode === "permissive" && key === undefined && keyFile === undefined,
    allowed: { keyMode: "enforce, or permissive together with key or keyFile" }
  }),
  ({ key, keyMode }) => ({
    broken: keyMode === "enforce" && key !== undefined
      && Option.exists(KeyRing.parse(Redacted.value(key)), ({ active }) => active === null),
    allowed: { key: plainOnlyIfPermissive }
  }),
  ({ multicast, seeds, unicastPort }) => ({
    broken: !multicast && seeds.length === 0 && unicastPort === 0,
    allowed: {
      multicast: "on, unless there are seeds or a unicastPort by which others name this server as theirs: nobody would "
        + "be found"
    }
  }),
  ({ groupSize, leadership }) => ({
    broken: leadership === "lease" && groupSize === undefined,
    allowed: {
      leadership: "bully, or lease with groupSize: a majority is one of all servers, and their number is not known"
    }
  }),
  ({ groupSize, leadership }) => ({
    broken: leadership === "bully" && groupSize !== undefined,
    allowed: { groupSize: "none, or any with leadership lease: it does not make a majority of a bully's group" }
  }),
  ({ groupSize, leadership, minimumMembers }) => ({
    broken: leadership === "lease" && groupSize !== undefined && minimumMembers > groupSize,
    allowed: {
      minimumMembers: `at most groupSize, which is ${groupSize}: nobody would ever lead`,
      groupSize: `at least minimumMembers, which is ${minimumMembers}: nobody would ever lead`
    }
  }),
  ({ maxMembers, minimumMembers }) => ({
    broken: minimumMembers > maxMembers + 1,
    allowed: {
      minimumMembers: `at most maxMembers and one more, which is ${maxMembers + 1}: nobody would ever lead`,
      maxMembers: `at least minimumMembers without this server, which is ${minimumMembers - 1}: nobody would ever lead`
    }
  }),
  ({ groupSize = 0, maxMembers }) => ({
    broken: groupSize > maxMembers + 1,
    allowed: {
      groupSize: `at most maxMembers and one more, which is ${maxMembers + 1}: some would be in no view`,
      maxMembers: `at least groupSize without this server, which is ${groupSize - 1}: some would be in no view`
    }
  }),
  ({ leadership, leaseDuration, stopTimeout }) => ({
    broken: leadership === "lease" && leaseDuration !== undefined
      && Duration.isLessThan(leaseDuration, Duration.times(stopTimeout, 3)),
    allowed: {
      leaseDuration: `at least 3 x stopTimeout, which is ${format(stopTimeout)}: `
        + "work is ended that long before the lease is over, and beats may be lost before",
      stopTimeout: `at most a third of leaseDuration, which is ${format(leaseDuration)}: `
        + "work is ended that long before the lease is over, and beats may be lost before"
    }
  }),
  ({ port, unicastPort }) => ({
    broken: unicastPort === port,
    allowed: {
      unicastPort: `any but the group's port, which is ${port}: all servers on a host share that one`,
      port: `any but unicastPort, which is ${unicastPort}: all servers on a host share the group's port`
    }
  })
]

/**
 * Resolves all settings from whatever gives them: `given` is asked for each once, and answers undefined for those that
 * keep their default. Values that do not fit each other are refused too, by the name of one that was given.
 *
 * @category constructors
 * @since 0.1.0
 */
export const read = (given: (key: Key) => Given | undefined): Result.Result<Settings, Setting.SettingRefused> => {
  const all = new Map(keys.map((key) => [key, given(key)]))
  const values: Record<string, unknown> = {}
  const refused = (key: Key, was: unknown, allowed: string) =>
    Result.fail(
      new Setting.SettingRefused({
        setting: key,
        as: all.get(key)?.as ?? key,
        was: "isSecret" in settings[key] ? Setting.notShown : Setting.shown(was),
        allowed
      })
    )
  // The profile first: the others' defaults depend on it.
  for (const key of ["profile" as const, ...keys.filter((key) => key !== "profile")]) {
    const setting: Setting.Setting<unknown, never> = settings[key]
    const one = all.get(key)
    if (one === undefined) {
      values[key] = setting.default(key === "profile" ? "standard" : values["profile"] as Profile.Profile)
    } else {
      const value = "text" in one ? setting.fromText(one.text) : setting.fromInput(one.value as never)
      if (Option.isNone(value)) return refused(key, "text" in one ? one.text : one.value, setting.allowed)
      values[key] = value.value
    }
  }
  const resolved = values as unknown as Settings
  for (const rule of rules) {
    const { allowed, broken } = rule(resolved)
    if (!broken) continue
    const parts = keys.filter((key) => allowed[key] !== undefined).toReversed()
    const key = parts.find((key) => all.get(key) !== undefined) ?? parts[0] ?? "group"
    return refused(key, format(resolved[key]), allowed[key] ?? "")
  }
  return Result.succeed(resolved)
}

/**
 * The settings that code gives, with defaults for the rest. Never reads the environment. A name that is no setting is
 * refused, unless it is one of `others`, which mean something to the caller.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {},
  others: ReadonlyArray<string> = []
): Effect.Effect<Settings, Setting.SettingRefused> =>
  Effect.andThen(
    Spelling.refuseUnknown(options, [...keys, ...others]),
    Effect.suspend(() =>
      Effect.fromResult(read((key) => options[key] === undefined ? undefined : { as: key, value: options[key] }))
    )
  )

const nestedName = (key: Key): string => `bellwether.${key}`

const lookUp = Effect.fnUntraced(function*(key: Key) {
  const provider = yield* ConfigProvider.ConfigProvider
  for (
    const [as, path] of Object.entries({
      [environmentName(key)]: [environmentName(key)],
      [nestedName(key)]: ["bellwether", key]
    })
  ) {
    const node = yield* Effect.mapError(provider.load(path), (error) =>
      new Setting.SettingRefused({
        setting: key,
        as,
        was: `not readable (${Setting.shown(error.message)})`,
        allowed: settings[key].allowed
      }))
    if (node?.value !== undefined) return { as, text: node.value }
  }
  return undefined
})

/**
 * What a `ConfigProvider` says: the settings that it gives, by key, and a line for people on each thing that it holds under
 * our name and that was passed over.
 *
 * @category models
 * @since 0.1.0
 */
export interface Configured {
  readonly given: ReadonlyMap<Key, Given>
  readonly passedOver: ReadonlyArray<string>
}

// Where one of these is misspelt the server would speak and hear without protection.
const guarded: ReadonlySet<Key> = new Set(["key", "keyFile", "keyMode"])

/**
 * What the current `ConfigProvider` says of the settings: `BELLWETHER_PORT` of an environment, `bellwether.port` of nested
 * data. Passed over is what is no setting, since a program that is rolled back must not end for a setting that it does not
 * have yet, and an address that Kubernetes has put in the place of a port. What is probably a misspelt key is refused.
 *
 * @category configuration
 * @since 0.1.0
 */
export const configured: Effect.Effect<Configured, Setting.SettingRefused> = Effect.gen(function*() {
  const given = new Map<Key, Given>()
  const passedOver: Array<string> = []
  for (const key of keys) {
    const found = yield* lookUp(key)
    if (found === undefined) continue
    if (Stray.isServiceLink(found.as, found.text)) {
      passedOver.push(
        `${found.as} is ${
          Setting.shown(found.text)
        }, which Kubernetes sets for a Service of that name, and was passed over: `
          + "enableServiceLinks: false in the pod keeps it away"
      )
    } else given.set(key, found)
  }
  const names = new Map(keys.map((key) => [key, environmentName(key)]))
  for (const { isNested, isText, meant, name } of yield* Stray.find(yield* ConfigProvider.ConfigProvider, names)) {
    const nearest = meant && (isNested ? nestedName(meant) : environmentName(meant))
    if (meant !== undefined && !isText) {
      return yield* new Setting.SettingRefused({
        setting: meant,
        as: name,
        was: "no text",
        allowed: `a text: ${settings[meant].allowed}`
      })
    }
    if (meant !== undefined && guarded.has(meant)) {
      return yield* new Setting.SettingRefused({
        setting: meant,
        as: Setting.shown(name),
        was: "no setting",
        allowed: `${nearest} is the nearest name, and without a key nothing would be sealed`
      })
    }
    passedOver.push(
      `${Setting.shown(name)} is no setting and was passed over${
        nearest === undefined ? "" : `; did you mean ${nearest}?`
      }`
    )
  }
  return { given, passedOver }
})

/**
 * The settings that the current `ConfigProvider` gives, which is the environment unless the app says otherwise, with
 * defaults for the rest. What was passed over is logged as warnings.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Effect.Effect<Settings, Setting.SettingRefused> = Effect.flatMap(
  configured,
  ({ given, passedOver }) =>
    Effect.andThen(
      Effect.forEach(passedOver, (line) => Effect.logWarning(line), { discard: true }),
      Effect.fromResult(read((key) => given.get(key)))
    )
)

/**
 * What all servers of the group must have the same for a majority lease; null where leadership is the bully's.
 *
 * @category conversions
 * @since 0.1.0
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
 * @category models
 * @since 0.1.0
 */
export type Timing = { readonly [K in keyof Profile.Times | "stopTimeout" | "stableAfter"]: number }

/**
 * The times of these settings, rounded to whole milliseconds.
 *
 * @category conversions
 * @since 0.1.0
 */
export const timing = (settings: Settings): Timing => {
  const millis = (key: keyof Timing) => Math.round(Duration.toMillis(settings[key]))
  return {
    heartbeatInterval: millis("heartbeatInterval"),
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
