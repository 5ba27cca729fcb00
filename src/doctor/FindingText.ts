/** Findings for people, as lines of a given width: pure. */
import * as Cells from "../status/Cells.ts"
import type * as Style from "../status/Style.ts"
import * as Text from "../status/Text.ts"
import * as Finding from "./Finding.ts"

type Width = Pick<Style.Style, "columns" | "color">

/** One finding as one line, for logs. */
export const line = ({ do: what, finding, says, severity }: Finding.AnyFinding): string =>
  Text.clean(`${severity} ${finding}: ${says} ${what}`)

/** All of them: what each says, and what to do about it. */
export const all = (findings: ReadonlyArray<Finding.AnyFinding>, style: Width): ReadonlyArray<string> =>
  findings.flatMap(({ do: what, says, severity }) => [
    ...paragraph(says, style, severity === "problem" ? "1;31" : "33", 2, severity === "problem" ? "! " : "i "),
    ...paragraph(what, style, "", 4, "  > "),
    ""
  ])

/** What it comes to: how many problems there are, or `well` where there is none. */
export const verdict = (
  { findings, healthy }: { readonly findings: ReadonlyArray<Finding.AnyFinding>; readonly healthy: boolean },
  well: string,
  style: Width
): ReadonlyArray<string> => {
  const problems = Finding.problemsAmong(findings)
  const counted = problems === 1 ? "1 problem." : `${problems} problems.`
  return paragraph(healthy ? well : counted, style, healthy ? "1;32" : "1;31", 0, "")
}

/** Words in lines of the style's width: the first begins with `first`, the others are indented. */
export const paragraph = (
  text: string,
  { color, columns }: Width,
  code: string,
  indent: number,
  first: string
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = first
  let isEmpty = true
  for (const word of Text.clean(text).split(" ")) {
    if (!isEmpty && Cells.width(line) + 1 + Cells.width(word) > columns) {
      lines.push(line)
      line = " ".repeat(indent)
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line].map((one) => color && code !== "" ? `\x1b[${code}m${one}\x1b[0m` : one)
}
