/**
 * The protocol broken on purpose: each mutant is a copy of `src/protocol` in which one piece of text stands for another,
 * or several, where one fault has more than one line of defence. Whatever promises anything must see each of them.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import type * as Step from "../../src/protocol/Step.ts"

/** The text that must stand in the file exactly once, and what stands there instead. */
export interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Mutant extends Edit {
  readonly name: string
  readonly also?: ReadonlyArray<Edit>
  /** A seed that is known to show it: one run in a hundred does. */
  readonly seed?: number
}

const source = Path.resolve(import.meta.dirname, "../../src/protocol")
// Where Node and vitest find the dependencies, and git and the linter look away.
const work = Path.resolve(import.meta.dirname, "../../coverage")

/** The protocol with this fault. */
export const load = async ({ also = [], name, ...edit }: Mutant): Promise<typeof Step> => {
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
