/**
 * What `Group` and `Leadership` mean, on every backend: one list of cases, which each passes.
 *
 * Each case waits for what it wants to see, for as long as that may take there.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import type { App, Ground } from "./harness/Ground.ts"

/** One case on a ground of its own. */
export interface Case {
  readonly name: string
  readonly run: (ground: Ground) => Effect.Effect<void, unknown, Scope.Scope>
}

/** Lets time pass until it is so; fails where it is not in time. */
const until = Effect.fnUntraced(function*(
  { failover, pass }: Ground,
  what: string,
  isSo: Effect.Effect<boolean>,
  within = failover
) {
  for (let passed = 0; !(yield* isSo); passed += 50) {
    if (passed > within) assert.fail(`not in ${within} ms: ${what}`)
    yield* pass(50)
  }
})

/** The term that a server leads in; null where it does not. */
const termOf = ({ leadership }: Pick<App, "leadership">) =>
  Effect.map(leadership.current, (current) => Option.getOrNull(Option.map(current, ({ term }) => term)))

const leads = (ground: Ground, app: Pick<App, "leadership">, within?: number) =>
  until(ground, "it leads", app.leadership.isLeader, within)

/** All follow the one that leads. */
const followed = (ground: Ground, apps: ReadonlyArray<App>, leader: Pick<App, "leadership">, within?: number) =>
  until(
    ground,
    "all follow the leader",
    Effect.gen(function*() {
      const term = yield* termOf(leader)
      const all = yield* Effect.forEach(apps, ({ leadership }) => leadership.followed)
      return term !== null && all.every((reign) => Option.isSome(reign) && reign.value.term === term)
    }),
    within
  )

/** All that a server tells from now on. */
const eventsOf = Effect.fnUntraced(function*({ group }: App) {
  const events: Array<Event.Event> = []
  const { events: stream } = yield* group.subscribe
  yield* Effect.forkScoped(Stream.runForEach(stream, (event) => Effect.sync(() => events.push(event))))
  return events
})

/** Work on all servers that notes when two run it at a time, and the tokens in their order. */
const workOn = Effect.fnUntraced(function*(apps: ReadonlyArray<App>) {
  const seen = { running: 0, most: 0, tokens: [] as Array<string> }
  const work = Effect.gen(function*() {
    const { token } = yield* Leadership.Reign
    seen.tokens.push(token)
    seen.most = Math.max(seen.most, ++seen.running)
    return yield* Effect.never
  }).pipe(Effect.ensuring(Effect.andThen(Effect.sleep("100 millis"), Effect.sync(() => seen.running -= 1))))
  yield* Effect.forEach(apps, ({ leadership }) => Effect.forkScoped(leadership.whileLeader(work)))
  return seen
})

const isRising = (tokens: ReadonlyArray<string>): boolean =>
  tokens.every((token, index) => index === 0 || tokens[index - 1]! < token)

export const cases: ReadonlyArray<Case> = [
  {
    name: "the highest ranked leads, all follow it, and all see all",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      yield* leads(ground, apps[2]!)
      yield* followed(ground, apps, apps[2]!)
      yield* until(
        ground,
        "all see all",
        Effect.map(
          Effect.forEach(apps, ({ group }) => group.members),
          (all) => all.every((members) => members.map(({ name }) => name).join() === "n2,n1,n0")
        )
      )
    })
  },
  {
    name: "a leader that stops is replaced at once, and is known to have left",
    run: Effect.fnUntraced(function*(ground) {
      const [low, middle, high] = yield* ground.start([0, 1, 2])
      yield* leads(ground, high!)
      yield* followed(ground, [low!, middle!], high!)
      const events = yield* eventsOf(low!)
      yield* Effect.forkScoped(high!.stop)
      yield* leads(ground, middle!, 2_000)
      yield* until(
        ground,
        "it has left",
        Effect.sync(() => events.some((event) => event.event === "MemberRemoved" && event.reason._tag === "Left"))
      )
      yield* followed(ground, [low!, middle!], middle!)
      assert.include(events.map((event) => event.event === "LeaderChanged" ? event.cause : ""), "Left")
    })
  },
  {
    name: "a leader that dies is replaced by one with a greater token",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [low, middle, high] = apps
      yield* leads(ground, high!)
      yield* followed(ground, apps, high!)
      const before = (yield* termOf(high!))!
      yield* high!.kill
      yield* leads(ground, middle!)
      assert.isAbove((yield* termOf(middle!))!, before)
      yield* followed(ground, [low!, middle!], middle!)
      yield* until(ground, "it is gone", Effect.map(low!.group.members, ({ length }) => length === 2), 60_000)
    })
  },
  {
    name: "a leader that is cut off ends its work before another begins, and follows when it is back",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [low, middle, high] = apps
      const seen = yield* workOn(apps)
      yield* leads(ground, high!)
      yield* followed(ground, apps, high!)
      yield* high!.cut(true)
      yield* leads(ground, middle!)
      assert.isFalse(yield* high!.leadership.isLeader)
      yield* high!.cut(false)
      // It outranks the others, so in the end it leads again.
      yield* leads(ground, high!, 60_000)
      yield* followed(ground, [low!, middle!, high!], high!)
      // On a busy machine there may have been one more between.
      yield* until(ground, "its work runs", Effect.sync(() => seen.tokens.length >= 3))
      assert.strictEqual(seen.most, 1)
      assert.isTrue(isRising(seen.tokens), seen.tokens.join())
    })
  },
  {
    name: "a leader that resigns leaves the lead to the next, and only a leader can",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [low, middle, high] = apps
      const seen = yield* workOn(apps)
      yield* leads(ground, high!)
      yield* followed(ground, apps, high!)
      assert.strictEqual((yield* Effect.flip(low!.leadership.resign))._tag, "NotLeading")
      const events = yield* eventsOf(low!)
      yield* high!.leadership.resign
      assert.isFalse(yield* high!.leadership.isLeader)
      yield* leads(ground, middle!, 2_000)
      yield* followed(ground, apps, middle!)
      assert.include(events.map((event) => event.event === "LeaderChanged" ? event.cause : ""), "Resigned")
      yield* until(ground, "the next one works", Effect.sync(() => seen.tokens.length >= 2))
      assert.strictEqual(seen.most, 1)
      assert.isTrue(isRising(seen.tokens))
    })
  },
  {
    name: "the lead is handed to a member by name, regardless of rank",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [low, , high] = apps
      yield* leads(ground, high!)
      yield* followed(ground, apps, high!)
      const nobody = (yield* high!.group.self).id.replace(/^./, (digit) => digit === "0" ? "1" : "0")
      const refused = yield* Effect.flip(high!.leadership.transferTo({ id: nobody as never }))
      assert.strictEqual(refused._tag, "NoSuchMember")
      const handed = yield* Effect.forkScoped(high!.leadership.transferTo(yield* low!.group.self))
      yield* leads(ground, low!, 2_000)
      yield* until(ground, "it is told", Effect.sync(() => handed.pollUnsafe() !== undefined))
      assert.deepStrictEqual(handed.pollUnsafe(), Exit.void)
      yield* followed(ground, apps, low!)
    })
  },
  {
    name: "who steps down for a time does not lead before it is over",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [, middle, high] = apps
      yield* leads(ground, high!)
      yield* followed(ground, apps, high!)
      yield* high!.leadership.stepDownFor("8 seconds")
      yield* leads(ground, middle!, 2_000)
      yield* ground.pass(4_000)
      assert.isFalse(yield* high!.leadership.isLeader)
      yield* leads(ground, high!, 20_000)
    })
  },
  {
    name: "leads of several names are each of one server, and end with the scopes that asked",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 0, 0])
      const names = ["invoices", "mail", "reports"]
      const scopes = yield* Effect.forEach(apps, () => Scope.make())
      const of = yield* Effect.forEach(
        apps,
        ({ leadership }, index) => Scope.provide(Effect.forEach(names, (name) => leadership.of(name)), scopes[index]!)
      )
      const leadersOf = (name: number) =>
        Effect.map(
          Effect.forEach(of, (leaderships) => leaderships[name]!.isLeader),
          (all) => all.flatMap((leads, index) => leads ? [index] : [])
        )
      const allLed = Effect.map(
        Effect.forEach(names, (_, name) => leadersOf(name)),
        (all) => all.every(({ length }) => length === 1)
      )
      yield* until(ground, "each is led", allLed)
      const [first] = yield* leadersOf(0)
      yield* Scope.close(scopes[first!]!, Exit.void)
      yield* until(
        ground,
        "another leads",
        Effect.map(leadersOf(0), (leaders) => leaders.length === 1 && leaders[0] !== first)
      )
    })
  },
  {
    name: "tags and priorities are changed while servers run, and the lead follows the priority",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [low, , high] = apps
      yield* leads(ground, high!)
      yield* followed(ground, apps, high!)
      yield* low!.group.setTags({ zone: "north" })
      yield* until(
        ground,
        "the tags are seen",
        Effect.map(high!.group.members, (members) => members.some(({ tags }) => tags["zone"] === "north"))
      )
      yield* low!.group.setPriority(9)
      yield* leads(ground, low!)
      yield* followed(ground, apps, low!)
    })
  },
  {
    name: "each instant of a scheduled job runs once, also where the lead changes",
    run: Effect.fnUntraced(function*(ground) {
      const runs: Array<number> = []
      const everySecond = Cron.parseUnsafe("* * * * * *", "UTC")
      const job = (at: DateTime.Utc) => Effect.sync(() => runs.push(DateTime.toEpochMillis(at)))
      const apps = yield* ground.start([0, 1, 2], ({ leadership }) => leadership.cron("job", everySecond, job))
      yield* leads(ground, apps[2]!)
      yield* until(ground, "it runs", Effect.sync(() => runs.length >= 3), 20_000)
      yield* apps[2]!.leadership.resign
      yield* leads(ground, apps[1]!)
      yield* until(ground, "it goes on", Effect.sync(() => runs.length >= 6), 20_000)
      assert.strictEqual(new Set(runs).size, runs.length, runs.join())
    })
  },
  {
    name: "a server whose work has failed for good leads no more, and another does",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [, middle, high] = apps
      const failed = yield* Effect.forkScoped(high!.leadership.whileLeader(Effect.fail("broken")))
      yield* leads(ground, middle!)
      yield* until(ground, "it has failed", Effect.sync(() => failed.pollUnsafe() !== undefined))
      yield* ground.pass(10_000)
      assert.isFalse(yield* high!.leadership.isLeader)
      assert.isTrue(yield* middle!.leadership.isLeader)
    })
  },
  {
    name: "all views and events of one server tell the same",
    run: Effect.fnUntraced(function*(ground) {
      const apps = yield* ground.start([0, 1, 2])
      const [low, middle, high] = apps
      const { events, view } = yield* low!.group.subscribe
      const names = new Set(view.members.map(({ id }) => id))
      yield* Effect.forkScoped(Stream.runForEach(events, (event) =>
        Effect.sync(() => {
          if (event.event === "MemberJoined") names.add(event.member.id)
          if (event.event === "MemberRemoved") names.delete(event.member.id)
        })))
      yield* leads(ground, high!)
      yield* Effect.forkScoped(high!.stop)
      yield* leads(ground, middle!)
      const isSame = Effect.map(
        low!.group.members,
        (members) => members.length === 2 && members.length === names.size && members.every(({ id }) => names.has(id))
      )
      yield* until(ground, "two are left", isSame, 60_000)
    })
  }
]

/** Tries all cases, each on a ground of its own. `run` is how its effects are run: in virtual time, or as they are. */
export const conformance = <R>(
  name: string,
  ground: Effect.Effect<Ground, unknown, R>,
  run: (effect: Effect.Effect<void, unknown, R | Scope.Scope>) => Effect.Effect<void, unknown>
): void => {
  describe(name, () => {
    for (const { name, run: play } of cases) {
      it.live(name, () => run(Effect.flatMap(ground, play)))
    }
  })
}
