/**
 * etcd's JSON gateway: a POST a question, over any `HttpClient`. An endpoint that fails is left for the next one, and no question
 * takes longer than the limit.
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Answers from "./Answers.ts"
import * as Endpoints from "./Endpoints.ts"
import * as EtcdFailed from "./EtcdFailed.ts"
import * as EtcdVersion from "./EtcdVersion.ts"
import * as Tokens from "./Tokens.ts"

export interface Options {
  /** Such as `http://127.0.0.1:2379`, with nothing after the port. */
  readonly endpoints: readonly [string, ...ReadonlyArray<string>]
  readonly credentials: Tokens.Credentials | null
  /** How long a question may take, in ms, and a watch to begin. */
  readonly limit: number
}

export interface Gateway {
  /** The answer of the endpoint that was well last. Where one did nothing, the next one is asked within the same limit. */
  readonly ask: <A extends Answers.Headed>(
    path: string,
    body: object,
    answer: Schema.Codec<A, unknown>
  ) => Effect.Effect<A, EtcdFailed.EtcdFailed>
  /** Which version the endpoint is that was well last. */
  readonly version: Effect.Effect<string, EtcdFailed.EtcdFailed>
  /** What is told of changes. It is hung up when its reader stops. Each is at another endpoint than the one before. */
  readonly watch: (create: object) => Stream.Stream<Answers.Watched, EtcdFailed.EtcdFailed>
}

type Asked<A, R = never> = Effect.Effect<A, EtcdFailed.EtcdFailed, R>

/** A question to one endpoint. The answer is a success, of which the body is not read yet. */
type Post<R> = (
  endpoint: string,
  path: string,
  body: object
) => (token: string | null) => Asked<HttpClientResponse.HttpClientResponse, R>

const posting =
  <R>(client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, R>): Post<R> =>
  (endpoint, path, body) =>
  (token) =>
    HttpClientRequest.post(`${endpoint}${path}`).pipe(
      HttpClientRequest.bodyJsonUnsafe(body),
      token === null ? (request) => request : HttpClientRequest.setHeader("authorization", token),
      (request) => client.execute(request),
      // A renewal each second or two is nothing to trace, and etcd reads none of those headers.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.mapError((error) => EtcdFailed.ofClient(endpoint, error)),
      Effect.flatMap((response) => successful(endpoint, response))
    )

const successful = Effect.fnUntraced(function*(endpoint: string, response: HttpClientResponse.HttpClientResponse) {
  if (response.status === 200) return response
  const body = yield* Effect.option(response.json)
  return yield* EtcdFailed.ofStatus(endpoint, response.status, Option.getOrUndefined(body))
})

const read = <A>(
  endpoint: string,
  answer: Schema.Codec<A, unknown>,
  response: HttpClientResponse.HttpClientResponse
): Asked<A> =>
  Effect.flatMap(
    Effect.mapError(response.json, (error) => EtcdFailed.ofClient(endpoint, error)),
    (json) => Effect.mapError(Schema.decodeEffect(answer)(json), () => EtcdFailed.ofNonsense(endpoint))
  )

/** Refuses what another cluster says than the first one: each of them would have a leader of its own. */
const oneCluster = () => {
  let known: string | undefined
  return (endpoint: string, cluster: string | undefined): Asked<void> =>
    Effect.suspend(() => {
      known ??= cluster
      return cluster === undefined || cluster === known
        ? Effect.void
        : Effect.fail(
          EtcdFailed.refused(endpoint, `it belongs to another cluster (${cluster}) than those before it (${known})`)
        )
    })
}

/** etcd says it to everybody, at a path beside the gateway. */
const versionAt = (client: HttpClient.HttpClient, endpoint: string, limit: number): Asked<string> =>
  client.execute(HttpClientRequest.get(`${endpoint}/version`)).pipe(
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
    Effect.mapError((error) => EtcdFailed.ofClient(endpoint, error)),
    Effect.flatMap((response) => successful(endpoint, response)),
    Effect.flatMap((response) => read(endpoint, EtcdVersion.Version, response)),
    (version) => inTime(limit, () => endpoint, version),
    Effect.map(({ etcdserver }) => etcdserver)
  )

type SameCluster = ReturnType<typeof oneCluster>

const tokensOf = (credentials: Tokens.Credentials | null, post: Post<never>): Tokens.Tokens =>
  credentials === null ? Tokens.none : Tokens.make(credentials, (endpoint, body) =>
    Effect.flatMap(
      post(endpoint, "/v3/auth/authenticate", body)(null),
      (response) => Effect.map(read(endpoint, Answers.Authenticated, response), ({ token }) => token)
    ))

export const make = Effect.fnUntraced(function*(
  { credentials, endpoints, limit }: Options
): Effect.fn.Return<Gateway, never, HttpClient.HttpClient> {
  const client = yield* HttpClient.HttpClient
  const post = posting(client)
  const tokens = tokensOf(credentials, post)
  const sameCluster = oneCluster()
  const parts = { limit, tokens, sameCluster }
  const asked = Endpoints.make(endpoints)
  return {
    ask: asking(asked, post, parts),
    version: Effect.suspend(() => versionAt(client, asked.current(), limit)),
    // It begins at the second one: what proves a renewal is then said by another node than what tells of changes.
    watch: watching(Endpoints.make(endpoints, 1), posting(HttpClient.withScope(client)), parts)
  }
})

interface Parts {
  readonly limit: number
  readonly tokens: Tokens.Tokens
  readonly sameCluster: SameCluster
}

const hasDoneNothing = ({ kind }: EtcdFailed.EtcdFailed) => kind === "NotDone" || kind === "GatewayOff"

const asking = (
  endpoints: Endpoints.Endpoints,
  post: Post<never>,
  { limit, sameCluster, tokens }: Parts
): Gateway["ask"] =>
<A extends Answers.Headed>(path: string, body: object, answer: Schema.Codec<A, unknown>) => {
  const once = Effect.fnUntraced(function*(endpoint: string) {
    const answered = yield* tokens.using(
      endpoint,
      (token) => Effect.flatMap(post(endpoint, path, body)(token), (response) => read(endpoint, answer, response))
    )
    yield* sameCluster(endpoint, Answers.headerOf(answered).cluster_id)
    return answered
  })
  const from = (tries: number): Asked<A> =>
    Effect.suspend(() => {
      const endpoint = endpoints.current()
      const leave = Effect.sync(() => endpoints.leave(endpoint))
      return once(endpoint).pipe(
        Effect.onInterrupt(() => leave),
        Effect.tapError((failed) => hasDoneNothing(failed) || failed.kind === "Unknown" ? leave : Effect.void),
        Effect.catchIf((failed) => hasDoneNothing(failed) && tries > 1, () => from(tries - 1))
      )
    })
  return inTime(limit, endpoints.current, from(endpoints.count))
}

/** Where time is over, the endpoint that is asked then is to blame. */
const inTime = <A, R>(limit: number, endpoint: () => string, asked: Asked<A, R>): Asked<A, R> =>
  Effect.timeoutOrElse(asked, {
    duration: limit,
    orElse: () => Effect.fail(EtcdFailed.ofTime(endpoint(), limit))
  })

const watching = (
  endpoints: Endpoints.Endpoints,
  post: Post<Scope.Scope>,
  { limit, sameCluster, tokens }: Parts
): Gateway["watch"] =>
(create) =>
  Stream.unwrap(Effect.gen(function*() {
    const endpoint = endpoints.current()
    endpoints.leave(endpoint)
    const asked = tokens.using(endpoint, post(endpoint, "/v3/watch", { create_request: create }))
    const response = yield* inTime(limit, () => endpoint, asked)
    return response.stream.pipe(
      Stream.mapError((error) => EtcdFailed.ofClient(endpoint, error)),
      Stream.decodeText,
      Stream.splitLines,
      Stream.mapEffect((line) =>
        Effect.flatMap(
          Effect.mapError(Schema.decodeEffect(Answers.Line)(line), () => EtcdFailed.ofNonsense(endpoint)),
          ({ error, result }) =>
            result === undefined
              ? Effect.fail(EtcdFailed.ofError(endpoint, error))
              : Effect.as(sameCluster(endpoint, result.header?.cluster_id), result)
        )
      )
    )
  }))
