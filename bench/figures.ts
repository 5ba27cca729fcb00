/**
 * The table of figures of the protocol's model (protocol 5), measured on the real code in virtual time: median, 95th
 * percentile and worst of so many seeds. Nothing of it depends on the machine.
 *
 *   npm run bench -- figures [seeds]
 */
import * as Effect from "effect/Effect"
import * as Figures from "../test/simulation/Figures.ts"

const seconds = (millis: number) => millis >= 10_000 ? `${(millis / 1000).toFixed(1)} s` : `${Math.round(millis)} ms`

const spread = (values: ReadonlyArray<number>, show: (value: number) => string) =>
  [50, 95, 100].map((percent) => show(Figures.percentile(values, percent))).join(" / ")

/** Prints the table in Markdown. */
export const figures = async (args: ReadonlyArray<string>): Promise<void> => {
  const seeds = Number(args[0] ?? 40)
  if (!Number.isInteger(seeds) || seeds < 1) throw new Error(`seeds is ${args[0]}; allowed: a whole number above 0`)
  console.log(`median / 95th percentile / worst of ${seeds} seeds, profile standard\n`)
  console.log("| trouble | servers | loss | to one agreed reign | election datagrams | reigns |")
  console.log("| --- | --- | --- | --- | --- | --- |")
  for (const trouble of Figures.troubles) {
    for (const servers of [5, 20]) {
      for (const loss of [0, 0.1]) {
        // What passes 40 minutes costs a hundred times what the others do.
        const runs = trouble.name.startsWith("nothing") ? Math.min(seeds, 5) : seeds
        const all = await Effect.runPromise(
          Effect.forEach(
            Array.from({ length: runs }, (_, index) => index + 1),
            (seed) => Figures.measure(trouble, servers, loss, seed)
          )
        )
        const cells = [
          trouble.name,
          servers,
          `${loss * 100} %`,
          spread(all.map(({ millis }) => millis), seconds),
          spread(all.map(({ datagrams }) => datagrams), String),
          spread(all.map(({ reigns }) => reigns), String)
        ]
        console.log(`| ${cells.join(" | ")} |`)
      }
    }
  }
}
