/** A group moves between backends while its work goes on (docs/backends.md, "Moving from one to another"). */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Moving from "../../src/moving/Moving.ts"
import * as Group from "../../src/server/Group.ts"
import * as Leadership from "../../src/server/Leadership.ts"
import { VirtualTime } from "../../src/testing/index.ts"
import * as Move from "./Move.ts"
import * as Servers from "./Servers.ts"

const lease = { leadership: "lease", groupSize: 3 } as const
const thereAndBack = ["lan", "both", "registry", "both", "lan"] as const
const hour = 3_600_000

const isRising = (tokens: ReadonlyArray<string>): boolean =>
  tokens.every((token, index) => index === 0 || tokens[index - 1]! < token)

const moved = Effect.fnUntraced(function*(seed: number, options: Move.Options) {
  const report = yield* Move.run(seed, options)
  const story = `seed ${seed}: ${report.workers.join()} ${report.faults.join()}`
  assert.strictEqual(report.most, 1, story)
  assert.isTrue(isRising(report.tokens), `${story} ${report.tokens.join()}`)
  return report
})

describe("a group that moves by rolling restarts", () => {
  it.live("from a LAN with leases to a registry and back: one works at a time, and tokens rise", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { longestIdle, workers } = yield* moved(1, { lan: lease, stations: thereAndBack, faults: false })
      assert.isAtLeast(workers.length, 5)
      // No worse than the start of the group.
      assert.isAtMost(longestIdle, 3_000)
    })))

  it.live("the same where the wall clock of the first leader was a day ahead", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { tokens, workers } = yield* moved(2, {
        lan: lease,
        stations: thereAndBack,
        faults: false,
        ahead: 24 * hour
      })
      assert.strictEqual(workers[0], "c")
      const day = Date.UTC(2026, 5, 2, 12)
      assert.isTrue(tokens.every((token) => Number(token.slice(0, 16)) >= day), tokens.join())
    })))

  it.live(
    "under every fault: leaders are killed, cut off, lose the one or the other, resign",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const befallen = new Set<string>()
        for (let seed = 1; seed <= 4; seed++) {
          const ahead = seed % 3 === 0 ? hour : 0
          const { faults } = yield* moved(seed, { lan: lease, stations: thereAndBack, faults: true, ahead })
          for (const fault of faults) befallen.add(fault.slice(0, -2))
        }
        assert.deepStrictEqual([...befallen].sort(), [...Move.kinds].sort())
      })),
    // A few seconds by itself, and more than a minute beside others on two cores.
    300_000
  )

  it.live("from one registry to another", () =>
    VirtualTime.run(Effect.gen(function*() {
      for (let seed = 1; seed <= 3; seed++) {
        yield* moved(seed, { lan: lease, stations: ["two registries", "registry", "two registries"], faults: true })
      }
    })), 60_000)
})

/** Lets time pass until it is so; a minute at most. */
const until = Effect.fnUntraced(function*(what: string, isSo: Effect.Effect<boolean>) {
  for (let passed = 0; !(yield* isSo); passed += 50) {
    if (passed > 60_000) assert.fail(`not in a minute: ${what}`)
    yield* TestClock.adjust(50)
  }
})

describe("a server with two backends", () => {
  it.live("that does not reach its registry lets one lead that needs none", () =>
    VirtualTime.run(Effect.gen(function*() {
      const place = yield* Servers.make(21, lease)
      const high = yield* place.start("high", "both", { priority: 9 })
      const [middle, low] = [yield* place.start("middle", "lan", { priority: 1 }), yield* place.start("low", "lan")]
      yield* until("the highest leads", high.leadership.isLeader)
      yield* high.cutRegistry(true)
      yield* until("it does not", Effect.map(high.leadership.isLeader, (leads) => !leads))
      yield* until(
        "another does",
        Effect.zipWith(middle.leadership.isLeader, low.leadership.isLeader, (one, other) => one || other)
      )
      yield* high.cutRegistry(false)
      yield* until("it leads again", high.leadership.isLeader)
    })))

  it.live("leads one at a time where the first is a LAN with the Bully, also while that is split", () =>
    VirtualTime.run(Effect.gen(function*() {
      const place = yield* Servers.make(22, { leadership: "bully" })
      const all = [yield* place.start("a", "both", { priority: 1 }), yield* place.start("b", "both", { priority: 2 })]
      const leaders = Effect.map(
        Effect.forEach(all, ({ leadership }) => leadership.isLeader),
        (leads) => leads.filter((leads) => leads).length
      )
      yield* until("one leads", Effect.map(leaders, (count) => count === 1))
      yield* all[1]!.cutLan(true)
      for (let passed = 0; passed < 60_000; passed += 50) {
        yield* TestClock.adjust(50)
        assert.isAtMost(yield* leaders, 1)
      }
      yield* until("one leads", Effect.map(leaders, (count) => count === 1))
    })))

  it.live("is as well as both, and its status says who leads in both", () =>
    VirtualTime.run(Effect.gen(function*() {
      const place = yield* Servers.make(23, { leadership: "bully" })
      const one = yield* place.start("one", "both")
      yield* until("it leads", one.leadership.isLeader)
      assert.deepStrictEqual((yield* one.group.healthy).reasons, [])
      assert.isTrue((yield* one.group.status).elections[0]!.leads)
      yield* one.cutRegistry(true)
      yield* until("it is not well", Effect.map(one.group.healthy, ({ healthy }) => !healthy))
      yield* until("it leads no more", Effect.map(one.leadership.isLeader, (leads) => !leads))
      // It leads the first for a while yet.
      assert.isFalse((yield* one.group.status).elections[0]!.leads)
    })))

  it.live("lets nobody lead the second before its work has ended", () =>
    VirtualTime.run(Effect.gen(function*() {
      const place = yield* Servers.make(27, lease)
      const happened: Array<string> = []
      const note = (what: string) => Effect.sync(() => void happened.push(what))
      const working = (name: string): NonNullable<Servers.Options["work"]> => ({ leadership }) =>
        leadership.whileLeader(
          Effect.ensuring(
            Effect.andThen(note(`${name} begins`), Effect.never),
            Effect.andThen(Effect.sleep(400), note(`${name} has ended`))
          )
        )
      const high = yield* place.start("high", "both", { priority: 9, work: working("high") })
      yield* place.start("second of the LAN", "lan")
      yield* until("it works", Effect.sync(() => happened.length === 1))
      yield* place.start("low", "registry", { work: working("low") })
      yield* Effect.forkScoped(Effect.ignore(high.leadership.stepDownFor("1 minute")))
      yield* until("the other works", Effect.sync(() => happened.includes("low begins")))
      assert.deepStrictEqual(happened, ["high begins", "high has ended", "low begins"])
    })))

  it.live("changes its priority and its tags for those who have one of them, too", () =>
    VirtualTime.run(Effect.gen(function*() {
      const place = yield* Servers.make(26, lease)
      const changing = yield* place.start("changing", "both")
      const others = [yield* place.start("old", "lan"), yield* place.start("new", "registry")]
      yield* changing.group.setPriority(7)
      yield* changing.group.setTags({ version: "2" })
      for (const { group } of others) {
        const isShown = Effect.map(
          group.members,
          (members) =>
            members.some(({ name, priority, tags }) => name === "changing" && priority === 7 && tags["version"] === "2")
        )
        yield* until("it is shown", isShown)
      }
    })))

  it.live("is refused where the times for work to end differ", () =>
    VirtualTime.run(Effect.gen(function*() {
      const place = yield* Servers.make(24, lease)
      const settings = { stopTimeout: "700 millis" } as const
      // The first has started by then, and leaves: that takes time.
      const refused = yield* Effect.forkScoped(Effect.flip(place.start("odd", "both", { settings })))
      yield* until("it is refused", Effect.sync(() => refused.pollUnsafe() !== undefined))
      assert.include(String(yield* Fiber.join(refused)), "stopTimeout is")
    })))
})

describe("layers that are not those of two backends", () => {
  it.live("are refused where the second is a LAN", () =>
    VirtualTime.run(Effect.gen(function*() {
      const place = yield* Servers.make(25, lease)
      const refused = yield* Effect.forkScoped(Effect.flip(place.start("twice", "twice on the LAN")))
      yield* until("it is refused", Effect.sync(() => refused.pollUnsafe() !== undefined))
      assert.include(
        String(yield* Fiber.join(refused)),
        "second is a group on a LAN; allowed: a registry, such as etcd"
      )
    })))

  it.live("are refused by name", () =>
    VirtualTime.run(Effect.gen(function*() {
      const none = Layer.effectContext(
        Effect.succeed(Context.make(Group.Group, {} as never).pipe(Context.add(Leadership.Leadership, {} as never)))
      )
      const refused = yield* Effect.flip(Layer.build(Moving.layer(none, none)))
      assert.strictEqual(
        refused.message,
        "first is a layer without a server; allowed: a layer of a server of Bellwether"
      )
    })))
})
