/**
 * What a server says of itself changes while it runs: it is told at once and by every later message, what it said before and comes late
 * does not undo it, and a new priority moves the lead as a join of that rank does (protocol, What a server says of itself).
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { Body } from "../../src/protocol/model/Output.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, member, reign, says } = Peer

/** A member that has changed so often, and is so described now. */
const changed = (name: string, revision: number, change: Partial<Member.Member> = {}): Member.Member =>
  member(name, { revision, ...change })

const describes = (server: Server, change: Partial<Pick<Member.Member, "priority" | "tags" | "tcp">>) => {
  const { priority, tags, tcp } = { ...server.state.self, ...change }
  server.step({ _tag: "Describe", description: { priority, tags, ...(tcp === undefined ? {} : { tcp }) } })
  return server
}

const changes = (server: Server) =>
  server.tells().flatMap((event) => event.event === "MemberChanged" ? [[event.before, event.after]] : [])

/** `m` with `revision`, which hears `a`. */
const live = (options: ConstructorParameters<typeof Server>[0] = {}, hears: ReadonlyArray<Message.Message> = []) =>
  Server.live({ self: changed("m", 0), ...options }, [alive(changed("a", 0)), ...hears]).advance(200).forget()

const lease = { groupSize: 3, duration: 30_000, drift: 0.01 }
const bodies: ReadonlyArray<Body> = [
  { type: "SERVER_ALIVE", interval: 10_000 },
  { type: "SERVER_PROBE", nonce: "1" },
  { type: "SERVER_RESPONSE", nonce: "1", interval: 10_000 },
  { type: "PATH_PROBE", nonce: "1", origin: { id: Peer.id("z"), incarnation: 1_000 }, over: 0 },
  { type: "CRASHED", gone: { id: Peer.id("y"), incarnation: 1_000 } },
  { type: "ELECTION", election: "", standing: 1 },
  { type: "OK", election: "", standing: 1, to: Peer.id("a") },
  { type: "COORDINATOR", election: "" },
  { type: "STEPPING_DOWN", election: "other", successor: null },
  {
    type: "VOTE",
    election: "",
    standing: 1,
    incarnation: 1,
    granted: false,
    promised: 1,
    boundTo: null,
    remaining: 0
  },
  { type: "BEAT", election: "", claim: 50, beat: 1, lease },
  { type: "BEAT_ACK", election: "", claim: 50, beat: 1, incarnation: 1 },
  { type: "RELEASE", election: "", claim: 50 },
  { type: "CLIENT_WELCOME", nonce: "1", members: 2 },
  { type: "CLIENT_ACK", client: Peer.sender("c").id, seq: 1 }
]

describe("a member that says otherwise of itself", () => {
  const now = changed("z", 1, { tags: { zone: "b" }, tcp: 4 })

  it.each(bodies)("by $type, repeated or reordered, is as it said last: told once, as the same start", (body) => {
    const server = live({}, [alive(changed("z", 0, { tags: { zone: "a" } }))])
    const [before, after] = [says(changed("z", 0, { tags: { zone: "a" } }), body), says(now, body)]
    for (const message of [after, before, after, before]) server.hear(message)
    assert.deepStrictEqual(server.state.members[0], now)
    assert.deepStrictEqual(server.knows("z").member, now)
    assert.deepStrictEqual(Step.view(server.state).members[0], now)
    assert.deepStrictEqual(changes(server), [[changed("z", 0, { tags: { zone: "a" } }), now]])
  })

  it("and contradicts itself under one number is taken by its first word", () => {
    const server = live({}, [alive(now)])
    server.forget().hear(alive({ ...now, tags: { zone: "c" }, priority: 7 }))
    assert.deepStrictEqual([server.state.members[0], changes(server)], [now, []])
  })

  it("keeps its address by its own rules, and moves by its own rules", () => {
    const server = live({}, [alive(changed("z", 0))])
    server.hear(alive({ ...now, ip: "192.0.2.99" }))
    assert.strictEqual(server.state.members[0]?.ip, "192.0.2.26")
    server.hear({ ...alive({ ...changed("z", 0), ip: "192.0.2.99" }), moved: 1 })
    assert.deepStrictEqual(server.state.members[0], { ...now, ip: "192.0.2.99" })
  })

  it("that was too old to change it, and started again as a later version, is as that start says", () => {
    const server = live({}, [alive(member("z", { tags: { zone: "a" } }))])
    server.hear(alive({ ...now, incarnation: 2_000, revision: 0 }))
    assert.deepStrictEqual(server.state.members[0], { ...now, incarnation: 2_000, revision: 0 })
  })

  it("is in its new place in the order of rank, in lists too, and the view is the same to who compares it", () => {
    const server = live({}, [alive(changed("z", 0)), alive(changed("b", 0))])
    const view = () => {
      server.forget().hear({ type: "MEMBERS_ASK", nonce: "1", page: 0, details: true }, "unicast", Peer.client)
      return server.said("MEMBERS")[0]!.message
    }
    const before = view()
    server.hear(alive(changed("z", 3, { priority: -1, tags: { zone: "b" } })))
    assert.deepStrictEqual(server.members, ["b", "a", "z"])
    const after = view()
    assert.strictEqual(after.view, before.view)
    assert.deepInclude(after.list.at(-1), { name: "z", priority: -1, revision: 3, tags: { zone: "b" } })
    server.hear(alive(changed("z", 4, { priority: 9 })))
    assert.deepStrictEqual(server.members, ["z", "b", "a"])
    server.hear(Peer.leaving(changed("z", 4, { priority: 9 })))
    assert.deepStrictEqual(server.members, ["b", "a"])
  })

  it("of an older version, which counts no changes, stays as it was heard first", () => {
    const server = live({}, [alive("z")])
    server.hear(alive(member("z", { priority: 5 })))
    assert.deepStrictEqual([server.state.members[0], changes(server)], [member("z"), []])
  })
})

describe("a server that changes what it says of itself", () => {
  it("tells it and says it at once, and twice more: another number, and all else as it was", () => {
    const server = live()
    const before = server.state.self
    describes(server, { tags: { zone: "b" }, priority: -3, tcp: 7 })
    const after = { ...before, tags: { zone: "b" }, priority: -3, tcp: 7, revision: 1 }
    assert.deepStrictEqual(server.state.self, after)
    assert.deepStrictEqual(changes(server), [[before, after]])
    assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message, to }) => [message.sender, to]), [[after, null]])
    server.advance(50)
    assert.strictEqual(server.said("SERVER_ALIVE").length, 1)
    server.advance(100)
    assert.strictEqual(server.said("SERVER_ALIVE").length, 1)
    server.advance(1_000)
    assert.strictEqual(server.said("SERVER_ALIVE").length, 0)
    describes(server, { tags: {}, priority: -3 })
    assert.strictEqual(server.state.self.revision, 2)
  })

  it.each([[{ tags: { zone: "a" } }], [{ priority: 0 }], [{}]])(
    "to what it says already says nothing: %o",
    (change) => {
      const server = live({ self: changed("m", 4, { tags: { zone: "a" } }) })
      describes(server, change)
      assert.deepStrictEqual([server.state.self.revision, server.told(), server.says()], [4, [], []])
    }
  )

  it.each([[{ zone: "b" }], [{ zone: "a", rack: "1" }], [{ rack: "a" }]])("to other tags says so: %o", (tags) => {
    const server = describes(live({ self: changed("m", 4, { tags: { zone: "a" } }) }), { tags })
    assert.deepStrictEqual([server.state.self.revision, server.state.self.tags], [5, tags])
  })

  it("again and again says no more than every 50 ms, and last what it was last", () => {
    const server = live()
    for (let change = 1; change <= 1_000; change++) describes(server, { tags: { n: String(change) } }).advance(1)
    const said = server.said("SERVER_ALIVE").length
    assert.isAtLeast(said, 20)
    assert.isAtMost(said, 22)
    server.advance(200)
    assert.deepStrictEqual(server.said("SERVER_ALIVE").at(-1)?.message.sender.tags, { n: "1000" })
  })

  it("asks those that hear no multicast of its, whom a heartbeat by unicast would mislead", () => {
    const server = live({}, [])
    server.hear(alive(changed("a", 0)), "unicast")
    server.hear(alive(changed("a", 0)), "multicast")
    describes(server.forget(), { tags: { zone: "b" } })
    const asked = server.said("SERVER_PROBE")
    assert.deepStrictEqual(asked.map(({ message, to }) => [message.sender.tags, to?.ip]), [[
      { zone: "b" },
      "192.0.2.1"
    ]])
  })

  it("without multicast says it to each member by unicast", () => {
    const server = live({ timing: { multicast: false } })
    describes(server, { tags: { zone: "b" } })
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE to a"])
  })

  it("says nothing of it while it leaves", () => {
    const server = live({ work: "by hand" })
    server.step({ _tag: "Leave" })
    describes(server.forget(), { tags: { zone: "b" } })
    assert.deepStrictEqual([server.says(), server.state.self.tags], [[], { zone: "b" }])
  })

  it("counts no further than can be said", () => {
    const server = describes(live({ self: changed("m", 999_999_999) }), { priority: 1 })
    assert.strictEqual(server.state.self.revision, 999_999_999)
  })

  it("announces its page no more where its tags leave no room for it", () => {
    const server = live()
    const page = `http://192.0.2.13:7780/${"x".repeat(41)}`
    server.step({ _tag: "Page", page })
    assert.strictEqual(server.state.page, page)
    const texts = { name: "n".repeat(64), hostname: "h".repeat(64) }
    const full = live({ self: changed("m", 0, texts) })
    full.step({ _tag: "Page", page })
    describes(full, { tags: { a: "x".repeat(240) } })
    assert.strictEqual(full.state.page, null)
  })
})

describe("a server whose machine was set back to before a change", () => {
  const known = (server: Server, revision: number, incarnation = 1_000) =>
    server.hear(Peer.members("a", [changed("m", revision, { incarnation })]), "unicast", changed("a", 0))

  it("is told by those that hear it, once in a while, and goes on above that", () => {
    const server = live({}, [alive(changed("z", 2, { tags: { zone: "b" } }))])
    server.advance(200).forget()
    for (let time = 0; time < 3; time++) server.hear(alive(changed("z", 1)))
    const told = server.said("MEMBERS")
    assert.deepStrictEqual(told.map(({ message, to }) => [to?.ip, message.list[0]?.revision]), [["192.0.2.26", 2]])
    server.advance(101).hear(alive(changed("z", 1)))
    assert.strictEqual(server.said("MEMBERS").length, 1)
    const other = live({ self: changed("m", 1, { tags: { zone: "a" } }) })
    known(other, 4)
    assert.deepInclude(other.state.self, { revision: 5, tags: { zone: "a" } })
    assert.deepInclude(other.said("SERVER_ALIVE")[0]?.message.sender, { revision: 5 })
    assert.strictEqual(changes(other).length, 1)
  })

  it.each([["another priority", { priority: 4 }], ["other tags", { tags: { zone: "c" } }]])(
    "is told too where it has come to a revision that is known for something else: %s",
    (_, said) => {
      const server = live({}, [alive(changed("z", 2, { tags: { zone: "b" } }))])
      server.advance(200).forget().hear(alive(changed("z", 2, { tags: { zone: "b" }, ...said })))
      assert.deepStrictEqual(server.said("MEMBERS").map(({ message }) => message.list[0]?.revision), [3])
      assert.deepInclude(server.state.members[0], { priority: 0, revision: 2, tags: { zone: "b" } })
      // It goes on above that, and is believed.
      server.hear(alive(changed("z", 4, { tags: { zone: "b" }, ...said })))
      assert.deepInclude(server.state.members[0], { revision: 4, ...said })
    }
  )

  it("is not told what it says itself", () => {
    const server = live({}, [alive(changed("z", 2, { tags: { zone: "b", rack: "1" } }))])
    server.advance(200).forget().hear(alive(changed("z", 2, { tags: { rack: "1", zone: "b" } })))
    assert.deepStrictEqual(server.said("MEMBERS"), [])
  })

  it("is told by few of many", () => {
    const server = live({}, Array.from("bcdefghijklnopqrstuvwxy", (name) => alive(changed(name, 0))))
    server.hear(alive(changed("z", 2)))
    for (let time = 0; time < 50; time++) server.advance(101).hear(alive(changed("z", 1)))
    const told = server.said("MEMBERS").length
    assert.isAbove(told, 0)
    assert.isBelow(told, 25)
  })

  it.each([[1, 1_000], [0, 1_000], [7, 999], [999_999_999, 1_000]])(
    "takes nothing from a list that says revision %d of its start %d",
    (revision, incarnation) => {
      const server = live({ self: changed("m", 1) })
      known(server, revision, incarnation)
      assert.deepStrictEqual([server.state.self, server.told()], [changed("m", 1), []])
    }
  )
})

describe("a new priority", () => {
  it("above that of the leader takes the lead, and the former leader follows", () => {
    const server = live({}, [alive(changed("z", 0), reign(50, changed("z", 0)))])
    assert.strictEqual(server.follows, "z")
    describes(server, { priority: 1 }).advance(1_000)
    assert.isTrue(server.leads)
    assert.strictEqual(server.state.election.reign?.leader.priority, 1)
    assert.include(JSON.stringify(server.tells()), `"cause":"HigherRank"`)
    const other = Server.live({ self: changed("z", 0) }, [alive(changed("m", 0))]).advance(5_000)
    assert.isTrue(other.leads)
    const greater = reign(9_000_000, changed("m", 1, { priority: 1 }))
    other.hear(says(changed("m", 1, { priority: 1 }), { type: "COORDINATOR", election: "" }, { follows: greater }))
    assert.strictEqual(other.follows, "m")
  })

  it.each([
    ["with `preempt` off stays at that", { preempt: false }, 60_000],
    ["waits for `stableAfter`, as one that starts now", { stableAfter: 20_000 }, 19_000]
  ])("above that of the leader %s", (_, timing, quiet) => {
    const server = live({ timing, monotonic: 0 }, [alive(changed("z", 0), reign(50, changed("z", 0)))])
    const hear = () => server.hear(alive(changed("z", 0), reign(50, changed("z", 0))))
    for (let passed = 0; passed < 25_000; passed += 5_000) {
      server.advance(5_000)
      hear()
    }
    assert.strictEqual(server.follows, "z")
    describes(server, { priority: 1 })
    for (let passed = 0; passed < quiet; passed += 1_000) {
      server.advance(1_000)
      hear()
    }
    assert.strictEqual(server.follows, "z")
    server.advance(3_000)
    assert.strictEqual(server.leads, !("preempt" in timing))
  })

  it("of the leader, below ours, hands us the lead; what it said before it and comes late is of no rank", () => {
    const z = changed("z", 0)
    const server = live({}, [alive(z, reign(50, z))])
    const lowered = changed("z", 1, { priority: -1 })
    server.hear(alive(lowered, reign(50, z)))
    server.hear(alive(z, reign(50, z)))
    assert.strictEqual(server.follows, "z")
    server.advance(1_000)
    assert.isTrue(server.leads)
  })

  it("of the leader, below ours, with `preempt` off changes nothing", () => {
    const z = changed("z", 0)
    const server = live({ timing: { preempt: false } }, [alive(z, reign(50, z))])
    server.hear(alive(changed("z", 1, { priority: -1 }), reign(50, z)))
    server.advance(5_000)
    assert.strictEqual(server.follows, "z")
  })

  it("of a leader leaves its reign as it is: its token, and who follows it", () => {
    const server = live().advance(5_000)
    assert.isTrue(server.leads)
    const { reign: before } = server.state.election
    describes(server, { priority: 4 }).advance(30)
    assert.deepStrictEqual(server.state.election.reign, before)
    assert.strictEqual(Reign.token(server.state.election.reign!), Reign.token(before!))
    server.hear(alive(changed("a", 0), before!))
    server.hear(alive(changed("b", 0)))
    assert.isTrue(server.leads)
  })

  it("of a leader is known to who comes later, with the reign that began before it", () => {
    const lowered = changed("z", 1, { priority: -1 })
    const server = new Server({ self: changed("b", 0, { priority: -5 }) })
    server.step({ _tag: "Start" })
    server.hear(alive(lowered, reign(50, "z")))
    server.advance(2_000)
    assert.deepStrictEqual([server.follows, server.state.election.reign], ["z", reign(50, "z")])
    assert.deepStrictEqual(server.state.members, [lowered])
  })

  it("of the one that this server waits for, below its own, has it stand again", () => {
    const server = live({}, [alive(changed("z", 0))])
    server.hear(Peer.stands(changed("z", 0), 7_000_000))
    assert.strictEqual(server.activity, "Waiting")
    server.hear(alive(changed("z", 1, { priority: -1 })))
    assert.notStrictEqual(server.activity, "Waiting")
    server.advance(1_000)
    assert.isTrue(server.leads)
  })

  it("of another, that others follow: who speaks of it by a rank that it never had is not believed", () => {
    const server = live({}, [alive(changed("z", 0))])
    server.advance(5_000).hear(alive(changed("a", 0), reign(9_000_000, member("z", { priority: 8 }))))
    assert.notStrictEqual(server.state.election.reign?.leader.priority, 8)
  })
})

describe("with a lease", () => {
  const timing = { lease: { groupSize: 3, duration: 1_500, drift: 0.01 }, stopTimeout: 300 }
  const preVote = { granted: true, promised: 0, boundTo: null, remaining: 0 }

  it("a leader that has lowered its priority makes way for who outranks it now, on that one's word", () => {
    const server = live({ profile: "fast", timing, preVote, self: changed("m", 0) }).advance(1_200)
    server.hear(alive(changed("b", 0)))
    server.advance(150).forget()
    for (const { message } of server.advance(200).said("ELECTION").slice(0, 1)) {
      const { standing } = message
      const granted = { granted: true, promised: standing, boundTo: Peer.id("m"), remaining: 0 }
      server.hear(
        says(changed("a", 0), { type: "VOTE", election: "", standing, incarnation: 1_000, ...granted }),
        "unicast"
      )
    }
    assert.isTrue(server.leads)
    const asks = () =>
      server.hear(
        says(changed("b", 0), { type: "ELECTION", election: "", standing: 0, lease: timing.lease }, {
          follows: server.state.election.reign ?? undefined
        }),
        "unicast"
      )
    asks()
    assert.isTrue(server.leads)
    describes(server, { priority: -2 })
    asks()
    assert.isFalse(server.leads)
  })
})
