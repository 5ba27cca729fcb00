/** A registry over etcd in memory, whose faults a test decides. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as EtcdRegistry from "../../src/etcd/EtcdRegistry.ts"
import type * as Registry from "../../src/registry/Registry.ts"
import { failure } from "../backend/RegistryCases.ts"
import { type FakeEtcd, layer } from "./FakeEtcd.ts"

export const endpoints = ["http://etcd-1:2379", "http://etcd-2:2379", "http://etcd-3:2379"] as const

export const options: EtcdRegistry.Options = {
  endpoints,
  credentials: null,
  ttl: 6,
  prefix: "/bellwether/",
  group: "orders"
}

/** From one renewal to the next, in ms. */
export const interval = 1_000

/** A registry, and the changes of one watch that began before anything else. */
export const within = <A, E>(
  etcd: FakeEtcd,
  test: (registry: Registry.Registry) => Effect.Effect<A, E, Scope.Scope | HttpClient.HttpClient>,
  given: Partial<EtcdRegistry.Options> = {}
) =>
  Effect.scoped(Effect.flatMap(EtcdRegistry.make({ ...options, ...given }), ({ registry }) => test(registry))).pipe(
    Effect.provide(layer(etcd))
  )

/** What a question comes to when nothing answers until its time is over. */
export const late = Effect.fnUntraced(function*<A>(effect: Effect.Effect<A, Registry.RegistryFailed>) {
  const asked = yield* Effect.forkChild(failure(effect))
  yield* Effect.yieldNow
  yield* TestClock.adjust(interval)
  return yield* Fiber.join(asked)
})

/** Something else happens just before etcd does what is asked at this path. */
export const before = (etcd: FakeEtcd, path: string, act: () => void): void => {
  const answer = etcd.answer.bind(etcd)
  etcd.answer = (asked) => {
    if (asked.path === path) act()
    return answer(asked)
  }
}
