// A lock that two copies of a script in one checkout can hold in turn: a directory with one file in it, the owner's.
//
// Taken by renaming a directory that is complete already, so nobody ever sees a lock without an owner. Broken by
// removing the owner's file by its own name, so only one of many can break it and nobody can break a newer one.
import { randomUUID } from "node:crypto"
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"

const heartbeat = 2_000
// An owner on this machine is known to be dead by its process id; one elsewhere (a container) by its silence.
const silence = 60_000

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

const isStale = (file) => {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8"))
    if (owner.host === hostname() && !isAlive(owner.pid)) return true
    return Date.now() - statSync(file).mtimeMs > silence
  } catch (error) {
    if (error.code === "ENOENT") return false
    return true
  }
}

const breakIfStale = (path) => {
  let names
  try {
    names = readdirSync(path)
  } catch {
    return
  }
  for (const name of names) {
    if (!isStale(join(path, name))) return
    try {
      unlinkSync(join(path, name))
    } catch {
      return
    }
  }
  try {
    rmdirSync(path)
  } catch {
    // Somebody else has it by now.
  }
}

const acquire = (path) => {
  const token = randomUUID()
  const mine = `${path}.${token}`
  mkdirSync(mine)
  writeFileSync(join(mine, token), JSON.stringify({ pid: process.pid, host: hostname() }))
  try {
    renameSync(mine, path)
    return token
  } catch {
    rmSync(mine, { recursive: true, force: true })
    return undefined
  }
}

/** Runs `work` while no other process does. */
export const withLock = async (path, say, work) => {
  let token = acquire(path)
  let told = false
  while (token === undefined) {
    breakIfStale(path)
    token = acquire(path)
    if (token !== undefined) break
    if (!told) say("waiting for another process that sets up this checkout")
    told = true
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const file = join(path, token)
  const release = () => {
    try {
      unlinkSync(file)
      rmdirSync(path)
    } catch {
      // Broken by another one, which took us for dead.
    }
  }
  const alive = setInterval(() => {
    try {
      const now = new Date()
      utimesSync(file, now, now)
    } catch {
      // As above.
    }
  }, heartbeat)
  process.once("exit", release)
  try {
    return await work()
  } finally {
    clearInterval(alive)
    process.off("exit", release)
    release()
  }
}
