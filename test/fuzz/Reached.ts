/**
 * Which code of floors 1 and 2 a run reached, by V8's own count of blocks, made into branches as the coverage of the tests
 * has them.
 */
import { convert } from "ast-v8-to-istanbul"
import * as Fs from "node:fs"
import { Session } from "node:inspector"
import type { Profiler } from "node:inspector"
import { stripTypeScriptTypes } from "node:module"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { parseSync } from "oxc-parser"

const src = Path.resolve(import.meta.dirname, "../../src")

/** What the fuzzer goes through: the whole of floor 1, and of floor 2 what has no socket. */
const isLookedAt = (path: string) =>
  /^protocol\/\w+\.ts$/.test(path) ||
  /^transport\/(Messenger|Sessions|SourceRateLimit|DecodeCache|RateLimit|RecentlyUsed)\.ts$/.test(path)

export interface File {
  readonly path: string
  readonly functions: number
  readonly functionsReached: number
  readonly branches: number
  readonly branchesReached: number
  /** The lines of the branches that were never taken. */
  readonly missed: ReadonlyArray<number>
}

const fileOf = async (coverage: Profiler.ScriptCoverage, path: string): Promise<File> => {
  // What Node runs: types are spaces there, so that everything is where it was.
  const code = stripTypeScriptTypes(Fs.readFileSync(fileURLToPath(coverage.url), "utf8"))
  const ast = parseSync("module.js", code).program
  const [data] = Object.values(await convert({ ast: ast as never, code, coverage, wrapperLength: 0 }))
  if (data === undefined) throw new Error(`nothing is known of ${path}`)
  const missed: Array<number> = []
  let branches = 0
  for (const [key, counts] of Object.entries(data.b)) {
    counts.forEach((count, at) => {
      branches++
      if (count === 0) missed.push(data.branchMap[key]?.locations[at]?.start.line ?? data.branchMap[key]?.line ?? 0)
    })
  }
  const functions = Object.values(data.f)
  return {
    path,
    functions: functions.length,
    functionsReached: functions.filter((count) => count > 0).length,
    branches,
    branchesReached: branches - missed.length,
    missed: [...new Set(missed)].toSorted((a, b) => a - b)
  }
}

/** Starts to count. Gives the function that ends it and says what was reached. */
export const watch = (): () => Promise<ReadonlyArray<File>> => {
  const session = new Session()
  session.connect()
  session.post("Profiler.enable")
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true })
  return async () => {
    let scripts: ReadonlyArray<Profiler.ScriptCoverage> = []
    session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error === null) scripts = result
    })
    session.disconnect()
    const files = scripts.flatMap((coverage) => {
      if (!coverage.url.startsWith("file:")) return []
      const path = Path.relative(src, fileURLToPath(coverage.url)).split(Path.sep).join("/")
      return isLookedAt(path) ? [fileOf(coverage, path)] : []
    })
    return (await Promise.all(files)).toSorted((a, b) => a.path < b.path ? -1 : 1)
  }
}
