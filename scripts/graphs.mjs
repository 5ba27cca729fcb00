// `npm run graphs -- --leadership lease --servers 4 --links undirected`: who leads where links are missing, on the pinned Node.
import { ensureDependencies, main, run } from "./setup.mjs"

main(async () => {
  await ensureDependencies()
  await run("node", ["test/simulation/graphs.process.ts", ...process.argv.slice(2)], { output: 1 })
})
