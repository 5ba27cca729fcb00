// `npm run campaign -- --faults wild --runs 20000`: many runs of the simulator, also after one breaks, on the pinned Node.
import { ensureDependencies, main, run } from "./setup.mjs"

main(async () => {
  await ensureDependencies()
  await run("node", ["test/simulation/campaign.process.ts", ...process.argv.slice(2)], { output: 1 })
})
