import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as DecodeCache from "../../src/transport/DecodeCache.ts"
import * as Drawn from "../protocol/harness/Drawn.ts"

const encoder = new TextEncoder()
const at = (port: number) => ({ ip: "192.0.2.1", port })
const bodyOf = (value: unknown) => encoder.encode(JSON.stringify(value))

const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_199 }))
/** Which of a few bodies comes, from which of a few sources, and where a byte of it is changed, if anywhere. */
const arrival = Arbitrary.schema(Schema.Struct({ body: Index, source: Index, spoilt: Schema.NullOr(Index) }))

describe("a repeated message (protocol 7)", () => {
  it.prop(
    "is understood as what is said for the first time, whoever says what in whatever order, and spoilt or not",
    [
      Arbitrary.array(Drawn.ofType("SERVER_ALIVE"), { minLength: 2, maxLength: 4 }),
      Drawn.message,
      Arbitrary.array(arrival, { maxLength: 60 })
    ],
    ([heartbeats, other, arrivals]) => {
      const bodies = [...heartbeats, other].map(bodyOf)
      const read = DecodeCache.make()
      for (const { body, source, spoilt } of arrivals) {
        const bytes = bodies[body % bodies.length]!.slice()
        if (spoilt !== null) bytes[spoilt % bytes.length]! ^= 1
        assert.deepStrictEqual(read(bytes, at(1 + source % 3)), Frame.readBody(bytes))
        // The system may use its buffer again.
        bytes.fill(0)
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop("is not read anew if it is a heartbeat, as long as its source is remembered", [
    Drawn.ofType("SERVER_ALIVE")
  ], ([heartbeat]) => {
    const read = DecodeCache.make()
    const first = Result.getOrThrow(read(bodyOf(heartbeat), at(1)))
    for (let port = 2; port <= DecodeCache.capacity; port++) read(bodyOf(heartbeat), at(port))
    assert.strictEqual(Result.getOrThrow(read(bodyOf(heartbeat), at(1))), first)
    read(bodyOf(heartbeat), at(DecodeCache.capacity + 1))
    assert.notStrictEqual(Result.getOrThrow(read(bodyOf(heartbeat), at(1))), first)
  }, { arbitrary: { runs: 3 } })
})
