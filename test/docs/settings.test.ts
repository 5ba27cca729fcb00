/**
 * docs/settings.md is what it is generated from. `npm run docs:write` writes it.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import * as Path from "node:path"
import * as Settings from "../../src/settings/Settings.ts"
import * as Page from "./Page.ts"
import * as SettingsPage from "./SettingsPage.ts"

describe("docs/settings.md", () => {
  it("is what the list of settings and the comments on the options say", async () => {
    await expect(SettingsPage.page()).toMatchFileSnapshot(Path.join(Page.root, "docs/settings.md"))
  })

  it("has a heading for each setting", () => {
    const headings = [...SettingsPage.page().matchAll(/^## (\w+)$/gm)].map(([, key]) => key)
    assert.deepStrictEqual(headings, [...Settings.keys])
  })
})
