/** A group's registry in etcd, by its JSON gateway. */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Registry from "../registry/Registry.ts"
import * as Answers from "./Answers.ts"
import { failedIn } from "./EtcdSession.ts"
import * as EtcdSession from "./EtcdSession.ts"
import * as EtcdWatch from "./EtcdWatch.ts"
import * as Gateway from "./Gateway.ts"

export interface Options extends Pick<Gateway.Options, "endpoints" | "credentials"> {
  /** For how long what is bound stays without a renewal, in whole seconds. */
  readonly ttl: number
  /** Ends with a slash. */
  readonly prefix: string
  readonly group: string
}

/** The keys of one group. A name may have slashes: those of group `a/b` are none of group `a`. */
export const prefixOf = ({ group, prefix }: Pick<Options, "prefix" | "group">): string =>
  `${prefix}${encodeURIComponent(group)}/`

/** The registry, the gateway that it asks, and what all its keys begin with there. */
export interface EtcdRegistry {
  readonly registry: Registry.Registry
  readonly gateway: Gateway.Gateway
  readonly prefix: string
}

/** What is put with each removal; see `EtcdWatch`. No key of a registry begins like this. */
const removals = ".removals"

/** A question takes no longer than from one renewal to the next. */
const limitOf = (ttl: number): number => ttl * 1_000 / 6

export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<EtcdRegistry, never, HttpClient.HttpClient> {
  const limit = limitOf(options.ttl)
  const gateway = yield* Gateway.make({ ...options, limit })
  const prefix = prefixOf(options)
  const watch = EtcdWatch.make(gateway, prefix, removals)
  const session = EtcdSession.make({
    gateway,
    ttl: options.ttl,
    prefix,
    onSeen: watch.onSeen,
    removals: prefix + removals
  })
  return {
    gateway,
    prefix,
    registry: {
      watch: watch.changes,
      commit: committing(gateway, session, prefix),
      renew: within(limit, "renew", session.renew),
      close: within(limit, "close", session.close)
    }
  }
})

/** The questions of one operation share the time that one of them has. */
const within = <A>(
  limit: number,
  during: "renew" | "close",
  operation: Effect.Effect<A, Registry.RegistryFailed>
): Effect.Effect<A, Registry.RegistryFailed> =>
  Effect.timeoutOrElse(operation, {
    duration: limit,
    orElse: () =>
      Effect.fail(
        new Registry.RegistryFailed({ during, kind: "Unreachable", detail: `no answer within ${Math.round(limit)} ms` })
      )
  })

/** Changes under conditions: one transaction of etcd. */
const committing = (
  gateway: Gateway.Gateway,
  session: EtcdSession.EtcdSession,
  prefix: string
): Registry.Registry["commit"] =>
  Effect.fnUntraced(function*({ if: conditions, put = [], remove = [] }) {
    const lease = session.current()
    const isBound = put.some(({ bound }) => bound)
    if (isBound && typeof lease === "string") {
      const [kind, detail] = lease === "none"
        ? ["Unreachable", "there is no session yet"] as const
        : ["SessionOver", "the session is over"] as const
      return yield* new Registry.RegistryFailed({ during: "commit", kind, detail })
    }
    const key = (name: string) => Answers.encoded(prefix + name)
    const puts = remove.length > 0 && put.length === 0 ? [{ key: removals, value: "", bound: false }] : put
    const body = {
      compare: conditions.map(({ key: name, version }) =>
        version === null
          ? { key: key(name), target: "CREATE", result: "EQUAL", create_revision: "0" }
          : { key: key(name), target: "MOD", result: "EQUAL", mod_revision: version }
      ),
      success: [
        ...puts.map(({ bound, key: name, value }) => ({
          request_put: {
            key: key(name),
            value: Answers.encoded(value),
            ...bound && typeof lease === "object" ? { lease: lease.id } : {}
          }
        })),
        ...remove.map((name) => ({ request_delete_range: { key: key(name) } }))
      ]
    }
    const { succeeded = false } = yield* gateway.ask("/v3/kv/txn", body, Answers.Txn).pipe(
      Effect.tapError(({ kind }) =>
        Effect.sync(() => {
          if (kind === "LeaseGone" && typeof lease === "object") session.isOver(lease.id)
        })
      ),
      Effect.mapError(failedIn("commit"))
    )
    return succeeded ? "done" : "refused"
  })
