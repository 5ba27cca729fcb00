/**
 * Topics and large messages on the simulated network, from clients and from servers, with losses and under every leader (protocol, Topics;
 * Large messages; Servers that publish).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Topic from "../../src/protocol/model/Topic.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

const orders = Topic.make("orders", Schema.Struct({ id: Schema.Int, text: Schema.String }))
const others = Topic.make("others", Schema.Int)

const order = (id: number, length = 10) => ({ id, text: "o".repeat(length) })

/** Waits in virtual time until it is over. */
const wait = Effect.fnUntraced(function*<A, E>(group: SimulatedGroup.SimulatedGroup, effect: Effect.Effect<A, E>) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  yield* group.until("it is over", Effect.sync(() => fiber.pollUnsafe() !== undefined))
  return yield* Fiber.join(fiber)
})

const reads = <A>(all: Stream.Stream<A>) =>
  Effect.gen(function*() {
    const read: Array<A> = []
    yield* Effect.forkScoped(Stream.runForEach(all, (one) => Effect.sync(() => void read.push(one))))
    return read
  })

const start = (options: Partial<Parameters<typeof SimulatedGroup.make>[0]> = {}) =>
  SimulatedGroup.make({ servers: 3, seed: 5, settings: { profile: "fast" }, delay: { min: 1, max: 3 }, ...options })

describe("what is published on a topic", () => {
  it.effect(
    "by clients and by servers comes to those who subscribe to it, each publisher's in order, large ones too",
    () =>
      VirtualTime.run(
        Effect.gen(function*() {
          const group = yield* start({ loss: 0.05, duplicate: 0.1, reorder: 0.1 })
          yield* group.settle()
          const client = yield* group.clients.at(yield* group.clients.add())
          const servers = yield* Effect.forEach([0, 1, 2], group.server)
          const seen = [
            yield* reads(yield* client.topics.subscribe(orders)),
            ...yield* Effect.forEach(servers, ({ publishing }) => Effect.flatMap(publishing.subscribe(orders), reads))
          ]
          const apart = yield* reads(yield* servers[0]!.inbox.subscribe)
          yield* wait(group, client.join)
          yield* group.advance(1_000)
          type Publish = (topic: typeof orders, body: ReturnType<typeof order>) => Effect.Effect<number, unknown>
          const ways: ReadonlyArray<Publish> = [client.publish, ...servers.map(({ publishing }) => publishing.publish)]
          const publishing = ways.map((publish, by) =>
            Effect.forEach(
              Array.from({ length: 6 }, (_, at) => order(by * 100 + at, at % 2 === 0 ? 10 : 3_000)),
              (body) => publish(orders, body),
              { concurrency: "unbounded" }
            )
          )
          yield* wait(group, Effect.all([...publishing, client.publish(others, 7)], { concurrency: "unbounded" }))
          yield* group.advance(5_000)
          for (const read of seen) {
            for (const by of [0, 1, 2, 3]) {
              const own = read.filter(({ body }) => Math.floor(body.id / 100) === by)
              const expected = Array.from({ length: 6 }, (_, at) => order(by * 100 + at, at % 2 === 0 ? 10 : 3_000))
              assert.deepStrictEqual(own.map(({ body }) => body), expected)
              if (by > 0) assert.strictEqual(own[0]?.client.name, `s${by - 1}`)
            }
          }
          assert.deepStrictEqual(apart, [])
        }).pipe(Effect.scoped)
      ),
    60_000
  )

  it.effect(
    "by a server reaches all, once, while the leader is killed, and while the publisher comes to lead",
    () =>
      VirtualTime.run(
        Effect.gen(function*() {
          const group = yield* start({ settings: (index: number) => ({ profile: "fast" as const, priority: index }) })
          yield* group.settle()
          const { publishing } = yield* group.server(1)
          const read = yield* reads(yield* (yield* group.server(0)).publishing.subscribe(orders))
          const bodies = Array.from({ length: 60 }, (_, at) => order(at, 700))
          const sending = yield* Effect.forkChild(
            Effect.forEach(bodies, (body) => publishing.publish(orders, body), { concurrency: "unbounded" })
          )
          yield* group.advance(10)
          yield* group.kill(2)
          yield* group.until("all is acknowledged", Effect.sync(() => sending.pollUnsafe() !== undefined))
          const seqs = yield* Fiber.join(sending)
          assert.deepStrictEqual(seqs.toSorted((a, b) => a - b), seqs)
          yield* group.advance(5_000)
          assert.deepStrictEqual(read.map(({ body }) => body), bodies)
        }).pipe(Effect.scoped)
      ),
    60_000
  )

  it.effect("or on the default topic, by a server, comes to each inbox and to each client", () =>
    VirtualTime.run(
      Effect.gen(function*() {
        const group = yield* start()
        yield* group.settle()
        const client = yield* group.clients.at(yield* group.clients.add())
        const servers = yield* Effect.forEach([0, 1, 2], group.server)
        const inboxes = [...servers.map(({ inbox }) => inbox), client.inbox]
        const seen = yield* Effect.forEach(inboxes, ({ subscribe }) => Effect.flatMap(subscribe, reads))
        yield* wait(group, client.join)
        for (const { publishing } of servers) yield* wait(group, publishing.send("from me", { within: "2 seconds" }))
        yield* group.advance(1_000)
        for (const read of seen) {
          assert.sameDeepMembers(read.map(({ body, client }) => [body, client.name]), [
            ["from me", "s0"],
            ["from me", "s1"],
            ["from me", "s2"]
          ])
        }
      }).pipe(Effect.scoped)
    ), 30_000)

  it.effect("and is not of its schema is passed over, counted and told once", () =>
    VirtualTime.run(
      Effect.gen(function*() {
        const group = yield* start({ servers: 1 })
        yield* group.settle()
        const client = yield* group.clients.at(yield* group.clients.add())
        const { group: service, publishing } = yield* group.server(0)
        const read = yield* reads(yield* publishing.subscribe(orders))
        yield* wait(group, client.publish(Topic.make("orders", Schema.Int), 1))
        yield* wait(group, client.publish(orders, order(2)))
        yield* group.advance(100)
        assert.deepStrictEqual(read.map(({ body }) => body.id), [2])
        assert.strictEqual((yield* service.dropped)["BodyRefused"], 1)
        const refused = yield* Effect.flip(client.publish(orders, { id: 1.5, text: "" }))
        assert.strictEqual(refused._tag, "BodyNotJson")
      }).pipe(Effect.scoped)
    ), 30_000)

  it.effect("by a server: says its sizes, that nobody leads, and that it has left", () =>
    VirtualTime.run(
      Effect.gen(function*() {
        const group = yield* start({
          servers: 1,
          settings: { profile: "fast", minimumMembers: 2, maxMessageBytes: 600 }
        })
        const { publishing: { publish } } = yield* group.server(0)
        const large = yield* Effect.flip(publish(orders, order(1, 700)))
        assert.strictEqual(large.message, "the body takes 718 bytes of JSON, 600 are allowed")
        const nobody = yield* wait(group, Effect.flip(publish(orders, order(1), { within: "2 seconds" })))
        assert.deepInclude(nobody, { _tag: "NotPublished", reason: "NoLeader", within: 2_000, mayArrive: false })
        const waiting = yield* Effect.forkChild(Effect.flip(publish(orders, order(1))), { startImmediately: true })
        yield* group.stop(0)
        assert.deepInclude(yield* Fiber.join(waiting), { _tag: "NotPublished", reason: "Left" })
        assert.deepInclude(yield* Effect.flip(publish(orders, order(1))), { _tag: "NotPublished", reason: "Left" })
      }).pipe(Effect.scoped)
    ), 30_000)

  it.effect(
    "fills no inbox that does not subscribe to it, and holds its publisher back where a subscriber does not read",
    () =>
      VirtualTime.run(
        Effect.gen(function*() {
          const group = yield* start({ servers: 1 })
          yield* group.settle()
          const client = yield* group.clients.at(yield* group.clients.add())
          const server = yield* group.server(0)
          const unused = yield* server.inbox.subscribe
          assert.isDefined(unused)
          const publish = (count: number) =>
            Effect.forEach(Array.from({ length: count }), (_, at) => client.publish(others, at), { concurrency: 64 })
          yield* wait(group, publish(600))
          const unread = yield* server.publishing.subscribe(others)
          const held = yield* Effect.forkChild(publish(400), { startImmediately: true })
          yield* group.advance(5_000)
          assert.isUndefined(held.pollUnsafe())
          const read = yield* reads(unread)
          yield* wait(group, Fiber.join(held))
          yield* group.advance(1_000)
          assert.lengthOf(read, 400)
        }).pipe(Effect.scoped)
      ),
    60_000
  )

  for (
    const [how, settings] of [
      ["with a key", { key: Redacted.make("ab".repeat(32)) }],
      ["without multicast", { multicast: false, seeds: ["10.0.0.1:17000", "10.0.0.2:17000"], unicastPort: 17_000 }]
    ] as const
  ) {
    it.effect(`${how}: by a server that follows and by one that leads, to all`, () =>
      VirtualTime.run(
        Effect.gen(function*() {
          const group = yield* start({ settings: { profile: "fast", ...settings } })
          yield* group.settle()
          const servers = yield* Effect.forEach([0, 1, 2], group.server)
          const seen = yield* Effect.forEach(
            servers,
            ({ publishing }) => Effect.flatMap(publishing.subscribe(orders), reads)
          )
          const bodies = [0, 1, 2].map((by) => order(by, 900))
          yield* wait(
            group,
            Effect.forEach(servers, ({ publishing }, by) => publishing.publish(orders, bodies[by]!), {
              concurrency: "unbounded"
            })
          )
          yield* group.advance(1_000)
          for (const read of seen) assert.sameDeepMembers(read.map(({ body }) => body), bodies)
        }).pipe(Effect.scoped)
      ), 30_000)
  }
})
