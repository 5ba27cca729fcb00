/** The interfaces of the system that Node runs on. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { open, readdir } from "node:fs/promises"
import * as Os from "node:os"
import type { DatagramsFailed } from "../Datagrams.ts"
import { Interfaces, type LinkRoute, type System } from "../interfaces/Interfaces.ts"
import { addressesOf, withDetails } from "../interfaces/ProcAddresses.ts"
import { defaultRoute6Of, defaultRouteOf, linkRoutes6Of, linkRoutesOf } from "../interfaces/Routes.ts"
import { deviceOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import * as InterfaceThread from "./InterfaceThread.ts"
import * as SystemError from "./SystemError.ts"

/**
 * Asks the system each time. Routes and flaws of addresses are known on Linux only; elsewhere the first interface is the
 * primary one, and only the networks of its addresses are direct.
 *
 * The loop of this process asks, until there are so many interfaces that this would hold it: from then on a thread asks. If
 * the system forbids the usual question (a sandbox without netlink), Linux's files answer it. While these stay the same the
 * system is asked every 30 seconds only, and while nothing changes the answer is the same object.
 */
export const layer: Layer.Layer<Interfaces> = Layer.effect(
  Interfaces,
  Effect.suspend(() => Effect.map(asking, ({ ask }) => ({ scan: scanBy(ask) })))
)

// internal

const failed = (cause: unknown): DatagramsFailed => SystemError.failedBy("scan", "the interfaces of this host", cause)

/** All addresses of all interfaces, as JSON, so that what has not changed is seen at once. */
type Ask = Effect.Effect<string, DatagramsFailed>

const inLoop: Ask = Effect.try({ try: () => JSON.stringify(Os.networkInterfaces()), catch: failed })

/** About three hundred addresses. The time that the question takes grows with their square; for so many it is 5 ms. */
const mostInLoop = 65_536

const asking = Effect.gen(function*() {
  const thread = yield* InterfaceThread.make(failed)
  let isLarge = false
  const ask: Ask = Effect.tap(Effect.suspend(() => isLarge ? thread.ask : inLoop), (text) =>
    Effect.sync(() => {
      isLarge = text.length > mostInLoop
    }))
  return { ask }
})

/** Linux's files, each as text; empty elsewhere. */
interface Tables {
  readonly routes: string
  readonly routes6: string
  readonly ifInet6: string
  readonly fibTrie: string
}

/** For how long a system is taken to be what it was, while its files are. */
const restingFor = 30_000

const scanBy = (ask: Ask): Effect.Effect<System, DatagramsFailed> => {
  let last:
    | { readonly tables: string; readonly asked: string; readonly at: number; readonly system: System }
    | undefined
  return Effect.gen(function*() {
    const [routes, routes6, ifInet6, fibTrie, links] = yield* Effect.all(
      [table("route"), table("ipv6_route"), table("if_inet6"), table("fib_trie"), linkStates],
      { concurrency: "unbounded" }
    )
    const now = yield* Clock.currentTimeMillis
    const tables = [routes, routes6, ifInet6, fibTrie, links].join("\0")
    // The files cost little, and hold nobody; the question itself is for when they say something else.
    const isResting = last?.tables === tables && Math.abs(now - last.at) < restingFor
    if (last !== undefined && isResting && knowsAll(last.system, links)) return last.system
    const read = { routes, routes6, ifInet6, fibTrie }
    const asked = yield* Effect.result(ask)
    if (Result.isFailure(asked)) return yield* instead(asked.failure, read)
    const isSame = last?.tables === tables && last.asked === asked.success
    const system = last !== undefined && isSame ? last.system : systemOf(asked.success, read)
    last = { tables, asked: asked.success, at: now, system }
    return system
  })
}

/** Where the files are of another network than ours, as in some containers, they say nothing. */
const knowsAll = ({ addresses }: System, links: string): boolean => {
  const there = new Set(links.split("\n").map((line) => line.split(" ")[0]))
  return links !== "" && addresses.every(({ name }) => there.has(deviceOf(name)))
}

const systemOf = (interfaces: string, tables: Tables): System => {
  const found: Array<SystemInterface> = []
  const listed: ReturnType<typeof Os.networkInterfaces> = JSON.parse(interfaces)
  for (const [name, addresses = []] of Object.entries(listed)) {
    const index = addresses.find((one) => one.family === "IPv6" && one.scopeid > 0)?.scopeid
    for (const { address, cidr, family, internal, scopeid = 0 } of addresses) {
      const prefixLength = prefixLengthOf(cidr, family)
      const zoned = scopeid === 0 ? address : `${address}%${zoneOf(name, scopeid)}`
      if (family === "IPv6") found.push({ name, address: zoned, prefixLength, internal, index })
      else found.push({ name, address, prefixLength, internal, ...index === undefined ? {} : { index } })
    }
  }
  return {
    addresses: withDetails(found, tables.ifInet6),
    linkRoutes: linkRoutesIn(tables),
    defaultRoute: Option.orElse(defaultRouteOf(tables.routes), () => defaultRoute6Of(tables.routes6))
  }
}

/** Of an address whose netmask is none, the address itself is its network. */
const prefixLengthOf = (cidr: string | null, family: NetAddress.IpFamily): number =>
  cidr === null ? (family === "IPv4" ? 32 : 128) : Number(cidr.slice(cidr.indexOf("/") + 1))

const linkRoutesIn = ({ routes, routes6 }: Tables): ReadonlyArray<LinkRoute> => [
  ...linkRoutesOf(routes),
  ...linkRoutes6Of(routes6)
]

/** The known interfaces if the system refused the usual question; its refusal, if nothing is known, or if it may pass. */
const instead = Effect.fnUntraced(function*(refusal: DatagramsFailed, tables: Tables) {
  if (!forbidden.has(refusal.code ?? "")) return yield* refusal
  const addresses = addressesOf(tables.fibTrie, tables.ifInet6, linkRoutesIn(tables))
  if (addresses.length === 0) return yield* refusal
  return { ...systemOf("{}", tables), addresses, refusal }
})

const forbidden = new Set(["EAFNOSUPPORT", "EPROTONOSUPPORT", "EACCES", "EPERM", "ENOSYS"])
const missing = new Set(["ENOENT", "ENOTDIR", "ENODEV", "EINVAL", "EACCES", "EPERM"])

/** Of a router that knows all of the internet, the first few thousand routes. */
const mostRead = 1_048_576

/** A table of Linux; empty where the system has or gives none. Never read in the loop, as a long one takes milliseconds. */
const table = (name: string): Effect.Effect<string, DatagramsFailed> => textOf(() => read(`/proc/net/${name}`))

/** With more, each of which has a file of its own, the system is asked each time. */
const mostLinks = 64

/** Each device and its state, a line each; empty where the system does not say. No table has the cable that is pulled. */
const linkStates = textOf(async () => {
  const names = await readdir("/sys/class/net")
  if (names.length > mostLinks) return ""
  const lines = await Promise.all(names.map(async (name) => {
    const state = await read(`/sys/class/net/${name}/operstate`)
    return `${name} ${state.trim()}`
  }))
  return lines.join("\n")
})

/** The content of a file, or none. A device may go while its files are read. */
function textOf(ask: () => Promise<string>): Effect.Effect<string, DatagramsFailed> {
  if (process.platform !== "linux") return Effect.succeed("")
  return Effect.tryPromise({ try: ask, catch: failed }).pipe(
    Effect.catchIf(({ code = "" }) => missing.has(code), () => Effect.succeed(""))
  )
}

const read = async (path: string): Promise<string> => {
  const file = await open(path)
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

// Windows knows zones by number only.
const zoneOf = (name: string, scopeId: number): string => process.platform === "win32" ? String(scopeId) : name
