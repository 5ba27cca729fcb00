/** Servers without a vote as an app sees them (protocol, servers without a vote). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SimulatedGroup } from "../../src/testing/index.ts"

/** Three voters, and two servers above them without a vote. */
const grown = SimulatedGroup.make({
  servers: 5,
  seed: "votes",
  settings: (index) => ({
    profile: "fast",
    leadership: "lease",
    groupSize: 3,
    priority: index,
    votes: index < 3
  })
})

describe("a server without a vote, beside a lease (protocol, servers without a vote)", () => {
  it.effect("follows the highest ranked voter, is ready without a vote, and says in its status who has none", () =>
    Effect.gen(function*() {
      const group = yield* grown
      yield* group.settle()
      const { group: own } = yield* group.server(4)
      const { members, votesIn } = yield* own.status
      const voter = members.find(({ priority }) => priority === 2)
      assert.strictEqual((yield* own.reign)?.leader.id, voter?.id)
      assert.deepStrictEqual(
        members.map(({ priority, votes = true }) => [priority, votes]),
        [[4, false], [3, false], [2, true], [1, true], [0, true]]
      )
      assert.isNull(votesIn)
      yield* own.votes
      assert.strictEqual(yield* own.votesIn, Infinity)
      assert.isTrue((yield* own.healthy).healthy)
    }))

  it.effect("never leads, also where all voters but one are gone, and follows again when they are back", () =>
    Effect.gen(function*() {
      const group = yield* grown
      yield* group.settle()
      yield* group.kill(1)
      yield* group.kill(2)
      const { group: own } = yield* group.server(4)
      yield* group.until("the leader is gone", Effect.map(own.reign, (reign) => reign === null))
      yield* group.advance("10 seconds")
      assert.isNull(yield* own.reign)
      yield* group.start(1)
      yield* group.settle()
      const { reign, self } = (yield* group.server(1)).group
      assert.strictEqual((yield* reign)?.leader.id, (yield* self).id)
      assert.strictEqual((yield* own.reign)?.leader.id, (yield* self).id)
    }))
})
