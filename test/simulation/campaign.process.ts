/**
 * `npm run campaign -- --faults wild --runs 20000 --seed 1`: runs of the simulator spread evenly over both modes of leadership and
 * groups of 3, 5 and 9, seed after seed, whatever breaks. It ends when all are run, after `--seconds`, or on Ctrl-C, and writes
 * one JSON object: for each mode and size the seeds, runs, steps and changes of leader, how often each promise was looked at, and
 * what was broken. Ends with 0 where no promise was, with 1 where one was. Several may run at once, each from a seed of its own.
 */
import * as Effect from "effect/Effect"
import { Faults, type Invariants, Simulation } from "../../src/testing/index.ts"
import * as Flags from "../Flags.ts"

const { choice, text, whole } = Flags.read(
  ["faults", "leadership", "servers", "minutes", "runs", "seed", "seconds"],
  "--faults LEVEL, --leadership bully|lease|both, --servers 3,5,9, --minutes N, --runs N, --seed N, --seconds N"
)
const faults = choice("faults", Faults.profiles, "wild")
const leadership = choice("leadership", ["bully", "lease", "both"], "both")
const sizes = (text("servers") ?? "3,5,9").split(",").map(Number)
if (sizes.some((size) => !(Number.isInteger(size) && size >= 1 && size <= 20))) {
  Flags.refuse(`--servers is ${JSON.stringify(text("servers"))}; allowed: whole numbers from 1 to 20, such as 3,5,9`)
}
const minutes = whole("minutes", 2, 1, 100_000)
const runs = whole("runs", 60, 1, 10_000_000)
const first = whole("seed", 1, 0, 999_999_999)
const seconds = whole("seconds", 3_600, 1, 604_800)

interface Broken {
  readonly seed: number
  readonly at: number
  readonly server: number | null
  readonly what: string
}

const modes = leadership === "both" ? ["bully", "lease"] as const : [leadership]
const cells = modes.flatMap((mode) =>
  sizes.map((servers) => ({
    leadership: mode,
    servers,
    seeds: { first, last: first - 1 },
    runs: 0,
    steps: 0,
    changes: 0,
    datagrams: 0,
    looked: {} as Partial<Record<Invariants.Name, number>>,
    faults: {} as Partial<Record<Faults.Fault["kind"], number>>,
    broken: {} as Partial<Record<Invariants.Name, Array<Broken>>>
  }))
)
type Cell = (typeof cells)[number]

const started = performance.now()
const elapsed = () => (performance.now() - started) / 1_000
const stop = { wanted: false }
process.once("SIGINT", () => void (stop.wanted = true))
process.once("SIGTERM", () => void (stop.wanted = true))

/** By each invariant once, where it was first broken. */
const note = (cell: Cell, seed: number, report: Simulation.Report) => {
  cell.seeds.last = seed
  cell.runs += 1
  cell.steps += report.steps
  cell.changes += report.led.length
  cell.datagrams += report.datagrams.delivered
  for (const { checks, invariant } of report.verdicts) cell.looked[invariant] = (cell.looked[invariant] ?? 0) + checks
  for (const kind of Faults.kinds) cell.faults[kind] = (cell.faults[kind] ?? 0) + report.happened[kind]
  const known = new Set<Invariants.Name>()
  for (const { at, invariant, server, what } of report.violations) {
    if (known.has(invariant)) continue
    known.add(invariant)
    const broken = cell.broken[invariant] ??= []
    broken.push({ seed, at: Math.round(at), server, what })
  }
}

const count = () => cells.reduce((sum, cell) => sum + cell.runs, 0)
const violated = () => cells.reduce((sum, { broken }) => sum + Object.values(broken).flat().length, 0)

let told = 0
for (let seed = first; count() < runs && !stop.wanted && elapsed() < seconds; seed++) {
  for (const cell of cells) {
    if (count() >= runs || stop.wanted || elapsed() >= seconds) break
    const lease = cell.leadership === "lease" ? { leadership: "lease", groupSize: cell.servers } as const : {}
    const report = await Effect.runPromise(
      Simulation.run({
        servers: cell.servers,
        seed,
        millis: minutes * 60_000,
        faults,
        settings: { profile: "fast", ...lease }
      })
    )
    note(cell, seed, report)
    // So that a signal is heard.
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (elapsed() < told + 10) continue
  told = elapsed()
  process.stderr.write(`${told.toFixed(0)} s: ${count()} of ${runs} runs, ${violated()} promises broken\n`)
}

/** So many are named. */
const most = 20
const summary = cells.map((cell) =>
  Object.assign(cell, {
    broken: Object.fromEntries(
      Object.entries(cell.broken).map((
        [invariant, all]
      ) => [invariant, { runs: all.length, first: all.slice(0, most) }])
    )
  })
)

process.stdout.write(
  `${JSON.stringify({ faults, minutes, runs: count(), seconds: Math.round(elapsed()), cells: summary }, null, 2)}\n`
)
process.exitCode = violated() === 0 ? 0 : 1
