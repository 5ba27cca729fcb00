/**
 * Rounds that the leader alone counts, in etcd. Each is written in a transaction under the fence of its reign: etcd itself refuses what
 * a deposed leader sends late, regardless of what that one believes.
 */
import { Leadership } from "bellwether"
import * as Etcd from "bellwether/Etcd"
import { Console, Effect, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"

/** Where the number of the last round is: not among the group's own keys, which are below `/bellwether/`. */
const key = Base64.encode("/example/rounds")

const Range = Schema.Struct({ kvs: Schema.optionalKey(Schema.Array(Schema.Struct({ value: Schema.String }))) })
const Txn = Schema.Struct({ succeeded: Schema.optionalKey(Schema.Boolean) })

const ask = <A>(endpoint: string, path: string, body: object, answer: Schema.Codec<A, unknown>) =>
  HttpClientRequest.post(`${endpoint}${path}`).pipe(
    HttpClientRequest.bodyJsonUnsafe(body),
    HttpClient.execute,
    Effect.flatMap(HttpClientResponse.schemaBodyJson(answer))
  )

/** The number of the last round, 0 before the first one. */
const last = (endpoint: string) =>
  Effect.map(
    ask(endpoint, "/v3/kv/range", { key }, Range),
    ({ kvs = [] }) => kvs[0] === undefined ? 0 : Number(atob(kvs[0].value))
  )

/** Writes a number where this reign still is: true where it was written. */
const write = (endpoint: string, number: number, { createRevision, key: leader }: Etcd.Fence) =>
  Effect.map(
    ask(endpoint, "/v3/kv/txn", {
      compare: [{
        key: Base64.encode(leader),
        target: "CREATE",
        result: "EQUAL",
        create_revision: createRevision
      }],
      success: [{ request_put: { key, value: Base64.encode(String(number)) } }]
    }, Txn),
    ({ succeeded = false }) => succeeded
  )

/** The leader's work: counts on from the last round. */
export const rounds = (endpoint: string, by: string) =>
  Effect.gen(function*() {
    const { token } = yield* Leadership.Reign
    yield* Console.log(`${by} leads, by token ${token}`)
    const fence = yield* Etcd.fence
    let number = yield* last(endpoint)
    while (yield* write(endpoint, number + 1, fence)) {
      yield* Console.log(`${by}: round ${++number}`)
      yield* Effect.sleep("500 millis")
    }
    return yield* Console.log(`${by}: refused, another one leads`)
  }).pipe(
    Effect.onInterrupt(() => Console.log(`${by} leads no more`)),
    // etcd may be away for a moment: the work begins again while the reign lasts.
    Effect.retry({ while: ({ _tag }) => _tag !== "NotLeading" })
  )
