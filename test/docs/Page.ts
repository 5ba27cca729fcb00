/**
 * Pages of the documentation as tests read them: their fenced blocks and their tables.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"

export const root = Path.resolve(import.meta.dirname, "../..")

/** Every page, relative to the root of the project. */
export const all = (): ReadonlyArray<string> =>
  [".", "docs", "examples"].flatMap((directory) =>
    Fs.readdirSync(Path.join(root, directory)).filter((name) => name.endsWith(".md")).map((name) =>
      Path.posix.join(directory, name)
    )
  )

export const read = (page: string): string => Fs.readFileSync(Path.join(root, page), "utf8")

export interface Block {
  readonly language: string
  readonly text: string
  /** Of its first line, in the page. */
  readonly line: number
}

export const blocks = (text: string): ReadonlyArray<Block> =>
  [...text.matchAll(/^```(\S*)\n([\s\S]*?)\n```$/gm)].map(({ 1: language = "", 2: inside = "", index }) => ({
    language,
    text: inside,
    line: text.slice(0, index).split("\n").length + 1
  }))

/** The names by which links reach the headings, as GitHub makes them: the second of one name gets `-1`, and so on. */
export const anchors = (text: string): ReadonlyArray<string> => {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
  )
  return headings.map((anchor, index) => {
    const before = headings.slice(0, index).filter((other) => other === anchor).length
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim()

/** An item of a list as a row: what stands before the colon and after it, or itself and what its own items say. */
const item = (text: string): ReadonlyArray<string> => {
  const [head = "", ...inner] = text.split(/^ {2}- /m).map(oneLine)
  const afterColon = (one: string) => one.slice(one.indexOf(": ") + 2)
  return inner.length > 0 ? [head, ...inner.map(afterColon)] : [head.split(": ", 1)[0]!, afterColon(head)]
}

/** The rows of all tables, their cells trimmed; heads among them, rulers not. Then the items of all lists, as rows too. */
export const rows = (text: string): ReadonlyArray<ReadonlyArray<string>> => [
  ...text.split("\n").filter((line) => line.startsWith("|") && !/^[|\s:-]+$/.test(line)).map((line) =>
    line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll("\\|", "|"))
  ),
  ...[...text.matchAll(/^- (.*\n(?: .*\n)*)/gm)].map(([, inside = ""]) => item(inside))
]

/** A section of a page, from its heading to the next of its kind. */
export const section = (text: string, heading: string): string => {
  const [, found = ""] = `\n${text}`.split(`\n## ${heading}\n`)
  return found.split(/^## /m)[0]!
}
