/**
 * Plain command lines: those that ask to serve, and say it in the one way in which nothing can be misunderstood. They are read here,
 * without the parser of all others, which is a third of the program and takes a third of its start.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Settings from "../settings/Settings.ts"
import type * as Given from "./given.ts"
import * as Log from "./log.ts"

/** What a plain command line says. */
export interface Plain {
  readonly flags: Given.Given
  readonly json: boolean
  readonly logFormat: Log.Format | null
}

/** The word by which the program becomes one of the servers of a demo. It is no command of a person's. */
export const demoServer = "demo-server"

const keys: ReadonlyMap<string, Settings.Key> = new Map(Settings.flagKeys.map((key) => [Settings.flagName(key), key]))

/**
 * Reads the words after the program's name: `serve`, which may be left out, then flags that are known, each once, each with a
 * value that is allowed, as a word of its own. Anything else is none, a mistake among it: the parser says what is wrong.
 */
export const read = (words: ReadonlyArray<string>): Plain | undefined => {
  const left = words[0] === "serve" ? words.slice(1) : [...words]
  const seen = new Set<string>()
  const flags: Record<string, Option.Option<unknown>> = {}
  let json = false
  let logFormat: Log.Format | null = null
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (seen.has(name)) return undefined
    seen.add(name)
    if (name === "--json") {
      json = true
      continue
    }
    const text = left.shift()
    // What looks like a flag may be one that lacks its value.
    if (text === undefined || text.startsWith("-")) return undefined
    if (name === "--log-format") {
      const format = Schema.decodeOption(Log.format.text)(text)
      if (Option.isNone(format)) return undefined
      logFormat = format.value
      continue
    }
    const key = keys.get(name)
    if (key === undefined) return undefined
    const schema: Schema.Codec<unknown, string> = Settings.settings[key].text
    const value = Schema.decodeOption(schema)(text)
    if (Option.isNone(value)) return undefined
    flags[key] = value
  }
  return { flags, json, logFormat }
}
