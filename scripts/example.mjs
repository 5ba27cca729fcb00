// `npm run example NAME`: sets up what is missing, then runs an example by the pinned Node, since those before 22.18 run no
// TypeScript.
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { runPinned } from "./pinned.mjs"
import { ensureBuild, ensureDependencies, main, root, say } from "./setup.mjs"

const folder = join(root, "examples")
const vitest = join(root, "node_modules", "vitest", "vitest.mjs")

const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) =>
  name
)

const [name, ...args] = process.argv.slice(2)

main(async () => {
  if (!names.includes(name)) {
    say(`${name === undefined ? "name an example" : `no example ${name}`}: ${names.join(", ")}`)
    process.exitCode = 2
    return
  }
  await ensureDependencies()
  await ensureBuild()
  const program = join(folder, name, "main.ts")
  // An example without a program is a test.
  runPinned(existsSync(program) ? [program, ...args] : [vitest, "run", `examples/${name}`, ...args])
})
