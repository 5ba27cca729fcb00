import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as MemberLists from "../../src/protocol/membership/MemberLists.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, asks, elsewhere, leaving, member, members, probe, reign, response, says, stands } = Peer

/** `m` is live and these are members. */
const among = (...names: ReadonlyArray<string>) => Server.live({}, names.map((name) => alive(name)))

/** The event of the first removal. */
const removal = (server: Server) => server.tells().find((event) => event.event === "MemberRemoved")

/** Lets a silent server be removed: it is overdue, asked, and lets all questions go by. */
const remove = (server: Server, name: string) => {
  const others = server.members.filter((other) => other !== name)
  server.advance(30_001)
  for (const other of others) server.hear(alive(other))
  server.step({ _tag: "Sweep" })
  server.advance(750)
  assert.notInclude(server.members, name)
  return server.forget()
}

describe("hearing (protocol 4, listening)", () => {
  it("a server not heard before becomes a member, with how it was heard of for evidence", () => {
    const server = Server.live()
    server.hear(alive("a"))
    server.hear(probe("b"))
    server.hear(response("c", "1"), "unicast")
    server.hear(stands("d", 1))
    assert.deepStrictEqual(
      server.tells().map((event) => event.event === "MemberJoined" ? [event.member.name, event.via] : event.event),
      [["a", "heartbeat"], ["b", "probe"], ["c", "response"], ["d", "message"]]
    )
    assert.deepStrictEqual(server.members, ["d", "c", "b", "a"])
  })

  it("any valid message refreshes its sender, and the view stays the very same", () => {
    const server = among("a")
    const { members } = server.state
    server.advance(100).hear(stands("a", 1))
    assert.strictEqual(server.knows("a").heardAt, server.now)
    assert.strictEqual(server.state.members, members)
  })

  it("the heartbeat interval that a member announces is kept, regardless of what it says next", () => {
    const server = among("a")
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 123 }))
    server.hear(stands("a", 1))
    assert.strictEqual(server.knows("a").interval, 123)
  })

  it("a member's address is where its last word came from, but not where it asks from: that socket closes soon", () => {
    const server = among("a")
    server.hear(stands("a", 1), "multicast", elsewhere)
    assert.deepStrictEqual(server.knows("a").address, elsewhere)
    server.hear(asks("a"), "unicast", { ...elsewhere, port: 1 })
    assert.deepStrictEqual(server.knows("a").address, elsewhere)
    server.hear(asks("a"), "unicast", { ip: "192.0.2.77", port: 1 })
    assert.deepStrictEqual(server.knows("a").address, { ip: "192.0.2.77", port: 4001 })
    server.hear(probe("a"), "multicast", Peer.client)
    assert.deepStrictEqual(server.knows("a").address, Peer.client)
  })

  it("one that would be one member too many is dropped and counted", () => {
    const server = Server.live({ timing: { maxMembers: 50 } })
    const many = Array.from(
      { length: 50 },
      (_, i) => member("a", { id: Member.NodeId.make((i + 100).toString(16).padStart(16, "0")) })
    )
    for (const sender of many) server.hear(alive(sender))
    server.forget().hear(alive("a"))
    assert.deepStrictEqual([server.drops(), server.told()], [["MembersFull"], []])
    assert.strictEqual(server.state.members.length, 50)
    server.hear(alive(many[7]!))
    assert.deepStrictEqual(server.drops(), [], "a member is still heard")
  })
})

describe("incarnations (protocol 4)", () => {
  it("a higher one replaces the lower: removed and joined in one step", () => {
    const server = among("a")
    server.hear(alive(member("a", { incarnation: 2_000, priority: 3 })))
    const [removed, joined, ...rest] = server.tells()
    assert.deepInclude(removed, {
      event: "MemberRemoved",
      member: member("a"),
      reason: { _tag: "Replaced", by: 2_000 }
    })
    assert.deepInclude(joined, { event: "MemberJoined", via: "heartbeat" })
    assert.deepStrictEqual(rest, [])
    assert.strictEqual(server.state.members[0]?.priority, 3)
  })

  it("a lower one is stale: dropped, counted, and not acted on", () => {
    const server = among("b")
    const before = server.state
    server.hear(
      says(member("b", { incarnation: 999 }), { type: "ELECTION", election: "", standing: 9 }, {
        follows: reign(9_000_000, "z")
      }),
      "multicast",
      elsewhere
    )
    assert.deepStrictEqual([server.drops(), server.outputs.length], [["Stale"], 1])
    assert.deepStrictEqual(server.state.election, before.election)
    assert.strictEqual(server.state.known, before.known)
  })

  it("who speaks from a member's address under a lower one is told of the higher, at most once in 100 ms", () => {
    const server = among("b")
    const earlier = member("b", { incarnation: 999 })
    server.hear(alive(earlier))
    server.hear(alive(earlier))
    const [send, ...rest] = server.said("MEMBERS")
    assert.deepStrictEqual([send?.to, rest], [earlier, []])
    assert.deepInclude(send?.message.list[0], { id: earlier.id, incarnation: 1_000 })
    server.advance(100).hear(alive(earlier))
    assert.strictEqual(server.said("MEMBERS").length, 1)
  })

  it("one that left and comes back under a lower one is told as well (its clock was set back between two starts)", () => {
    // The story: it was ignored for two memberTimeouts, and thought itself a member all the while.
    const server = among("b")
    server.hear(leaving("b"))
    const earlier = member("b", { incarnation: 999 })
    server.forget().hear(alive(earlier))
    server.hear(alive(earlier))
    const [send, ...rest] = server.said("MEMBERS")
    assert.deepStrictEqual([send?.to, rest], [earlier, []])
    const restarted = Server.live({ self: earlier })
    restarted.hear(send!.message, "unicast")
    assert.strictEqual(restarted.state.self.incarnation, 1_001)
    server.hear(alive(restarted.state.self))
    assert.deepStrictEqual(server.members, ["b"])
  })

  it("its own id and address under a higher one: it goes on above that, and all hear of it at once", () => {
    const server = among("a")
    server.forget().hear(alive(member("m", { incarnation: 5_000 })))
    assert.strictEqual(server.state.self.incarnation, 5_001)
    assert.deepStrictEqual(server.drops(), ["Own"])
    assert.strictEqual(server.said("SERVER_ALIVE")[0]?.message.sender.incarnation, 5_001)
    assert.deepInclude(server.tells()[0], { event: "IncarnationRaised", from: 1_000, to: 5_001 })
  })

  it("its own echo, of this start or an earlier one, is dropped and nothing else", () => {
    const server = among("a")
    server.forget().hear(alive("m"))
    server.hear(alive(member("m", { incarnation: 999 })))
    assert.deepStrictEqual([server.drops(), server.outputs.map((output) => output._tag)], [["Own", "Own"], [
      "Drop",
      "Drop"
    ]])
  })

  it("a list that names it under a higher one tells it as well; of another address, or a lower one, it does not", () => {
    const server = among("a")
    server.hear(members("a", [member("b"), member("m", { incarnation: 999 })]), "unicast")
    server.hear(members("a", [member("m", { incarnation: 5_000, ...elsewhere })]), "unicast")
    assert.strictEqual(server.state.self.incarnation, 1_000)
    server.hear(members("a", [member("b"), member("m", { incarnation: 5_000 })]), "unicast")
    assert.strictEqual(server.state.self.incarnation, 5_001)
    assert.deepStrictEqual(server.said("SERVER_ALIVE").length, 1)
  })

  it("the largest number there is cannot be gone beyond, and is ignored", () => {
    const server = among("a")
    server.hear(alive(member("m", { incarnation: Number.MAX_SAFE_INTEGER })))
    assert.strictEqual(server.state.self.incarnation, 1_000)
    server.hear(alive(member("m", { incarnation: Number.MAX_SAFE_INTEGER - 1 })))
    assert.strictEqual(server.state.self.incarnation, Number.MAX_SAFE_INTEGER)
  })

  it("its own id from another address is a duplicate: told with both addresses, once a heartbeat, never taken in", () => {
    const server = among("a")
    const double = member("m", { hostname: "double" })
    server.hear(alive(double), "multicast", elsewhere)
    server.advance(9_999).hear(alive(double), "multicast", elsewhere)
    assert.deepStrictEqual(server.drops(), ["Duplicate", "Duplicate"])
    const [event, ...rest] = server.tells().filter((event) => event.event === "DuplicateIdentity")
    assert.deepInclude(event, {
      id: double.id,
      ours: "192.0.2.13:4013",
      theirs: "192.0.2.199:4999",
      hostname: "double"
    })
    assert.deepStrictEqual(rest, [])
    server.advance(1).hear(alive(double), "multicast", elsewhere)
    assert.include(server.told(), "DuplicateIdentity")
    assert.deepStrictEqual(server.members, ["a"])
  })
})

describe("the departed (protocol 4)", () => {
  // A random sequence found this: the goodbye of a later start had the earlier one forgotten, and a datagram of one
  // earlier still made it a member.
  it("are not forgotten for the goodbye of a later start that was never met", () => {
    const server = Server.live({}, [Peer.alive("b")])
    server.hear(Peer.leaving("b"))
    server.hear(Peer.leaving(Peer.member("b", { incarnation: 2_000 })))
    server.hear(Peer.alive(Peer.member("b", { incarnation: 999 })))
    assert.deepStrictEqual(server.members, [])
    server.hear(Peer.alive(Peer.member("b", { incarnation: 2_001 })))
    assert.deepStrictEqual(server.members, ["b"])
  })

  it("late datagrams of one that left do not revive it, and nothing is answered", () => {
    const server = among("a", "b")
    server.forget().hear(leaving("a"))
    assert.deepInclude(server.tells()[0], { event: "MemberRemoved", reason: { _tag: "Left" } })
    for (const late of [alive("a"), probe("a"), response("a", "1"), leaving("a"), stands("a", 1)]) server.hear(late)
    assert.deepStrictEqual(server.drops(), Array.from({ length: 5 }, () => "Departed"))
    assert.deepStrictEqual([server.members, server.says()], [["b"], []])
  })

  it("a goodbye of one never heard of makes nobody a member", () => {
    const server = Server.live()
    server.hear(leaving("a"))
    assert.deepStrictEqual([server.members, server.told()], [[], []])
  })

  it("one that left comes back under a higher incarnation, and under its own after two memberTimeouts", () => {
    const server = among("a", "b")
    server.hear(leaving("a"))
    server.hear(leaving("b"))
    server.hear(alive(member("a", { incarnation: 1_001 })))
    assert.deepStrictEqual(server.members, ["a"])
    server.advance(59_999).hear(alive("b"))
    assert.deepStrictEqual(server.members, ["a"])
    server.advance(1).hear(alive("b"))
    assert.deepStrictEqual(server.members, ["b", "a"])
  })

  it("one removed for silence is asked by any datagram of its, three times, and comes back by the answer", () => {
    const server = remove(among("a", "b"), "a")
    server.hear(alive("a"))
    server.hear(alive("a"))
    server.hear(leaving("a"))
    const [send, ...rest] = server.said("SERVER_PROBE")
    assert.deepStrictEqual([send?.to, rest, server.members], [member("a"), [], ["b"]])
    server.hear(response("a", "1"), "unicast")
    assert.deepStrictEqual(server.members, ["b"], "an answer to another question is none")
    server.advance(449)
    assert.deepStrictEqual(server.said("SERVER_PROBE").map(({ message }) => message.nonce), [
      send?.message.nonce,
      send?.message.nonce
    ])
    server.hear(alive("a"))
    assert.deepStrictEqual(server.said("SERVER_PROBE"), [])
    server.advance(1).hear(alive("a"))
    const [again] = server.said("SERVER_PROBE")
    assert.notStrictEqual(again?.message.nonce, send?.message.nonce)
    server.hear(response("a", again!.message.nonce), "unicast")
    assert.deepStrictEqual(server.members, ["b", "a"])
    server.advance(450)
    assert.deepStrictEqual(server.said("SERVER_PROBE"), [], "who has answered is not asked again")
  })

  // Two halves of a split remove each other. Had each only asked and never answered, they would have stayed apart until
  // both had forgotten, a minute after the heal.
  it("one removed for silence has its own direct question answered, so that two who removed each other both return", () => {
    const server = remove(among("a", "b"), "a")
    server.hear(asks("a", "7"), "unicast", { ip: "192.0.2.1", port: 1 })
    const [answer, ...rest] = server.said("SERVER_RESPONSE")
    const { ip, port } = member("a")
    assert.deepStrictEqual([answer?.message.nonce, answer?.to, rest], ["7", { ip, port }, []])
    assert.deepStrictEqual(server.members, ["b"], "a question proves nothing of who asks it")
  })

  it("of one removed for silence, neither a multicast question nor one of an earlier start is answered", () => {
    const server = remove(among("a", "b"), "a")
    server.hear(probe("a", "7"), "multicast")
    server.hear(probe(member("a", { incarnation: 999 }), "8"), "unicast")
    assert.deepStrictEqual(server.said("SERVER_RESPONSE"), [])
  })

  it("are forgotten by the sweep when their time is over", () => {
    const server = among("a")
    server.hear(leaving("a"))
    server.advance(59_999).step({ _tag: "Sweep" })
    assert.strictEqual(HashMap.size(server.state.tombstones), 1)
    server.advance(1).step({ _tag: "Sweep" })
    assert.strictEqual(HashMap.size(server.state.tombstones), 0)
  })
})

describe("health monitoring (protocol 4)", () => {
  it("nobody is removed before memberTimeout, and the silent one within a sweep and five questions after it: (30, 46] s", () => {
    for (let offset = 0; offset < 15_000; offset += 1_499) {
      const server = among("a", "b")
      const heardAt = server.now
      server.hear(alive("b"))
      server.advance(offset)
      while (server.members.includes("b") && server.now < 100_000) {
        server.step({ _tag: "Sweep" })
        for (let time = 0; time < 15_000 && server.members.includes("b"); time += 50) {
          server.hear(alive("a"))
          server.advance(50)
        }
      }
      const silence = server.now - heardAt
      assert.isTrue(silence > 30_000 && silence <= 46_000, `removed after ${silence} ms`)
      assert.strictEqual(removal(server)?.reason._tag, "Silent")
      assert.deepStrictEqual(server.members, ["a"])
    }
  })

  it("a silent one is asked five times, probeTimeout apart, with one nonce, and stays until the last has gone by", () => {
    const server = among("a")
    server.advance(30_001).step({ _tag: "Sweep" })
    const asked: Array<number> = []
    const nonces = new Set<string>()
    const start = server.now
    while (server.members.length > 0) {
      for (const { message, to } of server.said("SERVER_PROBE")) {
        asked.push(server.now - start)
        nonces.add(message.nonce)
        assert.strictEqual(to, server.knows("a").address)
      }
      server.advance(10)
    }
    assert.deepStrictEqual([asked, nonces.size, server.now - start], [[0, 150, 300, 450, 600], 1, 750])
    assert.deepInclude(removal(server), {
      reason: { _tag: "Silent", for: 31_051, lastHeardOn: "multicast", ownLag: 0 }
    })
  })

  it("a question that our own system did not let us ask is none: five others must go by before the silent one is removed", () => {
    const server = among("a")
    server.advance(30_001).step({ _tag: "Sweep" })
    for (let times = 0; times < 100; times++) {
      server.step({ _tag: "NotAsked", id: Peer.id("a") })
      server.advance(150)
    }
    assert.deepStrictEqual([server.members, server.checked], [["a"], ["a"]])
    server.advance(600)
    assert.deepStrictEqual(server.members, ["a"])
    server.advance(150)
    assert.deepStrictEqual(server.members, [])
    assert.strictEqual(removal(server)?.reason._tag, "Silent")
  })

  it("one more question that was not asked than there were makes none of those that follow", () => {
    const server = among("a")
    server.step({ _tag: "NotAsked", id: Peer.id("a") })
    assert.deepStrictEqual(server.checked, [])
    server.advance(30_001).step({ _tag: "Sweep" })
    for (let times = 0; times < 3; times++) server.step({ _tag: "NotAsked", id: Peer.id("a") })
    server.advance(750)
    assert.deepStrictEqual(server.members, ["a"])
    server.advance(150)
    assert.deepStrictEqual(server.members, [])
  })

  it("any word of its ends the questions", () => {
    const server = among("a")
    server.advance(30_001).step({ _tag: "Sweep" })
    server.advance(700).hear(stands("a", 1), "unicast")
    server.advance(10_000)
    assert.deepStrictEqual([server.members, server.checked], [["a"], []])
  })

  it("one that announces a longer interval is given three of them", () => {
    const server = among("a")
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 20_000 }))
    server.advance(60_000).step({ _tag: "Sweep" })
    server.advance(749)
    server.hear(alive("b"))
    assert.include(server.members, "a")
    server.advance(1)
    assert.notInclude(server.members, "a")
  })

  it("one whose heartbeat is overdue is asked early, but only a refusal removes it before its time", () => {
    const server = among("a")
    server.advance(14_700).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, [])
    server.advance(1).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, ["a"])
    server.step({ _tag: "Sweep" })
    server.advance(750)
    assert.deepStrictEqual([server.members, server.checked], [["a"], []])
  })

  it("a hint joins the questions that are under way: then five are enough for it to lead no more", () => {
    const server = Server.live({}, [alive("a"), alive("z", reign(50, "z"))])
    server.advance(15_001).hear(alive("a"))
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, ["z"])
    server.hear(stands("a", 77))
    server.advance(750)
    assert.deepStrictEqual([server.members, server.follows], [["z", "a"], null])
  })

  it("a host that refuses the question twice: its server crashed; once, or where nothing was asked, is no evidence", () => {
    const server = among("a", "b")
    server.step({ _tag: "Refused", id: Peer.id("a") })
    server.step({ _tag: "Refused", id: Peer.id("a") })
    assert.deepStrictEqual(server.members, ["b", "a"])
    server.advance(15_001).hear(alive("b"))
    server.step({ _tag: "Sweep" })
    server.step({ _tag: "Refused", id: Peer.id("a") })
    assert.deepStrictEqual(server.members, ["b", "a"])
    // One question, said twice.
    server.step({ _tag: "Refused", id: Peer.id("a") })
    assert.deepStrictEqual(server.members, ["b", "a"])
    server.advance(150).forget().step({ _tag: "Refused", id: Peer.id("a") })
    assert.deepStrictEqual(server.members, ["b"])
    assert.deepInclude(server.tells()[0], {
      event: "MemberRemoved",
      reason: { _tag: "Crashed", evidence: "192.0.2.1 refuses port 4001" }
    })
  })

  it("how late its own watch ran at worst is told with a removal: since the sweep before the last", () => {
    for (const [sweeps, ownLag] of [[1, 3_900], [2, 0]] as const) {
      const server = among("a")
      server.advance(28_600).step({ _tag: "Sweep" })
      // It has asked whether the member lives, and would have looked for the answer 150 ms later.
      server.freeze(4_050).step({ _tag: "CheckPause" })
      for (let sweep = 0; sweep < sweeps; sweep += 1) server.step({ _tag: "Sweep" })
      server.advance(750)
      assert.deepInclude(removal(server)?.reason, { _tag: "Silent", ownLag })
    }
  })

  it("one heard by unicast only is kept by unicast questions with each heartbeat, and told once", () => {
    const server = among("a", "b")
    server.advance(30_001)
    server.hear(response("a", "1"), "unicast")
    server.hear(alive("b"))
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE", "SERVER_PROBE to a"])
    assert.deepStrictEqual(server.told(), ["UnicastOnly"])
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([server.says(), server.told()], [
      ["SERVER_ALIVE", "SERVER_ALIVE to a", "SERVER_PROBE to a"],
      []
    ])
    server.hear(alive("a"))
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE"])
    assert.isFalse(server.knows("a").unicastOnly)
  })

  it("one that answered once and is silent since is asked in the same way, and not told of as heard by unicast", () => {
    const server = among("a")
    server.hear(response("a", "1"), "unicast")
    server.advance(30_001).forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([server.says(), server.told()], [["SERVER_ALIVE", "SERVER_PROBE to a"], []])
    server.hear(response("a", "2"), "unicast")
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.told(), ["UnicastOnly"])
  })

  it("one that is silent altogether is none of these", () => {
    const server = among("a")
    server.advance(30_001).forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([server.says(), server.told()], [["SERVER_ALIVE"], []])
  })
})

describe("everyone", () => {
  it("includes oneself, at any rank", () => {
    const names = (server: Server) => MemberLists.everyone(server.state).map((member) => member.name)
    assert.deepStrictEqual(names(among()), ["m"])
    assert.deepStrictEqual(names(among("a", "z")), ["z", "m", "a"])
    assert.deepStrictEqual(names(among("y", "z")), ["z", "y", "m"])
    assert.deepStrictEqual(names(among("a", "b")), ["m", "b", "a"])
  })
})
