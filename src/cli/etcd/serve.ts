/** `serve` with the backend etcd. */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Scope from "effect/Scope"
import * as Etcd from "../../etcd/Etcd.ts"
import * as NodeEtcd from "../../NodeEtcd.ts"
import * as Token from "../../status/http/Token.ts"
import type * as Given from "../given.ts"
import * as Serve from "../serve.ts"
import * as Spawner from "../spawner.ts"
import type * as Flags from "./flags.ts"
import * as EtcdGiven from "./given.ts"

export const serve = Effect.fnUntraced(function*(
  flags: Given.Given,
  etcd: Flags.Flags,
  options: Omit<Serve.Options, "token">
) {
  const given = yield* EtcdGiven.resolve(flags, etcd)
  const { asGiven, settings } = given
  const token = yield* Effect.mapError(Token.read(settings), asGiven)
  const { tls, ...rest } = given.options
  const run = Effect.flatMap(Effect.context<HttpClient.HttpClient>(), (context) =>
    Serve.serveOver({
      settings,
      where: EtcdGiven.where(given.etcd),
      start: (scope) =>
        Scope.provide(Etcd.make(rest), scope).pipe(
          Effect.map(({ group, leadership }) => ({ group, leadership, publishing: null })),
          Effect.provide(context)
        )
    }, { ...options, token }))
  return yield* run.pipe(
    Effect.provide([NodeEtcd.layerClient(tls), Spawner.layer]),
    Effect.mapError((error) => error._tag === "SettingRefused" ? asGiven(error) : error)
  )
})
