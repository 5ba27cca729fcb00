/**
 * Reading messages of clients without their schema: it says what the schema says, or leaves it to that (protocol, CLIENT_DELIVER and
 * CLIENT_MESSAGE).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Client from "../../src/protocol/model/Client.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import * as QuickRead from "../../src/protocol/wire/QuickRead.ts"
import * as Peer from "./harness/Peer.ts"

const schema = Schema.decodeUnknownResult(Message.Message)

/** What the schema says, where the other says anything. */
const isAgreed = (value: object): boolean => {
  const quick = QuickRead.read(value)
  if (quick === undefined) return false
  assert.deepStrictEqual(Result.getOrThrow(schema(value)), quick)
  return true
}

const plain = {
  ...Peer.delivers("z", 9, 1, "ann", 1),
  topic: "orders",
  part: { at: 0, of: 2 },
  body: { at: 1.5, text: "x".repeat(90), is: true, none: null },
  more: [
    { body: "a" },
    { topic: "orders", body: "b" },
    { seq: 4, body: 1 },
    { client: Peer.sender("bob"), seq: 7, topic: "other", part: { at: 1, of: 2 }, body: null }
  ]
}

const sent = {
  type: "CLIENT_MESSAGE",
  client: Peer.sender("ann"),
  seq: 5,
  oldest: 2,
  refused: 3,
  topic: "orders",
  part: { at: 1, of: 2 },
  body: { at: 1.5, text: "x".repeat(90) },
  more: ["a", 1, null, { is: true }]
}

/** All places of a message in which something else may stand. */
const places = ["type", "from", "term", "leader", "index", "client", "seq", "topic", "part", "body", "more"] as const
const insides = [["from", "id"], ["from", "incarnation"], ["client", "id"], ["client", "name"]] as const

const json = Arbitrary.schema(Schema.Json)

describe("a message that is read without its schema", () => {
  it("is read where it is a usual one, alone and with others", () => {
    assert.isTrue(isAgreed(plain))
    assert.isTrue(isAgreed(Peer.delivers("z", 9, 1, "ann", 1)))
    assert.isTrue(isAgreed({ ...plain, more: [{ client: Peer.sender("bob"), body: 1 }] }))
    assert.isTrue(isAgreed(sent))
    const { more: _, ...alone } = sent
    assert.isTrue(isAgreed({ ...alone, later: "unknown" }))
    assert.isTrue(isAgreed({ ...plain, later: "unknown", from: { ...plain.from, later: 1 } }), "without unknown fields")
  })

  it("is left to the schema where others in it are none", () => {
    for (const other of [5, null, "a", { seq: 4 }]) assert.isFalse(isAgreed({ ...plain, more: [other] }))
  })

  it.prop("says what the schema says, with any JSON in any of its places", [json], ([value]) => {
    for (const place of places) isAgreed({ ...plain, [place]: value })
    for (const [outer, inner] of insides) isAgreed({ ...plain, [outer]: { ...plain[outer], [inner]: value } })
    for (const key of ["client", "seq", "topic", "part", "body"]) {
      isAgreed({ ...plain, more: [{ body: 1, [key]: value }] })
    }
    for (const more of [[value], [{ client: value, body: 1 }], Array.from({ length: 64 }, () => ({ body: value }))]) {
      isAgreed({ ...plain, more })
    }
    for (const place of ["client", "seq", "oldest", "refused", "topic", "part", "body", "more"]) {
      isAgreed({ ...sent, [place]: value })
    }
    isAgreed({ ...sent, more: [value] })
  })

  it("leaves to the schema what is out of its range", () => {
    for (
      const wrong of [
        { term: 2 ** 52 + 1 },
        { index: 0 },
        { seq: 1.5 },
        { leader: "Z".repeat(16) },
        { client: { id: plain.client.id, name: "" } },
        { client: { id: plain.client.id, name: "x".repeat(65) } },
        { topic: "" },
        { topic: "a b" },
        { topic: "x".repeat(33) },
        { topic: 7 },
        { part: 1 },
        { part: null },
        { part: { at: -1, of: 2 } },
        { part: { at: 0, of: 0 } },
        { part: { at: Client.maxParts, of: 2 } },
        { part: { at: 0, of: Client.maxParts + 1 } },
        { more: [{ body: 1, topic: "" }] },
        { body: "x".repeat(511) },
        { body: [1] },
        { body: { deep: {} } },
        { more: Array.from({ length: 64 }, () => ({ body: 1 })) },
        { more: [null] }
      ]
    ) assert.isUndefined(QuickRead.read({ ...plain, ...wrong }), JSON.stringify(wrong))
    for (
      const wrong of [
        { seq: 0 },
        { oldest: 0.5 },
        { refused: 0 },
        { body: { deep: {} } },
        { client: null },
        { topic: "a b" },
        { more: 1 },
        { more: ["a", "x".repeat(511)] },
        { more: Array.from({ length: 64 }, () => 1) }
      ]
    ) assert.isUndefined(QuickRead.read({ ...sent, ...wrong }), JSON.stringify(wrong))
    for (const other of [null, 1, { type: "CLIENT_LEAVE" }]) assert.isUndefined(QuickRead.read(other))
  })
})

describe("whether a body is short enough", () => {
  it.prop("is told as by its JSON", [json, Arbitrary.schema(Schema.String)], ([value, text]) => {
    for (
      const body of [value, text.repeat(9), [value, text], { [text]: value }, "x".repeat(510), "\u0001".repeat(85)]
    ) {
      assert.strictEqual(Client.fits(body), Client.bodyBytes(body) <= Client.maxBodyBytes)
    }
  })

  it("512 bytes are, and one more is not", () => {
    assert.deepStrictEqual(["x".repeat(510), "x".repeat(511), "\u00fc".repeat(255)].map(Client.fits), [
      true,
      false,
      true
    ])
  })
})
