/**
 * The observer of an app, on a simulated network: what it shows, and what it costs the group.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Observer from "../../src/client/Observer.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as World from "../simulation/World.ts"

const fast = { profile: "fast" } as const

/** An observer on a machine of its own, and all that it tells from its start on. */
const observe = Effect.fnUntraced(function*(world: World.World, options: Settings.Options = {}, name = "observer") {
  const host = yield* world.network.host(name)
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const observer = yield* Observer.make({ ...fast, ...options }).pipe(
    Effect.provide(host.layerDatagrams),
    Scope.provide(scope)
  )
  const events: Array<Event.Event> = []
  const { view } = yield* Scope.provide(observer.subscribe, scope)
  const reading = yield* Effect.forkDetach(
    Stream.runForEach(observer.events, (event) => Effect.sync(() => events.push(event))),
    { startImmediately: true }
  )
  const names = Effect.map(observer.members, (members) => members.map(({ name }) => name))
  const sent = Effect.map(observer.volume, ({ sent }) => sent)
  return { observer, events, view, reading, names, sent, host, close: Scope.close(scope, Exit.void) }
})

/** A group that has settled, and an observer of it. */
const observed = Effect.fnUntraced(function*(
  servers: number,
  options: Settings.Options = {},
  own: Settings.Options = options
) {
  const world = yield* World.make({ seed: "observer" })
  const nodes = yield* world.startAll(servers, { ...fast, ...options })
  yield* World.pass(5_000)
  const seen = yield* observe(world, own)
  yield* World.pass(1_000)
  return { world, nodes, ...seen }
})

const told = (events: ReadonlyArray<Event.Event>) =>
  events.flatMap((event) => {
    switch (event.event) {
      case "MemberJoined":
        return [`${event.member.name} joined`]
      case "MemberRemoved":
        return [`${event.member.name} ${event.reason._tag}`]
      case "LeaderChanged":
        return [`${event.leader?.name ?? "nobody"} leads`]
      default:
        return [event.event]
    }
  })

describe("the observer of an app", () => {
  it.effect("sees the group and tells of everybody in it, from an empty view on", () =>
    Effect.gen(function*() {
      const { events, names, nodes, observer, view } = yield* observed(3)
      assert.deepStrictEqual(view, { members: [], reign: null, term: 0, isFollowed: false })
      yield* observer.followed
      assert.deepStrictEqual(yield* names, ["s1", "s2", "s3"])
      assert.sameMembers(told(events).filter((line) => line.endsWith("joined")), [
        "s1 joined",
        "s2 joined",
        "s3 joined"
      ])
      assert.strictEqual((yield* observer.leader)?.name, "s1")
      const { isFollowed, reign, term } = yield* observer.view
      assert.isTrue(isFollowed)
      assert.strictEqual(reign?.leader.id, nodes[0]!.self.id)
      assert.strictEqual(term, nodes[0]!.reign()?.term)
      const { hostname, incarnation, ip, port } = nodes[0]!.self
      assert.deepInclude((yield* observer.members)[0], { hostname, incarnation, ip, port, priority: 3, tags: {} })
    }))

  it.effect("gives the view of now to who comes later, and every later event with the view after it", () =>
    Effect.gen(function*() {
      const { nodes, observer } = yield* observed(3)
      const { events, view } = yield* observer.subscribe
      assert.deepStrictEqual(view, yield* observer.view)
      const next = yield* Effect.forkDetach(
        Stream.runHead(
          Stream.mapEffect(events, (event) => Effect.map(observer.members, ({ length }) => [event, length]))
        ),
        { startImmediately: true }
      )
      yield* nodes[2]!.leave
      yield* World.pass(1_000)
      const found = yield* Fiber.join(next)
      assert.isTrue(found._tag === "Some" && (found.value[0] as Event.Event).event === "MemberRemoved")
      assert.isTrue(found._tag === "Some" && found.value[1] === 2)
    }))

  it.effect("says nothing where multicast works, while servers join, leave, crash and lead", () =>
    Effect.gen(function*() {
      const { events, names, nodes, observer, sent, world } = yield* observed(5)
      const atFirst = yield* sent
      assert.isAtMost(atFirst, 3)
      yield* nodes[4]!.leave
      yield* World.pass(10_000)
      yield* world.start("s6", fast)
      yield* World.pass(10_000)
      yield* nodes[3]!.kill
      yield* World.pass(10_000)
      yield* nodes[0]!.kill
      yield* World.pass(10_000)
      yield* world.start("s1", { ...fast, priority: 9 })
      yield* World.pass(120_000)
      assert.deepStrictEqual(yield* names, ["s1", "s2", "s3", "s6"])
      assert.strictEqual((yield* observer.leader)?.name, "s1")
      assert.includeMembers(told(events), ["s5 Left", "s6 joined", "s4 Silent", "s1 Silent", "s2 leads"])
      assert.strictEqual(yield* sent, atFirst)
    }))

  it.effect("asks once for what a lost datagram hid from it", () =>
    Effect.gen(function*() {
      const { names, nodes, sent, world } = yield* observed(5)
      const before = yield* sent
      yield* world.network.setLink("s5", "observer", { loss: 1 })
      yield* nodes[4]!.leave
      yield* World.pass(1_000)
      yield* world.network.setLink("s6", "observer", { loss: 1 })
      yield* world.start("s6", { ...fast, tags: { zone: "a" } })
      yield* World.pass(60_000)
      assert.deepStrictEqual(yield* names, ["s1", "s2", "s3", "s4", "s6"])
      assert.isAtMost((yield* sent) - before, 4)
    }))

  it.effect("sees the tags of one that it does not hear", () =>
    Effect.gen(function*() {
      const { observer, world } = yield* observed(3)
      yield* world.network.setLink("s4", "observer", { loss: 1 })
      yield* world.start("s4", { ...fast, tags: { zone: "a" } })
      yield* World.pass(5_000)
      assert.deepStrictEqual((yield* observer.members).map(({ tags }) => tags), [{}, {}, {}, { zone: "a" }])
    }))

  it.effect("hears what a member says otherwise of itself, and with multicast asks nobody for it", () =>
    Effect.gen(function*() {
      const { events, nodes, observer, sent } = yield* observed(3)
      const before = yield* sent
      yield* nodes[1]!.group.setTags({ zone: "b" })
      yield* World.pass(1_000)
      assert.deepStrictEqual((yield* observer.members)[1]?.tags, { zone: "b" })
      assert.include(told(events), "MemberChanged")
      assert.strictEqual(yield* sent, before)
      const seeds = ["10.0.0.2:5000"]
      const options = { multicast: false, unicastPort: 5_000, seeds }
      const alone = yield* observed(3, options)
      yield* alone.nodes[2]!.group.setTags({ zone: "c" })
      yield* World.pass(4_000)
      assert.deepStrictEqual((yield* alone.observer.members)[2]?.tags, { zone: "c" })
      assert.include(told(alone.events), "MemberChanged")
    }))

  it.effect("costs a group with a key the proofs of its sessions", () =>
    Effect.gen(function*() {
      const key = "5e".repeat(32)
      const { names, nodes, observer, sent } = yield* observed(3, { key })
      const settled = yield* sent
      yield* World.pass(100_000)
      // A session is believed for half a minute at least, and proven anew by two datagrams.
      assert.isAtMost((yield* sent) - settled, 3 * 2 * 5)
      yield* nodes[0]!.leave
      yield* World.pass(2_000)
      assert.deepStrictEqual(yield* names, ["s2", "s3"])
      assert.strictEqual((yield* observer.leader)?.name, "s2")
    }))

  it.effect("without multicast asks one member once in a heartbeat, and is answered in one datagram", () =>
    Effect.gen(function*() {
      const seeds = ["10.0.0.2:5000"]
      const options = { multicast: false, unicastPort: 5_000, seeds }
      const { names, nodes, observer, world } = yield* observed(
        8,
        options,
        { multicast: false, seeds, heartbeatInterval: "10 seconds", memberTimeout: "1 minute" }
      )
      yield* World.pass(15_000)
      const before = yield* observer.volume
      const asked = world.said.length
      yield* World.pass(60_000)
      const after = yield* observer.volume
      // One of the six is for the whole list, of two or three pages.
      assert.isAtMost(after.sent - before.sent, 8)
      assert.strictEqual(after.received - before.received, after.sent - before.sent)
      const to = world.said.slice(asked).flatMap(({ message, to }) =>
        message.type === "MEMBERS_ASK" && to ? [to.ip] : []
      )
      assert.strictEqual(new Set(to).size, 1)
      yield* nodes[0]!.kill
      yield* nodes[6]!.leave
      yield* world.start("s9", { ...fast, ...options, tags: { zone: "a" } })
      yield* World.pass(30_000)
      const found = yield* names
      assert.strictEqual(found.length, 7)
      assert.notIncludeMembers(found, ["s1", "s7"])
      assert.deepStrictEqual((yield* observer.members).find(({ name }) => name === "s9")?.tags, { zone: "a" })
      assert.strictEqual((yield* observer.leader)?.name, "s2")
    }))

  it.effect("asks another where the one that it asks is gone", () =>
    Effect.gen(function*() {
      const seeds = ["10.0.0.1:5000"]
      const options = { multicast: false, unicastPort: 5_000, seeds }
      const { names, nodes, observer } = yield* observed(3, options)
      yield* nodes[0]!.kill
      yield* World.pass(10_000)
      assert.deepStrictEqual(yield* names, ["s2", "s3"])
      assert.isTrue((yield* observer.view).isFollowed)
    }))

  it.effect("sees a restarted leader as another start of the same server", () =>
    Effect.gen(function*() {
      const { events, nodes, observer, world } = yield* observed(3)
      events.length = 0
      yield* nodes[0]!.kill
      const again = yield* world.start("s1", { ...fast, priority: 9 })
      yield* World.pass(5_000)
      const leader = yield* observer.leader
      assert.strictEqual(leader?.name, "s1")
      assert.strictEqual(leader?.incarnation, again.self.incarnation)
      assert.strictEqual((yield* observer.members).filter(({ name }) => name === "s1").length, 1)
    }))

  it.effect("says that the group is followed no more while nothing is heard, and keeps what it saw", () =>
    Effect.gen(function*() {
      const { names, observer, world } = yield* observed(3)
      const views: Array<Observer.View> = []
      yield* Effect.forkScoped(Stream.runForEach(observer.changes, (view) => Effect.sync(() => views.push(view))), {
        startImmediately: true
      })
      yield* world.network.setLoss(1)
      yield* World.pass(20_000)
      assert.isFalse((yield* observer.view).isFollowed)
      assert.deepStrictEqual(yield* names, ["s1", "s2", "s3"])
      yield* world.network.setLoss(0)
      yield* World.pass(10_000)
      assert.isTrue((yield* observer.view).isFollowed)
      assert.deepStrictEqual(views.map(({ isFollowed }) => isFollowed).filter((one, at, all) => one !== all[at - 1]), [
        true,
        false,
        true
      ])
    }))

  it.effect("waits for a group that comes later, and asks ever less often", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "observer" })
      const { names, observer, sent } = yield* observe(world)
      yield* World.pass(300_000)
      const before = yield* sent
      yield* World.pass(300_000)
      assert.isAtMost((yield* sent) - before, 10 * 15)
      yield* world.startAll(2, fast)
      yield* World.pass(2_000)
      assert.deepStrictEqual(yield* names, ["s1", "s2"])
      yield* observer.followed
    }))

  it.effect("is seen by nobody, and ends its streams with its scope", () =>
    Effect.gen(function*() {
      const { close, nodes, reading } = yield* observed(3)
      yield* close
      yield* Fiber.join(reading)
      yield* World.pass(5_000)
      for (const { events, group } of nodes) {
        assert.strictEqual((yield* group.members).length, 3)
        assert.strictEqual((yield* group.status).clients, 0)
        assert.deepStrictEqual(events.filter(({ at }) => at > 4_000).map(({ event }) => event.event), [])
      }
    }))

  it.effect("is a layer, and one of several in an app", () =>
    Effect.gen(function*() {
      class Orders extends Observer.Service<Orders>()("test/Orders") {}
      const world = yield* World.make({ seed: "observer" })
      yield* world.startAll(1, fast)
      const host = yield* world.network.host("observer")
      const layers = Layer.merge(Observer.layer(fast), Orders.layer({ ...fast, group: "orders" }))
      const context = yield* Layer.build(Layer.provide(layers, host.layerDatagrams))
      yield* World.pass(2_000)
      assert.strictEqual((yield* Context.get(context, Observer.Observer).members).length, 1)
      assert.strictEqual((yield* Context.get(context, Orders).members).length, 0)
    }))

  it.effect("refuses what a server refuses", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "observer" })
      const host = yield* world.network.host("observer")
      const error = yield* Effect.flip(Effect.scoped(
        Effect.provide(Observer.make({ grup: "orders" } as never), host.layerDatagrams)
      ))
      assert.strictEqual(error.message, "grup is no option; allowed: group is the nearest name")
    }))
})
