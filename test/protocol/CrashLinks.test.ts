/** Crash links: which there are, what their break means, and what others are told (protocol, crash links). */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { LinkPeer } from "../../src/protocol/model/Output.ts"
import type * as Step from "../../src/protocol/Step.ts"
import { alive, id, leaving, member, nameOfId, reign, response, says } from "./harness/Peer.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const tcp = 40_000
const linked = (name: string, change: Partial<Member.Member> = {}): Member.Member => member(name, { tcp, ...change })

/** `m` among these, which follow a leader if one is named; all accept links. */
const among = (names: string, leader?: string, options: Options = {}): Server =>
  Server.live(
    { self: linked("m"), ...options },
    names.split("").map((name) => alive(linked(name), leader === undefined ? undefined : reign(50, linked(leader))))
  )

const start = (name: string, incarnation = 1_000) => ({ id: id(name), incarnation })
const up = (name: string, incarnation?: number): Step.Input => ({ _tag: "LinkUp", ...start(name, incarnation) })
const broke = (name: string, incarnation?: number): Step.Input => ({ _tag: "LinkBroke", ...start(name, incarnation) })
const tried = (name: string, outcome: "Refused" | "Inconclusive" = "Refused", incarnation?: number): Step.Input => ({
  _tag: "LinkTried",
  ...start(name, incarnation),
  outcome
})
const refused = (name: string): Step.Input => ({ _tag: "Refused", id: id(name) })
const crashed = (by: string, name: string, incarnation?: number): Message.FromServer =>
  says(linked(by), { type: "CRASHED", gone: start(name, incarnation) })

const kept = (server: Server): ReadonlyArray<string> | undefined => {
  const last = server.outputs.findLast((output) => output._tag === "KeepLinks")
  return last?._tag === "KeepLinks" ? last.peers.map((peer) => nameOfId(peer.id)) : undefined
}
const peers = (server: Server): ReadonlyArray<LinkPeer> =>
  server.outputs.flatMap((output) => output._tag === "KeepLinks" ? output.peers : [])
const triedOut = (server: Server): ReadonlyArray<string> =>
  server.outputs.flatMap((output) => output._tag === "TryLink" ? [nameOfId(output.peer.id)] : [])
const asked = (server: Server): ReadonlyArray<string> =>
  server.outputs.flatMap((output) => output._tag === "Ask" ? [nameOfId(output.id)] : [])
const removals = (server: Server): ReadonlyArray<string> =>
  server.events.flatMap((event) => event.event === "MemberRemoved" ? [`${event.member.name} ${event.reason._tag}`] : [])

/** Of `m`, which follows `z`, has a link with it, and is asked for nothing by that. */
const withLink = (name = "z", names = "abz", leader = "z", options: Options = {}): Server => {
  const server = among(names, leader, options).advance(2_000)
  server.step(up(name))
  server.outputs.length = 0
  return server.forget()
}

describe("which links there are (protocol, crash links)", () => {
  it.each([
    ["abz", ["z"]],
    ["no", ["n", "o"]],
    ["ab", []],
    ["kn", ["n"]],
    ["an", ["n"]],
    ["kxyz", ["x", "z"]],
    ["xyz", ["x", "z"]]
  ])("of m among %s, opened by m: %s", (names, wanted) => {
    const highest = names.at(-1)!
    const server = among(names, highest > "m" ? highest : undefined).advance(2_000)
    assert.deepStrictEqual(kept(server) ?? [], wanted)
  })

  it("the ring is one of ids, regardless of rank", () => {
    const server = Server.live({ self: linked("m") }, [
      alive(linked("n", { priority: 1 }), reign(50, linked("n", { priority: 1 }))),
      alive(linked("z")),
      alive(linked("o"))
    ])
    assert.deepStrictEqual(kept(server.advance(2_000)), ["n", "z"])
  })

  it("members that announce no port are in no ring; who announces none keeps none", () => {
    const server = Server.live({ self: linked("m") }, [alive("n"), alive(linked("o"))]).advance(2_000)
    assert.deepStrictEqual(kept(server), ["o"])
    const without = Server.live({}, [alive(linked("n"))]).advance(2_000)
    assert.isUndefined(kept(without))
  })

  it("the eight highest ranked besides the leader keep one to it, and it to them", () => {
    const high = (names: string) => names.split("").map((name) => linked(name, { priority: 1 }))
    const follows = (highest: string): Server =>
      Server.live({ self: linked("m") }, [
        ...high(highest).map((one) => alive(one, reign(50, linked("z", { priority: 2 })))),
        alive(linked("z", { priority: 2 }), reign(50, linked("z", { priority: 2 })))
      ]).advance(2_000)
    assert.include(kept(follows("abcdefg")) ?? [], "z")
    // It ranks ninth: of the ring it has the one before it and, in a ring, the one after it.
    assert.notInclude(kept(follows("abcdefgo")) ?? [], "z")
    const leads = Server.live(
      { self: linked("m", { priority: 9 }) },
      "nopqrstuvwxyz".split("").map((name) => alive(linked(name)))
    )
    assert.deepStrictEqual(kept(leads.advance(2_000)), ["n", "s", "t", "u", "v", "w", "x", "y", "z"])
  })

  it("are opened where the member is heard from, at the port that it announces", () => {
    const server = Server.live({ self: linked("m") })
    server.hear(alive(linked("n")), "multicast", Peer.elsewhere)
    server.advance(2_000)
    assert.deepStrictEqual(peers(server)[0], { ...start("n"), address: { ip: Peer.elsewhere.ip, port: tcp } })
  })

  it("change within a second of a change, not again for as long, and by a heartbeat where that is shorter", () => {
    for (const heartbeatInterval of [10_000, 200]) {
      const server = among("n", undefined, { timing: { heartbeatInterval } })
      const most = Math.min(1_000, heartbeatInterval)
      server.advance(2 * most)
      assert.deepStrictEqual(kept(server), ["n"])
      server.step(up("n"))
      const changedAt = server.state.crashLinks.changedAt
      server.hear(alive(linked("o")))
      server.advance(changedAt + most - server.now - 1)
      assert.deepStrictEqual(kept(server), ["n"])
      server.advance(most + 1)
      assert.deepStrictEqual(kept(server), ["n", "o"])
    }
  })

  it("one that is not up is tried again, and where all are up nothing more is due for them", () => {
    const server = among("n").advance(1_000)
    const before = peers(server).length
    server.advance(2_000)
    assert.isAbove(peers(server).length, before)
    server.step(up("n"))
    server.advance(2_000)
    const settled = peers(server).length
    server.advance(20_000)
    assert.strictEqual(peers(server).length, settled)
    assert.isFalse(server.state.timers.some(({ key }) => key === "links"))
  })

  it("a server that has moved opens its links anew, and one with none of its own does nothing", () => {
    const addresses = [{ ip: "192.0.2.99", port: 4_013 }]
    const server = among("noz").advance(2_000)
    for (const name of ["n", "z"]) server.step(up(name))
    assert.isNotEmpty(kept(server) ?? [])
    const before = kept(server)
    server.forget().step({ _tag: "Moved", addresses })
    assert.deepStrictEqual(kept(server), [])
    // As the network tells of those that are closed.
    for (const name of ["n", "z"]) server.step({ _tag: "LinkLeft", ...start(name) })
    server.forget().advance(2_000)
    assert.deepStrictEqual(kept(server), before)
    const accepting = among("ab").advance(2_000).forget()
    accepting.step({ _tag: "Moved", addresses })
    assert.isUndefined(kept(accepting))
  })

  it("a member that has moved, or started again, is connected to anew", () => {
    const server = among("n").advance(2_000)
    server.step(up("n"))
    server.hear(says(linked("n", { ip: "192.0.2.77" }), { type: "SERVER_ALIVE", interval: 10_000 }, {}), "multicast")
    server.hear({ ...alive(linked("n", { ip: "192.0.2.77" })), moved: 1 }, "multicast", {
      ip: "192.0.2.77",
      port: 4014
    })
    server.advance(2_500)
    assert.strictEqual(peers(server).at(-1)?.address.ip, "192.0.2.77")
    server.hear(alive(linked("n", { incarnation: 2_000 })))
    server.advance(2_500)
    assert.strictEqual(peers(server).at(-1)?.incarnation, 2_000)
    assert.strictEqual(HashMap.size(server.state.crashLinks.links), 0)
  })

  it("who leaves changes none any more", () => {
    const server = among("n")
    server.step({ _tag: "Leave" })
    server.advance(3_000)
    assert.isUndefined(kept(server))
  })
})

describe("a break (protocol, crash links)", () => {
  it("has the member asked at once; its two ports refused, in either order, it has crashed, and whose turn it is leads", () => {
    for (const order of ["tcp first", "udp first"]) {
      const server = withLink()
      server.step(broke("z"))
      assert.deepStrictEqual(asked(server), ["z"])
      const [first, second] = order === "tcp first"
        ? [tried("z"), refused("z")] as const
        : [refused("z"), tried("z")] as const
      server.step(first)
      assert.deepStrictEqual(removals(server), [])
      server.step(second)
      assert.deepStrictEqual(removals(server), ["z Crashed"])
      assert.deepInclude(server.events.find((event) => event.event === "MemberRemoved"), {
        reason: { _tag: "Crashed", evidence: "192.0.2.26 refuses ports 4026 (UDP) and 40000 (TCP)" }
      })
      server.advance(0)
      assert.deepStrictEqual([server.leads, server.said("ELECTION").length], [true, 0])
    }
  })

  it("a refused connection is one refusal, however often: without one of the UDP port it is no crash", () => {
    const server = withLink()
    server.step(broke("z"))
    for (let times = 0; times < 3; times++) server.step(tried("z"))
    server.advance(1_000)
    assert.deepStrictEqual(removals(server), [])
    assert.isAtLeast(asked(server).length, 5)
  })

  it("a link that was given up is none: its break is not waited for, and it is opened anew", () => {
    const server = withLink()
    server.step({ _tag: "LinkLeft", ...start("z", 999) })
    server.step({ _tag: "LinkLeft", ...start("z") })
    server.step({ _tag: "LinkLeft", ...start("z") })
    server.step(broke("z"))
    assert.deepStrictEqual(asked(server), [])
    server.hear(crashed("a", "z"))
    assert.deepStrictEqual(triedOut(server), ["z"])
    server.hear(alive(linked("z"), reign(50, linked("z"))))
    server.advance(2_500)
    assert.deepStrictEqual(kept(server), ["z"])
  })

  it("given up after its break it is still found out", () => {
    const server = withLink()
    for (const input of [broke("z"), { _tag: "LinkLeft", ...start("z") } as const, tried("z"), refused("z")]) {
      server.step(input)
    }
    assert.deepStrictEqual(removals(server), ["z Crashed"])
  })

  it("the UDP port that was asked when the link broke has 3 ms to refuse, and is asked again then, unless it lives", () => {
    for (const lives of [false, true]) {
      const server = withLink()
      server.step(broke("z"))
      server.step(tried("z"))
      assert.deepStrictEqual(asked(server), ["z"])
      server.advance(1)
      if (lives) server.hear(alive(linked("z"), reign(50, linked("z"))))
      server.advance(2)
      assert.deepStrictEqual(asked(server), lives ? ["z"] : ["z", "z"])
    }
  })

  it("asked longer ago, the UDP port is asked again at once", () => {
    const server = withLink()
    server.step(broke("z"))
    server.advance(4).step(tried("z"))
    assert.deepStrictEqual(asked(server), ["z", "z"])
  })

  it("a question that was said twice is refused once", () => {
    const server = withLink()
    server.step(broke("z"))
    server.step(refused("z"))
    server.step(refused("z"))
    assert.deepStrictEqual(removals(server), [])
  })

  it("silence of the UDP port is no evidence: the five questions are judged as ever", () => {
    const server = withLink("z", "abz", "z", { timing: { memberTimeout: 30_000 } })
    server.step(broke("z"))
    server.step(tried("z"))
    server.advance(10_000)
    assert.deepStrictEqual(removals(server), [])
  })

  it.each(
    [
      ["inconclusive", (server: Server) => server.step(tried("z", "Inconclusive"))],
      ["of an earlier start", (server: Server) => server.step(tried("z", "Refused", 999))]
    ] as const
  )("what comes of connecting again is no evidence where it is %s", (_, happens) => {
    const server = withLink()
    server.step(broke("z"))
    happens(server)
    server.step(refused("z"))
    assert.deepStrictEqual(removals(server), [])
    assert.isTrue(HashMap.has(server.state.checks, id("z")))
  })

  it("one that never was up tells nothing, nor does one of another start, nor of who is no member", () => {
    const server = among("abz", "z").advance(2_000)
    server.outputs.length = 0
    for (const input of [broke("z"), tried("z"), up("z", 999), broke("z", 999), up("y"), broke("y"), tried("y")]) {
      server.step(input)
    }
    server.step(up("z"))
    server.step(broke("z", 999))
    server.step(tried("z"))
    server.step(refused("z"))
    assert.deepStrictEqual([asked(server), removals(server)], [[], []])
  })

  it("a word of the member ends it; refused once more after that, it has crashed all the same", () => {
    const server = withLink()
    server.step(broke("z"))
    server.step(refused("z"))
    server.hear(alive(linked("z"), reign(50, linked("z"))))
    server.step(tried("z"))
    assert.deepStrictEqual([removals(server), triedOut(server)], [[], ["z"]])
    server.step(tried("z"))
    server.step(refused("z"))
    assert.deepStrictEqual(removals(server), ["z Crashed"])
  })

  it("a word of the member after it was tried once more ends the matter", () => {
    const server = withLink()
    server.step(broke("z"))
    for (const _ of [1, 2]) {
      server.hear(alive(linked("z"), reign(50, linked("z"))))
      server.step(tried("z"))
    }
    server.step(refused("z"))
    assert.deepStrictEqual([removals(server), triedOut(server)], [[], ["z"]])
  })

  it("a member that announces no port any more is not tried once more", () => {
    const server = withLink("n", "n", "n")
    server.state = {
      ...server.state,
      known: HashMap.modify(server.state.known, id("n"), (known) => ({ ...known, member: member("n") }))
    }
    server.step(broke("n"))
    server.hear(alive(linked("n"), reign(50, linked("n"))))
    server.step(tried("n"))
    assert.deepStrictEqual([removals(server), triedOut(server)], [[], []])
  })

  it("a link that is up again ends it", () => {
    const server = withLink()
    server.step(broke("z"))
    server.step(refused("z"))
    server.step(up("z"))
    server.step(tried("z"))
    server.step(tried("z", "Inconclusive"))
    server.step(refused("z"))
    assert.deepStrictEqual(removals(server), [])
    assert.isFalse(HashMap.has(server.state.checks, id("z")))
    assert.strictEqual(HashMap.getUnsafe(server.state.crashLinks.links, id("z")).stage, "up")
  })

  it("the word of a witness that has heard it since the refusal ends it, an earlier one does not", () => {
    for (const [ago, isEnded] of [[0, true], [5_000, false]] as const) {
      const server = withLink("z", "abz", "a", { timing: { memberTimeout: 300 } })
      server.advance(31_000).hear(alive(linked("a"), reign(50, linked("a"))))
      server.hear(alive(linked("b"), reign(50, linked("a"))))
      server.step(broke("z"))
      server.step(tried("z"))
      server.forget().advance(700)
      const question = server.sent.find(({ message }) => message.type === "WITNESS_ASK")?.message
      assert.isTrue(question?.type === "WITNESS_ASK")
      const { nonce } = question as Message.Of<"WITNESS_ASK">
      server.hear({ type: "WITNESS", from: start("b"), nonce, heard: [{ id: id("z"), ago }] }, "unicast")
      server.step(refused("z"))
      assert.deepStrictEqual(removals(server), isEnded ? [] : ["z Crashed"])
    }
  })

  it("where the member has moved since, another may have its address", () => {
    const server = withLink()
    const moved = { ...alive(linked("z", { ip: "192.0.2.77" })), moved: 1 } as Message.Message
    server.hear(moved, "multicast", { ip: "192.0.2.77", port: 4026 })
    server.step(broke("z"))
    server.step(tried("z"))
    server.step(refused("z"))
    assert.deepStrictEqual(removals(server), [])
  })

  it("before a server knows its group it is no evidence", () => {
    const server = new Server({ self: linked("m") })
    server.step({ _tag: "Start" })
    server.hear(alive(linked("z")))
    for (const input of [up("z"), broke("z"), tried("z"), refused("z")]) server.step(input)
    assert.deepStrictEqual(removals(server), [])
  })

  it("what a paused server finds broken is no evidence, nor what it had gathered before", () => {
    for (const when of ["before", "after"]) {
      const server = withLink()
      if (when === "before") {
        server.step(broke("z"))
        server.step(tried("z"))
        server.hear(crashed("a", "b"))
      }
      server.freeze(20_000)
      if (when === "after") server.step(broke("z"))
      server.step(tried("z"))
      server.step(refused("z"))
      assert.notInclude(removals(server), "z Crashed")
      assert.strictEqual(HashMap.size(server.state.crashLinks.links), 0)
    }
  })

  it("a server that was paused tells nobody of what it saw before", () => {
    const server = withLink()
    for (const input of [broke("z"), tried("z"), refused("z")]) server.step(input)
    server.freeze(20_000).step({ _tag: "CheckPause" })
    server.advance(100)
    assert.deepStrictEqual(server.said("CRASHED"), [])
  })

  it("what others know of the leader's life does not keep it: none can have heard it since", () => {
    const server = withLink()
    server.hear({
      ...alive(linked("a"), reign(50, linked("z"))),
      alive: 9,
      hops: 1
    } as Message.Message)
    for (const input of [broke("z"), tried("z"), refused("z")]) server.step(input)
    assert.isNull(server.state.election.life.through)
    server.advance(0)
    assert.isTrue(server.leads)
  })

  it("a link that either side gave up says nothing, and is opened anew if it is wanted", () => {
    const server = withLink()
    for (const incarnation of [999, 1_000]) server.step({ _tag: "LinkLeft", ...start("z", incarnation) })
    assert.deepStrictEqual([asked(server), HashMap.size(server.state.crashLinks.links)], [[], 0])
    for (const input of [broke("z"), tried("z"), refused("z")]) server.step(input)
    assert.deepStrictEqual(removals(server), [])
    server.advance(2_000)
    assert.include(kept(server) ?? [], "z")
  })

  it("where the connection is refused just after the question, that is given 3 ms to be refused before it is asked anew", () => {
    const server = withLink()
    server.step(broke("z"))
    server.step(tried("z"))
    assert.deepStrictEqual(asked(server), ["z"])
    server.advance(3)
    assert.deepStrictEqual(asked(server), ["z", "z"])
    const other = withLink()
    other.step(broke("z"))
    other.step(tried("z"))
    other.hear(alive(linked("z"), reign(50, linked("z"))))
    other.advance(3)
    assert.deepStrictEqual(asked(other), ["z"])
    const later = withLink()
    later.step(broke("z"))
    later.advance(4).step(tried("z"))
    assert.deepStrictEqual(asked(later), ["z", "z"])
  })

  it("a goodbye forgets the link", () => {
    const server = withLink()
    server.hear(leaving(linked("z"), { follows: reign(50, linked("z")) }))
    assert.deepStrictEqual([removals(server), HashMap.size(server.state.crashLinks.links)], [["z Left"], 0])
  })

  it("with a lease, no evidence shortens a promise: the place is vacant at once, and nobody stands before it is over", () => {
    const lease = { groupSize: 3, duration: 30_000, drift: 0.01 }
    const server = withLink("z", "az", "z", { timing: { lease }, preVote: null })
    server.advance(31_000)
    server.hear(alive(linked("a"), reign(50, linked("z"))))
    server.hear(
      says(linked("z"), { type: "BEAT", election: "", claim: 50, beat: 1, lease }, { follows: reign(50, linked("z")) })
    )
    const promised = server.now
    for (const input of [broke("z"), tried("z"), refused("z")]) server.step(input)
    assert.deepStrictEqual([removals(server), server.follows], [["z Crashed"], null])
    server.advance(promised + 29_000 - server.now)
    server.hear(alive(linked("a")))
    assert.deepStrictEqual(server.said("ELECTION"), [])
  })
})

describe("a crash is told (protocol, crash links)", () => {
  const crash = (server: Server, name = "z") => {
    for (const input of [broke(name), tried(name), refused(name)]) server.step(input)
    return server
  }

  it("once, within 5 ms, by who saw its link break", () => {
    const server = crash(withLink("z", "abz", "a"))
    server.advance(5)
    const told = server.sent.filter(({ message }) => message.type === "CRASHED")
    assert.deepStrictEqual(told.map(({ message, to }) => [to, (message as Message.Of<"CRASHED">).gone]), [[
      null,
      start("z")
    ]])
    server.advance(2_000)
    assert.strictEqual(server.said("CRASHED").length, 1)
  })

  it("of the leader, after 15 ms more, where all keep a link to it", () => {
    const when = (names: string) => {
      const server = crash(withLink("z", names))
      server.advance(14)
      const early = server.said("CRASHED").length
      server.advance(6)
      return [early, server.said("CRASHED").length]
    }
    assert.deepStrictEqual([when("abz"), when("abcdefgz"), when("abcdefghz")], [[0, 1], [0, 1], [1, 0]])
  })

  it("at once where one has no links", () => {
    const server = among("abz", "z").advance(2_000)
    server.hear(alive(member("c"), reign(50, linked("z"))))
    server.step(up("z"))
    crash(server).advance(5)
    assert.strictEqual(server.said("CRASHED").length, 1)
  })

  it("without multicast, to each by unicast", () => {
    const server = crash(withLink("z", "abz", "a", { timing: { multicast: false } }))
    server.advance(5)
    const told = server.sent.filter(({ message }) => message.type === "CRASHED")
    assert.sameMembers(told.map(({ to }) => to === null ? "" : Peer.nameOf(to)), ["a", "b"])
  })

  it("not by who was told before", () => {
    const server = crash(withLink())
    server.hear(crashed("a", "z"))
    server.advance(100)
    assert.deepStrictEqual(server.said("CRASHED"), [])
  })

  it("not by whom a crash was found by questions alone", () => {
    const server = withLink()
    server.step(up("b"))
    server.advance(15_001)
    server.step({ _tag: "Sweep" })
    server.step(refused("a"))
    server.advance(150).step(refused("a"))
    server.advance(10)
    assert.deepStrictEqual([removals(server), server.said("CRASHED")], [["a Crashed"], []])
  })

  it("who is told confirms it by two refusals of its own, and tells nobody", () => {
    const server = among("abz", "z").advance(2_000)
    server.outputs.length = 0
    server.hear(crashed("a", "z"))
    assert.deepStrictEqual([triedOut(server), asked(server)], [["z"], ["z"]])
    server.step(tried("z"))
    assert.deepStrictEqual(removals(server), [])
    server.step(refused("z"))
    server.advance(100)
    assert.deepStrictEqual([removals(server), server.said("CRASHED")], [["z Crashed"], []])
  })

  it("what is unanswered or inconclusive confirms nothing, and an answer ends it", () => {
    for (const what of ["silence", "inconclusive", "answer"]) {
      const server = among("abz", "z").advance(2_000)
      server.hear(crashed("a", "z"))
      const ask = server.outputs.findLast((output) => output._tag === "Ask")
      const nonce = ask?._tag === "Ask" && ask.message.type === "SERVER_PROBE" ? ask.message.nonce : ""
      if (what === "inconclusive") server.step(tried("z", "Inconclusive"))
      if (what === "answer") {
        server.hear(response(linked("z"), nonce, reign(50, linked("z"))), "unicast")
        server.step(tried("z"))
      }
      server.step(refused("z"))
      server.advance(5_000)
      assert.deepStrictEqual(removals(server), [], what)
    }
  })

  it("repeated while it is found out it does nothing more, and of another start, or of none, nothing at all", () => {
    const server = among("abz", "z").advance(2_000)
    server.outputs.length = 0
    for (const [name, incarnation] of [["z", 999], ["y", 1_000]] as const) server.hear(crashed("a", name, incarnation))
    assert.deepStrictEqual([triedOut(server), asked(server)], [[], []])
    for (const by of ["a", "b", "a"]) server.hear(crashed(by, "z"))
    assert.deepStrictEqual([triedOut(server), asked(server)], [["z"], ["z"]])
  })

  it("who found its link broken once, by which the member lived, tries it anew, also while it asks already", () => {
    const server = withLink()
    server.step(broke("z"))
    server.step(tried("z"))
    server.hear(alive(linked("z"), reign(50, linked("z"))))
    server.advance(200).outputs.length = 0
    server.hear(says(linked("a"), { type: "ELECTION", election: "", standing: 51 }))
    assert.deepStrictEqual(asked(server), ["z"])
    server.step(refused("z"))
    server.hear(crashed("a", "z"))
    assert.deepStrictEqual([triedOut(server), removals(server)], [["z"], []])
    server.hear(crashed("b", "z"))
    assert.deepStrictEqual(triedOut(server), ["z"], "and not while it does")
    server.step(tried("z"))
    assert.deepStrictEqual(removals(server), ["z Crashed"])
  })

  it("while its own link is up a server asks, and waits for that to break", () => {
    const server = withLink()
    server.hear(crashed("a", "z"))
    assert.deepStrictEqual([triedOut(server), asked(server)], [[], ["z"]])
    server.step(tried("z"))
    server.step(refused("z"))
    assert.deepStrictEqual(removals(server), [])
    server.step(broke("z"))
    server.step(tried("z"))
    assert.deepStrictEqual(removals(server), ["z Crashed"])
  })

  it("who has no links asks only, twice refused it has crashed; nor is one tried that announces no port", () => {
    for (const [self, other] of [[member("m"), linked("z")], [linked("m"), member("z")]] as const) {
      const server = Server.live({ self }, [alive(linked("a"), reign(50, other)), alive(other, reign(50, other))])
      server.hear(crashed("a", "z"))
      server.step(refused("z"))
      assert.deepStrictEqual([triedOut(server), removals(server)], [[], []])
      server.advance(150).step(refused("z"))
      assert.deepStrictEqual(removals(server), ["z Crashed"])
    }
  })

  it("in a large group each waits at random before it confirms, once, and not for one that is gone by then", () => {
    const others = Array.from(
      { length: 100 },
      (_, index) =>
        linked("z", {
          id: Peer.id("z").replace(/^000/, String(100 + index)) as Member.NodeId,
          port: 5_000 + index,
          name: `o${index}`
        })
    )
    const server = Server.live({ self: linked("m") }, [...others, linked("a"), linked("b")].map((one) => alive(one)))
    const confirms = () => server.state.timers.filter(({ key }) => key.startsWith("confirm:"))
    server.outputs.length = 0
    server.hear(crashed("a", "b"))
    server.hear(crashed("a", "b"))
    const [timer] = confirms()
    assert.strictEqual(confirms().length, 1)
    assert.isTrue(timer!.due > server.now && timer!.due <= server.now + 2 * (102 - 32))
    server.advance(timer!.due - server.now)
    assert.deepStrictEqual(triedOut(server), ["b"])
    server.hear(crashed("b", "a"))
    server.hear(leaving(linked("a")))
    assert.deepStrictEqual(confirms(), [])
  })

  it("a server that is said to have crashed says that it lives, and not for each who says so", () => {
    const server = among("ab", "b").advance(2_000)
    server.forget()
    server.hear(crashed("a", "m"))
    server.hear(crashed("b", "m"))
    assert.strictEqual(server.said("SERVER_ALIVE").length, 1)
    server.forget().hear(crashed("b", "m", 999))
    assert.deepStrictEqual(server.said("SERVER_ALIVE"), [])
    server.step({ _tag: "Leave" })
    server.forget().hear(crashed("b", "m"))
    assert.deepStrictEqual(server.said("SERVER_ALIVE"), [])
  })

  it("what waited while a server was paused is not believed", () => {
    const server = among("abz", "z").advance(2_000)
    server.outputs.length = 0
    server.freeze(20_000).hear(crashed("a", "z"))
    assert.deepStrictEqual(triedOut(server), [])
  })
})
