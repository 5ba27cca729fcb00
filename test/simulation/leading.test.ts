/**
 * Leading work under all faults: servers that are paused, die and are cut off, apps that resign, step down and hand
 * over at any moment, and work that is slow to end. What must never be is looked for all along; and when it is over, the
 * group is as if nothing had been.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Leadership from "../../src/server/Leadership.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

const seeds = Array.from({ length: 8 }, (_, i) => i)

const oneLife = Effect.fnUntraced(function*(seed: number) {
  const complaints: Array<string> = []
  // Of each start of a server: the terms that it works under now, and the last one it began to work under.
  const running = new Map<string, Map<number, number>>()
  const newest = new Map<string, number>()
  const starts = new Map<number, number>()
  let begun = 0
  let harsh = true

  const work = (start: string) =>
    Effect.acquireUseRelease(
      Effect.map(Leadership.Reign, ({ term }) => {
        begun++
        const terms = running.get(start) ?? new Map<number, number>()
        running.set(start, terms)
        terms.set(term, (terms.get(term) ?? 0) + 1)
        if (terms.size > 1) complaints.push(`${start} works under ${[...terms.keys()].join(" and ")} at once`)
        if (term < (newest.get(start) ?? 0)) complaints.push(`${start} works under ${term} after ${newest.get(start)}`)
        newest.set(start, term)
        return { term, terms }
      }),
      () =>
        Effect.flatMap(Random.nextBetween(0, 4_000), (after) =>
          harsh ? Effect.delay(Effect.fail("no disk"), after) : Effect.never),
      ({ term, terms }) =>
        Effect.gen(function*() {
          // One in six takes longer to end than it may.
          const chance = yield* Random.nextBetween(0, 6)
          yield* Effect.sleep(!harsh ? 0 : chance < 1 ? 1_500 : chance * 20)
          const left = terms.get(term)! - 1
          if (left === 0) {
            terms.delete(term)
          } else terms.set(term, left)
        })
    )

  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed,
    settings: (index) => ({ profile: "fast", priority: index, name: `n${index}`, preempt: seed % 2 === 0 }),
    app: ({ leadership }, index) =>
      Effect.gen(function*() {
        starts.set(index, (starts.get(index) ?? 0) + 1)
        const start = `n${index}, start ${starts.get(index)}`
        const two = ["one", "two"].map((name) => leadership.singleton(name, work(start)))
        return yield* Effect.all(two, { concurrency: "unbounded" })
      })
  })
  const leaderships = Effect.flatMap(
    group.running,
    (running) => Effect.forEach(running, (index) => Effect.map(group.server(index), ({ leadership }) => leadership))
  )
  const idOf = (index: number) =>
    Effect.flatMap(group.server(index), (server) => Effect.map(server.group.self, ({ id }) => id))
  const counts = new Map<string, number>()

  const trouble = Effect.gen(function*() {
    const index = yield* Random.nextIntBetween(0, 2)
    const other = yield* Random.nextIntBetween(0, 2)
    const state = yield* group.state(index)
    const what = yield* Random.choice(["pause", "kill", "cut", "heal", "resign", "step down", "hand over", "hand over"])
    counts.set(what, (counts.get(what) ?? 0) + 1)
    switch (what) {
      case "pause":
        return state === "running" ? yield* group.pause(index) : undefined
      case "kill":
        return state === "running" && (yield* group.running).length === 3 ? yield* group.kill(index) : undefined
      case "cut":
        return yield* group.partition([[index], [0, 1, 2].filter((each) => each !== index)])
      case "heal":
        return yield* group.heal
      case "step down":
        return state === "running"
          ? yield* Effect.ignore((yield* group.server(index)).leadership.stepDownFor(3_000))
          : undefined
      default:
        for (const leadership of yield* leaderships) {
          if (!(yield* leadership.isLeader)) continue
          const order = what === "resign" ? leadership.resign : leadership.transferTo(yield* idOf(other))
          yield* Effect.forkScoped(Effect.ignore(order))
        }
        return undefined
    }
  })
  const mend = Effect.gen(function*() {
    for (const index of [0, 1, 2]) {
      const state = yield* group.state(index)
      if (state === "paused") yield* group.resume(index)
      if (state === "killed") yield* group.start(index)
    }
  })

  yield* group.settle()
  for (let round = 0; round < 40; round++) {
    yield* trouble
    yield* group.advance(yield* Random.nextIntBetween(1, 2_000))
    if (round % 3 === 2) yield* mend
  }
  harsh = false
  yield* group.heal
  yield* mend
  // For as long as a time to step down lasts, and a member time-out after the last word.
  yield* group.advance("20 seconds")
  const leader = yield* group.settle()
  yield* group.advance("1 second")
  assert.deepStrictEqual(complaints, [], `seed ${seed}`)
  assert.deepStrictEqual(yield* group.leaders, [leader])
  if (seed % 2 === 0) assert.strictEqual(leader, 2, `seed ${seed}: the rank decides in the end`)
  const at = `n${leader}, start ${starts.get(leader)}`
  assert.deepStrictEqual([...(running.get(at)?.values() ?? [])], [2], `seed ${seed}: both singletons run`)
  return { begun, counts }
})

describe("leading work, under all faults (issue: work never overlaps with its next reign)", () => {
  it.live(
    "never overlaps on a server, never goes back to an older reign, and goes on when it is over",
    () =>
      Effect.gen(function*() {
        let begun = 0
        const all = new Map<string, number>()
        for (const seed of seeds) {
          // Its failures are logged, many of them.
          const life = yield* VirtualTime.run(Random.withSeed(oneLife(seed), `leading ${seed}`)).pipe(
            Effect.provide(Logger.layer([]))
          )
          begun += life.begun
          for (const [what, count] of life.counts) all.set(what, (all.get(what) ?? 0) + count)
        }
        // That what was looked for could have been seen.
        assert.isAbove(begun, 20 * seeds.length)
        for (const [what, count] of all) assert.isAbove(count, seeds.length, what)
      }),
    120_000
  )
})
