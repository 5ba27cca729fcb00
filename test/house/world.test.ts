/**
 * Time, chance and the process come from services, so that a test can hold them in its hand.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Source } from "./Source.ts"
import * as Sources from "./Source.ts"

const globals = new Set([
  "Date",
  "clearImmediate",
  "clearInterval",
  "clearTimeout",
  "console",
  "fetch",
  "performance",
  "process",
  "queueMicrotask",
  "setImmediate",
  "setInterval",
  "setTimeout"
])
const members = new Set(["Math.random", "crypto.getRandomValues", "crypto.randomUUID"])

/** Who may, and why. */
const allowed: ReadonlyArray<readonly [where: RegExp, what: RegExp, why: string]> = [
  [/^main\.ts$/, /^process$/, "the process itself: it looks at the version of Node before anything is loaded"],
  [/^status\/page\/browser\/\w+\.tsx?$/, /./, "what runs in a browser, whose time is its own"],
  [/^cli\//, /^process$/, "a program of Node: arguments, standard output, exit code"],
  [/^(transport\/node\/\w+|status\/Node\w+)\.ts$/, /^process$/, "the layers for Node"]
]

const complaintsAbout = (source: Source): ReadonlyArray<string> => {
  const complaints = new Set<string>()
  const complain = (what: string, start: number) => {
    if (allowed.some(([where, name]) => where.test(source.path) && name.test(what))) return
    complaints.add(`${source.path}:${source.lineAt(start)} uses ${what}`)
  }
  // Names that are not the global's: what the file imports or declares, properties, and keys.
  const own = new Set<number>()
  const declared = new Set<string>()
  source.visit({
    ImportNamespaceSpecifier: ({ local }) => void declared.add(local.name),
    ImportSpecifier: ({ local }) => void declared.add(local.name),
    MemberExpression: (node) => {
      if (node.computed) return
      own.add(node.property.start)
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return
      const what = `${node.object.name}.${node.property.name}`
      if (members.has(what)) complain(what, node.start)
    },
    Property: ({ key, shorthand }) => void (shorthand || own.add(key.start)),
    PropertyDefinition: ({ key }) => void own.add(key.start),
    MethodDefinition: ({ key }) => void own.add(key.start),
    TSPropertySignature: ({ key }) => void own.add(key.start),
    TSMethodSignature: ({ key }) => void own.add(key.start),
    TSTypeReference: ({ typeName }) => void own.add(typeName.start)
  })
  source.visit({
    Identifier: ({ name, start }) => {
      if (globals.has(name) && !declared.has(name) && !own.has(start)) complain(name, start)
    }
  })
  return [...complaints]
}

describe("the world", () => {
  it("is touched in few files of src only", () => {
    assert.deepStrictEqual(Sources.all().flatMap(complaintsAbout), [])
  })

  it("is not meant by a name alone", () => {
    const text = `import * as console from "effect/Console"
      // Date.now() and Math.random()
      interface A { process: number; Date: Date }
      export const a = { process: "setTimeout", fetch: console.log }.process`
    assert.deepStrictEqual(complaintsAbout(Sources.parse("server/A.ts", text)), [])
  })

  it.each([
    ["const a = Date.now()", "server/A.ts:1 uses Date"],
    ["const a = new Date()", "server/A.ts:1 uses Date"],
    ["\nconst a = Math.random()", "server/A.ts:2 uses Math.random"],
    ["setTimeout(() => {}, 1)", "server/A.ts:1 uses setTimeout"],
    ["const a = () => setInterval", "server/A.ts:1 uses setInterval"],
    ["const a = process.env.A", "server/A.ts:1 uses process"],
    ["const a = { process }", "server/A.ts:1 uses process"],
    ["const a = crypto.randomUUID()", "server/A.ts:1 uses crypto.randomUUID"]
  ])("is seen: %j", (text, complaint) => {
    assert.deepStrictEqual(complaintsAbout(Sources.parse("server/A.ts", text)), [complaint])
  })
})
