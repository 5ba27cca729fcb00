/** The cases of what `Sharding` needs of a storage of runners, on Effect's own over Postgres: with locks in rows, and with advisory ones. */
import { describe, it } from "@effect/vitest"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Postgres from "../sql/Postgres.ts"
import * as Contract from "./Contract.ts"
import * as Runners from "./Runners.ts"

/** Two runners, each with a connection of its own, and tables that nobody else has. */
const worldOf = Effect.fnUntraced(function*(postgres: Postgres.Postgres, prefix: string, isAdvisory: boolean) {
  const party = Effect.fnUntraced(function*(index: number) {
    const config = Runners.configAt(index, { shardLockDisableAdvisory: !isAdvisory })
    const context = yield* Layer.build(
      Layer.fresh(SqlRunnerStorage.layerWith({ prefix })).pipe(
        Layer.provide([Layer.fresh(postgres.client), Layer.succeed(ShardingConfig.ShardingConfig, config)])
      )
    )
    return { runner: Runners.runnerAt(index), storage: Context.get(context, RunnerStorage.RunnerStorage) }
  })
  const world: Contract.World = {
    one: yield* party(0),
    other: yield* party(1),
    during: (effect) => effect,
    until: (what) =>
      Effect.repeat(what, { until: (is) => is, schedule: Schedule.spaced("20 millis") }).pipe(
        Effect.timeout("30 seconds"),
        Effect.orDie,
        Effect.asVoid
      )
  }
  return world
})

describe.skipIf(Postgres.skip)(`the storage of runners of Effect in Postgres${Postgres.because}`, () => {
  it.live("passes the cases that ours does", () =>
    Effect.scoped(Effect.gen(function*() {
      const postgres = yield* Postgres.make()
      for (const isAdvisory of [false, true]) {
        for (const [index, [says, check]] of Contract.cases.entries()) {
          const prefix = `c${index}${isAdvisory ? "a" : "r"}`
          const run = Effect.scoped(Effect.flatMap(worldOf(postgres, prefix, isAdvisory), check))
          yield* Effect.onError(run, () => Effect.logError(`${isAdvisory ? "advisory" : "rows"}: ${says}`))
        }
      }
    })), 120_000)
})
