/**
 * The tables that others fill, each at its limit by traffic that is valid and hostile: those who are there stay, what is
 * refused or forgotten is counted, and an event names the setting, at once and then at most once a minute (protocol 3, 4
 * and 7).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Client from "../../src/protocol/model/Client.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Peer from "../protocol/harness/Peer.ts"
import * as World from "./World.ts"

const { eventsOf, pass } = World
const hex = (number: number) => number.toString(16).padStart(16, "0")
const stranger = (number: number): Member.Member =>
  Peer.member("a", { id: Member.NodeId.make(hex(number)), ip: `10.0.0.${number % 200 + 30}` })

const full = (node: World.Node) =>
  eventsOf(node, "TableFull").map(({ event: { count, limit, setting, table } }) => told(table, setting, limit, count))
const told = (table: string, setting: string, limit: number, count: number) => ({
  table,
  setting,
  limit,
  count
})

/** A group of two, and what says to the first of them all that strangers have to say. */
const flooded = Effect.fnUntraced(function*(settings: Settings.Options) {
  const world = yield* World.make({ seed: 4, listen: false })
  const node = yield* world.start("one", { ...settings, priority: 9 })
  const other = yield* world.start("two", settings)
  yield* pass(2_000)
  const say = (some: ReadonlyArray<Message.Message>) =>
    Effect.forEach(some, (message, at) =>
      Effect.andThen(
        world.inject(node, { ip: `10.0.0.${at % 200 + 30}`, port: 4_000 + at }, message),
        at % 50 === 49 ? pass(5) : Effect.void
      ), { discard: true })
  return { node, other, say }
})

describe("a table that strangers fill", () => {
  it.effect("of members: one too many is refused, and the members stay", () =>
    Effect.gen(function*() {
      const { node, other, say } = yield* flooded({ maxMembers: 5 })
      yield* say(Array.from({ length: 104 }, (_, at) => Peer.alive(stranger(at + 1))))
      yield* pass(2_000)
      assert.deepStrictEqual(full(node), [told("members", "maxMembers", 5, 100)])
      const members = yield* node.group.members
      assert.lengthOf(members, 6)
      assert.isTrue(members.some(({ id }) => id === other.self.id))
      // All that comes within a minute is told together.
      yield* say([1, 2, 3].map((at) => Peer.alive(stranger(at + 1_000))))
      yield* pass(40_000)
      assert.lengthOf(full(node), 1)
      yield* pass(25_000)
      assert.deepStrictEqual(full(node).slice(1), [told("members", "maxMembers", 5, 3)])
      assert.strictEqual((yield* node.group.dropped)["MembersFull"], 103)
    }))

  it.effect("of clients: one too many is not let in, and those who are in go on", () =>
    Effect.gen(function*() {
      const { node, say } = yield* flooded({ maxClients: 4 })
      yield* say([Peer.joins("ann")])
      yield* say(
        Array.from({ length: 60 }, (_, at): Message.Message => ({
          ...Peer.joins("bob"),
          interval: 3_600_000,
          client: { id: Client.ClientId.make(hex(at)), name: "x" }
        }))
      )
      yield* pass(2_000)
      assert.deepStrictEqual(full(node), [told("clients", "maxClients", 4, 57)])
      yield* say([Peer.sends("ann", 1)])
      yield* pass(100)
      assert.lengthOf(eventsOf(node, "MessageReceived"), 1)
    }))

  it.effect("of the departed: the longest gone is forgotten early", () =>
    Effect.gen(function*() {
      const { node, say } = yield* flooded({ maxTombstones: 10 })
      yield* say(
        Array.from({ length: 50 }, (_, at) => [Peer.alive(stranger(at + 1)), Peer.leaving(stranger(at + 1))]).flat()
      )
      yield* pass(2_000)
      assert.deepStrictEqual(full(node), [told("tombstones", "maxTombstones", 10, 40)])
      assert.lengthOf(yield* node.group.members, 2)
    }))

  it.effect("of sessions: a keyed group larger than that stays one group, and each of it says so", () =>
    VirtualTime.run(
      Effect.gen(function*() {
        const key = "7e".repeat(32)
        const group = yield* SimulatedGroup.make({
          servers: 18,
          seed: 5,
          settings: (index) => ({ key, profile: "fast", priority: index, maxSessions: 16 })
        })
        yield* group.settle({ within: "10 seconds" })
        yield* group.advance("5 seconds")
        yield* group.settle({ within: "10 seconds" })
        const events = yield* group.timeline
        assert.deepStrictEqual(events.filter(({ event }) => event.event === "MemberRemoved"), [])
        const ofFirst = events.flatMap(({ event, index }) => index === 0 && event.event === "TableFull" ? [event] : [])
        assert.deepInclude(ofFirst[0], { table: "sessions", setting: "maxSessions", limit: 16 })
        assert.lengthOf(ofFirst, 1)
      }) as Effect.Effect<void, SimulatedGroup.NotSettled, Scope.Scope>
    ))
})
