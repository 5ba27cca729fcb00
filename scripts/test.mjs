// `npm test`: sets up what is missing, then type-checks, lints, builds and runs every test, with the branch coverage of
// src/protocol. With arguments (`npm test -- test/house`) it builds and runs just those tests; `npm run coverage` runs the
// tests alone and leaves a report to look at in `coverage`.
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { check } from "./check.mjs"
import { lint } from "./lint.mjs"
import { ensureBuild, ensureDependencies, main, remove, run, say } from "./setup.mjs"

const [first, ...others] = process.argv.slice(2)
const report = first === "--report"
const chosen = report ? others : process.argv.slice(2)

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
    await run("vitest", ["run", "--coverage", "--coverage.reporter=html", "--coverage.reporter=text", ...chosen], {
      output: 1
    })
  } else if (chosen.length > 0) {
    await run("vitest", ["run", ...chosen], { output: 1 })
  } else {
    // A directory of its own: another copy of the suite may run in this checkout.
    const directory = mkdtempSync(join(tmpdir(), "bellwether-coverage-"))
    try {
      await run("vitest", ["run", "--coverage", `--coverage.reportsDirectory=${directory}`], { output: 1 })
    } finally {
      remove(directory)
    }
  }
})
