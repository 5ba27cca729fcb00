/**
 * Two copies of `npm start` in one fresh checkout set it up in turn, also after one of them was killed.
 */
import { assert, it } from "@effect/vitest"
import { execFile, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { promisify } from "node:util"

const lockModule = Path.resolve(import.meta.dirname, "../../scripts/lock.mjs")

it("the set-up's lock is held by one at a time, and a dead owner's is broken once", async () => {
  const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-lock-"))
  try {
    const lock = Path.join(directory, "lock")
    const log = Path.join(directory, "log")
    const deadPid = spawnSync(process.execPath, ["--version"]).pid
    Fs.mkdirSync(lock)
    Fs.writeFileSync(Path.join(lock, "dead"), JSON.stringify({ pid: deadPid, host: Os.hostname() }))
    const program = `
      import { appendFileSync } from "node:fs"
      import { withLock } from ${JSON.stringify(lockModule)}
      await withLock(${JSON.stringify(lock)}, () => {}, async () => {
        appendFileSync(${JSON.stringify(log)}, "in ")
        await new Promise((resolve) => setTimeout(resolve, 50))
        appendFileSync(${JSON.stringify(log)}, "out ")
      })`
    const one = () => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program])
    await Promise.all([one(), one(), one(), one()])
    assert.strictEqual(Fs.readFileSync(log, "utf8"), "in out ".repeat(4))
    assert.deepStrictEqual(Fs.readdirSync(directory), ["log"])
  } finally {
    Fs.rmSync(directory, { recursive: true })
  }
})
