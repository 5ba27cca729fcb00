/** The real `Sharding` on a simulated group: each entity is run by one runner at any instant of true time. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Cluster from "./Cluster.ts"

const all = [0, 1, 2]

/** Three runners among which the entities are spread. */
const cluster = Effect.fnUntraced(function*(seed: string, alter?: Cluster.Alter) {
  const cluster = yield* Cluster.make(alter === undefined ? { seed } : { seed, alter })
  yield* cluster.untilAllRun(all)
  yield* cluster.group.until(
    "the entities are spread",
    Effect.sync(() => new Set(Cluster.entities.flatMap((entity) => Cluster.ownersOf(cluster.record, entity))).size > 1),
    { within: "1 minute" }
  )
  // Until what moves has moved.
  yield* cluster.group.advance("10 seconds")
  const leader = yield* cluster.group.awaitLeader()
  return { ...cluster, leader }
})

const others = (...indices: ReadonlyArray<number>) => all.filter((index) => !indices.includes(index))

/** No entity ran twice at one time, and no store was offered a lower token. */
const isSafe = ({ done, ...record }: Cluster.Record) => {
  assert.deepStrictEqual(Cluster.overlaps({ done, ...record }), [])
  assert.deepStrictEqual(done.filter(({ isTaken }) => !isTaken), [])
  assert.isAbove(done.length, 100)
}

const runnersOf = (record: Cluster.Record) =>
  new Set(Cluster.entities.flatMap((entity) => Cluster.ownersOf(record, entity)))

describe("Sharding on a group", () => {
  it.effect("runs the entities of a runner that was killed elsewhere within 8 s", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, kill, leader, record, untilAllRun } = yield* cluster("killed")
      const victim = [...runnersOf(record)].find((index) => index !== leader)!
      yield* kill(victim)
      const took = yield* untilAllRun(others(victim))
      assert.isAtMost(took, 8_000)
      assert.isAbove(took, 0)
      yield* group.advance("20 seconds")
      isSafe(record)
    })))

  it.effect("runs the entities of a killed leader elsewhere within 10 s, while all others go on", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, kill, leader, record, untilAllRun } = yield* cluster("leader killed")
      const before = new Set(
        Cluster.entities.filter((entity) => !Cluster.ownersOf(record, entity).includes(leader))
      )
      const at = yield* group.now
      yield* kill(leader)
      assert.isAtMost(yield* untilAllRun(others(leader)), 10_000)
      const ended = record.runs.filter(({ entity, to }) => before.has(entity) && to > at && to < Infinity)
      assert.deepStrictEqual(ended.filter(({ to }) => to < at + 5_000), [])
      yield* group.advance("20 seconds")
      isSafe(record)
    })))

  it.effect("ends the entities of a frozen runner at once when it goes on after its locks are over", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, leader, pause, record, resume, untilAllRun } = yield* cluster("frozen")
      const frozen = [...runnersOf(record)].find((index) => index !== leader)!
      const held = Cluster.entities.filter((entity) => Cluster.ownersOf(record, entity).includes(frozen))
      yield* pause(frozen)
      yield* untilAllRun(others(frozen))
      yield* group.advance("12 seconds")
      const at = yield* group.now
      yield* resume(frozen)
      yield* group.advance("30 seconds")
      const after = record.runs.filter(({ entity, from, index, to }) =>
        index === frozen && from < at && to >= at && held.includes(entity)
      )
      assert.deepStrictEqual(after.filter(({ to }) => to > at + 50), [])
      assert.strictEqual(after.length, held.length)
      isSafe(record)
    })))

  it.effect("stops on the side of a minority before the majority has its entities", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, leader, record } = yield* cluster("cut off")
      yield* group.partition([[leader], others(leader)])
      yield* group.until("the majority has all", Effect.sync(() => Cluster.allRun(record, others(leader))), {
        within: "15 seconds"
      })
      yield* group.advance("10 seconds")
      assert.isTrue(Cluster.entities.every((entity) => !Cluster.ownersOf(record, entity).includes(leader)))
      yield* group.heal
      yield* group.advance("30 seconds")
      assert.isTrue(Cluster.allRun(record, all))
      isSafe(record)
    })))

  it.effect("hands the entities of a runner over that stops, within some seconds", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, leader, record, untilAllRun } = yield* cluster("stops")
      const stopping = [...runnersOf(record)].find((index) => index !== leader)!
      yield* group.stop(stopping)
      assert.isAtMost(yield* untilAllRun(others(stopping)), 4_500)
      isSafe(record)
    })))

  it.effect("would run entities twice if an answer left out the locks that are lost", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, leader, pause, record, resume, untilAllRun } = yield* cluster("fewer", (storage) => ({
        ...storage,
        refresh: (address, shards) => Effect.catchDefect(storage.refresh(address, shards), () => Effect.succeed([]))
      }))
      const frozen = [...runnersOf(record)].find((index) => index !== leader)!
      yield* pause(frozen)
      yield* untilAllRun(others(frozen))
      yield* resume(frozen)
      yield* group.advance("10 seconds")
      assert.isAbove(Cluster.overlaps(record).length, 0)
      assert.deepStrictEqual(record.done.filter(({ isTaken }) => !isTaken), [], "the clock is asked before each write")
    })))

  for (const seed of ["drawn 1", "drawn 2", "drawn 3"]) {
    it.effect(
      `runs each entity once at a time under every fault, and all of them after (${seed})`,
      () =>
        VirtualTime.run(
          Effect.gen(function*() {
            const { group, kill, pause, record, resume, start, untilAllRun } = yield* cluster(seed)
            for (let round = 0; round < 8; round++) {
              const index = (yield* Random.nextIntBetween(0, 300)) % 3
              const time = Duration.millis(yield* Random.nextIntBetween(200, 12_000))
              const befalls = [
                kill(index).pipe(Effect.andThen(group.advance(time)), Effect.andThen(start(index))),
                pause(index).pipe(Effect.andThen(group.advance(time)), Effect.andThen(resume(index))),
                group.partition([[index], others(index)]).pipe(
                  Effect.andThen(group.advance(time)),
                  Effect.andThen(group.heal)
                ),
                group.cut(index, others(index)[0]!).pipe(
                  Effect.andThen(group.advance(time)),
                  Effect.andThen(group.heal)
                ),
                group.setLoss(0.2).pipe(Effect.andThen(group.advance(time)), Effect.andThen(group.setLoss(0))),
                group.jumpWallClock(index, "20 seconds")
              ]
              yield* befalls[(yield* Random.nextIntBetween(0, 600)) % befalls.length]!
              yield* group.advance(Duration.millis(yield* Random.nextIntBetween(0, 10_000)))
            }
            yield* group.advance("20 seconds")
            assert.isAtMost(yield* untilAllRun(all), 5_000)
            isSafe(record)
          }).pipe(Random.withSeed(seed))
        ),
      60_000
    )
  }
})
