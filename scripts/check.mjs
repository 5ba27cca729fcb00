// `npm run check`: the types of everything, with Effect's own diagnostics.
import { ensureDependencies, ensurePatched, main, run } from "./setup.mjs"

export const check = async () => {
  await ensurePatched()
  await run("tsc", ["-p", "tsconfig.json"], { output: 1 })
  await run("tsc", ["-p", "src/status/page/browser/tsconfig.json"], { output: 1 })
}

if (process.argv[1]?.endsWith("check.mjs")) {
  main(async () => {
    await ensureDependencies()
    await check()
  })
}
