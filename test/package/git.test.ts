/**
 * The package from git: npm makes a clone, installs everything there and runs `prepare`, then packs what is there.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Tarball from "./Tarball.ts"

const directory = Tarball.temporary()
const clone = Path.join(directory, "clone")
const dist = Path.join(clone, "dist")
const { scripts } = JSON.parse(Fs.readFileSync(Path.join(Tarball.root, "package.json"), "utf8"))

/** Runs the script as npm does for one of its commands. */
const prepare = (command: string) => Tarball.run("sh", ["-c", scripts.prepare], clone, { npm_command: command })

beforeAll(() => {
  const own = ["package.json", "package-lock.json", "tsconfig.base.json", "tsconfig.build.json", "rolldown.config.mjs"]
  for (const name of [...own, "README.md", "CHANGELOG.md", "LICENSE", "scripts", "src"]) {
    Fs.cpSync(Path.join(Tarball.root, name), Path.join(clone, name), {
      recursive: true,
      filter: (from) => Path.basename(from) !== "node_modules"
    })
  }
})
afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

describe.skipIf(process.platform === "win32")("prepare", () => {
  it("does nothing where no tools are installed, as in a folder that an app links", () => {
    prepare("install")
    assert.isFalse(Fs.existsSync(dist))
  })

  it("builds nothing for npm ci, which may be run by what builds afterwards", () => {
    Fs.symlinkSync(Path.join(Tarball.root, "node_modules"), Path.join(clone, "node_modules"))
    prepare("ci")
    assert.isFalse(Fs.existsSync(dist))
  })

  it("builds what is imported from git, once", () => {
    prepare("install")
    const { exports } = JSON.parse(Fs.readFileSync(Path.join(clone, "package.json"), "utf8"))
    assert.isTrue(Fs.existsSync(Path.join(clone, exports["."].default)))
    const imported = `import("${
      Path.join(clone, exports["."].default)
    }").then(({ Server }) => console.log(typeof Server.layer))`
    assert.strictEqual(Tarball.run(process.execPath, ["-e", imported], clone), "function\n")
    const { mtimeMs } = Fs.statSync(dist)
    prepare("pack")
    assert.strictEqual(Fs.statSync(dist).mtimeMs, mtimeMs)
  })
})
