/**
 * Delivery on the simulated network, which loses, doubles and reorders, under every leader (protocol 5,
 * messages from clients).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

type Told = { readonly at: number; readonly event: Event.Event | ClientEvent.ClientEvent }

/** The received messages, client by client, as bodies in order. */
const received = (events: ReadonlyArray<Told>): Record<string, ReadonlyArray<unknown>> => {
  const all: Record<string, Array<unknown>> = {}
  for (const { event } of events) {
    if (event.event === "MessageReceived") (all[event.client.name] ??= []).push(event.body)
  }
  return all
}

const lost = (events: ReadonlyArray<Told>) =>
  events.flatMap(({ event }) => event.event === "MessageLost" ? [event] : [])

const bodies = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at + 1}`)

interface Trouble {
  readonly seed: number
  readonly loss?: number
  readonly duplicate?: number
  readonly reorder?: number
  /** The fate of the leader when half of the messages have been sent. */
  readonly fate: "lives" | "stops" | "dies"
  /** How many a client sends at once; 1 unless set. */
  readonly atOnce?: number
}

const count = 40

/** Three clients send; gives the messages that each receiver has when all is quiet again. */
const runs = Effect.fnUntraced(function*({ atOnce = 1, fate, ...network }: Trouble) {
  const group = yield* SimulatedGroup.make({
    servers: 3,
    settings: { profile: "fast" },
    delay: { min: 1, max: 3 },
    ...network
  })
  const leader = yield* group.settle()
  const shared: Array<string> = []
  yield* group.network.tap(({ payload, what }) => {
    const text = new TextDecoder().decode(payload)
    if (what === "sent" && text.includes("\"more\":[")) shared.push(text)
  })
  for (let at = 0; at < 3; at++) yield* group.clients.add()
  const clients = yield* Effect.forEach([0, 1, 2], group.clients.at)
  const joining = yield* Effect.forkChild(Effect.forEach(clients, ({ join }) => join, { concurrency: "unbounded" }))
  yield* group.until("all have joined", Effect.sync(() => joining.pollUnsafe() !== undefined))
  yield* Fiber.join(joining)
  // A receiver first hears of a client by its join, or by its first message that nothing can come before.
  yield* group.advance(1_000)
  const sending = yield* Effect.forkChild(
    Effect.forEach(
      clients,
      (client) =>
        Effect.forEach(
          bodies(client.self.name, count),
          (body, at) => Effect.andThen(Effect.sleep((at - at % atOnce) * 25), client.send(body)),
          { concurrency: "unbounded" }
        ),
      {
        concurrency: "unbounded",
        discard: true
      }
    )
  )
  yield* group.advance(count * 25 / 2)
  const died = yield* group.now
  if (fate === "stops") yield* group.stop(leader)
  if (fate === "dies") yield* group.kill(leader)
  yield* group.until("all is acknowledged", Effect.sync(() => sending.pollUnsafe() !== undefined))
  yield* Fiber.join(sending)
  yield* group.advance(5_000)
  const servers = yield* Effect.forEach(yield* group.running, group.events)
  return {
    all: [...servers, ...(yield* Effect.forEach([0, 1, 2], group.clients.events))],
    died,
    shared,
    ids: new Map<string, string>(clients.map(({ self }) => [self.name, self.id]))
  }
})

const run = (trouble: Trouble) => Effect.map(runs(trouble), ({ all }) => all)

const everything = { c0: bodies("c0", count), c1: bodies("c1", count), c2: bodies("c2", count) }

describe("the messages of three clients reach all, each client's in its order, each once", () => {
  for (const loss of [0, 0.1, 0.3]) {
    it.effect(`with ${100 * loss} % of all datagrams lost`, () =>
      VirtualTime.run(Effect.gen(function*() {
        for (const events of yield* run({ seed: 1, loss, fate: "lives" })) {
          assert.deepStrictEqual(received(events), everything)
          assert.deepStrictEqual(lost(events), [])
        }
      })), 60_000)
  }

  it.effect("with duplicates and datagrams that overtake each other", () =>
    VirtualTime.run(Effect.gen(function*() {
      for (const events of yield* run({ seed: 2, loss: 0.05, duplicate: 0.3, reorder: 0.3, fate: "lives" })) {
        assert.deepStrictEqual(received(events), everything)
        assert.deepStrictEqual(lost(events), [])
      }
    })), 60_000)

  it.effect("while the leader leaves", () =>
    VirtualTime.run(Effect.gen(function*() {
      for (const events of yield* run({ seed: 3, fate: "stops" })) {
        assert.deepStrictEqual(received(events), everything)
      }
    })), 60_000)

  it.effect("while the leader leaves, and some is lost", () =>
    VirtualTime.run(Effect.gen(function*() {
      for (const events of yield* run({ seed: 4, loss: 0.1, duplicate: 0.1, reorder: 0.1, fate: "stops" })) {
        assert.deepStrictEqual(received(events), everything)
      }
    })), 60_000)

  it.effect("while the leader is killed", () =>
    VirtualTime.run(Effect.gen(function*() {
      for (const events of yield* run({ seed: 5, fate: "dies" })) {
        assert.deepStrictEqual(received(events), everything)
      }
    })), 60_000)

  for (const fate of ["lives", "stops", "dies"] as const) {
    it.effect(
      `twenty at once share datagrams, and nothing is lost with one that is, while the leader ${fate}`,
      () =>
        VirtualTime.run(Effect.gen(function*() {
          const loss = fate === "dies" ? 0 : 0.1
          const { all, shared } = yield* runs({ seed: 6, loss, duplicate: 0.2, reorder: 0.3, fate, atOnce: 20 })
          for (const type of ["CLIENT_MESSAGE", "CLIENT_DELIVER"]) {
            assert.isTrue(shared.some((text) => text.includes(type)))
          }
          for (const events of all) {
            assert.deepStrictEqual(received(events), everything)
            assert.deepStrictEqual(lost(events), [])
          }
        })),
      60_000
    )
  }

  it.effect(
    "while the leader is killed, and some is lost: all but what it alone acknowledged, and that is told",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        for (const seed of [100, 101, 102]) {
          const { all, died, ids } = yield* runs({ seed, loss: 0.3, duplicate: 0.2, reorder: 0.2, fate: "dies" })
          const byTheDead = all.flatMap((events) =>
            events.flatMap(({ at, event }) => event.event === "MessageAcknowledged" && at <= died ? [event.seq] : [])
          )
          for (const events of all) {
            const got = received(events)
            for (const [name, sent] of Object.entries(everything)) {
              const missing = sent.filter((body) => !(got[name] ?? []).includes(body))
              assert.deepStrictEqual(got[name], sent.filter((body) => !missing.includes(body)), "in order, each once")
              for (const body of missing) {
                const seq = Number(body.split(" ")[1])
                assert.include(byTheDead, seq)
                assert.isTrue(
                  lost(events).some((event) => event.client === ids.get(name) && event.from <= seq && seq <= event.to)
                )
              }
            }
          }
        }
      })),
    60_000
  )
})

describe("a client that does not reach the leader (protocol, Clients)", () => {
  it.effect("is there for the servers that hear it, reported once; and learns which leader does not answer", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: 2,
        settings: (index) => ({ profile: "fast", priority: index })
      })
      yield* group.settle()
      const client = yield* group.clients.at(yield* group.clients.add())
      yield* group.advance("2 seconds")
      yield* group.network.cut("s2", "c0")
      yield* group.network.cut("c0", "s2")
      const sending = yield* Effect.forkChild(Effect.flip(client.send("x", { within: "20 seconds" })))
      yield* group.advance("5 minutes")
      const told = (yield* group.events(0)).map(({ event }) => event.event).filter((event) =>
        event.startsWith("Client")
      )
      assert.deepStrictEqual(told, ["ClientJoined"])
      assert.match(
        (yield* Fiber.join(sending)).message,
        /^the leader of group "default" at 10\..* did not answer within/
      )
    })))
})
