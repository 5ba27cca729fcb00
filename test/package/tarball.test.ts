/**
 * What is published: nothing but what is needed, with entries and types that resolve for all who import them.
 */
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { isBuiltin } from "node:module"
import * as Path from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import * as Sources from "../house/Source.ts"
import * as Tarball from "./Tarball.ts"

const directory = Tarball.temporary()
let tarball: Tarball.Tarball

beforeAll(() => {
  tarball = Tarball.pack(directory)
})
afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

const manifest = JSON.parse(Fs.readFileSync(Path.join(Tarball.root, "package.json"), "utf8"))

/** Every file of the library, relative to `src`, without its ending: not the program and the page, which are bundled. */
const modules = Fs.readdirSync(Path.join(Tarball.root, "src"), { recursive: true, encoding: "utf8" })
  .map((path) => path.split(Path.sep).join("/"))
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts") && !/^(main\.ts$|cli\/|status\/page\/)/.test(path))
  .map((path) => path.slice(0, -".ts".length))

describe("the tarball", () => {
  it("has the library with its maps and sources, the program in one bundle, and four pages", () => {
    const isProgram = (path: string) => /^dist\/program\/[\w-]+\.js$/.test(path)
    assert.isTrue(tarball.files.some(isProgram))
    assert.sameMembers(tarball.files.filter((path) => !isProgram(path)), [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
      "dist/main.js",
      "dist/page.js",
      "dist/program/LICENSES.txt",
      "src/status/http/page.d.ts",
      ...modules.map((path) => `src/${path}.ts`),
      ...[".js", ".js.map", ".d.ts", ".d.ts.map"].flatMap((ending) => modules.map((path) => `dist/${path}${ending}`))
    ])
  })

  it("has every source that its maps lead to", () => {
    for (const map of tarball.files.filter((path) => path.endsWith(".map"))) {
      const { sources } = JSON.parse(Fs.readFileSync(Path.join(Tarball.root, map), "utf8"))
      for (const source of sources as ReadonlyArray<string>) {
        assert.include(tarball.files, Path.posix.join(Path.posix.dirname(map), source))
      }
    }
  })

  it("carries the licence of everything that is bundled into the program", () => {
    const licences = Fs.readFileSync(Path.join(Tarball.root, "dist/program/LICENSES.txt"), "utf8")
    const sources = new Map(Sources.all().map((source) => [source.path, source]))
    const reached = new Set(["main.ts"])
    const imported = new Set<string>()
    for (const path of reached) {
      for (const { file, from, isType } of sources.get(path)?.imports ?? []) {
        const [name = ""] = /^(@[^/]+\/)?[^/]+/.exec(from) ?? []
        // What begins so is the package's own.
        if (isType || isBuiltin(from) || from.startsWith("#")) continue
        if (file === undefined) imported.add(name)
        else reached.add(file)
      }
    }
    assert.include([...imported], "effect")
    const named = [...licences.matchAll(/^(\S+) \d+\.\d+\.\d+ \(MIT\)$/gm)].map(([, name = ""]) => name)
    assert.includeMembers(named, [...imported])
  })
})

describe("the manifest", () => {
  it("is what publint wants", async () => {
    const { buffer, byteLength, byteOffset } = Fs.readFileSync(tarball.path)
    const { messages, pkg } = await publint({
      pack: { tarball: buffer.slice(byteOffset, byteOffset + byteLength) },
      strict: true
    })
    assert.deepStrictEqual(messages.map((message) => formatMessage(message, pkg, { color: false })), [])
  })

  it("leads every entry to types that fit it, however it is resolved", async () => {
    const checked = await checkPackage(createPackageFromTarballData(Fs.readFileSync(tarball.path)))
    if (!checked.types) return assert.fail("there are no types")
    const { entrypoints, problems } = checked
    assert.sameMembers(
      Object.keys(entrypoints),
      Object.entries(manifest.exports).flatMap(([path, target]) => target === null ? [] : [path])
    )
    const others = problems.filter((problem) =>
      // Node before 12.7 and `moduleResolution: node10` know no `exports`; Effect has no entries for them either.
      !(problem.kind === "NoResolution" && problem.resolutionKind === "node10") &&
      // It is ESM alone, which `require` takes since Node 20.19.
      problem.kind !== "CJSResolvesToESM"
    )
    assert.deepStrictEqual(others, [])
  })

  it("asks for the Node that the program asks for, and for the Effect that it is built with", () => {
    const door = Fs.readFileSync(Path.join(Tarball.root, "src/main.ts"), "utf8")
    const [, major, minor] = /const oldest = \[(\d+), (\d+)\]/.exec(door) ?? []
    assert.strictEqual(manifest.engines.node, `>=${major}.${minor}.0`)
    for (const name of Object.keys(manifest.peerDependencies)) {
      const [built] = /^\d+\.\d+/.exec(manifest.devDependencies[name]) ?? []
      assert.strictEqual(manifest.peerDependencies[name], `~${built}.0`)
    }
  })
})
