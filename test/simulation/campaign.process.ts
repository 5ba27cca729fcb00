/**
 * `npm run campaign -- --faults wild --runs 20000 --seed 1`: runs of the simulator spread evenly over both modes of leadership and
 * groups of 3, 5 and 9, seed after seed, also after one breaks. It ends when all are run, after `--seconds`, or on Ctrl-C, and writes
 * one JSON object: for each mode and size the seeds, runs, steps and changes of leader, how often each promise was looked at, and
 * what was broken. Ends with 0 where no promise was, with 1 where one was. `--workers N` makes the same runs in so many threads:
 * one for each core. `--leadership lease --servers 9` makes only those.
 */
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import * as Faults from "../../src/simulator/Faults.ts"
import type * as Invariants from "../../src/simulator/Invariants.ts"
import * as Flags from "../Flags.ts"
import * as CampaignRun from "./CampaignRun.ts"

const { choice, text, whole } = Flags.read(
  ["faults", "leadership", "servers", "voters", "minutes", "runs", "seed", "seconds", "workers"],
  "--faults LEVEL, --leadership bully|lease|both, --servers 3,5,9, --voters N, --minutes N, --runs N, --seed N, --seconds N, --workers N"
)
const faults = choice("faults", Faults.profiles, "wild")
const leadership = choice("leadership", ["bully", "lease", "both"], "both")
const sizes = (text("servers") ?? "3,5,9").split(",").map(Number)
if (sizes.some((size) => !(Number.isInteger(size) && size >= 1 && size <= 20))) {
  Flags.refuse(`--servers is ${JSON.stringify(text("servers"))}; allowed: whole numbers from 1 to 20, such as 3,5,9`)
}
const voters = text("voters") === undefined ? undefined : whole("voters", 1, 1, Math.min(...sizes))
if (voters !== undefined && leadership !== "lease") {
  Flags.refuse(`--voters is "${voters}"; allowed: none, or any with --leadership lease: a bully's group has no votes`)
}
const minutes = whole("minutes", 2, 1, 100_000)
const runs = whole("runs", 60, 1, 10_000_000)
const first = whole("seed", 1, 0, 999_999_999)
const seconds = whole("seconds", 3_600, 1, 604_800)
const workers = whole("workers", 1, 1, 64)

const modes = leadership === "both" ? ["bully", "lease"] as const : [leadership]
const cells = modes.flatMap((mode) =>
  sizes.map((servers) => ({
    leadership: mode,
    servers,
    voters: voters ?? servers,
    seeds: { first, last: first - 1 },
    runs: 0,
    steps: 0,
    changes: 0,
    datagrams: 0,
    looked: {} as Partial<Record<Invariants.Name, number>>,
    faults: {} as Partial<Record<Faults.Fault["kind"], number>>,
    broken: {} as Partial<Record<Invariants.Name, Array<CampaignRun.Broken>>>
  }))
)
type Cell = (typeof cells)[number]

const started = performance.now()
const elapsed = () => (performance.now() - started) / 1_000
const stop = { wanted: false }
process.once("SIGINT", () => void (stop.wanted = true))
process.once("SIGTERM", () => void (stop.wanted = true))

const note = (cell: Cell, seed: number, outcome: CampaignRun.Outcome) => {
  cell.seeds.last = Math.max(cell.seeds.last, seed)
  cell.runs += 1
  cell.steps += outcome.steps
  cell.changes += outcome.changes
  cell.datagrams += outcome.datagrams
  for (const [invariant, checks] of outcome.looked) cell.looked[invariant] = (cell.looked[invariant] ?? 0) + checks
  for (const kind of Faults.kinds) cell.faults[kind] = (cell.faults[kind] ?? 0) + outcome.happened[kind]
  for (const [invariant, broken] of outcome.broken) (cell.broken[invariant] ??= []).push(broken)
}

const count = () => cells.reduce((sum, cell) => sum + cell.runs, 0)
const violated = () => cells.reduce((sum, { broken }) => sum + Object.values(broken).flat().length, 0)

/** Hands out the runs, seed after seed through all cells. */
let begun = 0
const next = (): { readonly cell: Cell; readonly seed: number } | undefined => {
  if (begun >= runs || stop.wanted || elapsed() >= seconds) return undefined
  const cell = cells[begun % cells.length] as Cell
  const seed = first + Math.floor(begun / cells.length)
  begun += 1
  return { cell, seed }
}

let told = 0
const pass = async (make: (run: CampaignRun.Run) => Promise<CampaignRun.Outcome>) => {
  for (let one = next(); one !== undefined; one = next()) {
    const { cell: { leadership, servers, voters }, seed } = one
    note(one.cell, seed, await make({ leadership, servers, voters, seed, minutes, faults }))
    // So that a signal is heard.
    await new Promise((resolve) => setImmediate(resolve))
    if (elapsed() < told + 10) continue
    told = elapsed()
    process.stderr.write(`${told.toFixed(0)} s: ${count()} of ${runs} runs, ${violated()} promises broken\n`)
  }
}

const inThread = async () => {
  const worker = new Worker(new URL("campaign.worker.ts", import.meta.url))
  await pass(async (run) => {
    worker.postMessage(run)
    const [outcome] = await once(worker, "message")
    return outcome as CampaignRun.Outcome
  })
  await worker.terminate()
}

await (workers === 1 ? pass(CampaignRun.run) : Promise.all(Array.from({ length: workers }, inThread)))

/** So many are named. */
const most = 20
const summary = cells.map((cell) =>
  Object.assign(cell, {
    broken: Object.fromEntries(
      Object.entries(cell.broken).map((
        [invariant, all]
      ) => [invariant, { runs: all.length, first: all.toSorted((a, b) => a.seed - b.seed).slice(0, most) }])
    )
  })
)

process.stdout.write(
  `${JSON.stringify({ faults, minutes, runs: count(), seconds: Math.round(elapsed()), cells: summary }, null, 2)}\n`
)
process.exitCode = violated() === 0 ? 0 : 1
