/**
 * Messages of clients in a group some of whose servers are too old to read several in one datagram (protocol, Several messages in one datagram).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { Output } from "../../src/protocol/model/Output.ts"
import * as Topic from "../../src/protocol/model/Topic.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

/** What an older program does not know. */
type Later = Readonly<Partial<Record<"batches" | "more" | "part" | "topic" | "topics", unknown>>>

/** As an older program reads a message, and says it: without the fields that it does not know. */
const asOlder = <M extends Message.Message>(message: M): M => {
  const { batches: _, more: __, part: ____, topic: _____, topics: ______, ...known } = message as M & Later
  if (!("sender" in known)) return known as unknown as M
  const { batches: ___, topics: _______, ...sender } = (known as unknown as Message.FromServer).sender
  return { ...known, sender } as unknown as M
}

/** Servers of which those of these names are older. */
const withOlder = (names: ReadonlyArray<string>): typeof Step.step => (state, input, now) => {
  if (!names.includes(state.self.name)) return Step.step(state, input, now)
  const heard = input._tag === "Received" ? { ...input, message: asOlder(input.message) } : input
  const [after, outputs] = Step.step(state, heard, now)
  return [after, outputs.map(saidAsOlder)]
}

const saidAsOlder = (output: Output): Output => {
  if (output._tag === "Ask") return { ...output, message: asOlder(output.message) }
  if (output._tag !== "Send") return output
  const { batches: _, ...send } = output
  return { ...send, message: asOlder(send.message) }
}

const count = 60

/** Two clients send all at once, twice. Gives what each server received of whom, and how many datagrams held several. */
const run = Effect.fnUntraced(function*(older: ReadonlyArray<string>) {
  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed: 7,
    loss: 0.05,
    settings: (index) => ({ profile: "fast", name: `s${index}` }),
    transition: withOlder(older)
  })
  const shared = { CLIENT_MESSAGE: 0, CLIENT_DELIVER: 0 }
  yield* group.network.tap(({ payload, via, what }) => {
    const text = new TextDecoder().decode(payload)
    // What is said again to one that asked is that one's alone.
    if (via === "unicast" && text.includes("CLIENT_DELIVER")) return
    for (const type of ["CLIENT_MESSAGE", "CLIENT_DELIVER"] as const) {
      if (what === "sent" && text.includes(type) && text.includes("\"more\":[")) shared[type] += 1
    }
  })
  yield* group.settle()
  const clients = [
    yield* group.clients.at(yield* group.clients.add()),
    yield* group.clients.at(yield* group.clients.add())
  ]
  yield* group.advance("2 seconds")
  const sending = yield* Effect.forkChild(Effect.forEach(
    clients,
    ({ self, send }) =>
      Effect.forEach(Array.from({ length: count }, (_, at) => `${self.name} ${at}`), (body) => send(body), {
        concurrency: "unbounded"
      }),
    { concurrency: "unbounded" }
  ))
  yield* group.until("all is acknowledged", Effect.sync(() => sending.pollUnsafe() !== undefined))
  yield* Fiber.join(sending)
  yield* group.advance("5 seconds")
  for (const index of [0, 1, 2]) {
    const received = (yield* group.events(index)).flatMap(({ event }) =>
      event.event === "MessageReceived" && typeof event.body === "string" ? [event.body] : []
    )
    for (const { self } of clients) {
      const own = received.filter((body) => body.startsWith(`${self.name} `))
      assert.deepStrictEqual(own, Array.from({ length: count }, (_, at) => `${self.name} ${at}`), "in order, each once")
    }
  }
  return shared
})

describe("a group of servers of several versions", () => {
  it.effect("puts messages together where all servers read that", () =>
    VirtualTime.run(Effect.gen(function*() {
      const shared = yield* run([])
      assert.isAbove(shared.CLIENT_MESSAGE, 0)
      assert.isAbove(shared.CLIENT_DELIVER, 0)
    })), 60_000)

  it.effect(
    "relays one in a datagram while any server is older",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        for (const name of ["s0", "s1", "s2"]) {
          assert.strictEqual((yield* run([name])).CLIENT_DELIVER, 0, name)
        }
      })),
    60_000
  )

  it.effect(
    "is sent one in a datagram by clients while its leader is older",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        assert.deepStrictEqual(yield* run(["s0", "s1", "s2"]), { CLIENT_MESSAGE: 0, CLIENT_DELIVER: 0 })
      })),
    60_000
  )
})

describe("topics and large messages in a group of servers of several versions (protocol, Topics)", () => {
  const orders = Topic.make("orders", Schema.String)

  it.effect(
    "are refused with the name of a server that is too old, under every leader, and it reads none of them as something else",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        for (const name of ["s0", "s2"]) {
          const group = yield* SimulatedGroup.make({
            servers: 3,
            seed: 7,
            settings: (index) => ({ profile: "fast", name: `s${index}`, priority: index }),
            transition: withOlder([name])
          })
          yield* group.settle()
          const client = yield* group.clients.at(yield* group.clients.add())
          const { publishing } = yield* group.server(1)
          const calls: ReadonlyArray<Effect.Effect<number, { readonly _tag: string }>> = [
            client.publish(orders, "x"),
            client.send("x".repeat(600)),
            publishing.publish(orders, "x")
          ]
          for (const call of calls) {
            const refused = yield* Effect.forkChild(Effect.flip(call), { startImmediately: true })
            yield* group.until("it is refused", Effect.sync(() => refused.pollUnsafe() !== undefined))
            const error = yield* Fiber.join(refused)
            assert.strictEqual(error._tag, "OlderReaders")
            if (name === "s0") assert.deepStrictEqual("members" in error ? error.members : [], [name])
          }
          const sent = yield* Effect.forkChild(client.send("for all"), { startImmediately: true })
          yield* group.until("it is acknowledged", Effect.sync(() => sent.pollUnsafe() !== undefined))
          // It does not wait for those that were refused.
          yield* group.advance("500 millis")
          for (const index of [0, 1, 2]) {
            const bodies = (yield* group.events(index)).flatMap(({ event }) =>
              event.event === "MessageReceived" ? [event.body] : []
            )
            assert.deepStrictEqual(bodies, ["for all"])
          }
        }
      })),
    60_000
  )
})
