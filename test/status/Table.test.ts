import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Cells from "../../src/status/Cells.ts"
import * as Shortfall from "../../src/status/Shortfall.ts"
import * as Style from "../../src/status/Style.ts"
import * as Table from "../../src/status/Table.ts"
import * as Model from "../../src/status/terminal/Model.ts"
import * as View from "../../src/status/terminal/View.ts"
import * as Text from "../../src/status/Text.ts"

const now = 1_700_000_000_000
const member = (number: number, name: string, priority = 0): Member.Member => ({
  id: Member.NodeId.make(number.toString(16).padStart(16, "0")),
  ip: "192.0.2.1",
  port: 40_000 + number,
  hostname: "host",
  name,
  priority,
  incarnation: now - number * 61_000,
  tags: {}
})
const bath = member(1, "bath")
const kitchen = member(2, "kitchen", 5)
const hall = member(3, "hall", -1)
const rows: ReadonlyArray<Table.Row> = [
  { ...kitchen, heard: 1_234, term: now },
  { ...bath, heard: null, term: null },
  { ...hall, heard: 75_000, term: null }
]
const style: Style.Style = { columns: 120, rows: 24, color: false, timeZone: "UTC" }

describe("too few servers in view for one to lead", () => {
  const said = (groupSize: number | undefined, minimumMembers: number) =>
    Shortfall.shortfall({ groupSize, minimumMembers }, { members: rows })

  it("are counted, with how many must be", () => {
    assert.strictEqual(said(7, 1), "3 of 7 in view, 4 must be")
    assert.strictEqual(said(undefined, 5), "3 in view, 5 must be")
    assert.isNull(said(5, 3))
  })

  it("are voters, where majorities count and some have no vote", () => {
    const members = [kitchen, { ...bath, votes: false as const }, { ...hall, votes: false as const }]
    const said = (groupSize: number) => Shortfall.shortfall({ groupSize, minimumMembers: 1 }, { members })
    assert.strictEqual(said(3), "1 of 3 voters in view, 2 must be")
    assert.isNull(said(1))
  })
})

describe("the table", () => {
  it("tells servers of one name apart by their ports", () => {
    const [one, two] = [member(4, "host"), member(5, "host")]
    const named = [one, two, bath].map((member) => Object.assign({}, member, { term: null }))
    assert.deepStrictEqual(Table.table(named, now, style).slice(1).map((line) => line.slice(2, 12)), [
      "host:40004",
      "host:40005",
      "bath      "
    ])
  })

  it("leaves out columns, then cuts names, to fit a narrow terminal", () => {
    const at = (columns: number) => Table.table(rows, now, { ...style, columns })[1]
    const whole = "* kitchen  0000000000000002  192.0.2.1:40002         5  2m02s     1s  1700000000000"
    assert.strictEqual(at(90), `${whole}  host`)
    assert.strictEqual(at(85), whole)
    assert.strictEqual(at(75), "* kitchen  000000  192.0.2.1:40002         5  2m02s     1s  1700000000000")
    assert.strictEqual(at(50), "* kitchen  000000  192.0.2.1:40002  2m02s     1s")
    assert.strictEqual(at(20), "* kitchen     1s")
    assert.strictEqual(at(6), "* kit…")
  })

  it("shows host names and tags where there is room, and what is not known of them as unknown", () => {
    const [first, second, third] = rows
    const unlike = [{ ...first!, tags: { zone: "a", rack: "7\n" } }, second!, {
      ...third!,
      hostname: undefined,
      tags: undefined,
      heard: undefined
    }]
    const at = (columns: number) => Table.table(unlike, now, { ...style, columns }).map((line) => line.slice(68))
    assert.deepStrictEqual(at(120), [
      "           TERM  HOST  TAGS",
      "  1700000000000  host  zone=a,rack=7\uFFFD",
      "                 host",
      "                 ?     ?"
    ])
    assert.deepStrictEqual(at(89).map((line) => line.slice(17)), ["HOST", "host", "host", "?"])
    assert.match(Table.table(unlike, now, Style.plain)[3]!, / \? +\? +\?$/)
  })

  it("colours only where it may, and only the leader's line is bright", () => {
    assert.notInclude(Table.table(rows, now, style).join(""), "\u001B")
    const colored = Table.table(rows, now, { ...style, color: true })
    assert.isTrue(colored[1]?.startsWith("\u001B[1;32m* kitchen"))
    assert.isTrue(colored[2]?.startsWith("  bath"))
  })

  it("says how many servers it has no room for", () => {
    const many = Array.from({ length: 100 }, (_, index) => ({ ...member(index, `s${index}`), term: null }))
    const lines = Table.table(many, now, style)
    assert.isAtMost(lines.length, 24)
    const more = lines.find((line) => /^ {2}and \d+ more$/.test(line))
    const shown = lines.filter((line) => /^[ *] s\d/.test(line)).length
    assert.strictEqual(more, `  and ${100 - shown} more`)
  })

  const strange = Schema.String.check(Schema.isMaxLength(80))
  const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
  it.effect.prop(
    "never leaves its frame and never lets a control character through, with any names",
    [Schema.Array(strange).check(Schema.isMaxLength(40)), size, size, Arbitrary.schema(strange)],
    ([names, columns, rows, text]) =>
      Effect.sync(() => {
        const members = names.map((name, index) => ({ ...member(index, name), heard: { ago: index } }))
        const [leader] = members
        const elections = [{ name: "", reign: leader === undefined ? null : Reign.make(7, leader), term: 7 }]
        const seen = { at: now, group: text, where: text, self: null, isOwn: false, members, elections }
        const model = Model.noted(Model.saw(Model.make(), seen), now, text)
        const lines = View.render(model, { columns, rows, color: false })
        assert.isAtMost(lines.length, rows)
        for (const line of lines) {
          assert.isAtMost(Cells.width(line), columns, line)
          assert.notMatch(line, /\p{Cc}/u)
        }
      })
  )
})

describe("ages", () => {
  it.each(
    [
      [-5, "0s"],
      [0, "0s"],
      [0.4, "0s"],
      [850.7, "850ms"],
      [1000, "1s"],
      [59_999, "59s"],
      [60_000, "1m00s"],
      [3_599_000, "59m59s"],
      [3_600_000, "1h00m"],
      [7_500_000, "2h05m"],
      [86_400_000, "1d00h"],
      [400 * 86_400_000, "400d00h"]
    ] as const
  )("%d ms are %s", (millis, text) => {
    assert.strictEqual(Text.age(millis), text)
  })
})

describe("texts", () => {
  it("are made harmless", () => {
    assert.strictEqual(Text.clean("a\u001B[2J\n\u202Eb\u0085"), "a\uFFFD[2J\uFFFD\uFFFDb\uFFFD")
  })

  it("are as wide as a terminal shows them, and are cut between characters", () => {
    assert.strictEqual(Cells.width("ファイル"), 8)
    assert.strictEqual(Cells.clip("ファイル", 5), "ファ…")
    assert.strictEqual(Cells.clip("ファイル", 8), "ファイル")
    assert.strictEqual(Cells.clip("abc", 2), "a…")
    assert.strictEqual(Cells.clip("abc", 0), "")
    assert.strictEqual(Cells.pad("ab", 4), "ab  ")
    assert.strictEqual(Cells.pad("ab", 4, "left"), "  ab")
  })
})
