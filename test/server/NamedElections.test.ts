import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Leadership from "../../src/server/Leadership.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const jobs = Array.from({ length: 8 }, (_, i) => `job ${i}`)

/** Three servers that all take part in all jobs, and all servers that work on each now. */
const working = Effect.fnUntraced(function*(options: Partial<SimulatedGroup.Options> = {}) {
  const workers = new Map<string, Array<number>>(jobs.map((job) => [job, []]))
  const terms = new Map<string, Array<string>>(jobs.map((job) => [job, []]))
  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed: 11,
    settings: { profile: "fast" },
    app: (server, index) =>
      Effect.forEach(jobs, (job) =>
        Effect.gen(function*() {
          const leadership = yield* server.leadership.of(job)
          return yield* leadership.whileLeader(Effect.gen(function*() {
            terms.get(job)!.push((yield* Leadership.Reign).token)
            workers.get(job)!.push(index)
            return yield* Effect.onInterrupt(
              Effect.never,
              () => Effect.sync(() => workers.set(job, workers.get(job)!.filter((other) => other !== index)))
            )
          }))
        }), { concurrency: "unbounded" }),
    ...options
  })
  return { group, terms, workers }
})

describe("several leaderships in one group (design 4)", () => {
  it.effect("each has one leader, they are spread over the servers, and a killed server's go to the others", () =>
    Effect.gen(function*() {
      const { group, terms, workers } = yield* working()
      yield* group.settle()
      yield* group.advance("3 seconds")
      for (const [job, who] of workers) assert.strictEqual(who.length, 1, `${job}: ${who.join()}`)
      const busy = new Set([...workers.values()].flat())
      assert.isAtLeast(busy.size, 2)
      const victim = workers.get(jobs[0]!)![0]!
      yield* group.kill(victim)
      yield* group.advance("6 seconds")
      for (const [job, who] of workers) {
        assert.strictEqual(who.filter((index) => index !== victim).length, 1, `${job}: ${who.join()}`)
        assert.deepStrictEqual(terms.get(job), terms.get(job)!.toSorted(), "tokens grow")
      }
    }))

  it.effect("a newcomer learns the leader of each, and a heal leaves one leader of each", () =>
    Effect.gen(function*() {
      const { group, workers } = yield* working()
      yield* group.settle()
      yield* group.advance("2 seconds")
      yield* group.add
      yield* group.advance("3 seconds")
      for (const [job, who] of workers) assert.strictEqual(who.length, 1, `${job}: ${who.join()}`)
      yield* group.partition([[0, 1], [2, 3]])
      yield* group.advance("10 seconds")
      for (const [job, who] of workers) assert.strictEqual(who.length, 2, `${job}: ${who.join()}`)
      yield* group.heal
      yield* group.advance("10 seconds")
      for (const [job, who] of workers) assert.strictEqual(who.length, 1, `${job}: ${who.join()}`)
    }))

  it.effect("ten in a hundred datagrams lost change nothing of that", () =>
    Effect.gen(function*() {
      const { group, workers } = yield* working({ loss: 0.1 })
      yield* group.settle()
      yield* group.advance("5 seconds")
      for (const [job, who] of workers) assert.strictEqual(who.length, 1, `${job}: ${who.join()}`)
    }))

  it.effect("is led until the last scope that asked has closed, then by another", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 2, seed: 5, settings: { profile: "fast" } })
      yield* group.settle()
      const servers = yield* Effect.forEach([0, 1], group.server)
      const all = yield* Effect.forEach(servers, ({ leadership }) => leadership.of("billing"))
      yield* group.advance("1 second")
      const leads = yield* Effect.filter([0, 1], (index) => all[index]!.isLeader)
      assert.strictEqual(leads.length, 1)
      const [first] = leads as [number]
      const { leadership } = servers[first]!
      // The server's own scope holds one more: both must close.
      const scopes = [yield* Scope.make(), yield* Scope.make()] as const
      const one = yield* Scope.provide(leadership.of("orders"), scopes[0])
      yield* Scope.provide(one.of("orders"), scopes[1])
      yield* group.advance("1 second")
      assert.isTrue(yield* one.isLeader)
      yield* Scope.close(scopes[0], Exit.void)
      yield* group.advance("1 second")
      assert.isTrue(yield* one.isLeader)
      yield* Scope.close(scopes[1], Exit.void)
      assert.isFalse(yield* one.isLeader)
      assert.isTrue(Option.isNone(yield* one.current))
      assert.isTrue(yield* all[first]!.isLeader, "another election is not concerned")
      yield* all[first]!.resign
      yield* group.advance("1 second")
      assert.isTrue(yield* all[1 - first]!.isLeader)
    }))

  it.effect("a name that may not be one, and one too many, are refused and change nothing", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 1, seed: 5, settings: { profile: "fast" } })
      const { leadership } = yield* group.server(0)
      for (const name of ["", "x".repeat(33), "é".repeat(17)]) {
        const refused = yield* Effect.flip(leadership.of(name))
        assert.deepStrictEqual([refused.reason, refused.message.includes("1 to 32 bytes")], ["name", true])
      }
      for (let i = 0; i < 16; i += 1) yield* leadership.of(`e${i}`)
      const refused = yield* Effect.flip(leadership.of("one more"))
      assert.strictEqual(refused.message, "no room for the election one more: a server takes part in 16 at most")
      yield* leadership.of("e3")
    }))
})
