/** Text for terminals and logs: text from the network is made harmless, and times are as a person reads them. */
import * as DateTime from "effect/DateTime"

/** Replaces what could move a cursor, hide or reorder text, or end a line: names and tags are what others chose. */
export const clean = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD")

/**
 * A length of time in ms as a person reads it at a glance: `850ms`, `12s`, `3m12s`, `2h05m`, `4d03h`. A negative one,
 * which two clocks that differ bring about, is `0s`.
 */
export const age = (millis: number): string => {
  if (millis < 0) return "0s"
  if (millis < 1000) return millis < 1 ? "0s" : `${Math.floor(millis)}ms`
  const seconds = Math.floor(millis / 1000)
  const two = (value: number) => String(value).padStart(2, "0")
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor((seconds % 86_400) / 3600))}h`
}

/** A moment in Unix ms by the clock on the wall, `14:03:09`, in the system's time zone unless another is named. */
export const clock = (at: number, timeZone?: string): string => {
  const format = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZone
  })
  return format.format(at)
}

/** A moment in Unix ms for a log: `2026-03-01T14:03:09.120Z`. */
export const timestamp = (at: number): string => DateTime.formatIso(DateTime.makeUnsafe(at))
