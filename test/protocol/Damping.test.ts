/**
 * Who loses the lead again and again waits longer each time before it takes it again (protocol 5, damping).
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Losses from "../../src/protocol/model/Losses.ts"
import { following, leading, vacant } from "./harness/Openings.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, coordinator, leaving, objects, reign, response, stands, stepsDown } = Peer

/** In `standard`. */
const memberTimeout = 30_000
const longest = 64 * memberTimeout

const lossesOf = (server: Server): Losses.Losses => server.state.election.losses

/** The server lost so many leads, the last one now. */
const having = (count: number, server: Server): Server => {
  const losses = { ...Losses.none, count, lostAt: server.now, wholeSince: server.now }
  server.state = { ...server.state, election: { ...server.state.election, losses } }
  return server
}

/** `m` follows `a` in term 50 and lost so many leads before. */
const outranking = (losses: number, others: ReadonlyArray<string> = ["b"], options: Options = {}) => {
  // It is not called to stand before it is made one that has lost.
  const server = Server.live({ ...options, timing: { preempt: false, ...options.timing } }, [
    ...others.map((name) => alive(name)),
    alive("a", reign(50, "a"))
  ])
  server.state = { ...server.state, timing: { ...server.state.timing, preempt: true } }
  assert.deepStrictEqual([server.follows, server.activity], ["a", "Idle"])
  return having(losses, server).forget()
}

/** A heartbeat of `m`; then these answer what it asks. */
const beat = (server: Server, ...answering: ReadonlyArray<string>): void => {
  server.step({ _tag: "Heartbeat" })
  for (const name of answering) server.hear(response(name, "1", server.leads ? undefined : reign(50, "a")))
}

/** Heartbeats for so many ms, all of which these answer. */
const beats = (server: Server, millis: number, ...answering: ReadonlyArray<string>): void => {
  for (let passed = 0; passed < millis; passed += 10_000) {
    beat(server, ...answering)
    server.advance(10_000)
  }
}

describe("how long who lost the lead waits (protocol 5, damping)", () => {
  it("is nothing at first, then memberTimeout, twice as long with each loss, and 64 times at most", () => {
    const timing = { memberTimeout }
    const after = (count: number) => Losses.until({ ...Losses.none, count, lostAt: 7, wholeSince: 7 }, timing) - 7
    assert.deepStrictEqual([0, 1, 2, 3, 7].map(after), [
      -Infinity,
      memberTimeout,
      2 * memberTimeout,
      4 * memberTimeout,
      longest
    ])
  })

  it("begins anew where it is not heard, but ends after 64 x memberTimeout all the same", () => {
    const late = { ...Losses.none, count: 3, lostAt: 0, wholeSince: longest - 1 }
    assert.strictEqual(Losses.until(late, { memberTimeout }), longest)
  })
})

describe("a lead is lost (protocol 5, damping)", () => {
  it("by a pause", () => {
    const server = leading(["a"])
    server.freeze(6_000).step({ _tag: "CheckPause" })
    assert.strictEqual(lossesOf(server).count, 1)
  })

  it("where fewer than minimumMembers are left", () => {
    const server = leading(["a"], { timing: { minimumMembers: 2 } })
    server.hear(leaving("a"))
    server.advance(1)
    assert.deepStrictEqual([server.follows, lossesOf(server).count], [null, 1])
  })

  it("to one of a lower rank: the first time it takes it back at once, then it follows, and waits", () => {
    const server = leading(["a"])
    server.hear(coordinator("a", server.term + 10))
    assert.deepStrictEqual([server.leads, lossesOf(server).count], [true, 1])
    server.advance(memberTimeout).hear(coordinator("a", server.term + 10))
    assert.deepStrictEqual([server.follows, server.activity, lossesOf(server).count], ["a", "Idle", 2])
  })

  it("while it waited for another: it follows at once", () => {
    const server = having(2, leading(["a"]))
    server.hear(coordinator("a", server.term + 10))
    assert.deepStrictEqual([server.follows, lossesOf(server).count], ["a", 3])
  })

  it("but not to one of a higher rank, nor by its own will", () => {
    const replaced = leading(["a"])
    replaced.hear(coordinator("z", replaced.term + 10))
    const resigned = leading(["a"])
    resigned.step({ _tag: "Resign" })
    resigned.advance(1)
    assert.deepStrictEqual([replaced.follows, resigned.follows], ["z", null])
    assert.deepStrictEqual([lossesOf(replaced), lossesOf(resigned)], [Losses.none, Losses.none])
  })

  it("to the leader that it had given up as silent, of any rank, but not to another that leads by then", () => {
    const mistaken = () => {
      const server = Server.live({}, [coordinator("z", 50), alive("a", reign(50, "z")), alive("y", reign(50, "z"))])
      for (let seconds = 0; seconds < 60 && server.members.includes("z"); seconds += 5) {
        server.hear(alive("a"))
        server.step({ _tag: "Sweep" })
        server.advance(5_000)
      }
      server.hear(leaving("y"))
      server.advance(10_000)
      assert.isTrue(server.leads)
      return server
    }
    const server = mistaken()
    server.hear(alive("z"))
    const { nonce } = server.said("SERVER_PROBE").at(-1)!.message
    server.hear(response("z", nonce, reign(90_000_000, "z")), "unicast")
    assert.deepStrictEqual([server.follows, lossesOf(server).count], ["z", 1])
    const other = mistaken()
    other.hear(coordinator("x", 90_000_000))
    assert.deepStrictEqual([other.follows, lossesOf(other).count, lossesOf(other).givenUp], ["x", 0, null])
  })

  it("seven times at most", () => {
    const server = having(7, leading(["a"]))
    server.freeze(6_000).step({ _tag: "CheckPause" })
    assert.strictEqual(lossesOf(server).count, 7)
  })

  it("in vain: the leader made way for it, and another of a lower rank came to lead", () => {
    const server = outranking(0)
    server.state = {
      ...server.state,
      election: { ...server.state.election, losses: { ...Losses.none, deposing: reign(50, "a") } }
    }
    server.hear(stepsDown("a", 50, null, "HigherRank"))
    server.hear(coordinator("b", 60))
    assert.deepStrictEqual([server.follows, lossesOf(server).count], ["b", 1])
  })

  it("not in vain where it comes to lead itself", () => {
    const server = outranking(0)
    server.state = {
      ...server.state,
      election: { ...server.state.election, losses: { ...Losses.none, deposing: reign(50, "a") } }
    }
    server.hear(stepsDown("a", 50, "m", "HigherRank"))
    server.advance(5)
    assert.deepStrictEqual([server.leads, lossesOf(server)], [true, Losses.none])
  })
})

describe("while it waits (protocol 5, damping)", () => {
  it("it leaves a lower leader in peace until it was heard whole for long enough, and then takes the lead", () => {
    const server = outranking(1)
    beats(server, memberTimeout, "a", "b")
    assert.strictEqual(server.follows, "a")
    server.step({ _tag: "Heartbeat" })
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("it asks each heartbeat who hears it, and most have to answer", () => {
    const server = outranking(1, ["b", "c", "d"])
    beat(server)
    assert.deepStrictEqual(server.said("SERVER_PROBE").map(({ to }) => Peer.nameOf(to!)).toSorted(), [
      "a",
      "b",
      "c",
      "d"
    ])
    server.advance(10_000)
    // Nobody has answered: the wait begins anew.
    beat(server, "a", "b", "c")
    assert.strictEqual(lossesOf(server).wholeSince, server.now)
    server.advance(10_000)
    // Three of four have.
    beat(server, "a", "b")
    assert.strictEqual(lossesOf(server).wholeSince, server.now - 10_000)
    server.advance(10_000)
    // Two of four are too few.
    beat(server)
    assert.strictEqual(lossesOf(server).wholeSince, server.now)
  })

  it("it asks nobody twice whom it asks for a proof of the path already", () => {
    const server = outranking(1, ["b", "c"])
    server.said("SERVER_PROBE")
    server.forget()
    // Nobody has proved for long that it hears this server: all three are asked for a proof, five times.
    const unheard = { known: HashMap.map(server.state.known, (known) => ({ ...known, hearsUsAt: -Infinity })) }
    server.state = { ...server.state, ...unheard }
    beat(server)
    const names = server.said("SERVER_PROBE").map(({ to }) => Peer.nameOf(to!))
    assert.deepStrictEqual(names.toSorted(), ["a", "b", "c"])
  })

  it("it is not heard where it sees nobody", () => {
    const server = outranking(2, [])
    beat(server)
    server.hear(leaving("a", { follows: reign(50, "a") }))
    // It may not lead alone.
    server.state = { ...server.state, timing: { ...server.state.timing, minimumMembers: 2 } }
    server.advance(1_000)
    beat(server)
    assert.deepStrictEqual([server.leads, lossesOf(server).wholeSince], [false, server.now])
  })

  it("a pause of its own makes the wait begin anew", () => {
    const server = outranking(1)
    server.freeze(6_000).step({ _tag: "CheckPause" })
    assert.deepStrictEqual([lossesOf(server).count, lossesOf(server).wholeSince], [1, server.now])
  })

  it("it stands when it has waited, also where one that outranks it does nothing", () => {
    const server = outranking(1, ["z"])
    beats(server, memberTimeout, "a", "z")
    server.forget().step({ _tag: "Heartbeat" })
    server.advance(25)
    assert.strictEqual(server.said("ELECTION").length, 1)
  })

  it("what it would take is taken by the next, where it does nothing for a while", () => {
    const server = outranking(0, ["z"])
    const { coordinatorTimeout, okTimeout } = server.state.timing
    server.step({ _tag: "Heartbeat" })
    server.advance(okTimeout + coordinatorTimeout - 1).step({ _tag: "Heartbeat" })
    server.advance(0)
    assert.deepStrictEqual([server.follows, server.said("ELECTION")], ["a", []])
    server.advance(1 + 25)
    assert.strictEqual(server.said("ELECTION").length, 1)
    server.advance(okTimeout)
    assert.isTrue(server.leads)
  })

  it("it says no OK to who stands against the leader that it follows", () => {
    const server = outranking(1)
    server.hear(stands("b", 60, { follows: reign(50, "a") }))
    server.advance(100)
    assert.deepStrictEqual(server.said("OK"), [])
  })

  it("it says nothing any more when it leaves", () => {
    const server = outranking(1)
    server.step({ _tag: "Leave" })
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.said("SERVER_PROBE"), [])
  })
})

describe("a vacant place (protocol 5, damping)", () => {
  const gone = () => leaving("a", { follows: reign(50, "a") })
  const coordinatorTimeout = 2_000

  it("is taken by who lost one lead as by any other, who objects for it", () => {
    const server = outranking(1)
    server.hear(gone())
    server.hear(stands("b", 60))
    server.advance(5)
    assert.deepStrictEqual([server.leads, server.said("OK").length], [true, 1])
  })

  it("is left to the others by who lost two, without an objection, for coordinatorTimeout and no longer", () => {
    const server = outranking(2)
    server.hear(gone())
    server.hear(stands("b", 60))
    server.advance(coordinatorTimeout - 1)
    assert.deepStrictEqual([server.follows, server.said("OK")], [null, []])
    server.advance(6)
    assert.isTrue(server.leads)
  })

  it("is left alone by who lost two and hears others, none of whom has answered since its last heartbeat", () => {
    const server = outranking(2)
    server.advance(10_151).hearDeaf(alive("b", reign(50, "a")))
    server.hearDeaf(gone())
    server.advance(coordinatorTimeout + 5).step({ _tag: "Heartbeat" })
    server.advance(5)
    assert.deepStrictEqual([server.follows, server.activity], [null, "Idle"])
    server.hear(response("b", "1"))
    server.step({ _tag: "Heartbeat" })
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("is one more loss of who led and was heard by nobody", () => {
    const server = having(1, leading(["a"]))
    for (let beats = 0; beats < 5; beats++) {
      server.advance(10_000).hearDeaf(alive("a"))
      server.step({ _tag: "Heartbeat" })
    }
    server.advance(1_000)
    assert.deepStrictEqual([server.leads, lossesOf(server).count], [false, 2])
  })

  it("is not waited for where another takes it meanwhile", () => {
    const server = outranking(2)
    server.hear(gone())
    server.hear(coordinator("b", 60))
    server.advance(2 * coordinatorTimeout)
    assert.strictEqual(server.follows, "b")
  })

  it("is taken at once by who sees nobody else", () => {
    const server = outranking(2, [])
    server.hear(gone())
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("is taken at once by who was handed the lead", () => {
    const server = outranking(2)
    server.hear(stepsDown("a", 50, "m", "Transferred"))
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("falls vacant again while it waits: it still goes when it has waited", () => {
    const server = having(2, leading(["a"]))
    server.freeze(6_000).step({ _tag: "CheckPause" })
    const since = server.now
    server.advance(1_000).freeze(6_000).step({ _tag: "CheckPause" })
    // The end of its discovery window.
    server.advance(305)
    assert.isAbove(server.now, since + coordinatorTimeout)
    assert.isTrue(server.leads)
  })

  it("waits for who ranks higher and does not stand aside, as ever", () => {
    const server = vacant(["z"])
    server.advance(30)
    server.hear(objects("z", "m", server.said("ELECTION")[0]!.message.standing))
    assert.strictEqual(server.activity, "Waiting")
  })
})

describe("a loss is forgiven (protocol 5, damping)", () => {
  it("one for each 64 x memberTimeout that it has led, without a question to anybody", () => {
    const server = having(2, leading(["a"]))
    server.advance(longest - 1).step({ _tag: "Heartbeat" })
    assert.strictEqual(lossesOf(server).count, 2)
    server.advance(1).step({ _tag: "Heartbeat" })
    assert.strictEqual(lossesOf(server).count, 1)
    server.advance(longest).step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(lossesOf(server), Losses.none)
    assert.deepStrictEqual(server.said("SERVER_PROBE"), [])
  })

  it("all of them after as many times as long", () => {
    const server = having(3, leading(["a"]))
    server.advance(4 * longest).step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(lossesOf(server), Losses.none)
  })

  it("so the next one is the first again", () => {
    const server = having(1, leading(["a"]))
    server.advance(longest)
    server.hear(coordinator("a", server.term + 10))
    assert.deepStrictEqual([server.leads, lossesOf(server).count], [true, 1])
  })

  it("while it follows, too, as long as it is heard", () => {
    const server = following(50, "z", ["a"])
    having(1, server)
    for (let passed = 0; passed < longest; passed += 10_000) {
      server.step({ _tag: "Heartbeat" })
      for (const name of ["a", "z"]) server.hear(response(name, "1", reign(50, "z")))
      server.advance(10_000)
    }
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(lossesOf(server), Losses.none)
  })
})
