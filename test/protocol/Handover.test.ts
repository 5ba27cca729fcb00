/**
 * What a server that leaves hands to its next start, and who keeps it meanwhile (protocol, majority lease, handing over).
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Keeper from "../../src/protocol/lease/Keeper.ts"
import * as Voter from "../../src/protocol/lease/Voter.ts"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as PromiseRecord from "../../src/protocol/model/PromiseRecord.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, id, member } = Peer
const L = 1_500
const lease: Lease.Agreement = { groupSize: 3, duration: L, drift: 0.01 }
const lasts = L * 0.98

const options = (change: Options = {}): Options => ({
  profile: "fast",
  ...change,
  timing: { lease, stopTimeout: 300, ...change.timing }
})

const beat = (sender: string, claim: number, number = 1, election = "") =>
  Peer.says(sender, { type: "BEAT", election, claim, beat: number, lease }, { follows: Peer.reign(claim, sender) })
const stands = (sender: string, standing: number, election = "") =>
  Peer.says(sender, { type: "ELECTION", election, standing, lease })
const accept = (server: Server, key = "aa"): Message.Message => ({
  type: "HANDOVER_ACCEPT",
  start: server.state.handover.start,
  key
})
const offer = (name: string, start: string, agreement = lease): Message.Message => ({
  type: "HANDOVER_OFFER",
  server: id(name),
  start,
  lease: agreement
})
const ask = (name: string, start: string): Message.Message => ({ type: "PROMISES_ASK", server: id(name), start })

type Promised = Message.Promised
const promised = (change: Partial<Promised> = {}): Promised => ({
  election: "",
  term: 50,
  to: null,
  heard: 50,
  ...change
})
const toZ = { id: id("z"), incarnation: member("z").incarnation }

/** `m` whose silent start is over, where `z` leads in term 50; `a` and `b` are there too, `b` the longest. */
const voter = (change: Options = {}) => {
  const server = Server.live(options(change))
  server.advance(L - server.now - 2)
  for (const name of ["b", "a", "z"]) {
    server.hear(alive(name, Peer.reign(50, "z")))
    server.advance(1)
  }
  server.hear(beat("z", 50))
  assert.strictEqual(server.follows, "z")
  return server.forget()
}

/** `m` that has just started, in its silence. */
const starter = (change: Options = {}) => {
  const server = new Server(options(change))
  server.step({ _tag: "Start" })
  return server
}

const promiseOf = (server: Server, election = "") => Voter.promiseIn(server.state, election)
const send = (to: string) => Peer.member(to)
const at = (name: string): Member.Address => ({ ip: send(name).ip, port: send(name).port })

describe("who leaves (protocol, handing over)", () => {
  it("from its goodbye on neither grants nor acknowledges, also not what it had granted", () => {
    const server = voter()
    server.hear(stands("z", 60))
    server.step({ _tag: "Leave" })
    assert.deepInclude(server.says(), "SERVER_LEAVING")
    server.hear(beat("z", 60))
    server.hear(stands("z", 60))
    server.hear(stands("a", 70))
    const votes = server.sent.splice(0).map(({ message }) => message.type === "VOTE" ? message.granted : message.type)
    assert.deepStrictEqual(votes, [false, false])
  })

  it("offers what it promised to the leader first, then to one more each 40 ms; and ends without where nobody answers", () => {
    const server = voter()
    server.step({ _tag: "Leave" })
    assert.deepStrictEqual(server.says().filter((said) => said.startsWith("HANDOVER")), ["HANDOVER_OFFER to z"])
    const said: Array<ReadonlyArray<string>> = []
    for (let time = 0; time < 4; time++) {
      said.push(server.advance(40).says().filter((said) => said.startsWith("HANDOVER")))
    }
    const [z, b, a] = ["HANDOVER_OFFER to z", "HANDOVER_OFFER to b", "HANDOVER_OFFER to a"]
    assert.deepStrictEqual(said, [[z, b], [z, b, a], [z, b, a], []])
    assert.strictEqual(server.advance(20).state.phase, "Left")
  })

  it("asks no more who is gone meanwhile", () => {
    const server = voter()
    server.step({ _tag: "Leave" })
    server.hear(Peer.leaving("z"))
    server.forget().advance(40)
    assert.deepStrictEqual(server.says().filter((said) => said.startsWith("HANDOVER")), ["HANDOVER_OFFER to b"])
  })

  it("hands it to the first alone that accepts, again until that has it, and ends then", () => {
    const server = voter()
    server.step({ _tag: "Leave" })
    server.forget().hear({ type: "HANDOVER_ACCEPT", start: "ffff", key: "aa" }, "unicast", at("z"))
    assert.deepStrictEqual(server.says(), [], "that is for another start")
    server.hear(accept(server), "unicast", at("z"))
    server.hear(accept(server, "bb"), "unicast", at("b"))
    assert.deepStrictEqual(server.said("HANDOVER").map(({ message, to }) => [message, to]), [[
      { type: "HANDOVER", key: "aa", page: 0, of: 1, promises: [promised({ to: toZ })] },
      at("z")
    ]])
    server.advance(40)
    server.hear({ type: "HANDOVER_KEPT", key: "bb" })
    assert.strictEqual(server.said("HANDOVER").length, 1)
    assert.strictEqual(server.state.phase, "Leaving")
    server.hear({ type: "HANDOVER_KEPT", key: "aa" })
    assert.deepStrictEqual(server.advance(20).said("HANDOVER"), [])
    assert.strictEqual(server.state.phase, "Left")
  })

  it("ends also where the keeper never says that it has it", () => {
    const server = voter()
    server.step({ _tag: "Leave" })
    server.hear(accept(server), "unicast", at("z"))
    server.advance(4 * 40 + 20)
    assert.strictEqual(server.said("HANDOVER").length, 4)
    assert.strictEqual(server.state.phase, "Left")
  })

  it("says of each election the term, to whom while that binds it, and the highest term heard; in pages of five", () => {
    const server = voter()
    for (const [index, name] of ["one", "two", "three", "four"].entries()) server.hear(stands("a", 60 + index, name))
    server.step({ _tag: "Campaign", election: "heard" })
    server.hear(Peer.says("a", { type: "OK", election: "heard", standing: 7, to: id("b") }, { heard: 80 }))
    server.step({ _tag: "Campaign", election: "silent" })
    server.hear(Peer.says("z", { type: "RELEASE", election: "", claim: 50 }, { heard: 90 }))
    server.step({ _tag: "Leave" })
    server.forget().hear(accept(server), "unicast", at("z"))
    const pages = server.said("HANDOVER").map(({ message }) => message)
    assert.deepStrictEqual(pages.map(({ of, page, promises }) => [page, of, promises.length]), [[0, 2, 5], [1, 2, 1]])
    const byName = new Map(pages.flatMap(({ promises }) => promises).map((one) => [one.election, one]))
    assert.deepStrictEqual(byName.get(""), promised({ heard: 90 }))
    assert.deepStrictEqual(byName.get("heard"), promised({ election: "heard", term: 0, heard: 80 }))
    const toA = { id: id("a"), incarnation: member("a").incarnation }
    assert.deepStrictEqual(byName.get("two"), promised({ election: "two", term: 61, to: toA, heard: 0 }))
    // What is said again is what was said: the first page may be of the first time.
    server.hear(Peer.says("a", { type: "RELEASE", election: "two", claim: 61 }))
    server.advance(40)
    assert.deepStrictEqual(server.said("HANDOVER").map(({ message }) => message), pages)
  })

  it("hands over nothing while it is silent, alone, or without leases", () => {
    const silent = Server.live(options(), [alive("a")])
    silent.step({ _tag: "Leave" })
    const alone = Server.live(options()).advance(2 * L)
    alone.step({ _tag: "Leave" })
    const bully = Server.live({ profile: "fast" }, [alive("a")])
    bully.step({ _tag: "Leave" })
    for (const server of [silent, alone, bully]) {
      assert.isFalse(server.advance(22).says().some((said) => said.startsWith("HANDOVER")))
      assert.strictEqual(server.state.phase, "Left")
    }
  })

  it("hears nothing of handovers where there are no leases", () => {
    const server = Server.live({ profile: "fast" })
    for (const message of [offer("a", "1"), ask("a", "1")]) server.hear(message)
    assert.deepStrictEqual([server.says(), server.state.kept, server.members], [[], [], []])
  })
})

describe("who keeps promises (protocol, handing over)", () => {
  const keyOf = (server: Server): string => server.said("HANDOVER_ACCEPT").at(-1)!.message.key
  const hand = (key: string, change: Partial<PromiseRecord.Page> = {}): Message.Message => ({
    type: "HANDOVER",
    key,
    page: 0,
    of: 1,
    promises: [promised()],
    ...change
  })
  /** `m` keeps what the start `1` of `b` had promised. */
  const keeper = () => {
    const server = Server.live(options())
    server.boot = 10_000
    server.hear(offer("b", "1"))
    server.hear(hand(keyOf(server)))
    return server.forget()
  }
  const gives = (server: Server, start: string, name = "b") => {
    server.forget().hear(ask(name, start))
    return server.said("PROMISES").map(({ message }) => message)
  }

  it("answers the same offer with the same key, another start's with another, and counts neither as a sign of life", () => {
    const server = Server.live(options())
    server.hear(offer("b", "1"))
    const key = keyOf(server)
    server.advance(100).hear(offer("b", "1"))
    assert.strictEqual(keyOf(server), key)
    server.hear(offer("b", "2"))
    assert.notStrictEqual(keyOf(server), key)
    server.hear(hand(key))
    assert.deepStrictEqual(server.says(), [], "what it had a key for before is forgotten")
    assert.deepStrictEqual(server.members, [])
  })

  it("says that it has it when it has all pages, and each time that one comes again", () => {
    const server = Server.live(options())
    server.hear(offer("b", "1"))
    const key = keyOf(server)
    const other = promised({ election: "billing", term: 7 })
    server.hear(hand(key, { page: 1, of: 2, promises: [other] }))
    assert.deepStrictEqual([server.says(), gives(server, "2")], [[], []])
    for (let time = 0; time < 2; time++) {
      server.forget().hear(hand(key, { of: 2 }))
      assert.deepStrictEqual(server.said("HANDOVER_KEPT").map(({ message }) => message.key), [key])
    }
    const [page, ...more] = gives(server, "2")
    assert.sameDeepMembers([...page!.promises], [promised(), other])
    assert.deepStrictEqual([more, page!.lease], [[], lease])
  })

  it("keeps the pages of each server by themselves", () => {
    const server = Server.live(options())
    const keys = ["b", "c"].map((name) => {
      server.forget().hear(offer(name, "1"))
      return keyOf(server)
    })
    for (const [index, term] of [[1, 22], [0, 11]] as const) {
      server.hear(hand(keys[index]!, { promises: [promised({ term })] }))
    }
    assert.deepStrictEqual(["b", "c"].map((name) => gives(server, "2", name)[0]?.promises[0]?.term), [11, 22])
  })

  it("gives it to the first start that asks, as often as that asks, and to no other", () => {
    const server = keeper()
    assert.deepStrictEqual(gives(server, "1"), [], "that is the start that handed over")
    assert.deepStrictEqual(gives(server, "2", "c"), [])
    assert.strictEqual(gives(server, "2").length, 1)
    assert.strictEqual(gives(server, "3").length, 0)
    assert.strictEqual(gives(server, "2").length, 1)
  })

  it("gives what was given back meanwhile, that very claim, as promised to nobody: who has left cannot hear of it", () => {
    const given = (claims: ReadonlyArray<number>, by = "z") => {
      const server = Server.live(options())
      server.hear(offer("b", "1"))
      // Also where it is given back before the record has come.
      for (const claim of claims.slice(0, 1)) server.hear(Peer.says(by, { type: "RELEASE", election: "", claim }))
      server.hear(hand(keyOf(server), { promises: [promised({ to: toZ }), promised({ election: "billing" })] }))
      for (const claim of claims.slice(1)) server.hear(Peer.says(by, { type: "RELEASE", election: "", claim }))
      return gives(server, "2")[0]!.promises
    }
    const billing = promised({ election: "billing" })
    assert.deepStrictEqual(given([50]), [promised({ to: null }), billing])
    assert.deepStrictEqual(given([40, 50]), [promised({ to: null }), billing])
    // A later claim of the same start, an earlier one, or another's of the same term says nothing of this one.
    for (const claims of [[], [60], [40]]) assert.deepStrictEqual(given(claims), [promised({ to: toZ }), billing])
    assert.deepStrictEqual(given([50], "y"), [promised({ to: toZ }), billing])
  })

  it("gives nothing of which it has only the offer", () => {
    const server = Server.live(options())
    server.hear(offer("b", "1"))
    assert.deepStrictEqual(gives(server, "2"), [])
  })

  it("forgets it so long after it made the key, by the fastest of its clocks, however late it came", () => {
    const late = Server.live(options())
    late.hear(offer("b", "1"))
    const key = keyOf(late)
    late.advance(lasts - 1).hear(hand(key))
    assert.strictEqual(gives(late, "2").length, 1)
    assert.strictEqual(gives(late.advance(1), "2").length, 0)
    const [byWall, byUptime, inTime] = [keeper(), keeper(), keeper()]
    byWall.wall += lasts
    byUptime.boot = 10_000 + lasts
    inTime.wall += lasts - 1
    assert.deepStrictEqual([byWall, byUptime, inTime].map((server) => gives(server, "2").length), [0, 0, 1])
    const tooLate = Server.live(options())
    tooLate.hear(offer("b", "1"))
    const old = keyOf(tooLate)
    tooLate.advance(lasts).hear(hand(old))
    assert.deepStrictEqual(tooLate.said("HANDOVER_KEPT"), [])
  })

  it("keeps nothing of who goes by another agreement, nor of one that has its own id", () => {
    const server = Server.live(options())
    server.hear(offer("b", "1", { ...lease, duration: 2 * L }))
    server.hear(offer("m", "1"))
    assert.deepStrictEqual([server.said("HANDOVER_ACCEPT"), server.state.kept], [[], []])
  })

  it("keeps those of 64 servers, and counts the offers of more", () => {
    const server = Server.live(options())
    const servers = Array.from({ length: Keeper.maxKept + 1 }, (_, index) => index)
    for (const index of servers) {
      server.hear({ ...offer("b", "1"), server: index.toString(16).padStart(16, "f") } as Message.Message)
    }
    assert.deepStrictEqual([server.state.kept.length, server.drops()], [Keeper.maxKept, ["HandoversFull"]])
    server.advance(lasts).hear(offer("b", "1"))
    assert.strictEqual(server.state.kept.length, 1)
  })
})

describe("who starts again (protocol, handing over)", () => {
  const gets = (server: Server, promises: ReadonlyArray<Promised>, change: Partial<Message.Of<"PROMISES">> = {}) =>
    server.hear({
      type: "PROMISES",
      start: server.state.handover.start,
      key: "aa",
      lease,
      page: 0,
      of: 1,
      promises,
      ...change
    })
  const asked = (server: Server) => server.said("PROMISES_ASK").length

  it("asks at 0, 50 and 150 ms, when its window ends and with each heartbeat, until it votes or leaves", () => {
    const server = starter()
    assert.deepStrictEqual([asked(server), asked(server.advance(49)), asked(server.advance(1))], [1, 0, 1])
    assert.deepStrictEqual([asked(server.advance(100)), asked(server.advance(50)), asked(server.advance(900))], [
      1,
      1,
      0
    ])
    server.step({ _tag: "Heartbeat" })
    assert.strictEqual(asked(server), 1)
    gets(server, [promised()])
    server.forget().step({ _tag: "Heartbeat" })
    assert.strictEqual(asked(server), 0)
    const leaving = starter()
    leaving.step({ _tag: "Leave" })
    leaving.forget().step({ _tag: "Heartbeat" })
    gets(leaving, [promised()])
    assert.deepStrictEqual([asked(leaving.advance(10)), leaving.told()], [0, []])
    const bully = Server.live({ profile: "fast" })
    bully.step({ _tag: "Heartbeat" })
    assert.strictEqual(asked(bully), 0)
  })

  it("votes when its silence is over, and says so", () => {
    const server = starter({ monotonic: 0.25 })
    server.forget().advance(L - 1)
    assert.notInclude(server.told(), "Votes")
    server.advance(2)
    assert.deepInclude(server.tells().find(({ event }) => event === "Votes"), { after: L, handedOver: false })
    gets(server, [promised({ to: toZ })])
    assert.deepStrictEqual([server.told(), promiseOf(server).to], [[], null], "too late")
  })

  it("votes when it has all that its former start promised, is bound for as long as it would have been silent, and knows the terms", () => {
    const server = starter().advance(100).forget()
    const former = { id: id("m"), incarnation: 1 }
    gets(server, [promised({ to: toZ, heard: 90 })], { of: 2 })
    assert.deepStrictEqual(server.told(), [], "half of it is nothing")
    gets(server, [promised({ election: "billing", heard: 70 }), promised({ election: "third", to: former })], {
      of: 2,
      page: 1
    })
    assert.deepInclude(server.tells()[0], { event: "Votes", after: 100, handedOver: true })
    assert.deepStrictEqual(promiseOf(server), { to: toZ, term: 50, until: L, released: [] })
    assert.deepStrictEqual(promiseOf(server, "billing"), { to: null, term: 50, until: -Infinity, released: [] })
    assert.strictEqual(server.state.election.heard, 90)
    server.step({ _tag: "Campaign", election: "billing" })
    assert.strictEqual(Option.getOrThrow(HashMap.get(server.state.named, "billing")).heard, 70)
    // Acknowledges its leader, votes for no other, and for nobody in a term that is not new.
    server.forget()
    for (const message of [beat("z", 50), stands("a", 100), stands("a", 70, "billing"), stands("a", 71, "billing")]) {
      server.hear(message)
    }
    const said = server.sent.splice(0).map(({ message }) => message.type === "VOTE" ? message.granted : message.type)
    assert.deepStrictEqual(said, ["BEAT_ACK", false, false, true])
    assert.deepStrictEqual(server.told().filter((event) => event === "Votes"), [])
  })

  it("knows the terms also of an election in which it takes no part", () => {
    const server = starter()
    gets(server, [promised({ election: "billing", term: 0, heard: 70 })])
    for (const term of [70, 71]) server.hear(stands("a", term, "billing"))
    assert.deepStrictEqual(server.said("VOTE").map(({ message }) => message.granted), [false, true])
  })

  it("is bound to its own former start as to any other", () => {
    const server = Server.live(options(), [alive("a"), alive("b")])
    gets(server, [promised({ to: { id: id("m"), incarnation: 1 } })])
    server.advance(L - server.now - 1)
    assert.deepStrictEqual(server.said("ELECTION"), [])
    for (const name of ["a", "b"]) server.hear(alive(name))
    const asked = server.advance(50).said("SERVER_PROBE").map(({ message }) => message.preVote)
    assert.include(asked, "", "it asks who would vote for it")
  })

  it("is silent where the promises are another start's, or of another agreement", () => {
    const server = starter()
    gets(server, [promised()], { start: "ffff" })
    gets(server, [promised()], { lease: { ...lease, duration: 2 * L } })
    assert.notInclude(server.told(), "Votes")
  })

  it("reads the pages of one handover only", () => {
    const server = starter()
    gets(server, [promised()], { of: 2 })
    gets(server, [promised()], { of: 2, page: 1, key: "bb" })
    gets(server, [promised()], { of: 3, page: 1, key: "bb" })
    assert.notInclude(server.told(), "Votes")
    gets(server, [], { of: 3, page: 0, key: "bb" })
    gets(server, [], { of: 3, page: 2, key: "bb" })
    assert.include(server.told(), "Votes")
  })

  it("says with its heartbeats that it does not vote yet, and others say so of it in their lists", () => {
    const server = starter()
    server.advance(100).forget().step({ _tag: "Heartbeat" })
    const said = server.said("SERVER_ALIVE")[0]!
    assert.strictEqual(said.message.silent, L - 100)
    const list = (of: Server) => {
      of.forget().hear({ type: "MEMBERS_ASK", nonce: "1", page: 0 }, "unicast")
      return of.said("MEMBERS")[0]!.message.list.map(({ id, votesIn }) => [Peer.nameOfId(id), votesIn])
    }
    assert.deepStrictEqual(list(server), [["m", L - 100]])
    const other = Server.live({ profile: "fast", self: member("a") })
    other.hear(said.message)
    assert.deepStrictEqual(list(other.advance(10)), [["m", L - 110], ["a", undefined]])
    assert.deepStrictEqual(list(other.advance(L)), [["m", undefined], ["a", undefined]])
    // One that leaves votes no more, and in no time.
    server.step({ _tag: "Leave" })
    server.forget().step({ _tag: "Heartbeat" })
    assert.strictEqual(server.said("SERVER_ALIVE")[0]?.message.silent, 86_400_000)
    assert.deepStrictEqual(list(server), [["m", undefined]])
    gets(other, [])
    assert.deepStrictEqual(other.tells().filter(({ event }) => event === "Votes"), [])
  })

  it("votes also where there was nothing to hand over", () => {
    assert.deepStrictEqual(PromiseRecord.pagesOf("aa", []), [{ key: "aa", page: 0, of: 1, promises: [] }])
    const server = starter()
    gets(server, [])
    assert.include(server.told(), "Votes")
  })
})
