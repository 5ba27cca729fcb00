/**
 * What other files can see says what it is for, in a sentence; what users can see has a `@category` and a `@since` besides, and
 * nothing else has.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Source } from "./Source.ts"
import * as Sources from "./Source.ts"

// Closed to users.
const isPrivate = (path: string) => /(^|\/)internal\//.test(path) || path.startsWith("cli/") || path === "main.ts"

const sentenceOf = (doc: string) => doc.replaceAll(/^\s*\*+/gm, "").split(/^\s*@/m)[0]!.trim()

/** The entry points of the package. */
const faces: ReadonlyArray<string> = ["index.ts", "Diagnosis.ts", "NodeServer.ts", "NodeClient.ts", "testing/index.ts"]

/** The files whose exports users can see: the entry points, and what those hand on. */
const publicFiles = (sources: ReadonlyArray<Source>): ReadonlySet<string> => {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const files = new Set(faces)
  // A set is walked with what is added meanwhile.
  for (const path of files) for (const file of byPath.get(path)?.reexports ?? []) files.add(file)
  return files
}

const complaintsAbout =
  (isPublic: (path: string) => boolean) => ({ docBefore, exports, header, path }: Source): ReadonlyArray<string> => {
    if (isPrivate(path)) return []
    // A schema and its type go by one name: one sentence is enough for both.
    const explained = new Set(
      exports.filter(({ start }) => sentenceOf(docBefore(start)) !== "").map(({ name }) => name)
    )
    const complaints = exports.flatMap(({ name, start }) => {
      const doc = docBefore(start)
      if (doc === "") return [`${path}: ${name} has no doc comment`]
      if (doc.includes("@internal")) return []
      const tags = ["@category", "@since"].filter((tag) => doc.includes(`${tag} `) !== isPublic(path))
      return [
        ...(!explained.has(name) ? [`${path}: ${name} says nothing`] : []),
        ...tags.map((tag) => `${path}: ${name} has ${isPublic(path) ? "no" : "a"} ${tag}`)
      ]
    })
    return sentenceOf(header) === "" ? [`${path} does not begin with what it is for`, ...complaints] : complaints
  }

const about = (text: string, isPublic = true) => complaintsAbout(() => isPublic)(Sources.parse("group/A.ts", text))

describe("doc comments", () => {
  it("are on everything that src exports", () => {
    const sources = Sources.all()
    const shown = publicFiles(sources)
    assert.include([...shown], "group/Server.ts")
    assert.deepStrictEqual(sources.flatMap(complaintsAbout((path) => shown.has(path))), [])
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
    assert.deepStrictEqual(complaintsAbout(() => true)(Sources.parse("group/internal/a.ts", "export const a = 1")), [])
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

  it("of what users cannot see have no tags for them", () => {
    const doc = "/** A.\n * @category models\n * @since 0.1.0\n */"
    assert.deepStrictEqual(about(`/** A module. */\nimport "./B.ts"\n${doc}\nexport interface A {}`, false), [
      "group/A.ts: A has a @category",
      "group/A.ts: A has a @since"
    ])
  })

  it("are missed at the head of a file", () => {
    assert.deepStrictEqual(about("const a = 1"), ["group/A.ts does not begin with what it is for"])
  })
})
