/**
 * Members that talk on real sockets, on this host's loopback interface only: what is in parts must not fill their buffers.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as NodeServer from "../../src/NodeServer.ts"
import * as Question from "../../src/protocol/model/Question.ts"
import * as Server from "../../src/server/Server.ts"

const here = { group: "node-members-test", port: 47_733, interfaces: ["lo"], ttl: 0, profile: "fast" } as const
const echo = Question.make("echo", { request: Schema.String, response: Schema.String })

it.live(
  "ask for the largest message there and back, under a key, many at once, and each is answered",
  () =>
    Effect.gen(function*() {
      const settings = { ...here, key: Buffer.alloc(32, 7).toString("base64"), maxMessageBytes: 1_048_576 }
      const one = yield* Server.make({ ...settings, name: "one" })
      const other = yield* Server.make({ ...settings, name: "other" })
      yield* other.members.handle(echo, Effect.succeed)
      const isThere = Stream.filter(one.group.changes, ({ members }) => members.length === 2)
      yield* Stream.runHead(isThere)
      const { id } = yield* other.group.self
      const ask = (text: string) => one.members.ask(id, echo, text, { within: "30 seconds" })
      const largest = "\"é".repeat(200_000)
      assert.strictEqual(yield* ask(largest), largest)
      const texts = Array.from({ length: 64 }, (_, at) => `${at}`.repeat(at < 4 ? 20_000 : 1))
      assert.deepStrictEqual(yield* Effect.forEach(texts, ask, { concurrency: "unbounded" }), texts)
      assert.strictEqual((yield* other.group.counters).talk.handled, 65)
    }).pipe(Effect.scoped, Effect.provide(NodeServer.layerDatagrams)),
  60_000
)
