/** The page's model: what comes from the server, and what is done with it. */
import { assert, describe, it } from "@effect/vitest"
import type { Streamed } from "../../../src/status/http/Contract.ts"
import * as Evidence from "../../../src/status/page/Evidence.ts"
import * as Model from "../../../src/status/page/Model.ts"
import * as Peer from "../../protocol/harness/Peer.ts"
import * as Shown from "./Shown.ts"

const { id, member } = Peer

const after = (...happenings: ReadonlyArray<Model.Happening>) => happenings.reduce(Model.update, Model.empty)

const status = (change: Parameters<typeof Shown.status>[0] = {}, at = 0): Model.Happening => ({
  _tag: "Status",
  status: Shown.status(change),
  at
})

const joined: Streamed = { at: 1, event: "MemberJoined", member: member("z"), via: "probe" }
const left: Streamed = { at: 2, event: "MemberRemoved", member: member("z"), reason: { _tag: "Left" } }
const stalled: Streamed = { at: 3, event: "Stalled", for: 400 }
const events = (...events: ReadonlyArray<Streamed>): Model.Happening => ({ _tag: "Events", events })

describe("the page", () => {
  it("is live with the first status, stale when nothing answers, and live again", () => {
    assert.strictEqual(Model.empty.link._tag, "Connecting")
    const lost: Model.Happening = { _tag: "Lost", why: "No answer." }
    assert.deepStrictEqual(after(status(), lost).link, {
      _tag: "Stale",
      since: Shown.status().at,
      why: "No answer."
    })
    assert.deepStrictEqual(after(lost).link, { _tag: "Stale", since: null, why: "No answer." })
    // Stale since the first failure, not since a later one.
    assert.deepStrictEqual(after(status(), lost, { ...lost, why: "Still none." }).link, {
      _tag: "Stale",
      since: Shown.status().at,
      why: "Still none."
    })
    assert.strictEqual(after(status(), lost, status()).link._tag, "Live")
    assert.strictEqual(after({ _tag: "Refused" }).link._tag, "Closed")
  })

  it("says that the server has left, until it is back", () => {
    const gone = after(status(), events({ at: 9, event: "Left" }), { _tag: "Lost", why: "" })
    assert.strictEqual(gone.link._tag, "Left")
    assert.strictEqual(Model.update(gone, status()).link._tag, "Live")
    assert.strictEqual(after(status({ phase: "Left" })).link._tag, "Left")
  })

  it("says that the server does not know who is there, as one that does not reach its registry, until it does", () => {
    const unsure = after(status({ phase: "Recovering" }))
    assert.strictEqual(unsure.link._tag, "Unsure")
    assert.strictEqual(Model.update(unsure, status()).link._tag, "Live")
  })

  it("shows messages between servers where there are any: not in a registry", () => {
    assert.isTrue(Model.isOnLan(after(status())))
    assert.isTrue(Model.isOnLan(after(status({ backend: "lan" }))))
    assert.isTrue(Model.isOnLan(after(status({ backend: "lan+etcd" }))))
    assert.isFalse(Model.isOnLan(after(status({ backend: "etcd" }))))
  })

  it("keeps the newest events, and forgets those of a former start of the server", () => {
    const many = Array.from({ length: 1_100 }, (): Streamed => stalled)
    const full = after(status(), events(joined), events(...many, { at: 4, event: "Alive" }))
    assert.lengthOf(full.log, Model.kept.events)
    assert.strictEqual(full.log.at(-1)?.key, 1_101)
    const restarted = Model.update(
      { ...full, selected: { kind: "event", key: 5 } },
      status({ self: member("m", { incarnation: 2_000 }) })
    )
    assert.lengthOf(restarted.log, 0)
    assert.isNull(restarted.selected)
  })

  it("shows of the log what the filters let through, the newest first", () => {
    const model = after(events(joined, left, stalled))
    const names = (model: Model.Model) => Model.shownLog(model, Evidence.describe).map(({ event }) => event.event)
    assert.deepStrictEqual(names(model), ["Stalled", "MemberRemoved", "MemberJoined"])
    const without = Model.update(model, { _tag: "Topic", topic: "members" })
    assert.deepStrictEqual(names(without), ["Stalled"])
    assert.deepStrictEqual(names(Model.update(without, { _tag: "Topic", topic: "members" })).length, 3)
    assert.deepStrictEqual(names(Model.update(model, { _tag: "Search", text: " JOINED " })), ["MemberJoined"])
  })

  it("keeps of the messages those that are seldom", () => {
    const message = { at: 1, way: "heard", by: id("z"), to: null, election: "", term: 7 } as const
    const model = after({
      _tag: "Said",
      messages: [{ ...message, type: "BEAT" }, { ...message, type: "ELECTION" }]
    })
    assert.deepStrictEqual(model.said.map(({ message }) => message.type), ["ELECTION"])
    assert.strictEqual(Model.update(model, { _tag: "Said", messages: [] }), model)
  })

  it("shows the lease of the leader with its votes, and elsewhere what was promised", () => {
    const held = { held: true, left: 900, votes: [id("a")], acknowledged: [id("a")] }
    assert.deepStrictEqual(Model.leaseOf(after(status({ elections: [Shown.election({ lease: held })] }))), {
      of: id("m"),
      left: 900,
      isOwn: true,
      votes: [id("a")],
      acknowledged: [id("a")]
    })
    const promised = Shown.election({ promise: { to: id("z"), term: 7, left: 500 } })
    assert.deepInclude(Model.leaseOf(after(status({ elections: [promised] }))), {
      of: id("z"),
      left: 500,
      isOwn: false
    })
    assert.isNull(Model.leaseOf(after(status())))
    assert.isNull(Model.leaseOf(Model.empty))
  })

  it("knows how far a lease has run down from the longest that it was seen to last", () => {
    const promise = (left: number) =>
      status({ elections: [Shown.election({ promise: { to: id("z"), term: 7, left } })] })
    assert.strictEqual(after(promise(1_500), promise(400)).leaseFull, 1_500)
    assert.strictEqual(after(promise(1_500), status()).leaseFull, 0)
  })

  it("looks at the election that was chosen, as long as the server takes part in it", () => {
    const two = status({ elections: [Shown.election(), Shown.election({ name: "jobs", term: 3 })] })
    const chosen = after(two, { _tag: "Election", name: "jobs" })
    assert.strictEqual(Model.seenElection(chosen)?.term, 3)
    assert.strictEqual(Model.seenElection(Model.update(chosen, status()))?.name, "")
  })

  it("offers the pages of other members, the leader's first", () => {
    assert.deepStrictEqual(Model.otherPages(after(status())), [
      { id: id("z"), name: "z", page: "http://192.0.2.26:7780/" }
    ])
    assert.deepStrictEqual(Model.otherPages(Model.empty), [])
  })

  it("keeps the version that it came with, so that another one is noticed", () => {
    const model = after(status(), status({ version: "0.2.0" }))
    assert.deepStrictEqual([model.version, model.status?.version], ["0.1.0", "0.2.0"])
  })
})

describe("the evidence", () => {
  const rowsOf = (model: Model.Model) => new Map(Evidence.selected(model)?.rows)

  it("of a removal says for how long it was silent, that it was asked, and how late the server itself was", () => {
    const model = after(
      events({
        at: 1_796_038_097_166,
        event: "MemberRemoved",
        member: member("z"),
        reason: { _tag: "Silent", for: 31_200, lastHeardOn: "multicast", ownLag: 3 }
      }),
      { _tag: "Select", selected: { kind: "event", key: 1 } }
    )
    const rows = rowsOf(model)
    assert.strictEqual(rows.get("Silent for"), "31.2 s")
    assert.strictEqual(rows.get("Questions asked"), "five, unanswered")
    assert.strictEqual(rows.get("Own lag meanwhile"), "3 ms")
  })

  it("of a removal from a registry says that the session was not renewed, and nothing of questions", () => {
    const reason = { _tag: "Silent", for: 6_000, lastHeardOn: "registry", ownLag: 0 } as const
    const { rows, text } = Evidence.ofEvent({ at: 2, event: "MemberRemoved", member: member("z"), reason })
    assert.include(text, "its session in the registry was not renewed for 6s")
    assert.deepInclude(rows, ["Its session", "was not renewed for 6.0 s"])
    assert.isFalse(rows.some(([label]) => label === "Questions asked"))
  })

  it("of a reign, an absence, a pause and a member is there, and of nothing else", () => {
    const history: Model.Happening = {
      _tag: "History",
      history: {
        since: 0,
        missed: 0,
        reigns: [
          { election: "", term: 7, leader: member("z"), from: 1, to: 501, cause: "Start", end: "Crashed", without: 90 }
        ],
        absences: [{ member: member("z"), from: 1, to: null, reason: { _tag: "Crashed", evidence: "port closed" } }],
        pauses: [{ at: 1, for: 700 }]
      }
    }
    const select = (selected: Model.Selected | null) => after(status(), history, { _tag: "Select", selected })
    assert.strictEqual(rowsOf(select({ kind: "reign", index: 0 })).get("Ended by"), "Crashed")
    assert.strictEqual(rowsOf(select({ kind: "reign", index: 0 })).get("Lasted"), "500 ms")
    assert.strictEqual(rowsOf(select({ kind: "absence", index: 0 })).get("Evidence"), "port closed")
    assert.strictEqual(rowsOf(select({ kind: "pause", index: 0 })).get("Lasted"), "700 ms")
    const rows = rowsOf(select({ kind: "member", id: id("a") }))
    assert.deepStrictEqual(
      [rows.get("Heard through"), rows.get("Questions unanswered"), rows.get("Multicast")],
      ["z", "2 of 5", "does not pass"]
    )
    assert.strictEqual(Evidence.selected(select({ kind: "member", id: id("z") }))?.text, "It leads.")
    for (const kind of ["reign", "absence", "pause"] as const) {
      assert.isNull(Evidence.selected(select({ kind, index: 9 })))
    }
    assert.isNull(Evidence.selected(select({ kind: "member", id: id("q") })))
    assert.isNull(Evidence.selected(select({ kind: "event", key: 99 })))
    assert.isNull(Evidence.selected(select(null)))
  })

  it("of any event has all that it tells", () => {
    const told: ReadonlyArray<readonly [Streamed, string]> = [
      [{ at: 1, event: "Gap", count: null }, "the server has started anew: its earlier events are gone"],
      [{ at: 1, event: "Gap", count: 4 }, "4 earlier events are gone: the server keeps no more"],
      [{ at: 1, event: "TooSlow", count: 4 }, "this page was too slow and lost 4 events"],
      [
        { at: 1, event: "Unknown", told: { at: 1, event: "Later" } },
        "Later: this version does not know it"
      ]
    ]
    for (const [event, text] of told) assert.strictEqual(Evidence.describe(event), text)
    assert.deepInclude(Evidence.ofEvent(stalled).rows, ["for", "400 ms"])
    assert.deepInclude(Evidence.ofEvent(joined).rows, ["Member", "z"])
  })
})
