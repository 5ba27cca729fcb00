/**
 * Each clever function beside a dumb one that is right by its look: both must say the same.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as HashMap from "effect/HashMap"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Drawn from "./harness/Drawn.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const tag = new Uint8Array(4)
const fits = (message: Message.Message) => Result.isSuccess(Frame.encode(message, tag))
const nodeId = (i: number) => Member.NodeId.make(i.toString(16).padStart(16, "0"))

describe("the pages of a list (protocol 3, MEMBERS)", () => {
  /** Takes lines for as long as the page with one more would still fit, its number and count being the longest there are. */
  const naive = (blank: Message.Of<"MEMBERS">, lines: ReadonlyArray<Message.Listed>) => {
    const pages: Array<Array<Message.Listed>> = [[]]
    for (const line of lines) {
      const last = pages[pages.length - 1]!
      // The comma that a line brings is counted for the first as well.
      const wider = { ...blank, nonce: `${blank.nonce}0`, page: 65_535, of: 65_535, list: [...last, line] }
      if (fits({ ...wider, nonce: last.length === 0 ? wider.nonce : wider.nonce })) last.push(line)
      else pages.push([line])
    }
    return pages
  }

  it.prop(
    "list every member exactly once, by rank; each fits a frame; none is cut earlier than it must be",
    [Arbitrary.array(Drawn.member, { maxLength: 60 }), Arbitrary.schema(Schema.Boolean)],
    ([drawn, details]) => {
      const server = Server.live({}, drawn.map((sender, i) => Peer.alive({ ...sender, id: nodeId(i + 100) })))
      const page = (page: number) => {
        server.forget().hear({ type: "MEMBERS_ASK", nonce: "1", page, details }, "unicast")
        return server.said("MEMBERS")[0]!.message
      }
      const first = page(0)
      const pages = Array.from({ length: first.of }, (_, i) => page(i))
      for (const [i, each] of pages.entries()) {
        assert.isTrue(fits(each))
        assert.deepStrictEqual([each.page, each.of], [i, pages.length])
      }
      const lines = pages.flatMap(({ list }) => list)
      const everyone = [server.state.self, ...server.state.members].sort((a, b) => Member.compareRank(b, a))
      assert.deepStrictEqual(
        lines.map(({ id, incarnation }) => [id, incarnation]),
        everyone.map((m) => [m.id, m.incarnation])
      )
      assert.deepStrictEqual(pages.map(({ list }) => list), naive({ ...first, list: [] }, lines))
    },
    { arbitrary: { runs: 60 } }
  )
})

describe("who is there (protocol 4)", () => {
  const names = ["a", "b", "c", "d"] as const
  const act = Schema.Union([
    Schema.Struct({
      do: Schema.Literals(["alive", "alive", "leaving"]),
      name: Schema.Literals(names),
      incarnation: Schema.Literals([999, 1_000, 1_000, 1_001, 1_002])
    }),
    Schema.Struct({ do: Schema.Literals(["advance"]), millis: Schema.Literals([1, 500, 9_000, 30_000, 60_000]) }),
    Schema.Struct({ do: Schema.Literals(["sweep"]) })
  ])

  it.prop(
    "is what a map of the last word of each says, goodbyes and silences taken out (naive twin)",
    [Arbitrary.array(Arbitrary.schema(act), { maxLength: 60 })],
    ([acts]) => {
      const server = Server.live()
      const there = new Map<string, { readonly incarnation: number; readonly heardAt: number }>()
      const gone = new Map<string, { readonly incarnation: number; readonly until: number }>()
      const remove = (name: string) => {
        gone.set(name, { incarnation: there.get(name)!.incarnation, until: server.now + 60_000 })
        there.delete(name)
      }
      for (const act of acts) {
        if (act.do === "advance") {
          server.advance(act.millis)
        } else if (act.do === "sweep") {
          const overdue = [...there].filter(([, { heardAt }]) => server.now - heardAt > 15_000)
          server.step({ _tag: "Sweep" })
          server.advance(750)
          for (const [name, { heardAt }] of overdue) if (server.now - heardAt > 30_000) remove(name)
        } else {
          const { incarnation, name } = act
          const sender = Peer.member(name, { incarnation })
          server.hear(act.do === "alive" ? Peer.alive(sender) : Peer.leaving(sender))
          const last = gone.get(name)
          const known = there.get(name)
          if (last !== undefined && server.now < last.until && incarnation <= last.incarnation) continue
          if (known === undefined ? act.do === "leaving" : incarnation < known.incarnation) continue
          there.set(name, { incarnation, heardAt: server.now })
          if (act.do === "leaving") remove(name)
        }
        assert.deepStrictEqual(
          server.state.members.map(({ incarnation, name }) => [name, incarnation]),
          [...there].map(([name, { incarnation }]) => [name, incarnation] as [string, number])
            .toSorted(([a], [b]) => a < b ? 1 : -1)
        )
      }
    },
    { arbitrary: { runs: 400 } }
  )
})

describe("the memory of the departed (protocol 4)", () => {
  it("is bounded, and forgets the longest gone first (naive twin: a list)", () => {
    const maxTombstones = 300
    const server = Server.live({ timing: { maxTombstones } })
    const list: Array<Member.NodeId> = []
    for (let i = 0; i < maxTombstones + 50; i += 1) {
      // Not in the order of their ids.
      const id = nodeId((i * 7_919) % 100_003 + 100)
      server.hear(Peer.alive(Peer.member("a", { id })))
      server.hear(Peer.leaving(Peer.member("a", { id })))
      server.advance(1)
      list.push(id)
      if (list.length > maxTombstones) list.shift()
      if (i % 97 === 0) assert.deepStrictEqual([...HashMap.keys(server.state.tombstones)].sort(), [...list].sort())
    }
    assert.strictEqual(HashMap.size(server.state.tombstones), maxTombstones)
    assert.deepStrictEqual([...HashMap.keys(server.state.tombstones)].sort(), [...list].sort())
    assert.deepStrictEqual(server.drops(), Array.from({ length: 50 }, () => "TombstonesFull"))
    // Whose time is over is no loss.
    server.advance(Timing.tombstoneFor(server.state.timing) + 1)
    server.hear(Peer.alive("a"))
    server.hear(Peer.leaving("a"))
    assert.notInclude(server.drops(), "TombstonesFull")
  })
})
