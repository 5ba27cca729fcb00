/**
 * Named leaderships as an app uses them: nine jobs on three servers.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const jobs = Array.from({ length: 9 }, (_, i) => `job ${i + 1}`)

/** Three servers that take part in all nine: those that work on each job now, and every reign that anyone worked under. */
const nine = Effect.fnUntraced(function*(settings: (index: number) => Settings.Options = () => ({})) {
  const working = new Map<string, Array<number>>(jobs.map((job) => [job, []]))
  const reigns = new Map<string, Array<string>>(jobs.map((job) => [job, []]))
  const leaderships = new Map<string, Leadership.LeadershipShape>()
  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed: 23,
    settings: (index) => ({ profile: "fast", name: `n${index}`, unicastPort: 40_000 + index, ...settings(index) }),
    app: (server, index) =>
      Effect.forEach(jobs, (job) =>
        Effect.gen(function*() {
          const leadership = yield* server.leadership.of(job)
          leaderships.set(`${job} on ${index}`, leadership)
          return yield* leadership.whileLeader(Effect.acquireUseRelease(
            Effect.map(Leadership.Reign, ({ token }) => {
              reigns.get(job)?.push(`${index} ${token}`)
              working.get(job)?.push(index)
            }),
            () => Effect.never,
            () => Effect.sync(() => working.set(job, working.get(job)!.filter((other) => other !== index)))
          ))
        }), { concurrency: "unbounded" })
  })
  yield* group.settle()
  yield* group.advance("2 seconds")
  const on = (job: string, index: number) => leaderships.get(`${job} on ${index}`)!
  /** Of each server, the jobs that it works on. */
  const load = () => [0, 1, 2].map((index) => jobs.filter((job) => working.get(job)!.includes(index)))
  /** That each job is worked on by one server. */
  const assertEachOnce = () => {
    for (const [job, who] of working) assert.strictEqual(who.length, 1, `${job}: ${who.join()}`)
  }
  return { group, load, on, reigns, working, assertEachOnce }
})

const changes = (group: SimulatedGroup.SimulatedGroup, index: number, from: number) =>
  Effect.map(
    group.events(index),
    (events) =>
      events.flatMap(({ at, event }): ReadonlyArray<Extract<Event.Event, { readonly event: "LeaderChanged" }>> =>
        at >= from && event.event === "LeaderChanged" && event.election !== "" ? [event] : []
      )
  )

describe("nine leaderships on three servers (issue: the load of leading is spread)", () => {
  it.effect("each has one leader, and every server has some", () =>
    Effect.gen(function*() {
      const { assertEachOnce, load } = yield* nine()
      assertEachOnce()
      // By hash, so these ids decide: in one group of thirteen, one server of the three would have none of nine.
      for (const own of load()) assert.isAtLeast(own.length, 1, JSON.stringify(load()))
    }))

  it.effect("a dead server's go to both others, each with its own event, and no other leadership moves", () =>
    Effect.gen(function*() {
      const { assertEachOnce, group, load, reigns, working } = yield* nine()
      const victim = load().findIndex((own) => own.length === Math.max(...load().map(({ length }) => length)))
      const lost = load()[victim]!
      const kept = jobs.filter((job) => !lost.includes(job))
      const before = new Map(kept.map((job) => [job, reigns.get(job)!.length]))
      const from = yield* group.now
      yield* group.kill(victim)
      // The work of the killed process runs no more, and its finalizers have not run.
      for (const job of lost) working.set(job, [])
      yield* group.advance("5 seconds")
      assertEachOnce()
      for (const job of kept) assert.strictEqual(reigns.get(job)!.length, before.get(job), `${job} has moved`)
      for (const index of yield* group.running) {
        const told = yield* changes(group, index, from)
        const led = told.filter(({ leader }) => leader !== null)
        assert.sameMembers(led.map(({ election }) => election), lost)
        for (const { cause, without } of led) {
          assert.strictEqual(cause, "Crashed")
          assert.isAbove(without, 0)
        }
      }
      yield* group.start(victim)
      yield* group.advance("3 seconds")
      assertEachOnce()
      // Its jobs have come back to it, by rank.
      assert.deepStrictEqual(load()[victim], lost)
    }))

  it.effect("priorities come before the rendezvous hash: the server with the highest leads all", () =>
    Effect.gen(function*() {
      const { assertEachOnce, load } = yield* nine((index) => ({ priority: index === 1 ? 5 : 0 }))
      assertEachOnce()
      assert.deepStrictEqual(load().map(({ length }) => length), [0, 9, 0])
    }))

  it.effect("resigning, stepping down for a time and handing over are of one leadership alone", () =>
    Effect.gen(function*() {
      const { assertEachOnce, group, load, on, working } = yield* nine()
      const [first, second, third] = load().flatMap((own, index) => own.map((job) => ({ job, index }))) as [
        { job: string; index: number },
        { job: string; index: number },
        { job: string; index: number }
      ]
      const others = jobs.filter((job) => ![first.job, second.job, third.job].includes(job))
      const before = others.map((job) => working.get(job)!)
      const from = yield* group.now
      yield* on(first.job, first.index).resign
      yield* on(second.job, second.index).stepDownFor("1 minute")
      const heir = (third.index + 1) % 3
      const { id } = yield* Effect.flatMap(group.server(heir), (server) => server.group.self)
      const handing = yield* Effect.forkScoped(on(third.job, third.index).transferTo(id))
      yield* group.advance("1 second")
      const outcome = handing.pollUnsafe()
      assert.isTrue(outcome !== undefined && Exit.isSuccess(outcome))
      assertEachOnce()
      assert.notDeepEqual(working.get(first.job), [first.index])
      assert.notDeepEqual(working.get(second.job), [second.index])
      assert.deepStrictEqual(working.get(third.job), [heir])
      for (const index of [0, 1, 2]) {
        const told = (yield* changes(group, index, from)).filter(({ leader }) => leader !== null)
        assert.sameMembers(told.map(({ cause, election }) => `${election} ${cause}`), [
          `${first.job} Resigned`,
          `${second.job} Resigned`,
          `${third.job} Transferred`
        ])
      }
      // After one memberTimeout the rank decides again, but of the one that stepped down for a minute.
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(working.get(first.job), [first.index])
      assert.deepStrictEqual(working.get(third.job), [third.index])
      assert.notDeepEqual(working.get(second.job), [second.index])
      assert.deepStrictEqual(others.map((job) => working.get(job)), before)
    }))

  it.effect("all servers name the leader of each, whether they take part or not", () =>
    Effect.gen(function*() {
      const { group, on, working } = yield* nine()
      for (const job of jobs) {
        const leader = yield* Effect.flatMap(group.server(working.get(job)![0]!), (server) => server.group.self)
        for (const index of [0, 1, 2]) {
          const followed = Option.getOrThrow(yield* on(job, index).followed)
          assert.strictEqual(followed.leader.id, leader.id)
        }
      }
    }))
})

describe("one named leadership", () => {
  const two: SimulatedGroup.Options = {
    servers: 2,
    seed: 3,
    settings: (index) => ({ profile: "fast", priority: index, name: `n${index}` })
  }

  it.effect("is the same however often it is asked for: one reign, one set of singletons, one withdrawal", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(two)
      const { leadership } = yield* group.server(1)
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(leadership.of("billing"), scope)
      const other = yield* Scope.provide(leadership.of("billing"), scope)
      yield* group.advance("2 seconds")
      assert.deepStrictEqual(yield* one.current, yield* other.current)
      assert.isTrue(Option.isSome(yield* one.current))
      yield* Effect.forkScoped(one.singleton("cleaner", Effect.never))
      yield* group.advance("10 millis")
      assert.isTrue(Exit.hasDies(yield* Effect.exit(other.singleton("cleaner", Effect.never))))
      const group_ = yield* Effect.forkScoped(leadership.singleton("cleaner", Effect.never))
      yield* group.advance("10 millis")
      assert.isUndefined(group_.pollUnsafe(), "that of the group is another leadership")
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(yield* other.isLeader)
      assert.isTrue(yield* leadership.isLeader)
    }))

  it.effect("cannot be handed to a member that takes no part in it", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(two)
      yield* group.settle()
      const billing = yield* (yield* group.server(1)).leadership.of("billing")
      yield* group.advance("1 second")
      const { id } = yield* Effect.flatMap(group.server(0), (server) => server.group.self)
      const error = yield* Effect.flip(billing.transferTo(id))
      assert.deepInclude(error, { _tag: "NoSuchMember", id, election: "billing" })
      assert.include(error.message, "takes no part in the election billing")
      assert.isTrue(yield* billing.isLeader)
    }))

  it.effect("whose scope closes ends its work first; the next server's begins after it", () =>
    Effect.gen(function*() {
      const group = yield* SimulatedGroup.make(two)
      yield* group.settle()
      const log: Array<string> = []
      const scopes = [yield* Scope.make(), yield* Scope.make()]
      for (const index of [0, 1]) {
        const { leadership } = yield* group.server(index)
        const billing = yield* Scope.provide(leadership.of("billing"), scopes[index]!)
        yield* Effect.forkScoped(billing.whileLeader(Effect.acquireUseRelease(
          Effect.sync(() => log.push(`n${index} begins`)),
          () => Effect.never,
          () => Effect.andThen(Effect.sleep("200 millis"), Effect.sync(() => log.push(`n${index} ended`)))
        )))
      }
      yield* group.advance("1 second")
      assert.deepStrictEqual(log, ["n1 begins"])
      yield* Scope.close(scopes[1]!, Exit.void)
      yield* group.advance("1 second")
      assert.deepStrictEqual(log, ["n1 begins", "n1 ended", "n0 begins"])
      // A server that has withdrawn from a leadership leads it again once the app asks for it again.
      yield* (yield* group.server(1)).leadership.of("billing")
      yield* group.advance("1 second")
      // It takes the lead from n0 by its rank: n0's work learns of that when n1 leads already.
      assert.deepStrictEqual(log.slice(3), ["n1 begins", "n0 ended"])
      yield* group.stop(0)
      yield* group.stop(1)
    }))
})

describe("the lots (protocol: the rank in a named election)", () => {
  it("spread many names evenly over servers, and a server that goes leaves its names to all others", () => {
    const servers = Array.from({ length: 4 }, (_, i) => ({
      priority: 0,
      id: Member.nodeId(`192.0.2.${i + 1}`, `host-${i}`, 40_000 + i)
    }))
    const names = Array.from({ length: 2_000 }, (_, i) => `job ${i}`)
    const firstOf = (among: typeof servers, name: string) =>
      among.toSorted((self, that) => Member.compareRank(that, self, name))[0]!
    const of = (among: typeof servers) => names.map((name) => firstOf(among, name).id)
    const before = of(servers)
    for (const { id } of servers) {
      const share = before.filter((leader) => leader === id).length
      assert.isTrue(share > 400 && share < 600, `${share} of 2000`)
    }
    const left = servers.slice(1)
    const after = of(left)
    for (const { id } of left) {
      const inherited = after.filter((leader, i) => leader === id && before[i] === servers[0]!.id).length
      assert.isTrue(inherited > 100, `${inherited}`)
    }
    for (const [i, leader] of before.entries()) if (leader !== servers[0]!.id) assert.strictEqual(after[i], leader)
  })
})
