/** The metrics of servers of a simulated group, in a registry and as text. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { spawnSync } from "node:child_process"
import * as Exposition from "../../../src/status/metrics/Exposition.ts"
import * as Metrics from "../../../src/status/metrics/Metrics.ts"
import { SimulatedGroup } from "../../../src/testing/index.ts"
import { authorized, served, token } from "../http/Served.ts"

const make = (seed: string, group = "default") =>
  SimulatedGroup.make({
    servers: 2,
    seed,
    settings: (index) => ({ group, profile: "fast", priority: index, name: `server-${index}` })
  })

/** The value of the one series of that name and with those labels; undefined where there is none. */
const valueIn = (text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined => {
  const found = text.split("\n").filter((line) =>
    line.startsWith(`${name}{`) &&
    Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))
  )
  assert.isAtMost(found.length, 1, found.join("\n"))
  return found[0] === undefined ? undefined : Number(found[0].split(" ").at(-1))
}

const all = Object.values<Metrics.Definition>(Metrics.metrics)

describe("the list of metrics", () => {
  it("has each name once, in the spelling of Prometheus, with the unit at the end", () => {
    assert.strictEqual(new Set(all.map(({ name }) => name)).size, all.length)
    for (const { beware, help, labels, name, type, unit } of all) {
      assert.match(name, /^bellwether_[a-z_]+$/)
      assert.strictEqual(name.endsWith("_total"), type === "counter", name)
      assert.strictEqual(unit === "s", name.endsWith("_seconds"), name)
      assert.strictEqual(unit === "By", name.endsWith("_bytes_total"), name)
      assert.isTrue(help.endsWith(".") && beware.endsWith("."), name)
      assert.isFalse(labels.some((label) => label === "group" || label === "node"), name)
    }
  })
})

describe("the metrics of a group", () => {
  it.effect("say who leads, how many are there and what was counted", () =>
    Effect.gen(function*() {
      const group = yield* make("read")
      yield* group.settle()
      yield* group.advance("10 seconds")
      const one = yield* group.server(1)
      const { text } = yield* Exposition.make(one.group)
      const read = yield* text
      assert.strictEqual(valueIn(read, "bellwether_leader", { election: "" }), 1)
      assert.strictEqual(valueIn(read, "bellwether_members"), 2)
      assert.isAbove(valueIn(read, "bellwether_datagrams_received_total") ?? 0, 0)
      assert.isAbove(valueIn(read, "bellwether_heartbeat_lateness_seconds_count") ?? 0, 0)
      const { id } = yield* one.group.self
      for (const line of read.split("\n").filter((line) => line !== "" && !line.startsWith("#"))) {
        assert.include(line, `node="${id}"`)
        assert.include(line, `group="default"`)
      }
    }))

  it.effect("are all there, with help and type", () =>
    Effect.gen(function*() {
      const group = yield* make("all")
      yield* group.settle()
      yield* group.kill(1)
      yield* group.settle()
      const { text } = yield* Exposition.make((yield* group.server(0)).group)
      const read = yield* text
      for (const { help, name, type } of all) {
        assert.include(read, `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}`)
      }
    }))

  it.effect("follow what happens, each time that they are read", () =>
    Effect.gen(function*() {
      const group = yield* make("follow")
      yield* group.settle()
      const { text } = yield* Exposition.make((yield* group.server(0)).group)
      assert.strictEqual(valueIn(yield* text, "bellwether_leader"), 0)
      yield* group.kill(1)
      yield* group.settle()
      const after = yield* text
      assert.strictEqual(valueIn(after, "bellwether_leader"), 1)
      assert.strictEqual(valueIn(after, "bellwether_members"), 1)
      assert.isAbove(valueIn(after, "bellwether_elections_total", { outcome: "won" }) ?? 0, 0)
      assert.isAbove(valueIn(after, "bellwether_without_leader_seconds_sum") ?? 0, 0)
      assert.strictEqual(valueIn(after, "bellwether_last_heard_seconds", { which: "oldest" }), 0)
    }))

  it.effect("of a named election are there while the server takes part, and its counts for good", () =>
    Effect.gen(function*() {
      const group = yield* make("named")
      yield* group.settle()
      const { group: one, leadership } = yield* group.server(0)
      const { text } = yield* Exposition.make(one)
      const scope = yield* Scope.make()
      yield* Scope.provide(leadership.of("orders"), scope)
      yield* group.advance("5 seconds")
      assert.strictEqual(valueIn(yield* text, "bellwether_leader", { election: "orders" }), 1)
      yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* group.advance("5 seconds")
      const after = yield* text
      assert.isUndefined(valueIn(after, "bellwether_leader", { election: "orders" }))
      assert.strictEqual(valueIn(after, "bellwether_without_leader_seconds_count", { election: "orders" }), 1)
    }))

  it.effect("of two groups in one registry do not mix, and are gone with their scope", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const scope = yield* Scope.make()
      for (const name of ["orders", "billing"]) {
        const group = yield* make(name, name)
        yield* group.settle()
        yield* Metrics.keep((yield* group.server(1)).group).pipe(
          Scope.provide(scope),
          Effect.provideService(Metric.MetricRegistry, registry)
        )
      }
      const snapshot = Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry))
      const leaders = snapshot.filter(({ id }) => id === "bellwether_leader")
      assert.deepStrictEqual(leaders.map(({ attributes, state }) => [attributes?.["group"], state]), [
        ["orders", { value: 1 }],
        ["billing", { value: 1 }]
      ])
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(registry.size, 0)
    }))

  it.effect("in an app's registry are read again as time passes", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const group = yield* make("again")
      yield* group.settle()
      yield* Metrics.keep((yield* group.server(0)).group, { every: "1 second" }).pipe(
        Effect.provideService(Metric.MetricRegistry, registry)
      )
      const leads = () =>
        Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry))
          .filter(({ id }) => id === "bellwether_leader").map(({ state }) => state)
      assert.deepStrictEqual(leads(), [{ value: 0 }])
      yield* group.kill(1)
      yield* group.settle()
      yield* group.advance("2 seconds")
      assert.deepStrictEqual(leads(), [{ value: 1 }])
    }))
})

describe("/metrics", () => {
  const promtool = spawnSync("promtool", ["--version"]).status === 0

  it.effect("is what Prometheus reads, by the word of its own tool", (context) =>
    Effect.gen(function*() {
      if (!promtool && process.env["CI"] !== "true") return context.skip("promtool is not installed")
      const { url } = yield* served()
      const response = yield* Effect.promise(() => fetch(`${url}/metrics`))
      const text = yield* Effect.promise(() => response.text())
      assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      assert.strictEqual(valueIn(text, "bellwether_leader"), 1)
      const checked = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" })
      assert.deepStrictEqual([checked.status, checked.stdout, checked.stderr], [0, "", ""])
    }))

  it.effect("needs the token where the server is closed", () =>
    Effect.gen(function*() {
      const { url } = yield* served({ options: { token, closed: true } })
      const status = (headers: Record<string, string>) =>
        Effect.promise(() => fetch(`${url}/metrics`, { headers }).then((response) => response.status))
      assert.strictEqual(yield* status({}), 401)
      assert.strictEqual(yield* status(authorized), 200)
    }))
})
