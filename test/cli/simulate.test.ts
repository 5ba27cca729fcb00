import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as SimulationText from "../../src/cli/simulationText.ts"
import * as Tally from "../../src/cli/tally.ts"
import type * as Simulation from "../../src/simulator/Simulation.ts"
import * as Process from "./process.ts"

const simulate = (...args: ReadonlyArray<string>) => Process.run(["simulate", ...args])

describe("the tally of simulated runs", () => {
  const verdict = (violation: { readonly at: number; readonly message: string } | null) =>
    ({ invariant: "settles", promise: "all agree", checks: 2, violation }) as Simulation.Report["verdicts"][number]
  const report = (violation: Parameters<typeof verdict>[0]) =>
    ({
      millis: 60_000,
      led: [],
      steps: 10,
      datagrams: { delivered: 5 },
      happened: Tally.empty.faults,
      verdicts: [verdict(violation)],
      violations: violation === null ? [] : [violation]
    }) as unknown as Simulation.Report

  it("keeps where a promise was first broken, and says so", () => {
    const [first, second] = [{ at: 7, message: "first" }, { at: 8, message: "second" }]
    const tally = [report(null), report(first), report(second)].reduce(
      (sum, one) => Tally.add(sum, one, 2),
      Tally.empty
    )
    assert.deepStrictEqual([tally.runs, tally.broken, tally.steps, tally.datagrams], [3, 2, 30, 15])
    assert.deepStrictEqual(tally.verdicts, [{ ...verdict(first), checks: 6 }])
    const [stopped, runs] = SimulationText.summary(tally, { seed: 4, at: 61_500 })
    assert.strictEqual(stopped, "stopped at 00:01:01 of seed 4; what was run before:")
    assert.strictEqual(runs, "3 runs, 0 reigns, 30 steps, a promise was broken in 2, 30 virtual seconds a second")
  })

  it("says nothing of promises before the first run is over", () => {
    assert.match(SimulationText.summary(Tally.empty, { seed: 1, at: 5 }).join(), /^stopped before the first run/)
  })
})

describe("simulate", () => {
  it.live(
    "tells who led when and what went wrong when, and of each promise whether it held",
    () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* simulate("--servers", "3", "--minutes", "2", "--profile", "fast")
        assert.strictEqual(stderr, "")
        assert.strictEqual(code, 0)
        assert.match(stdout, /^00:0\d:\d\d\.\d{3} {2}leads {3}s\d in term \d+, /m)
        assert.match(stdout, /^00:0\d:\d\d\.\d{3} {2}fault {3}/m)
        assert.match(stdout, /^held {4}settles: /m)
        assert.notMatch(stdout, /BROKEN/)
        assert.match(
          stdout,
          /^seed 1: 3 servers, 00:02:00\.\d{3}, \d+ faults, \d+ reigns, .* virtual seconds a second\n$/m
        )
      }),
    60_000
  )

  it.live(
    "is one JSON object where that is asked for, the same with the same seed; several runs are summed up",
    () =>
      Effect.gen(function*() {
        const args = ["--minutes", "1", "--profile", "fast", "--leadership", "lease", "--servers", "3", "--seed", "7"]
        const [first, second] = yield* Effect.all([simulate(...args, "--json"), simulate(...args, "--json")])
        assert.strictEqual(first.stdout, second.stdout)
        const report = JSON.parse(first.stdout) as Simulation.Report
        assert.deepStrictEqual([report.seed, report.servers, report.violations], [7, 3, []])
        assert.isTrue(report.verdicts.some(({ invariant }) => invariant === "oneLeader"))
        const { stdout } = yield* simulate("--minutes", "1", "--profile", "fast", "--runs", "3", "--servers", "3")
        assert.match(stdout, /^3 runs, \d+ reigns, .*every promise held/)
        assert.match(stdout, /^held {4}settles: .* \(looked at \d+ times\)$/m)
      }),
    60_000
  )

  it.live(
    "says of several runs, as JSON, what all came to: faults by kind, and of each promise how often it was looked at",
    () =>
      Effect.gen(function*() {
        const args = ["--minutes", "1", "--profile", "fast", "--servers", "3", "--json"]
        const each = yield* Effect.forEach([[...args], [...args, "--seed", "2"]], (args) => simulate(...args))
        const [first, second] = each.map(({ stdout }) => JSON.parse(stdout) as Simulation.Report)
        const { stdout } = yield* simulate(...args, "--runs", "2")
        const total = JSON.parse(stdout) as {
          readonly runs: number
          readonly broken: number
          readonly reigns: number
          readonly virtualSecondsASecond: number
          readonly faults: Simulation.Report["happened"]
          readonly verdicts: Simulation.Report["verdicts"]
        }
        assert.deepStrictEqual([total.runs, total.broken], [2, 0])
        assert.strictEqual(total.reigns, first!.led.length + second!.led.length)
        assert.strictEqual(total.faults.kill, first!.happened.kill + second!.happened.kill)
        assert.isAbove(total.virtualSecondsASecond, 0)
        assert.deepStrictEqual(
          total.verdicts.map(({ checks, invariant, violation }) => [invariant, checks, violation]),
          first!.verdicts.map(({ checks, invariant }, index) => [
            invariant,
            checks + second!.verdicts[index]!.checks,
            null
          ])
        )
      }),
    60_000
  )

  it.live(
    "lets only so many servers vote: none of the others ever leads, and no promise is broken (protocol, servers without a vote)",
    () =>
      Effect.gen(function*() {
        const args = ["--minutes", "2", "--profile", "fast", "--leadership", "lease", "--servers", "5", "--voters", "3"]
        const [text, json] = yield* Effect.all([simulate(...args), simulate(...args, "--json")], {
          concurrency: "unbounded"
        })
        assert.match(text.stdout, /^seed 1: 5 servers, 3 of them with a vote, 00:02:00/m)
        const report = JSON.parse(json.stdout) as Simulation.Report
        assert.deepStrictEqual([report.servers, report.voters, report.violations], [5, 3, []])
        assert.isNotEmpty(report.led)
        // The highest ranked are the last ones, which have none.
        for (const { server } of report.led) assert.isBelow(server, 3)
      }),
    60_000
  )

  it.live.each(
    [
      [["--servers", "0"], /^bellwether: --servers is "0"; allowed: a whole number from 1 to 20\n$/],
      [
        ["--voters", "3"],
        /^bellwether: --voters is 3; allowed: none, or any with leadership lease: a bully's group has no votes\n$/
      ],
      [
        ["--leadership", "lease", "--servers", "4", "--voters", "5"],
        /^bellwether: --voters is 5; allowed: at most 4, which is the number of servers\n$/
      ],
      [
        ["--leadership", "lease", "--servers", "4", "--group-size", "3", "--voters", "4"],
        /^bellwether: --voters is 4; allowed: at most 3, which is groupSize\n$/
      ],
      [["--voters", "none"], /^bellwether: --voters is "none"; allowed: a whole number from 1 to 20\n$/],
      [["--faults", "dire"], /^bellwether: --faults is "dire"; allowed: none, mild, harsh, wild\n$/],
      [["--minutes", "soon"], /^bellwether: --minutes is "soon"; allowed: .*\n$/],
      [["--interfaces", "lo"], /^bellwether: --interfaces is no flag of simulate.*\n$/]
    ] as const
  )("refuses %j in one line, with exit code 2", ([args, line]) =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* simulate(...args)
      assert.match(stderr, line)
      assert.deepStrictEqual([code, stdout], [2, ""])
    }))
})

describe.skipIf(spawnSync("script", ["--version"]).error !== undefined)("simulate on a terminal", () => {
  it.live(
    "shows how far it is on one line, however narrow, and when it is stopped what was run, with exit code 130",
    () =>
      Effect.gen(function*() {
        const args = ["--minutes", "2", "--profile", "fast", "--servers", "3", "--runs", "1000"]
        const running = yield* Process.startOnTerminal(["simulate", ...args], {}, 40)
        yield* running.until(() => running.stdout.includes("run 3 of 1000, seed 3, 00:00:") ? true : undefined)
        yield* running.type("\u0003")
        const { stdout } = yield* running.ended
        const end = stdout.indexOf("stopped")
        const [drawn, told] = [stdout.slice(0, end), stdout.slice(end)]
        assert.isTrue(drawn.endsWith("\r\u001B[K"), "the line is taken away first")
        for (const line of drawn.split("\r").slice(1)) {
          const [shown = "", after] = line.split("\u001B[K")
          assert.isAtMost(shown.length, 39, line)
          // The terminal itself shows typed text.
          assert.include(["", "^C"], after)
        }
        assert.notInclude(drawn, "\n")
        assert.match(told, /^stopped at 00:0\d:\d\d of seed \d+; what was run before:\r\n\d+ runs, \d+ reigns, /)
        assert.match(told, /^ {2}partition {6}\d+\r$/m)
        assert.match(told, /\[exit 130\]$/)
      }),
    60_000
  )
})
