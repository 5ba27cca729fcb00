/**
 * `stableAfter`: for how long a newcomer leaves a healthy leader in peace (protocol 5).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Timers from "../../src/protocol/model/Timers.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, coordinator, leaving, objects, reign, stands, stepsDown } = Peer
const timing = { stableAfter: 60_000 }

/** A newcomer `m` whose discovery window is over, and that follows the leader if it outranks it or not. */
const newcomer = (leader: string, others: ReadonlyArray<string> = [], options: Options = {}): Server =>
  Server.live({ timing, ...options }, [
    ...others.map((name) => alive(name, reign(50, leader))),
    coordinator(leader, 50)
  ])

describe("a newcomer (protocol 5, stableAfter)", () => {
  it("follows a leader that it outranks, and says nothing of an election", () => {
    const server = newcomer("a").advance(59_000)
    assert.deepStrictEqual([server.follows, server.activity], ["a", "Idle"])
    assert.deepStrictEqual(server.said("ELECTION"), [])
  })

  it("takes the lead when it has lived for stableAfter, counted from its start", () => {
    const server = newcomer("a").advance(40_000)
    server.hear(alive("a", reign(50, "a")))
    server.advance(20_000 - 300 - 1)
    assert.strictEqual(server.follows, "a")
    server.advance(6)
    assert.strictEqual(server.follows, "m")
  })

  it("takes it then also from a leader that it has met only just now", () => {
    const server = newcomer("z").advance(59_000)
    server.hear(leaving("z", { follows: reign(50, "z") }))
    server.hear(coordinator("a", 90_000_000))
    assert.strictEqual(server.follows, "a")
    server.advance(1_000)
    assert.strictEqual(server.follows, "m")
  })

  it("follows the greater reign of a lower one even where it leads itself, until it is none any more", () => {
    const server = newcomer("z")
    server.hear(leaving("z", { follows: reign(50, "z") }))
    server.advance(5)
    assert.isTrue(server.leads)
    server.hear(coordinator("a", server.term + 1))
    assert.deepStrictEqual([server.leads, server.follows], [false, "a"])
    server.advance(40_000)
    server.hear(alive("a", reign(server.term, "a")))
    server.advance(20_000)
    assert.strictEqual(server.follows, "m")
  })

  it.each([
    ["left", () => leaving("a", { follows: reign(50, "a") })],
    ["stepped down", () => stepsDown("a", 50, null)]
  ])("takes a vacant place at any age: the leader %s", (_, goodbye) => {
    const server = newcomer("a")
    server.hear(goodbye())
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("takes it too when the leader falls silent, or its host refuses", () => {
    const server = newcomer("a", ["b"])
    server.advance(16_000).step({ _tag: "Sweep" })
    server.step({ _tag: "Refused", id: Peer.id("a") })
    server.advance(150).step({ _tag: "Refused", id: Peer.id("a") })
    assert.strictEqual(server.follows, null)
    server.advance(5)
    assert.isTrue(server.leads)
  })

  it("asks for okTimeout before it leads where it has heard of no leader, and follows one that answers", () => {
    const server = Server.live({ timing }, [alive("a")]).advance(5)
    assert.deepStrictEqual([server.activity, server.said("ELECTION").length], ["Standing", 1])
    const answered = Server.live({ timing }, [alive("a")]).advance(5)
    answered.hear(coordinator("a", 50))
    server.advance(1_000)
    answered.advance(1_000)
    assert.deepStrictEqual([server.follows, answered.follows], ["m", "a"])
  })

  it("is none with stableAfter 0: it takes the lead at once, and sets no timer for it", () => {
    const server = newcomer("a", [], { timing: { stableAfter: 0 } })
    server.advance(5)
    assert.deepStrictEqual([server.follows, server.state.newcomer], ["m", false])
    assert.isFalse(Timers.has(server.state.timers, "stable"))
  })

  it("never takes it from a healthy leader with preempt off, however old it is", () => {
    const server = newcomer("a", [], { timing: { ...timing, preempt: false } }).advance(120_000)
    assert.strictEqual(server.follows, "a")
  })

  it("is still one after a stall, and takes the lead after it when its time has come meanwhile", () => {
    const server = newcomer("a").freeze(6_000).advance(1_000)
    assert.deepStrictEqual([server.state.newcomer, server.follows], [true, "a"])
    server.freeze(60_000).advance(310)
    assert.strictEqual(server.follows, "m")
  })

  it.prop(
    "follows a lower leader at every instant before stableAfter, and leads soon after (naive twin: a comparison)",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5_000 })), Schema.Literals([0, 1, 800, 1_500, 4_000])],
    ([age, stableAfter]) => {
      const server = newcomer("a", [], { timing: { stableAfter } })
      server.advance(Math.max(0, age - server.now))
      const leads = server.now >= Math.max(stableAfter, server.state.timing.discoveryWindow) + 5
      const follows = server.now < stableAfter
      if (leads || follows) assert.strictEqual(server.follows, leads ? "m" : "a")
    }
  )
})

describe("what others make of a newcomer (protocol 5, stableAfter)", () => {
  it("it does not object to who stands against the leader it follows, but looks whether that leader lives", () => {
    const server = newcomer("z", ["a"])
    server.advance(200).hear(stands("a", 77))
    server.advance(100)
    assert.deepStrictEqual([server.said("OK"), server.checked], [[], ["z"]])
  })

  it("it objects where the place is vacant, as anyone does, and once it is stable", () => {
    const vacant = Server.live({ timing }, [alive("a")])
    vacant.hear(stands("a", 77))
    vacant.advance(100)
    assert.strictEqual(vacant.said("OK").length, 1)
    const stable = newcomer("z", ["a"]).advance(60_000)
    stable.hear(stands("a", 77))
    stable.advance(100)
    assert.strictEqual(stable.said("OK").length, 1)
  })

  it("who outranks a new leader does not leave it to a better placed one that it has only just met (rule 8)", () => {
    const old = Server.live({ timing }, [alive("a")]).advance(70_000)
    assert.strictEqual(old.follows, "m")
    old.hear(coordinator("z", old.term + 1))
    assert.strictEqual(old.follows, "z")
    const greater = old.term + 1_000_000
    old.hear(coordinator("a", greater))
    assert.deepStrictEqual([old.follows, old.activity], ["a", "Pending"])
  })

  it("who outranks a new leader leaves it to a better placed one that it has long known (rule 8)", () => {
    const old = Server.live({ timing }, [coordinator("z", 50)]).advance(60_000)
    old.hear(alive("z", reign(50, "z")))
    old.hear(coordinator("a", 51))
    assert.deepStrictEqual([old.follows, old.activity], ["a", "Idle"])
  })

  it("its objection to another's candidacy counts as anyone's", () => {
    const server = Server.live({ timing }, [alive("z")]).advance(25)
    const [asked] = server.said("ELECTION")
    server.hear(objects("z", "m", asked?.message.standing ?? 0))
    assert.strictEqual(server.activity, "Waiting")
  })
})
