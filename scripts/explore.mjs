// `npm run explore -- --mode lease --states 5000000`: the states that three servers can get into, on the pinned Node.
import { ensureDependencies, main, run } from "./setup.mjs"

main(async () => {
  await ensureDependencies()
  const args = ["--max-old-space-size=8192", "test/simulation/explore.process.ts", ...process.argv.slice(2)]
  await run("node", args, { output: 1 })
})
