// `npm run tuning`: draws docs/images/tuning.svg, and prints the table of docs/tuning.md, on the pinned Node.
import { ensureDependencies, main, run } from "./setup.mjs"

main(async () => {
  await ensureDependencies()
  await run("node", ["test/simulation/tuning.process.ts", ...process.argv.slice(2)], { output: 1 })
})
