/**
 * The client as an app has it, on the simulated network (protocol 3; 5, messages from clients).
 */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "../../src/client/Client.ts"
import * as Inbox from "../../src/server/Inbox.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as SimulatedNetwork from "../../src/testing/SimulatedNetwork.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

/** Lets time pass until an effect is done. */
const wait = <A, E>(group: SimulatedGroup.SimulatedGroup, effect: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* group.until("it is done", Effect.sync(() => fiber.pollUnsafe() !== undefined), { within: "5 minutes" })
    return yield* Fiber.join(fiber)
  })

const start = (servers: number, options: Partial<SimulatedGroup.Options> = {}) =>
  Effect.gen(function*() {
    const group = yield* SimulatedGroup.make({ servers, seed: 1, ...options })
    if (servers > 0) yield* group.settle()
    return group
  })

const addClient = (group: SimulatedGroup.SimulatedGroup, options?: Client.Options) =>
  Effect.flatMap(group.clients.add(options), group.clients.at)

const read = (messages: Stream.Stream<Inbox.Message>, count: number) =>
  Effect.forkChild(Stream.runCollect(Stream.take(messages, count)), { startImmediately: true })

describe("a client", () => {
  it.effect("is not asked to send within a time that is none", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* start(1)
      const client = yield* addClient(group)
      const send = (wrong: object) => Effect.exit(client.send("a", wrong))
      assert.include(
        String(yield* send({ within: "5 bananas" })),
        "within is \"5 bananas\"; allowed: a duration of 1ms or more"
      )
      assert.include(String(yield* send({ whitin: "5 seconds" })), "whitin is no option; allowed: within")
    })))

  it.effect("waits without end if it is asked to", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* start(1)
      const client = yield* addClient(group, { joinTimeout: "Infinity", sendTimeout: Infinity })
      yield* wait(group, client.join)
      assert.strictEqual(yield* wait(group, client.send("a")), 1)
    })))

  it.effect(
    "joins, sends, and hears what it sent; so does every server's inbox",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(3)
        const inboxes = yield* Effect.forEach(
          [0, 1, 2],
          (index) => Effect.flatMap(group.server(index), ({ inbox }) => read(inbox.messages, 3))
        )
        const client = yield* addClient(group)
        yield* wait(group, client.join)
        assert.isNotNull(yield* client.leader)
        const seqs = yield* wait(
          group,
          Effect.forEach(["a", { b: 1 }, null], (body) => client.send(body), { concurrency: "unbounded" })
        )
        assert.deepStrictEqual(seqs, [1, 2, 3])
        for (const inbox of inboxes) {
          const messages = yield* wait(group, Fiber.join(inbox))
          assert.deepStrictEqual(messages.map(({ body, client, seq }) => [client.name, seq, body]), [
            ["c0", 1, "a"],
            ["c0", 2, { b: 1 }],
            ["c0", 3, null]
          ])
        }
        yield* group.stopClient(0)
        const events = yield* group.clients.events(0)
        assert.deepStrictEqual(events.map(({ event }) => event.event), [
          "LeaderChanged",
          "Joined",
          "MessageReceived",
          "MessageReceived",
          "MessageReceived",
          "MessageAcknowledged",
          "MessageAcknowledged",
          "MessageAcknowledged",
          "Left"
        ])
        yield* group.advance(100)
        for (const index of [0, 1, 2]) {
          const told = (yield* group.events(index)).map(({ event }) => event.event)
          assert.deepStrictEqual(told.filter((name) => name.startsWith("Client")), ["ClientJoined", "ClientLeft"])
        }
        assert.isTrue(Exit.isFailure(yield* Effect.exit(client.send("too late"))))
      })),
    30_000
  )

  it.effect(
    "says what is wrong with a body, with both sizes, and sends nothing",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(1)
        const client = yield* addClient(group, { maxMessageBytes: 512 })
        const tooLarge = yield* Effect.flip(client.send("x".repeat(511)))
        assert.deepInclude(tooLarge, { _tag: "BodyTooLarge", bytes: 513, limit: 512 })
        assert.strictEqual(tooLarge.message, "the body takes 513 bytes of JSON, 512 are allowed")
        const circle: { self?: unknown } = {}
        circle.self = circle
        const nested = JSON.parse(`${"[".repeat(600)}${"]".repeat(600)}`)
        const other = yield* addClient(group)
        assert.include((yield* Effect.flip(other.send(nested))).message, "nested more than 512 deep")
        for (const body of [Number.NaN, () => {}, 1n, undefined, circle]) {
          const error = yield* Effect.flip(client.send(body as never))
          assert.strictEqual(error._tag, "BodyNotJson")
        }
        assert.strictEqual(yield* wait(group, client.send("x".repeat(510))), 1)
      })),
    30_000
  )

  it.effect("says that its queue is full", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* start(0)
      const client = yield* addClient(group)
      for (let at = 0; at < 64 + 1_024; at++) yield* Effect.forkChild(client.send(at), { startImmediately: true })
      const error = yield* Effect.flip(client.send("one more"))
      assert.deepInclude(error, { _tag: "QueueFull", limit: 1_024 })
    })), 30_000)

  it.effect(
    "in a group with no server says what to check; what was sent and not acknowledged may still arrive",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(0)
        const client = yield* addClient(group, { joinTimeout: "1 second" })
        const joining = yield* wait(group, Effect.flip(client.join))
        assert.deepInclude(joining, { _tag: "NobodyLeads", during: "join", within: 1_000, servers: 0, leader: null })
        assert.include(joining.message, "check that a server runs")
        const sending = yield* wait(group, Effect.flip(client.send("a", { within: "2 seconds" })))
        assert.deepInclude(sending, { _tag: "NobodyLeads", during: "send", within: 2_000, mayArrive: true })
        assert.isNull(yield* client.reign)
      })),
    30_000
  )

  it.effect(
    "in a group that nobody leads says so, and how many servers are there",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(0, { settings: { minimumMembers: 3 } })
        yield* group.add
        yield* group.add
        yield* group.advance(2_000)
        const client = yield* addClient(group)
        const error = yield* wait(group, Effect.flip(client.join))
        assert.deepInclude(error, { _tag: "NobodyLeads", leader: null })
        assert.match(error.message, /^nobody leads group "default": \d of its servers are heard/)
        yield* group.add
        yield* group.settle()
        yield* wait(group, client.join)
      })),
    30_000
  )

  it.effect(
    "takes back what it has not sent yet, when its sender is interrupted or does not wait any longer",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(1)
        const client = yield* addClient(group)
        yield* wait(group, client.join)
        yield* group.kill(0)
        const first = yield* Effect.forEach(
          Array.from({ length: 64 }, (_, at) => `m${at}`),
          (body) => Effect.forkChild(client.send(body, { within: "5 minutes" }), { startImmediately: true })
        )
        const interrupted = yield* Effect.forkChild(client.send("interrupted"), { startImmediately: true })
        const error = yield* wait(group, Effect.flip(client.send("too slow", { within: "1 second" })))
        assert.deepInclude(error, { _tag: "NobodyLeads", mayArrive: false })
        yield* Fiber.interrupt(interrupted)
        yield* group.start(0)
        const inbox = yield* Effect.flatMap(group.server(0), ({ inbox }) => read(inbox.messages, 65))
        yield* wait(group, Effect.forEach(first, Fiber.join))
        yield* wait(group, client.send("last"))
        const bodies = (yield* wait(group, Fiber.join(inbox))).map(({ body }) => body)
        assert.deepStrictEqual(bodies, [...Array.from({ length: 64 }, (_, at) => `m${at}`), "last"])
      })),
    30_000
  )

  it.effect("waits until all is acknowledged", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* start(1)
      const client = yield* addClient(group)
      yield* wait(group, client.drain)
      const sending = yield* Effect.forEach(
        [1, 2, 3],
        (body) => Effect.forkChild(client.send(body), { startImmediately: true })
      )
      yield* wait(group, client.drain)
      assert.isTrue(sending.every((fiber) => fiber.pollUnsafe() !== undefined))
    })), 30_000)

  it.effect(
    "that was killed is forgotten after `memberTimeout`, and told",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(2, { settings: { profile: "fast" } })
        const client = yield* addClient(group)
        yield* wait(group, client.join)
        yield* group.clients.kill(0)
        const at = yield* group.now
        yield* group.advance(5_000)
        const left = (yield* group.events(0)).filter(({ event }) => event.event === "ClientLeft")
        assert.deepStrictEqual(left.map(({ event }) => event.event === "ClientLeft" && event.reason._tag), ["Silent"])
        // The client said so 500 ms before at most; then `memberTimeout` of 1.6 s and a sweep of 500 ms.
        assert.isTrue(left[0]!.at - at > 1_100 && left[0]!.at - at <= 2_200)
      })),
    30_000
  )

  it.effect(
    "tells who subscribes to its events what is the case, and all that follows",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(2)
        const client = yield* addClient(group)
        const early = yield* client.subscribe
        assert.deepInclude(early.view, { hasJoined: false, reign: null, members: 0 })
        yield* wait(group, client.join)
        yield* group.advance(5_000)
        const late = yield* client.subscribe
        assert.deepInclude(late.view, { hasJoined: true, members: 2, reign: yield* client.reign })
        const names = (events: typeof late.events, count: number) =>
          Stream.take(events, count).pipe(
            Stream.map(({ event }) => event),
            Stream.runCollect,
            Effect.forkChild({ startImmediately: true })
          )
        const [all, later] = [yield* names(early.events, 4), yield* names(late.events, 2)]
        yield* wait(group, client.send("a"))
        const news = ["MessageReceived", "MessageAcknowledged"]
        assert.deepStrictEqual(yield* wait(group, Fiber.join(all)), ["LeaderChanged", "Joined", ...news])
        assert.deepStrictEqual(yield* wait(group, Fiber.join(later)), news)
        const rest = yield* client.subscribeAfter(late.sequence + 1)
        const last = yield* names(rest.events, 1)
        assert.deepStrictEqual(yield* Fiber.join(last), news.slice(1))
      })),
    30_000
  )
})

describe("without multicast", () => {
  it.effect(
    "a client finds the group by a seed, and goes on with the next leader",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(3, {
          settings: (index) => ({
            profile: "fast",
            multicast: false,
            seeds: ["10.0.0.1:4000"],
            unicastPort: 4_000,
            priority: index
          })
        })
        const client = yield* addClient(group)
        const messages = yield* client.inbox.subscribe
        yield* wait(group, client.join)
        assert.strictEqual(yield* wait(group, client.send("a")), 1)
        yield* group.kill((yield* group.leaders)[0]!)
        assert.strictEqual(yield* wait(group, client.send("b")), 2)
        const reading = yield* read(messages, 2)
        assert.deepStrictEqual((yield* wait(group, Fiber.join(reading))).map(({ body }) => body), ["a", "b"])
        for (const index of yield* group.running) {
          const bodies = (yield* group.events(index)).flatMap(({ event }) =>
            event.event === "MessageReceived" ? [event.body] : []
          )
          assert.deepStrictEqual(bodies, ["a", "b"])
        }
      })),
    30_000
  )
})

describe("the leader by a lease", () => {
  it.effect("serves clients as any other, and the next one goes on", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* start(3, { settings: { profile: "fast", leadership: "lease", groupSize: 3 } })
      const client = yield* addClient(group)
      yield* wait(group, client.join)
      assert.strictEqual(yield* wait(group, client.send("a")), 1)
      yield* group.kill((yield* group.leaders)[0]!)
      assert.strictEqual(yield* wait(group, client.send("b")), 2)
      yield* group.advance(1_000)
      for (const index of yield* group.running) {
        const bodies = (yield* group.events(index)).flatMap(({ event }) =>
          event.event === "MessageReceived" ? [event.body] : []
        )
        assert.deepStrictEqual(bodies, ["a", "b"])
      }
    })), 30_000)
})

describe("a full inbox", () => {
  it.effect(
    "of the leader holds the client back; nothing is lost once it is read",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(1)
        const { inbox } = yield* group.server(0)
        const unread = yield* inbox.subscribe
        const client = yield* addClient(group)
        yield* wait(group, client.join)
        const count = Inbox.capacity + 100
        const sending = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: count }, (_, at) => at), (body) => client.send(body), {
            concurrency: "unbounded"
          }),
          { startImmediately: true }
        )
        yield* group.advance("30 seconds")
        assert.isUndefined(sending.pollUnsafe())
        const received = (yield* group.events(0)).filter(({ event }) => event.event === "MessageReceived")
        assert.lengthOf(received, Inbox.capacity)
        assert.isAbove((yield* Effect.flatMap(group.server(0), (server) => server.group.dropped))["InboxFull"] ?? 0, 0)
        const reading = yield* read(unread, count)
        yield* wait(group, Fiber.join(sending))
        const messages = yield* wait(group, Fiber.join(reading))
        assert.deepStrictEqual(messages.map(({ body }) => body), Array.from({ length: count }, (_, at) => at))
      })),
    30_000
  )

  it.effect(
    "of a server that does not lead holds nobody back, and gets what it missed when it is read",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(2)
        const leader = (yield* group.leaders)[0]!
        const { inbox } = yield* group.server(1 - leader)
        const unread = yield* inbox.subscribe
        const client = yield* addClient(group)
        yield* wait(group, client.join)
        const count = Inbox.capacity + 100
        const bodies = Array.from({ length: count }, (_, at) => at)
        yield* wait(group, Effect.forEach(bodies, (body) => client.send(body), { concurrency: "unbounded" }))
        const reading = yield* read(unread, count)
        assert.deepStrictEqual((yield* wait(group, Fiber.join(reading))).map(({ body }) => body), bodies)
      })),
    30_000
  )

  it.effect(
    "ends with its server, and a reader that stops holds nobody back",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* start(1)
        const { inbox } = yield* group.server(0)
        const all = yield* Effect.forkChild(Stream.runCollect(inbox.messages), { startImmediately: true })
        const scope = yield* Scope.make()
        yield* Effect.asVoid(Scope.provide(inbox.subscribe, scope))
        const client = yield* addClient(group)
        yield* wait(group, client.join)
        yield* Scope.close(scope, Exit.void)
        const bodies = Array.from({ length: Inbox.capacity + 50 }, (_, at) => at)
        yield* wait(group, Effect.forEach(bodies, (body) => client.send(body), { concurrency: "unbounded" }))
        yield* group.stop(0)
        assert.lengthOf(yield* wait(group, Fiber.join(all)), bodies.length)
      })),
    30_000
  )
})

describe("layers", () => {
  class Orders extends Client.Service<Orders>()("test/Orders") {}

  it.live(
    "one client of an app, with settings from code or the environment, and one class for each of several",
    () =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork.make({ seed: 1 })
        const host = yield* network.host("app")
        const names = yield* Effect.all([
          Effect.map(Client.Client, ({ self }) => self.name).pipe(Effect.provide(Client.layer({ name: "code" }))),
          Effect.map(Orders, ({ self }) => self.name).pipe(Effect.provide(Orders.layer({ name: "orders" }))),
          Effect.map(Client.Client, ({ self }) => self.name).pipe(
            Effect.provide(
              Client.layerConfig().pipe(
                Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { BELLWETHER_NAME: "environment" } })))
              )
            )
          ),
          Effect.map(Client.Client, ({ self }) => self.name).pipe(Effect.provide(Client.layer()))
        ]).pipe(Effect.provide(host.layerDatagrams))
        assert.deepStrictEqual(names, ["code", "orders", "environment", "app"])
        const refused = yield* Effect.flip(Effect.scoped(Client.make({ port: 0 }))).pipe(
          Effect.provide(host.layerDatagrams)
        )
        assert.strictEqual(refused._tag, "SettingRefused")
        assert.strictEqual(yield* host.endpoints, 0)
      }),
    30_000
  )

  it.effect("a group with a key has clients with that key", () =>
    VirtualTime.run(Effect.gen(function*() {
      const key = "0".repeat(63) + "1"
      const group = yield* start(2, { settings: { key } })
      const client = yield* addClient(group)
      const stranger = yield* addClient(group, { key: "0".repeat(63) + "2", joinTimeout: "2 seconds" })
      yield* wait(group, client.join)
      assert.strictEqual(yield* wait(group, client.send("sealed")), 1)
      assert.strictEqual((yield* wait(group, Effect.flip(stranger.join)))._tag, "NobodyLeads")
    })), 30_000)
})
