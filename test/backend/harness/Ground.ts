/** Where the conformance cases are tried: on the LAN, or over one of the registries. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { Registry } from "../../../src/registry/Registry.ts"
import * as RegistryServer from "../../../src/registry/RegistryServer.ts"
import type * as Group from "../../../src/server/Group.ts"
import type * as Leadership from "../../../src/server/Leadership.ts"
import { SimulatedGroup } from "../../../src/testing/index.ts"
import * as Cuttable from "./Cuttable.ts"
import * as MemoryRegistry from "./MemoryRegistry.ts"

/** A server of a group, and what may happen to it. */
export interface App {
  readonly group: Group.GroupShape
  readonly leadership: Leadership.LeadershipShape
  /** It says goodbye. */
  readonly stop: Effect.Effect<void>
  /** It says nothing. */
  readonly kill: Effect.Effect<void>
  /** It reaches nobody, and nobody reaches it; or all is well again. */
  readonly cut: (isCut: boolean) => Effect.Effect<void>
}

/** A place with a group of its own. */
export interface Ground {
  /** Starts servers, one of each priority, and beside each what its app does by its clock. */
  readonly start: (
    priorities: ReadonlyArray<number>,
    work?: (server: Pick<App, "group" | "leadership">) => Effect.Effect<unknown>
  ) => Effect.Effect<ReadonlyArray<App>, unknown, Scope.Scope>
  /** Lets so many ms pass. */
  readonly pass: (millis: number) => Effect.Effect<void>
  /** So long it takes at most, in ms, until a leader that died is replaced. */
  readonly failover: number
}

/** Over a registry. `connect` is asked for one connection for each server; all of them reach the same keys, which are empty. */
export const overRegistry = <E, R>(options: {
  readonly connect: Effect.Effect<Registry, E, R>
  readonly leaseDuration: Duration.Duration
  readonly lag?: Duration.Duration
  readonly pass: (millis: number) => Effect.Effect<void>
}): Effect.Effect<Ground, never, R> =>
  Effect.map(Effect.context<R>(), (context): Ground => ({
    failover: 1.5 * Duration.toMillis(options.leaseDuration) + 3_000,
    pass: options.pass,
    start: (priorities, work = () => Effect.void) =>
      Effect.forEach(priorities, (priority, index) =>
        Effect.gen(function*() {
          const scope = yield* Scope.fork(yield* Effect.scope)
          const { cut, registry } = Cuttable.make(yield* Effect.provide(options.connect, context))
          const server = yield* Scope.provide(
            RegistryServer.make(
              { group: "conformance", name: `n${index}`, hostname: `h${index}`, priority, profile: "fast" },
              registry,
              { name: "memory", leaseDuration: options.leaseDuration, lag: options.lag }
            ),
            scope
          )
          yield* Effect.forkScoped(work(server))
          return { ...server, cut, kill: cut(true), stop: Scope.close(scope, Exit.void) }
        }))
  }))

/** Over a registry in memory, in virtual time. */
export const memory: Effect.Effect<Ground, never, Scope.Scope> = Effect.gen(function*() {
  const registry = yield* MemoryRegistry.make(6_000)
  return yield* overRegistry({
    connect: Effect.sync(registry.link),
    leaseDuration: Duration.seconds(6),
    pass: (millis) => TestClock.adjust(millis)
  })
})

const noon = Date.UTC(2026, 5, 1, 12)

/** On a simulated LAN with leases, in virtual time. */
export const lan: Effect.Effect<Ground, never, Scope.Scope> = Effect.sync(() => {
  let group: SimulatedGroup.SimulatedGroup | undefined
  return {
    failover: 10_000,
    pass: (millis) => Effect.suspend(() => group === undefined ? TestClock.adjust(millis) : group.advance(millis)),
    start: Effect.fnUntraced(function*(priorities, work = () => Effect.void) {
      const size = priorities.length
      const all = group = yield* SimulatedGroup.make({
        servers: size,
        seed: 11,
        clocks: () => ({ wallAhead: noon }),
        app: (server) => work(server),
        settings: (index) => ({
          profile: "fast",
          leadership: "lease",
          groupSize: size,
          name: `n${index}`,
          priority: priorities[index]!,
          unicastPort: 40_000 + index
        })
      })
      const others = (index: number) => priorities.map((_, other) => other).filter((other) => other !== index)
      return yield* Effect.forEach(priorities, (_, index) =>
        Effect.map(all.server(index), (server): App => ({
          group: server.group,
          leadership: server.leadership,
          stop: all.stop(index),
          kill: all.kill(index),
          cut: (isCut) => isCut ? all.partition([[index], others(index)]) : all.heal
        })))
    })
  }
})
