import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Table from "../../src/status/Table.ts"
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
const members = [kitchen, bath, hall]
const snapshot: Table.Snapshot = {
  group: "default",
  multicastAddress: "239.255.253.87",
  port: 16_983,
  profile: "standard",
  view: { self: bath, members, reign: Reign.make(now, kitchen), term: now },
  lastHeard: new Map([[kitchen.id, { ago: 1_234 }], [hall.id, { ago: 75_000 }]]),
  recent: [{ at: now, text: "kitchen joined" }, { at: now + 61_000, text: "kitchen leads" }],
  now
}
const style: Table.Style = { columns: 120, rows: 24, color: false, timeZone: "UTC" }

describe("the display", () => {
  it("says who we are, what reign it is, who is there and what happened", () => {
    assert.strictEqual(
      Table.render(snapshot, style).join("\n"),
      `Bellwether  group default  239.255.253.87:16983  profile standard  3 servers
We are bath (0000000000000001) at 192.0.2.1:40001, priority 0
kitchen leads, term 1700000000000

  NAME     ID                ADDRESS          PRIORITY    AGE  HEARD           TERM  HOST
* kitchen  0000000000000002  192.0.2.1:40002         5  2m02s     1s  1700000000000  host
  bath     0000000000000001  192.0.2.1:40001         0  1m01s   self                 host
  hall     0000000000000003  192.0.2.1:40003        -1  3m03s  1m15s                 host

22:13:20  kitchen joined
22:14:21  kitchen leads`
    )
  })

  it("tells servers of one name apart by their ports", () => {
    const [one, two] = [member(4, "host"), member(5, "host")]
    const view = { self: one, members: [two, one, bath], reign: Reign.make(7, two), term: 7 }
    const lines = Table.render({ ...snapshot, view }, style)
    assert.include(lines[1], "We are host:40004 (")
    assert.strictEqual(lines[2], "host:40005 leads, term 7")
    assert.deepStrictEqual(lines.slice(5, 8).map((line) => line.slice(2, 12)), [
      "host:40005",
      "host:40004",
      "bath      "
    ])
  })

  it("tells of our own lead, and of none", () => {
    const third = (view: Partial<Table.Snapshot["view"]>) =>
      Table.render({ ...snapshot, view: { ...snapshot.view, ...view } }, style)[2]
    assert.strictEqual(third({ reign: Reign.make(7, bath) }), "We lead, term 7")
    assert.strictEqual(third({ reign: null, term: 7 }), "Nobody leads; term 7 has ended")
    assert.strictEqual(third({ reign: null, term: 0 }), "Nobody leads yet")
    assert.strictEqual(third({ reign: Reign.make(7, member(9, "gone")) }), "0000000000000009 leads, term 7")
  })

  it("says why nobody leads where too few servers are in view", () => {
    const third = (needed: Pick<Table.Snapshot, "groupSize" | "minimumMembers">, term = 7) =>
      Table.render({ ...snapshot, ...needed, view: { ...snapshot.view, reign: null, term } }, style)[2]
    assert.strictEqual(third({ groupSize: 7 }), "Nobody leads; term 7 has ended: 3 of 7 in view, 4 must be")
    assert.strictEqual(third({ groupSize: 7 }, 0), "Nobody leads yet: 3 of 7 in view, 4 must be")
    assert.strictEqual(third({ minimumMembers: 5 }), "Nobody leads; term 7 has ended: 3 in view, 5 must be")
    assert.strictEqual(third({ groupSize: 5, minimumMembers: 3 }), "Nobody leads; term 7 has ended")
  })

  it("leaves out columns, then cuts names, to fit a narrow terminal", () => {
    const rows = Table.rowsOf(snapshot)
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
    const [first, second, third] = Table.rowsOf(snapshot)
    const rows = [{ ...first!, tags: { zone: "a", rack: "7\n" } }, second!, {
      ...third!,
      hostname: undefined,
      tags: undefined,
      heard: undefined
    }]
    const at = (columns: number) => Table.table(rows, now, { ...style, columns }).map((line) => line.slice(68))
    assert.deepStrictEqual(at(120), [
      "           TERM  HOST  TAGS",
      "  1700000000000  host  zone=a,rack=7\uFFFD",
      "                 host",
      "                 ?     ?"
    ])
    assert.deepStrictEqual(at(89).map((line) => line.slice(17)), ["HOST", "host", "host", "?"])
    assert.match(Table.table(rows, now, Table.plain)[3]!, / \? +\? +\?$/)
  })

  it("colours only where it may, and only the leader's line is bright", () => {
    assert.notInclude(Table.render(snapshot, style).join(""), "\u001B")
    const colored = Table.render(snapshot, { ...style, color: true })
    assert.isTrue(colored[5]?.startsWith("\u001B[1;32m* kitchen"))
    assert.isTrue(colored[6]?.startsWith("  bath"))
  })

  it("says how many servers it has no room for", () => {
    const many = Array.from({ length: 100 }, (_, index) => member(index, `s${index}`))
    const lines = Table.render({ ...snapshot, view: { ...snapshot.view, members: many } }, style)
    assert.isAtMost(lines.length, 24)
    const more = lines.find((line) => /^ {2}and \d+ more$/.test(line))
    const shown = lines.filter((line) => /^[ *] s\d/.test(line)).length
    assert.strictEqual(more, `  and ${100 - shown} more`)
  })

  const strange = Schema.String.check(Schema.isMaxLength(80))
  const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
  it.effect.prop(
    "never leaves its frame and never lets a control character through, whatever names there are",
    [Schema.Array(strange).check(Schema.isMaxLength(40)), size, size, Arbitrary.schema(strange)],
    ([names, columns, rows, text]) =>
      Effect.sync(() => {
        const members = names.map((name, index) => member(index, name))
        const lines = Table.render(
          { ...snapshot, recent: [{ at: now, text }], view: { ...snapshot.view, members } },
          { columns, rows, color: false }
        )
        assert.isAtMost(lines.length, rows)
        for (const line of lines) {
          assert.isAtMost(Text.width(line), Math.max(columns, 3), line)
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
    assert.strictEqual(Text.width("ファイル"), 8)
    assert.strictEqual(Text.clip("ファイル", 5), "ファ…")
    assert.strictEqual(Text.clip("ファイル", 8), "ファイル")
    assert.strictEqual(Text.clip("abc", 2), "a…")
    assert.strictEqual(Text.clip("abc", 0), "")
    assert.strictEqual(Text.pad("ab", 4), "ab  ")
    assert.strictEqual(Text.pad("ab", 4, "left"), "  ab")
  })
})
