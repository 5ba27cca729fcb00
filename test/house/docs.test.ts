/**
 * What users can see says what it is for: a sentence, a `@category` and a `@since`. Nothing else has those tags.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Source } from "./Source.ts"
import * as Sources from "./Source.ts"

const entries = [
  "index.ts",
  "NodeServer.ts",
  "NodeClient.ts",
  "NodeObserver.ts",
  "Moving.ts",
  "Etcd.ts",
  "NodeEtcd.ts",
  "Sql.ts",
  "Diagnosis.ts",
  "Cluster.ts",
  "NodeCluster.ts",
  "StatusApi.ts",
  "StatusClient.ts",
  "testing/index.ts"
]

const handedOn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^export (?:type )?(?:\*(?: as \w+)?|\{[^}]*\}) from "([^"]+)"/gm)].map(([, from]) => from!)

/** The files that users can see into: the entry points, what those name, and what such a file re-exports. */
const seenByUsers = (sources: ReadonlyArray<Source>): ReadonlySet<string> => {
  const seen = new Set(entries)
  for (const path of seen) {
    const source = sources.find((source) => source.path === path)
    for (const { file, from } of source?.imports ?? []) {
      const isHandedOn = entries.includes(path) || handedOn(source!.text).includes(from)
      if (file !== undefined && isHandedOn) seen.add(file)
    }
  }
  return seen
}

const sentenceOf = (doc: string) => doc.replaceAll(/^\s*\*+/gm, "").split(/^\s*@/m)[0]!.trim()

const complaintsAbout = ({ docBefore, exports, header, path }: Source): ReadonlyArray<string> => {
  // A schema and its type go by one name: one sentence is enough for both.
  const explained = new Set(exports.filter(({ start }) => sentenceOf(docBefore(start)) !== "").map(({ name }) => name))
  const complaints = exports.flatMap(({ name, start }) => {
    const doc = docBefore(start)
    if (doc === "") return [`${path}: ${name} has no doc comment`]
    if (doc.includes("@internal")) return []
    return [
      ...(!explained.has(name) ? [`${path}: ${name} says nothing`] : []),
      ...["@category", "@since"].filter((tag) => !doc.includes(`${tag} `)).map((tag) =>
        `${path}: ${name} has no ${tag}`
      )
    ]
  })
  return [...complaintsAboutHead({ header, path }), ...complaints]
}

const complaintsAboutHead = ({ header, path }: Pick<Source, "header" | "path">): ReadonlyArray<string> =>
  sentenceOf(header) === "" ? [`${path} does not begin with what it is for`] : []

const about = (text: string) => complaintsAbout(Sources.parse("server/A.ts", text))

describe("doc comments", () => {
  it("are on everything that users see, and at the head of every file that exports something", () => {
    const sources = Sources.all()
    const seen = seenByUsers(sources)
    assert.deepStrictEqual(sources.filter(({ path }) => seen.has(path)).flatMap(complaintsAbout), [])
    const others = sources.filter(({ exports, path }) =>
      !seen.has(path) && !path.startsWith("cli/") && exports.length > 0
    )
    assert.deepStrictEqual(others.flatMap(complaintsAboutHead), [])
    const hidden = sources.filter(({ path, text }) => !seen.has(path) && /^ \* @(category|since) /m.test(text))
    assert.deepStrictEqual(hidden.map(({ path }) => path), [])
  })

  it("are looked for in the entry points, in what they name, and in what that re-exports", () => {
    const files = {
      "index.ts": `export * as A from "./server/A.ts"`,
      "server/A.ts": `import * as B from "./B.ts"\nexport * from "./C.ts"`,
      "server/B.ts": "",
      "server/C.ts": ""
    }
    const seen = seenByUsers(Object.entries(files).map(([path, text]) => Sources.parse(path, text)))
    assert.deepStrictEqual([...seen].filter((path) => !entries.includes(path)), ["server/A.ts", "server/C.ts"])
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
  })

  it.each([
    ["export const a = 1", "a has no doc comment"],
    ["/** A. */ const b = 1; export const a = 1", "a has no doc comment"],
    ["// A. @category x @since 0.1.0\nexport interface A {}", "A has no doc comment"],
    ["/** A.\n@since 0.1.0 */ export class A {}", "A has no @category"],
    ["/** A.\n@category models */ export function a() {}", "a has no @since"],
    ["/**\n * @category models\n * @since 0.1.0 */ export type A = 1", "A says nothing"]
  ])("are missed: %j", (text, complaint) => {
    assert.deepStrictEqual(about(`/** A module. */\nimport "./B.ts"\n${text}`), [`server/A.ts: ${complaint}`])
  })

  it("are missed at the head of a file", () => {
    assert.deepStrictEqual(about("const a = 1"), ["server/A.ts does not begin with what it is for"])
  })
})
