/**
 * README.md is one screen and its links; the pages lead to what is there.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Finding from "../../src/doctor/Finding.ts"
import * as Event from "../../src/protocol/model/Event.ts"
import * as Page from "./Page.ts"

const { read, root } = Page

const readme = read("README.md")

describe("README.md", () => {
  it("leads to every page", () => {
    for (const page of Page.all().filter((page) => page !== "README.md")) assert.include(readme, `](${page})`)
  })

  it("shows in its first lines what an app writes, in ten lines or so", () => {
    const first = Page.blocks(readme).find(({ language }) => language === "ts")
    assert.isAtMost(first!.text.split("\n").filter((line) => line !== "").length, 10)
    assert.isBelow(first!.line, 60)
  })
})

describe("the pages", () => {
  it.each(Page.all())("%s leads to files and headings that are there", (page) => {
    for (const [, target = "", anchor] of read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const path = target === "" ? page : Path.posix.join(Path.posix.dirname(page), target)
      assert.isTrue(Fs.existsSync(Path.join(root, path)), `${page}: ${target}`)
      if (anchor !== undefined) assert.include(Page.anchors(read(path)), anchor, `${page}: ${target}#${anchor}`)
    }
    for (const [path] of read(page).matchAll(/(?<![\w-])test\/[\w/-]+\.test\.ts/g)) {
      assert.isTrue(Fs.existsSync(Path.join(root, path)), `${page}: ${path}`)
    }
  })

  it.each(Page.all())("%s has no table wider than 100 columns", (page) => {
    assert.deepStrictEqual(read(page).split("\n").filter((line) => line.startsWith("|") && line.length > 100), [])
  })

  it("spell the program in one way: `bellwether`, but in README.md, which says once what it is in a checkout", () => {
    const spelt = Page.all().flatMap((page) => [...read(page).matchAll(/node dist\/main\.js/g)].map(() => page))
    assert.deepStrictEqual(spelt, ["README.md"])
  })
})

describe("docs/operations.md", () => {
  it("says of each event what it means and what to do", () => {
    const rows = Page.rows(Page.section(read("docs/operations.md"), "What each event means"))
    for (const { fields } of Event.Event.members) {
      const name = `\`${fields.event.literal}\``
      const [, means = "", what = ""] = rows.find(([names = ""]) => names.includes(name)) ?? []
      assert.isAbove(Math.min(means.length, what.length), 5, name)
    }
  })

  it("has each finding of doctor in its table", () => {
    const rows = Page.rows(Page.section(read("docs/operations.md"), "Why do I see no peers?")).map(([kinds = ""]) =>
      kinds
    )
    for (const kind of Finding.Kind.literals) assert.isTrue(rows.some((row) => row.includes(`\`${kind}\``)), kind)
  })
})
