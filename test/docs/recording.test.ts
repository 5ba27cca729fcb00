/**
 * The recording of the README: the script that makes it still does, from a real session, and what it makes can be shown.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Tmux from "../cli/tmux.ts"
import { root } from "./Page.ts"

interface Animation {
  readonly rowsOf: (screen: string) => ReadonlyArray<string>
  readonly svg: (recording: {
    readonly columns: number
    readonly duration: number
    readonly frames: ReadonlyArray<{ readonly at: number; readonly rows: ReadonlyArray<string> }>
    readonly title: string
  }) => string
}

const { rowsOf, svg }: Animation = await import(Path.join(root, "scripts/animation.mjs"))

/** The texts of a recording in the order of their rows, without their looks. */
const texts = (svg: string): ReadonlyArray<string> =>
  [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text = ""]) => text.replaceAll(/<[^>]*>/g, ""))

/** The texts of a recording that anybody can show: no script, nothing from elsewhere, in light and dark, still where that is wanted. */
const shownBy = (svg: string): string => {
  assert.isBelow(Buffer.byteLength(svg), 400_000)
  assert.notMatch(svg, /<script|<foreignObject|href=|url\(|@import/)
  for (const query of ["prefers-color-scheme:dark", "prefers-reduced-motion:reduce"]) assert.include(svg, query)
  return texts(svg).join("\n")
}

/** What was done, in its order, and the keys. */
const told =
  /kill -9 \w+, which leads[^]*all 4 +see each other and follow[^]*cut off \w+, which leads[^]*heal \w+[^]*q quit/

describe("the recording of the README", () => {
  it("can be shown anywhere", () => {
    assert.match(shownBy(Fs.readFileSync(Path.join(root, "docs/demo.svg"), "utf8")), told)
  })

  it.skipIf(!Tmux.isThere)("is made from a real session (tmux)", () => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-"))
    try {
      const file = Path.join(folder, "demo.svg")
      const { status, stderr } = spawnSync(process.execPath, [Path.join(root, "scripts/recording.mjs"), file], {
        encoding: "utf8"
      })
      assert.strictEqual(status, 0, stderr)
      const made = Fs.readFileSync(file, "utf8")
      assert.match(shownBy(made), told)
      assert.notInclude(made, root)
    } finally {
      Fs.rmSync(folder, { recursive: true })
    }
  })
})

describe("an animation", () => {
  it("keeps the looks of a terminal, also from one row to the next", () => {
    assert.deepStrictEqual(rowsOf("\u001B[1mone\ntwo\u001B[0m & \u001B[1;32mthree\u001B[39m <four>\u001B[0m   "), [
      "<tspan class=\"b\">one</tspan>",
      "<tspan class=\"b\">two</tspan> &amp; <tspan class=\"b g\">three</tspan><tspan class=\"b\"> &lt;four&gt;</tspan>"
    ])
  })

  it("writes a row once for as long as it stands, and shows its end where motion is not wanted", () => {
    const made = svg({
      columns: 10,
      duration: 1_000,
      frames: [{ at: 0, rows: ["stays", "before"] }, { at: 400, rows: ["stays", "after"] }],
      title: "A \"test\""
    })
    assert.deepStrictEqual(texts(made), ["stays", "before", "after"])
    assert.match(made, /<text [^>]*y="28"[^>]*>stays/)
    assert.notMatch(made, /class="[^"]*"[^>]*>stays/)
    assert.include(made, "{0%{visibility:hidden}40%{visibility:visible}100%{visibility:visible}}")
    assert.include(made, "aria-label=\"A &quot;test&quot;\"")
  })
})
