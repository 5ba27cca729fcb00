import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as DecodeCache from "../../src/transport/DecodeCache.ts"
import * as Drawn from "../protocol/harness/Drawn.ts"

const encoder = new TextEncoder()
const heartbeat = {
  sender: {
    id: "00000000000000aa",
    ip: "192.0.2.1",
    port: 4_000,
    hostname: "host",
    name: "name",
    priority: 0,
    incarnation: 1,
    tags: {}
  },
  term: 1,
  leader: null,
  heard: 1,
  type: "SERVER_ALIVE",
  interval: 1_000,
  alive: 12
}
const bodyOf = (value: unknown) => encoder.encode(JSON.stringify(value))

/** Of many lengths. */
const Alive = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 120 })),
  Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999_999_999 }))
])
const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_199 }))
/** Which of a few bodies comes, from which of a few sources, and where a byte of it is changed, if anywhere. */
const arrival = Arbitrary.schema(Schema.Struct({ body: Index, source: Index, spoilt: Schema.NullOr(Index) }))

describe("a repeated message (protocol 7)", () => {
  it.prop(
    "is understood as what is said for the first time, said by anyone in any order, and spoilt or not",
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
        assert.deepStrictEqual(read(bytes, `source ${source % 3}`), Frame.readBody(bytes))
        // The system may use its buffer again.
        bytes.fill(0)
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop("is not read anew if it is a heartbeat, as long as its source is remembered", [
    Drawn.ofType("SERVER_ALIVE")
  ], ([heartbeat]) => {
    const read = DecodeCache.make({ heartbeats: 20_000, others: 20_000 })
    const body = bodyOf(heartbeat)
    const first = Result.getOrThrow(read(body, "first"))
    const most = Math.ceil(20_000 / body.length)
    for (let other = 0; other < most - 1; other++) read(body, `other ${other}`)
    assert.strictEqual(Result.getOrThrow(read(body, "first")), first)
    for (let other = 0; other < 2 * most; other++) read(body, `another ${other}`)
    assert.notStrictEqual(Result.getOrThrow(read(body, "first")), first)
  }, { arbitrary: { runs: 3 } })

  it.prop(
    "is understood as a new one where only the number of the leader's signs of life has grown",
    [Drawn.ofType("SERVER_ALIVE"), Arbitrary.array(Arbitrary.schema(Alive), { minLength: 1, maxLength: 20 })],
    ([heartbeat, numbers]) => {
      const read = DecodeCache.make()
      for (const alive of numbers) {
        const body = bodyOf({ ...heartbeat, alive })
        assert.deepStrictEqual(read(body, "source"), Frame.readBody(body))
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it.each([
    ["is no number", `"alive":1x`],
    ["begins with a zero", `"alive":01`],
    ["has a fraction", `"alive":1.5`],
    ["is in another field", `"alive":12,"more":{"alive":34}`],
    ["is there twice", `"alive":12,"alive":34`],
    ["is in a text", `"alive":12,"more":"\\"alive\\":34"`],
    ["has its name spelt otherwise", `"\\u0061live":12,"more":{"alive":34}`]
  ])("is read anew where what stands for that number %s", (_, text) => {
    const plain = JSON.stringify(heartbeat)
    const bodies = [plain, plain.replace(`"alive":12`, text)]
    for (const [first, second] of [bodies, bodies.toReversed()]) {
      const read = DecodeCache.make()
      for (const body of [first!, second!, second!.replaceAll("34", "35"), second!.replaceAll("12", "13")]) {
        const bytes = encoder.encode(body)
        assert.deepStrictEqual(read(bytes, "source"), Frame.readBody(bytes), body)
      }
    }
  })
})
