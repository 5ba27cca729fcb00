/**
 * The example of one app with its group in each place, as its user runs it: the same test over multicast, seeds, etcd and
 * SQL, and a move from multicast to etcd; three processes, the package by its name and from `dist`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as EtcdNodes from "../etcd/EtcdNodes.ts"
import * as Postgres from "../sql/Postgres.ts"
import * as Process from "./Process.ts"

type Environment = Readonly<Record<string, string>>

/** A group of the LAN of its own. Its servers are numbered from 0. */
const onLan = (port: number, index: number): Environment => ({
  BELLWETHER_PORT: String(port),
  BELLWETHER_UNICAST_PORT: String(port + 1 + index),
  BELLWETHER_INTERFACES: "lo",
  BELLWETHER_TTL: "0",
  BELLWETHER_PROFILE: "fast",
  BELLWETHER_LEADERSHIP: "lease",
  BELLWETHER_GROUP_SIZE: "3"
})

const port = (offset: number) => 20_000 + (process.pid + offset * 1_000) % 20_000

const seeds = (port: number) => ({
  BELLWETHER_MULTICAST: "off",
  BELLWETHER_SEEDS: [1, 2, 3].map((index) => `127.0.0.1:${port + index}`).join()
})

const names = ["a", "b", "c"] as const

/** Starts the app. The last of the names ranks highest. */
const start = (name: typeof names[number], environment: Environment) =>
  Process.scoped("examples/backends/main.ts", [name], {
    BELLWETHER_GROUP: `example-${process.pid}`,
    BELLWETHER_PRIORITY: String(names.indexOf(name)),
    ...environment
  })

/** The token that a line of its ends with. */
const tokenOf = (line: string): string => line.split(" by ")[1]!

const tokensOf = (all: ReadonlyArray<Process.Process>): ReadonlyArray<string> =>
  all.flatMap((one) => [...one.said().matchAll(/leads by (\S+)/g)].map(([, token]) => token!))

/** One leads; it is killed, and another goes on with a greater token; that one ends, and leaves. */
const story = (environment: (index: number) => Environment) =>
  Effect.scoped(Effect.gen(function*() {
    const [a, b, c] = [
      yield* start("a", environment(0)),
      yield* start("b", environment(1)),
      yield* start("c", environment(2))
    ]
    yield* Effect.forEach([a, b, c], (one) => Process.says(one, "is ready"), { concurrency: 3 })
    const leading = yield* Effect.raceFirst(
      Effect.as(Process.says(c, "c: round 5"), c),
      Effect.raceFirst(Effect.as(Process.says(b, "b: round 99"), b), Effect.as(Process.says(a, "a: round 99"), a))
    )
    const before = tokensOf([leading]).at(-1)!
    leading.kill("SIGKILL")
    const rest = [a, b, c].filter((one) => one !== leading)
    // It is not enough that another is told to lead: its work goes on.
    const after = tokenOf(
      yield* Effect.raceFirst(
        Process.says(rest[0]!, ": round 2 by "),
        Process.says(rest[1]!, ": round 2 by ")
      )
    )
    assert.isAbove(after.localeCompare(before), 0, `${before} ${after}`)
    for (const one of rest) one.kill("SIGTERM")
    for (const one of rest) assert.strictEqual(yield* Process.ends(one), 0, one.said())
  }))

describe.runIf(Process.runsTypeScript)("one app, with its group in each place", { concurrent: true }, () => {
  it.live("over multicast: another goes on when the leader is killed", () =>
    story((index) => ({ BACKEND: "multicast", ...onLan(port(0), index) })))

  it.live("over seeds: another goes on when the leader is killed", () =>
    story((index) => ({ BACKEND: "seeds", ...onLan(port(1), index), ...seeds(port(1)) })))

  it.live.skipIf(EtcdNodes.skip)(
    `in etcd: another goes on when the leader is killed${EtcdNodes.because}`,
    () =>
      Effect.scoped(Effect.flatMap(EtcdNodes.make({ count: 1 }), ([node]) =>
        story(() => ({
          BACKEND: "etcd",
          BELLWETHER_ETCD_ENDPOINTS: node!.url,
          BELLWETHER_LEASE_DURATION: "6s",
          BELLWETHER_PROFILE: "fast"
        }))))
  )

  it.live.skipIf(Postgres.skip)(
    `in SQL: another goes on when the leader is killed${Postgres.because}`,
    () =>
      Effect.scoped(Effect.flatMap(Postgres.make(), ({ url }) =>
        story(() => ({
          BACKEND: "sql",
          DATABASE_URL: url,
          BELLWETHER_LEASE_DURATION: "6s",
          BELLWETHER_PROFILE: "fast"
        }))))
  )

  it.live.skipIf(EtcdNodes.skip)(
    `moves from multicast to etcd by two rolling restarts, and the tokens rise${EtcdNodes.because}`,
    () =>
      Effect.scoped(Effect.gen(function*() {
        const [node] = yield* EtcdNodes.make({ count: 1 })
        const etcd = { BELLWETHER_ETCD_ENDPOINTS: node!.url }
        const environments = [
          (index: number) => ({ BACKEND: "multicast", ...onLan(port(2), index) }),
          (index: number) => ({ BACKEND: "multicast+etcd", ...etcd, ...onLan(port(2), index) }),
          () => ({ BACKEND: "etcd", ...etcd, BELLWETHER_PROFILE: "fast" })
        ]
        const all: Array<Process.Process> = []
        const running = new Map<string, Process.Process>()
        for (const environment of environments) {
          for (const [index, name] of names.entries()) {
            const former = running.get(name)
            former?.kill("SIGTERM")
            if (former !== undefined) yield* Process.ends(former)
            const one = yield* start(name, environment(index))
            all.push(one)
            running.set(name, one)
            // The first start of all has no majority before its second server is there.
            if (former !== undefined) yield* Process.says(one, "is ready")
          }
          if (all.length === 3) yield* Effect.forEach(all, (one) => Process.says(one, "is ready"), { concurrency: 3 })
          // The highest ranked one leads in the end.
          yield* Process.says(running.get("c")!, "c: round 3")
        }
        const order = all.flatMap((one) => one.said().split("\n")).filter((line) => line.includes(" leads by ")).map(
          tokenOf
        )
        assert.strictEqual(new Set(order).size, order.length)
        // What each process led under is above all that those of the stage before led under.
        const stages = [0, 3, 6].map((from) => tokensOf(all.slice(from, from + 3)).toSorted())
        for (const [index, stage] of stages.entries()) {
          assert.isNotEmpty(stage)
          if (index > 0) assert.isAbove(stage.at(-1)!.localeCompare(stages[index - 1]!.at(-1)!), 0)
        }
      })),
    120_000
  )
})
