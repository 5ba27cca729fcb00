/**
 * Bodies in parts (protocol, Large messages): what is taken apart is put together again, and nothing else is.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as HashMap from "effect/HashMap"
import * as Schema from "effect/Schema"
import * as Parts from "../../src/protocol/delivery/Parts.ts"
import * as Client from "../../src/protocol/model/Client.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "./harness/Peer.ts"

type Delivered = Message.Of<"CLIENT_DELIVER">

/** A body as the leader relays it, from this number on. */
const relayed = (client: string, from: number, body: Client.Body, topic?: string): ReadonlyArray<Delivered> => {
  const relays = (piece: Parts.Piece, at: number) => ({
    ...Peer.delivers("z", 9, from + at, client, from + at),
    ...piece
  })
  return Parts.split(body, topic).map(relays)
}

const most = 65_536

/** One that puts together what it hears. */
class One {
  assembly = Parts.none
  now = 0
  dropped = 0
  readonly whole: Array<Parts.Whole> = []

  hear(...messages: ReadonlyArray<Delivered>): this {
    for (const message of messages) {
      const taken = Parts.take(this.assembly, message, this.now, most)
      this.assembly = taken.assembly
      this.dropped += taken.dropped
      if (taken.whole !== undefined) this.whole.push(taken.whole)
    }
    let characters = 0
    for (const [, { text }] of this.assembly.inHand) characters += text.length
    assert.strictEqual(this.assembly.characters, characters)
    return this
  }

  bodies(): ReadonlyArray<Client.Body> {
    return this.whole.splice(0).map(({ body }) => body)
  }
}

const large = (letter: string, length = 2_000) => ({ text: letter.repeat(length) })
const json = Arbitrary.schema(Schema.Json)

describe("a body", () => {
  it("goes as a whole where it fits, with its topic", () => {
    assert.deepStrictEqual(Parts.split("x".repeat(510)), [{ body: "x".repeat(510) }])
    assert.deepStrictEqual(Parts.split(1, "orders"), [{ topic: "orders", body: 1 }])
  })

  it("goes in parts above that, each a text that fits and says which it is of how many", () => {
    const parts = Parts.split("x".repeat(511), "orders")
    assert.deepStrictEqual(parts.map(({ part, topic }) => [topic, part]), [
      ["orders", { at: 0, of: 2 }],
      ["orders", { at: 1, of: 2 }]
    ])
    assert.strictEqual(parts.map(({ body }) => Peer.words(body)).join(""), JSON.stringify("x".repeat(511)))
  })

  it.prop("is the same when it is put together again, with any content", [json, Arbitrary.schema(Schema.String)], (
    [value, text]
  ) => {
    for (const body of [value, text.repeat(200), [text.repeat(90), value], "\"\\\n\u0001".repeat(300)]) {
      const asJson: Client.Body = JSON.parse(JSON.stringify(body))
      const parts = relayed("ann", 1, asJson)
      assert.isTrue(parts.every(({ body }) => Client.fits(body)))
      assert.isAtMost(parts.length, Client.maxParts)
      const one = new One().hear(...parts)
      assert.deepStrictEqual([one.bodies(), one.dropped, one.assembly.characters], [[asJson], 0, 0])
    }
  })

  it("of the largest size has no more parts than a message may, with any letters", () => {
    for (const letter of ["\"", "\\", "é", "€", "😀"]) {
      const bytes = Client.bodyBytes(letter) - 2
      const body = letter.repeat(Math.floor((Client.maxMessageBytes - 2) / bytes))
      assert.isAtMost(Parts.split(body).length, Client.maxParts, letter)
    }
  })
})

describe("parts of a message", () => {
  it("make it with the last one: it has that one's number, and counts each of them", () => {
    const parts = relayed("ann", 4, large("a"), "orders")
    const one = new One().hear(...parts.slice(0, -1))
    assert.deepStrictEqual(one.whole, [])
    one.hear(parts.at(-1)!)
    assert.deepStrictEqual(one.whole, [{
      client: Peer.sender("ann"),
      seq: 3 + parts.length,
      topic: "orders",
      body: large("a"),
      parts: parts.length
    }])
  })

  it("of several clients come between each other", () => {
    const [ann, bob] = [relayed("ann", 1, large("a")), relayed("bob", 1, large("b"))]
    const one = new One().hear(...ann.flatMap((part, at) => [part, bob[at]!]))
    assert.deepStrictEqual([one.bodies(), one.dropped], [[large("a"), large("b")], 0])
  })

  it("of which one is lost are dropped and counted, and the next message is not", () => {
    const parts = relayed("ann", 1, large("a"))
    const next = relayed("ann", 1 + parts.length, large("b"))
    for (const lost of parts.keys()) {
      const one = new One().hear(...parts.toSpliced(lost, 1), ...next)
      assert.deepStrictEqual([one.bodies(), one.dropped], [[large("b")], parts.length - 1], `part ${lost}`)
      one.hear(...parts.toSpliced(lost, 1), Peer.delivers("z", 9, 50, "ann", 50))
      assert.deepStrictEqual(one.bodies(), ["ann 50"])
    }
  })

  it("contradicted: of another topic, another count, no text, or no JSON: are none of it", () => {
    const [first, second, ...rest] = relayed("ann", 1, large("a", 700))
    assert.deepStrictEqual(rest, [])
    const others: ReadonlyArray<Delivered> = [
      { ...second!, topic: "other" },
      { ...second!, part: { at: 1, of: 3 } },
      { ...second!, seq: 3 },
      { ...second!, body: 7 },
      { ...second!, body: "no JSON" }
    ]
    for (const other of others) {
      const one = new One().hear(first!, other)
      assert.deepStrictEqual([one.bodies(), one.dropped], [[], 2])
    }
    const one = new One().hear({ ...first!, part: { at: 5, of: 3 } }, { ...first!, part: { at: 0, of: 1 }, body: "1" })
    assert.deepStrictEqual([one.bodies(), one.dropped], [[1], 1])
  })

  it("of a message that is too large, or nested too deep, are dropped", () => {
    const parts = relayed("ann", 1, "x".repeat(most - 1))
    const one = new One().hear(...parts)
    assert.deepStrictEqual([one.bodies(), one.dropped], [[], parts.length])
    const nested = (depth: number): Client.Body => JSON.parse(`${"[".repeat(depth)}"[\\"["${"]".repeat(depth)}`)
    one.hear(...relayed("ann", 200, nested(Parts.maxDepth)))
    assert.lengthOf(one.bodies(), 1)
    one.hear(...relayed("ann", 300, nested(Parts.maxDepth + 1)))
    assert.lengthOf(one.bodies(), 0)
    assert.strictEqual(Parts.depthOf(`{"a":[1,{"b":"]"}],"c":{}}`), 3)
  })

  it("of too many messages at once: those of which nothing has come for the longest are dropped", () => {
    const one = new One()
    const clients = Array.from({ length: 20 }, (_, at) => Client.ClientId.make(at.toString(16).padStart(16, "0")))
    const parts = relayed("ann", 1, "x".repeat(60_000)).slice(0, -1)
    for (const id of clients) {
      one.now += 1
      one.hear(...parts.map((part) => ({ ...part, client: { id, name: "x" } })))
    }
    assert.isAtMost(one.assembly.characters, 16 * most)
    assert.isFalse(HashMap.has(one.assembly.inHand, clients[0]!))
    assert.isTrue(HashMap.has(one.assembly.inHand, clients[19]!))
    assert.strictEqual(one.dropped % parts.length, 0)
    assert.isAbove(one.dropped, 0)
  })
})
