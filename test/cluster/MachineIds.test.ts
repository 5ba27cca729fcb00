/** Machine ids of runners: which, and why none. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MachineIds from "../../src/cluster/MachineIds.ts"
import * as Server from "../../src/server/Server.ts"
import * as Sessions from "../../src/server/Sessions.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"
import * as Runners from "./Runners.ts"

/** Three servers, each of which may have a machine id; all try the same one first. */
const groupOf = Effect.fnUntraced(function*() {
  const built = new Map<number, MachineIds.MachineId>()
  const group = yield* SimulatedGroup.make({
    servers: 3,
    seed: "machine ids",
    settings: Runners.settings,
    app: (server, index) =>
      MachineIds.make(Context.get(Server.services(server), Sessions.Sessions), {
        expiry: 6_000,
        seed: "same",
        within: Duration.seconds(2)
      }).pipe(
        Effect.tap((machine) => Effect.sync(() => built.set(index, machine))),
        Effect.andThen(Effect.never)
      )
  })
  yield* group.settle({ within: "1 minute" })
  const acquire = (index: number) =>
    Effect.suspend(() => Effect.flatten(Runners.during(group, built.get(index)!.acquire)))
  return { group, acquire }
})

describe("a machine id", () => {
  it.effect("is another one where the first that is tried is taken", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { acquire, group } = yield* groupOf()
      yield* group.advance("8 seconds")
      const first = yield* acquire(0)
      assert.strictEqual(yield* acquire(1), (first + 1) % 1_024)
      assert.strictEqual(yield* acquire(2), (first + 2) % 1_024)
    })))

  it.effect("is not granted while nobody leads, nor by a new leader, and it is said which of the two", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { acquire, group } = yield* groupOf()
      for (const index of [1, 2]) yield* group.kill(index)
      yield* group.advance("3 seconds")
      assert.strictEqual((yield* Effect.flip(acquire(0))).reason, "noAnswer")
      for (const index of [1, 2]) yield* group.start(index)
      yield* group.awaitLeader({ within: "1 minute" })
      const { again, reason } = yield* Effect.flip(acquire(0))
      assert.strictEqual(reason, "recovering")
      yield* group.advance(again)
      yield* acquire(0)
    })))
})
