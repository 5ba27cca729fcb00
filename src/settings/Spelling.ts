/**
 * The known name that is nearest to a mistyped one, for the text of a refusal.
 */
import * as Effect from "effect/Effect"
import { SettingRefused, shown } from "./SettingRefused.ts"

/** How people write one name in several ways: `heartbeatInterval`, `HEARTBEAT_INTERVAL`, `heartbeat-interval`. */
const bare = (name: string): string => name.replaceAll(/[^\p{L}\p{N}]/gu, "").toLowerCase()

/** Longer ones are no slip of a known name, and their distance would take its time. */
const longest = 64

/** How many letters were left out, added, changed, or swapped with the next one. */
const distance = (from: string, to: string): number => {
  let [beforeLast, last]: [Array<number>, Array<number>] = [[], Array.from({ length: to.length + 1 }, (_, at) => at)]
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let least = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      if (from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        least = Math.min(least, (beforeLast[column - 2] ?? Infinity) + 1)
      }
      current.push(least)
    }
    ;[beforeLast, last] = [last, current]
  }
  return last[to.length]!
}

/**
 * The known name that was probably meant, also where only its beginning was written; undefined where none is near. Case, blanks, hyphens and underscores do not count.
 */
export const nearest = <const A extends string>(name: string, known: ReadonlyArray<A>): A | undefined => {
  const wanted = bare(name)
  if (wanted === "" || wanted.length > longest) return undefined
  let best: A | undefined
  // One slip in a short name, three in a long one.
  let least = Math.min(3, Math.max(1, Math.floor(wanted.length / 3))) + 1
  for (const one of known) {
    const other = bare(one)
    // At each start all names of the environment are compared with ours, and most differ by that alone.
    if (Math.abs(other.length - wanted.length) >= least) continue
    const away = distance(wanted, other)
    if (away < least) [best, least] = [one, away]
  }
  return best ?? (wanted.length < 4 ? undefined : known.find((one) => bare(one).startsWith(wanted)))
}

/** Refuses options in code of which one has a name that is not known, with any value. */
export const refuseUnknown = (
  options: object,
  known: ReadonlyArray<string>
): Effect.Effect<void, SettingRefused> =>
  Effect.suspend(() => {
    const unknown = Object.keys(options).find((name) => !known.includes(name))
    if (unknown === undefined) return Effect.void
    const meant = nearest(unknown, known)
    return Effect.fail(
      new SettingRefused({
        setting: unknown,
        as: shown(unknown),
        was: "no option",
        allowed: meant === undefined ? known.join(", ") : `${meant} is the nearest name`
      })
    )
  })
