/** What is looked at before a group in etcd begins. What cannot be mended by waiting is refused; etcd itself is waited for. */
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { EtcdFailed } from "./EtcdFailed.ts"
import * as EtcdRefused from "./EtcdRefused.ts"
import * as EtcdVersion from "./EtcdVersion.ts"
import type * as Gateway from "./Gateway.ts"

/** `prefix` is that of the group's keys, which are asked for: rights are seen by that. */
export const check = (gateway: Gateway.Gateway, prefix: string): Effect.Effect<void, EtcdRefused.EtcdRefused> =>
  gateway.ask("/v3/kv/range", { key: Answers.encoded(prefix) }, Answers.Range).pipe(
    Effect.andThen(warnOfVersion(gateway)),
    Effect.catchTag("EtcdFailed", (failed) => judge(gateway, failed))
  )

const judge = Effect.fnUntraced(function*(gateway: Gateway.Gateway, failed: EtcdFailed) {
  const refused = EtcdRefused.of(failed)
  if (refused.reason === "unreachable") {
    return yield* Effect.logWarning(`etcd is waited for: ${failed.message}`)
  }
  if (refused.reason !== "gateway-off") return yield* refused
  // Before 3.4 the gateway is at other paths.
  const version = yield* Effect.option(gateway.version)
  return yield* version._tag === "Some" && !EtcdVersion.hasGateway(version.value)
    ? new EtcdRefused.EtcdRefused({
      reason: "version",
      endpoint: failed.endpoint,
      detail: `its version is ${version.value}`
    })
    : refused
})

const warnOfVersion = (gateway: Gateway.Gateway) =>
  gateway.version.pipe(
    Effect.flatMap((version) =>
      EtcdVersion.endsLeasesEarly(version)
        ? Effect.logWarning(
          `etcd ${version} may end leases early when its leader stands still, and then another server leads sooner `
            + "(etcd-io/etcd#15247); 3.4.31, 3.5.13 and later do not"
        )
        : Effect.void
    ),
    // Some proxies hand on the gateway alone.
    Effect.ignore
  )
