/**
 * Rules of `src` broken on purpose, by a change of the text of one file. Each mutant names a test that holds the rule, and that test
 * must fail on it.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import * as Page from "../docs/Page.ts"
import * as NamedTests from "./NamedTests.ts"

/** A fault in one file. */
export interface TextMutant {
  readonly name: string
  /** Its path below `src`. */
  readonly file: string
  /** What stands in the file, exactly once. */
  readonly was: string
  /** What stands there instead. */
  readonly is: string
  readonly seenBy: {
    /** The path of the file of tests, below `test`. */
    readonly file: string
    /** With the name of its suite and a colon before it, where another suite has a test of that name. */
    readonly test: string
  }
}

const root = Path.resolve(import.meta.dirname, "../..")
// Where Node and vitest find the dependencies, and git and the linter look away.
const work = Path.join(root, "coverage")

/** The text of the file with the fault in it, as it may stand anywhere: what it imports is where it was. */
const textOf = ({ file, is, was }: TextMutant): string => {
  const path = Path.join(root, "src", file)
  const text = Fs.readFileSync(path, "utf8")
  assert.lengthOf(text.split(was), 2, `once in src/${file}: ${was}`)
  return text.replace(was, () => is).replaceAll(
    /(?<= from ")\.\.?\/[^"]+/g,
    (imported) => Path.resolve(Path.dirname(path), imported)
  )
}

/** The tests of the file that holds the rule, on what is right, or with a fault in it. */
const testsOf = async (file: string, mutant?: TextMutant) => {
  if (mutant === undefined) return NamedTests.of(file, new Map())
  const directory = Path.join(work, `mutant-${process.pid}-${mutant.name.replaceAll(/\W+/g, "-")}`)
  const copy = Path.join(directory, Path.basename(mutant.file))
  try {
    Fs.mkdirSync(directory, { recursive: true })
    Fs.writeFileSync(copy, textOf(mutant))
    const load = () => import(/* @vite-ignore */ pathToFileURL(copy).href) as Promise<object>
    return await NamedTests.of(file, new Map([[Path.join(root, "src", mutant.file), load]]))
  } finally {
    Fs.rmSync(directory, { recursive: true, force: true })
  }
}

/** How one of these tests ends. */
const outcomeOf = (tests: NamedTests.Tests, name: string): Effect.Effect<Exit.Exit<unknown, unknown>> => {
  const named = [...tests].flatMap(([key, test]) => key === name || key.endsWith(`: ${name}`) ? [test] : [])
  assert.lengthOf(named, 1, `one test of that name: ${name}`)
  return Effect.exit(Effect.provide(named[0]!, Logger.layer([])))
}

/** Tests that each of these is seen, and that `docs/faults.md` lists it. */
export const areSeen = (mutants: ReadonlyArray<TextMutant>): void => {
  for (const mutant of mutants) {
    const { file, test } = mutant.seenBy
    it.live(mutant.name, () =>
      Effect.gen(function*() {
        const outcome = yield* outcomeOf(yield* Effect.promise(() => testsOf(file, mutant)), test)
        assert.isTrue(Exit.isFailure(outcome), `not seen by: ${test}`)
      }))
  }

  for (const file of new Set(mutants.map(({ seenBy }) => seenBy.file))) {
    const names = new Set(mutants.filter(({ seenBy }) => seenBy.file === file).map(({ seenBy }) => seenBy.test))
    it.live(`and none where the rules are as they should be: test/${file}`, () =>
      Effect.gen(function*() {
        const tests = yield* Effect.promise(() => testsOf(file))
        for (const name of names) assert.isTrue(Exit.isSuccess(yield* outcomeOf(tests, name)), name)
      }))
  }

  it("docs/faults.md lists each", () => {
    const page = Page.read("docs/faults.md")
    for (const { name, seenBy } of mutants) assert.include(page, `- ${name}: "${seenBy.test}"\n`)
  })
}
