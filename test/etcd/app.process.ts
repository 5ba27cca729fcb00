/**
 * An app for tests, with its group in etcd: while it leads it writes, each 20 ms, its token to a store, and under the fence of its
 * reign to a key of etcd. It says in lines what becomes of that.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Etcd from "../../src/Etcd.ts"
import * as NodeEtcd from "../../src/NodeEtcd.ts"
import * as Leadership from "../../src/server/Leadership.ts"

const store = process.env["STORE"]!
const etcd = process.env["BELLWETHER_ETCD_ENDPOINTS"]!.split(",")[0]!
const base64 = (text: string) => Buffer.from(text).toString("base64")
const tell = (line: object) => Effect.sync(() => void process.stdout.write(`${JSON.stringify(line)}\n`))

const post = (url: string, body: object) =>
  Effect.tryPromise(async (signal) => {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body), signal })
    return await response.json() as { readonly accepted?: boolean; readonly succeeded?: boolean }
  }).pipe(Effect.timeoutOption("1 second"), Effect.orElseSucceed(Option.none))

/** What reached the store, and was or was not accepted, in the order of the writes. */
const write = Effect.fnUntraced(function*(token: string, fence: Etcd.Fence) {
  const stored = yield* post(store, { token })
  const put = yield* post(`${etcd}/v3/kv/txn`, {
    compare: [{ key: base64(fence.key), target: "CREATE", result: "EQUAL", create_revision: fence.createRevision }],
    success: [{ request_put: { key: base64("/app/token"), value: base64(token) } }]
  })
  yield* tell({
    token,
    stored: Option.getOrUndefined(stored)?.accepted ?? null,
    put: put._tag === "None" ? null : put.value.succeeded ?? false
  })
})

const app = Leadership.Leadership.use(({ whileLeader }) =>
  whileLeader(Effect.gen(function*() {
    const { token } = yield* Leadership.Reign
    yield* tell({ leads: token })
    const fence = yield* Effect.retry(Etcd.fence, { times: 20 })
    return yield* Effect.forever(Effect.andThen(write(token, fence), Effect.sleep("20 millis"))).pipe(
      Effect.onInterrupt(() => tell({ ended: token }))
    )
  }))
)

void Effect.runPromise(Effect.provide(app, NodeEtcd.layerConfig()))
