/**
 * The protocol broken on purpose. Most mutants are functions over its one transition. The others are copies of `src/protocol`
 * in which one piece of text stands for another, or several: their fault lies between two thoughts of one step. Whatever
 * promises anything must see each of them.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import * as Step from "../../src/protocol/Step.ts"
import type { Mutation } from "./Mutations.ts"

/** The text that must stand in the file exactly once, and what stands there instead. */
export interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** A fault as a function. */
export interface FunctionMutant {
  readonly name: string
  readonly mutate: Mutation
}

/** A fault in the text. */
export interface TextMutant extends Edit {
  readonly name: string
  readonly also?: ReadonlyArray<Edit>
}

export type Mutant = FunctionMutant | TextMutant

const source = Path.resolve(import.meta.dirname, "../../src/protocol")
// Where Node and vitest find the dependencies, and git and the linter look away.
const work = Path.resolve(import.meta.dirname, "../../coverage")

/** The protocol with this fault. */
export const load = async (mutant: Mutant): Promise<typeof Step> =>
  "mutate" in mutant ? { ...Step, step: mutant.mutate(Step.step) } : loadText(mutant)

const loadText = async ({ also = [], name, ...edit }: TextMutant): Promise<typeof Step> => {
  const directory = Path.join(work, `mutant-${process.pid}-${name.replaceAll(/\W+/g, "-")}`)
  try {
    Fs.cpSync(source, directory, { recursive: true })
    for (const { file, from, to } of [edit, ...also]) {
      const path = Path.join(directory, file)
      const pieces = Fs.readFileSync(path, "utf8").split(from)
      if (pieces.length !== 2) {
        throw new Error(
          `the mutant "${name}" needs a new piece of ${file}: what it changes stands there ${pieces.length - 1} times`
        )
      }
      Fs.writeFileSync(path, pieces.join(to))
    }
    return await import(/* @vite-ignore */ pathToFileURL(Path.join(directory, "Step.ts")).href) as typeof Step
  } finally {
    Fs.rmSync(directory, { recursive: true, force: true })
  }
}
