/**
 * The view of a group on a terminal, as lines: what it says, that it fits, and what keys do to it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Reign from "../../../src/protocol/model/Reign.ts"
import * as Cells from "../../../src/status/Cells.ts"
import type * as Style from "../../../src/status/Style.ts"
import * as Model from "../../../src/status/terminal/Model.ts"
import * as View from "../../../src/status/terminal/View.ts"
import * as Sample from "./Sample.ts"

const style: Style.Style = { columns: 100, rows: 24, color: false, timeZone: "UTC" }
const { model, now, seen } = Sample

const press = (model: Model.Model, ...keys: ReadonlyArray<string>): Model.Model => keys.reduce(View.key, model)
const render = (model: Model.Model, other: Partial<Style.Style> = {}) => View.render(model, { ...style, ...other })
const text = (model: Model.Model, other: Partial<Style.Style> = {}) => render(model, other).join("\n")
/** The names in the table, in their order. */
const names = (model: Model.Model, other: Partial<Style.Style> = {}) =>
  render(model, other).flatMap((line) => /^[> ] [* ] (\S+) .*192\.0\.2/.exec(line)?.[1] ?? [])

describe("the view", () => {
  it("says who sees it, who leads, who is there, and what happened when", () => {
    assert.strictEqual(
      text(model),
      `Bellwether  group orders  239.255.253.87:16983  3 servers
We are hall (0000000000000001) at 192.0.2.1:40001, priority 0
kitchen leads, term 7

    NAME     ID                ADDRESS          PRIORITY    AGE  HEARD  TERM  HOST  TAGS
  * kitchen  0000000000000002  192.0.2.1:40002         5  2m02s  300ms     7  host  zone=a
    hall     0000000000000001  192.0.2.1:40001         0  1m01s   self        host
    bath     0000000000000003  192.0.2.1:40003        -1  3m03s     2s        host

  LAST 5m00s  · nobody leads  x away  # paused
leader       ·················|bath──────────────────────·····|kitchen──────────────────────────────
this server  ───────────────────────────────────────────────────────────##──────────────────────────
bath         ───────────────────────────────────────────xxxxxxxxxxxxxxxxxxxxxxxxxxx─────────────────

  EVENTS
22:07:50  started as hall (192.0.2.1:40001), priority 0
22:09:21  bath (192.0.2.1:40003) leads: the first leader seen
22:10:50  bath (192.0.2.1:40003) is gone: silent for 3s, last heard by multicast, no answer when as…
22:10:50  nobody leads: the leader fell silent
22:11:10  kitchen (192.0.2.1:40002) leads: the leader fell silent, after 20s without a leader
22:11:50  this process was paused for 4s: it judges nobody by that time
22:12:20  bath (192.0.2.1:40003) joined, found by its heartbeat

q quit  ? help  enter details  / filter  o order  tab log  +- time`
    )
  })

  it("says that nothing is known yet, and what is not current", () => {
    assert.include(text(Model.make()), "nothing is known of the group yet")
    const old = Model.stale(model, "no answer for 5s")
    assert.strictEqual(render(old)[1], "NOT CURRENT: no answer for 5s")
    assert.notInclude(text(Model.saw(old, seen)), "NOT CURRENT")
  })

  it("grows older with the time that passes", () => {
    const later = Model.passed(model, now + 60_000)
    assert.include(text(later), "3m02s  1m00s")
    assert.include(text(later), "self")
  })

  it("tells of our own lead, of none and of too few, of leases and of more elections", () => {
    const third = (election: Partial<(typeof seen.elections)[number]>, few: string | null = null) =>
      render(
        Model.saw(model, { ...seen, few, elections: [{ name: "", reign: null, term: 7, ...election }] })
      )[2]
    assert.strictEqual(third({ reign: Reign.make(7, Sample.hall) }), "We lead, term 7")
    assert.strictEqual(third({}), "Nobody leads; term 7 has ended")
    assert.strictEqual(third({ term: 0 }, "3 of 7 in view, 4 must be"), "Nobody leads yet: 3 of 7 in view, 4 must be")
    const reign = Reign.make(7, Sample.kitchen)
    const votes = [Sample.hall.id, Sample.bath.id]
    assert.strictEqual(
      third({ reign, lease: { held: true, left: 4_200, votes, acknowledged: [] } }),
      "kitchen leads, term 7; lease 4s left, granted by hall, bath"
    )
    assert.strictEqual(
      third({ reign, through: Sample.bath.id, renewed: { ago: 300, duration: 6_000 } }),
      "kitchen leads, term 7, followed through bath; lease of 6s, renewal asked 300ms ago"
    )
    const many = ["", "a", "b", "c", "d", "e"].map((name) => ({ name, reign: name === "a" ? reign : null, term: 0 }))
    assert.deepStrictEqual(render(Model.saw(model, { ...seen, elections: many })).slice(2, 7), [
      "Nobody leads yet",
      "a: kitchen leads, term 7",
      "b: Nobody leads yet",
      "c: Nobody leads yet",
      "and 2 more elections"
    ])
  })

  it("shows all that is known of the selected member, and what happened to it", () => {
    const details = text(press(model, "end", "return"))
    assert.include(details, ">   bath")
    for (
      const line of [
        "  bath  (0000000000000003)",
        "  started   3m03s ago, 2023-11-14T22:10:17.000Z",
        "  heard     2s ago by unicast, as multicast does not pass; kitchen hears it where this server does not",
        "  asked     2 questions unanswered since it fell silent; 5, and it is removed",
        "22:12:20  bath (192.0.2.1:40003) joined, found by its heartbeat"
      ]
    ) {
      assert.include(text(press(model, "end", "return"), { columns: 120 }), line)
    }
    assert.notInclude(details, "kitchen (192.0.2.1:40002) leads")
    const own = text(press(model, "down", "down", "return"))
    assert.include(own, "  heard     the server that tells all this")
    assert.include(own, "  own lag   3ms at worst lately")
    assert.include(own, "  next      Heartbeat in 300ms")
    assert.include(text(press(model, "return")), "  leads     the group, term 7")
    assert.notInclude(text(press(model, "return", "escape")), "  started   ")
    const gone = Model.saw(press(model, "end", "return"), { ...seen, members: seen.members.slice(0, 2) })
    assert.include(text(gone), "this member is in view no more")
  })

  it("orders and filters the members", () => {
    assert.deepStrictEqual(names(model), ["kitchen", "hall", "bath"])
    assert.deepStrictEqual(names(press(model, "o")), ["bath", "hall", "kitchen"])
    assert.deepStrictEqual(names(press(model, "o", "o")), ["hall", "kitchen", "bath"])
    assert.deepStrictEqual(names(press(model, "o", "o", "o", "r")), ["bath", "kitchen", "hall"])
    assert.deepStrictEqual(names(press(model, "o", "o", "o", "o", "o")), ["kitchen", "hall", "bath"])
    const found = (typed: string) => names(press(model, "/", ...Cells.characters(typed), "return"))
    assert.deepStrictEqual(found("ZONE=a"), ["kitchen"])
    assert.deepStrictEqual(found("40003"), ["bath"])
    assert.deepStrictEqual(found("h"), ["kitchen", "hall", "bath"])
    const typing = press(model, "/", "h", "a", "q")
    assert.include(text(typing), "/haq_  0 of 3")
    assert.isFalse(typing.quit, "what is typed is no command")
    assert.deepStrictEqual(names(press(typing, "backspace")), ["hall"])
    assert.deepStrictEqual(names(press(typing, "escape")).length, 3)
  })

  it("scrolls and filters the log, which then stops", () => {
    const short = { rows: 12 }
    const scrolled = press(model, "tab", "up", "up")
    const shown = render(scrolled, short)
    assert.include(shown.join("\n"), "2 newer below")
    const later = Model.noted(scrolled, now, "one more")
    assert.deepStrictEqual(
      render(later, short).filter((line) => line.startsWith("22:")),
      shown.filter((line) => line.startsWith("22:"))
    )
    assert.include(text(press(later, "end"), short), "one more")
    const filtered = text(press(model, "tab", "/", ...Cells.characters("PAUSED"), "return"))
    assert.include(filtered, "/PAUSED  1 of 7")
    assert.notInclude(filtered, "started as")
  })

  it("shows more time or less, and never more than there is", () => {
    const old = { ...model, history: { ...model.history, since: now - 2 * 86_400_000 } }
    const pressed = (key: string) => press(old, ...Array.from({ length: 20 }, () => key))
    assert.include(text(press(old, "+")), "LAST 15m00s")
    assert.include(text(pressed("+")), "LAST 1d00h")
    assert.include(text(pressed("-")), "LAST 1m00s")
    // Its newest reach to now, also where all lies within one cell.
    assert.match(render(pressed("+"))[10] ?? "", /^leader {7}·+[|─]{1,2}$/)
    assert.include(text(press(model, "+")), "LAST 5m30s", "more is not known")
  })

  it("explains the keys, those of the program that shows it too, and tells that it is to be left", () => {
    const help = text(press({ ...model, hints: [{ key: "x", does: "explode" }] }, "?"))
    assert.match(help, /^ {2}x {9}explode$/m)
    assert.match(help, /^ {2}tab {7}to the log/m)
    assert.notInclude(text(press(model, "?", "?")), "KEYS")
    assert.isTrue(press(model, "q").quit)
    assert.deepStrictEqual(press(model, "ctrl-x", "constructor", ""), model)
  })
})

const many = Model.saw(model, {
  ...seen,
  members: Array.from({ length: 500 }, (_, number) => ({
    ...Sample.member(number + 1, number % 7 === 0 ? `日本語サーバ${number}` : `n\u0308ame\u200D\u001B[2J${number}`),
    heard: { ago: number }
  }))
})

describe("a view of 500 members", () => {
  it("keeps the selected one in sight, and says which are shown", () => {
    const end = render(press(many, "end", "up"))
    assert.isTrue(end.some((line) => line.startsWith(">   n")))
    assert.isTrue(end.some((line) => line.endsWith("to 500 of 500")))
    const middle = render(press(many, ...Array.from({ length: 25 }, () => "pagedown")))
    assert.strictEqual(middle.filter((line) => line.startsWith(">")).length, 1)
  })

  it.each([1, 2, 3, 20, 21, 40, 79, 80, 120, 300])("fits on %i columns, with any content", (columns) => {
    const looks = [[], ["?"], ["return"], ["end", "return"], ["tab"], ["/", "n"], ["tab", "/", "x"], ["o", "r", "+"]]
    for (const shown of [Model.make(), model, many, Model.stale(many, "a reason ".repeat(50))]) {
      for (const keys of looks) {
        for (const rows of [1, 3, 6, 12, 40]) {
          const lines = render(press(shown, ...keys), { columns, rows })
          assert.isAtMost(lines.length, rows)
          for (const line of lines) {
            assert.isAtMost(Cells.width(line), columns, `${keys.join(" ")} in ${rows} rows: ${line}`)
            assert.notInclude(line, "\u001B")
          }
          const painted = render(press(shown, ...keys), { columns, rows, color: true })
          // oxlint-disable-next-line no-control-regex
          assert.deepStrictEqual(painted.map((line) => line.replaceAll(/\u001B\[[\d;]+m/g, "")), lines)
        }
      }
    }
  })
})
