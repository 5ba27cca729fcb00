/**
 * The session of a server: a lease of etcd. A renewal counts where etcd's leader of one term has made it and a majority has followed
 * that leader after: a leader that is deposed renews in its own memory only.
 */
import * as Effect from "effect/Effect"
import * as Registry from "../registry/Registry.ts"
import * as Answers from "./Answers.ts"
import type * as EtcdFailed from "./EtcdFailed.ts"
import type * as Gateway from "./Gateway.ts"

/** What a read saw of all keys: how many there are, and the newest change of those that are there. */
export interface Seen {
  readonly count: string
  readonly revision: string
}

export interface EtcdSession {
  /** The lease; null where there is none. */
  readonly current: () => Lease
  /** The lease is known to be over. */
  readonly isOver: (lease: string) => void
  readonly renew: Effect.Effect<Registry.Renewed, Registry.RegistryFailed>
  readonly close: Effect.Effect<void, Registry.RegistryFailed>
}

/** `none` before the first one, `over` after one that ended. */
export type Lease = { readonly id: string } | "none" | "over"

export interface Options {
  readonly gateway: Gateway.Gateway
  /** In whole seconds. */
  readonly ttl: number
  /** All keys begin with it. */
  readonly prefix: string
  /** Hears of what a read saw. */
  readonly onSeen: (seen: Seen) => void
  /** What is put with each removal, and stands for no key of the group's. */
  readonly removals: string
}

/** What a failure is to those who asked for a renewal: what was not answered they do again. */
export const failedIn =
  (during: Registry.RegistryFailed["during"]) => ({ kind, message }: EtcdFailed.EtcdFailed): Registry.RegistryFailed =>
    new Registry.RegistryFailed({ during, kind: kinds(during)[kind], detail: message })

const kinds = (during: Registry.RegistryFailed["during"]) => ({
  NotDone: "Unreachable",
  Unknown: during === "commit" ? "Unknown" : "Unreachable",
  LeaseGone: "SessionOver",
  TokenGone: "Refused",
  Refused: "Refused",
  GatewayOff: "Refused"
} as const)

const renewFailed = (kind: Registry.RegistryFailed["kind"], detail: string) =>
  new Registry.RegistryFailed({ during: "renew", kind, detail })

export const make = (options: Options): EtcdSession => {
  const { gateway, prefix, removals, ttl } = options
  let lease: Lease = "none"
  const isOver = (id: string) => {
    if (typeof lease === "object" && lease.id === id) lease = "over"
  }
  /** A lease is granted by a majority, or not at all. */
  const grant = Effect.gen(function*() {
    const { ID, TTL } = yield* gateway.ask("/v3/lease/grant", { TTL: String(ttl) }, Answers.Granted)
    lease = { id: ID }
    return { session: ID, ttl: Math.min(ttl, Number(TTL ?? ttl)) * 1_000 }
  }).pipe(Effect.mapError(failedIn("renew")))
  /** The majority's word, and with it what there is. */
  const proof = Effect.gen(function*() {
    const { count = "0", header, kvs = [] } = yield* gateway.ask("/v3/kv/range", {
      key: Answers.encoded(prefix),
      range_end: Answers.encoded(Answers.endOf(prefix)),
      sort_order: "DESCEND",
      sort_target: "MOD",
      limit: "1",
      keys_only: true
    }, Answers.Range)
    options.onSeen({ count, revision: kvs[0]?.mod_revision ?? "0" })
    return header.raft_term
  })
  const keepAlive = Effect.fnUntraced(function*(id: string) {
    const { result } = yield* gateway.ask("/v3/lease/keepalive", { ID: id }, Answers.KeptAlive)
    if (result.TTL === undefined) {
      isOver(id)
      return yield* renewFailed("SessionOver", "etcd has ended the lease")
    }
    // The header was written before etcd's leader was asked, the proof's after it had answered.
    const proved = yield* proof
    if (result.header.raft_term === undefined || proved !== result.header.raft_term) {
      return yield* renewFailed(
        "Unreachable",
        "etcd has changed its leader since: what the former one renewed is in doubt"
      )
    }
    return { session: id, ttl: Math.min(ttl, Number(result.TTL)) * 1_000 }
  }, Effect.mapError((error) => error._tag === "EtcdFailed" ? failedIn("renew")(error) : error))
  return {
    current: () => lease,
    isOver,
    renew: Effect.suspend(() => typeof lease === "object" ? keepAlive(lease.id) : grant),
    close: Effect.suspend(() => typeof lease === "object" ? closing(gateway, lease.id, removals) : Effect.void).pipe(
      Effect.tap(() => Effect.sync(() => lease = "over")),
      Effect.mapError(failedIn("close"))
    )
  }
}

/** What is bound is removed first, as something that its server does: a lease that ends tells nobody why. */
const closing = Effect.fnUntraced(function*(gateway: Gateway.Gateway, id: string, removals: string) {
  const { keys = [] } = yield* gateway.ask("/v3/lease/timetolive", { ID: id, keys: true }, Answers.TimeToLive).pipe(
    // What etcd does not say is not worth a lease that lasts on.
    Effect.orElseSucceed((): Pick<typeof Answers.TimeToLive.Type, "keys"> => ({}))
  )
  if (keys.length > 0) {
    yield* gateway.ask("/v3/kv/txn", {
      compare: keys.slice(0, mostAtOnce).map((key) => ({ key, target: "LEASE", result: "EQUAL", lease: id })),
      success: [
        { request_put: { key: Answers.encoded(removals) } },
        ...keys.slice(0, mostAtOnce).map((key) => ({ request_delete_range: { key } }))
      ]
    }, Answers.Txn).pipe(Effect.ignore)
  }
  yield* Effect.catchIf(
    gateway.ask("/v3/lease/revoke", { ID: id }, Answers.Done),
    ({ kind }) => kind === "LeaseGone",
    () => Effect.void
  )
})

/** etcd takes 128 changes at once. */
const mostAtOnce = 100
