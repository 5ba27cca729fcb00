/** What the keys do: on a page of its own, and in short in the last row. */
import * as Cells from "../Cells.ts"
import { paint } from "../Paint.ts"
import type * as Style from "../Style.ts"
import type * as Model from "./Model.ts"

const all: ReadonlyArray<readonly [key: string, does: string]> = [
  ["up, down", "select a member, or scroll the log (also k and j, page up, end ...)"],
  ["tab", "to the log, and back to the members"],
  ["enter", "all that is known of the selected member; escape closes it"],
  ["/", "only what matches a text: name, address, host, tag=value; words of the log"],
  ["o", "order by rank, name, last heard, age, address; r turns it round"],
  ["+ and -", "the time line shows more time, or less"],
  ["?", "this help, and back"]
]

const marks: ReadonlyArray<readonly [mark: string, means: string]> = [
  ["*", "leads the group"],
  [">", "is selected"],
  ["|name", "on the time line: this member began to lead"],
  ["HEARD", "how long ago it was last heard by the server or observer that tells all this"]
]

/** The page of help in at most so many lines. */
export const page = ({ hints }: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const line = ([key, does]: readonly [string, string]) => Cells.clip(`  ${Cells.pad(key, 10)}${does}`, style.columns)
  return [
    paint(style, "dim", Cells.clip("  KEYS", style.columns)),
    ...hints.map(({ does, key }) => line([key, does])),
    ...all.map(line),
    "",
    paint(style, "dim", Cells.clip("  MARKS", style.columns)),
    ...marks.map(line)
  ].slice(0, Math.max(0, style.rows))
}

const short: ReadonlyArray<Model.Hint> = [
  { key: "?", does: "help" },
  { key: "enter", does: "details" },
  { key: "/", does: "filter" },
  { key: "o", does: "order" },
  { key: "tab", does: "log" },
  { key: "+-", does: "time" }
]

/** The last row: as many keys as there is room for, those of the program first. */
export const footer = ({ hints, look }: Model.Model, style: Style.Style): string => {
  const keys = look.typing
    ? [{ key: "enter", does: "keep" }, { key: "escape", does: "show all" }]
    : [...hints, ...short]
  let text = ""
  for (const { does, key } of keys) {
    const longer = `${text}${text === "" ? "" : "  "}${key} ${does}`
    if (Cells.width(longer) > style.columns) break
    text = longer
  }
  return paint(style, "dim", text)
}
