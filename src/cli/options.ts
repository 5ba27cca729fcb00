/**
 * The flags, made from the one list of settings, and the settings from flags, the environment and defaults.
 */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Keys from "../group/Keys.ts"
import * as KeyRing from "../protocol/KeyRing.ts"
import * as Name from "../protocol/Name.ts"
import * as Setting from "../settings/Setting.ts"
import * as Settings from "../settings/Settings.ts"
import { absent } from "../transport/interfaces/Choice.ts"
import { Interfaces } from "../transport/interfaces/Interfaces.ts"
import { familyOf } from "../transport/interfaces/SystemInterface.ts"
import * as Output from "./output.ts"

/** What a command was given for some settings. */
export type Given = { readonly [K in Settings.Key]?: Option.Option<string> }

/**
 * Flags for these settings. They are plain texts to the parser: `Settings` reads them, so that a value is refused in one
 * way wherever it came from.
 */
export const flagsOf = <const K extends Settings.Key>(
  keys: ReadonlyArray<K>
): { readonly [P in K]: Flag.Flag<Option.Option<string>> } =>
  Object.fromEntries(keys.map((key) => {
    const { placeholder, summary } = Settings.settings[key]
    return [
      key,
      Flag.String(Settings.flagName(key).slice(2)).pipe(
        Flag.withMetavar(placeholder),
        Flag.withDescription(
          `${summary} (default: ${Settings.defaultText(key)}; environment: ${Settings.environmentName(key)})`
        ),
        Flag.optional
      )
    ]
  })) as never

/** What a question to a group needs to know. */
export const networkKeys = ["group", "keyFile", "keyMode", "multicastAddress", "port", "ttl", "interfaces"] as const

/** What who asks needs to know besides, where no multicast gets through. */
export const askingKeys = [...networkKeys, "multicast", "seeds", "networks"] as const

/** What an examination needs to know besides. */
export const examinedKeys = [
  ...networkKeys,
  "multicast",
  "seeds",
  "networks",
  "unicastPort",
  "profile",
  "heartbeatInterval",
  "memberTimeout"
] as const

/** What a client needs to know besides: its name, and how often it shows that it lives. */
export const clientKeys = [...askingKeys, "profile", "heartbeatInterval", "name"] as const

export const json = Flag.Boolean("json").pipe(Flag.withoutNegation, Flag.withDefault(false))

export const thisHost = Flag.Boolean("this-host").pipe(
  Flag.withoutNegation,
  Flag.withDefault(false),
  Flag.withDescription(
    "ask the server of this host alone, whatever others would answer: the one at unicastPort where that is set, else any of the group"
  )
)

const timeoutSetting = Setting.duration([Duration.millis(1), Duration.hours(1)], {
  summary: "",
  default: () => Duration.seconds(2)
})

const asked = <A, I>(
  name: string,
  setting: Pick<Setting.Setting<A, I>, "allowed" | "fromText">,
  given: Option.Option<string>
): Effect.Effect<Option.Option<A>, Setting.SettingRefused> =>
  Option.match(given, {
    onNone: () => Effect.succeedNone,
    onSome: (text) =>
      Effect.mapBoth(Effect.fromOption(setting.fromText(text)), {
        onFailure: () =>
          new Setting.SettingRefused({
            setting: name,
            as: `--${name}`,
            was: Name.quoted(KeyRing.hidden(text)),
            allowed: setting.allowed
          }),
        onSuccess: Option.some
      })
  })

/** A time-out, and what it is unless it is given. */
export const timeout = (summary: string, otherwise: Duration.Duration) => ({
  flag: Flag.String("timeout").pipe(
    Flag.withMetavar(timeoutSetting.placeholder),
    Flag.withDescription(`${summary} (default: ${Setting.formatDuration(otherwise)})`),
    Flag.optional
  ),
  of: (given: Option.Option<string>): Effect.Effect<Duration.Duration, Setting.SettingRefused> =>
    Effect.map(asked("timeout", timeoutSetting, given), Option.getOrElse(() => otherwise))
})

const watchSetting = Setting.duration([Duration.seconds(1), Duration.days(1)], {
  summary: "go on for this long, and say what changes",
  default: () => Duration.minutes(10)
})

export const watch = Flag.String("watch").pipe(
  Flag.withMetavar(watchSetting.placeholder),
  Flag.withDescription(`${watchSetting.summary}, for what only shows with time (such as --watch 10m)`),
  Flag.optional
)

export const listen = Flag.String("timeout").pipe(
  Flag.withMetavar(timeoutSetting.placeholder),
  Flag.withDescription("how long to listen (default: one or two heartbeats, or until all is known)"),
  Flag.optional
)

/** What a run of the simulator is made of, besides settings. */
const runSettings = {
  servers: Setting.whole([1, 20], "count", {
    summary: "how many servers",
    default: () => 5
  }),
  seed: Setting.whole([0, 999_999_999_999], "number", {
    summary: "what decides the run",
    default: () => 1
  }),
  minutes: Setting.whole([1, 100_000], "count", {
    summary: "how long a run is, in minutes of simulated time",
    default: () => 60
  }),
  faults: Setting.choice(["none", "mild", "harsh", "wild"], {
    summary: "how bad it gets",
    default: () => "harsh"
  }),
  runs: Setting.whole([1, 10_000_000], "count", {
    summary: "how many runs, each with the next seed",
    default: () => 1
  })
} as const

const runFlag = (name: keyof typeof runSettings) => {
  const { default: otherwise, placeholder, summary } = runSettings[name]
  return Flag.String(name).pipe(
    Flag.withMetavar(placeholder),
    Flag.withDescription(`${summary} (default: ${otherwise("standard")})`),
    Flag.optional
  )
}

/** Flags for those of {@link runOf}. */
export const runFlags = {
  servers: runFlag("servers"),
  seed: runFlag("seed"),
  minutes: runFlag("minutes"),
  faults: runFlag("faults"),
  runs: runFlag("runs")
}

/** Which settings have a part in a simulated run. What else there is concerns real networks and hosts. */
export const simulatedKeys = [
  "profile",
  "heartbeatInterval",
  "cleanupInterval",
  "memberTimeout",
  "probeTimeout",
  "discoveryWindow",
  "electionStagger",
  "okTimeout",
  "coordinatorTimeout",
  "preempt",
  "minimumMembers",
  "stopTimeout",
  "leadership",
  "groupSize",
  "leaseDuration",
  "clockDrift"
] as const satisfies ReadonlyArray<Settings.Key>

/** A run of the simulator as it was asked for. */
export const runOf = Effect.fnUntraced(
  function*(given: { readonly [K in keyof typeof runSettings]: Option.Option<string> }) {
    const { faults, minutes, runs, seed, servers } = runSettings
    const or = <A>(name: keyof typeof runSettings, setting: Setting.Setting<A>) =>
      Effect.map(asked(name, setting, given[name]), Option.getOrElse(() => setting.default("standard")))
    return {
      servers: yield* or("servers", servers),
      seed: yield* or("seed", seed),
      minutes: yield* or("minutes", minutes),
      faults: yield* or("faults", faults),
      runs: yield* or("runs", runs)
    }
  }
)

/** Every flag that takes a part in some command, and what is allowed for it. */
export const allowed: ReadonlyMap<string, string> = new Map([
  ...Settings.flagKeys.map((key) => [Settings.flagName(key), Settings.settings[key].allowed] as const),
  ["--timeout", timeoutSetting.allowed],
  ["--watch", watchSetting.allowed],
  ...Object.entries(runSettings).map(([name, { allowed }]) => [`--${name}`, allowed] as const),
  ["--until-failure", "no value, or true or false after ="],
  ["--this-host", "no value, or true or false after ="],
  ["--json", "no value, or true or false after ="]
])

/** The time-out that was asked for, if any. */
export const listenOf = (given: Option.Option<string>) => asked("timeout", timeoutSetting, given)

/** For how long to watch, if that was asked for. */
export const watchOf = (given: Option.Option<string>) => asked("watch", watchSetting, given)

/** The settings: a flag before the environment before the default. No socket is opened. */
export const resolve = Effect.fnUntraced(function*(flags: Given) {
  const given = yield* givenBy(flags)
  const settings = yield* read(given)
  const { scan } = yield* Interfaces
  // What the system does not tell is judged by whoever opens a socket there.
  const system = yield* Effect.option(scan)
  if (Option.isNone(system)) return settings
  const families = settings.multicastAddress.split(",").map(familyOf)
  const [missing] = absent({ system: system.value, named: settings.interfaces, families })
  if (missing === undefined) return settings
  const fitting = system.value.addresses.filter(({ address }) => families.includes(familyOf(address)))
  return yield* new Setting.SettingRefused({
    setting: "interfaces",
    as: given.get("interfaces")?.as ?? "interfaces",
    was: Name.quoted(missing),
    allowed: `one that is up: ${fitting.map(({ address, name }) => `${name} (${address})`).join(", ")}`
  })
})

/** The same for a command that stays until it is stopped: an interface that is named and not there may come. */
export const resolveToStay = (flags: Given) => Effect.flatMap(givenBy(flags), read)

const givenBy = Effect.fnUntraced(function*(flags: Given) {
  const configured = yield* Settings.configured
  yield* Effect.forEach(configured.passedOver, Output.complain, { discard: true })
  const given = new Map(configured.given)
  for (const key of Settings.keys) {
    const flag = flags[key]
    if (flag !== undefined && Option.isSome(flag)) given.set(key, { as: Settings.flagName(key), text: flag.value })
  }
  return given
})

const read = Effect.fnUntraced(function*(given: Settings.Configured["given"]) {
  const settings = yield* Effect.fromResult(Settings.read((key) => given.get(key)))
  // Read here already, to be refused by the name under which it was given.
  yield* Effect.mapError(
    Keys.ring(settings),
    ({ allowed, as, setting, was }) =>
      new Setting.SettingRefused({ setting, as: given.get("keyFile")?.as ?? as, was, allowed })
  )
  return settings
})
