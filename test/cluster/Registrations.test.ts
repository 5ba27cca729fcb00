/** Who is a runner, as the others see it. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Registrations from "../../src/cluster/Registrations.ts"
import * as Group from "../../src/server/Group.ts"
import * as Members from "../../src/server/Members.ts"
import * as Server from "../../src/server/Server.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Runners from "./Runners.ts"

/** How often a runner says that it is one. */
const interval = Duration.seconds(2)

/** Three servers that hear who is a runner; it ends where `life` does, while its server goes on. */
const groupOf = Effect.fnUntraced(function*(life: Effect.Effect<unknown> = Effect.never, every = interval) {
  const built = new Map<number, Registrations.Registrations>()
  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed: "registrations",
    // With the port of the earlier start, a server is the same one when it starts anew.
    settings: (index) => ({ ...Runners.settings(index), unicastPort: 40_000 }),
    app: (server, index) => {
      const services = Server.services(server)
      return Registrations.make(
        { group: Context.get(services, Group.Group), members: Context.get(services, Members.Members) },
        every
      ).pipe(
        Effect.tap((registrations) => Effect.sync(() => built.set(index, registrations))),
        Effect.andThen(life),
        Effect.scoped,
        Effect.andThen(Effect.never)
      )
    }
  })
  yield* group.settle({ within: "1 minute" })
  /** The runners that a server sees. */
  const seenBy = (index: number) =>
    Effect.suspend(() => Effect.map(built.get(index)!.others, (all) => all.map(({ address }) => address.toString())))
  return {
    group,
    seenBy,
    /** A server sees that one, or does not. */
    sees: (index: number, runner: number) =>
      Effect.map(seenBy(index), (all) => all.includes(Runners.addressAt(runner).toString())),
    register: (index: number, isRunner = true) =>
      Effect.suspend(() =>
        Effect.flatten(
          Runners.during(group, built.get(index)!.register(isRunner ? Runners.runnerAt(index) : null))
        )
      )
  }
})

describe("a runner", () => {
  it.effect("is seen as long as it says so, and no more as soon as it says that it is none", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, register, sees } = yield* groupOf()
      yield* register(0)
      yield* group.until("it is seen", sees(1, 0), { within: "1 second" })
      yield* group.advance("30 seconds")
      assert.isTrue(yield* sees(1, 0))
      yield* register(0, false)
      yield* group.until("it is not", Effect.map(sees(1, 0), (sees) => !sees), { within: "1 second" })
    })))

  it.effect("sees itself as one of the others in no case", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, register, seenBy } = yield* groupOf()
      yield* register(0)
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(yield* seenBy(0), [])
    })))

  it.effect("is seen at once by one that registers later, and did not hear it before", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, register, sees } = yield* groupOf(Effect.never, Duration.minutes(1))
      yield* group.partition([[0, 1], [2]])
      yield* register(0)
      yield* group.heal
      yield* group.settle({ within: "20 seconds" })
      assert.isFalse(yield* sees(2, 0))
      yield* register(2)
      assert.isTrue(yield* sees(2, 0))
    })))

  it.effect("is none any more once its server has started anew, until it says so", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, register, seenBy } = yield* groupOf()
      yield* register(0)
      yield* group.until("it is seen", Effect.map(seenBy(1), ({ length }) => length === 1), { within: "1 second" })
      yield* group.restart(0)
      yield* group.settle({ within: "1 minute" })
      assert.deepStrictEqual(yield* seenBy(1), [])
      yield* register(0)
      yield* group.until("it is seen", Effect.map(seenBy(1), ({ length }) => length === 1), { within: "1 second" })
    })))

  it.effect("is none any more once its server is removed", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, register, seenBy } = yield* groupOf()
      yield* register(0)
      yield* group.until("it is seen", Effect.map(seenBy(1), ({ length }) => length === 1), { within: "1 second" })
      yield* group.kill(0)
      yield* group.until("it is gone", Effect.map(seenBy(1), ({ length }) => length === 0), { within: "5 seconds" })
    })))

  it.effect("is none any more when it has not said so for five times, though its server is there", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, register, seenBy } = yield* groupOf(Effect.sleep("10 seconds"))
      yield* register(0)
      yield* group.until("it is seen", Effect.map(seenBy(1), ({ length }) => length === 1), { within: "1 second" })
      yield* group.advance("12 seconds")
      yield* group.until("it is gone", Effect.map(seenBy(1), ({ length }) => length === 0), { within: "12 seconds" })
      assert.lengthOf((yield* group.views).get(1)!.members, 3)
    })))
})
