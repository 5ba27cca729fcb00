// npm's `prepare`: makes `tsc` the one that checks Effect code, and builds `dist` where somebody installs from git. npm runs
// `prepare` there, and not `prepack`, in a clone with everything installed.
//
// After `npm ci` nothing is built: a checkout is built by what needs `dist` (`npm start`, `npm test`), and `npm ci` may
// be run by one of those, which hold the lock.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { ensureBuild, ensurePatched, main, root, say } from "./setup.mjs"

main(async () => {
  // A folder that is linked into an app has no tools of its own.
  if (!existsSync(join(root, "node_modules", "@effect", "tsgo"))) {
    say("nothing is built: the tools are not installed here (npm ci)")
    return
  }
  await ensurePatched()
  if (process.env.npm_command !== "ci") await ensureBuild()
})
