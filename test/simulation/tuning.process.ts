/**
 * `npm run tuning`: draws docs/images/tuning.svg, and prints its table. Decided by its seeds.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Tuning from "./Tuning.ts"

const points = Tuning.measureAll((done, all) => process.stderr.write(`\r${done} of ${all}`))
process.stderr.write("\n")
Fs.writeFileSync(Path.resolve(import.meta.dirname, "../../docs/images/tuning.svg"), Tuning.draw(points))
console.log(Tuning.table(points))
