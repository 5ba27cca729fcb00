import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import * as Event from "../../src/protocol/model/Event.ts"
import * as Examples from "../docs/EventExamples.ts"

const readers = [
  ["a server", Schema.decodeUnknownSync(Event.AnyEvent), Schema.encodeSync(Event.Event), Examples.server],
  [
    "a client",
    Schema.decodeUnknownSync(ClientEvent.AnyEvent),
    Schema.encodeSync(ClientEvent.ClientEvent),
    Examples.client
  ]
] as const

describe.each(readers)("an event of %s, read by a program of another version", (_, read, encode, examples) => {
  it("is what it is where it is known, also with fields that are not", () => {
    for (const event of Object.values(examples)) {
      const line = encode(event as never)
      assert.deepStrictEqual(read(line), event)
      assert.deepStrictEqual(read({ ...line, newer: 1 }), event)
    }
  })

  it("is an unknown event where its name is not known, with all that it tells", () => {
    const told = { at: 5, event: "Moonrise", phase: { full: true } }
    assert.deepStrictEqual(read(told), { at: 5, event: "Unknown", told })
  })

  it("is an unknown event where it tells what is not known of one that is", () => {
    const told = { at: 5, event: "MessageLost", client: 7 }
    assert.deepStrictEqual(read(told), { at: 5, event: "Unknown", told })
  })

  it("is refused where it is no event", () => {
    for (
      const none of [null, "Left", {}, { event: "Moonrise" }, { at: "now", event: "Moonrise" }, { at: 5, event: 7 }]
    ) {
      assert.throws(() => read(none))
    }
  })
})

describe("an unknown event", () => {
  it("is written as it was read", () => {
    const told = { at: 5, event: "Moonrise", phase: 1 }
    for (const schema of [Event.AnyEvent, ClientEvent.AnyEvent]) {
      assert.deepStrictEqual(Schema.encodeUnknownSync(schema)(Schema.decodeSync(schema)(told)), told)
    }
  })
})
