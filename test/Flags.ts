/**
 * The flags of a program among the tests, such as `npm run fuzz`. What is wrong is told in one line, and ends it with 2.
 */
import { parseArgs } from "node:util"

export const refuse = (line: string): never => {
  process.stderr.write(`${line}\n`)
  process.exit(2)
}

/** Reads flags that all have a value. `allowed` is said of any that is none of them. */
export const read = <Name extends string>(names: ReadonlyArray<Name>, allowed: string) => {
  const given = ((): { readonly [name: string]: string | boolean | undefined } => {
    try {
      return parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) }).values
    } catch {
      return refuse(`allowed: ${allowed}`)
    }
  })()
  const text = (name: Name): string | undefined => {
    const value = given[name]
    return typeof value === "string" ? value : undefined
  }
  return {
    text,
    choice: <A extends string>(name: Name, among: ReadonlyArray<A>, fallback: A): A => {
      const value = text(name)
      if (value === undefined) return fallback
      return among.find((one) => one === value)
        ?? refuse(`--${name} is ${JSON.stringify(value)}; allowed: ${among.join(" or ")}`)
    },
    whole: (name: Name, fallback: number, least: number, most: number): number => {
      const value = text(name)
      if (value === undefined) return fallback
      const number = /^\d{1,13}$/.test(value) ? Number(value) : Number.NaN
      return number >= least && number <= most
        ? number
        : refuse(`--${name} is ${JSON.stringify(value)}; allowed: a whole number from ${least} to ${most}`)
    }
  }
}
