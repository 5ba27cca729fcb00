/**
 * The one way in which a value is refused, from any source, and how a value is shown where it is.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Name from "../protocol/model/Name.ts"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import * as DurationText from "./DurationText.ts"

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
 * A value that is refused, for people: on one line and not too long, with the first character, if any, that nobody sees.
 *
 * @internal
 */
export const shown = (value: unknown): string => {
  // Before it is cut: half of a key is no longer recognised as one.
  const text = KeyRing.hidden(
    typeof value === "string" ? value : Duration.isDuration(value) ? DurationText.format(value) : json(value)
  )
  const unseen = Name.firstUnseen(text)
  const start = unseen > 60 ? Math.max(0, Math.min(unseen - 30, text.length - 77)) : 0
  const end = text.length - start > 80 ? start + 77 : text.length
  const short = `${start > 0 ? "..." : ""}${text.slice(start, end)}${end < text.length ? "..." : ""}`
  if (typeof value !== "string") return Name.escaped(short)
  return /^[\w.:/%+-]+$/.test(short) ? short : Name.quoted(short)
}

/**
 * Shown in place of the value of a secret.
 *
 * @internal
 */
export const notShown = "a value that is not shown here"

// internal

const json = (value: unknown): string => {
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value)
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    return Object.prototype.toString.call(value)
  }
}
