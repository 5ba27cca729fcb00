/** The log on standard error, in the form that was asked for: one line each. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Setting from "../settings/Setting.ts"
import * as Text from "../status/Text.ts"

/** For people, as JSON objects, or as pairs of names and values. */
export type Format = "pretty" | "json" | "logfmt"

/** How the form is asked for. */
export const format = Setting.choice<Format>(["pretty", "json", "logfmt"], {
  summary: "log events on standard error, a line each, instead of showing them on standard output",
  default: () => "pretty"
})

const texts = (message: unknown): string =>
  (Array.isArray(message) ? message : [message])
    .map((part) => typeof part === "string" ? part : Cause.isCause(part) ? Cause.pretty(part) : JSON.stringify(part))
    .join(" ")

/** Effect's own for people has a line for each annotation. */
const pretty = Logger.make(({ cause, date, fiber, logLevel, message }) => {
  const about = Object.entries(fiber.getRef(References.CurrentLogAnnotations)).map(([key, value]) =>
    `${key}=${String(value)}`
  )
  const why = Cause.hasFails(cause) || Cause.hasDies(cause) ? `: ${Cause.pretty(cause)}` : ""
  const line = `${texts(message)}${why}`.replaceAll(/\s*\n\s*/g, " | ")
  return `${Text.timestamp(date.getTime())} ${logLevel.toUpperCase().padEnd(5)} ${Text.clean(line)}  (${
    about.join(" ")
  })`
})

const loggers = {
  pretty: Logger.withConsoleError(pretty),
  json: Logger.withConsoleError(Logger.formatJson),
  logfmt: Logger.withConsoleError(Logger.formatLogFmt)
} satisfies Readonly<Record<Format, Logger.Logger<unknown, void>>>

/** Runs with the log in that form; as it is where none was asked for. */
export const formatted = (format: Format | null) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  format === null ? effect : Effect.provide(effect, Logger.layer([loggers[format]]))
