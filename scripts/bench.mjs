// `npm run bench`: the measurements, on the pinned Node, which runs TypeScript as it is.
import { ensureBuild, ensureDependencies, main, run } from "./setup.mjs"

main(async () => {
  await ensureDependencies()
  await ensureBuild()
  await run("node", ["bench/run.ts", ...process.argv.slice(2)], { output: 1 })
})
