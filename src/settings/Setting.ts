/**
 * One setting: its meaning, its default, and the schemas by which it is read from code and from text. The kinds of settings
 * there are (a number, a time, a list) are the constructors here; the settings themselves are in `SettingList`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Member from "../protocol/model/Member.ts"
import * as Name from "../protocol/model/Name.ts"
import * as DurationText from "./DurationText.ts"
import type { Profile } from "./Profile.ts"

/** The description of a setting. */
export interface About<A> {
  /** One phrase, for help. */
  readonly summary: string
  readonly default: (profile: Profile) => A
  /** The meaning of an empty default, such as `automatic`. */
  readonly unset?: string | undefined
  /** Its value is never shown, and it is no flag: flags are seen in lists of processes. */
  readonly isSecret?: boolean | undefined
}

/** One setting of type `A`, given in code as `I`. The errors of its schemas are not shown: `allowed` is. */
export interface Setting<out A, out I = A> extends About<A> {
  /** The allowed values, in one phrase. */
  readonly allowed: string
  /** The placeholder of the value in help, such as `port`. */
  readonly placeholder: string
  /** As code gives it. */
  readonly code: Schema.Codec<A, I>
  /** As a flag or the environment gives it, and as it is shown. */
  readonly text: Schema.Codec<A, string>
}

// Schemas

/** Reads by a function that gives none for a value that is not allowed. */
const parsed = <A, B, I>(
  from: Schema.Codec<B, I>,
  to: Schema.Codec<A>,
  parse: (input: B) => Option.Option<A>,
  format: (value: A) => B
): Schema.Codec<A, I> =>
  from.pipe(Schema.decodeTo(
    to,
    SchemaTransformation.transformEffect({
      decode: (input: B, options) =>
        Effect.mapError(
          Effect.fromOption(parse(input)),
          () => new SchemaIssue.InvalidValue(undefined, input, options)
        ),
      encode: (value: A) => Effect.succeed(format(value))
    })
  ))

const anything = <I>(): Schema.Codec<I> => Schema.declare((_: unknown): _ is I => true)

const commaSeparated: Schema.Codec<ReadonlyArray<string>, string> = parsed(
  Schema.String,
  Schema.Array(Schema.String),
  (text) => Option.some(text.trim() === "" ? [] : text.split(",").map((item) => item.trim())),
  (items) => items.join(",")
)

/** How one thing is written: as a text that is one of something else. */
export interface Form<A> {
  readonly is: Schema.Codec<A>
  readonly parse: (text: string) => Option.Option<A>
  readonly format: (value: A) => string
}

// Kinds of settings. If the default is none, `U` is undefined.

/**
 * A free text of 1 to `limit` bytes, counted as on the wire. Nothing is trimmed: it is refused if it looks like another.
 */
export const text = <U = never>(limit: number, about: About<string | U>): Setting<string | U, string> => {
  const schema = Schema.String.check(
    Schema.makeFilter((value) => value !== "" && Name.isPlain(value) && Member.jsonBytes(value) <= limit)
  )
  return {
    ...about,
    allowed: `1 to ${limit} bytes of text, ${Name.allowed}`,
    placeholder: "text",
    code: schema,
    text: schema
  }
}

/**
 * A value that is written as a text with a form of its own. In code it may be given as what it is, as its text, or as an
 * `I` that holds its text.
 */
export const form = <A, I = never, U = never>(
  allowed: string,
  placeholder: string,
  { format, is, parse }: Form<A>,
  about: About<A | U>,
  textIn: (input: A | I | string) => unknown = (input) => input
): Setting<A | U, A | I | string> => {
  const isValue = Schema.is(is)
  return {
    ...about,
    allowed,
    placeholder,
    code: parsed(
      anything<A | I | string>(),
      is,
      (input) => {
        const text = textIn(input)
        return isValue(input) ? Option.some(input) : typeof text === "string" ? parse(text) : Option.none()
      },
      (value) => value
    ),
    text: parsed(Schema.String, is, parse, format)
  }
}

const wholeText: Schema.Codec<number, string> = parsed(
  Schema.String,
  Schema.Finite,
  (text) => /^[+-]?\d{1,15}$/.test(text.trim()) ? Option.some(Number(text)) : Option.none(),
  String
)

/** A whole number in a range, both ends included. */
export const whole = <U = never>(
  [minimum, maximum]: readonly [number, number],
  placeholder: string,
  about: About<number | U>
): Setting<number | U, number> => {
  const schema = Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  return {
    ...about,
    allowed: `a whole number from ${minimum} to ${maximum}`,
    placeholder,
    code: schema,
    text: wholeText.pipe(Schema.decodeTo(schema))
  }
}

const lowerCase: Schema.Codec<string, string> = parsed(
  Schema.String,
  Schema.String,
  (text) => Option.some(text.trim().toLowerCase()),
  (word) => word
)

/** One of a few words. */
export const choice = <const A extends string>(choices: ReadonlyArray<A>, about: About<A>): Setting<A> => {
  const schema = Schema.Literals(choices)
  return {
    ...about,
    allowed: choices.join(", "),
    placeholder: choices.join("|"),
    code: schema,
    text: parsed(
      lowerCase,
      schema,
      (word) => Option.fromUndefinedOr(choices.find((choice) => choice === word)),
      (value) => value
    )
  }
}

const words = new Map([
  ["true", true],
  ["on", true],
  ["yes", true],
  ["1", true],
  ["false", false],
  ["off", false],
  ["no", false],
  ["0", false]
])

/** Yes or no. */
export const toggle = (about: About<boolean>): Setting<boolean> => ({
  ...about,
  allowed: "on or off (also true, yes, 1; false, no, 0)",
  placeholder: "on|off",
  code: Schema.Boolean,
  text: parsed(
    lowerCase,
    Schema.Boolean,
    (word) => Option.fromUndefinedOr(words.get(word)),
    (value) => value ? "on" : "off"
  )
})

const shareText: Schema.Codec<number, string> = parsed(
  Schema.String,
  Schema.Finite,
  (text) => {
    const [, amount, percent] = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(text.trim()) ?? []
    return amount === undefined ? Option.none() : Option.some(Number(amount) / (percent === "%" ? 100 : 1))
  },
  String
)

/** A share of one in a range, both ends included: `0.01` in code, `1%` or `0.01` as text. */
export const share = ([minimum, maximum]: readonly [number, number], about: About<number>): Setting<number> => {
  const schema = Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
  return {
    ...about,
    allowed: `a share from ${minimum * 100}% to ${maximum * 100}%, written as in 1% or 0.01`,
    placeholder: "share",
    code: schema,
    text: shareText.pipe(Schema.decodeTo(schema))
  }
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

const durationOf = (value: Duration.Input): Option.Option<Duration.Duration> =>
  // NaN is zero to a Duration.
  typeof value === "number" && Number.isNaN(value) || isMisspelt(value)
    ? Option.none()
    : Option.orElse(
      Duration.fromInput(value),
      () => typeof value === "string" ? DurationText.parse(value) : Option.none()
    )

/** A length of time in a range, both ends included. */
export const duration = <U = never>(
  [minimum, maximum]: readonly [Duration.Duration, Duration.Duration],
  about: About<Duration.Duration | U>
): Setting<Duration.Duration | U, Duration.Input> => {
  const schema = Schema.Duration.check(Schema.makeFilter(Duration.between({ minimum, maximum })))
  const [least, most] = [DurationText.format(minimum), DurationText.format(maximum)]
  return {
    ...about,
    allowed: `a duration from ${least} to ${most}, written as in 500ms, 10s, 2m`,
    placeholder: "duration",
    code: parsed(anything<Duration.Input>(), schema, durationOf, (value) => value),
    text: parsed(Schema.String, schema, DurationText.parse, DurationText.format)
  }
}

/** Several of one form, as text with commas between them. An empty text is an empty list. */
export const list = <A>(
  limit: number,
  allowed: string,
  placeholder: string,
  { format, is, parse }: Form<A>,
  about: About<ReadonlyArray<A>>
): Setting<ReadonlyArray<A>, ReadonlyArray<A | string>> => {
  const item = parsed(Schema.String, is, parse, format)
  const isShort = Schema.isMaxLength(limit)
  return {
    ...about,
    allowed: `at most ${limit} ${allowed}`,
    placeholder,
    code: Schema.Array(Schema.Union([is, item])).check(isShort),
    text: commaSeparated.pipe(Schema.decodeTo(Schema.Array(item).check(isShort)))
  }
}

const pairsText: Schema.Codec<Readonly<Record<string, string>>, string> = parsed(
  commaSeparated,
  Schema.Record(Schema.String, Schema.String),
  (items) => {
    const entries = items.map((pair): readonly [string, string] => {
      const at = pair.indexOf("=")
      return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()]
    })
    return new Set(entries.map(([key]) => key)).size === entries.length
      ? Option.some(Object.fromEntries(entries))
      : Option.none()
  },
  (pairs) => Object.entries(pairs).map((pair) => pair.join("="))
)

/** Texts by name, as text `key=value,key=value`, in `limit` bytes of JSON. An empty text is none. */
export const pairs = (
  limit: number,
  about: About<Readonly<Record<string, string>>>
): Setting<Readonly<Record<string, string>>> => {
  const schema = Schema.Record(Schema.String, Schema.String).check(
    Schema.makeFilter((value) =>
      Object.entries(value).every(([key, text]) => key !== "" && Name.isPlain(key) && Name.isPlain(text))
      && Member.jsonBytes(value) <= limit
    )
  )
  return {
    ...about,
    allowed: `key=value,key=value, each key once, together at most ${limit} bytes of JSON; in each ${Name.allowed}`,
    placeholder: "key=value,...",
    code: schema,
    text: pairsText.pipe(Schema.decodeTo(schema))
  }
}
