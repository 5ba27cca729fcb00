/** The conformance cases over etcd: over one in memory, in the test's time, and over three real nodes. */
import { describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import * as EtcdRegistry from "../../src/etcd/EtcdRegistry.ts"
import * as NodeEtcd from "../../src/NodeEtcd.ts"
import { conformance } from "../backend/Conformance.ts"
import * as Ground from "../backend/harness/Ground.ts"
import * as EtcdNodes from "./EtcdNodes.ts"
import { FakeEtcd, layer } from "./FakeEtcd.ts"

const connect = (endpoints: ReadonlyArray<string>) => {
  const [first = "", ...others] = endpoints
  const group = randomUUID()
  return Effect.map(
    EtcdRegistry.make({ endpoints: [first, ...others], credentials: null, ttl: 6, prefix: "/bellwether/", group }),
    ({ registry }) => registry
  )
}

/** A ground whose client lasts as long as it does. */
const ground = (
  endpoints: ReadonlyArray<string>,
  client: Layer.Layer<HttpClient.HttpClient, unknown>,
  pass: (millis: number) => Effect.Effect<void>
): Effect.Effect<Ground.Ground, unknown, Scope.Scope> =>
  Effect.flatMap(Layer.build(client), (context) =>
    Effect.provide(
      Ground.overRegistry({ connect: connect(endpoints), leaseDuration: Duration.seconds(6), pass }),
      context
    ))

/** Answers come as promises, for which the test's time does not wait by itself. */
const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

const passed = (millis: number): Effect.Effect<void> =>
  Effect.repeat(Effect.andThen(TestClock.adjust(10), turn), { times: millis / 10 - 1 }).pipe(Effect.asVoid)

conformance(
  "a group in etcd in memory",
  Effect.suspend(() => ground(["http://etcd-1:2379", "http://etcd-2:2379"], layer(new FakeEtcd()), passed)),
  (effect) => Effect.provide(Effect.scoped(effect), TestClock.layer())
)

describe.skipIf(EtcdNodes.skip)(`three nodes of etcd${EtcdNodes.because}`, { concurrent: true }, () => {
  conformance(
    "a group in them",
    Effect.flatMap(
      EtcdNodes.make(),
      (nodes) => ground(nodes.map(({ url }) => url), NodeEtcd.layerClient(), (millis) => Effect.sleep(millis))
    ),
    Effect.scoped
  )
})
