/**
 * The code that README.md and the pages show compiles, all of it in one run of the compiler.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Page from "./Page.ts"

const samples = Page.all().flatMap((page) =>
  Page.blocks(Page.read(page)).filter(({ language }) => language === "ts").map(({ line, text }) => ({
    name: `${page} line ${line}`,
    file: `${page.replaceAll(/\W/g, "-")}-${line}.ts`,
    text
  }))
)

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-docs-"))
let complaints: ReadonlyArray<string> = []

beforeAll(() => {
  for (const { file, text } of samples) Fs.writeFileSync(Path.join(directory, file), text)
  Fs.symlinkSync(Path.join(Page.root, "node_modules"), Path.join(directory, "node_modules"), "junction")
  Fs.writeFileSync(Path.join(directory, "package.json"), JSON.stringify({ type: "module" }))
  // The package by its name is what is in `src` now.
  const src = (path: string) => [Path.join(Page.root, "src", path)]
  Fs.writeFileSync(
    Path.join(directory, "tsconfig.json"),
    JSON.stringify({
      extends: Path.join(Page.root, "tsconfig.base.json"),
      compilerOptions: {
        noEmit: true,
        plugins: [],
        typeRoots: [Path.join(Page.root, "node_modules/@types")],
        paths: {
          "bellwether": src("index.ts"),
          "bellwether/NodeServer": src("NodeServer.ts"),
          "bellwether/NodeClient": src("NodeClient.ts"),
          "bellwether/NodeObserver": src("NodeObserver.ts"),
          "bellwether/Cluster": src("Cluster.ts"),
          "bellwether/NodeCluster": src("NodeCluster.ts"),
          "bellwether/Moving": src("Moving.ts"),
          "bellwether/Etcd": src("Etcd.ts"),
          "bellwether/NodeEtcd": src("NodeEtcd.ts"),
          "bellwether/Sql": src("Sql.ts"),
          "bellwether/StatusApi": src("StatusApi.ts"),
          "bellwether/StatusClient": src("StatusClient.ts"),
          "bellwether/testing": src("testing/index.ts")
        }
      },
      files: samples.map(({ file }) => file)
    })
  )
  const tsc = Path.join(Page.root, "node_modules/.bin/tsc")
  const { error, stdout } = spawnSync(tsc, ["-p", directory, "--pretty", "false"], {
    cwd: directory,
    encoding: "utf8",
    shell: process.platform === "win32"
  })
  if (error !== undefined) throw error
  complaints = stdout.split("\n").filter((line) => line.includes("error TS"))
})

afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

describe("the code of the pages", () => {
  it("is there", () => {
    assert.include(samples.map(({ name }) => name.split(" ")[0]), "README.md")
  })

  it.each(samples)("compiles: $name", ({ file }) => {
    assert.deepStrictEqual(complaints.filter((line) => Path.basename(line.split("(", 1)[0] ?? "") === file), [])
  })

  it("makes no other file fail", () => {
    assert.deepStrictEqual(complaints.filter((line) => !samples.some(({ file }) => line.includes(file))), [])
  })
})
