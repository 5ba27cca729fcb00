/**
 * Examines etcd for a group: each endpoint by itself, then what a server needs of them together. It changes nothing of the group's: it
 * puts one key of its own, bound to a short lease, and watches that it is gone when the lease is over.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Answers from "../../etcd/Answers.ts"
import type { EtcdFailed } from "../../etcd/EtcdFailed.ts"
import * as EtcdRegistry from "../../etcd/EtcdRegistry.ts"
import * as EtcdWatch from "../../etcd/EtcdWatch.ts"
import * as Gateway from "../../etcd/Gateway.ts"
import * as RegistryAnswer from "../../registry/RegistryAnswer.ts"
import type { Endpoint, EtcdObservations, Failure } from "./EtcdObservations.ts"

/** What is examined. `limit` is how long one question may take, in ms. */
export interface Options extends Gateway.Options {
  readonly group: string
  readonly prefix: string
}

const failureOf = ({ detail, isUntrusted, kind }: EtcdFailed): Failure => ({
  kind,
  detail,
  untrusted: isUntrusted === true
})

const now = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)

/** How long it took, and why it failed if it did. */
const timed = <A, R>(asked: Effect.Effect<A, EtcdFailed, R>) =>
  Effect.gen(function*() {
    const begin = yield* now
    const failure = yield* Effect.match(asked, { onSuccess: () => null, onFailure: failureOf })
    return { took: (yield* now) - begin, failure }
  })

const endpoint = Effect.fnUntraced(function*(url: string, options: Options): Effect.fn.Return<
  Endpoint,
  never,
  HttpClient.HttpClient
> {
  const gateway = yield* Gateway.make({ ...options, endpoints: [url] })
  const below = { key: Answers.encoded(options.prefix), range_end: Answers.encoded(Answers.endOf(options.prefix)) }
  const [version, status, read] = yield* Effect.all([
    Effect.option(gateway.version),
    Effect.option(gateway.ask("/v3/maintenance/status", {}, Answers.Status)),
    timed(gateway.ask("/v3/kv/range", { ...below, limit: "1", keys_only: true }, Answers.Range))
  ], { concurrency: "unbounded" })
  return {
    url,
    version: Option.getOrNull(version),
    status: Option.getOrNull(Option.map(status, ({ errors = [], header, leader = "0" }) => ({
      cluster: header.cluster_id ?? "",
      node: header.member_id ?? "",
      leader: leader === "0" ? null : leader,
      errors
    }))),
    read
  }
})

/** The shortest that etcd grants by its default settings, in seconds. */
const shortest = 2

/** For how long after its end a lease is waited for, in ms: as late as that, it is told. */
const patience = 4_000

const lookEvery = "100 millis"

/** Puts a key that is bound to a lease, and waits until it is gone. */
const lease = Effect.fnUntraced(function*(gateway: Gateway.Gateway, key: string) {
  const begin = yield* now
  const since = Effect.map(now, (at) => Math.round(at - begin))
  const granted = yield* gateway.ask("/v3/lease/grant", { TTL: String(shortest) }, Answers.Granted)
  const encoded = Answers.encoded(key)
  const isThere = Effect.map(
    gateway.ask("/v3/kv/range", { key: encoded, count_only: true }, Answers.Range),
    ({ count = "0" }) => count !== "0"
  )
  const watch = Effect.gen(function*() {
    const put = yield* timed(gateway.ask("/v3/kv/put", { key: encoded, lease: granted.ID }, Answers.Done))
    if (put.failure !== null) return { write: put, lease: null }
    const ttl = Number(granted.TTL ?? shortest) * 1_000
    let there = yield* since
    while (there < ttl + patience) {
      const asked = yield* since
      // What is not answered says neither.
      const found = yield* Effect.option(isThere)
      if (Option.isSome(found) && !found.value) {
        return { write: put, lease: { ttl, waited: yield* since, ended: { there, gone: yield* since } } }
      }
      if (Option.isSome(found)) there = asked
      else if ((yield* since) > ttl + patience) break
      yield* Effect.sleep(lookEvery)
    }
    return { write: put, lease: { ttl, waited: there, ended: null } }
  })
  return yield* Effect.ensuring(watch, Effect.ignore(gateway.ask("/v3/lease/revoke", { ID: granted.ID }, Answers.Done)))
})

/** All of it. It takes the time of the shortest lease, and a question or two more where etcd is away. */
export const examine = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<EtcdObservations, never, HttpClient.HttpClient> {
  const begin = yield* now
  const endpoints = yield* Effect.forEach(options.endpoints, (url) => endpoint(url, options), {
    concurrency: "unbounded"
  })
  const [first, ...others] = endpoints.filter(({ read }) => read?.failure === null).map(({ url }) => url)
  const own = EtcdRegistry.prefixOf(options)
  const none = { write: null, lease: null, members: null, leader: null }
  const known = first === undefined ? none : yield* Effect.gen(function*() {
    const gateway = yield* Gateway.make({ ...options, endpoints: [first, ...others] })
    const key = `${own}.doctor/${yield* Random.nextIntBetween(0, 2 ** 31)}`
    const [tried, answer] = yield* Effect.all([
      Effect.match(lease(gateway, key), {
        onSuccess: (tried) => tried,
        onFailure: (failed) => ({ write: { took: 0, failure: failureOf(failed) }, lease: null })
      }),
      Effect.option(EtcdWatch.picture(gateway, own))
    ], { concurrency: "unbounded" })
    const { leader = null, members = null } = Option.getOrElse(
      Option.map(answer, ({ entries }) => RegistryAnswer.of(entries)),
      (): Partial<RegistryAnswer.RegistryAnswer> => ({})
    )
    return { ...tried, members, leader: leader?.id ?? null }
  })
  return {
    group: options.group,
    prefix: options.prefix,
    authenticated: options.credentials !== null,
    lasted: Math.round((yield* now) - begin),
    endpoints,
    ...known
  }
})
