import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Finding from "../../src/doctor/Finding.ts"
import * as Settings from "../../src/group/Settings.ts"
import * as ClientEvent from "../../src/protocol/ClientEvent.ts"
import * as Event from "../../src/protocol/Event.ts"
import * as Page from "./Page.ts"

const root = Path.resolve(import.meta.dirname, "../..")
const read = (path: string) => Fs.readFileSync(Path.join(root, path), "utf8")
// The formatter aligns tables.
const readme = read("README.md").replaceAll(/ +/g, " ")

describe("README.md", () => {
  it("lists each setting with its default and what is allowed", () => {
    for (const key of Settings.keys) {
      const { allowed, summary } = Settings.settings[key]
      assert.include(readme, `| \`${key}\` | ${Settings.defaultText(key)} | ${summary}; ${allowed} |`)
    }
  })

  it("names each event", () => {
    for (const { fields } of [...Event.Event.members, ...ClientEvent.ClientEvent.members]) {
      assert.include(readme, `\`${fields.event.literal}\``)
    }
  })

  it("and the pages lead to files that are there", () => {
    for (
      const page of ["README.md", "docs/promises.md", "docs/protocol.md", "docs/operations.md", "docs/security.md"]
    ) {
      for (const [, target = ""] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
        assert.isTrue(Fs.existsSync(Path.join(root, Path.dirname(page), target)), `${page}: ${target}`)
      }
      for (const [path] of read(page).matchAll(/test\/[a-zA-Z/]+\.test\.ts/g)) {
        assert.isTrue(Fs.existsSync(Path.join(root, path)), `${page}: ${path}`)
      }
    }
  })
})

describe("docs/operations.md", () => {
  it("says of each event what it means and what to do", () => {
    const rows = Page.rows(read("docs/operations.md"))
    for (const { fields } of Event.Event.members) {
      const name = `\`${fields.event.literal}\``
      const [, means = "", what = ""] = rows.find(([names = ""]) => names.includes(name)) ?? []
      assert.isAbove(Math.min(means.length, what.length), 5, name)
    }
  })

  it("has each finding of doctor in its table", () => {
    const rows = Page.rows(read("docs/operations.md")).map(([kinds = ""]) => kinds)
    for (const kind of Finding.Kind.literals) assert.isTrue(rows.some((row) => row.includes(`\`${kind}\``)), kind)
  })
})
