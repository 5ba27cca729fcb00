/** The flags, made from the one list of settings, and the settings from flags, the environment and defaults. */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Name from "../protocol/model/Name.ts"
import * as Keys from "../server/Keys.ts"
import * as Configured from "../settings/Configured.ts"
import * as DurationText from "../settings/DurationText.ts"
import type * as Reading from "../settings/Reading.ts"
import * as Setting from "../settings/Setting.ts"
import { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as Token from "../status/http/Token.ts"
import { absent } from "../transport/interfaces/Choice.ts"
import { Interfaces } from "../transport/interfaces/Interfaces.ts"
import { familyOf } from "../transport/interfaces/SystemInterface.ts"
import * as Output from "./output.ts"

/** What a command was given for some settings. */
export type Given = { readonly [K in Settings.Key]?: Option.Option<Settings.Settings[K]> }

/** A flag that is read by the schema of a setting. */
const flagOf = <A>(
  name: string,
  { placeholder, text }: Pick<Setting.Setting<A, unknown>, "placeholder" | "text">,
  description: string
): Flag.Flag<Option.Option<A>> =>
  Flag.String(name).pipe(
    Flag.withSchema(text),
    Flag.withMetavar(placeholder),
    Flag.withDescription(description),
    Flag.optional
  )

/** Flags for these settings. */
export const flagsOf = <const K extends Settings.Key>(
  keys: ReadonlyArray<K>
): { readonly [P in K]: Flag.Flag<Option.Option<Settings.Settings[P]>> } =>
  Object.fromEntries(keys.map((key) => {
    const setting: Setting.Setting<unknown, unknown> = Settings.settings[key]
    const description = `${setting.summary} (default: ${Settings.defaultText(key)}; environment: ${
      Settings.environmentName(key)
    })`
    return [key, flagOf(Settings.flagName(key).slice(2), setting, description)]
  })) as never

/** The word by which the program becomes one of the servers of a demo. It is no command of a person's. */
export const demoServer = "demo-server"

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
  "leaderInterval",
  "memberTimeout"
] as const

/** What a client needs to know besides: its name, and how often it shows that it lives. */
export const clientKeys = [...askingKeys, "profile", "heartbeatInterval", "name"] as const

/** What a watcher needs to know: how to reach a group, and the token for an address that is asked instead. */
export const watchingKeys = [...askingKeys, "httpTokenFile"] as const

const isHttp = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

const urlAllowed = "the address of a server's page, such as http://127.0.0.1:7780"

/** The address of a server's HTTP API. */
export const url = Flag.String("url").pipe(
  Flag.withSchema(Schema.String.check(Schema.makeFilter(isHttp, { expected: urlAllowed }))),
  Flag.withMetavar("address"),
  Flag.withDescription(
    "watch by the HTTP API of a server instead of over the network, such as --url http://127.0.0.1:7780"
  ),
  Flag.optional
)

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

/** A time-out, and what it is unless it is given. */
export const timeout = (summary: string, otherwise: Duration.Duration): Flag.Flag<Duration.Duration> =>
  Flag.map(
    flagOf("timeout", timeoutSetting, `${summary} (default: ${DurationText.format(otherwise)})`),
    Option.getOrElse(() => otherwise)
  )

const logFormatSetting = Setting.choice(["pretty", "json", "logfmt"], {
  summary: "log events on standard error, a line each, instead of showing them on standard output",
  default: () => "pretty"
})

export const logFormat = flagOf(
  "log-format",
  logFormatSetting,
  `${logFormatSetting.summary} (default: no log of events)`
)

const watchSetting = Setting.duration([Duration.seconds(1), Duration.days(1)], {
  summary: "go on for this long, and say what changes",
  default: () => Duration.minutes(10)
})

export const watch = flagOf(
  "watch",
  watchSetting,
  `${watchSetting.summary}, for what only shows with time (such as --watch 10m)`
)

export const listen = flagOf(
  "timeout",
  timeoutSetting,
  "how long to listen (default: one or two heartbeats, or until all is known)"
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

const runFlag = <A extends number | string>(
  name: keyof typeof runSettings,
  setting: Setting.Setting<A>
): Flag.Flag<A> => {
  const otherwise = setting.default("standard")
  return Flag.map(
    flagOf(name, setting, `${setting.summary} (default: ${otherwise})`),
    Option.getOrElse(() => otherwise)
  )
}

/** A run of the simulator as it is asked for. */
export const runFlags = {
  servers: runFlag("servers", runSettings.servers),
  seed: runFlag("seed", runSettings.seed),
  minutes: runFlag("minutes", runSettings.minutes),
  faults: runFlag("faults", runSettings.faults),
  runs: runFlag("runs", runSettings.runs)
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

/** Every flag that takes a part in some command, and what is allowed for it. */
export const allowed: ReadonlyMap<string, string> = new Map([
  ...Settings.flagKeys.map((key) => [Settings.flagName(key), Settings.settings[key].allowed] as const),
  ["--timeout", timeoutSetting.allowed],
  ["--watch", watchSetting.allowed],
  ["--log-format", logFormatSetting.allowed],
  ...Object.entries(runSettings).map(([name, { allowed }]) => [`--${name}`, allowed] as const),
  ["--url", urlAllowed],
  ["--until-failure", "no value, or true or false after ="],
  ["--this-host", "no value, or true or false after ="],
  ["--json", "no value, or true or false after ="]
])

/** The settings: a flag before the environment before the default. No socket is opened. */
export const resolve = (flags: Given) => Effect.flatMap(givenBy(flags), resolved)

const resolved = Effect.fnUntraced(function*(given: Configured.Configured["given"]) {
  const settings = yield* read(given)
  const { scan } = yield* Interfaces
  // What the system does not tell is judged by whoever opens a socket there.
  const system = yield* Effect.option(scan)
  if (Option.isNone(system)) return settings
  const families = settings.multicastAddress.map(({ family }) => family)
  const [missing] = absent({ system: system.value, named: settings.interfaces, families })
  if (missing === undefined) return settings
  const fitting = system.value.addresses.filter(({ address }) => families.includes(familyOf(address)))
  return yield* new SettingRefused({
    setting: "interfaces",
    as: given.get("interfaces")?.as ?? "interfaces",
    was: Name.quoted(missing),
    allowed: `one that is up: ${fitting.map(({ address, name }) => `${name} (${address})`).join(", ")}`
  })
})

/** The same with the token that they name, if any. */
export const resolveToWatch = Effect.fnUntraced(function*(flags: Given) {
  const given = yield* givenBy(flags)
  const settings = yield* resolved(given)
  return { settings, token: yield* Effect.mapError(Token.named(settings), asGiven(given)) }
})

/** The same for a command that stays until it is stopped: an interface that is named and not there may come. */
export const resolveToStay = (flags: Given) => Effect.flatMap(givenBy(flags), read)

/** The same for a server, with the token of its page, if any. */
export const resolveToServe = Effect.fnUntraced(function*(flags: Given) {
  const given = yield* givenBy(flags)
  const settings = yield* read(given)
  const token = yield* Effect.mapError(Token.read(settings), asGiven(given))
  return { settings, token }
})

/** A refusal by the name under which the setting was given. */
const asGiven = (given: Configured.Configured["given"]) => (refused: SettingRefused) => {
  const key = Settings.keys.find((key) => key === refused.setting)
  const { allowed, as, setting, was } = refused
  return new SettingRefused({ setting, as: (key === undefined ? undefined : given.get(key)?.as) ?? as, was, allowed })
}

const givenBy = Effect.fnUntraced(function*(flags: Given) {
  const configured = yield* Configured.fromProvider
  yield* Effect.forEach(configured.passedOver, Output.complain, { discard: true })
  const given = new Map<Settings.Key, Reading.Given>(configured.given)
  for (const key of Settings.keys) {
    const flag = flags[key]
    if (flag?._tag === "Some") given.set(key, { as: Settings.flagName(key), value: flag.value })
  }
  return given
})

const read = Effect.fnUntraced(function*(given: Configured.Configured["given"]) {
  const settings = yield* Effect.fromResult(Settings.read((key) => given.get(key)))
  // Read here already, to be refused by the name under which it was given.
  yield* Effect.mapError(Keys.ring(settings), asGiven(given))
  return settings
})
