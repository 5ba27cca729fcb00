/**
 * The token that a name and a password are exchanged for. etcd forgets it: after five minutes, when a node starts again, when
 * rights change. Then another one is got, and the question asked again.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Semaphore from "effect/Semaphore"
import * as EtcdFailed from "./EtcdFailed.ts"

export interface Credentials {
  readonly username: string
  readonly password: Redacted.Redacted
}

export interface Tokens {
  /** Asks with the token that there is, and once more with a new one where that is void; null is none. */
  readonly using: <A, R>(
    endpoint: string,
    ask: (token: string | null) => Effect.Effect<A, EtcdFailed.EtcdFailed, R>
  ) => Effect.Effect<A, EtcdFailed.EtcdFailed, R>
}

/** Where etcd asks for no password. */
export const none: Tokens = { using: (_, ask) => ask(null) }

/** `exchange` asks an endpoint for a token. */
export const make = (
  credentials: Credentials,
  exchange: (
    endpoint: string,
    body: { readonly name: string; readonly password: string }
  ) => Effect.Effect<string, EtcdFailed.EtcdFailed>
): Tokens => {
  const mutex = Semaphore.makeUnsafe(1)
  let known: { readonly token: string | null } | null = null
  const authenticate = Effect.fnUntraced(function*(endpoint: string) {
    const body = { name: credentials.username, password: Redacted.value(credentials.password) }
    const token = yield* Effect.catch(
      exchange(endpoint, body),
      (failed): Effect.Effect<string | null, EtcdFailed.EtcdFailed> =>
        // Everybody may do everything there, for now.
        failed.detail.includes("authentication is not enabled")
          ? Effect.succeed(null)
          : Effect.fail(failed.kind === "TokenGone" ? EtcdFailed.refused(endpoint, failed.detail) : failed)
    )
    known = { token }
    return known
  })
  /** Those who find one token void at the same time get one new one. */
  const current = (endpoint: string, isVoid: { readonly token: string | null } | null) =>
    mutex.withPermit(
      Effect.suspend(() => known === null || known === isVoid ? authenticate(endpoint) : Effect.succeed(known))
    )
  const forget = (used: object) =>
    Effect.sync(() => {
      if (known === used) known = null
    })
  return {
    using: Effect.fnUntraced(function*(endpoint, ask) {
      const first = known ?? (yield* current(endpoint, null))
      return yield* ask(first.token).pipe(
        Effect.catchIf(
          ({ kind }) => kind === "TokenGone",
          // Rights are looked at before anything is done: what is asked for is not done twice.
          () => Effect.flatMap(current(endpoint, first), ({ token }) => ask(token))
        ),
        // Some versions hang up, with no word, on a token that they do not know (etcd-io/etcd#20332).
        Effect.tapError(({ isHungUp }) => isHungUp === true ? forget(first) : Effect.void),
        Effect.mapError((failed) => failed.kind === "TokenGone" ? EtcdFailed.refused(endpoint, failed.detail) : failed)
      )
    })
  }
}
