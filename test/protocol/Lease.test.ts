/**
 * The decisions of a majority lease, each for itself, and beside dumb ones that are right by their look (protocol, majority
 * lease).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Lease from "../../src/protocol/model/Lease.ts"
import * as Peer from "./harness/Peer.ts"

const three: Lease.Agreement = { groupSize: 3, duration: 1_000, drift: 0.01 }
const [a, b] = [Peer.member("a"), Peer.member("b")]
const later = Peer.member("a", { incarnation: 2_000 })
const at = (monotonic: number, wall = monotonic, sinceBoot?: number): Lease.Readings => ({
  monotonic,
  wall,
  sinceBoot
})

describe("the agreement", () => {
  it.each([[1, 1], [2, 2], [3, 2], [4, 3], [5, 3], [1_000, 501]])("of %i servers %i are a majority", (n, majority) => {
    assert.strictEqual(Lease.majority({ groupSize: n }), majority)
    assert.isAbove(2 * majority, n, "two majorities have one in common")
  })

  it("names the first setting that differs, the mode before all", () => {
    assert.isNull(Lease.difference(three, { ...three }))
    assert.isNull(Lease.difference(null, null))
    assert.deepStrictEqual(Lease.difference(three, null), { setting: "leadership", ours: "lease", theirs: "bully" })
    assert.deepStrictEqual(Lease.difference(null, three), { setting: "leadership", ours: "bully", theirs: "lease" })
    for (
      const [other, setting] of [[{ groupSize: 5 }, "groupSize"], [{ duration: 2 }, "leaseDuration"], [
        { drift: 0.02 },
        "clockDrift"
      ]] as const
    ) {
      assert.strictEqual(Lease.difference(three, { ...three, ...other })?.setting, setting)
    }
  })

  it.prop(
    "a lease is over before any promise that it rests on, with any clocks within the drift (the safety arithmetic)",
    [
      Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.1 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3_600_000 })),
      Schema.Finite.check(Schema.isBetween({ minimum: -1, maximum: 1 })),
      Schema.Finite.check(Schema.isBetween({ minimum: -1, maximum: 1 }))
    ],
    ([drift, duration, slow, fast]) => {
      const agreement = { groupSize: 3, duration, drift }
      // True time in which each clock shows so much: the leader's, and a voter's that received at once.
      const lease = Lease.lasts(agreement) / (1 + slow * drift)
      const promise = duration / (1 + fast * drift)
      assert.isAtMost(lease, promise + 1e-9 * duration)
    }
  )

  it("six beats are said in the time of a promise", () => {
    assert.strictEqual(Lease.renewalInterval(three) * 6, three.duration)
  })
})

describe("elapsed time", () => {
  it("is that of the fastest clock: monotonic, wall, or since boot", () => {
    const since = Lease.instant(at(100, 5_000, 900))
    assert.strictEqual(Lease.elapsed(since, at(150, 5_010, 920)), 50)
    assert.strictEqual(Lease.elapsed(since, at(110, 5_050, 920)), 50)
    assert.strictEqual(Lease.elapsed(since, at(110, 5_010, 950)), 50)
  })

  it("is not shortened by a wall clock that is set back, nor by one that is not there", () => {
    assert.strictEqual(Lease.elapsed(Lease.instant(at(100, 5_000)), at(150, 0)), 50)
    assert.strictEqual(Lease.elapsed(Lease.instant(at(100, 5_000)), at(150, 0, 99_999)), 50)
    assert.strictEqual(Lease.elapsed(Lease.instant(at(100, 5_000, 99_999)), at(150, 0)), 50)
  })
})

describe("granting", () => {
  const free = { silentUntil: 0, heard: 0, now: 100 }
  const toA = Lease.promise(a, 7, three, 100)

  it("is refused in the silent start, to whomever, and no longer", () => {
    assert.isFalse(Lease.grants(Lease.noPromise, a, 7, { ...free, silentUntil: 101 }))
    assert.isTrue(Lease.grants(Lease.noPromise, a, 7, { ...free, silentUntil: 100 }))
  })

  it("is refused while an unexpired promise names another server or another start", () => {
    assert.isFalse(Lease.grants(toA, b, 8, free))
    assert.isFalse(Lease.grants(toA, later, 8, free))
    assert.isTrue(Lease.grants(toA, a, 8, free))
    assert.isFalse(Lease.grants(toA, b, 8, { ...free, now: 1_099 }))
    assert.isTrue(Lease.grants(toA, b, 8, { ...free, now: 1_100 }))
  })

  it("needs a term above the last one promised, which outlives the promise, and above the highest heard of", () => {
    for (const now of [100, 5_000]) {
      assert.isFalse(Lease.grants(toA, a, 7, { ...free, now }))
      assert.isFalse(Lease.grants(toA, a, 6, { ...free, now }))
      assert.isTrue(Lease.grants(toA, a, 8, { ...free, now }))
    }
    assert.isFalse(Lease.grants(toA, a, 8, { ...free, heard: 8 }))
    assert.isFalse(Lease.grants(Lease.release(toA, a, 7), b, 7, free))
  })
})

describe("a beat", () => {
  const toA = Lease.promise(a, 7, three, 100)
  const now = { silentUntil: 0, now: 200 }

  it("renews exactly the promise that it is of", () => {
    assert.isTrue(Lease.takesBeat(toA, a, 7, now))
    assert.isFalse(Lease.takesBeat(toA, a, 8, now))
    assert.isFalse(Lease.takesBeat(toA, a, 6, now))
    assert.isFalse(Lease.takesBeat(toA, later, 7, now))
    assert.isFalse(Lease.takesBeat(toA, b, 7, now))
  })

  it("is a request to who is bound to nobody, and promised no higher term", () => {
    assert.isTrue(Lease.takesBeat(Lease.noPromise, b, 7, now))
    const expired = { silentUntil: 0, now: 1_100 }
    assert.isTrue(Lease.takesBeat(toA, a, 7, expired))
    assert.isTrue(Lease.takesBeat(toA, b, 8, expired))
    assert.isFalse(Lease.takesBeat(toA, b, 6, expired))
  })

  it("is none in the silent start", () => {
    assert.isFalse(Lease.takesBeat(Lease.noPromise, b, 7, { silentUntil: 201, now: 200 }))
  })

  it("of a term that was given back binds nobody (reordered)", () => {
    const released = Lease.release(toA, a, 7)
    assert.isFalse(Lease.binds(released, 200))
    assert.isFalse(Lease.takesBeat(released, a, 7, now))
    assert.isTrue(Lease.takesBeat(released, b, 8, now))
  })
})

describe("giving back", () => {
  const toA = Lease.promise(a, 7, three, 100)

  it("frees a promise to exactly that start and term, and nothing else", () => {
    for (const other of [Lease.release(toA, b, 7), Lease.release(toA, later, 7), Lease.release(toA, a, 6)]) {
      assert.isTrue(Lease.bindsTo(other, a, 7, 200))
    }
    const free = Lease.release(toA, a, 7)
    assert.isFalse(Lease.binds(free, 200))
    assert.strictEqual(Lease.release(free, a, 7), free, "once")
    assert.strictEqual(Lease.release(free, a, 6), free, "it is done with the earlier ones too")
  })

  it("keeps that start's claims up to that term from being granted, and nobody else's", () => {
    const heard = Lease.release(Lease.noPromise, a, 7)
    const now = { silentUntil: 0, heard: 0, now: 200 }
    assert.isFalse(Lease.grants(heard, a, 7, now))
    assert.isFalse(Lease.grants(heard, a, 6, now))
    assert.isFalse(Lease.takesBeat(heard, a, 7, now))
    assert.isTrue(Lease.grants(heard, a, 8, now))
    assert.isTrue(Lease.grants(heard, b, 7, now))
    assert.isTrue(Lease.grants(heard, later, 7, now))
    const bound = Lease.promise(b, 9, three, 100, heard)
    assert.isTrue(Lease.isReleased(bound, a, 7), "regardless of what is promised to others meanwhile")
  })

  it("is remembered of the latest", () => {
    const starts = Array.from({ length: Lease.maxReleased + 1 }, (_, start) => ({ ...a, incarnation: start }))
    const heard = starts.reduce((promise, start) => Lease.release(promise, start, 7), Lease.noPromise)
    assert.strictEqual(heard.released.length, Lease.maxReleased)
    assert.isFalse(Lease.isReleased(heard, starts[0]!, 7))
    assert.isTrue(Lease.isReleased(heard, starts[1]!, 7))
  })
})

describe("votes and acknowledgements", () => {
  const asked = Lease.claim(7, at(100))
  const vote = { standing: 7, incarnation: 1_000, granted: true }

  it("a vote counts for exactly the incarnation and term stood for, and only if it is one for", () => {
    assert.isTrue(Lease.countsVote(asked, a, vote))
    assert.isFalse(Lease.countsVote(asked, a, { ...vote, standing: 6 }))
    assert.isFalse(Lease.countsVote(asked, a, { ...vote, incarnation: 999 }))
    assert.isFalse(Lease.countsVote(asked, a, { ...vote, granted: false }))
    assert.isFalse(Lease.countsVote(null, a, vote), "given back")
    assert.isFalse(Lease.countsVote({ ...asked, held: true }, a, vote), "held already")
  })

  it("one server's second vote is its first", () => {
    assert.deepStrictEqual(Lease.voted(Lease.voted(asked, b.id), b.id).votes, [b.id])
  })

  it("an acknowledgement counts for exactly the incarnation and term held", () => {
    const held = { ...asked, held: true }
    assert.isTrue(Lease.countsAck(held, a, { claim: 7, incarnation: 1_000 }))
    assert.isFalse(Lease.countsAck(held, a, { claim: 8, incarnation: 1_000 }))
    assert.isFalse(Lease.countsAck(held, a, { claim: 7, incarnation: 1 }))
    assert.isFalse(Lease.countsAck(asked, a, { claim: 7, incarnation: 1_000 }))
    assert.isFalse(Lease.countsAck(null, a, { claim: 7, incarnation: 1_000 }))
  })

  it("the lease of a group of one rests on its own beats", () => {
    const claim = Lease.beaten({ ...asked, held: true }, { ...three, groupSize: 1 }, at(300))
    assert.strictEqual(claim.leaseStart.monotonic, 300)
  })

  /** What is said of a claim in the course of time: a beat, or one server's acknowledgement of one. */
  const course = Arbitrary.array(
    Arbitrary.schema(Schema.Union([
      Schema.Struct({ do: Schema.Literals(["beat"]), after: Schema.Literals([1, 166, 500, 990]) }),
      Schema.Struct({
        do: Schema.Literals(["ack"]),
        by: Schema.Literals(["b", "c", "d", "e"]),
        beat: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
      })
    ])),
    { maxLength: 40 }
  )

  it.prop("the lease rests on the newest beat that a majority acknowledged (naive twin: keep everything)", [course], ([
    acts
  ]) => {
    const five = { ...three, groupSize: 5 }
    let now = 100
    let claim: Lease.Claim = { ...Lease.claim(7, at(now)), held: true }
    const beats: Array<{ readonly sent: number; readonly by: Set<string> }> = []
    for (const act of acts) {
      if (act.do === "beat") {
        now += act.after
        claim = Lease.beaten(claim, five, at(now))
        beats.push({ sent: now, by: new Set(["a"]) })
      } else if (Lease.isHeld(claim, five, at(now))) {
        claim = Lease.acknowledged(claim, Peer.id(act.by), act.beat, five)
        // For the earlier ones too; one that was not said yet counts for nothing.
        if (act.beat <= beats.length) { for (const { by } of beats.slice(0, act.beat)) by.add(act.by) }
      }
      const newest = beats.findLast(({ by }) => by.size >= 3)
      const rests = newest === undefined ? 100 : newest.sent
      // On what is too old no lease rests, regardless of who acknowledges it.
      if (now - rests < Lease.lasts(five)) assert.strictEqual(claim.leaseStart.monotonic, rests)
      else assert.isFalse(Lease.isHeld(claim, five, at(now)))
      assert.isAtMost(claim.beats.length, 1_000)
    }
  }, { arbitrary: { runs: 400 } })

  it("ends the instant that its time has passed", () => {
    const claim = { ...asked, held: true }
    assert.isTrue(Lease.isHeld(claim, three, at(1_079)))
    assert.isFalse(Lease.isHeld(claim, three, at(1_080)))
    assert.isFalse(Lease.isHeld(claim, three, at(100, 1_080)))
    assert.isFalse(Lease.isHeld(asked, three, at(101)), "only asked for")
  })
})
