/** The flags, made from the one list of settings. */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Election from "../protocol/model/Election.ts"
import * as DurationText from "../settings/DurationText.ts"
import * as Setting from "../settings/Setting.ts"
import * as Settings from "../settings/Settings.ts"
import * as Backend from "./backend.ts"
import * as EtcdFlags from "./etcd/flags.ts"
import * as Log from "./log.ts"

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

/** Which backend keeps the group. */
export const backend = flagOf(
  "backend",
  Backend.setting,
  `${Backend.setting.summary} (default: ${Backend.setting.default("standard")}; environment: ${Backend.environment})`
)

/** Flags for these settings of etcd. */
export const etcdFlagsOf = <const K extends EtcdFlags.Key>(
  keys: ReadonlyArray<K>
): { readonly [P in K]: Flag.Flag<NonNullable<EtcdFlags.Flags[P]>> } =>
  Object.fromEntries(keys.map((key) => {
    const setting: Setting.Setting<unknown, unknown> = EtcdFlags.settings[key]
    const otherwise = Schema.encodeSync(Schema.UndefinedOr(setting.text))(setting.default("standard")) || "none"
    return [
      key,
      flagOf(
        EtcdFlags.flagName(key).slice(2),
        setting,
        `with etcd: ${setting.summary} (default: ${otherwise}; environment: ${EtcdFlags.environmentName(key)})`
      )
    ]
  })) as never

/** What a question to etcd needs to know. */
export const etcdAskingKeys = ["endpoints", "username", "prefix", "caFile", "certFile", "keyFile"] as const

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
export const clientKeys = [...askingKeys, "profile", "heartbeatInterval", "maxMessageBytes", "name"] as const

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

const memberAllowed = "the name, the id or its beginning, or the address of a member"

/** A flag that names a member, which must be given. */
const memberFlag = (name: string, description: string): Flag.Flag<string> =>
  Flag.String(name).pipe(Flag.withMetavar("member"), Flag.withDescription(`${description}: ${memberAllowed}`))

export const at = memberFlag("at", "the server that is to do it")

export const to = memberFlag("to", "who is to lead")

const electionAllowed = "the name of an election, 1 to 32 bytes of text"

export const election = Flag.String("election").pipe(
  Flag.withSchema(Schema.String.check(Schema.makeFilter(Election.isName, { expected: electionAllowed }))),
  Flag.withMetavar("name"),
  Flag.withDescription("the named leadership that it is about (default: that of the group)"),
  Flag.withDefault("")
)

const forSetting = Setting.duration([Duration.millis(1), Duration.hours(24)], {
  summary: "for how long it does not lead, also if nobody else does",
  default: () => Duration.minutes(1)
})

export const forTime: Flag.Flag<Duration.Duration> = Flag.String("for").pipe(
  Flag.withSchema(forSetting.text),
  Flag.withMetavar("duration"),
  Flag.withDescription(forSetting.summary)
)

export const json = Flag.Boolean("json").pipe(Flag.withoutNegation, Flag.withDefault(false))

export const thisHost = Flag.Boolean("this-host").pipe(
  Flag.withoutNegation,
  Flag.withDefault(false),
  Flag.withDescription(
    "ask the server of this host alone, regardless of what others would answer: the one at unicastPort where that is set, else any of the group"
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

export const logFormat = flagOf("log-format", Log.format, `${Log.format.summary} (default: no log of events)`)

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

/** By the bounds of `servers`, which may be fewer. */
const votersSetting = Setting.whole([1, 20], "count", {
  summary: "how many of the servers vote, with leadership lease; the others come and go without a vote",
  default: () => 20
})

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
  voters: flagOf("voters", votersSetting, `${votersSetting.summary} (default: all)`),
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
  ["--backend", Backend.setting.allowed],
  ...EtcdFlags.keys.map((key) => [EtcdFlags.flagName(key), EtcdFlags.settings[key].allowed] as const),
  ["--timeout", timeoutSetting.allowed],
  ["--watch", watchSetting.allowed],
  ["--log-format", Log.format.allowed],
  ["--voters", votersSetting.allowed],
  ...Object.entries(runSettings).map(([name, { allowed }]) => [`--${name}`, allowed] as const),
  ["--url", urlAllowed],
  ["--at", memberAllowed],
  ["--to", memberAllowed],
  ["--election", electionAllowed],
  ["--for", forSetting.allowed],
  ["--until-failure", "no value, or true or false after ="],
  ["--this-host", "no value, or true or false after ="],
  ["--json", "no value, or true or false after ="]
])
