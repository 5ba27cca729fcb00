/**
 * Linux's files that say how this host is connected, each as text; all are empty elsewhere, or where the system gives none.
 *
 * They are looked at every two seconds for as long as the process lives. While they are short the loop of the process reads them, which takes
 * a tenth of a millisecond; threads would take four wake-ups for each file. Long ones, as those of a router, are left to the threads.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { closeSync, openSync, readdirSync, readSync } from "node:fs"
import type { DatagramsFailed } from "../Datagrams.ts"
import * as Rarely from "./Rarely.ts"
import * as SystemError from "./SystemError.ts"

/** The tables of `/proc/net`. `links` has each device and its state, a line each: no table has the cable that is pulled. */
export interface NetworkFiles {
  readonly routes: string
  readonly routes6: string
  readonly ifInet6: string
  readonly fibTrie: string
  readonly links: string
}

/** What an error of Node's is to the layers above. */
export const failed = (cause: unknown): DatagramsFailed =>
  SystemError.failedBy("scan", "the interfaces of this host", cause)

/** Makes what reads the files: in the loop while all together have fewer characters. */
export const make = (mostInLoop: number = 65_536) =>
  Effect.sync(() => {
    const buffer = Buffer.allocUnsafeSlow(mostInLoop)
    let areLong = false
    const byThreads = Effect.tap(allByThreads, (files) =>
      Effect.sync(() => {
        areLong = length(files) >= mostInLoop / 2
      }))
    const read = Effect.suspend(() => {
      if (process.platform !== "linux") return Effect.succeed(none)
      if (areLong) return byThreads
      const inLoop = Effect.try({ try: () => allInLoop(buffer), catch: failed })
      return Effect.filterOrElse(inLoop, Predicate.isNotUndefined, () => byThreads)
    })
    return { read }
  })

// internal

const none: NetworkFiles = { routes: "", routes6: "", ifInet6: "", fibTrie: "", links: "" }

const length = (files: NetworkFiles): number =>
  Object.values(files).reduce((sum: number, text: string) => sum + text.length, 0)

/** Of a router that knows all of the internet, the first few thousand routes. */
const mostRead = 1_048_576

/** With more, each of which has a file of its own, the system is asked each time. */
const mostLinks = 64

const tables = "/proc/net/"
const devices = "/sys/class/net"
const stateOf = (name: string) => `${devices}/${name}/operstate`
const line = (name: string, state: string) => `${name} ${state.trim()}`

const missing = new Set(["ENOENT", "ENOTDIR", "ENODEV", "EINVAL", "EACCES", "EPERM"])
const isMissing = ({ code = "" }: DatagramsFailed): boolean => missing.has(code)

/** All of it, unless it is too long for the loop. */
const allInLoop = (buffer: Buffer): NetworkFiles | undefined => {
  let used = 0
  const read = (path: string): string => {
    const from = used
    const file = openSync(path, "r")
    try {
      let count = 0
      do {
        count = readSync(file, buffer, used, buffer.length - used, null)
        used += count
      } while (count > 0)
    } finally {
      closeSync(file)
    }
    return buffer.toString("latin1", from, used)
  }
  const textOf = (ask: () => string): string => {
    try {
      return ask()
    } catch (cause) {
      if (isMissing(failed(cause))) return ""
      throw cause
    }
  }
  const table = (name: string) => textOf(() => read(tables + name))
  const links = () => {
    const names = readdirSync(devices)
    return names.length > mostLinks ? "" : names.map((name) => line(name, read(stateOf(name)))).join("\n")
  }
  const files = {
    routes: table("route"),
    routes6: table("ipv6_route"),
    ifInet6: table("if_inet6"),
    fibTrie: table("fib_trie"),
    links: textOf(links)
  }
  // A read into a full buffer gives nothing, as the end of a file does.
  return used < buffer.length ? files : undefined
}

const allByThreads = Effect.suspend(() =>
  Effect.all({
    routes: table("route"),
    routes6: table("ipv6_route"),
    ifInet6: table("if_inet6"),
    fibTrie: table("fib_trie"),
    links: textOf(async () => {
      const names = await Rarely.filePromises().readdir(devices)
      if (names.length > mostLinks) return ""
      const states = await Promise.all(names.map((name) => read(stateOf(name))))
      return names.map((name, at) => line(name, states[at] ?? "")).join("\n")
    })
  }, { concurrency: "unbounded" })
)

const table = (name: string) => textOf(() => read(tables + name))

/** The content of a file, or none. A device may go while its files are read. */
const textOf = (ask: () => Promise<string>): Effect.Effect<string, DatagramsFailed> =>
  Effect.catchIf(Effect.tryPromise({ try: ask, catch: failed }), isMissing, () => Effect.succeed(""))

const read = async (path: string): Promise<string> => {
  const file = await Rarely.filePromises().open(path)
  try {
    const buffer = Buffer.alloc(65_536)
    let text = ""
    while (text.length < mostRead) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) break
      text += buffer.toString("latin1", 0, bytesRead)
    }
    return text
  } finally {
    await file.close()
  }
}
