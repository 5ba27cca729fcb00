// `npm test`: sets up what is missing, then type-checks, lints, builds and runs every test. The tests of src/protocol run
// first and by themselves, with its branch coverage: to count branches makes the simulations of the others take twice as
// long. With arguments (`npm test -- test/house`) it builds and runs just those tests; `npm run coverage` runs the tests of
// src/protocol alone and leaves a report to look at in `coverage`.
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { check } from "./check.mjs"
import { lint } from "./lint.mjs"
import { ensureBuild, ensureDependencies, main, remove, run, say } from "./setup.mjs"

const [first, ...others] = process.argv.slice(2)
const report = first === "--report"
const chosen = report ? others : process.argv.slice(2)

const covered = "test/protocol"

const vitest = (...args) => run("vitest", ["run", ...args], { output: 1 })

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
    const first = await vitest("--coverage", `--coverage.reportsDirectory=${directory}`, covered).catch((error) =>
      error
    )
    remove(directory)
    // What fails there keeps nobody from learning of the rest.
    await vitest("--exclude", `${covered}/**`)
    if (first instanceof Error) throw first
  }
})
