/** Partitions that are held, as an app has them, on a simulated network (protocol, Grants). */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Grant from "../../src/server/Grant.ts"
import type * as Partitions from "../../src/server/Partitions.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const count = 16
/** Those of the profile: a lease lasts 1.5 s, and a grant four times as long. */
const expiry = 6_000
const stopTimeout = 500

const settings = (index: number) => ({
  profile: "fast",
  leadership: "lease",
  groupSize: 3,
  name: `n${index}`,
  unicastPort: 40_000 + index
} as const)

/** What happens to the partitions, and the greatest token that each was worked on under. */
const makeBook = () => {
  const workers = new Map<number, Set<number>>()
  const tokens = new Map<number, string>()
  const faults: Array<string> = []
  let starts = 0
  const of = (partition: number) => {
    const set = workers.get(partition) ?? new Set()
    workers.set(partition, set)
    return set
  }
  return {
    faults,
    starts: () => starts,
    owner: (partition: number): number | undefined => [...of(partition)][0],
    ownedBy: (index: number) =>
      [...workers].filter(([, on]) => on.has(index)).map(([partition]) => partition).sort((a, b) => a - b),
    everyOne: (among: number = count) => [...workers.values()].filter((on) => on.size === 1).length === among,
    /** A killed process goes on with nothing, and none of its finalizers run. */
    forget: (index: number) => workers.forEach((on) => on.delete(index)),
    work: (index: number) => (partition: number) =>
      Effect.flatMap(Grant.Grant, ({ token }) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            starts++
            if (of(partition).size > 0) faults.push(`${partition} on n${index} while on n${[...of(partition)].join()}`)
            if (token <= (tokens.get(partition) ?? "")) faults.push(`${partition}: ${token} is no higher token`)
            tokens.set(partition, token)
            of(partition).add(index)
          }),
          () => Effect.never,
          () => Effect.sync(() => of(partition).delete(index))
        ))
  }
}

const runs = (
  server: { readonly partitions: Partitions.PartitionsShape },
  work: (partition: number) => Effect.Effect<unknown, never, Grant.Grant>,
  options: Partial<Partitions.Options> = {}
) =>
  Effect.scoped(
    Effect.flatMap(
      server.partitions.make({ name: "orders", count, ...options }),
      ({ whileOwner }) => whileOwner(work)
    )
  )

/** Three servers that work on the partitions, once all are held. */
const working = Effect.fnUntraced(function*(options: Partial<SimulatedGroup.Options> = {}) {
  const book = makeBook()
  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed: "partitions",
    settings,
    app: (server, index) => runs(server, book.work(index)),
    ...options
  })
  yield* group.until("all are held", Effect.sync(() => book.everyOne()))
  yield* group.until(
    "each has its share",
    Effect.sync(() => [0, 1, 2].every((index) => book.ownedBy(index).length > 0))
  )
  return { group, book }
})

describe("partitions that are held (protocol, Grants)", () => {
  it.effect("are spread over the servers, each held by one, and each work has its grant", () =>
    Effect.gen(function*() {
      const { book, group } = yield* working()
      yield* group.advance("10 seconds")
      assert.isTrue(book.everyOne())
      assert.deepStrictEqual(book.faults, [])
      for (const index of [0, 1, 2]) {
        const server = yield* group.server(index)
        assert.strictEqual((yield* server.group.counters).held, book.ownedBy(index).length)
      }
      assert.deepStrictEqual(
        [0, 1, 2].flatMap(book.ownedBy).sort((a, b) => a - b),
        Array.from({ length: count }, (_, at) => at)
      )
    }))

  it.effect("of a server that stops are another's at once, and no other partition moves", () =>
    Effect.gen(function*() {
      const { book, group } = yield* working()
      const leader = yield* group.awaitLeader()
      const stopped = [0, 1, 2].find((index) => index !== leader)!
      const others = [0, 1, 2].filter((index) => index !== stopped)
      const before = others.map(book.ownedBy)
      const from = yield* group.now
      yield* group.stop(stopped)
      yield* group.until("all are held", Effect.sync(() => book.everyOne()), { step: "1 millis" })
      assert.isBelow((yield* group.now) - from, 100)
      for (const [at, index] of others.entries()) assert.includeMembers(book.ownedBy(index), before[at]!)
      assert.deepStrictEqual(book.faults, [])
    }))

  it.effect("of a killed server are others' when its time is over; of a killed leader, when the next has led for that long", () =>
    Effect.gen(function*() {
      const { book, group } = yield* working()
      const leader = yield* group.awaitLeader()
      const killed = [0, 1, 2].find((index) => index !== leader)!
      let from = yield* group.now
      yield* group.kill(killed)
      book.forget(killed)
      yield* group.until("all are held", Effect.sync(() => book.everyOne()), { step: "1 millis" })
      const took = (yield* group.now) - from
      assert.isAtMost(took, expiry + 500)
      assert.isAtLeast(took, expiry / 2)
      yield* group.start(killed)
      yield* group.until("it has its share", Effect.sync(() => book.ownedBy(killed).length > 0 && book.everyOne()))

      const starts = book.starts()
      const lost = book.ownedBy(leader).length
      const kept = [0, 1, 2].filter((index) => index !== leader).map((index) => [index, book.ownedBy(index)] as const)
      from = yield* group.now
      yield* group.kill(leader)
      book.forget(leader)
      yield* group.until("all are held", Effect.sync(() => book.everyOne()), { step: "10 millis" })
      assert.isAtMost((yield* group.now) - from, 1.2 * 1_500 + 50 + expiry + 500)
      // What the others held went on all the while.
      assert.strictEqual(book.starts(), starts + lost)
      for (const [index, before] of kept) assert.includeMembers(book.ownedBy(index), before)
      assert.deepStrictEqual(book.faults, [])
    }))

  it.effect("move to a server that joins when their work has ended, and only those that it takes", () =>
    Effect.gen(function*() {
      const { book, group } = yield* working()
      const before = new Map(Array.from({ length: count }, (_, partition) => [partition, book.owner(partition)]))
      const starts = book.starts()
      const joined = yield* group.add
      yield* group.until("it has its share", Effect.sync(() => book.ownedBy(joined).length > 0))
      yield* group.advance("2 seconds")
      assert.isTrue(book.everyOne())
      const moved = book.ownedBy(joined)
      assert.strictEqual(book.starts(), starts + moved.length)
      for (const [partition, owner] of before) {
        assert.strictEqual(book.owner(partition), moved.includes(partition) ? joined : owner)
      }
      assert.deepStrictEqual(book.faults, [])
    }))

  it.effect("are ended on a server that is cut off before others have them, and come back to it", () =>
    Effect.gen(function*() {
      const { book, group } = yield* working()
      const leader = yield* group.awaitLeader()
      const cutOff = [0, 1, 2].find((index) => index !== leader)!
      const others = [0, 1, 2].filter((index) => index !== cutOff)
      const before = book.ownedBy(cutOff)
      yield* group.partition([others, [cutOff]])
      yield* group.until("its work has ended", Effect.sync(() => book.ownedBy(cutOff).length === 0))
      yield* group.until("all are held", Effect.sync(() => book.everyOne()))
      yield* group.heal
      yield* group.until("its share comes back", Effect.sync(() => book.ownedBy(cutOff).length === before.length))
      assert.deepStrictEqual(book.ownedBy(cutOff), before)
      assert.deepStrictEqual(book.faults, [])
    }))
})

/** One partition, on the server that is to hold it. */
const alone = Effect.fnUntraced(function*(options: Partial<SimulatedGroup.Options> = {}) {
  const group = yield* SimulatedGroup.make({
    servers: 2,
    seed: "alone",
    settings: (index) => ({ ...settings(index), groupSize: 2 }),
    ...options
  })
  yield* group.settle()
  const server = yield* group.server(0)
  const other = yield* group.server(1)
  return { group, server, other, lines: Array<string>() }
})

const loggedTo = (lines: Array<string>) =>
  Logger.layer([
    Logger.make(({ message }) => lines.push(Array.isArray(message) ? String(message[0]) : String(message)))
  ])

describe("work on partitions (protocol, Grants)", () => {
  it.effect("that fails is started again under its grant; when the schedule is exhausted, others take the partitions", () =>
    Effect.gen(function*() {
      const { group, lines, other, server } = yield* alone()
      const at: Array<string> = []
      const failing = (partition: number) =>
        Effect.flatMap(Effect.andThen(Grant.Grant, group.now), () => {
          at.push(`n0 ${partition}`)
          return Effect.fail("no disk")
        })
      const space = yield* server.partitions.make({ name: "orders", count: 1 })
      const exit = yield* space.whileOwner(failing, {
        schedule: Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(2)])
      }).pipe(Effect.exit, Effect.provide(loggedTo(lines)), Effect.forkScoped)
      yield* group.until("it has been given up", Effect.sync(() => exit.pollUnsafe() !== undefined))
      const [failed] = [yield* Fiber.join(exit)]
      assert.deepStrictEqual(failed, Exit.fail("no disk"))
      assert.deepStrictEqual(at, ["n0 0", "n0 0", "n0 0"])
      assert.deepStrictEqual(lines, [
        `work on partition 0 of "orders" failed; it is started again after 100 ms`,
        `work on partition 0 of "orders" failed; it is started again after 100 ms`,
        `work on partition 0 of "orders" failed; it is not started again, and this server gives its partitions up`
      ])
      const from = yield* group.now
      const taken = yield* Deferred.make<void>()
      yield* Effect.forkScoped(runs(other, () => Deferred.succeed(taken, undefined), { count: 1 }))
      yield* group.until("the other has it", Deferred.isDone(taken), { step: "1 millis" })
      assert.isBelow((yield* group.now) - from, 1_000)
    }))

  it.effect("that does not end is logged, and nobody else has its partition before it ends", () =>
    Effect.gen(function*() {
      const { group, lines, other, server } = yield* alone()
      const goOn = yield* Deferred.make<void>()
      const space = yield* server.partitions.make({ name: "orders", count: 1 })
      const begun = yield* Deferred.make<void>()
      const stubborn = () =>
        Effect.andThen(Deferred.succeed(begun, undefined), Effect.uninterruptible(Deferred.await(goOn)))
      yield* space.whileOwner(stubborn).pipe(Effect.provide(loggedTo(lines)), Effect.forkScoped)
      yield* group.until("it has begun", Deferred.isDone(begun))
      let taken = false
      // It outweighs the one that holds it: so the partition is to move.
      yield* Effect.forkScoped(runs(other, () => Effect.sync(() => taken = true), { count: 1, weight: 1_000_000 }))
      yield* group.until("it is told", Effect.sync(() => lines.length > 0))
      yield* group.advance(3 * expiry)
      assert.isFalse(taken)
      assert.deepStrictEqual(lines, [
        `work on partition 0 of "orders" still runs ${stopTimeout}ms after it was told to end; nobody else has the partition before it ends, or before its time is over by the clock`
      ])
      yield* Deferred.succeed(goOn, undefined)
      yield* group.until("the other has it", Effect.sync(() => taken), { step: "1 millis", within: "200 millis" })
    }))

  it.effect("that does not end when its time is over keeps a new grant on that server waiting", () =>
    Effect.gen(function*() {
      const { group, server } = yield* alone({ servers: 3, settings })
      const goOn = yield* Deferred.make<void>()
      const tokens: Array<string> = []
      const space = yield* server.partitions.make({ name: "orders", count: 1 })
      let ended = 0
      yield* Effect.forkScoped(space.whileOwner(() =>
        Effect.gen(function*() {
          tokens.push((yield* Grant.Grant).token)
          if (tokens.length === 1) yield* Effect.uninterruptible(Deferred.await(goOn))
          ended++
        })
      ))
      const owned: Array<ReadonlyArray<number>> = []
      yield* Effect.forkScoped(Stream.runForEach(space.owned, (now) => Effect.sync(() => owned.push(now))))
      yield* group.until("it has begun", Effect.sync(() => tokens.length === 1))
      yield* group.partition([[0], [1, 2]])
      yield* group.until("its time is over", Effect.sync(() => owned.length === 3))
      yield* group.advance(2 * expiry)
      yield* group.heal
      yield* group.until("it is granted anew", Effect.sync(() => owned.length === 4))
      yield* group.advance("2 seconds")
      assert.deepStrictEqual(owned, [[], [0], [], [0]])
      assert.deepStrictEqual([tokens.length, ended], [1, 0])
      yield* Deferred.succeed(goOn, undefined)
      yield* group.until("the new one runs", Effect.sync(() => ended === 1))
      assert.isTrue(tokens[1]! > tokens[0]!)
    }))

  it.effect("that has succeeded keeps its partition here, until it is wanted elsewhere", () =>
    Effect.gen(function*() {
      const { group, other, server } = yield* alone()
      let done = 0
      let taken = 0
      yield* Effect.forkScoped(runs(server, () => Effect.sync(() => done++), { count: 2 }))
      yield* group.until("both are done", Effect.sync(() => done === 2))
      yield* group.advance(2 * expiry)
      assert.strictEqual(done, 2)
      yield* Effect.forkScoped(runs(other, () => Effect.sync(() => taken++), { count: 2, weight: 1_000_000 }))
      yield* group.until("both have moved", Effect.sync(() => taken === 2), { within: "1 second" })
    }))

  it.effect("ends when it is interrupted, and the partitions are another's at once", () =>
    Effect.gen(function*() {
      const { group, other, server } = yield* alone()
      const book = makeBook()
      const first = yield* Effect.forkScoped(runs(server, book.work(0)))
      yield* group.until("all are held", Effect.sync(() => book.everyOne()))
      yield* Effect.forkScoped(runs(other, book.work(1), { weight: 0 }))
      yield* group.advance("2 seconds")
      assert.strictEqual(book.ownedBy(0).length, count, "a weight of 0 takes none")
      yield* Fiber.interrupt(first)
      assert.strictEqual(book.ownedBy(0).length, 0)
      const second = yield* Effect.forkScoped(runs(server, book.work(0)))
      yield* group.until("all are held", Effect.sync(() => book.everyOne()), { within: "1 second" })
      assert.deepStrictEqual(book.faults, [])
      yield* Fiber.interrupt(second)
    }))

  it.effect("knows by the clock that its grant is over, in the instant after a freeze", () =>
    Effect.gen(function*() {
      const { group, server } = yield* alone({ servers: 3, settings })
      const guarded: Array<string> = []
      const begun = yield* Deferred.make<Grant.Grant["Service"]>()
      yield* Effect.forkScoped(runs(server, () =>
        Effect.flatMap(Grant.Grant, (grant) =>
          Effect.andThen(Deferred.succeed(begun, grant), Effect.never)), { count: 1 }))
      yield* group.until("it has begun", Deferred.isDone(begun))
      const grant = yield* Deferred.await(begun)
      const act = Grant.Grant.guard(Effect.succeed("done")).pipe(
        Effect.catchTag("GrantLost", (lost) =>
          Effect.succeed(lost.message)),
        Effect.provideService(Grant.Grant, grant)
      )
      guarded.push(yield* act)
      yield* group.pause(0)
      yield* group.advance(expiry)
      guarded.push(yield* act)
      assert.deepStrictEqual(guarded, ["done", `"orders" is held no more by the grant ${grant.token}`])
      yield* group.resume(0)
    }))

  it.effect("is asked for once on a server: a second time is a defect", () =>
    Effect.gen(function*() {
      const { group, server } = yield* alone()
      yield* Effect.forkScoped(runs(server, () => Effect.never))
      yield* group.advance("10 millis")
      const exit = yield* Effect.exit(runs(server, () => Effect.never))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "runs on this server already")
    }))
})

describe("partitions of a name (protocol, Grants)", () => {
  it.effect("are refused without leases, and where an option is not allowed, in one line each", () =>
    Effect.gen(function*() {
      const { server } = yield* alone()
      const refusal = (options: Partial<Partitions.Options>) =>
        Effect.map(
          Effect.flip(server.partitions.make({ name: "orders", count: 8, ...options })),
          ({ message }) => message
        )
      assert.strictEqual(yield* refusal({ count: 0 }), "count is 0; allowed: a whole number from 1 to 1024")
      assert.strictEqual(yield* refusal({ weight: -1 }), "weight is -1; allowed: a whole number from 0 to 1000000")
      assert.strictEqual(
        yield* refusal({ expiry: "1 second" }),
        "expiry is \"1 second\"; allowed: a duration from 1.5s (3 x stopTimeout) to 1h"
      )
      assert.strictEqual(
        yield* refusal({ expiry: "soon" as never }),
        "expiry is soon; allowed: a duration from 1.5s (3 x stopTimeout) to 1h"
      )
      assert.strictEqual(
        yield* refusal({ wieght: 2 } as never),
        "wieght is no option; allowed: weight is the nearest name"
      )
      assert.include(yield* refusal({ name: "" }), `"" is no name`)
      const { server: bully } = yield* alone({ settings: { profile: "fast" } })
      const why = yield* Effect.flip(bully.partitions.make({ name: "orders", count: 8 }))
      assert.deepInclude(why, { _tag: "GrantsRefused", reason: "bully" })
    }))

  it.effect("are not held while others use the name with another count, which is told once; then they are", () =>
    Effect.gen(function*() {
      const { group, lines, other, server } = yield* alone()
      const book = makeBook()
      const first = yield* Effect.forkScoped(runs(server, book.work(0)))
      yield* group.until("all are held", Effect.sync(() => book.everyOne()))
      yield* runs(other, book.work(1), { count: 8 }).pipe(Effect.provide(loggedTo(lines)), Effect.forkScoped)
      yield* group.advance(2 * expiry)
      assert.deepStrictEqual(lines, [
        `no partition is held: others hold "orders" with another expiry or count: these must be the same on all servers`
      ])
      assert.strictEqual(book.ownedBy(1).length, 0)
      yield* Fiber.interrupt(first)
      yield* group.until("they are held", Effect.sync(() => book.ownedBy(1).length === 8))
    }))

  it.effect("have each key in one of them, the same everywhere", () =>
    Effect.gen(function*() {
      const { other, server } = yield* alone()
      const [space, same] = [
        yield* server.partitions.make({ name: "orders", count: 64 }),
        yield* other.partitions.make({ name: "orders", count: 64 })
      ]
      // The first 32 bits of the SHA-256 of "order 1" and of "größe", modulo 64.
      assert.deepStrictEqual(["order 1", "größe"].map(space.partitionOf), [21, 39])
      const keys = Array.from({ length: 6_400 }, (_, at) => `key ${at}`)
      assert.deepStrictEqual(keys.map(same.partitionOf), keys.map(space.partitionOf))
      const sizes = new Map<number, number>()
      for (const key of keys) sizes.set(space.partitionOf(key), (sizes.get(space.partitionOf(key)) ?? 0) + 1)
      assert.strictEqual(sizes.size, 64)
      assert.isTrue([...sizes.values()].every((size) => size > 50 && size < 150))
    }))
})
