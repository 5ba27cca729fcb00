/**
 * Real processes that lead by a majority lease (protocol, majority lease).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import * as Process from "../cli/process.ts"

Process.goFirst()

const flags = ["serve", "--json", "--profile", "fast", "--leadership", "lease", "--group-size", "3"]

const leaderOf = (server: Process.Running) =>
  server.events.findLast((event) => event.event === "LeaderChanged")?.leader?.name ?? null

const follows = (server: Process.Running, name: string | null) =>
  server.until(() => leaderOf(server) === name ? true : undefined)

describe("three processes that lead by a lease, on loopback", () => {
  it.live("kill -9 the leader: another leads; kill that one too: nobody leads, and the last one says why", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const servers = yield* Effect.forEach(
        [1, 2, 3],
        (priority) => Process.start([...flags, "--name", `n${priority}`, "--priority", String(priority)], env)
      )
      const [first, second, leader] = servers as [Process.Running, Process.Running, Process.Running]
      for (const server of servers) yield* follows(server, "n3")
      yield* leader.kill("SIGKILL")
      yield* follows(first, "n2")
      yield* follows(second, "n2")
      const terms = first.events.flatMap((event) =>
        event.event === "LeaderChanged" && event.leader !== null ? [event.term] : []
      )
      assert.deepStrictEqual(terms, terms.toSorted((a, b) => a - b))
      yield* second.kill("SIGKILL")
      const why = yield* first.event("NoMajority")
      assert.deepInclude(why, { members: 1, needed: 2, groupSize: 3 })
      yield* follows(first, null)
      yield* Effect.sleep("3 seconds")
      assert.isNull(leaderOf(first))
      const again = yield* Process.start([...flags, "--name", "n2", "--priority", "2"], env)
      yield* follows(first, "n2")
      yield* follows(again, "n2")
    }).pipe(Effect.scoped))

  it.live(
    "whose work takes longer to stop than it may: a higher ranked one takes the lead once, and it stays",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const app = yield* Process.bundled(Path.resolve(import.meta.dirname, "app.process.ts"))
        const start = (priority: number) =>
          Process.startProgram(app, {
            ...env,
            BELLWETHER_PROFILE: "fast",
            BELLWETHER_LEADERSHIP: "lease",
            BELLWETHER_GROUP_SIZE: "3",
            BELLWETHER_STOP_TIMEOUT: "300 millis",
            BELLWETHER_NAME: `n${priority}`,
            BELLWETHER_PRIORITY: String(priority),
            STUBBORN_MILLIS: "900"
          })
        const [first, second] = yield* Effect.all([start(1), start(2)])
        yield* follows(first, "n2")
        const third = yield* start(3)
        for (const server of [first, second, third]) yield* follows(server, "n3")
        const reigns = () =>
          new Set(
            first.events.flatMap((event) =>
              event.event === "LeaderChanged" && event.leader !== null ? [event.term] : []
            )
          ).size
        const before = reigns()
        // On a busy host one more may be lost; it came and went a hundred times a minute.
        yield* Effect.sleep("15 seconds")
        assert.isAtMost(reigns() - before, 2)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("lease without the number of servers is refused in one line, before any socket opens", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      const refused = yield* (yield* Process.start(["serve", "--leadership", "lease"], env)).ended
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /--leadership is lease; allowed: bully, or lease with groupSize/)
      assert.strictEqual(refused.stderr.trim().split("\n").length, 1)
    }).pipe(Effect.scoped))
})
