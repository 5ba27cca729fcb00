/**
 * Whole servers that change their tags and their priority while they run (protocol, What a server says of itself): with multicast,
 * without, and with a key.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { State } from "../../src/protocol/model/State.ts"
import type * as Step from "../../src/protocol/Step.ts"
import * as OwnDescription from "../../src/server/OwnDescription.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as Peer from "../protocol/harness/Peer.ts"
import { Server } from "../protocol/harness/Server.ts"

const grouped = (settings: Settings.Options = {}) =>
  SimulatedGroup.make({
    servers: 3,
    seed: "description",
    settings: (index) => ({ profile: "fast", name: `s${index}`, tags: { zone: "a" }, ...settings })
  })

/** What all servers show of one. */
const shown = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, index: number) {
  const { id } = yield* (yield* group.server(index)).group.self
  const all = yield* group.views
  return [...all.values()].map(({ members }) => members.find((member) => member.id === id))
})

const ways: ReadonlyArray<readonly [string, Settings.Options]> = [
  ["by multicast", {}],
  ["by unicast", { multicast: false, unicastPort: 40_000, seeds: ["s0:40000"] }],
  ["sealed", { key: Redacted.make("0123456789abcdef".repeat(4)) }],
  ["with a lease", { leadership: "lease", groupSize: 3 }]
]

describe("a server that changes what it says of itself", () => {
  for (const [way, settings] of ways) {
    it.effect(`is shown so by all within milliseconds, ${way}, and tells MemberChanged once`, () =>
      Effect.gen(function*() {
        const group = yield* grouped(settings)
        const leader = yield* group.settle()
        const { group: service } = yield* group.server(leader)
        const before = yield* service.self
        yield* service.setTags({ zone: "b", rack: "7" })
        yield* group.advance(5)
        for (const member of yield* shown(group, leader)) {
          assert.deepInclude(member, { tags: { zone: "b", rack: "7" }, revision: 1, incarnation: before.incarnation })
        }
        yield* group.advance("2 seconds")
        for (const index of [0, 1, 2]) {
          const told = (yield* group.events(index)).filter(({ event }) => event.event === "MemberChanged")
          assert.strictEqual(told.length, 1)
        }
        assert.strictEqual(yield* group.awaitLeader(), leader)
      }))

    it.effect(`moves the lead by its priority, ${way}`, () =>
      Effect.gen(function*() {
        const group = yield* grouped(settings)
        const first = yield* group.settle()
        const other = (first + 1) % 3
        yield* (yield* group.server(other)).group.setPriority(7)
        yield* group.advance("3 seconds")
        assert.strictEqual(yield* group.settle(), other)
        yield* (yield* group.server(other)).group.setPriority(-7)
        yield* group.advance("3 seconds")
        assert.notStrictEqual(yield* group.settle(), other)
      }))
  }

  it.effect("is shown by all after a heartbeat, though all that it said at once was lost", () =>
    Effect.gen(function*() {
      const group = yield* grouped()
      const leader = yield* group.settle()
      yield* group.setLoss(1)
      yield* (yield* group.server(leader)).group.setTags({ zone: "c" })
      yield* group.advance(160)
      yield* group.setLoss(0)
      yield* group.advance(600)
      for (const member of yield* shown(group, leader)) assert.deepStrictEqual(member?.tags, { zone: "c" })
    }))

  it.effect("keeps its token while it leads, with any priority that it takes", () =>
    Effect.gen(function*() {
      const group = yield* grouped()
      const { group: service, leadership } = yield* group.server(yield* group.settle())
      const before = yield* leadership.current
      yield* service.setPriority(9)
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(yield* leadership.current, before)
    }))
})

describe("what is refused", () => {
  const over = (state: State, links: { readonly port: number | null } | null = null) => {
    const offered: Array<Step.Input> = []
    const engine = { stateUnsafe: () => state, offer: (input: Step.Input) => void offered.push(input) }
    return { offered, ...OwnDescription.make(engine, links) }
  }
  const ours = Peer.member("m", { revision: 0 })

  it.effect("tags that are too long, in the words of the setting, and nothing is changed", () =>
    Effect.gen(function*() {
      const { offered, setTags } = over(new Server({ self: ours }).state)
      const error = yield* Effect.flip(setTags({ a: "x".repeat(250) }))
      assert.match(
        error.message,
        /^setTags is .*; allowed: key=value,key=value, each key once, together at most 256 bytes/
      )
      assert.deepStrictEqual(offered, [])
    }))

  it.effect.each([1.5, 3e9, NaN])("the priority %d", (priority) =>
    Effect.gen(function*() {
      const { offered, setPriority } = over(new Server({ self: ours }).state)
      const error = yield* Effect.flip(setPriority(priority))
      assert.match(error.message, /^setPriority is .*; allowed: a whole number from -2147483648 to 2147483647$/)
      assert.deepStrictEqual(offered, [])
    }))

  it.effect("another priority while a member of an older version is there, by its name; tags are not", () =>
    Effect.gen(function*() {
      const { state } = Server.live({ self: ours }, [Peer.alive("a")])
      const { offered, setPriority, setTags } = over(state)
      const error = yield* Effect.flip(setPriority(1))
      assert.strictEqual(
        error.message,
        "setPriority is refused while members of an older version are there: a (192.0.2.1:4001)"
      )
      yield* setTags({ zone: "b" })
      assert.strictEqual(offered.length, 1)
    }))

  it.effect("no tags: but long ones leave no room to announce the port of links, and shorter ones do again", () =>
    Effect.gen(function*() {
      const texts = { name: "n".repeat(64), hostname: "h".repeat(64) }
      const { offered, setTags } = over(new Server({ self: { ...ours, ...texts, tcp: 7 } }).state, { port: 7 })
      yield* setTags({ a: "x".repeat(245) })
      yield* setTags({ a: "x" })
      assert.deepStrictEqual(offered, [
        { _tag: "Describe", description: { priority: 0, tags: { a: "x".repeat(245) } } },
        { _tag: "Describe", description: { priority: 0, tags: { a: "x" }, tcp: 7 } }
      ])
    }))
})
