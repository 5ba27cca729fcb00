// Runs a program by the pinned Node in place of this process: its standard streams, its exit code, and the signals are passed on.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { root, say } from "./setup.mjs"

const pinned = join(root, "node_modules", ".bin", "node")

/** `args` is what comes behind `node`. Where no Node is pinned for the platform, this one is taken. */
export const runPinned = (args) => {
  const child = spawn(existsSync(pinned) ? pinned : process.execPath, args, {
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
