/** Servers of one group that is on a simulated LAN, in a registry in memory, or in both; in virtual time. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Closing from "../../src/engine/Closing.ts"
import * as Moving from "../../src/moving/Moving.ts"
import type { Registry } from "../../src/registry/Registry.ts"
import * as RegistryServer from "../../src/registry/RegistryServer.ts"
import * as Group from "../../src/server/Group.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import * as Server from "../../src/server/Server.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedNetwork } from "../../src/testing/index.ts"
import * as Datagrams from "../../src/transport/Datagrams.ts"
import * as SinceBoot from "../../src/transport/SinceBoot.ts"
import * as Cuttable from "../backend/harness/Cuttable.ts"
import type * as Ground from "../backend/harness/Ground.ts"
import * as MemoryRegistry from "../backend/harness/MemoryRegistry.ts"

/** Where a server has its group. */
export type Where = "lan" | "registry" | "both" | "two registries" | "twice on the LAN"

/** A server that was started. */
export interface Started extends Ground.App {
  /** It reaches its registry no more, or does again; the LAN stays. */
  readonly cutRegistry: (isCut: boolean) => Effect.Effect<void>
  /** It reaches nobody on the LAN, or does again; the registry stays. */
  readonly cutLan: (isCut: boolean) => Effect.Effect<void>
  /** Its wall clock is set, by so many ms. */
  readonly setClock: (by: number) => Effect.Effect<void>
}

/** What a test says of a server. */
export interface Options {
  readonly priority?: number
  readonly settings?: Settings.Options
  /** By how much its wall clock is ahead, in ms. */
  readonly ahead?: number
  /** What its app does, by its clock. */
  readonly work?: (server: Pick<Ground.App, "group" | "leadership">) => Effect.Effect<unknown>
}

/** The place of them all. */
export interface Place {
  readonly start: (
    name: string,
    where: Where,
    options?: Options
  ) => Effect.Effect<Started, unknown, Scope.Scope>
  readonly network: SimulatedNetwork.SimulatedNetwork
  readonly store: MemoryRegistry.MemoryRegistry["store"]
}

const leaseDuration = Duration.seconds(6)

const inRegistry = (name: string, priority: number, registry: Registry) =>
  Layer.effectContext(
    Effect.map(
      RegistryServer.make({ group: "moved", name, hostname: name, priority, profile: "fast" }, registry, {
        name: "memory",
        leaseDuration
      }),
      ({ group, leadership }) => Context.make(Group.Group, group).pipe(Context.add(Leadership.Leadership, leadership))
    )
  )

/** Makes one. */
export const make = Effect.fnUntraced(function*(
  seed: number,
  lan: Settings.Options
): Effect.fn.Return<Place, never, Scope.Scope> {
  const network = yield* SimulatedNetwork.make({ seed, epoch: Date.UTC(2026, 5, 1, 12) })
  const registry = yield* MemoryRegistry.make(Duration.toMillis(leaseDuration))
  const former = yield* MemoryRegistry.make(Duration.toMillis(leaseDuration))
  const outer = yield* Effect.scope
  const hosts = new Map<string, SimulatedNetwork.Host>()
  let starts = 0
  return {
    network,
    store: registry.store,
    start: Effect.fnUntraced(
      function*(name, where, { ahead = 0, priority = 0, settings, work = () => Effect.void } = {}) {
        const host = hosts.get(name) ?? (yield* network.host({ name, wallAhead: ahead }))
        hosts.set(name, host)
        yield* host.connect
        const link = Cuttable.make(registry.link())
        const old = Cuttable.make(former.link())
        const atPort = (unicastPort: number) =>
          Server.layer({ group: "moved", profile: "fast", name, priority, unicastPort, ...lan, ...settings }).pipe(
            Layer.provide(Layer.succeed(Datagrams.Datagrams, host.datagrams))
          )
        const onLan = atPort(40_000)
        const kept = inRegistry(name, priority, link.registry)
        const layers = {
          lan: onLan,
          registry: kept,
          both: Moving.layer(onLan, kept),
          "two registries": Moving.layer(inRegistry(name, priority, old.registry), kept),
          "twice on the LAN": Moving.layer(onLan, atPort(40_001))
        }
        const scope = yield* Scope.make()
        const { clock, hurry } = yield* host.clock.process
        const close = Effect.provideService(Scope.close(scope, Exit.void), Clock.Clock, clock)
        // At the end of the test no time passes any more.
        yield* Scope.addFinalizer(outer, host.killEndpoints.pipe(Effect.andThen(hurry), Effect.andThen(close)))
        const drawn = `${seed} ${name} ${++starts}`
        const within = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
          effect.pipe(
            Scope.provide(scope),
            Random.withSeed(drawn),
            Effect.provideService(Clock.Clock, clock),
            Effect.provideService(Closing.RealClock, clock),
            Effect.provideService(SinceBoot.SinceBoot, () => ({ sinceBoot: host.clock.sinceBoot(), doubted: 0 }))
          )
        const context = yield* within(Layer.build(layers[where] as Layer.Layer<Moving.Services, unknown>))
        const server = {
          group: Context.get(context, Group.Group),
          leadership: Context.get(context, Leadership.Leadership)
        }
        yield* within(Effect.forkScoped(work(server)))
        const cutRegistry = (isCut: boolean) => Effect.andThen(link.cut(isCut), old.cut(isCut))
        const cutLan = (isCut: boolean) => isCut ? network.partition([[name]]) : network.heal
        return {
          ...server,
          // A test that ends meanwhile does not wait for it.
          stop: Effect.asVoid(Effect.flatMap(Effect.forkDetach(close), Fiber.await)),
          kill: Effect.andThen(host.killEndpoints, cutRegistry(true)),
          cutRegistry,
          cutLan,
          setClock: host.clock.jumpWallClock,
          cut: (isCut) => Effect.andThen(cutLan(isCut), cutRegistry(isCut))
        }
      }
    )
  }
})

/** The conformance cases' ground: every server has both. */
export const ground = (where: "both" | "two registries"): Effect.Effect<Ground.Ground, never, Scope.Scope> =>
  Effect.sync(() => ({
    failover: 13_000,
    pass: (millis) => TestClock.adjust(millis),
    start: Effect.fnUntraced(function*(priorities, work = () => Effect.void) {
      const place = yield* make(11, { leadership: "lease", groupSize: priorities.length })
      return yield* Effect.forEach(priorities, (priority, index) => place.start(`n${index}`, where, { priority, work }))
    })
  }))
