/**
 * What users can see says what it is for: a sentence, a `@category` and a `@since`.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Source } from "./Source.ts"
import * as Sources from "./Source.ts"

// Closed to users.
const isPrivate = (path: string) => /(^|\/)internal\//.test(path) || path.startsWith("cli/") || path === "main.ts"

/** Where only what the entry points hand on is for users: the rest has a sentence, and no tags. */
const isInner = (path: string) => path.startsWith("doctor/")

const sentenceOf = (doc: string) => doc.replaceAll(/^\s*\*+/gm, "").split(/^\s*@/m)[0]!.trim()

const complaintsAbout = ({ docBefore, exports, header, path }: Source): ReadonlyArray<string> => {
  if (isPrivate(path)) return []
  // A schema and its type go by one name: one sentence is enough for both.
  const explained = new Set(exports.filter(({ start }) => sentenceOf(docBefore(start)) !== "").map(({ name }) => name))
  const complaints = exports.flatMap(({ name, start }) => {
    const doc = docBefore(start)
    if (doc === "") return [`${path}: ${name} has no doc comment`]
    if (doc.includes("@internal")) return []
    return [
      ...(!explained.has(name) ? [`${path}: ${name} says nothing`] : []),
      ...["@category", "@since"].filter((tag) => !isInner(path) && !doc.includes(`${tag} `)).map((tag) =>
        `${path}: ${name} has no ${tag}`
      )
    ]
  })
  return sentenceOf(header) === "" ? [`${path} does not begin with what it is for`, ...complaints] : complaints
}

const about = (text: string) => complaintsAbout(Sources.parse("group/A.ts", text))

describe("doc comments", () => {
  it("are on everything that src exports", () => {
    assert.deepStrictEqual(Sources.all().flatMap(complaintsAbout), [])
  })

  it("satisfy when complete", () => {
    const text = `/** What A is for. */
      import * as Effect from "effect/Effect"
      /**
       * One.
       *
       * @category constants
       * @since 0.1.0
       */
      export const one = 1
      /** @internal */
      export const two = 2
      const three = 3
      /** Four.
       * @category schemas
       * @since 0.1.0 */
      export const Four = 4
      /**
       * @category models
       * @since 0.1.0
       */
      export type Four = typeof Four
      export * as B from "./B.ts"`
    assert.deepStrictEqual(about(text), [])
    assert.deepStrictEqual(complaintsAbout(Sources.parse("group/internal/a.ts", "export const a = 1")), [])
  })

  it.each([
    ["export const a = 1", "a has no doc comment"],
    ["/** A. */ const b = 1; export const a = 1", "a has no doc comment"],
    ["// A. @category x @since 0.1.0\nexport interface A {}", "A has no doc comment"],
    ["/** A.\n@since 0.1.0 */ export class A {}", "A has no @category"],
    ["/** A.\n@category models */ export function a() {}", "a has no @since"],
    ["/**\n * @category models\n * @since 0.1.0 */ export type A = 1", "A says nothing"]
  ])("are missed: %j", (text, complaint) => {
    assert.deepStrictEqual(about(`/** A module. */\nimport "./B.ts"\n${text}`), [`group/A.ts: ${complaint}`])
  })

  it("are missed at the head of a file", () => {
    assert.deepStrictEqual(about("const a = 1"), ["group/A.ts does not begin with what it is for"])
  })
})
