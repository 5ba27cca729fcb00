// `npm start`, `npm run demo`: sets up what is missing, then becomes the program. No process stays in between: a signal that npm or the
// terminal sends reaches the program itself, and its exit code is the one that npm sees.
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { runPinned } from "./pinned.mjs"
import { ensureBuild, ensureDependencies, Failed, root, say } from "./setup.mjs"

const program = join(root, "dist", "main.js")

try {
  await ensureDependencies()
  await ensureBuild()
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major < 20 || major === 20 && minor < 19) {
    // Only where the Node that started us is too old for the program and the pinned one was installed just now.
    runPinned([program, ...process.argv.slice(2)])
  } else {
    process.argv[1] = program
    await import(pathToFileURL(program).href)
  }
} catch (error) {
  say(error.message)
  process.exitCode = error instanceof Failed ? error.code : 1
}
