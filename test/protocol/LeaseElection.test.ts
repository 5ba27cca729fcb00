/**
 * Each rule of the majority lease on one server that hears the others (protocol, majority lease); stale, repeated, reordered
 * and contradicted messages among them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Algorithms from "../../src/protocol/election/Algorithms.ts"
import * as ElectionContext from "../../src/protocol/election/ElectionContext.ts"
import { majorityLease } from "../../src/protocol/lease/MajorityLease.ts"
import * as Voter from "../../src/protocol/lease/Voter.ts"
import * as Election from "../../src/protocol/model/Election.ts"
import * as Lease from "../../src/protocol/model/Lease.ts"
import * as Losses from "../../src/protocol/model/Losses.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import { StepContext } from "../../src/protocol/model/StepContext.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, id, member, reign, response } = Peer
const L = 1_500
const three: Lease.Agreement = { groupSize: 3, duration: L, drift: 0.01 }
/** How long a lease lasts from what it rests on, and when its work is ended. */
const lasts = L * 0.98
const stopsAt = lasts - 300

const options = (change: Options = {}): Options => ({
  profile: "fast",
  preVote: { granted: true, promised: 0, boundTo: null, remaining: 0 },
  ...change,
  timing: { lease: three, stopTimeout: 300, ...change.timing }
})

const says = (sender: string | Member.Member, body: Parameters<typeof Peer.says>[1], header: Peer.Follows = {}) =>
  Peer.says(sender, body, header)
const stands = (
  sender: string | Member.Member,
  standing: number,
  election = "",
  lease: Lease.Agreement | null = three
) => says(sender, { type: "ELECTION", election, standing, ...(lease === null ? {} : { lease }) })
const vote = (sender: string, standing: number, change: Partial<Message.Of<"VOTE">> = {}): Message.Message => ({
  ...says(sender, {
    type: "VOTE",
    election: "",
    standing,
    incarnation: 1_000,
    granted: true,
    promised: standing,
    boundTo: id("m"),
    remaining: 0
  }),
  ...change
} as Message.Message)
const beat = (sender: string | Member.Member, claim: number, number = 1, election = "", lease = three) => {
  const leader = typeof sender === "string" ? member(sender) : sender
  return says(leader, { type: "BEAT", election, claim, beat: number, lease }, { follows: reign(claim, leader) })
}
const ack = (sender: string, claim: number, number: number, incarnation = 1_000) =>
  says(sender, { type: "BEAT_ACK", election: "", claim, beat: number, incarnation })
const release = (sender: string | Member.Member, claim: number, election = "") =>
  says(sender, { type: "RELEASE", election, claim })

/** `m` whose silent start is over, where nobody leads; the others are members too, and all that time gave signs of life. */
const vacant = (others: ReadonlyArray<string>, change: Options = {}, silence = L) => {
  const server = Server.live(options(change))
  server.advance(silence - server.now - 1)
  for (const other of others) server.hear(alive(other))
  return server.forget()
}

/** `m` that stands, with the term. */
const standing = (others: ReadonlyArray<string> = ["a", "b"], change: Options = {}) => {
  const server = vacant(others, change).advance(20)
  const [asked] = server.said("ELECTION")
  assert.isDefined(asked)
  return { server, term: asked.message.standing }
}

/** `m` that leads by the vote of `a`, its lease counted from the instant that it stood. */
const leading = (others: ReadonlyArray<string> = ["a", "b"], change: Options = {}) => {
  const { server, term } = standing(others, change)
  server.hear(vote("a", term), "unicast")
  assert.isTrue(server.leads)
  return { server, term }
}

/** `m` that follows and is bound to `z`, which leads in term 50. */
const bound = (others: ReadonlyArray<string> = ["a"], change: Options = {}) => {
  const server = vacant([...others, "z"], change).advance(1)
  server.hear(beat("z", 50))
  assert.strictEqual(server.follows, "z")
  assert.deepStrictEqual(server.says(), ["BEAT_ACK to z"])
  return server.forget()
}

/** The nonce of its pre-vote. */
const askedIn = ({ state: { election: { activity } } }: Server) =>
  activity._tag === "PreVote" ? activity.nonce : assert.fail(activity._tag)

const votes = (server: Server) =>
  server.said("VOTE").map(({ message: { boundTo, granted, promised, remaining } }) => ({
    granted,
    promised,
    boundTo: boundTo === null ? null : Peer.nameOfId(boundTo),
    remaining
  }))
const promise = (server: Server, election = "") => Voter.promiseIn(server.state, election)
const causes = (server: Server) =>
  server.tells().flatMap((event) => event.event === "LeaderChanged" && event.leader === null ? [event.cause] : [])
const leadsNow = (server: Server, change: { readonly wall?: number; readonly sinceBoot?: number } = {}) =>
  Step.leads(server.state, { monotonic: server.now, wall: server.now + server.wall, ...change }) !== null

describe("a silent start", () => {
  it("grants nothing, says so, and does not stand, for one duration", () => {
    const server = Server.live(options(), [alive("a"), alive("b")])
    server.hear(stands("z", 7))
    assert.deepStrictEqual(votes(server), [{ granted: false, promised: 0, boundTo: null, remaining: 0 }])
    server.hear(beat("z", 50))
    assert.deepStrictEqual(server.says(), [])
    server.hear(Peer.leaving("z"))
    server.advance(L - server.now - 1)
    assert.deepStrictEqual(server.said("ELECTION"), [])
  })

  it("then stands, and leads with a majority", () => {
    const { server, term } = leading()
    assert.strictEqual(server.term, term)
    assert.includeMembers([...server.says()], ["COORDINATOR", "BEAT"])
  })
})

describe("voting", () => {
  it("grants, and is bound from the receipt for one duration", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 7))
    assert.deepStrictEqual(votes(server), [{ granted: true, promised: 7, boundTo: "z", remaining: 0 }])
    assert.strictEqual(promise(server).until, server.now + L)
    server.advance(400).hear(stands("a", 8))
    assert.deepStrictEqual(votes(server), [{ granted: false, promised: 7, boundTo: "z", remaining: L - 400 }])
  })

  it("answers the same question again with the same vote, and the promise does not move (repeated)", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 7))
    const { until } = promise(server)
    server.advance(100).hear(stands("z", 7))
    assert.deepStrictEqual(votes(server).map(({ granted }) => granted), [true, true])
    assert.strictEqual(promise(server).until, until)
  })

  it("refuses a lower term, and names the one to exceed (stale)", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 9))
    server.hear(release("z", 9))
    server.hear(stands("z", 9))
    server.hear(stands("a", 8))
    assert.deepStrictEqual(votes(server).slice(1), [
      { granted: false, promised: 9, boundTo: null, remaining: 0 },
      { granted: false, promised: 9, boundTo: null, remaining: 0 }
    ])
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 500 }, { term: 90, heard: 90 }))
    server.hear(stands("a", 60))
    assert.deepStrictEqual(votes(server), [{ granted: false, promised: 90, boundTo: null, remaining: 0 }])
  })

  it("is bound to a start of a server, not to the next (contradicted)", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 7))
    server.forget().hear(stands(member("z", { incarnation: 2_000 }), 8))
    assert.isFalse(votes(server)[0]!.granted)
  })

  it("keeps a bounded number of promises, and forgets only those that bind nobody", () => {
    const server = vacant(["a", "z"]).advance(1)
    for (let i = 0; i < Voter.maxPromises; i += 1) server.hear(stands("z", 7, `e${i}`))
    server.forget().hear(stands("z", 7, "one more"))
    server.hear(beat("z", 7, 1, "one more"))
    assert.deepStrictEqual(votes(server).map(({ granted }) => granted), [false])
    assert.isNull(promise(server, "one more").to)
    server.hear(release("z", 7, "e5"))
    server.hear(stands("z", 8, "one more"))
    assert.deepStrictEqual(votes(server).map(({ granted }) => granted), [true])
    assert.strictEqual(HashMap.size(server.state.promises), Voter.maxPromises)
    assert.strictEqual(promise(server, "e5"), Lease.noPromise)
  })

  it("where all bind, does not stand itself in one more election", () => {
    const server = vacant(["a", "z"]).advance(1)
    for (let i = 0; i < Voter.maxPromises; i += 1) server.hear(stands("z", 7, `e${i}`))
    server.step({ _tag: "Campaign", election: "mine" })
    server.forget().advance(300)
    assert.isFalse(server.says().includes("ELECTION"))
  })

  it("in an election that it takes no part in, and takes beats and what is given back there too", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 7, "billing"))
    assert.deepStrictEqual(votes(server).map(({ granted }) => granted), [true])
    server.advance(100).hear(beat("z", 7, 3, "billing"))
    assert.strictEqual(promise(server, "billing").until, server.now + L)
    server.hear(release("z", 7, "billing"))
    assert.isNull(promise(server, "billing").to)
    assert.isTrue(HashMap.isEmpty(server.state.named))
    server.forget().hear(Peer.says("z", { type: "COORDINATOR", election: "billing" }))
    assert.deepStrictEqual(server.says(), [])
  })

  it("and leaves who only votes out of those who take part", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear({ ...vote("z", 7), election: "billing" } as Message.Message)
    assert.deepStrictEqual(server.knows("z").elections, [])
    server.hear(beat("z", 7, 3, "billing"))
    assert.deepStrictEqual(server.knows("z").elections, [Election.tag("billing")])
  })
})

describe("standing", () => {
  it("asks again twice soon and twice later, as long as too few have voted: what was lost counts from the first", () => {
    const at = (change: Options) => {
      const { server } = standing(["a", "b"], change)
      const begun = server.now
      const said: Array<number> = []
      for (let ms = 0; ms < 300; ms++) {
        server.advance(1)
        if (server.said("ELECTION").length > 0) {
          said.push(server.now - begun)
          assert.strictEqual(server.activity, "Standing")
          assert.isAtMost(server.state.election.claim!.leaseStart.monotonic, begun)
        }
        server.forget()
      }
      return said
    }
    const gapsOf = (said: ReadonlyArray<number>) => said.slice(1).map((time, index) => time - said[index]!)
    assert.deepStrictEqual(gapsOf(at({})), [75, 75, 75])
    assert.deepStrictEqual(gapsOf(at({ timing: { probeTimeout: 20 } })), [20, 75, 75])
  })

  it("asks three times, promises itself first, and takes a term above all that it heard of or promised", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 5_000_000))
    server.hear(release("z", 5_000_000))
    server.hear(Peer.leaving("z"))
    server.hear(alive("b"))
    server.forget().advance(200)
    const asked = server.said("ELECTION")
    assert.deepStrictEqual(asked.map(({ message }) => message.standing), [5_000_001, 5_000_001, 5_000_001])
    assert.deepStrictEqual(asked[0]!.message.lease, three)
    assert.deepStrictEqual(promise(server).to, { id: id("m"), incarnation: 1_000 })
  })

  it("waits where it was bound to another during its stagger, and follows nobody", () => {
    const server = vacant(["a", "z"]).advance(1)
    assert.strictEqual(server.activity, "Pending")
    server.hear(says("z", { type: "BEAT", election: "", claim: 50, beat: 1, lease: three }))
    assert.strictEqual(promise(server).to?.id, id("z"))
    server.forget().advance(L / 2)
    assert.deepStrictEqual(server.said("ELECTION"), [])
    for (const other of ["a", "z"]) server.hear(alive(other))
    server.advance(L)
    assert.isAbove(server.said("ELECTION").length, 0)
  })

  it("does not without a majority in view, and tells that there is none, once", () => {
    const server = vacant([]).advance(10 * L)
    assert.deepStrictEqual(server.says(), [])
    const told = Server.live(options()).events
    assert.deepStrictEqual(told, [])
    const alone = new Server(options())
    alone.step({ _tag: "Start" })
    alone.advance(1_000)
    assert.deepInclude(alone.events.filter(({ event }) => event === "NoMajority"), {
      at: 1_000_200,
      event: "NoMajority",
      members: 1,
      needed: 2,
      groupSize: 3
    })
    alone.forget().hear(alive("a"))
    alone.hear(Peer.leaving("a"))
    assert.strictEqual(alone.events.filter(({ event }) => event === "NoMajority").length, 1, "it was there meanwhile")
  })

  it("waits while it is bound to another, and stands when that is over", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 7))
    server.hear(Peer.leaving("z"))
    server.hear(alive("b"))
    server.forget().advance(L - 1)
    assert.deepStrictEqual(server.said("ELECTION"), [])
    server.advance(10)
    assert.isAtLeast(server.said("ELECTION").length, 1)
  })

  it("without a majority in time gives back its claim, and stands again later", () => {
    const { server, term } = standing()
    server.forget().advance(L / 5 + L / 3 + 200)
    // It may have stood again by then, and failed again.
    const released = server.said("RELEASE").filter(({ message }) => message.claim === term)
    assert.deepStrictEqual(released.map(({ message, to }) => [message.claim, to]), [[term, null], [term, null], [
      term,
      null
    ], [term, null]], "several times, to all")
    server.advance(L / 3 + 30)
    assert.isAbove(server.said("ELECTION").at(-1)!.message.standing, term)
    assert.isFalse(server.leads)
  })

  it("asks anew, in a term above, all that a lower candidate has set free: else of four the two halves take turns without end", () => {
    const five = { timing: { lease: { ...three, groupSize: 5 } } }
    const { server, term } = standing(["a", "b", "c"], five)
    server.hear(vote("a", term), "unicast")
    server.advance(200).forget().hear(release("b", term + 999), "unicast")
    const [asked, ...more] = server.said("ELECTION")
    const anew = asked!.message.standing
    assert.strictEqual(anew, term + 1_000)
    assert.deepStrictEqual([more, server.said("RELEASE")], [[], []])
    server.hear(release("b", term + 999), "unicast")
    assert.deepStrictEqual(server.says(), [], "once for each claim that is given back (repeated)")
    assert.deepInclude(promise(server), { term: anew, until: server.now + L })
    // What was voted for before counts no more.
    for (const late of ["b", "c"]) server.hear(vote(late, term), "unicast")
    assert.isFalse(server.leads)
    const since = server.now
    server.advance(10)
    for (const other of ["b", "c"]) server.hear(vote(other, anew), "unicast")
    assert.isTrue(server.leads)
    assert.strictEqual(server.term, anew)
    assert.strictEqual(server.state.election.claim?.leaseStart.monotonic, since)
  })

  it("of two that stand is given up by the lower ranked one, which votes for the other where it may", () => {
    const { server, term } = standing(["a", "z"])
    server.forget().hear(stands("z", term + 9))
    assert.deepStrictEqual(server.says(), ["RELEASE", "VOTE to z"])
    assert.deepStrictEqual(promise(server).to, { id: id("z"), incarnation: 1_000 })
    const { server: ahead, term: above } = standing(["a", "z"])
    ahead.forget().hear(stands("z", above - 9))
    assert.deepStrictEqual([ahead.activity, votes(ahead)[0]!.granted], ["Pending", false])
    const { server: higher, term: lower } = standing(["a", "b"])
    higher.forget().hear(stands("b", lower + 9))
    assert.deepStrictEqual([higher.activity, higher.says()], ["Standing", ["VOTE to b"]])
  })

  it("goes on as it was where a higher ranked candidate gives up, which will stand again", () => {
    const { server, term } = standing(["a", "z"])
    server.advance(200).forget().hear(release("z", term + 999), "unicast")
    assert.deepStrictEqual(server.says(), [])
    assert.strictEqual(server.state.election.claim?.term, term)
  })

  it("is given up later by who asked anew, and what it gives back is what it claimed last", () => {
    const { server, term } = standing()
    server.advance(200).hear(release("b", term + 7), "unicast")
    const anew = server.state.election.claim!.term
    server.forget().advance(L / 5 - 1)
    assert.deepStrictEqual(server.said("RELEASE"), [])
    server.advance(L / 3 + 1)
    assert.deepStrictEqual([...new Set(server.said("RELEASE").map(({ message }) => message.claim))], [anew])
  })

  it("goes on in its term where there is none above what was given back", () => {
    const { server } = standing()
    server.hear(release("b", Reign.maxTerm), "unicast")
    assert.strictEqual(server.state.election.claim?.term, Reign.maxTerm)
    server.forget().hear(release("b", Reign.maxTerm), "unicast")
    assert.deepStrictEqual(server.says(), [])
    server.hear(vote("a", Reign.maxTerm), "unicast")
    assert.isTrue(server.leads)
  })

  it("ends when a leader is followed, and gives back what was promised for it", () => {
    const { server, term } = standing()
    server.hear(alive("z"))
    server.forget().hear(beat("z", term + 5))
    assert.strictEqual(server.follows, "z")
    assert.isNull(server.state.election.claim)
    assert.include(server.says(), "RELEASE")
  })

  it("is not done where somebody has claimed the last term there is: nothing is above it", () => {
    const server = vacant(["a", "b"])
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 500 }, { term: Reign.maxTerm, heard: Reign.maxTerm }))
    server.forget().advance(L)
    assert.deepStrictEqual(server.said("ELECTION"), [])
    assert.isNull(server.state.election.claim)
  })

  it("of a group of one leads at once", () => {
    const server = vacant([], { timing: { lease: { ...three, groupSize: 1 } } }).advance(10)
    assert.isTrue(server.leads)
    assert.deepStrictEqual(server.said("ELECTION"), [])
    server.advance(10 * L)
    assert.isTrue(leadsNow(server))
  })

  it("is given up by who leaves: who has voted for it, or hears of it late, is free again", () => {
    const { server, term } = standing()
    server.forget().step({ _tag: "Leave" })
    assert.deepStrictEqual(server.said("RELEASE").map(({ message }) => message.claim), [term])
    assert.isFalse(Lease.binds(promise(server), server.now))
  })

  it("is not done by who leaves, even if votes come", () => {
    const { server, term } = standing()
    server.step({ _tag: "Leave" })
    server.hear(vote("a", term), "unicast")
    assert.isFalse(server.leads)
  })
})

describe("votes", () => {
  it("of one server count once (repeated)", () => {
    const { server, term } = standing(["a", "b", "c", "d"], { timing: { lease: { ...three, groupSize: 5 } } })
    server.hear(vote("a", term), "unicast")
    server.hear(vote("a", term), "unicast")
    assert.isFalse(server.leads)
    server.hear(vote("b", term), "unicast")
    assert.isTrue(server.leads)
  })

  it("count for exactly this term and incarnation, and only if granted (stale, contradicted)", () => {
    const { server, term } = standing()
    server.hear(vote("a", term - 1), "unicast")
    server.hear(vote("a", term, { incarnation: 999 }), "unicast")
    server.hear(vote("a", term, { granted: false, promised: term + 70 }), "unicast")
    assert.isFalse(server.leads)
    assert.strictEqual(server.state.election.heard, term + 70, "the next term must exceed what was promised")
  })

  it("never count after the claim was given back (late)", () => {
    const { server, term } = standing()
    server.advance(L / 5 + L / 3 + 1)
    server.hear(vote("a", term), "unicast")
    assert.isFalse(server.leads)
  })

  it("that come when the lease has no time left for work are for nothing (late)", () => {
    const { server, term } = standing()
    // The machine slept.
    server.wall += stopsAt + 1
    server.hear(vote("a", term), "unicast")
    assert.isFalse(server.leads)
    assert.isNull(server.state.election.claim)
  })

  it("do nothing where there are no leases, nor do the other answers", () => {
    const server = Server.live({ profile: "fast" }, [alive("a")])
    const { election } = server.advance(10).forget().state
    for (const message of [vote("a", server.term), ack("a", server.term, 1), release("a", 7)]) {
      server.hear(message, "unicast")
    }
    server.hear(beat("a", 3))
    assert.deepStrictEqual(server.says().filter((said) => said !== "COORDINATOR to a"), [])
    assert.strictEqual(server.state.election.reign, election.reign)
    assert.deepStrictEqual(server.told(), ["SettingsDiffer"])
  })
})

describe("a lease", () => {
  it("lasts from when its question was sent, and is asked of the clock at every use", () => {
    const { server } = leading()
    const from = server.state.election.claim!.leaseStart.monotonic
    const at = (monotonic: number) =>
      Algorithms.of(server.state).lasts(server.state, "", { monotonic, wall: monotonic + server.wall })
    assert.isTrue(at(from + lasts - 0.01))
    assert.isFalse(at(from + lasts), "before any step")
    const { state } = Server.live()
    assert.isTrue(Algorithms.of(state).lasts(state, "", { monotonic: 9e9, wall: 9e9 }), "there are none")
  })

  it("is renewed by a majority's acknowledgement, from when the beat was sent", () => {
    const { server, term } = leading()
    const from = server.now
    server.advance(L / 6).hear(ack("b", term, 1), "unicast")
    assert.closeTo(server.state.election.claim!.leaseStart.monotonic, from, 1)
    server.hear(ack("b", term, 2), "unicast")
    assert.closeTo(server.state.election.claim!.leaseStart.monotonic, from + L / 6, 1)
  })

  it("is renewed by acknowledgements of different renewals, all of them counted for the earliest", () => {
    const { server, term } = leading(["a", "b", "c", "d"])
    const wide = { ...three, groupSize: 5 }
    server.state = { ...server.state, timing: { ...server.state.timing, lease: wide } }
    const from = server.now
    server.advance(2 * L / 6 + 1)
    server.hear(ack("b", term, 3), "unicast")
    server.hear(ack("c", term, 2), "unicast")
    assert.closeTo(
      server.state.election.claim!.leaseStart.monotonic,
      from + L / 6,
      1,
      "of the second, not of the third"
    )
    server.hear(ack("d", term, 1), "unicast")
    server.hear(ack("d", term, 4), "unicast")
    assert.closeTo(
      server.state.election.claim!.leaseStart.monotonic,
      from + L / 6,
      1,
      "the fourth was not said yet (forged)"
    )
    server.hear(ack("d", term, 3), "unicast")
    assert.closeTo(server.state.election.claim!.leaseStart.monotonic, from + 2 * L / 6, 1)
  })

  it("is not by one that is stale, of another start, or repeated", () => {
    const { server, term } = leading(["a", "b", "c", "d"], { timing: { lease: { ...three, groupSize: 3 } } })
    const { leaseStart } = server.state.election.claim!
    server.advance(L / 6)
    server.hear(ack("b", term - 1, 2), "unicast")
    server.hear(ack("b", term, 2, 999), "unicast")
    server.hear(ack("b", term, 99), "unicast")
    assert.strictEqual(server.state.election.claim!.leaseStart, leaseStart)
    const five = leading(["a", "b", "c", "d"], { timing: { lease: { ...three, groupSize: 3 } } })
    const wide = { ...three, groupSize: 5 }
    five.server.state = { ...five.server.state, timing: { ...five.server.state.timing, lease: wide } }
    const before = five.server.state.election.claim!.leaseStart
    five.server.hear(ack("b", five.term, 1), "unicast")
    five.server.hear(ack("b", five.term, 1), "unicast")
    assert.strictEqual(five.server.state.election.claim!.leaseStart, before)
    five.server.hear(ack("c", five.term, 1), "unicast")
    assert.notStrictEqual(five.server.state.election.claim!.leaseStart, before)
  })

  it("says a beat every sixth of the duration, and binds itself with it", () => {
    const { server } = leading()
    server.forget().advance(L / 6 * 3 + 1)
    const beats = server.said("BEAT")
    assert.deepStrictEqual(beats.map(({ message }) => message.beat), [2, 3, 4])
    assert.closeTo(promise(server).until, server.now + L, 2)
  })

  it("that no majority renews ends its work stopTimeout before, then says why and gives it back", () => {
    const { server, term } = leading(["a", "b"], { work: 250 })
    server.advance(210)
    const from = server.state.election.claim!.leaseStart.monotonic
    server.forget().advance(from + stopsAt - server.now - 2)
    assert.isTrue(server.leads)
    server.advance(3)
    assert.isFalse(server.leads)
    assert.deepInclude(server.outputs, { _tag: "EndWork", election: "" })
    assert.deepStrictEqual(
      server.says().filter((said) => said !== "BEAT"),
      [],
      "nobody hears of it before it has ended"
    )
    server.advance(251)
    assert.deepStrictEqual(causes(server), ["MajorityLost"])
    const said = server.sent.slice()
    assert.includeMembers([...server.says()], ["RELEASE", "STEPPING_DOWN"])
    const stepped = said.findLast(({ message }) => message.type === "STEPPING_DOWN")!.message
    assert.deepInclude(stepped, { cause: "MajorityLost", term })
  })

  it("is over at its time, even if its work goes on; what was promised is not given back then", () => {
    const { server } = leading(["a", "b"], { work: "by hand" })
    server.forget().advance(lasts)
    assert.deepStrictEqual(causes(server), ["MajorityLost"])
    server.step({ _tag: "WorkEnded", finished: false })
    assert.isFalse(server.leads)
    const early = leading(["a", "b"], { work: "by hand" })
    early.server.forget().step({ _tag: "Resign" })
    early.server.step({ _tag: "WorkEnded", finished: false })
    assert.deepStrictEqual(causes(early.server), ["Resigned"])
    assert.deepStrictEqual(early.server.says(), ["STEPPING_DOWN"])
  })

  describe("that ended without being given back (protocol 6, giving back)", () => {
    /** `m` whose lease is over while its work runs. */
    const owing = (others: ReadonlyArray<string> = ["a", "b"]) => {
      const { server, term } = leading(others, { work: "by hand" })
      server.forget().advance(lasts)
      assert.deepStrictEqual(server.outputs.filter(({ _tag }) => _tag === "AwaitIdle"), [
        { _tag: "AwaitIdle", election: "", term }
      ])
      return { server: server.forget(), term }
    }

    it("is given back once, to all, when none of its work runs", () => {
      const { server, term } = owing()
      server.step({ _tag: "WorkIdle", term })
      assert.deepStrictEqual(
        server.said("RELEASE").map(({ message, to }) => [message.claim, to]),
        [[term, null]]
      )
      server.step({ _tag: "WorkIdle", term })
      assert.deepStrictEqual(server.said("RELEASE"), [])
    })

    it("is not given back by what is said of another term, nor while a later one is held", () => {
      const { server, term } = owing()
      server.step({ _tag: "WorkIdle", term: term - 1 })
      assert.deepStrictEqual(server.said("RELEASE"), [])
      server.hear(vote("a", server.state.election.claim!.term), "unicast")
      assert.isTrue(server.leads)
      server.forget().step({ _tag: "WorkIdle", term })
      assert.deepStrictEqual(server.says(), [])
      assert.isTrue(server.leads)
    })

    it("where it failed with its next claim, is given back by that", () => {
      const { server, term } = owing()
      const next = server.state.election.claim!.term
      assert.isAbove(next, term)
      // What it owes lasts longer than its patience.
      server.state = { ...server.state, election: { ...server.state.election, workUntil: server.now + L } }
      for (const other of ["a", "b"]) server.hear(alive(other))
      server.advance(L / 5 + L / 3 + 5)
      assert.strictEqual(server.state.election.owed, next)
      server.forget().step({ _tag: "WorkIdle", term })
      assert.deepStrictEqual(server.said("RELEASE"), [])
      server.step({ _tag: "WorkIdle", term: next })
      assert.deepStrictEqual(server.said("RELEASE").map(({ message }) => message.claim), [next])
    })

    it("keeps its server from asking another to make way for it, as long as its work may run", () => {
      const { server, term } = leading(["a", "b"], { work: "by hand" })
      server.forget().wall += 10 * L
      server.step({ _tag: "CheckPause" })
      server.hear(beat("a", term + 10 * L))
      // It has lost a lead, and would wait in any case: here its work alone keeps it.
      server.state = { ...server.state, election: { ...server.state.election, losses: Losses.none } }
      server.forget()
      assert.strictEqual(server.follows, "a")
      server.step({ _tag: "Heartbeat" })
      server.advance(20)
      assert.deepStrictEqual(server.said("SERVER_PROBE"), [])
      server.step({ _tag: "WorkIdle", term })
      server.step({ _tag: "Heartbeat" })
      server.advance(20)
      assert.isAbove(server.said("SERVER_PROBE").length, 0)
    })

    it("is claimed by others first, where the work overran: its server waits coordinatorTimeout longer", () => {
      const { server, term } = owing()
      server.step({ _tag: "WorkOverran", term })
      server.advance(2 * L).forget()
      server.step({ _tag: "WorkFinished" })
      server.step({ _tag: "WorkIdle", term })
      const { coordinatorTimeout } = server.state.timing
      server.advance(coordinatorTimeout - 1)
      assert.deepStrictEqual(server.said("ELECTION"), [])
      server.advance(20)
      assert.isAbove(server.said("ELECTION").length, 0)
    })
  })

  it("is over for who slept, by the wall clock or by the one since the boot, before it does anything", () => {
    for (const [clock, cause] of [["wall", "LeaseLost"], ["boot", "Stalled"]] as const) {
      const { server } = leading(["a", "b"])
      server.boot = 5_000
      server.hear(ack("a", server.term, 1), "unicast")
      server.advance(L / 6).hear(ack("a", server.term, 2), "unicast")
      assert.isTrue(server.leads)
      server.forget()[clock] += 10 * L
      assert.isFalse(
        leadsNow(server, { wall: server.now + server.wall, sinceBoot: server.now + server.boot })
      )
      server.step({ _tag: "CheckPause" })
      assert.deepStrictEqual(causes(server), [cause])
    }
  })

  it("that a wall clock set forward ends is not given back: work runs that had no time to stop", () => {
    for (const yields of [false, true]) {
      const { server } = leading(["a", "z"], { work: "by hand" })
      if (yields) server.hear(stands("z", 0), "unicast")
      server.forget().wall += 10 * L
      server.step({ _tag: "CheckPause" })
      assert.isFalse(server.leads)
      assert.deepStrictEqual(causes(server), [yields ? "HigherRank" : "LeaseLost"])
      assert.deepStrictEqual(server.said("RELEASE"), [])
      assert.isNull(server.state.election.claim)
    }
  })

  it("is judged anew by the beat that it rests on now: where a wall clock was set back and forward, that may be over sooner", () => {
    for (const [jump, ending] of [[stopsAt + 1, "LeaseLost"], [10 * L, null], [stopsAt - 100, null]] as const) {
      const { server, term } = leading(["a", "b"], { work: "by hand" })
      server.wall -= 20 * L
      server.advance(L / 6)
      server.forget().wall += jump
      assert.isTrue(server.leads)
      server.hear(ack("a", term, 2), "unicast")
      assert.strictEqual(server.leads, jump < stopsAt)
      assert.strictEqual(server.state.election.ending, ending)
      assert.deepStrictEqual(causes(server), jump > lasts ? ["LeaseLost"] : [])
      assert.deepStrictEqual(server.said("RELEASE"), [])
    }
  })

  it("ends its work in time also where its machine slept too shortly for a stall, which no timer counts", () => {
    const { server, term } = leading(["a", "b"], { work: "by hand" })
    server.boot = 5_000
    server.advance(10).hear(ack("a", term, 1), "unicast")
    const since = server.now
    server.advance(500).suspend(150).step({ _tag: "CheckPause" })
    server.forget()
    while (server.leads) server.advance(1)
    assert.closeTo(server.now - since + 150, stopsAt, 12)
    assert.strictEqual(server.state.election.ending, "LeaseLost")
  })

  it("that ended before its time is not given back with the next claim, while work may run by what was promised for it", () => {
    const lost = () => {
      const { server } = leading(["a", "b"], { work: "by hand" })
      server.forget().wall += 10 * L
      server.step({ _tag: "CheckPause" })
      server.hear(alive("a"))
      server.hear(alive("b"))
      server.forget().advance(20)
      assert.isAtLeast(server.said("ELECTION").length, 1)
      return server
    }
    const server = lost()
    for (let waited = 0; waited <= L && server.state.election.claim !== null; waited += 1) server.advance(1)
    assert.isNull(server.state.election.claim)
    assert.deepStrictEqual(server.said("RELEASE"), [])
    server.advance(2 * L)
    assert.isAtLeast(server.said("RELEASE").length, 1, "by then the former lease is over by any clock")
    const again = lost()
    again.hear(vote("a", again.state.election.claim!.term), "unicast")
    assert.isTrue(again.leads)
    again.step({ _tag: "Resign" })
    again.forget().step({ _tag: "WorkEnded" })
    assert.strictEqual(again.said("RELEASE").length, 1, "all of its work has ended")
  })

  it("that a clock shortens ends its work in time, and is told as lost, not as without a majority", () => {
    const { server, term } = leading(["a", "b"], { work: "by hand" })
    server.advance(10).hear(ack("a", term, 1), "unicast")
    server.wall += stopsAt + 50
    server.forget().step({ _tag: "CheckPause" })
    assert.strictEqual(server.state.election.ending, "LeaseLost")
    server.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(causes(server), ["LeaseLost"])
  })

  it("of one that was paused is given back when its work, which woke too, has ended, and not before", () => {
    const { server } = leading(["a", "b"], { work: "by hand" })
    server.forget().freeze(600).step({ _tag: "CheckPause" })
    assert.isFalse(leadsNow(server))
    assert.strictEqual(server.state.election.ending, "Stalled")
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE"])
    server.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(causes(server), ["Stalled"])
    assert.isNull(server.state.election.claim)
    const steppingDown = server.sent.find(({ message }) => message.type === "STEPPING_DOWN")
    assert.deepInclude(steppingDown?.message, { cause: "Stalled", successor: null })
    assert.deepStrictEqual(server.says(), ["RELEASE", "STEPPING_DOWN"])
    assert.isAtLeast(server.now - server.state.election.vacancy.since, 600, "nobody was led by it since it was paused")
  })

  it("of one that was paused until it was over is not given back: its work has had no time to stop", () => {
    const { server } = leading(["a", "b"], { work: "by hand" })
    server.forget().freeze(60_000).step({ _tag: "CheckPause" })
    assert.deepStrictEqual(causes(server), ["Stalled"])
    assert.isNull(server.state.election.claim)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "SERVER_PROBE"])
  })

  it("whose work was ending when its server was paused goes on to its end for the reason that it has", () => {
    const { server } = leading(["a", "b"], { work: "by hand" })
    server.step({ _tag: "Resign" })
    server.forget().freeze(600).step({ _tag: "CheckPause" })
    assert.deepStrictEqual([causes(server), server.said("RELEASE")], [[], []])
    server.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(causes(server), ["Resigned"])
    assert.include(server.says(), "RELEASE")
  })

  it("of one who leaves is given back before the goodbye, and not told as lost", () => {
    const { server } = leading(["a", "b"], { work: "by hand" })
    server.forget().step({ _tag: "Leave" })
    server.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(server.says(), ["RELEASE", "SERVER_LEAVING", "HANDOVER_OFFER to b"])
    // Who misses it stays bound: it is said as often as by one that stays, though the handover is over sooner.
    const { start } = server.state.handover
    server.hear({ type: "HANDOVER_ACCEPT", start, key: "aa" }, "unicast")
    server.hear({ type: "HANDOVER_KEPT", key: "aa" }, "unicast")
    server.advance(199)
    assert.deepStrictEqual([server.state.phase, server.said("RELEASE").length], ["Leaving", 2])
    server.advance(30)
    assert.deepStrictEqual([server.state.phase, server.said("RELEASE").length], ["Left", 1])
    const late = leading(["a", "b"], { work: "by hand" })
    late.server.forget().step({ _tag: "Leave" })
    late.server.wall += 10 * L
    late.server.step({ _tag: "CheckPause" })
    assert.isFalse(late.server.says().includes("STEPPING_DOWN"))
  })

  it("ends with a newer reign of another, against all that is assumed", () => {
    const { server, term } = leading()
    server.forget().hear(alive("a", reign(term + 5, "a")))
    assert.strictEqual(server.follows, "a")
    assert.isNull(server.state.election.claim)
    assert.deepStrictEqual(server.said("RELEASE"), [], "its work has only just been told to end")
  })

  it("ends with a majority that is seen to be gone, at once", () => {
    const { server } = leading()
    server.hear(Peer.leaving("a"))
    assert.isTrue(server.leads)
    server.forget().hear(Peer.leaving("b"))
    server.advance(1)
    assert.deepStrictEqual(causes(server), ["MajorityLost"])
    const few = leading(["a", "b", "c"], { timing: { minimumMembers: 3 } })
    few.server.hear(Peer.leaving("b"))
    few.server.hear(Peer.leaving("c"))
    few.server.advance(1)
    assert.include(causes(few.server), "TooFewMembers")
  })

  it("under a lower incarnation than one's own is over, and so is a candidacy", () => {
    const { server } = leading()
    const again = () => server.hear(alive(member("m", { incarnation: 5_000 })), "multicast", server.state.self)
    server.forget()
    again()
    assert.deepStrictEqual(causes(server), ["Replaced"])
    assert.isNull(server.state.election.claim)
    const candidate = standing()
    candidate.server.hear(alive(member("m", { incarnation: 5_000 })), "multicast", candidate.server.state.self)
    candidate.server.hear(vote("a", candidate.term), "unicast")
    assert.isFalse(candidate.server.leads)
    const follower = bound()
    follower.hear(alive(member("m", { incarnation: 5_000 })), "multicast", follower.state.self)
    assert.strictEqual(follower.follows, "z")
  })
})

describe("following", () => {
  it("renews with each beat and acknowledges all of it", () => {
    const server = bound()
    server.advance(700).hear(beat("z", 50, 4))
    const [said] = server.said("BEAT_ACK")
    assert.deepInclude(said!.message, { claim: 50, beat: 4, incarnation: 1_000 })
    assert.strictEqual(promise(server).until, server.now + L)
  })

  it("a beat of another claim, or of another start, binds nobody who is bound (stale, contradicted)", () => {
    const server = bound(["a", "y"])
    server.hear(beat("y", 49))
    server.hear(beat(member("z", { incarnation: 2_000 }), 50))
    assert.deepStrictEqual(server.said("BEAT_ACK"), [])
  })

  it("a leader whose beats stay away is followed no more, and one stands; its own word brings it back", () => {
    const server = bound(["a"])
    server.advance(L - 100).hear(alive("a"))
    server.hear(alive("z", reign(50, "z")))
    server.forget().advance(101)
    assert.deepStrictEqual(causes(server), ["LeaseLost"])
    assert.strictEqual(server.follows, null)
    server.hear(alive("z", reign(50, "z")))
    assert.strictEqual(server.follows, "z")
  })

  it("what was given back frees those who were bound to exactly that, who are then candidates if nobody leads", () => {
    const server = bound(["a"])
    server.hear(release("z", 49))
    server.hear(release("a", 50))
    server.hear(release(member("z", { incarnation: 1_000 }), 50, "billing"))
    assert.isTrue(Lease.binds(promise(server), server.now))
    server.hear(release("z", 50))
    server.hear(release("z", 50))
    assert.isFalse(Lease.binds(promise(server), server.now))
    assert.strictEqual(server.follows, "z", "what it follows is said by other messages")
    server.hear(beat("z", 50, 7))
    assert.isFalse(Lease.binds(promise(server), server.now), "a late beat (reordered)")
    server.forget().hear(
      says("z", { type: "STEPPING_DOWN", election: "", successor: id("m") }, { term: 50, heard: 50 })
    )
    server.advance(6)
    assert.isAtLeast(server.said("ELECTION").length, 1)
    const gone = bound(["a"])
    gone.hear(Peer.leaving("z"))
    gone.hear(alive("b"))
    gone.forget().advance(100)
    assert.deepStrictEqual(gone.said("ELECTION"), [])
  })

  it("one that is free again stands where nobody leads", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(stands("z", 7))
    server.forget().hear(release("z", 7))
    server.advance(20)
    assert.isAtLeast(server.said("ELECTION").length, 1)
  })
})

const free: Message.PreVote = { granted: true, promised: 0, boundTo: null, remaining: 0 }
const boundTo = (leader: string, remaining: number): Message.PreVote => ({
  granted: false,
  promised: 50,
  boundTo: id(leader),
  remaining
})
/** An answer to the pre-vote that a server is in; null where it is only one that somebody is there. */
const preVoted = (sender: string, nonce: string, preVote: Message.PreVote | null, follows?: Reign.Reign) =>
  ({ ...response(sender, nonce, follows), ...(preVote === null ? {} : { preVote }) }) as Message.Message
const unanswered: Options = { preVote: undefined }

describe("a pre-vote", () => {
  it("is asked of each member, and nothing is claimed before a majority would vote", () => {
    const server = vacant(["a", "b"], unanswered).advance(10)
    const nonce = askedIn(server)
    assert.deepStrictEqual(server.said("SERVER_PROBE").map(({ message }) => message.preVote), ["", ""])
    assert.isFalse(Lease.binds(promise(server), server.now))
    assert.isNull(server.state.election.claim)
    server.hear(preVoted("a", nonce, boundTo("z", L)), "unicast")
    assert.deepStrictEqual(server.says(), [])
    server.hear(preVoted("b", nonce, { ...free, promised: 5_000_000 }), "unicast")
    assert.deepStrictEqual(server.said("ELECTION").map(({ message }) => message.standing), [5_000_001])
    assert.isFalse(server.leads, "it is no vote")
    server.hear(preVoted("b", nonce, free), "unicast")
    assert.isFalse(server.leads, "nor is it later")
  })

  it("is asked anew of those who have not said that they would, and given up for a while", () => {
    const five = { ...unanswered, timing: { lease: { ...three, groupSize: 5 } } }
    const server = vacant(["a", "b", "c", "d"], five).advance(10)
    const nonce = askedIn(server)
    server.hear(preVoted("a", nonce, free), "unicast")
    server.hear(preVoted("a", nonce, free), "unicast")
    assert.strictEqual(server.activity, "PreVote", "it counts once (repeated)")
    server.hear(preVoted("b", "ab", free), "unicast")
    assert.strictEqual(server.activity, "PreVote", "another question (stale)")
    server.forget().advance(100)
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to d", "SERVER_PROBE to c", "SERVER_PROBE to b"])
    server.advance(100)
    assert.strictEqual(server.says().length, 3)
    server.advance(100)
    assert.deepStrictEqual([server.activity, server.says()], ["Idle", []])
    server.hear(preVoted("b", nonce, free), "unicast")
    assert.deepStrictEqual(server.says(), [], "it is over (late)")
    server.advance(L / 6 + 10)
    assert.isAbove(server.said("SERVER_PROBE").length, 0)
  })

  it("counts what a member answered last (contradicted)", () => {
    const server = vacant(["a", "b", "c", "d"], { ...unanswered, timing: { lease: { ...three, groupSize: 5 } } })
      .advance(10)
    const nonce = askedIn(server)
    server.hear(preVoted("a", nonce, free), "unicast")
    server.hear(preVoted("a", nonce, boundTo("z", L)), "unicast")
    server.hear(preVoted("b", nonce, free), "unicast")
    assert.strictEqual(server.activity, "PreVote")
    server.hear(preVoted("c", nonce, free), "unicast")
    assert.strictEqual(server.activity, "Standing")
  })

  it("is asked again when those will be free who are bound for a short time only", () => {
    const server = vacant(["a", "b"], unanswered).advance(10)
    server.hear(preVoted("a", askedIn(server), boundTo("z", 7)), "unicast")
    server.forget().advance(8)
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to b", "SERVER_PROBE to a"])
  })

  it("is begun again when a majority may be free, where it is bound", () => {
    const server = vacant(["a", "b"], unanswered).advance(10)
    server.hear(preVoted("a", askedIn(server), boundTo("z", 900)), "unicast")
    server.advance(300)
    assert.strictEqual(server.activity, "Idle")
    server.forget().advance(580)
    assert.deepStrictEqual(server.says(), [])
    server.advance(40)
    assert.isAbove(server.said("SERVER_PROBE").length, 0)
  })

  it("is begun again at once where a claim is given back, which may have bound those asked, and once for each", () => {
    const server = vacant(["a", "b"], unanswered).advance(310)
    assert.strictEqual(server.activity, "Idle")
    server.forget().hear(release("z", 7))
    server.advance(20)
    assert.deepStrictEqual(server.said("SERVER_PROBE").length, 3)
    server.hear(release("z", 8))
    assert.deepStrictEqual(server.said("SERVER_PROBE").length, 3)
    server.hear(release("z", 8))
    assert.deepStrictEqual(server.says(), [])
  })

  it("of members that answer none counts in the end, where they are there: they are asked for their votes", () => {
    const server = vacant(["a", "b"], { preVote: null }).advance(10)
    assert.strictEqual(server.activity, "PreVote")
    server.advance(300)
    assert.isAbove(server.said("ELECTION").length, 0)
  })

  it("is answered by what this server would vote, and binds it to nobody", () => {
    const asks = (sender: string | Member.Member, election = "") =>
      ({ ...Peer.probe(sender, "77"), preVote: election }) as Message.Message
    const answers = (server: Server) => server.said("SERVER_RESPONSE").map(({ message }) => message.preVote)
    const server = vacant(["a", "z"], unanswered).advance(1).forget()
    server.hear(asks("z"), "unicast")
    assert.deepStrictEqual(answers(server), [free])
    assert.isFalse(Lease.binds(promise(server), server.now))
    assert.strictEqual(server.state.election.heard, 0)
    server.hear(stands("z", 7))
    server.forget().advance(100).forget()
    server.hear(asks("z"), "unicast")
    server.hear(asks("a"), "unicast")
    server.hear(asks("a", "billing"), "unicast")
    assert.deepStrictEqual(answers(server), [
      { granted: true, promised: 7, boundTo: id("z"), remaining: 0 },
      { granted: false, promised: 7, boundTo: id("z"), remaining: L - 100 },
      free
    ])
    server.hear(asks("a"), "multicast")
    assert.deepStrictEqual(answers(server).filter((one) => one !== undefined), [], "by unicast only")
    // One that goes by other settings gets no vote.
    server.hear(stands("a", 9, "", { ...three, groupSize: 5 }))
    server.hear(release("z", 7))
    server.forget().hear(asks("a"), "unicast")
    assert.isFalse(answers(server)[0]!.granted)
    const silent = Server.live(options(unanswered), [alive("a")])
    silent.forget().hear(asks("a"), "unicast")
    assert.deepStrictEqual(answers(silent), [{ granted: false, promised: 0, boundTo: null, remaining: L - silent.now }])
    const bully = Server.live({ profile: "fast" }, [alive("a")])
    bully.forget().hear(asks("a"), "unicast")
    assert.deepStrictEqual(answers(bully), [undefined])
  })

  it("that a leader is asked is answered, and who leads is told besides", () => {
    const { server } = leading()
    server.forget().hear({ ...Peer.probe("b", "77"), preVote: "" } as Message.Message, "unicast")
    assert.includeMembers([...server.says()], ["COORDINATOR to b", "SERVER_RESPONSE to b"])
  })
})

describe("what was given back", () => {
  it("is granted and acknowledged no more, where it is heard of before the claim (reordered)", () => {
    const server = vacant(["a", "z"], unanswered).advance(1)
    server.hear(release("z", 50))
    server.forget().hear(stands("z", 50))
    server.hear(beat("z", 50))
    server.hear(stands("z", 49))
    assert.deepStrictEqual(votes(server).map(({ granted }) => granted), [false, false])
    assert.isFalse(Lease.binds(promise(server), server.now))
  })

  it("keeps nobody from a lower term, nor its server from a later one: it is no term heard of", () => {
    const server = vacant(["a", "z"], unanswered).advance(1)
    server.hear(release("z", 50))
    assert.strictEqual(server.state.election.heard, 0)
    server.forget().hear(stands("a", 9))
    server.hear(release("a", 9))
    server.hear(stands("z", 51))
    assert.deepStrictEqual(votes(server).map(({ granted }) => granted), [true, true])
  })

  it("is remembered of so many starts at most, of each the newest, in an election that it takes no part in too", () => {
    const server = vacant(["a", "z"], unanswered).advance(1)
    for (const claim of [7, 9, 8]) server.hear(release("z", claim, "billing"))
    for (let start = 0; start < 2 * Lease.maxReleased; start += 1) {
      server.hear(release(member("a", { incarnation: 1_000 + start }), 5, "billing"))
    }
    const { released } = promise(server, "billing")
    assert.strictEqual(released.length, Lease.maxReleased)
    assert.deepInclude(released[0], { id: id("a"), incarnation: 1_000 + 2 * Lease.maxReleased - 1 })
  })

  it("is heard of by who knows already that its server has left", () => {
    const server = bound(["a", "b"], unanswered)
    server.hear(Peer.leaving("z"))
    assert.isTrue(Lease.binds(promise(server), server.now))
    server.hear(release("z", 50))
    assert.isFalse(Lease.binds(promise(server), server.now))
    server.hear(stands("a", 7, "billing"))
    server.hear(Peer.leaving("a"))
    server.hear(release("a", 7, "billing"))
    assert.isNull(promise(server, "billing").to)
    server.hear(release("m", 50))
  })
})

describe("preempt", () => {
  it("one that outranks the leader and would be voted for by those bound to it asks it alone to yield, again with each heartbeat, and does not stand", () => {
    const server = vacant(["a", "b"], unanswered).advance(1)
    server.hear(beat("a", 50))
    server.forget().advance(10)
    server.hear(preVoted("b", askedIn(server), boundTo("z", 900), reign(50, "a")), "unicast")
    assert.strictEqual(server.activity, "PreVote", "it is bound to a third")
    server.hear(preVoted("a", askedIn(server), boundTo("a", 900), reign(50, "a")), "unicast")
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to b", "SERVER_PROBE to a", "ELECTION to a"])
    server.advance(250).hear(beat("a", 50, 2))
    assert.deepStrictEqual(server.says(), ["ELECTION to a", "ELECTION to a", "BEAT_ACK to a"])
    server.step({ _tag: "Heartbeat" })
    server.advance(10)
    server.hear(preVoted("b", askedIn(server), null, reign(50, "a")), "unicast")
    assert.deepStrictEqual(
      server.says(),
      ["SERVER_ALIVE", "SERVER_PROBE to b", "SERVER_PROBE to a", "ELECTION to a"],
      "one that answers no pre-vote hears it"
    )
    assert.isNull(server.state.election.claim)
  })

  it("one that was named to go first claims a term at once when members answer that answer no pre-vote", () => {
    const server = vacant(["a", "b"], unanswered).advance(1)
    server.hear(beat("a", 50))
    server.advance(10)
    server.hear(preVoted("a", askedIn(server), boundTo("a", 900), reign(50, "a")), "unicast")
    server.hear(release("a", 50))
    server.hear(Peer.stepsDown("a", 50, "m", "HigherRank"))
    server.advance(10)
    server.hear(preVoted("b", askedIn(server), null), "unicast")
    assert.strictEqual(server.activity, "Standing")
  })

  it("one that asks the leader to yield is a candidate for no term: nobody is bound by that, though it lead no more", () => {
    const server = vacant(["a", "b"], unanswered).advance(1)
    server.hear(beat("a", 50))
    server.forget().advance(10)
    server.hear(preVoted("a", askedIn(server), boundTo("a", 900), reign(50, "a")), "unicast")
    const [asked] = server.said("ELECTION")
    const other = vacant(["m", "z"]).advance(1)
    other.hear({ ...asked!.message, sender: member("z") }, "unicast")
    assert.deepStrictEqual(votes(other), [{ granted: false, promised: 50, boundTo: null, remaining: 0 }])
    assert.isFalse(Lease.binds(promise(other), other.now))
  })

  it("one that follows the leader through another does not ask it to yield: a lower one would hear of the vacancy first", () => {
    const server = vacant(["a", "b"], { ...unanswered, preVote: boundTo("a", 900) }).advance(1)
    for (const number of [7, 8]) {
      server.hear({ ...alive("b", reign(50, "c")) as Message.Of<"SERVER_ALIVE">, alive: number, hops: 1 })
    }
    assert.deepStrictEqual([server.follows, server.state.election.life.through], ["c", id("b")])
    server.forget()
    for (let beats = 0; beats < 4; beats++) {
      server.step({ _tag: "Heartbeat" })
      server.advance(10)
      assert.strictEqual(server.activity, "Idle")
    }
    assert.deepStrictEqual(server.said("ELECTION"), [])
  })

  it("one that has not heard the leader itself lately does not ask it to yield: it would not hear it make way", () => {
    const asks = (silent: number) => {
      const server = vacant(["a", "b"], unanswered).advance(1)
      server.hear(alive("a", reign(50, "a")))
      const heardAt = server.now - silent
      server.state = { ...server.state, known: HashMap.modify(server.state.known, id("a"), (a) => ({ ...a, heardAt })) }
      server.forget().advance(10)
      assert.strictEqual(server.follows, "a")
      return server.said("SERVER_PROBE").some(({ message }) => message.preVote !== undefined)
    }
    assert.deepStrictEqual([asks(0), asks(29_000), asks(31_000)], [true, true, false])
  })

  it("one that has promised the leader nothing, and hears it no more, does not follow it for good", () => {
    const follows = (bound: boolean) => {
      const server = vacant(["a", "b"], unanswered).advance(1)
      server.hear(bound ? beat("a", 50) : alive("a", reign(50, "a")))
      assert.strictEqual(server.follows, "a")
      const heardAt = server.now - 31_000
      const missing = HashMap.modify(server.state.known, id("a"), (a) => ({ ...a, heardAt, isLinkMissing: true }))
      server.state = { ...server.state, known: missing }
      server.step({ _tag: "Sweep" })
      return server.follows
    }
    assert.deepStrictEqual([follows(true), follows(false)], ["a", null])
  })

  it("one that would be voted for by no majority lets the leader be", () => {
    const five = { ...unanswered, timing: { lease: { ...three, groupSize: 5 } } }
    const server = vacant(["a", "b", "c", "d"], five).advance(1)
    server.hear(beat("a", 50, 1, "", { ...three, groupSize: 5 }))
    server.forget().advance(10)
    const nonce = askedIn(server)
    server.hear(preVoted("a", nonce, boundTo("a", 900), reign(50, "a")), "unicast")
    server.advance(301)
    assert.strictEqual(server.activity, "Idle")
    server.hear(preVoted("d", nonce, boundTo("a", 900), reign(50, "a")), "unicast")
    assert.notInclude(server.says(), "ELECTION to a")
  })

  it("a leader names who asked as the one that goes first, and goes last itself", () => {
    const { server } = leading(["a"], { work: 50 })
    for (const name of ["y", "z"]) server.hear(alive(name))
    server.forget().hear(stands("y", 0), "unicast")
    server.advance(51)
    assert.strictEqual(server.said("STEPPING_DOWN")[0]!.message.successor, id("y"), "though another ranks higher still")
    server.forget().advance(590)
    assert.deepStrictEqual(server.said("SERVER_PROBE"), [])
    server.advance(100)
    assert.isAbove(server.said("SERVER_PROBE").length, 0)
    const { server: other } = leading(["a"], { work: 50 })
    for (const name of ["y", "z"]) other.hear(alive(name))
    other.forget().hear(stands("y", 0), "unicast")
    other.hear(Peer.leaving("y"))
    other.advance(51)
    assert.strictEqual(other.said("STEPPING_DOWN")[0]!.message.successor, id("z"), "who asked is gone")
  })

  it("a leader that is asked by a higher ranked one yields, its work first", () => {
    const { server } = leading(["a", "z"], { work: 50 })
    server.forget().hear(stands("z", 0), "unicast")
    assert.isFalse(server.leads)
    server.advance(51)
    assert.deepStrictEqual(causes(server), ["HigherRank"])
    assert.includeMembers([...server.says()], ["RELEASE", "STEPPING_DOWN"])
  })

  it("one that hears of a later reign, which is over, gives its lease back and claims a term above: who followed that one can follow it", () => {
    const { server, term } = leading(["a", "z"], { work: 50 })
    const later = { term: term + 9, heard: term + 9 }
    server.forget().hear(says("a", { type: "SERVER_ALIVE", interval: 10_000 }, later))
    assert.isFalse(server.leads)
    // Said again while its work ends, it changes nothing.
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000 }, later))
    server.advance(51)
    assert.deepStrictEqual(causes(server), ["Superseded"])
    const said = server.sent.map(({ message }) => message)
    assert.includeMembers(said.map(({ type }) => type), ["RELEASE", "STEPPING_DOWN"])
    const down = said.find((message) => message.type === "STEPPING_DOWN")
    assert.isNull(down?.successor, "it stands itself")
    server.advance(1_000)
    const [asked] = server.said("ELECTION")
    assert.isAbove(asked!.message.standing, term + 9)
  })

  it("of a later reign that is none of this agreement, or one as old as its own, it hears without a consequence", () => {
    const { server, term } = leading(["a", "z"])
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000 }, { term, heard: term }))
    server.hear(stands("z", term + 9, "", { ...three, groupSize: 5 }))
    server.hear(says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { term: term + 9, heard: term + 9 }))
    assert.isTrue(server.leads)
  })

  it("one that hears of a later claim, which failed, leads on: only what was led passes it", () => {
    const { server, term } = leading(["a", "z"])
    server.forget().hear(says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { term, heard: term + 9 }))
    assert.isTrue(server.leads)
    assert.deepStrictEqual(server.says(), ["COORDINATOR to z"])
  })

  it("who has followed another of the same term, which ranks higher, says that it can follow only a later one", () => {
    const server = vacant(["a", "z"], unanswered).advance(1)
    server.hear(alive("z", reign(50, "z")))
    server.hear(Peer.leaving("z"))
    server.hear(alive("a", reign(50, "a")))
    assert.isNull(server.follows)
    server.forget().step({ _tag: "Heartbeat" })
    const [said] = server.said("SERVER_ALIVE")
    assert.deepInclude(said!.message, { term: 51, leader: null })
  })

  it("one that a higher ranked one does not ask, but stands beside, tells it who leads (reordered)", () => {
    const { server } = leading(["a", "z"])
    server.forget().hear(stands("z", server.term + 9))
    assert.isTrue(server.leads)
    assert.deepStrictEqual(server.says(), ["COORDINATOR to z", "VOTE to z"])
  })

  it("one that is asked by a lower ranked one, or with preempt off, tells it who leads", () => {
    const { server } = leading()
    server.forget().hear(stands("a", 0), "unicast")
    assert.deepStrictEqual(server.says(), ["COORDINATOR to a", "VOTE to a"])
    const off = leading(["a", "z"], { timing: { preempt: false } })
    off.server.forget().hear(stands("z", 0), "unicast")
    assert.isTrue(off.server.leads)
  })

  it("one that found no majority lately does not ask", () => {
    const { server } = standing()
    server.advance(L / 5 + L / 3 + 1)
    server.hear(beat("a", server.state.election.heard + 5))
    server.forget().advance(1_000)
    assert.isFalse(server.says().some((said) => said === "ELECTION to a" || said.startsWith("SERVER_PROBE")))
  })
})

describe("more servers than there should be", () => {
  it("are told once when they have lived for memberTimeout, and the dead are none of them", () => {
    const server = vacant(["a", "b", "c"], { preVote: undefined }).advance(1)
    const after = (sweeps: number, ...names: ReadonlyArray<string>) => {
      for (let i = 0; i < sweeps; i += 1) {
        server.advance(500)
        for (const name of names) server.hear({ ...alive(name), interval: 500 } as Message.Message)
        server.step({ _tag: "Sweep" })
      }
      return server.told().filter((event) => event === "GroupTooLarge").length
    }
    assert.strictEqual(after(3, "a", "b", "c"), 0)
    assert.strictEqual(after(2, "a", "b"), 0, "the third had restarted under another id")
    assert.strictEqual(after(4, "a", "b", "c"), 0)
    assert.strictEqual(after(1, "a", "b", "c"), 1)
    assert.strictEqual(after(9, "a", "b", "c"), 0)
    after(2, "a", "b")
    assert.strictEqual(after(5, "a", "b", "c"), 1, "and again when it had been otherwise")
  })
})

describe("an agreement that differs", () => {
  it("gets no vote and no acknowledgement, and is told once for each start", () => {
    const server = vacant(["a", "z"]).advance(1)
    const other = { ...three, groupSize: 5 }
    server.hear(stands("z", 7, "", other))
    server.hear(beat("z", 7, 1, "", other))
    server.hear(stands("z", 8, "billing", other))
    assert.deepStrictEqual(server.says(), [])
    const told = server.tells().filter(({ event }) => event === "SettingsDiffer")
    assert.strictEqual(told.length, 1)
    assert.deepInclude(told[0], { setting: "groupSize", ours: "3", theirs: "5" })
    server.hear(stands(member("z", { incarnation: 2_000 }), 9, "", other))
    assert.strictEqual(server.told().filter((name) => name === "SettingsDiffer").length, 1)
  })

  it("one without leases among those with, and the other way round, are told too", () => {
    const server = vacant(["a", "z"]).advance(1).forget()
    server.hear(stands("z", 7, "", null))
    server.hear(Peer.objects("z", "m", 7))
    assert.deepStrictEqual(server.says(), [])
    assert.deepInclude(server.tells()[0], {
      event: "SettingsDiffer",
      setting: "leadership",
      ours: "lease",
      theirs: "bully"
    })
    const bully = Server.live({ profile: "fast" }, [alive("a")])
    bully.advance(10).forget().hear(stands("a", 7))
    assert.deepInclude(bully.tells()[0], { event: "SettingsDiffer", ours: "bully", theirs: "lease" })
    assert.isFalse(bully.says().includes("OK"))
  })

  const leads = (sender: string, term: number, lease: Lease.Agreement | null) =>
    says(sender, { type: "COORDINATOR", election: "", ...(lease === null ? {} : { lease }) } as never, {
      follows: reign(term, sender)
    })

  it("one that leads without a lease, or by another, is told and not followed, regardless of rank and term", () => {
    for (const lease of [null, { ...three, groupSize: 1 }]) {
      const { server, term } = leading(["a", "z"])
      server.forget().hear(leads("z", term + 9, lease))
      assert.isTrue(server.leads)
      assert.deepInclude(server.tells()[0], { event: "SettingsDiffer", member: member("z") })
      server.hear(alive("z", reign(term + 9, "z")))
      server.hear(alive("a", reign(term + 9, "z")))
      assert.isTrue(server.leads)
    }
  })

  it("one that was followed before that was known is followed no more", () => {
    const server = vacant(["a", "z"]).advance(1)
    server.hear(alive("z", reign(50, "z")))
    assert.strictEqual(server.follows, "z")
    server.forget().hear(leads("z", 50, null))
    assert.isNull(server.follows)
    assert.deepStrictEqual(causes(server), ["LeaseLost"])
    server.hear(alive("z", reign(50, "z")))
    assert.isNull(server.follows)
  })

  it("who leads by a lease says by which; a server without leases that hears so is told, and goes by its own rules", () => {
    const { server } = leading()
    const [said] = server.said("COORDINATOR")
    assert.deepStrictEqual(said?.message.lease, three)
    const bully = Server.live({ profile: "fast" }, [alive("a"), alive("z")])
    bully.forget().hear(leads("z", 50, three))
    assert.deepInclude(bully.tells()[0], { event: "SettingsDiffer", ours: "bully", theirs: "lease" })
    assert.strictEqual(bully.follows, "z")
  })
})

describe("a promise that runs out (majority lease, following)", () => {
  it("leaves the leader followed through a member that knows newer signs of its life, for as long as it does", () => {
    const server = bound(["a", "b"])
    const tells = (number: number, name = "a") =>
      server.hear({ ...alive(name, reign(50, "z")) as Message.Of<"SERVER_ALIVE">, alive: number, hops: 1 })
    for (let number = 2; number < 7; number++) {
      tells(number)
      server.advance(400)
    }
    const told = () =>
      server.tells().flatMap((event) => event.event === "LeaderChanged" ? [[event.leader?.name, event.cause]] : [])
    assert.deepStrictEqual([server.follows, server.state.election.life.through], ["z", id("a")])
    assert.deepStrictEqual(told(), [["z", "PathChanged"]])
    for (let number = 7; number < 12; number++) {
      tells(number)
      server.advance(400)
    }
    assert.deepStrictEqual([server.follows, told()], ["z", []])
    server.advance(90_000).step({ _tag: "Sweep" })
    assert.deepStrictEqual(told()[0], [undefined, "Silent"])
  })
})

describe("a timer", () => {
  it("changes nothing where the majority is gone that it would stand with, nor where a lease sets none of its kind", () => {
    const server = Server.live(options())
    const context = new StepContext(server.state, { monotonic: server.now, wall: server.now + server.wall, entropy: 1 })
    const election = ElectionContext.find(context, "")!
    majorityLease.onTimer(election, { _tag: "Stand", election: "" })
    assert.strictEqual(election.register.activity._tag, "Idle")
    majorityLease.onTimer(election, { _tag: "LeaseEnds", election: "" })
    assert.deepStrictEqual(context.outputs, [])
  })
})

describe("what is asked of the clock", () => {
  it("says that nobody leads in an election that this server takes no part in", () => {
    const { server } = leading()
    const now = { monotonic: server.now, wall: server.now + server.wall }
    assert.isNull(Step.leads(server.state, now, "billing"))
    assert.strictEqual(Step.leads(server.state, now)?.term, server.term)
    assert.isNull(Step.leads(server.state, { ...now, monotonic: now.monotonic + 60_000 }), "it was paused")
    assert.isNotNull(ElectionContext.ownReign(server.state), "which its state alone does not know")
  })
})
