/**
 * The same `Leadership` with a majority lease: singletons, handing over, stepping down and named leaderships, and the
 * causes that only a lease has. At most one server leads at every instant that is looked at.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Leadership from "../../src/server/Leadership.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"
import { idOf, leadershipOf, transfer } from "./HandingOver.ts"

const L = 1_500

const make = (settings: Settings.Options = {}, options: Partial<SimulatedGroup.Options> = {}) =>
  SimulatedGroup.make({
    servers: 3,
    seed: 41,
    settings: (index) => ({
      profile: "fast",
      leadership: "lease",
      groupSize: 3,
      priority: index,
      name: `n${index}`,
      ...settings
    }),
    ...options
  })

const run = <A, E>(effect: Effect.Effect<A, E>) => VirtualTime.run(effect)

const watch = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, millis: number) {
  for (let passed = 0; passed < millis; passed += 5) {
    yield* group.advance(5)
    const leaders = yield* group.leaders
    assert.isAtMost(leaders.length, 1, leaders.join())
  }
})

const causes = (group: SimulatedGroup.SimulatedGroup, index: number, from: number, election = "") =>
  Effect.map(
    group.events(index),
    (events) =>
      events.flatMap(({ at, event }) =>
        at >= from && event.event === "LeaderChanged" && event.election === election
          ? [`${event.leader?.name ?? "nobody"} ${event.cause}`]
          : []
      )
  )

describe("the causes with a lease (protocol, majority lease)", () => {
  it.effect("HigherRank: a higher ranked one joins, and the leader gives its lease back to it", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make({ groupSize: 4 })
      yield* group.settle()
      const from = yield* group.now
      yield* group.add
      yield* watch(group, 3 * L)
      assert.deepStrictEqual(yield* group.leaders, [3])
      for (const index of [0, 1, 2]) {
        assert.deepStrictEqual(yield* causes(group, index, from), ["nobody HigherRank", "n3 HigherRank"])
      }
    }))))

  it.effect("MajorityLost: to the leader that is cut off; the others know it by their own clocks, or that it is silent", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      yield* watch(group, 1_000)
      const from = yield* group.now
      yield* group.partition([[0, 1], [2]])
      yield* watch(group, 3 * L)
      assert.deepStrictEqual(yield* group.leaders, [1])
      assert.deepStrictEqual(yield* causes(group, 2, from), ["nobody MajorityLost"])
      for (const index of [0, 1]) {
        const [ended, led] = yield* causes(group, index, from)
        assert.include(["nobody LeaseLost", "nobody Silent"], ended)
        assert.strictEqual(led, ended?.replace("nobody", "n1"))
      }
      const without = (yield* group.events(1)).flatMap(({ event }) =>
        event.event === "LeaderChanged" ? [event.without] : []
      )
      assert.isAbove(without.at(-1)!, L / 2, "it counts from the last sign of life")
      yield* group.heal
      yield* watch(group, 3 * L)
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))))

  it.effect("MajorityLost: to all who stay, at once, when so many leave that no majority is left", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make({ groupSize: 4 })
      yield* group.settle()
      yield* watch(group, 1_000)
      const from = yield* group.now
      yield* group.stop(0)
      yield* watch(group, 200)
      assert.deepStrictEqual(yield* group.leaders, [])
      for (const index of [1, 2]) assert.deepStrictEqual(yield* causes(group, index, from), ["nobody MajorityLost"])
      yield* group.start(0)
      yield* watch(group, 3 * L)
      for (const index of [1, 2]) {
        assert.deepStrictEqual((yield* causes(group, index, from)).slice(1), ["n2 MajorityLost"])
      }
    }))))

  it.effect("Stalled: to the leader that was paused; the others have another by then", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      yield* watch(group, 1_000)
      const from = yield* group.now
      yield* group.pause(2)
      yield* watch(group, 2 * L)
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* group.resume(2)
      yield* watch(group, 2 * L)
      const [ended] = yield* causes(group, 2, from)
      assert.include(["nobody Stalled", "nobody LeaseLost"], ended)
    }))))

  it.effect("Resigned, Transferred and TooFewMembers: as without a lease, to all", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make({ minimumMembers: 3, preempt: false })
      yield* group.settle()
      yield* watch(group, 1_000)
      let from = yield* group.now
      yield* (yield* leadershipOf(group, 2)).resign
      yield* watch(group, 500)
      for (const index of [0, 1, 2]) {
        assert.deepStrictEqual(yield* causes(group, index, from), ["nobody Resigned", "n1 Resigned"])
      }
      from = yield* group.now
      assert.isTrue(Exit.isSuccess((yield* transfer(group, 1, 0)).exit))
      yield* watch(group, 500)
      for (const index of [0, 1, 2]) {
        assert.deepStrictEqual(yield* causes(group, index, from), ["nobody Transferred", "n0 Transferred"])
      }
      from = yield* group.now
      yield* group.stop(2)
      yield* watch(group, 1_000)
      for (const index of [0, 1]) assert.deepStrictEqual(yield* causes(group, index, from), ["nobody TooFewMembers"])
    }))))
})

describe("the same services with a lease (issue: an app changes one setting, not its code)", () => {
  it.effect("handing over: to the lowest ranked, at once, and it stays for one memberTimeout", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      yield* watch(group, 1_000)
      const { exit, took } = yield* transfer(group, 2, 0)
      assert.isTrue(Exit.isSuccess(exit))
      assert.isAtMost(took, 100)
      yield* watch(group, 1_400)
      assert.deepStrictEqual(yield* group.leaders, [0])
      yield* watch(group, 3 * L)
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))))

  it.effect("handing over to one that does not lead: a typed error, and the group has a leader again", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      yield* watch(group, 1_000)
      yield* (yield* leadershipOf(group, 0)).stepDownFor("1 minute")
      const { exit } = yield* transfer(group, 2, 0)
      assert.deepInclude(yield* Effect.flip(exit), { _tag: "TransferFailed", to: yield* idOf(group, 0) })
      yield* watch(group, 3 * L)
      assert.lengthOf(yield* group.leaders, 1)
    }))))

  it.effect("stepping down for a time: the others lead, and it still votes", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      yield* watch(group, 1_000)
      yield* group.kill(0)
      yield* (yield* leadershipOf(group, 2)).stepDownFor("10 seconds")
      yield* watch(group, 500)
      assert.deepStrictEqual(yield* group.leaders, [1], "one of three is dead: without its vote there is no majority")
      yield* watch(group, 9_000)
      assert.deepStrictEqual(yield* group.leaders, [1])
      yield* watch(group, 2 * L)
      assert.deepStrictEqual(yield* group.leaders, [2])
    }))))

  it.effect("nine leaderships: each has one leader on three servers, also after one is killed", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const jobs = Array.from({ length: 9 }, (_, i) => `job ${i + 1}`)
      const working = new Map<string, Array<number>>(jobs.map((job) => [job, []]))
      const group = yield* make({ priority: 0 }, {
        app: (server, index) =>
          Effect.forEach(jobs, (job) =>
            Effect.flatMap(server.leadership.of(job), ({ singleton }) =>
              singleton(
                job,
                Effect.acquireUseRelease(
                  Effect.sync(() => working.get(job)!.push(index)),
                  () => Effect.never,
                  () => Effect.sync(() => working.set(job, working.get(job)!.filter((other) => other !== index)))
                )
              )), { concurrency: "unbounded" })
      })
      yield* group.settle()
      yield* group.advance(3 * L)
      for (const [job, who] of working) assert.lengthOf(who, 1, job)
      assert.isAtLeast(new Set([...working.values()].flat()).size, 2)
      yield* group.kill(0)
      for (const [job, who] of working) working.set(job, who.filter((index) => index !== 0))
      yield* group.advance(3 * L)
      for (const [job, who] of working) assert.lengthOf(who, 1, job)
    }))))

  it.effect(
    "work of two servers never overlaps, regardless of the network and the processes",
    () =>
      Effect.gen(function*() {
        let begun = 0
        for (let seed = 0; seed < 5; seed++) {
          yield* VirtualTime.run(
            Effect.gen(function*() {
              const running = new Map<string, number>()
              const complaints: Array<string> = []
              let last = 0
              const group = yield* make({}, {
                seed,
                app: ({ leadership }, index) =>
                  leadership.whileLeader(Effect.acquireUseRelease(
                    Effect.map(Leadership.Reign, ({ term }) => {
                      begun++
                      if (running.size > 0) {
                        complaints.push(`n${index} begins while ${[...running.keys()].join()} works`)
                      }
                      if (term <= last) complaints.push(`n${index} works under ${term} after ${last}`)
                      last = term
                      running.set(`n${index}`, term)
                    }),
                    () => Effect.never,
                    () => Effect.delay(Effect.sync(() => running.delete(`n${index}`)), 100)
                  ))
              })
              yield* group.settle()
              for (let round = 0; round < 25; round++) {
                const index = yield* Random.nextIntBetween(0, 2)
                const what = yield* Random.choice(["cut", "heal", "kill", "resign", "hand over", "hand over"])
                if (what === "cut") yield* group.partition([[index], [0, 1, 2].filter((other) => other !== index)])
                if (what === "heal") yield* group.heal
                if (what === "kill" && (yield* group.running).length === 3) {
                  yield* group.kill(index)
                  running.delete(`n${index}`)
                }
                for (const leader of yield* group.leaders) {
                  const leadership = yield* leadershipOf(group, leader)
                  if (what === "resign") yield* Effect.ignore(leadership.resign)
                  if (what === "hand over") {
                    yield* Effect.forkScoped(Effect.ignore(leadership.transferTo(yield* idOf(group, index))))
                  }
                }
                yield* watch(group, yield* Random.nextIntBetween(50, 2_000))
                if (round % 3 === 2) {
                  for (const each of [0, 1, 2]) if ((yield* group.state(each)) === "killed") yield* group.start(each)
                }
              }
              yield* group.heal
              for (const each of [0, 1, 2]) if ((yield* group.state(each)) === "killed") yield* group.start(each)
              yield* watch(group, 5 * L)
              assert.deepStrictEqual(yield* group.leaders, [2])
              assert.deepStrictEqual(complaints, [], `seed ${seed}`)
            }).pipe(Random.withSeed(`lease leading ${seed}`))
          )
        }
        assert.isAbove(begun, 30)
      }),
    120_000
  )
})
