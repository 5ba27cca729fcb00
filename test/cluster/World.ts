/** Two runners beside the leader of a simulated group that grants, for tests of what they are told. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Contract from "./Contract.ts"
import * as Runners from "./Runners.ts"

/** A new one. */
export const worldOf = Effect.fnUntraced(function*(options: Runners.Options = {}) {
  const { group, services } = yield* Runners.groupOf(options)
  const leader = yield* group.awaitLeader()
  // Longer than a new leader grants nothing.
  yield* group.advance("8 seconds")
  const party = (index: number): Contract.Party => ({
    runner: Runners.runnerAt(index),
    storage: Context.get(services(index), RunnerStorage.RunnerStorage)
  })
  const [one, other] = [0, 1, 2].filter((index) => index !== leader) as [number, number]
  const world: Contract.World = {
    one: party(one),
    other: party(other),
    during: (effect) => Effect.flatten(Runners.during(group, effect)),
    until: (what) => Effect.asVoid(Effect.orDie(group.until("it is so", what, { within: "1 minute" })))
  }
  return { group, services, leader, one, other, world, party }
})

/** The defect that something ended with. */
export const defectOf = (exit: Exit.Exit<unknown, unknown>): unknown => {
  assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), "it has a defect")
  return Cause.squash((exit as Exit.Failure<unknown, unknown>).cause)
}
