/**
 * Persisted messages and workflows with a SQL database beside the group: they go on elsewhere when their runner is killed, and the
 * database is spared the locks. Three processes on loopback, and a real Postgres.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Process from "../examples/Process.ts"
import * as Postgres from "../sql/Postgres.ts"

const hasTypes = process.features.typescript !== undefined && process.features.typescript !== false

const names = ["first", "second", "third"]

/** Three runners are asked for a job and an order. The one that begins it is killed; another does it. All that the three have said. */
const story = Effect.fnUntraced(function*(postgres: Postgres.Postgres, port: number, begins: string, done: string) {
  const all = new Map<string, Process.Process>()
  for (const [at, name] of names.entries()) {
    const started = Process.start("test/cluster/persisted.process.ts", [name, String(port + 10 + at)], {
      BELLWETHER_GROUP: `persisted-${process.pid}`,
      BELLWETHER_PORT: String(port),
      BELLWETHER_INTERFACES: "lo",
      BELLWETHER_TTL: "0",
      BELLWETHER_PROFILE: "fast",
      BELLWETHER_LEADERSHIP: "lease",
      BELLWETHER_GROUP_SIZE: "3",
      DATABASE: postgres.url,
      ...(at === 0 ? { SENDS: "yes" } : {})
    })
    all.set(name, started)
    yield* Effect.addFinalizer(() => Effect.promise(() => (started.kill("SIGKILL"), started.ended)))
  }
  /** Which process says it first. */
  const sayer = (text: string, among: ReadonlyArray<string>) =>
    Effect.raceAllFirst(among.map((name) => Effect.promise(() => all.get(name)!.line(text).then(() => name))))
  const first = yield* sayer(begins, names)
  all.get(first)!.kill("SIGKILL")
  const second = yield* sayer(done, names.filter((name) => name !== first))
  assert.notStrictEqual(second, first)
  const said = [...all.values()].map((one) => one.said()).join("")
  assert.strictEqual(said.split(done).length, 2, said)
  return said
})

const tablesOf = ({ client }: Postgres.Postgres) =>
  Effect.provide(
    SqlClient.SqlClient.use((sql) =>
      sql<
        { readonly name: string }
      >`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`
    ),
    client
  )

describe.skipIf(Postgres.skip || !hasTypes)(`a cluster whose messages are in Postgres${Postgres.because}`, {
  concurrent: true
}, () => {
  const port = 20_000 + (process.pid + 7_000) % 20_000

  it.live(
    "does a persisted message elsewhere when its runner is killed in the middle, and has no locks there",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const postgres = yield* Postgres.make()
        yield* story(postgres, port, "begins the job 1", "has done the job 1")
        const tables = (yield* tablesOf(postgres)).map(({ name }) => name)
        assert.include(tables, "cluster_messages")
        assert.isEmpty(tables.filter((name) => name.includes("lock") || name.includes("runner")), tables.join())
      })),
    120_000
  )

  it.live(
    "goes on with a workflow elsewhere, with the step that was begun, and not with one that was done",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const postgres = yield* Postgres.make()
        const said = yield* story(postgres, port + 100, "ships 7", "has shipped 7")
        assert.strictEqual(said.split("reserves for 7").length, 2, said)
      })),
    120_000
  )
})
