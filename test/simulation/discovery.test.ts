/**
 * Discovery in its four ways (protocol, section 4): heartbeat, listening, active probe, and what keeps a member that
 * multicast does not reach.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as World from "./World.ts"

const { eventsOf, pass, saidOf } = World

const names = (members: ReadonlyArray<{ readonly name: string }>) => members.map(({ name }) => name)

describe("Discovery", () => {
  it.effect("says a heartbeat at once and then every 10 s, to the millisecond (4.1)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 1 })
      yield* world.startAll(3)
      yield* pass(35_000)
      for (const by of ["s1", "s2", "s3"]) {
        // Between its heartbeats a leader says no view.
        const alive = saidOf(world, "SERVER_ALIVE").filter((said) =>
          said.by === by && (by !== "s1" || said.message.view !== undefined || said.at < 1)
        )
        assert.deepStrictEqual(alive.map(({ at }) => Math.round(at)), [0, 10_000, 20_000, 30_000])
        assert.isTrue(alive.every(({ message, to }) => to === null && message.interval === 10_000))
      }
    }))

  it.effect("takes in the server that it hears first, which is heard for as long as it is alone, and keeps its stamp fresh by heartbeats (4.2, 4.3)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 2 })
      const listener = yield* world.start("listener")
      yield* pass(1_000)
      // It starts where the listener's probe cannot reach it, and its own never arrive.
      yield* world.network.setLoss(1)
      const quiet = yield* world.start("quiet")
      yield* pass(1_000)
      assert.deepStrictEqual(names(yield* listener.group.members), ["listener"])
      yield* world.network.setLoss(0)
      yield* pass(10_000)
      const joined = eventsOf(quiet, "MemberJoined")
      assert.deepStrictEqual(joined.map(({ event }) => event.member.name), ["listener"])
      assert.deepStrictEqual(names(yield* listener.group.members).toSorted(), ["listener", "quiet"])
      yield* pass(9_000)
      const ago = [...(yield* listener.group.lastHeard).values()].map((heard) => heard.ago)
      assert.isAtMost(Math.max(...ago), 10_000)
    }))

  it.effect("makes a newcomer known to a group of twenty, and the group to it, long before a heartbeat (4.3)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 3 })
      yield* world.startAll(20)
      yield* pass(12_345)
      const at = yield* world.now
      const newcomer = yield* world.start("newcomer", { priority: -1 })
      yield* pass(400)
      assert.strictEqual((yield* newcomer.group.members).length, 21)
      for (const node of world.nodes()) assert.strictEqual((yield* node.group.members).length, 21)
      const leader = world.agreed()?.leader.id
      const others = saidOf(world, "SERVER_ALIVE", at).filter(({ message }) => message.sender.id !== leader)
      assert.deepStrictEqual(others.map(({ by }) => by), ["newcomer"])
      // And whom they follow, with no election: the newcomer ranks last.
      assert.isNotNull(world.agreed())
      assert.deepStrictEqual(saidOf(world, "ELECTION", at), [])
    }))

  it.effect("makes a newcomer known within a second where each tenth datagram is lost (4.3)", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 5; seed++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const world = yield* World.make({ seed, loss: 0.1 })
          yield* world.startAll(20)
          yield* pass(12_345)
          const newcomer = yield* world.start("newcomer", { priority: -1 })
          yield* pass(1_000)
          assert.strictEqual((yield* newcomer.group.members).length, 21)
          for (const node of world.nodes()) assert.include(names(yield* node.group.members), "newcomer")
        }))
      }
    }))

  it.effect("answers a burst of probes once, by unicast, the leader first (4.3)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 4 })
      yield* world.startAll(5)
      yield* pass(1_000)
      const at = yield* world.now
      const newcomer = yield* world.start("newcomer", { priority: -1 })
      yield* pass(250)
      const probes = saidOf(world, "SERVER_PROBE", at).filter(({ by, to }) => by === "newcomer" && to === null)
      assert.deepStrictEqual(probes.map((said) => Math.round(said.at - at)), [0, 50, 150])
      const answers = saidOf(world, "SERVER_RESPONSE", at).filter(({ message }) =>
        message.nonce === probes[0]!.message.nonce
      )
      assert.deepStrictEqual(answers.map(({ by }) => by).toSorted(), ["s1", "s2", "s3", "s4", "s5"])
      assert.strictEqual(answers[0]!.by, "s1")
      assert.isTrue(answers.every(({ to }) => to?.ip === newcomer.self.ip && to.port === newcomer.self.port))
    }))

  it.effect(
    "is answered by about fifty servers, however large the group, and reads the rest from a list (4.3)",
    () =>
      Effect.gen(function*() {
        const world = yield* World.make({ seed: 5 })
        yield* world.startAll(80)
        yield* pass(12_000)
        const at = yield* world.now
        const newcomer = yield* world.start("newcomer", { priority: -1 })
        yield* pass(1_000)
        const probe = saidOf(world, "SERVER_PROBE", at).find(({ by }) => by === "newcomer")
        const answers = saidOf(world, "SERVER_RESPONSE", at).filter(({ message }) =>
          message.nonce === probe!.message.nonce
        )
        assert.isAbove(answers.length, 35)
        assert.isBelow(answers.length, 65)
        assert.isTrue(answers.every((said) => said.at - at <= 100))
        assert.strictEqual((yield* newcomer.group.members).length, 81)
      }),
    60_000
  )

  it.effect("goes on probing, once each interval, for as long as nobody is there (4.3)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 6 })
      const first = yield* world.start("first")
      yield* world.network.partition([["first"], ["second"]])
      yield* world.start("second")
      yield* pass(15_000)
      yield* world.network.heal
      yield* pass(5_500)
      assert.strictEqual((yield* first.group.members).length, 2)
    }))

  it.effect("keeps a group that no multicast reaches any more, by unicast, and says so once (4.4)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 7 })
      const nodes = yield* world.startAll(4)
      yield* pass(25_000)
      const reign = world.agreed()
      assert.isNotNull(reign)
      const at = yield* world.now
      for (const { name } of nodes) yield* world.network.setMulticastLoss(name, 1)
      yield* pass(10 * 60_000)
      for (const node of nodes) {
        assert.deepStrictEqual(eventsOf(node, "MemberRemoved"), [])
        assert.deepStrictEqual(
          eventsOf(node, "UnicastOnly", at).map(({ event }) => event.member.name).toSorted(),
          names(nodes).filter((name) => name !== node.name)
        )
        const ways = [...(yield* node.group.lastHeard)].filter(([id]) => id !== node.self.id)
        assert.isTrue(ways.every(([, heard]) => heard.unicastOnly && heard.ago <= 10_100))
      }
      assert.deepStrictEqual(world.agreed(), reign)
      // And when the switch remembers, multicast is enough again.
      for (const { name } of nodes) yield* world.network.setMulticastLoss(name, 0)
      yield* pass(20_000)
      const later = yield* world.now
      yield* pass(60_000)
      assert.deepStrictEqual(saidOf(world, "SERVER_PROBE", later), [])
    }))

  it.effect("keeps one server that alone hears no multicast (4.4)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 8 })
      const nodes = yield* world.startAll(4)
      yield* pass(5_000)
      const reign = world.agreed()
      yield* world.network.setMulticastLoss("s4", 1)
      yield* pass(10 * 60_000)
      for (const node of nodes) assert.deepStrictEqual(eventsOf(node, "MemberRemoved"), [])
      assert.deepStrictEqual(
        eventsOf(nodes[3]!, "UnicastOnly").map(({ event }) => event.member.name).toSorted(),
        ["s1", "s2", "s3"]
      )
      assert.deepStrictEqual(world.agreed(), reign)
    }))

  it.effect("tells of a duplicate of its own identity, with both addresses, and merges nothing (4, incarnations)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 9 })
      const [s1, s2] = yield* world.startAll(2)
      yield* pass(1_000)
      const before = yield* s1!.group.view
      const twin = { ip: "10.0.0.99", port: 4_000 }
      const header = World.headerOf(s1!)
      for (let second = 0; second < 25; second++) {
        yield* world.inject(s1!, twin, {
          ...header,
          sender: { ...header.sender, ip: twin.ip, port: twin.port, hostname: "twin", incarnation: 999_999 },
          type: "SERVER_ALIVE",
          interval: 10_000
        })
        yield* pass(1_000)
      }
      const told = eventsOf(s1!, "DuplicateIdentity")
      assert.strictEqual(told.length, 3)
      assert.deepInclude(told[0]!.event, {
        id: s1!.self.id,
        ours: `${s1!.self.ip}:${s1!.self.port}`,
        theirs: "10.0.0.99:4000",
        hostname: "twin"
      })
      assert.deepStrictEqual(yield* s1!.group.view, before)
      assert.strictEqual((yield* s1!.group.dropped)["Duplicate"], 25)
      assert.deepStrictEqual(eventsOf(s2!, "MemberRemoved"), [])
    }))
})
