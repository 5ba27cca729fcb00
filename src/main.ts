#!/usr/bin/env node
/**
 * The process. Looks at the version of Node, then loads the program: kept so plain that versions which cannot run the
 * program can still read this file, and say so in one line instead of a stack trace.
 */
const oldest = [20, 19]

/** The signals that stop the program, with their numbers. */
const stopping = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

// Until the program listens to a signal, it ends the process at once, as it would do by itself: nothing is open yet. The
// first process of a container needs this, because the system withholds from it each signal that it does not listen to.
const listen = () => {
  for (const [name, number] of Object.entries(stopping)) {
    const stop = () => {
      if (process.listenerCount(name) > 1) return
      process.off(name, stop)
      process.kill(process.pid, name)
      process.exit(128 + number)
    }
    process.on(name, stop)
  }
}

/** The signals that the process catches, as Linux shows them: a bit for each of the first 32. */
const caught = () => {
  try {
    const status = process.getBuiltinModule("node:fs").readFileSync("/proc/self/status", "utf8")
    const found = /\nSigCgt:\s*[0-9a-f]{8}([0-9a-f]{8})\n/.exec(status)
    return found === null ? 0 : Number.parseInt(found[1]!, 16)
  } catch (_) {
    // No Linux.
    return 0
  }
}

/**
 * The number of the signal that came to the first process of a container while Node itself was starting. Node's own handler,
 * which it has for SIGINT and SIGTERM from its first milliseconds on, removes itself and raises the signal again, which is
 * lost there. If neither handler is there, this Node has none, and nothing is known.
 */
const missed = () => {
  if (process.pid !== 1) return 0
  const signals = caught()
  const gone = [stopping.SIGINT, stopping.SIGTERM].filter((number) => ((signals >> (number - 1)) & 1) === 0)
  return gone.length === 1 ? gone[0]! : 0
}

/**
 * What V8 has compiled is kept for the next start, which then takes a fifth less, in the user's own directory for such things:
 * in one that others may write to, they could put code of theirs. Versions before 22.1 cannot do this.
 */
const keepCompiled = () => {
  const { HOME = "", NODE_COMPILE_CACHE = "", XDG_CACHE_HOME = "" } = process.env
  const caches = XDG_CACHE_HOME === "" && HOME !== "" ? HOME + "/.cache" : XDG_CACHE_HOME
  if (caches === "" || NODE_COMPILE_CACHE !== "") return
  const { enableCompileCache } = process.getBuiltinModule("node:module")
  if (typeof enableCompileCache === "function") enableCompileCache(caches + "/bellwether")
}

const start = () => {
  const signal = missed()
  if (signal > 0) {
    process.exitCode = 128 + signal
    return
  }
  listen()
  keepCompiled()
  void import("./cli/program.ts")
}

if (major < oldest[0]! || (major === oldest[0] && minor < oldest[1]!)) {
  process.stderr.write(`bellwether needs Node ${oldest.join(".")} or newer; this is ${process.versions.node}.\n`)
  process.exitCode = 1
} else {
  start()
}
