/**
 * One of the servers of a demo, in a process of its own: `serve --json` as anybody runs it, but that its orders come from the demo.
 * The demo holds the other end of its standard input, so that it ends with the demo, however that ends.
 */
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Settings from "../../settings/Settings.ts"
import * as NodeDatagrams from "../../transport/node/NodeDatagrams.ts"
import * as Spawner from "../spawner.ts"
import * as CutOff from "./cutoff.ts"
import * as Orders from "./orders.ts"

const settingsOf = ({ group, groupSize, http, name, port, priority, token }: Orders.Launch) =>
  Settings.make({
    group,
    port,
    name,
    priority,
    http,
    httpToken: token,
    interfaces: ["127.0.0.1"],
    ttl: 0,
    // By its default settings; but under a lease nobody may lead before a promise is over, which by default takes half a minute.
    ...groupSize === null ? {} : { profile: "fast" as const, leadership: "lease" as const, groupSize }
  })

export const serve = Effect.gen(function*() {
  const launched = yield* Deferred.make<Orders.Launch>()
  let isCutOff = false
  const obey = (order: Orders.Order) =>
    Effect.sync(() => {
      if (order.order === "Launch") Deferred.doneUnsafe(launched, Effect.succeed(order))
      else isCutOff = order.order === "CutOff"
    })
  const { stdin } = yield* Stdio.Stdio
  yield* stdin.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.mapEffect((line) => Orders.decode(line)),
    Stream.runForEach(obey),
    Effect.ignore,
    // The demo is gone, and with it everybody who could hear a goodbye.
    Effect.andThen(Effect.sync(() => process.exit(0))),
    Effect.forkScoped
  )
  const settings = yield* settingsOf(yield* Deferred.await(launched))
  const datagrams = Layer.provideMerge(CutOff.layer(() => isCutOff), NodeDatagrams.layer)
  const { serveOver } = yield* Effect.promise(() => import("../lan.ts"))
  return yield* Effect.provide(
    serveOver(settings, { json: true, token: settings.httpToken, logFormat: null }),
    [datagrams, Spawner.layer]
  )
}).pipe(Effect.scoped, Effect.provide(NodeStdio.layer))
