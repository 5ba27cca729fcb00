/** Runners in processes of their own, with messages in Postgres beside the locks of the group; one is killed in its work. */
import { assert, describe, it } from "@effect/vitest"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Path from "node:path"
import * as Process from "../cli/process.ts"
import * as Postgres from "../sql/Postgres.ts"
import * as SqlPlace from "../sql/SqlPlace.ts"

interface Step {
  readonly what: string
  readonly step: string
  readonly runner: string
}

const orders = 24
const names = ["one", "two", "three"]

const started = Effect.gen(function*() {
  const postgres = yield* Postgres.make()
  const sql = yield* SqlPlace.pool(postgres.client)
  yield* sql`CREATE TABLE steps (id bigserial PRIMARY KEY, what text NOT NULL, step text NOT NULL, runner text NOT NULL)`
  yield* sql`CREATE TABLE gate (is_open boolean NOT NULL)`
  const program = yield* Process.bundled(Path.resolve(import.meta.dirname, "runner.process.ts"))
  const group = yield* Process.group
  const runners = new Map<string, Process.Running>()
  for (const [index, name] of names.entries()) {
    const env = {
      ...group,
      BELLWETHER_PROFILE: "fast",
      BELLWETHER_LEADERSHIP: "lease",
      BELLWETHER_GROUP_SIZE: String(names.length),
      DATABASE: postgres.url,
      ORDERS: String(orders),
      RUNNER: name,
      RUNNER_PORT: String(20_000 + (process.pid + index * 4_001) % 12_000)
    }
    runners.set(name, yield* Process.startProgram(program, env))
  }
  return { postgres, sql, runners }
})

const stepsOf = (sql: SqlClient.SqlClient) => sql<Step>`SELECT what, step, runner FROM steps ORDER BY id`

/** Waits until the steps fulfil a condition. */
const until = (sql: SqlClient.SqlClient, are: (steps: ReadonlyArray<Step>) => boolean) =>
  Effect.repeat(stepsOf(sql), { until: are, schedule: Schedule.spaced("50 millis") }).pipe(
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () => Effect.flatMap(stepsOf(sql), (steps) => Effect.die(new Error(JSON.stringify(steps))))
    })
  )

const whatsOf = (steps: ReadonlyArray<Step>, name: string) => steps.filter(({ step }) => step === name)

/** The tables that Effect keeps in the database. */
const tables = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<{ readonly name: string }>`SELECT relname AS name FROM pg_stat_user_tables
      WHERE relname LIKE 'cluster\\_%' ORDER BY relname`,
    (rows) => rows.map(({ name }) => name)
  )

const advisory = (sql: SqlClient.SqlClient) =>
  Effect.map(sql`SELECT 1 FROM pg_locks WHERE locktype = 'advisory'`, ({ length }) => length)

describe.skipIf(Postgres.skip)(`messages in Postgres beside a group's locks${Postgres.because}`, () => {
  it.live(
    "handles the messages of a killed runner elsewhere, and goes on with its workflow, with no lock in the database",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { postgres, runners, sql } = yield* started
        const before = yield* until(sql, (steps) =>
          new Set(
              whatsOf(steps, "begun").map(({ what }) => what)
            ).size === orders &&
          whatsOf(steps, "sending").length > 0)
        const victim = whatsOf(before, "sending").at(-1)!.runner
        runners.get(victim)!.child.kill("SIGKILL")
        yield* until(sql, (steps) =>
          whatsOf(steps.slice(before.length), "sending").some(({ runner }) => runner !== victim))
        yield* sql`INSERT INTO gate VALUES (true)`
        const after = yield* until(sql, (steps) =>
          whatsOf(steps, "paid").length >= orders && whatsOf(steps, "sent").length > 0)

        const paid = whatsOf(after, "paid")
        assert.strictEqual(
          new Set(paid.map(({ what }) =>
            what
          )).size,
          orders
        )
        assert.strictEqual(paid.length, orders, "each message is handled once to its end")
        assert.deepStrictEqual(
          paid.filter(({ runner }) =>
            runner === victim
          ),
          []
        )
        const begunByVictim = new Set(
          whatsOf(before, "begun").filter(({ runner }) => runner === victim).map(({ what }) => what)
        )
        assert.isAbove(begunByVictim.size, 0, "it had messages")
        assert.strictEqual(whatsOf(after, "packed").length, 1, "an activity that is over is not done again")
        assert.strictEqual(whatsOf(after, "sent").length, 1)
        assert.notStrictEqual(whatsOf(after, "sent")[0]!.runner, victim)

        assert.deepStrictEqual(yield* tables(sql), ["cluster_messages", "cluster_migrations", "cluster_replies"])
        assert.strictEqual(yield* advisory(sql), 0)
        // What the database would have if it kept the runners.
        const context = yield* Layer.build(SqlRunnerStorage.layer.pipe(
          Layer.provide([Layer.fresh(postgres.client), ShardingConfig.layerDefaults])
        ))
        assert.isTrue(context.mapUnsafe.has(RunnerStorage.RunnerStorage.key))
        assert.include(yield* tables(sql), "cluster_locks")
      })),
    120_000
  )
})
