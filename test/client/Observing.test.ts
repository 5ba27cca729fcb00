/**
 * An observer of a group on a simulated network: it sees what happens, and nobody sees it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Observation from "../../src/client/Observation.ts"
import * as ObservedMember from "../../src/client/ObservedMember.ts"
import * as Observing from "../../src/client/Observing.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as World from "../simulation/World.ts"

const fast = { profile: "fast" } as const

/** A group that has settled, and an observer of it that has asked once. */
const observed = Effect.fnUntraced(function*(
  servers: number,
  options: Settings.Options = {},
  own: Settings.Options = options
) {
  const world = yield* World.make({ seed: "observer" })
  const nodes = yield* world.startAll(servers, { ...fast, ...options })
  yield* World.pass(5_000)
  const host = yield* world.network.host("observer")
  const settings = yield* Settings.make({ ...fast, ...own })
  const events: Array<Event.Event> = []
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const observer = yield* Observing.make(
    settings,
    (some, _, before) => void events.push(...Observation.news(some, before))
  ).pipe(
    Effect.provide(host.layerDatagrams),
    Scope.provide(scope)
  )
  yield* World.pass(1_000)
  const names = () => Observation.ranked(observer.observation()).map(({ name }) => name)
  const leader = () => observer.observation().elections.get("")?.reign?.leader.id
  return { world, nodes, observer, events, names, leader, close: Scope.close(scope, Exit.void), host }
})

const told = (events: ReadonlyArray<Event.Event>) =>
  events.flatMap((event) => event.event === "MemberRemoved" ? [`${event.member.name} ${event.reason._tag}`] : [])

describe("an observer", () => {
  it.effect("sees who is there and who leads, and tells nothing of how it got to know it but the leader", () =>
    Effect.gen(function*() {
      const { events, leader, names, nodes, observer } = yield* observed(5)
      assert.deepStrictEqual(names(), ["s1", "s2", "s3", "s4", "s5"])
      assert.strictEqual(leader(), nodes[0]!.self.id)
      assert.deepStrictEqual(events.map(({ event }) => event), ["LeaderChanged"])
      const [first] = Observation.ranked(observer.observation())
      assert.strictEqual(first?.hostname, nodes[0]!.self.hostname)
      assert.isAtMost(observer.now().monotonic - ObservedMember.lastSign(observer.observation(), first!), 600)
    }))

  it.effect("is no member, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const { close, host, nodes, world } = yield* observed(3)
      yield* World.pass(20_000)
      yield* close
      yield* World.pass(5_000)
      for (const { events, group } of nodes) {
        assert.strictEqual((yield* group.members).length, 3)
        assert.strictEqual((yield* group.status).clients, 0)
        assert.deepStrictEqual(events.filter(({ at }) => at > 4_000).map(({ event }) => event.event), [])
      }
      const types = new Set(world.said.filter(({ from }) => from.ip === host.ip).map(({ message }) => message.type))
      assert.deepStrictEqual([...types], ["MEMBERS_ASK"])
    }))

  it.effect("sees a leader die, the next one, and its return", () =>
    Effect.gen(function*() {
      const { events, leader, names, nodes, world } = yield* observed(4)
      events.length = 0
      yield* nodes[0]!.kill
      yield* World.pass(5_000)
      assert.deepStrictEqual(names(), ["s2", "s3", "s4"])
      assert.strictEqual(leader(), nodes[1]!.self.id)
      assert.deepStrictEqual(told(events), ["s1 Silent"])
      const changes = events.filter((event) => event.event === "LeaderChanged")
      assert.deepStrictEqual(changes.at(-1)?.leader?.name, "s2")
      assert.strictEqual(changes.at(-1)?.cause, "Silent")
      events.length = 0
      yield* world.start("s1", { ...fast, priority: 9 })
      yield* World.pass(3_000)
      assert.strictEqual(names()[0], "s1")
      assert.include(events.map(({ event }) => event), "MemberJoined")
    }))

  it.effect("sees a server leave at once, and the lead change with it", () =>
    Effect.gen(function*() {
      const { events, leader, names, nodes } = yield* observed(3)
      events.length = 0
      yield* nodes[0]!.leave
      yield* World.pass(1_000)
      assert.deepStrictEqual(names(), ["s2", "s3"])
      assert.strictEqual(leader(), nodes[1]!.self.id)
      assert.deepStrictEqual(told(events), ["s1 Left"])
      assert.deepStrictEqual(
        events.flatMap((event) => event.event === "LeaderChanged" ? [event.cause] : []).slice(-1),
        ["Left"]
      )
    }))

  it.effect("asks where there is no multicast", () =>
    Effect.gen(function*() {
      const seeds = ["10.0.0.2:5000"]
      const options = { multicast: false, unicastPort: 5_000, seeds }
      const { events, leader, names, nodes } = yield* observed(4, options, { multicast: false, seeds })
      assert.strictEqual(names().length, 4)
      assert.strictEqual(leader(), nodes[0]!.self.id)
      yield* nodes[0]!.kill
      yield* World.pass(6_000)
      assert.strictEqual(names().length, 3)
      assert.strictEqual(leader(), nodes[1]!.self.id)
      assert.deepStrictEqual(told(events), ["s1 Silent"])
    }))

  it.effect("sees a group with a key by the key, and says that it has another", () =>
    Effect.gen(function*() {
      const key = "5e".repeat(32)
      const { names, nodes } = yield* observed(3, { key })
      assert.deepStrictEqual(names(), ["s1", "s2", "s3"])
      yield* nodes[2]!.leave
      yield* World.pass(1_000)
      assert.deepStrictEqual(names(), ["s1", "s2"])
      const other = yield* observed(3, { key }, { key: "5f".repeat(32) })
      yield* World.pass(2_000)
      assert.deepStrictEqual(other.names(), [])
      assert.include(other.events.map(({ event }) => event), "WrongKey")
    }))

  it.effect("takes nobody for gone because it hears nobody itself", () =>
    Effect.gen(function*() {
      const { events, host, names, world } = yield* observed(3)
      events.length = 0
      yield* world.network.setLoss(1)
      yield* World.pass(60_000)
      assert.deepStrictEqual(names(), ["s1", "s2", "s3"], host.ip)
      assert.deepStrictEqual(told(events), [])
    }))

  it.effect("sees the lease of a leader as it is renewed", () =>
    Effect.gen(function*() {
      const { observer } = yield* observed(3, { leadership: "lease", groupSize: 3 })
      yield* World.pass(5_000)
      const { renewed } = observer.observation().elections.get("")!
      assert.isNotNull(renewed)
      assert.isAtMost(observer.now().monotonic - renewed.at, 2_000)
    }))
})
