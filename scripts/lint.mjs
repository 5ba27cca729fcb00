// `npm run lint`: the rules (oxlint), the look (dprint), and what nobody uses (knip).
import { ensureDependencies, main, run } from "./setup.mjs"

export const lint = async () => {
  await run("oxlint", [], { output: 1 })
  await run("dprint", ["check"], { output: 1 })
  await run("knip", ["--no-progress", "--no-config-hints"], { output: 1 })
}

if (process.argv[1]?.endsWith("lint.mjs")) {
  main(async () => {
    await ensureDependencies()
    await lint()
  })
}
