// `npm run fuzz -- --seconds N --seed S`: hostile datagrams against floors 1 and 2, on the pinned Node.
import { ensureDependencies, main, run } from "./setup.mjs"

main(async () => {
  await ensureDependencies()
  await run("node", ["--expose-gc", "test/fuzz/fuzz.process.ts", ...process.argv.slice(2)], { output: 1 })
})
