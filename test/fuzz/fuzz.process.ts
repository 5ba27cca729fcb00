/**
 * `npm run fuzz -- --seconds 600 --seed 1`: fuzzes for so long, or until `--inputs` are given, then reports. Ends with 0
 * where nothing was found, with 1 and how to get there again where something was, with 2 for a flag that is wrong.
 */
import * as Flags from "../Flags.ts"
import * as Fuzzer from "./Fuzzer.ts"
import * as Reached from "./Reached.ts"

const { text, whole } = Flags.read(["seconds", "seed", "inputs"], "--seconds N, --seed N, --inputs N")
const seconds = whole("seconds", text("inputs") === undefined ? 10 : 86_400, 0, 86_400)
const seed = whole("seed", 1, 0, 4_294_967_295)
const inputs = whole("inputs", Infinity, 0, 1e12)

const heap = (): number => {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().heapUsed / 1_048_576)
}

const started = performance.now()
const elapsed = () => (performance.now() - started) / 1_000
const reached = Reached.watch()
const heaps: Array<string> = []
let next = 0

try {
  const report = Fuzzer.run({
    seed,
    inputs,
    goesOn: () => elapsed() < seconds,
    onEpisode: ({ inputs }) => {
      if (elapsed() < next) return
      next = elapsed() + Math.max(1, seconds / 10)
      heaps.push(`${heap()} MiB after ${inputs}`)
    }
  })
  const share = (part: number) => `${part} (${(100 * part / Math.max(1, report.inputs)).toFixed(1)} %)`
  const files = await reached()
  const sum = (count: (file: Reached.File) => number) => files.reduce((all, file) => all + count(file), 0)
  const lines = [
    `seed ${seed}: ${report.inputs} inputs in ${elapsed().toFixed(0)} s, ${report.episodes} lives; nothing found`,
    `frame right: ${share(report.framed)}; a message by its schema: ${
      share(report.messages)
    }; acted on: ${report.delivered}`,
    ...(["kinds", "drops", "events", "clientEvents", "said", "peaks"] as const).map((name) =>
      `${name}: ${
        Object.entries(report[name]).toSorted(([a], [b]) => a < b ? -1 : 1).map((pair) => pair.join(" ")).join(", ")
      }`
    ),
    `heap: ${[...heaps, `${heap()} MiB at the end`].join(", ")}`,
    `functions reached: ${sum((file) => file.functionsReached)} of ${sum((file) => file.functions)}`,
    ...[["floor 1", "protocol/"], ["floor 2", "transport/"]].map(([floor, folder = ""]) => {
      const there = files.filter(({ path }) => path.startsWith(folder))
      const [all, taken] = [there, there].map((some, at) =>
        some.reduce((sum, file) => sum + (at === 0 ? file.branches : file.branchesReached), 0)
      ) as [number, number]
      return `branches of ${floor} reached: ${taken} of ${all} (${(100 * taken / all).toFixed(1)} %); not reached:`
    }),
    ...files.filter(({ missed }) => missed.length > 0).map(({ missed, path }) =>
      `  ${path}: lines ${missed.join(", ")}`
    )
  ]
  process.stdout.write(`${lines.join("\n")}\n`)
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? `${error.message}\n${(error.cause as Error | undefined)?.stack}` : String(error)}\n`
  )
  process.exitCode = 1
}
