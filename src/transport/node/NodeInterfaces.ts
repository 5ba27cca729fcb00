/** The interfaces of the system that Node runs on. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Os from "node:os"
import type { DatagramsFailed } from "../Datagrams.ts"
import { Interfaces, type LinkRoute, type System } from "../interfaces/Interfaces.ts"
import { addressesOf, withDetails } from "../interfaces/ProcAddresses.ts"
import { defaultRoute6Of, defaultRouteOf, linkRoutes6Of, linkRoutesOf } from "../interfaces/Routes.ts"
import { deviceOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import * as InterfaceThread from "./InterfaceThread.ts"
import * as NetworkFiles from "./NetworkFiles.ts"

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
  Effect.suspend(() =>
    Effect.zipWith(asking, NetworkFiles.make(), ({ ask }, files) => ({ scan: scanBy(ask, files.read) }))
  )
)

// internal

/** All addresses of all interfaces, as JSON, so that what has not changed is seen at once. */
type Ask = Effect.Effect<string, DatagramsFailed>

const inLoop: Ask = Effect.try({ try: () => JSON.stringify(Os.networkInterfaces()), catch: NetworkFiles.failed })

/** About three hundred addresses. The time that the question takes grows with their square; for so many it is 5 ms. */
const mostInLoop = 65_536

const asking = Effect.gen(function*() {
  const thread = yield* InterfaceThread.make(NetworkFiles.failed)
  let isLarge = false
  const ask: Ask = Effect.tap(Effect.suspend(() => isLarge ? thread.ask : inLoop), (text) =>
    Effect.sync(() => {
      isLarge = text.length > mostInLoop
    }))
  return { ask }
})

type Files = Effect.Effect<NetworkFiles.NetworkFiles, DatagramsFailed>

/** Linux's tables, each as text; empty elsewhere. */
type Tables = Omit<NetworkFiles.NetworkFiles, "links">

/** For how long a system is taken to be what it was, while its files are. */
const restingFor = 30_000

const scanBy = (ask: Ask, files: Files): Effect.Effect<System, DatagramsFailed> => {
  let last:
    | { readonly tables: string; readonly asked: string; readonly at: number; readonly system: System }
    | undefined
  return Effect.gen(function*() {
    const { links, ...read } = yield* files
    const { fibTrie, ifInet6, routes, routes6 } = read
    const now = yield* Clock.currentTimeMillis
    const tables = [routes, routes6, ifInet6, fibTrie, links].join("\0")
    // The files cost little, and hold nobody; the question itself is for when they say something else.
    const isResting = last?.tables === tables && Math.abs(now - last.at) < restingFor
    if (last !== undefined && isResting && knowsAll(last.system, links)) return last.system
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
// Windows knows zones by number only.
const zoneOf = (name: string, scopeId: number): string => process.platform === "win32" ? String(scopeId) : name
