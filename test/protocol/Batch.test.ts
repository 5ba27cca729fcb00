/**
 * Several messages of clients in one datagram (protocol, Several messages in one datagram): what is packed is taken apart again, with any content.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Batch from "../../src/protocol/delivery/Batch.ts"
import * as Client from "../../src/protocol/model/Client.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Peer from "./harness/Peer.ts"

type Sending = Extract<Batch.Outgoing, { readonly _tag: "Send" }>

const group: Sending["to"] = [null]
const tag = Frame.groupTag("test")

const send = (
  message: Message.Message,
  { batches = true, to = group } = {}
): Sending => ({
  _tag: "Send",
  to,
  message,
  batches
})

const messages = (all: ReadonlyArray<Batch.Outgoing>): ReadonlyArray<Message.Message> =>
  all.flatMap((one) => one._tag === "Send" ? [one.message] : [])

/** What a receiver reads of the frames that hold them. */
const overTheWire = (all: ReadonlyArray<Batch.Outgoing>): ReadonlyArray<Message.Message> =>
  messages(all).map((message) => Result.getOrThrow(Frame.decode(Result.getOrThrow(Frame.encode(message, tag)), tag)))

const relayed = (all: ReadonlyArray<Message.Message>): ReadonlyArray<Message.Message> =>
  all.flatMap((message): ReadonlyArray<Message.Message> =>
    message.type === "CLIENT_DELIVER" ? Batch.delivered(message) : [message]
  )

const delivers = (index: number, client: string, seq: number, body: Client.Body = `${client} ${seq}`) => ({
  ...Peer.delivers("z", 9, index, client, seq),
  body
})

const ack = (client: string, seq: number) =>
  Peer.says("z", { type: "CLIENT_ACK", client: Peer.sender(client).id, seq }, { follows: Peer.reign(9, "z") })

/** Of one client mostly, with next numbers mostly, so that they share datagrams. */
const drawn = Arbitrary.array(
  Arbitrary.schema(Schema.Struct({
    client: Schema.Literals(["ann", "ann", "bob", "c\u0001\u00fc"]),
    skips: Schema.Literals([0, 0, 0, 0, 1]),
    seq: Schema.Literals([1, 2, 3, 4, Number.MAX_SAFE_INTEGER - 1]),
    about: Schema.Literals(["", "", "topic", "part"]),
    body: Client.Body
  })),
  { maxLength: 40 }
)

describe("messages of a client", () => {
  it("share no datagram where they ask for different acknowledgements", () => {
    const echo = { ...Peer.sends("ann", 2), echo: true } as const
    const all = [Peer.sends("ann", 1), echo, { ...Peer.sends("ann", 3), echo: true } as const, Peer.sends("ann", 4)]
    const packed = messages(Batch.pack(all.map((message) => send(message))))
    assert.deepStrictEqual(packed, [all[0]!, { ...echo, more: ["ann 3"] }, all[3]!])
  })

  it("share no datagram with those of another count of refusals, which mean other messages by their numbers", () => {
    const counted = (seq: number, refused: number) => ({ ...Peer.sends("ann", seq), refused })
    const all = [Peer.sends("ann", 1), counted(2, 1), counted(3, 1), counted(4, 2)]
    const packed = messages(Batch.pack(all.map((message) => send(message))))
    assert.deepStrictEqual(packed, [all[0]!, { ...all[1]!, more: ["ann 3"] }, all[3]!])
  })

  it("share no datagram with those of another topic, nor with parts", () => {
    const on = (seq: number, about: Client.About) => ({ ...Peer.sends("ann", seq), ...about })
    const all = [
      on(1, {}),
      on(2, { topic: "orders" }),
      on(3, { topic: "orders" }),
      on(4, { topic: "orders", part: { at: 0, of: 2 } }),
      on(5, { topic: "orders", part: { at: 1, of: 2 } }),
      on(6, { topic: "orders" })
    ]
    const packed = messages(Batch.pack(all.map((message) => send(message))))
    assert.deepStrictEqual(packed, [all[0]!, { ...all[1]!, more: ["ann 3"] }, ...all.slice(3)])
  })
})

describe("messages that the leader relays", () => {
  it("share a datagram: the client and the number of one are left out where they follow from the one before it", () => {
    const all = [delivers(1, "ann", 1), delivers(2, "ann", 2), delivers(3, "bob", 7), delivers(4, "bob", 9)]
    const packed = Batch.pack(all.map((message) => send(message)))
    assert.deepStrictEqual(messages(packed), [{
      ...all[0]!,
      more: [{ body: "ann 2" }, { client: Peer.sender("bob"), seq: 7, body: "bob 7" }, { seq: 9, body: "bob 9" }]
    }])
    assert.deepStrictEqual(relayed(overTheWire(packed)), all)
  })

  it.prop(
    "with any content, fit their datagrams, and are read as they were said, in their order",
    [drawn],
    ([all]) => {
      let index = 0
      const said = all.map(({ about, body, client, seq, skips }) => ({
        ...delivers(index += 1 + skips % 2, client, seq, body),
        ...about === "" ? {} : { topic: "\u00fc \"x\" y" },
        ...about === "part" ? { part: { at: 4_198, of: 4_200 } } : {}
      }))
      // As JSON tells them: it knows no negative zero.
      const asJson = JSON.parse(JSON.stringify(said))
      assert.deepStrictEqual(relayed(overTheWire(Batch.pack(said.map((message) => send(message))))), asJson)
    }
  )

  it("do not share one where another index or reign comes between, they go to others, or there are too many", () => {
    const apart = (...all: ReadonlyArray<Sending>) => assert.deepStrictEqual(Batch.pack(all), all)
    apart(send(delivers(1, "ann", 1)), send(delivers(3, "ann", 2)))
    apart(send(delivers(1, "ann", 1)), send({ ...delivers(2, "ann", 2), term: 10 }))
    apart(send(delivers(1, "ann", 1)), send({ ...delivers(2, "ann", 2), leader: Peer.id("y") }))
    apart(send(delivers(1, "ann", 1)), send(delivers(2, "ann", 2), { to: [Peer.client] }))
    apart(send(delivers(1, "ann", 1), { to: [Peer.client] }), send(delivers(2, "ann", 2), { to: [Peer.elsewhere] }))
    apart(send(delivers(1, "ann", 1, "x".repeat(500))), send(delivers(2, "ann", 2, "x".repeat(500))))
    const many = Batch.pack(Array.from({ length: 65 }, (_, at) => send(delivers(at + 1, "ann", at + 1, 1))))
    assert.deepStrictEqual(relayed(messages(many)).length, 65)
    assert.deepStrictEqual(messages(many).length, 2)
  })

  it("go alone where one of their receivers is too old", () => {
    const all = [1, 2].map((at) => send(delivers(at, "ann", at), { batches: false }))
    assert.deepStrictEqual(Batch.pack(all), all)
  })
})

describe("messages of a client", () => {
  it("share a datagram where their numbers follow each other", () => {
    const all = [1, 2, 3, 5, 6].map((seq) => send(Peer.sends("ann", seq), { to: [Peer.client] }))
    const packed = overTheWire(Batch.pack(all))
    assert.deepStrictEqual(packed, [
      { ...Peer.sends("ann", 1), more: ["ann 2", "ann 3"] },
      { ...Peer.sends("ann", 5), more: ["ann 6"] }
    ])
    assert.deepStrictEqual(
      packed.map((message) => message.type === "CLIENT_MESSAGE" ? Batch.bodies(message) : []),
      [["ann 1", "ann 2", "ann 3"], ["ann 5", "ann 6"]]
    )
  })
})

describe("what else waits", () => {
  it("keeps its place: nothing passes by it", () => {
    const alive = { ...send(Peer.alive("z")), batches: false }
    const all: ReadonlyArray<Batch.Outgoing> = [
      send(delivers(1, "ann", 1)),
      send(ack("ann", 1)),
      alive,
      send(delivers(2, "ann", 2)),
      send(ack("ann", 2)),
      { _tag: "Farewell" }
    ]
    assert.deepStrictEqual(Batch.pack(all), all)
    assert.deepStrictEqual(Batch.pack([send(Peer.joins("ann")), ...all]), [send(Peer.joins("ann")), ...all])
  })

  it("acknowledgements: the newest of each client includes those before it", () => {
    const all = [["ann", 1], ["bob", 4], ["ann", 2], ["bob", 3], ["ann", 2]] as const
    const packed = Batch.pack(all.map(([client, seq]) => send(ack(client, seq), { to: [Peer.client] })))
    assert.deepStrictEqual(
      messages(packed).map((message) => message.type === "CLIENT_ACK" ? [message.client, message.seq] : []),
      [[Peer.sender("bob").id, 4], [Peer.sender("bob").id, 3], [Peer.sender("ann").id, 2]]
    )
  })

  it("one alone, or none, stays as it is", () => {
    for (const all of [[], [send(delivers(1, "ann", 1))]]) assert.strictEqual(Batch.pack(all), all)
  })
})
