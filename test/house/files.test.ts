/**
 * A file has one purpose, which its name says, and a size that can be read at once.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Source } from "./Source.ts"
import * as Sources from "./Source.ts"

const longest = 600

const complaintsAbout = ({ path, text }: Source): ReadonlyArray<string> => {
  const lines = text.trimEnd().split("\n").length
  return [
    ...(lines > longest ? [`${path} has ${lines} lines, more than ${longest}`] : []),
    ...(/util|helper|common|manager/i.test(path) ? [`${path} does not say what it is for`] : [])
  ]
}

describe("files", () => {
  it("of src are short and well named", () => {
    assert.deepStrictEqual(Sources.all().flatMap(complaintsAbout), [])
  })

  it("are refused", () => {
    const about = (path: string, lines: number) => complaintsAbout(Sources.parse(path, "//\n".repeat(lines)))
    assert.deepStrictEqual(about("server/Group.ts", longest), [])
    assert.deepStrictEqual(about("server/Group.ts", longest + 1), ["server/Group.ts has 601 lines, more than 600"])
    for (const name of ["utils/Group.ts", "server/helpers.ts", "common/A.ts", "server/StateManager.ts"]) {
      assert.deepStrictEqual(about(name, 1), [`${name} does not say what it is for`])
    }
  })
})
