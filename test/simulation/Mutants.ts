/**
 * The protocol broken on purpose. Most mutants are functions over its one transition. The others replace functions that a
 * module of `src/protocol` exports, since their fault lies between two thoughts of one step. All that promises anything must
 * see each of them.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import * as Step from "../../src/protocol/Step.ts"
import type { Mutation } from "./Mutations.ts"

/** Functions of one module, by their names: each is made of the one that it replaces. */
export interface Replacement {
  readonly file: string
  readonly functions: Readonly<Record<string, (original: never) => unknown>>
}

/** A fault: in the transition, in functions of modules, or both. */
export interface Mutant {
  readonly name: string
  readonly mutate?: Mutation
  readonly replace?: ReadonlyArray<Replacement>
}

/**
 * Other modules call what replaces the functions of this one; the module itself still calls its own. `file` is its path below
 * `src/protocol`.
 */
export const replacing = <Module>(
  file: string,
  functions: { readonly [Name in keyof Module]?: (original: Module[Name]) => Module[Name] }
): Replacement => ({ file, functions: functions as Replacement["functions"] })

const source = Path.resolve(import.meta.dirname, "../../src/protocol")
// Where Node and vitest find the dependencies, and git and the linter look away.
const work = Path.resolve(import.meta.dirname, "../../coverage")

/** The protocol with this fault. */
export const load = async ({ mutate = (step) => step, name, replace = [] }: Mutant): Promise<typeof Step> => {
  const protocol = replace.length === 0 ? Step : await replaced(name, replace)
  return { ...protocol, step: mutate(protocol.step) }
}

/** A copy of the protocol in which other modules stand for some, and pass on what they do not replace. */
const replaced = async (name: string, replace: ReadonlyArray<Replacement>): Promise<typeof Step> => {
  const directory = Path.join(work, `mutant-${process.pid}-${name.replaceAll(/\W+/g, "-")}`)
  try {
    Fs.cpSync(source, directory, { recursive: true })
    replaceIn(directory, replace)
    return await import(/* @vite-ignore */ pathToFileURL(Path.join(directory, "Step.ts")).href) as typeof Step
  } finally {
    Fs.rmSync(directory, { recursive: true, force: true })
  }
}

/** In a copy, modules stand for some, and pass on what they do not replace. */
export const replaceIn = (directory: string, replace: ReadonlyArray<Replacement>): void => {
  for (const { file, functions } of replace) {
    const path = Path.join(directory, file)
    const original = path.replace(/\.ts$/, ".original.ts")
    Fs.renameSync(path, original)
    Fs.writeFileSync(path, moduleInPlaceOf(`./${Path.basename(original)}`, handOver(path, functions), functions))
  }
}

/** Puts functions where the text of a module can reach them: the expression that it reaches them by. */
const handOver = (path: string, functions: Replacement["functions"]): string => {
  const key = `bellwether ${path}`
  Object.assign(globalThis, { [Symbol.for(key)]: functions })
  return `globalThis[Symbol.for(${JSON.stringify(key)})]`
}

const moduleInPlaceOf = (original: string, functions: string, names: object): string =>
  [
    `import * as original from "${original}"`,
    `export * from "${original}"`,
    ...Object.keys(names).map((name) => `export const ${name} = ${functions}.${name}(original.${name})`)
  ].join("\n")
