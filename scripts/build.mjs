// `npm run build`: src -> dist, the library by tsc and the program by rolldown. Built beside the old `dist` and put in its
// place when complete, so that nobody ever sees half of it.
import { existsSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { withLock } from "./lock.mjs"
import { digestOfSources, ensureDependencies, ensurePatched, main, remove, root, run, say } from "./setup.mjs"

const build = async () => {
  const made = join(root, `dist.${process.pid}`)
  const old = join(root, `dist.${process.pid}.old`)
  const dist = join(root, "dist")
  // Taken first: what changes while we build is not in this build.
  const digest = digestOfSources()
  try {
    await Promise.all([
      run("tsc", ["-p", "tsconfig.build.json", "--outDir", made]),
      run("rolldown", ["-c", "rolldown.config.mjs", "--dir", made, "--logLevel", "warn"], { quiet: true })
    ])
    writeFileSync(join(made, ".built-from"), digest)
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(made, dist)
  } finally {
    remove(made)
    remove(old)
  }
}

main(async () => {
  if (process.argv.includes("--locked")) return build()
  await ensureDependencies()
  await ensurePatched()
  await withLock(join(root, ".setup.lock"), say, build)
})
