/**
 * One setting: what it means, what is allowed, its default, and how it is read from code and from text. The kinds of
 * settings there are (a number, a time, a list) are the constructors here; the settings themselves are in `Settings`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Ip from "../protocol/Ip.ts"
import * as KeyRing from "../protocol/KeyRing.ts"
import * as Member from "../protocol/Member.ts"
import * as Name from "../protocol/Name.ts"
import * as Networks from "../transport/Networks.ts"
import type { Profile } from "./Profile.ts"

/**
 * A setting has a value that is not allowed. Nothing was opened yet. The caller's to mend: the message is one line that
 * says which setting, its value, and what is allowed. Programs exit with 2.
 *
 * @category errors
 * @since 0.1.0
 */
export class SettingRefused extends Schema.TaggedError<SettingRefused>()("SettingRefused", {
  /** The setting by its key, such as `port`. */
  setting: Schema.String,
  /** As it was set: `port` in code, `BELLWETHER_PORT` in the environment, `--port` as a flag. */
  as: Schema.String,
  was: Schema.String,
  allowed: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `${this.as} is ${this.was}; allowed: ${this.allowed}`
  }
}

/**
 * What a setting says about itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface About<A> {
  /** One phrase, for help. */
  readonly summary: string
  readonly default: (profile: Profile) => A
  /** What an empty default means to people, such as `automatic`. */
  readonly unset?: string | undefined
  /** Its value is never shown, and it is no flag: flags are seen in lists of processes. */
  readonly isSecret?: boolean | undefined
}

/**
 * A value that is refused, for people: on one line and not too long, with the first character, if any, that nobody sees.
 *
 * @category conversions
 * @since 0.1.0
 */
export const shown = (value: unknown): string => {
  // Before it is cut: half of a key is no longer known for what it is.
  const text = KeyRing.hidden(
    typeof value === "string" ? value : Duration.isDuration(value) ? formatDuration(value) : json(value)
  )
  const unseen = Name.firstUnseen(text)
  const start = unseen > 60 ? Math.max(0, Math.min(unseen - 30, text.length - 77)) : 0
  const end = text.length - start > 80 ? start + 77 : text.length
  const short = `${start > 0 ? "..." : ""}${text.slice(start, end)}${end < text.length ? "..." : ""}`
  if (typeof value !== "string") return Name.escaped(short)
  return /^[\w.:/%+-]+$/.test(short) ? short : Name.quoted(short)
}

const json = (value: unknown): string => {
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value)
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/**
 * What stands for the value of a secret wherever one is told of.
 *
 * @category models
 * @since 0.1.0
 */
export const notShown = "a value that is not shown here"

/**
 * One setting of type `A`, given in code as `I`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Setting<out A, in I = A> extends About<A> {
  /** What is allowed, in one phrase. */
  readonly allowed: string
  /** What stands for the value in help, such as `port`. */
  readonly placeholder: string
  /** None where the value is not allowed, also where it is not of its type. */
  readonly fromInput: (input: I) => Option.Option<A>
  /** The same for a flag or the environment. */
  readonly fromText: (text: string) => Option.Option<A>
}

const when = <A>(value: A, holds: boolean): Option.Option<A> => holds ? Option.some(value) : Option.none()

/**
 * A free text of 1 to `limit` bytes, counted as on the wire. Nothing is trimmed: it is refused if it looks like another.
 *
 * @category constructors
 * @since 0.1.0
 */
export const text = <A extends string | undefined = string>(
  limit: number,
  about: About<A>
): Setting<A | string, string> => {
  const read = (value: string) =>
    when(value, typeof value === "string" && value !== "" && Name.isPlain(value) && Member.jsonBytes(value) <= limit)
  return {
    ...about,
    allowed: `1 to ${limit} bytes of text, ${Name.allowed}`,
    placeholder: "text",
    fromInput: read,
    fromText: read
  }
}

/**
 * A secret text with a form of its own. In code it may be given redacted or plain; here it is redacted.
 *
 * @category constructors
 * @since 0.1.0
 */
export const secret = (
  allowed: string,
  placeholder: string,
  holds: (text: string) => boolean,
  about: Omit<About<Redacted.Redacted | undefined>, "isSecret" | "default">
): Setting<Redacted.Redacted | undefined, Redacted.Redacted | string> => {
  const read = (value: unknown) => {
    const text = Redacted.isRedacted(value) ? Redacted.value(value) : value
    return typeof text === "string" && holds(text) ? Option.some(Redacted.make(text)) : Option.none()
  }
  return { ...about, isSecret: true, default: () => undefined, allowed, placeholder, fromInput: read, fromText: read }
}

/**
 * A text with a form of its own. `parse` gives it in the one spelling that it has here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const form = (
  allowed: string,
  placeholder: string,
  parse: (text: string) => Option.Option<string>,
  about: About<string>
): Setting<string> => {
  const read = (value: string) => typeof value === "string" ? parse(value) : Option.none()
  return { ...about, allowed, placeholder, fromInput: read, fromText: read }
}

/**
 * A whole number in a range, both ends included.
 *
 * @category constructors
 * @since 0.1.0
 */
export const whole = (
  [minimum, maximum]: readonly [number, number],
  placeholder: string,
  about: About<number>
): Setting<number> => {
  const read = (value: number) => when(value, Number.isInteger(value) && value >= minimum && value <= maximum)
  return {
    ...about,
    allowed: `a whole number from ${minimum} to ${maximum}`,
    placeholder,
    fromInput: read,
    fromText: (value) => /^[+-]?\d{1,15}$/.test(value.trim()) ? read(Number(value)) : Option.none()
  }
}

/**
 * One of a few words.
 *
 * @category constructors
 * @since 0.1.0
 */
export const choice = <const A extends string>(
  choices: ReadonlyArray<A>,
  about: About<A>
): Setting<A> => {
  const read = (value: string) => Option.fromUndefinedOr(choices.find((choice) => choice === value))
  return {
    ...about,
    allowed: choices.join(", "),
    placeholder: choices.join("|"),
    fromInput: read,
    fromText: (value) => read(value.trim().toLowerCase())
  }
}

const words: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  1: true,
  false: false,
  off: false,
  no: false,
  0: false
}

/**
 * Yes or no.
 *
 * @category constructors
 * @since 0.1.0
 */
export const toggle = (about: About<boolean>): Setting<boolean> => ({
  ...about,
  allowed: "on or off (also true, yes, 1; false, no, 0)",
  placeholder: "on|off",
  fromInput: (value) => when(value, typeof value === "boolean"),
  fromText: (value) => {
    const word = value.trim().toLowerCase()
    return Object.hasOwn(words, word) ? Option.fromUndefinedOr(words[word]) : Option.none()
  }
})

/**
 * A share of one in a range, both ends included: `0.01` in code, `1%` or `0.01` as text.
 *
 * @category constructors
 * @since 0.1.0
 */
export const share = ([minimum, maximum]: readonly [number, number], about: About<number>): Setting<number> => {
  const read = (value: number) => when(value, typeof value === "number" && value >= minimum && value <= maximum)
  return {
    ...about,
    allowed: `a share from ${minimum * 100}% to ${maximum * 100}%, written as in 1% or 0.01`,
    placeholder: "share",
    fromInput: read,
    fromText: (value) => {
      const [, amount, percent] = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(value.trim()) ?? []
      return amount === undefined ? Option.none() : read(Number(amount) / (percent === "%" ? 100 : 1))
    }
  }
}

/**
 * A setting that may be left out, and is then undefined. `unset` says to people what that means.
 *
 * @category combinators
 * @since 0.1.0
 */
export const optional = <A, I>(setting: Setting<A, I>, unset: string): Setting<A | undefined, I> => ({
  ...setting,
  unset,
  default: () => undefined
})

const units: ReadonlyArray<readonly [RegExp, millis: number]> = [
  [/^(ms|milli(second)?s?)$/, 1],
  [/^(s|secs?|seconds?)$/, 1000],
  [/^(m|mins?|minutes?)$/, 60_000],
  [/^(h|hours?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000]
]

/**
 * A length of time as people write it: `500ms`, `500 millis`, `10s`, `1.5 seconds`, `2m`, `1 hour`; `0` needs no unit.
 *
 * @category conversions
 * @since 0.1.0
 */
export const parseDuration = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit = ""] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)$/.exec(text.trim().toLowerCase()) ?? []
  if (amount === undefined) return Option.none()
  if (unit === "" && Number(amount) === 0) return Option.some(Duration.zero)
  const millis = units.find(([names]) => names.test(unit))?.[1]
  return millis === undefined
    ? Option.none()
    : Option.some(Duration.millis(Math.round(Number(amount) * millis * 1e6) / 1e6))
}

/**
 * A length of time in its largest fitting unit, in a form that `parseDuration` reads: `500ms`, `1.6s`, `2m`, `1h`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const formatDuration = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  if (!Number.isFinite(millis) || millis === 0) return String(millis)
  if (millis % 3_600_000 === 0) return `${millis / 3_600_000}h`
  if (millis % 60_000 === 0) return `${millis / 60_000}m`
  return Math.abs(millis) >= 1000 ? `${millis / 1000}s` : `${millis}ms`
}

const parts = new Set([
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds"
])

/** An object of a misspelt part, such as `{ second: 5 }`, or of none, is zero to a Duration. */
const isMisspelt = (value: Duration.Input): boolean =>
  typeof value === "object" && value !== null && !Duration.isDuration(value) && !Array.isArray(value)
  && (Object.keys(value).length === 0 || Object.keys(value).some((part) => !parts.has(part)))

/**
 * A length of time in a range, both ends included.
 *
 * @category constructors
 * @since 0.1.0
 */
export const duration = (
  [minimum, maximum]: readonly [Duration.Duration, Duration.Duration],
  about: About<Duration.Duration>
): Setting<Duration.Duration, Duration.Input> => {
  const within = Duration.between({ minimum, maximum })
  const read = (value: Duration.Input) => Option.filter(Duration.fromInput(value), within)
  return {
    ...about,
    allowed: `a duration from ${formatDuration(minimum)} to ${formatDuration(maximum)}, written as in 500ms, 10s, 2m`,
    placeholder: "duration",
    // NaN is zero to a Duration.
    fromInput: (value) =>
      typeof value === "number" && Number.isNaN(value) || isMisspelt(value)
        ? Option.none()
        : typeof value === "string"
        ? Option.orElse(read(value), () => Option.filter(parseDuration(value), within))
        : read(value),
    fromText: (value) => Option.filter(parseDuration(value), within)
  }
}

const aTime = duration([Duration.millis(1), Duration.infinity], { summary: "", default: () => Duration.infinity })

/**
 * How long to wait, of an option in code that is no setting: of 1 ms or more, without end too.
 *
 * @category conversions
 * @since 0.1.0
 */
export const waitOf = (
  as: string,
  given: Duration.Input | undefined,
  otherwise: Duration.Duration
): Effect.Effect<Duration.Duration, SettingRefused> =>
  given === undefined ? Effect.succeed(otherwise) : Effect.mapError(
    Effect.fromOption(aTime.fromInput(given)),
    () =>
      new SettingRefused({
        setting: as,
        as,
        was: shown(given),
        allowed: "a duration of 1ms or more, as in 500ms, 10s, 2m"
      })
  )

/**
 * Several words, as text with commas between them. An empty text is an empty list.
 *
 * @category constructors
 * @since 0.1.0
 */
export const list = (
  limit: number,
  placeholder: string,
  about: About<ReadonlyArray<string>>
): Setting<ReadonlyArray<string>> => {
  const read = (value: ReadonlyArray<string>) =>
    when(
      value,
      Array.isArray(value) && value.length <= limit &&
        value.every((item) => typeof item === "string" && /^[^\s,]{1,64}$/.test(item) && Name.isPlain(item))
    )
  return {
    ...about,
    allowed: `at most ${limit} names or addresses with commas between them, no quotes; empty for automatic`,
    placeholder,
    fromInput: read,
    fromText: (value) => read(value.trim() === "" ? [] : value.split(",").map((item) => item.trim()))
  }
}

/**
 * The parts of `host:port`, of `192.0.2.1:16984`, or of `[fe80::1%eth0]:16984`. None where it is neither of them, or the port
 * is none that something can be sent to.
 *
 * @category conversions
 * @since 0.1.0
 */
export const parseEndpoint = (text: string): Option.Option<{ readonly host: string; readonly port: number }> => {
  const found = /^(?:\[([0-9a-fA-F.:]{2,45}(?:%[\w.-]{1,15})?)\]|([\w.-]{1,253})):(\d{1,5})$/.exec(text)
  const port = Number(found?.[3] ?? 0)
  const host = found?.[1] === undefined ? found?.[2] : Ip.canonical(found[1])
  return host === undefined || port < 1 || port > 65_535 ? Option.none() : Option.some({ host, port })
}

/**
 * Several places to send to, as text `host:port,host:port`. An empty text is none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const endpoints = (limit: number, about: About<ReadonlyArray<string>>): Setting<ReadonlyArray<string>> => {
  const read = (value: ReadonlyArray<string>) =>
    when(
      value,
      Array.isArray(value) && value.length <= limit &&
        value.every((item) => typeof item === "string" && Option.isSome(parseEndpoint(item)))
    )
  return {
    ...about,
    allowed: `at most ${limit} of host:port with commas between them, IPv6 addresses as [address]:port; empty for none`,
    placeholder: "host:port,...",
    fromInput: read,
    fromText: (value) => read(value.trim() === "" ? [] : value.split(",").map((item) => item.trim()))
  }
}

/**
 * Several networks, as text `10.0.0.0/8,2001:db8::/32`. An empty text is none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const networks = (limit: number, about: About<ReadonlyArray<string>>): Setting<ReadonlyArray<string>> => {
  const { IPv4, IPv6 } = Networks.fewestBits
  const read = (value: ReadonlyArray<string>) =>
    when(
      value,
      Array.isArray(value) && value.length <= limit &&
        value.every((item) => typeof item === "string" && Option.isSome(Networks.parse(item)))
    )
  return {
    ...about,
    allowed:
      `at most ${limit} of address/bits with commas between them, of ${IPv4} to 32 bits, in IPv6 ${IPv6} to 128; `
      + "empty for none",
    placeholder: "address/bits,...",
    fromInput: read,
    fromText: (value) => read(value.trim() === "" ? [] : value.split(",").map((item) => item.trim()))
  }
}

/**
 * Texts by name, as text `key=value,key=value`, in `limit` bytes of JSON. An empty text is none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const pairs = (
  limit: number,
  about: About<Readonly<Record<string, string>>>
): Setting<Readonly<Record<string, string>>> => {
  const read = (value: Readonly<Record<string, string>>) =>
    when(
      value,
      typeof value === "object" && value !== null && !Array.isArray(value) &&
        Object.entries(value).every(([key, text]) =>
          key !== "" && Name.isPlain(key) && typeof text === "string" && Name.isPlain(text)
        ) &&
        Member.jsonBytes(value) <= limit
    )
  return {
    ...about,
    allowed: `key=value,key=value, each key once, together at most ${limit} bytes of JSON; in each ${Name.allowed}`,
    placeholder: "key=value,...",
    fromInput: read,
    fromText: (value) => {
      if (value.trim() === "") return Option.some({})
      const entries = value.split(",").map((pair): readonly [string, string] => {
        const at = pair.indexOf("=")
        return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()]
      })
      return new Set(entries.map(([key]) => key)).size === entries.length
        ? read(Object.fromEntries(entries))
        : Option.none()
    }
  }
}
