/**
 * A server that goes on at another address: it is where it is heard, it is told once, it leads on, and what it said before it
 * moved and comes late does not take it back (protocol, Where a server is).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Identity from "../../src/protocol/membership/Identity.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { Body } from "../../src/protocol/model/Output.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, member, reign, says } = Peer

const old = { ip: "192.0.2.26", port: 4026 }
const other = { ip: "192.0.2.99", port: 4026 }

/** What a server says after its addresses have changed so often. */
const after = (moved: number, message: Message.FromServer): Message.FromServer => ({ ...message, moved })

/** `z` at its new address. */
const z = member("z", other)

const lease = { groupSize: 3, duration: 30_000, drift: 0.01 }
/** One of each kind of message that a server says. */
const bodies: ReadonlyArray<Body> = [
  { type: "SERVER_ALIVE", interval: 10_000 },
  { type: "SERVER_PROBE", nonce: "1" },
  { type: "SERVER_PROBE", nonce: "1", port: 4026 },
  { type: "SERVER_RESPONSE", nonce: "1", interval: 10_000 },
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

/** `m` follows `z`, and knows `a`. */
const following = () => Server.live({}, [alive("a"), alive("z", reign(50, "z"))])

const moves = (server: Server) => server.tells().filter((event) => event.event === "MemberMoved")

describe("a member that has moved", () => {
  it("is at its new address in the view, as the same start, and leads on: told once, and nothing else is", () => {
    const server = following()
    server.hear(after(1, alive(z, reign(50, z))), "multicast", other)
    assert.deepStrictEqual(server.tells().map(({ at: _, ...event }) => event), [
      { event: "MemberMoved", member: z, from: "192.0.2.26:4026" }
    ])
    assert.deepStrictEqual(server.state.members, [z, member("a")])
    assert.deepStrictEqual(server.state.election.reign, reign(50, z))
    assert.deepStrictEqual(Step.view(server.state).members, [z, member("m"), member("a")])
    assert.deepStrictEqual([server.knows("z").address, server.knows("z").member], [other, z])
    server.hear(after(1, alive(z, reign(50, z))), "multicast", other)
    assert.deepStrictEqual(server.told(), [])
  })

  it.each(bodies)("repeated or reordered, $type takes it to the new address and not back to the old", (body) => {
    const server = following()
    const isQuestion = body.type === "SERVER_PROBE" && body.port !== undefined
    const from = (address: Member.Address) => isQuestion ? { ip: address.ip, port: 9 } : address
    const before = says("z", body, { follows: reign(50, "z") })
    const now = after(1, says(z, body, { follows: reign(50, z) }))
    server.hear(before, "multicast", from(old))
    for (const [message, source] of [[now, other], [before, old], [now, other], [before, old]] as const) {
      server.hear(message, "unicast", from(source))
      assert.deepStrictEqual(server.knows("z").address, other)
    }
    assert.strictEqual(moves(server).length, 1)
    assert.deepStrictEqual([server.state.members[0], server.state.election.reign?.leader.ip], [z, other.ip])
  })

  it("says late what it said before it moved: a sign of life, and an answer to it goes to where it came from", () => {
    const server = following()
    server.hear(after(1, alive(z, reign(50, z))), "multicast", other)
    server.advance(14_000).forget().hear(Peer.probe("z", "7"), "unicast", old)
    assert.strictEqual(server.knows("z").heardAt, server.now)
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").map(({ to }) => to), [old])
  })

  it("of which only other sockets have changed is told of nothing, and is where it is heard", () => {
    const server = following()
    server.hear(after(2, alive("z", reign(50, "z"))), "multicast", other)
    assert.deepStrictEqual([server.told(), server.knows("z").address, server.state.members[0]], [
      [],
      other,
      member("z")
    ])
  })

  it("is not taken elsewhere by what another says of where it leads", () => {
    const server = following()
    server.hear(alive("a", reign(50, z)))
    server.hear(alive("a", reign(60, z)))
    assert.deepStrictEqual(server.state.election.reign, reign(60, "z"))
    assert.deepStrictEqual([server.knows("z").address.ip, moves(server)], [old.ip, []])
  })

  it("that was removed meanwhile is asked at its new address, and returns there by answering", () => {
    const server = following()
    server.advance(31_000).hear(alive("a"))
    server.step({ _tag: "Sweep" })
    server.advance(750)
    assert.notInclude(server.members, "z")
    server.forget().hear(after(1, alive(z)), "multicast", other)
    const [question] = server.said("SERVER_PROBE")
    assert.deepStrictEqual(question?.to, other)
    server.hear(after(1, Peer.response(z, question!.message.nonce)), "unicast", other)
    server.hear(alive("z"), "multicast", old)
    assert.deepStrictEqual([server.state.members[0], server.knows("z").address], [z, other])
  })

  it("is named in lists and as the leader where it is heard, regardless of what it announced", () => {
    const server = following()
    server.hear(alive("z", reign(50, "z")), "multicast", other)
    server.forget().hear({ type: "MEMBERS_ASK", nonce: "1", page: 0 }, "unicast", Peer.client)
    const [page] = server.said("MEMBERS")
    assert.deepInclude(page?.message.leader, other)
    assert.deepStrictEqual(page?.message.list.map(({ ip }) => ip), [other.ip, "192.0.2.13", "192.0.2.1"])
    server.step({ _tag: "Heartbeat" })
    assert.deepInclude(server.said("SERVER_ALIVE")[0]?.message.leader, other)
  })
})

describe("a member that announces the loopback address to another host, since it has only just got another", () => {
  const local = { ip: "127.0.0.1", port: 4026 }

  it("is where it is heard in the view, in events and as the leader, and what it says next moves it nowhere", () => {
    const server = Server.live({}, [alive("a")])
    const before = member("z", local)
    server.hear(alive(before, reign(5_000_000, before)), "multicast", other)
    assert.deepStrictEqual(server.state.members[0], z)
    assert.deepStrictEqual(server.state.election.reign, reign(5_000_000, z))
    assert.deepInclude(server.tells()[0], { event: "MemberJoined", member: z })
    server.hear(after(1, alive(z, reign(5_000_000, z))), "multicast", other)
    assert.deepStrictEqual(server.told(), [])
  })

  it("where it was known at another address, it is moved to where it is heard", () => {
    const server = following()
    server.hear(after(1, alive(member("z", local))), "multicast", other)
    assert.deepStrictEqual(server.state.members[0], z)
  })

  it("on this host it is where it says", () => {
    const server = Server.live({}, [])
    server.hear(alive(member("z", local)), "multicast", local)
    assert.deepStrictEqual(server.state.members[0], member("z", local))
  })
})

describe("a server whose own sockets move", () => {
  const moved = (server: Server, ...addresses: ReadonlyArray<Member.Address>) => {
    server.forget().step({ _tag: "Moved", addresses })
    return server
  }
  const live = () => Server.live({}, [alive("a")]).advance(5).forget()
  const here = { ip: "192.0.2.13", port: 4013 }

  it("asks each member by unicast, twice, since one that hears no multicast would look for it where it was", () => {
    const asked = (server: Server) =>
      server.said("SERVER_PROBE").flatMap(({ message, to }) =>
        to === null ? [] : [[to.ip, message.nonce, message.sender.ip]]
      )
    const server = moved(Server.live({}, [alive("a"), alive("b")]), other)
    const first = asked(server)
    assert.sameMembers(first.map(([to]) => to), ["192.0.2.1", "192.0.2.2"])
    assert.isTrue(first.every(([, , ip]) => ip === other.ip))
    assert.deepStrictEqual(asked(server.forget().advance(149)), [])
    assert.sameDeepMembers(asked(server.advance(1)), first)
    assert.deepStrictEqual(asked(server.advance(1_000)), [])
  })

  it("announces the first of them at once, as the same start, and leads on in its reign", () => {
    const server = live()
    const { election: { reign: before }, self } = server.state
    moved(server, other, here)
    const now = { ...self, ...other }
    assert.deepStrictEqual(server.state.self, now)
    assert.deepStrictEqual(server.state.election.reign, { term: before?.term, leader: { ...before?.leader, ...other } })
    assert.deepStrictEqual(moves(server).map(({ at: _, ...event }) => event), [
      { event: "MemberMoved", member: now, from: "192.0.2.13:4013" }
    ])
    const said = server.said("SERVER_ALIVE")[0]?.message
    assert.deepInclude(said, { sender: now, moved: 1 })
    assert.deepInclude(said?.leader, other)
    server.step({ _tag: "Heartbeat" })
    assert.strictEqual(server.said("SERVER_ALIVE")[0]?.message.moved, 1)
  })

  it("says so and asks who is there three times, since its sockets may not be open again", () => {
    const server = moved(live(), other)
    server.advance(150)
    const said = server.says()
    for (const type of ["SERVER_ALIVE", "SERVER_PROBE"]) {
      assert.strictEqual(said.filter((one) => one === type).length, 3, type)
    }
  })

  it("of which the first stays says that it has moved, and announces what it did", () => {
    const server = moved(live(), here, other)
    assert.deepStrictEqual(server.state.self, member("m"))
    assert.deepStrictEqual([server.told(), server.said("SERVER_ALIVE")[0]?.message.moved], [[], 1])
    moved(server, here)
    assert.deepInclude(server.said("SERVER_ALIVE")[0]?.message, { moved: 2, sender: member("m") })
  })

  it.each([
    ["to where they were", [here]],
    ["to nowhere", []]
  ])("%s: nothing is told, and it announces what it did", (_, addresses) => {
    const server = moved(live(), ...addresses)
    assert.deepStrictEqual([server.state.self, server.told()], [member("m"), []])
  })

  it("says nothing of it while it leaves", () => {
    const server = live()
    server.step({ _tag: "Leave" })
    moved(server, other)
    assert.deepStrictEqual([server.said("SERVER_ALIVE"), server.said("SERVER_PROBE")], [[], []])
  })

  it("announces an address of a link without its zone (protocol, Sockets)", () => {
    const server = moved(live(), { ip: "fe80::1%eth0", port: 4013 })
    assert.strictEqual(server.state.self.ip, "fe80::1")
  })

  it("knows its own words from its new address, and for a `memberTimeout` from its old one", () => {
    const server = moved(live(), other)
    server.hear(alive("m"), "multicast", other)
    server.hear(alive("m"), "multicast", here)
    assert.deepStrictEqual([server.drops(), server.told().filter((name) => name === "DuplicateIdentity")], [
      ["Own", "Own"],
      []
    ])
    server.advance(server.state.timing.memberTimeout + 1)
    server.hear(alive("m"), "multicast", here)
    assert.deepStrictEqual([server.drops(), server.told()], [["Duplicate"], ["DuplicateIdentity"]])
  })

  it("tells of another start under its id at its old address at once: that is no word of its own", () => {
    const server = moved(live(), other)
    server.hear(alive(member("m", { incarnation: 2_000 })), "multicast", here)
    assert.deepStrictEqual([server.drops(), server.told().at(-1)], [["Duplicate"], "DuplicateIdentity"])
    assert.strictEqual(server.state.self.incarnation, 1_000)
  })

  it("remembers no more than 64 former addresses", () => {
    const server = live()
    for (let port = 1; port <= 100; port++) moved(server, { ip: "192.0.2.13", port })
    assert.strictEqual(server.state.identity.former.length, 64)
    assert.strictEqual(Identity.make(0).former.length, 0)
  })

  it("asks the seed at its old address again, where another may be by now", () => {
    const server = Server.live({ timing: { multicast: false }, seeds: [here] })
    server.step({ _tag: "Discover" })
    assert.deepStrictEqual(server.says(), [])
    moved(server, other).advance(1_000).forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.sent.map(({ to }) => to), [here])
  })
})

describe("what is told to other hosts", () => {
  const local = { ip: "127.0.0.1", port: 4026 }

  it("names no loopback address: a leader that is heard there is where it says that it is", () => {
    const server = following()
    server.hear(alive("z", reign(50, "z")), "multicast", local)
    server.forget().hear(Peer.joins("c"), "unicast", Peer.client)
    assert.deepInclude(server.said("COORDINATOR")[0]?.message.leader, old)
  })

  it("names nowhere for a leader that only this host can reach, and lists it so", () => {
    const server = Server.live({}, [alive("a")])
    const here = member("z", local)
    server.hear(alive(here, reign(5_000_000, here)), "multicast", local)
    server.forget().hear({ type: "MEMBERS_ASK", nonce: "1", page: 0 }, "unicast", Peer.client)
    const [page] = server.said("MEMBERS")
    assert.strictEqual(page?.message.leader?.ip, "0.0.0.0")
    assert.deepStrictEqual(page?.message.list.map(({ ip }) => ip), ["0.0.0.0", "192.0.2.13", "192.0.2.1"])
    server.hear({ type: "MEMBERS_ASK", nonce: "1", page: 0 }, "unicast", { ip: "127.0.0.1", port: 9 })
    assert.strictEqual(server.said("MEMBERS")[0]?.message.leader?.ip, "127.0.0.1")
  })

  it("is not asked at where it cannot be: neither a leader that is heard of, nor one on a list", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.step({ _tag: "Discover" })
    const { nonce } = server.said("SERVER_PROBE")[0]!.message
    server.hear(Peer.response("a", nonce), "unicast")
    server.advance(100).forget()
    const asked = () => server.said("SERVER_PROBE").flatMap(({ to }) => to === null ? [] : [to])
    server.hear(alive("a", reign(50, member("z", local))))
    assert.deepStrictEqual(asked(), [])
    const list = Peer.members("a", [member("z", local), member("y"), member("b", { ip: "0.0.0.0" })])
    server.hear({ ...list, nonce }, "unicast", { ip: "192.0.2.1", port: 4001 })
    assert.deepStrictEqual(asked(), [{ ip: "192.0.2.25", port: 4025 }])
  })

  it("of itself a list says what it likes: the speaker is asked at where its list came from", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.step({ _tag: "Discover" })
    const { nonce } = server.said("SERVER_PROBE")[0]!.message
    server.hear(Peer.response("a", nonce), "unicast", other)
    server.advance(100)
    // Another start of it, say, that we have not heard yet.
    server.hear(Peer.leaving("a"), "multicast", other)
    server.forget().hear({ ...Peer.members("a", [member("a", local)]), nonce }, "unicast", other)
    assert.deepStrictEqual(server.said("SERVER_PROBE").map(({ to }) => to), [other])
  })
})
