// `npm test`: sets up what is missing, then type-checks, lints, builds and runs every test. The tests of src/protocol run
// first and by themselves, with its branch coverage: to count branches makes the simulations of the others take twice as
// long. With arguments (`npm test -- test/house`) it builds and runs just those tests; `npm run coverage` runs the tests of
// src/protocol alone and leaves a report to look at in `coverage`.
import { existsSync, mkdtempSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { check } from "./check.mjs"
import { lint } from "./lint.mjs"
import { ensureBuild, ensureDependencies, main, remove, root, run, say } from "./setup.mjs"

const [first, ...others] = process.argv.slice(2)
const report = first === "--report"
const chosen = report ? others : process.argv.slice(2)

const covered = "test/protocol"

const vitest = (...args) => run("vitest", ["run", ...args], { output: 1 })

/** The branches that no test took, as `file:line`; none where the tests failed before they were counted. */
const untaken = (directory) => {
  const file = join(directory, "coverage-final.json")
  if (!existsSync(file)) return []
  return Object.values(JSON.parse(readFileSync(file, "utf8"))).flatMap(({ b, branchMap, path }) =>
    Object.entries(branchMap).flatMap(([id, branch]) =>
      b[id].includes(0) ? [`${relative(root, path)}:${branch.loc.start.line}`] : []
    )
  )
}

main(async () => {
  await ensureDependencies()
  if (!report && chosen.length === 0) {
    say("checking types")
    await check()
    say("linting")
    await lint()
  }
  await ensureBuild()
  if (report) {
    const reporters = ["html", "text"].map((reporter) => `--coverage.reporter=${reporter}`)
    await vitest("--coverage", ...reporters, ...chosen.length > 0 ? chosen : [covered])
  } else if (chosen.length > 0) {
    await vitest(...chosen)
  } else {
    // A directory of its own: another copy of the suite may run in this checkout.
    const directory = mkdtempSync(join(tmpdir(), "bellwether-coverage-"))
    const reports = [`--coverage.reportsDirectory=${directory}`, "--coverage.reporter=text", "--coverage.reporter=json"]
    const first = await vitest("--coverage", ...reports, covered).catch((error) => error)
    const missed = first instanceof Error ? untaken(directory) : []
    remove(directory)
    // What fails there keeps nobody from learning of the rest.
    const second = await vitest("--exclude", `${covered}/**`).catch((error) => error)
    // Told at the end: the table is far above by then.
    if (missed.length > 0) say(`no test of ${covered} takes a branch at ${missed.join(", ")}`)
    for (const failed of [first, second]) if (failed instanceof Error) throw failed
  }
})
