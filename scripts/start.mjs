// `npm start`: sets up what is missing, then becomes the program. No process stays in between: a signal that npm or the
// terminal sends reaches the program itself, and its exit code is the one that npm sees.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { ensureBuild, ensureDependencies, Failed, root, say } from "./setup.mjs"

const program = join(root, "dist", "main.js")

// Only where the Node that started us is too old for the program and the pinned one was installed just now: a second
// process, with the signals passed on.
const withPinnedNode = () => {
  const child = spawn(join(root, "node_modules", ".bin", "node"), [program, ...process.argv.slice(2)], {
    stdio: "inherit",
    shell: process.platform === "win32"
  })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
  child.once("error", (error) => {
    say(`Node ${process.versions.node} is too old, and no newer one could be started: ${error.message}`)
    process.exitCode = 1
  })
  child.once("exit", (code, signal) => {
    if (signal === null) {
      process.exitCode = code
    } else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}

try {
  await ensureDependencies()
  await ensureBuild()
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major < 20 || major === 20 && minor < 19) {
    withPinnedNode()
  } else {
    process.argv[1] = program
    await import(pathToFileURL(program).href)
  }
} catch (error) {
  say(error.message)
  process.exitCode = error instanceof Failed ? error.code : 1
}
