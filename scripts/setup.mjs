// Brings a checkout to where it can run: the locked dependencies, then the build. Does only what is missing, and says
// what it does on standard error alone: standard output belongs to the program that is started afterwards.
//
// Plain JavaScript with no dependencies, for Node 18 and newer: it runs before anything is installed.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { delimiter, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { withLock } from "./lock.mjs"

export const root = fileURLToPath(new URL("..", import.meta.url))
const bin = join(root, "node_modules", ".bin")

export const say = (line) => process.stderr.write(`bellwether: ${line}\n`)

/** A command that did not end well; what it had to say it has said already. */
export class Failed extends Error {
  constructor(what, code) {
    super(`${what} failed with exit code ${code}`)
    this.code = code
  }
}

// What npm tells its scripts must not reach an npm inside them: `npm start -s` would make the inner one hide its errors.
const environment = () => {
  const env = { ...process.env }
  for (const name of Object.keys(env)) {
    if (/^npm_(config_(loglevel|json|silent|dry_run|omit|production|ignore_scripts)|lifecycle_|package_)/i.test(name)) {
      delete env[name]
    }
  }
  const path = Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH"
  // The tools are run by the pinned Node, not by the one that happens to be installed.
  env[path] = env[path] === undefined ? bin : `${bin}${delimiter}${env[path]}`
  return env
}

/** Runs a command to its end. `output` is where its standard output goes: 1, or 2 for what is set-up. */
export const run = (command, args, { output = 2, quiet = false } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: environment(),
      shell: process.platform === "win32",
      stdio: ["ignore", quiet ? "pipe" : output, 2]
    })
    let text = ""
    child.stdout?.setEncoding("utf8").on("data", (chunk) => text += chunk)
    const forward = (signal) => child.kill(signal)
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"]
    for (const signal of signals) process.on(signal, forward)
    const done = () => {
      for (const signal of signals) process.off(signal, forward)
    }
    child.once("error", (error) => {
      done()
      reject(new Error(`${command} could not be started: ${error.message}`))
    })
    child.once("close", (code, signal) => {
      done()
      if (signal !== null) process.kill(process.pid, signal)
      else if (code === 0) resolve(text)
      else reject(new Failed([command, ...args].join(" "), code))
    })
  })

const readJson = (...path) => {
  try {
    return JSON.parse(readFileSync(join(root, ...path), "utf8"))
  } catch {
    return undefined
  }
}

/**
 * Is what is installed what the lock file says? npm writes down what it installed as its last step, so an interrupted
 * installation counts as none, and one made by hand counts.
 */
export const dependenciesAreInstalled = () => {
  const installed = readJson("node_modules", ".package-lock.json")?.packages
  const wanted = readJson("package-lock.json")?.packages
  if (installed === undefined || wanted === undefined) return false
  return Object.entries(wanted).every(([path, { integrity, link, optional, version }]) => {
    if (!path.startsWith("node_modules/")) return true
    const found = installed[path]
    // Builds for other platforms are in the lock file and not on the disk.
    if (found === undefined) return optional === true
    return link === true ||
      found.version === version &&
        (integrity === undefined || found.integrity === undefined || found.integrity === integrity)
  })
}

const isPatched = async () => (await run("tsc", ["--version"], { quiet: true }).catch(() => "")).includes("effect-tsgo")

/** `tsc` must be the one that checks Effect code: an installation with `--ignore-scripts` leaves the plain one. */
export const ensurePatched = async () => {
  if (await isPatched()) return
  await run("effect-tsgo", ["patch"])
  if (!await isPatched()) throw new Error("tsc is not the one of effect-tsgo; `npm ci` should mend it")
}

const filesBelow = (path) => {
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1)
  return entries.flatMap((entry) => {
    const inner = join(path, entry.name)
    return entry.isDirectory() ? filesBelow(inner) : [inner]
  })
}

/** What the build is made of, in one word. Content and not times: copies and clones keep content only. */
export const digestOfSources = () => {
  const hash = createHash("sha256")
  const single = [
    "package.json",
    "package-lock.json",
    "tsconfig.base.json",
    "tsconfig.build.json",
    "rolldown.config.mjs",
    "scripts/build.mjs",
    "scripts/page.mjs"
  ]
  for (const file of [...single.map((name) => join(root, name)), ...filesBelow(join(root, "src"))]) {
    if (!existsSync(file)) continue
    hash.update(`${relative(root, file)}\0`).update(readFileSync(file)).update("\0")
  }
  return hash.digest("hex")
}

export const stamp = join(root, "dist", ".built-from")

export const buildIsCurrent = () => {
  try {
    return readFileSync(stamp, "utf8") === digestOfSources()
  } catch {
    return false
  }
}

/** Installs what the lock file says, if it is not there. */
export const ensureDependencies = async () => {
  if (dependenciesAreInstalled()) return
  await withLock(join(root, ".setup.lock"), say, async () => {
    if (dependenciesAreInstalled()) return
    say("installing the locked dependencies (npm ci), once")
    await run("npm", ["ci", "--include=dev", "--include=optional", "--loglevel=error", "--no-audit", "--no-fund"])
    if (!dependenciesAreInstalled()) {
      throw new Error("npm ci ended well, and yet package-lock.json is not what is installed")
    }
  })
}

/** Builds `dist`, if it is not what `src` says. */
export const ensureBuild = async () => {
  if (buildIsCurrent()) return
  await withLock(join(root, ".setup.lock"), say, async () => {
    if (buildIsCurrent()) return
    say("building")
    await run("node", [join(root, "scripts", "build.mjs"), "--locked"])
  })
}

/** Runs a script's steps; a step that failed ends the process with its exit code and without a stack trace. */
export const main = (steps) =>
  steps().catch((error) => {
    say(error.message)
    process.exitCode = error instanceof Failed ? error.code : 1
  })

export const remove = (path) => rmSync(path, { recursive: true, force: true })
