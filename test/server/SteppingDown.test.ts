import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Member from "../../src/protocol/model/Member.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"
import { idOf, leadershipOf, transfer } from "../simulation/HandingOver.ts"

const make = (settings: object = {}) =>
  Effect.gen(function*() {
    const group = yield* SimulatedGroup.make({
      servers: 3,
      seed: "stepping down",
      settings: (index) => ({ profile: "fast", priority: index, name: `n${index}`, ...settings })
    })
    assert.strictEqual(yield* group.settle(), 2)
    return group
  })

const causes = (group: SimulatedGroup.SimulatedGroup, index: number, from: number) =>
  Effect.map(
    group.events(index),
    (events) =>
      events.flatMap(({ at, event }) =>
        at >= from && event.event === "LeaderChanged" ? [`${event.leader?.name ?? "nobody"} ${event.cause}`] : []
      )
  )

describe("handing the lead over (protocol 5, handing it over)", () => {
  it.effect("to the lowest ranked member: it leads within the time of its word, and stays for one memberTimeout", () =>
    Effect.gen(function*() {
      const group = yield* make()
      const from = yield* group.now
      const { exit, took } = yield* transfer(group, 2, 0)
      assert.isTrue(Exit.isSuccess(exit))
      assert.isAtMost(took, 50)
      for (const index of [0, 1, 2]) {
        assert.deepStrictEqual(yield* causes(group, index, from), ["nobody Transferred", "n0 Transferred"])
      }
      yield* group.advance("1500 millis")
      assert.deepStrictEqual(yield* group.leaders, [0])
      yield* group.advance("500 millis")
      assert.deepStrictEqual(yield* group.leaders, [2], "then the rank decides again")
      assert.deepStrictEqual((yield* causes(group, 0, from)).slice(2), ["n2 HigherRank"])
    }))

  it.effect("with preempt off, the lead stays where it is", () =>
    Effect.gen(function*() {
      const group = yield* make({ preempt: false })
      yield* transfer(group, 2, 0)
      yield* group.advance("20 seconds")
      assert.deepStrictEqual(yield* group.leaders, [0])
      assert.isTrue(Exit.isSuccess((yield* transfer(group, 0, 1)).exit))
      assert.isTrue(Exit.isSuccess((yield* transfer(group, 1, 2)).exit), "and back, at once")
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))

  it.effect("ends the leading work first, and waits for it", () =>
    Effect.gen(function*() {
      const group = yield* make()
      const log: Array<string> = []
      const work = (index: number) =>
        Effect.acquireUseRelease(
          Effect.sync(() => log.push(`n${index} begins`)),
          () => Effect.never,
          () => Effect.andThen(Effect.sleep("300 millis"), Effect.sync(() => log.push(`n${index} ended`)))
        )
      for (const index of [0, 2]) {
        yield* Effect.forkScoped((yield* leadershipOf(group, index)).whileLeader(work(index)))
      }
      yield* group.advance("10 millis")
      const { took } = yield* transfer(group, 2, 0)
      yield* group.advance("10 millis")
      assert.deepStrictEqual(log, ["n2 begins", "n2 ended", "n0 begins"])
      assert.isAtLeast(took, 300)
      yield* group.advance("3 seconds")
      yield* group.stop(2)
    }))

  it.effect("is refused if this server does not lead, and to one that is no member; to itself it does nothing", () =>
    Effect.gen(function*() {
      const group = yield* make()
      const from = yield* group.now
      const follower = yield* leadershipOf(group, 0)
      assert.strictEqual((yield* Effect.flip(follower.transferTo(yield* idOf(group, 1))))._tag, "NotLeading")
      const leader = yield* leadershipOf(group, 2)
      const unknown = Member.NodeId.make("00000000000000aa")
      const error = yield* Effect.flip(leader.transferTo({ id: unknown }))
      assert.deepInclude(error, { _tag: "NoSuchMember", id: unknown })
      assert.include(error.message, unknown)
      yield* leader.transferTo(yield* idOf(group, 2))
      yield* group.advance("1 second")
      assert.deepStrictEqual(yield* causes(group, 2, from), [])
    }))

  it.effect("fails if the transferee is firmly ineligible, and the group has a leader again within coordinatorTimeout", () =>
    Effect.gen(function*() {
      const group = yield* make()
      yield* (yield* leadershipOf(group, 0)).stepDownFor("1 minute")
      const { exit, took } = yield* transfer(group, 2, 0)
      const error = yield* Effect.flip(exit)
      assert.deepInclude(error, { _tag: "TransferFailed", to: yield* idOf(group, 0), leader: yield* idOf(group, 2) })
      assert.include(error.message, "leads instead")
      assert.isAtMost(took, 600 + 100)
    }))

  it.effect("fails if the transferee dies meanwhile and nobody can say so, within the bound", () =>
    Effect.gen(function*() {
      const group = yield* make({ minimumMembers: 3 })
      const to = yield* idOf(group, 0)
      yield* group.crash(0)
      const leadership = yield* leadershipOf(group, 2)
      const before = yield* group.now
      const fiber = yield* Effect.forkScoped(leadership.transferTo(to))
      yield* group.until("there is an outcome", Effect.sync(() => fiber.pollUnsafe() !== undefined))
      assert.deepInclude(yield* Effect.flip(Fiber.join(fiber)), { _tag: "TransferFailed", to })
      assert.isAtMost((yield* group.now) - before, 500 + 2 * 600 + 50)
    }))

  it.effect("reaches its transferee, and no other leads, with one datagram in three lost", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 10; seed++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const group = yield* SimulatedGroup.make({
            servers: 3,
            seed,
            settings: (index) => ({ profile: "fast", priority: index, name: `n${index}`, preempt: false })
          })
          yield* group.settle()
          for (const a of [0, 1, 2]) for (const b of [0, 1, 2]) yield* group.setLink(a, b, { loss: 0.33 })
          const { exit } = yield* transfer(group, 2, 0)
          const leader = yield* group.awaitLeader()
          if (Exit.isSuccess(exit)) assert.strictEqual(leader, 0)
          else assert.deepInclude(yield* Effect.flip(exit), { _tag: "TransferFailed" })
        }))
      }
    }))
})

describe("stepping down for a time (protocol 5, standing aside)", () => {
  it.effect("leaves the lead to others for that long; resigning only for one memberTimeout", () =>
    Effect.gen(function*() {
      const group = yield* make()
      yield* (yield* leadershipOf(group, 2)).stepDownFor("10 seconds")
      yield* group.advance("9 seconds")
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.advance("1500 millis")
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))

  it.effect("also if nobody else leads: then nobody does, while resigning would bring it back", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 1, seed: 1, settings: { profile: "fast" } })
      yield* group.settle()
      const { leadership } = yield* group.server(0)
      yield* leadership.resign
      yield* group.advance("1 second")
      assert.deepStrictEqual(yield* group.leaders, [0])
      yield* leadership.stepDownFor("10 seconds")
      yield* group.advance("9900 millis")
      assert.deepStrictEqual(yield* group.leaders, [])
      yield* group.advance("200 millis")
      assert.deepStrictEqual(yield* group.leaders, [0])
    }))

  it.effect("is no error if this server does not lead: it is no candidate either", () =>
    Effect.gen(function*() {
      const group = yield* make()
      yield* (yield* leadershipOf(group, 1)).stepDownFor("10 seconds")
      yield* group.stop(2)
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(yield* group.leaders, [0])
      yield* group.advance("6 seconds")
      assert.deepStrictEqual(yield* group.leaders, [1])
    }))

  it.effect("takes 1 ms to 24 h, and a refusal names the given time", () =>
    Effect.gen(function*() {
      const group = yield* make()
      const leadership = yield* leadershipOf(group, 2)
      const wrong: ReadonlyArray<Duration.Input> = [0, -1, "25 hours", Infinity, "soon" as Duration.Input]
      for (const duration of wrong) {
        const error = yield* Effect.flip(leadership.stepDownFor(duration))
        assert.strictEqual(error._tag, "TimeRefused")
        assert.match(error.message, /^stepDownFor was given .+; allowed: a duration from 1ms to 24h$/)
      }
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))
})
