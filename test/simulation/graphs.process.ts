/**
 * `npm run graphs -- --leadership bully --servers 4 --links undirected`: a run for each graph of so many servers, with links
 * missing from the start and again with links that go missing later; or for `--sample` of them, drawn by `--seed`. Ends after
 * `--seconds` at the latest. Writes one JSON object, and ends with 0 where no promise was broken, with 1 where one was.
 */
import * as Effect from "effect/Effect"
import * as LinkGraph from "../../src/simulator/LinkGraph.ts"
import * as Flags from "../Flags.ts"
import * as GraphRuns from "./GraphRuns.ts"

const { choice, whole } = Flags.read(
  ["leadership", "servers", "links", "since", "sample", "seed", "seconds"],
  "--leadership bully|lease, --servers N, --links directed|undirected, --since start|later|both, --sample N, --seed N, --seconds N"
)
const leadership = choice("leadership", ["bully", "lease"], "bully")
const links = choice("links", ["directed", "undirected"], "undirected")
const servers = whole("servers", 4, 2, 6)
const since = choice("since", ["start", "later", "both"], "both")
const seed = whole("seed", 1, 0, 4_294_967_295)
const seconds = whole("seconds", 3_600, 1, 86_400)
const count = 2 ** (servers * (servers - 1) / (links === "directed" ? 1 : 2))
const sample = whole("sample", Math.min(count, 4_096), 1, count)

/** The graphs by their numbers: all in order, or so many of them. */
const numbers = (): ReadonlyArray<number> => {
  if (sample === count) return Array.from({ length: count }, (_, number) => number)
  const drawn = new Set<number>()
  // Of Numerical Recipes: good enough to draw from, and the same everywhere.
  for (let state = seed; drawn.size < sample;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    drawn.add(Math.floor(state / 4_294_967_296 * count))
  }
  return [...drawn]
}

const pairs = LinkGraph.pairs(servers).filter(([from, to]) => links === "directed" || from < to)

const graphOf = (number: number): LinkGraph.LinkGraph => {
  const missing = pairs.filter((_, index) => Math.floor(number / 2 ** index) % 2 === 1)
  const both = missing.flatMap(([from, to]): ReadonlyArray<LinkGraph.Link> => [[from, to], [to, from]])
  return LinkGraph.make(servers, links === "directed" ? missing : both)
}

const started = performance.now()
const broken: Array<{ readonly since: string; readonly what: string }> = []
const invariants: Record<string, number> = {}
let runs = 0
let steps = 0
let changes = 0
let looked = 0
let next = 10

for (const number of numbers()) {
  const elapsed = (performance.now() - started) / 1_000
  if (elapsed > seconds) break
  if (elapsed > next) {
    next = elapsed + 10
    process.stderr.write(`${elapsed.toFixed(0)} s: ${runs} runs, ${broken.length} of them broke a promise\n`)
  }
  const graph = graphOf(number)
  for (const when of since === "both" ? ["start", "later"] as const : [since]) {
    const report = await Effect.runPromise(GraphRuns.run(graph, { leadership, since: when, seed }))
    runs += 1
    steps += report.steps
    changes += report.led.length
    looked += report.verdicts.find(({ invariant }) => invariant === "settlesWhereConnected")?.checks ?? 0
    const names = new Set(report.violations.map(({ invariant }) => invariant))
    for (const name of names) invariants[name] = (invariants[name] ?? 0) + 1
    if (names.size > 0) broken.push({ since: when, what: GraphRuns.tell(graph, report) })
  }
}

process.stdout.write(`${
  JSON.stringify(
    {
      leadership,
      servers,
      links,
      seed,
      graphs: sample,
      of: count,
      runs,
      looked,
      steps,
      changes,
      broken: broken.length,
      invariants,
      seconds: Math.round((performance.now() - started) / 1_000),
      first: broken.slice(0, 20)
    },
    null,
    2
  )
}\n`)
process.exitCode = broken.length === 0 ? 0 : 1
