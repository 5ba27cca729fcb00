/**
 * A file has one purpose, which its name says, and a size that can be read at once; a function fits a screen.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Source } from "./Source.ts"
import * as Sources from "./Source.ts"

const longestFile = 450
const longestFunction = 60

const closures = "what it makes is a handful of closures over one state, each of which fits a screen"
const cases = "a line or three for each case of one union, which are read one at a time"

/** Files that may be longer, and why. */
const longerFiles: Record<string, string> = {}

/** Functions that may be longer, by their file and the declaration of the file that they stand in, and why. */
const longerFunctions: Record<string, string> = {
  "engine/Engine.ts make": closures,
  "engine/Outbox.ts make": closures,
  "protocol/Step.ts act": cases,
  "server/Seeds.ts make": closures,
  "server/ServerEngine.ts make": closures,
  "simulator/FaultText.ts describe": cases,
  "simulator/Faults.ts drawOne": cases,
  "status/EventText.ts say": cases
}

/** What a function stands in: the declaration of the file, and how many lines it has. */
interface Function {
  readonly key: string
  readonly within: string
  readonly lines: number
}

/** Every function of a file, those inside others too. */
const functionsOf = ({ lineAt, path, text, visit }: Source): ReadonlyArray<Function> => {
  const declarations: Array<{ readonly name: string; readonly end: number }> = []
  const functions: Array<Function> = []
  const note = ({ end, start }: { readonly start: number; readonly end: number }) => {
    const within = declarations.find((declaration) => start < declaration.end)?.name ?? "the file"
    functions.push({ key: `${path} ${within}`, within, lines: lineAt(end) - lineAt(start) + 1 })
  }
  visit({
    Program: ({ body }) => {
      for (const { end, start } of body) {
        const name = /^(?:export )?(?:default )?(?:async )?(?:const|let|function\*?|class) (\w+)/.exec(
          text.slice(start, end)
        )
        declarations.push({ name: name?.[1] ?? "the file", end })
      }
    },
    FunctionDeclaration: note,
    FunctionExpression: note,
    ArrowFunctionExpression: note
  })
  return functions
}

const longFunctionsOf = (source: Source): ReadonlyArray<Function> =>
  functionsOf(source).filter(({ lines }) => lines > longestFunction)

const linesOf = ({ text }: Source): number => text.trimEnd().split("\n").length

const complaintsAbout = (source: Source): ReadonlyArray<string> => {
  const { path } = source
  const lines = linesOf(source)
  return [
    ...(lines > longestFile && !(path in longerFiles)
      ? [`${path} has ${lines} lines, more than ${longestFile}`]
      : []),
    ...longFunctionsOf(source).flatMap(({ key, lines, within }) =>
      key in longerFunctions
        ? []
        : [`${path}: a function of ${within} has ${lines} lines, more than ${longestFunction}`]
    ),
    ...(/util|helper|common|manager/i.test(path) ? [`${path} does not say what it is for`] : [])
  ]
}

describe("files", () => {
  it("of src are short and well named, and so are their functions", () => {
    assert.deepStrictEqual(Sources.all().flatMap(complaintsAbout), [])
  })

  it("that may be longer are, as are functions that may", () => {
    const all = Sources.all()
    const files = new Set(all.filter((source) => linesOf(source) > longestFile).map(({ path }) => path))
    assert.deepStrictEqual(Object.keys(longerFiles).filter((path) => !files.has(path)), [])
    const functions = new Set(all.flatMap(longFunctionsOf).map(({ key }) => key))
    assert.deepStrictEqual(Object.keys(longerFunctions).filter((key) => !functions.has(key)), [])
  })

  it("are refused", () => {
    const about = (path: string, lines: number) => complaintsAbout(Sources.parse(path, "//\n".repeat(lines)))
    assert.deepStrictEqual(about("server/Group.ts", longestFile), [])
    assert.deepStrictEqual(about("server/Group.ts", longestFile + 1), [
      "server/Group.ts has 451 lines, more than 450"
    ])
    for (const name of ["utils/Group.ts", "server/helpers.ts", "common/A.ts", "server/StateManager.ts"]) {
      assert.deepStrictEqual(about(name, 1), [`${name} does not say what it is for`])
    }
  })

  it.each([
    ["const f = () => {", "}", "f"],
    ["export const f = Effect.gen(function*() {", "})", "f"],
    ["export function f() {", "}", "f"],
    ["class A { f() {", "} }", "A"],
    ["const a = 1\nvoid g(() => {", "})", "the file"]
  ])("are refused where a function is too long: %s", (first, last, within) => {
    const about = (lines: number) =>
      complaintsAbout(Sources.parse("server/A.ts", `${first}${"\n".repeat(lines - 1)}${last}\nconst z = 1`))
    assert.deepStrictEqual(about(longestFunction), [])
    assert.deepStrictEqual(about(longestFunction + 1), [
      `server/A.ts: a function of ${within} has 61 lines, more than 60`
    ])
  })
})
