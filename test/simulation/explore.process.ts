/**
 * `npm run explore -- --mode lease --states 5000000`: visits states of three servers until so many are seen, the `--seconds`
 * are over, or none is left. Ends with 0 where no promise was broken, with 1 and the way to it where one was, with 2 for a
 * flag that is wrong. `--mutant` takes the name of one of the faults that are put into the protocol on purpose.
 */
import * as Explorer from "../../src/simulator/Explorer.ts"
import * as Flags from "../Flags.ts"
import * as BullyMutants from "./BullyMutants.ts"
import { boundsOf, lease } from "./Frontier.ts"
import * as LeaseMutants from "./LeaseMutants.ts"
import * as Mutants from "./Mutants.ts"

const { choice, text, whole } = Flags.read(
  ["mode", "from", "states", "seconds", "seed", "mutant"],
  "--mode bully|lease, --from cold|settled, --states N, --seconds N, --seed N, --mutant NAME"
)
const mode = choice("mode", ["bully", "lease"], "bully")
const from = choice("from", ["cold", "settled"], "settled")
const states = whole("states", 1_000_000, 1, 100_000_000)
const seconds = whole("seconds", 86_400, 1, 86_400)
const seed = whole("seed", 1, 0, 4_294_967_295)

const mutant = [...BullyMutants.mutants, ...LeaseMutants.mutants].find(({ name }) => name === text("mutant"))
if (text("mutant") !== undefined && mutant === undefined) {
  Flags.refuse(`--mutant is ${JSON.stringify(text("mutant"))}; no fault is called so`)
}
const protocol = mutant === undefined ? undefined : await Mutants.load(mutant)

const bounds = boundsOf(mode)
const started = performance.now()
const elapsed = () => (performance.now() - started) / 1_000
const count = (value: number) => value.toLocaleString("en")
let next = 10

const found = Explorer.explore({
  from,
  bounds,
  timing: mode === "lease" ? lease : {},
  seed,
  states,
  transition: protocol?.step,
  enough: (visited) => {
    if (elapsed() >= next) {
      next = elapsed() + 10
      const mebibytes = Math.round(process.memoryUsage().heapUsed / 1_048_576)
      process.stderr.write(
        `${elapsed().toFixed(0)} s: ${count(visited)} of ${count(states)} states, ${mebibytes} MiB\n`
      )
    }
    return elapsed() >= seconds
  }
})

const { cut, datagrams, depth, exhausted, quiescent, servers, transitions, violation } = found
process.stdout.write(`${
  [
    `${mode}, from ${from}, seed ${seed}: ${count(found.states)} states in ${elapsed().toFixed(1)} s${
      exhausted ? ", all there are within the bounds" : ""
    }`,
    `bounds: ${Object.entries(bounds).map(([name, value]) => `${name} ${value}`).join(", ")}`,
    `${count(transitions)} transitions; ${count(servers)} states of one server; ${count(datagrams)} datagrams`,
    `longest way ${count(depth)}; ${count(quiescent)} states at rest, the group settled from each`,
    `ways that ended at a bound: ${count(cut.horizon)} at the horizon, ${count(cut.elections)} at the elections`,
    violation === null
      ? "no promise was broken"
      : `broken: ${violation.complaint.invariant}: ${violation.complaint.what}\n${violation.path.join("\n")}`
  ].join("\n")
}\n`)
process.exitCode = violation === null ? 0 : 1
