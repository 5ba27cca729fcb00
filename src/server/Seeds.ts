/**
 * Seeds: resolves the names of the servers by which the group is found where multicast does not reach it, once before the
 * start and again while the server runs. `protocol/Contacts` decides which of them is asked, and when.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Host from "effect/net/Host"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ip from "../protocol/model/Ip.ts"
import { type Address, formatAddress } from "../protocol/model/Member.ts"
import * as Timing from "../protocol/model/Timing.ts"
import type { Settings } from "../settings/Settings.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import * as Networks from "../transport/Networks.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** The seeds of one server. */
export interface Seeds {
  /** The addresses that the names resolve to now; those of a name that does not resolve are the last that it had. */
  readonly addresses: () => ReadonlyArray<Address>
  /**
   * Whether an address is one of a seed or on one of `networks`, so that it may be spoken to, and is heard, though it is on no
   * directly connected network.
   */
  readonly holds: (ip: string) => boolean
  /** Resolves the names again. */
  readonly resolve: Effect.Effect<void>
  /** Starts the fiber that resolves the names again. */
  readonly run: (
    state: ServerEngine.ServerEngine,
    supervisor: Supervisor.Supervisor
  ) => Effect.Effect<void, never, Scope.Scope>
}

/** A server does not wait longer than this for a resolver before it starts. */
const startWithin = Duration.seconds(2)
/** A name that hangs has no addresses for now; the next round asks again. */
const resolveWithin = Duration.seconds(5)

/** Resolves the names for the first time: within two seconds or so long as is said, regardless of what the resolver does. */
export const make = Effect.fnUntraced(function*(
  settings: Pick<Settings, "seeds" | "networks" | "heartbeatInterval">,
  endpoint: Pick<Datagrams.Endpoint, "resolve">,
  within: Duration.Input = startWithin
): Effect.fn.Return<Seeds, never, Scope.Scope> {
  const found = new Map<Host.HostPort, ReadonlyArray<Address>>()
  const ips = new Set<string>()
  const failing = new Map<string, string>()
  const resolve = Effect.fnUntraced(function*(place: Host.HostPort) {
    const seed = Host.formatHostPort(place)
    const resolved = yield* endpoint.resolve(Host.formatHost(place.host)).pipe(
      Effect.map((ips) => ips.map((ip): Address => ({ ip: Ip.canonical(ip) ?? ip, port: place.port }))),
      Effect.catch((error) => Effect.succeed(error.message)),
      Effect.timeoutOption(resolveWithin),
      Effect.map(Option.getOrElse(() => "no answer in time"))
    )
    if (typeof resolved === "string") return void failing.set(seed, resolved)
    failing.delete(seed)
    found.set(place, resolved)
    // With each name: another may hang.
    ips.clear()
    for (const { ip } of addresses()) ips.add(ip)
  })
  const addresses = (): ReadonlyArray<Address> => {
    // Two seeds may be one address.
    const all = new Map<string, Address>()
    for (const place of settings.seeds) {
      for (const address of found.get(place) ?? []) all.set(formatAddress(address), address)
    }
    return [...all.values()].slice(0, Timing.maxContacts)
  }
  const resolveAll = Effect.forEach(settings.seeds, resolve, { concurrency: "unbounded", discard: true })
  if (settings.seeds.length > 0) {
    // Addresses that come later than that are not lost.
    const resolving = yield* Effect.forkScoped(resolveAll)
    yield* Effect.timeoutOption(Fiber.join(resolving), within)
  }
  return {
    addresses,
    holds: (ip) => ips.has(ip) || Networks.hold(settings.networks, ip),
    resolve: resolveAll,
    run: Effect.fnUntraced(function*(state, supervisor) {
      if (settings.seeds.length === 0) return
      const told = new Set<string>()
      const tell = Effect.gen(function*() {
        for (const [seed, why] of failing) {
          if (!told.has(seed)) yield* state.tell({ event: "SeedUnresolved", seed, why })
        }
        told.clear()
        for (const seed of failing.keys()) told.add(seed)
      })
      const again = Effect.gen(function*() {
        yield* resolveAll
        yield* tell
        yield* state.step({ _tag: "Seeds", addresses: addresses() })
      })
      const spacing = Duration.max(settings.heartbeatInterval, Duration.seconds(1))
      yield* supervisor.keep("seeds", again.pipe(Effect.schedule(Schedule.spaced(spacing))))
    })
  }
})
