/** Lengths of time as people write them: `500ms`, `10s`, `2m`. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

const units: ReadonlyArray<readonly [RegExp, millis: number]> = [
  [/^(ms|milli(second)?s?)$/, 1],
  [/^(s|secs?|seconds?)$/, 1000],
  [/^(m|mins?|minutes?)$/, 60_000],
  [/^(h|hours?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000]
]

/** A length of time as people write it: `500ms`, `500 millis`, `10s`, `1.5 seconds`, `2m`, `1 hour`; `0` needs no unit. */
export const parse = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit = ""] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)$/.exec(text.trim().toLowerCase()) ?? []
  if (amount === undefined) return Option.none()
  if (unit === "" && Number(amount) === 0) return Option.some(Duration.zero)
  const millis = units.find(([names]) => names.test(unit))?.[1]
  return millis === undefined
    ? Option.none()
    : Option.some(Duration.millis(Math.round(Number(amount) * millis * 1e6) / 1e6))
}

/** A length of time in its largest fitting unit, in a form that `parse` reads: `500ms`, `1.6s`, `2m`, `1h`. */
export const format = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  if (!Number.isFinite(millis) || millis === 0) return String(millis)
  if (millis % 3_600_000 === 0) return `${millis / 3_600_000}h`
  if (millis % 60_000 === 0) return `${millis / 60_000}m`
  return Math.abs(millis) >= 1000 ? `${millis / 1000}s` : `${millis}ms`
}
