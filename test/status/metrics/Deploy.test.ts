/** What `deploy/` has for Prometheus and Grafana: it names metrics that there are, and each alert is raised when it should be. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { metrics } from "../../../src/status/metrics/Metrics.ts"

const deploy = Path.resolve(import.meta.dirname, "../../../deploy")
const rules = Path.join(deploy, "prometheus")
const read = (...path: ReadonlyArray<string>) => Fs.readFileSync(Path.join(deploy, ...path), "utf8")

/** The names of series that there are, and the labels of each. */
const series = new Map(
  Object.values(metrics).flatMap(({ labels, name, type }) => {
    const all: ReadonlyArray<string> = ["group", "node", "instance", ...labels]
    return type === "histogram"
      ? [[`${name}_bucket`, [...all, "le"]] as const, [`${name}_sum`, all] as const, [`${name}_count`, all] as const]
      : [[name, all] as const]
  })
)

/** The series that a text names, with the labels that it selects by. */
const named = (text: string) =>
  [...text.matchAll(/\b(bellwether_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name = "", selected = ""]) => ({
    name,
    labels: [...selected.matchAll(/(\w+)\s*[=!]~?/g)].map(([, label = ""]) => label)
  }))

const complaints = (text: string) =>
  named(text).flatMap(({ labels, name }) => {
    const has = series.get(name)
    if (has === undefined) return [`there is no ${name}`]
    return labels.filter((label) => !has.includes(label)).map((label) => `${name} has no label ${label}`)
  })

interface Dashboard {
  readonly panels: ReadonlyArray<{
    readonly title: string
    readonly targets: ReadonlyArray<{ readonly expr: string }>
  }>
}

describe("the files of deploy", () => {
  it("name metrics and labels that there are", () => {
    for (const path of [["prometheus", "bellwether.rules.yml"], ["grafana", "bellwether.json"]]) {
      const expressions = read(...path).replaceAll(String.raw`\"`, `"`)
      assert.isAbove(named(expressions).length, 5)
      assert.deepStrictEqual(complaints(expressions), [], path.join("/"))
    }
    assert.deepStrictEqual(complaints("bellwether_leader{colour=\"red\"} and bellwether_sheep"), [
      "bellwether_leader has no label colour",
      "there is no bellwether_sheep"
    ])
  })

  it("show nearly every metric on the dashboard", () => {
    const { panels }: Dashboard = JSON.parse(read("grafana", "bellwether.json"))
    const shown = new Set(
      panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => named(expr))).map(({ name }) => name)
    )
    const missing = Object.values(metrics).map(({ name }) => name).filter((name) =>
      ![name, `${name}_bucket`, `${name}_count`].some((one) => shown.has(one))
    )
    assert.deepStrictEqual(missing, [
      "bellwether_uptime_seconds",
      "bellwether_silent_members",
      "bellwether_follows_leader",
      "bellwether_term",
      "bellwether_grants_held",
      "bellwether_client_messages_received_total",
      "bellwether_events_total"
    ])
  })

  it("try each alert, once where it is not raised and once where it is", () => {
    const alerts = [...read("prometheus", "bellwether.rules.yml").matchAll(/- alert: (\w+)/g)].map(([, name]) => name!)
    const tests = read("prometheus", "bellwether.rules.test.yml")
    for (const alert of alerts) {
      const tried = [...tests.matchAll(new RegExp(`alertname: ${alert}\n( *exp_alerts:)?`, "g"))]
      assert.isTrue(tried.some(([, raised]) => raised === undefined), `${alert} is not tried without`)
      assert.isTrue(tried.some(([, raised]) => raised !== undefined), `${alert} is never raised`)
    }
  })

  it("are what Prometheus takes, and its tests pass", (context) => {
    if (spawnSync("promtool", ["--version"]).status !== 0 && process.env["CI"] !== "true") {
      return context.skip("promtool is not installed")
    }
    for (const args of [["check", "rules", "bellwether.rules.yml"], ["test", "rules", "bellwether.rules.test.yml"]]) {
      const { status, stderr, stdout } = spawnSync("promtool", args, { cwd: rules, encoding: "utf8" })
      assert.strictEqual(status, 0, stdout + stderr)
    }
  })
})
