/**
 * The site of the documents (`npm run docs`) builds without a network, and each of its links leads to a page and a heading
 * that are there.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Page from "./Page.ts"

const out = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-site-"))
const pages = new Map<string, string>()

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, [Path.join(Page.root, "scripts/docs.mjs"), out], {
    encoding: "utf8"
  })
  assert.strictEqual(status, 0, stderr)
  for (const file of Fs.readdirSync(out).filter((file) => file.endsWith(".html"))) {
    pages.set(file, Fs.readFileSync(Path.join(out, file), "utf8"))
  }
}, 60_000)

afterAll(() => Fs.rmSync(out, { recursive: true, force: true }))

const found = (html: string, pattern: RegExp) => [...html.matchAll(pattern)].map(([, one = ""]) => one)
const idsOf = (file: string) => found(pages.get(file) ?? "", / id="([^"]+)"/g)

describe("the site of the documents", () => {
  it("has a page for each document", () => {
    for (const page of Page.all().filter((page) => page.startsWith("docs/"))) {
      assert.isTrue(pages.has(`${Path.basename(page, ".md")}.html`), page)
    }
  })

  it("has the anchors that GitHub gives the headings", () => {
    for (const page of Page.all().filter((page) => page.startsWith("docs/"))) {
      assert.includeMembers(idsOf(`${Path.basename(page, ".md")}.html`), [...Page.anchors(Page.read(page))], page)
    }
  })

  it("has every module that the package exports, and what it says of each name", () => {
    const modules = found(Page.read("src/index.ts"), /^export \* as (\w+)/gm)
    for (const name of modules) assert.isTrue(pages.has(`bellwether.${name}.html`), name)
    const leadership = pages.get("bellwether.Leadership.html") ?? ""
    assert.include(leadership, "id=\"leadershipshape\"")
    assert.include(leadership, "whileLeader")
    assert.notMatch([...pages.values()].join("\n"), /<p>[^<]*@(?:category|since)/)
  })

  it("leads only to what is there", () => {
    const wrong: Array<string> = []
    for (const [file, html] of pages) {
      for (const href of found(html, / href="([^"]+)"/g).filter((href) => !/^https?:/.test(href))) {
        const [path = "", anchor] = href.split("#")
        const to = path === "" ? file : path
        const isThere = to === "style.css" || pages.has(to) && (anchor === undefined || idsOf(to).includes(anchor))
        if (!isThere) wrong.push(`${file}: ${href}`)
      }
      const ids = idsOf(file)
      if (new Set(ids).size < ids.length) wrong.push(`${file} has an anchor twice`)
    }
    assert.deepStrictEqual(wrong, [])
  })

  it("loads nothing from elsewhere", () => {
    for (const html of pages.values()) {
      assert.notMatch(html, /<script|@import/)
      for (const src of found(html, / src="([^"]+)"/g)) assert.isTrue(Fs.existsSync(Path.join(out, src)), src)
    }
  })
})
