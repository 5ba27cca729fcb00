/**
 * Which code of floors 1 and 2 a run reached, by V8's own count of blocks.
 */
import * as Fs from "node:fs"
import { Session } from "node:inspector"
import type { Profiler } from "node:inspector"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

const src = Path.resolve(import.meta.dirname, "../../src")

/** What the fuzzer goes through: the whole of floor 1, and of floor 2 what has no socket. */
const isLookedAt = (path: string) =>
  /^protocol\/\w+\.ts$/.test(path) || /^transport\/(Messenger|Seals|FairShare|RateLimit)\.ts$/.test(path)

export interface File {
  readonly path: string
  readonly functions: number
  readonly functionsReached: number
  /** The first lines of the blocks that were never run. */
  readonly missed: ReadonlyArray<number>
}

/** Starts to count. Gives the function that ends it and says what was reached. */
export const watch = (): () => ReadonlyArray<File> => {
  const session = new Session()
  session.connect()
  session.post("Profiler.enable")
  session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true })
  return () => {
    let scripts: ReadonlyArray<Profiler.ScriptCoverage> = []
    session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error === null) scripts = result
    })
    session.disconnect()
    return scripts.filter(({ url }) => url.startsWith("file:")).flatMap(({ functions, url }) => {
      const file = fileURLToPath(url)
      const path = Path.relative(src, file).split(Path.sep).join("/")
      if (!isLookedAt(path)) return []
      const text = Fs.readFileSync(file, "utf8")
      const missed = functions.flatMap(({ ranges }) => ranges.filter(({ count }) => count === 0))
      return [{
        path,
        functions: functions.length,
        functionsReached: functions.filter(({ ranges: [whole] }) => (whole?.count ?? 0) > 0).length,
        missed: [...new Set(missed.map(({ startOffset }) => text.slice(0, startOffset).split("\n").length))]
      }]
    }).toSorted((a, b) => a.path < b.path ? -1 : 1)
  }
}
