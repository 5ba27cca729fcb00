/**
 * A leader gives signs of life at a pace of its own, and one that is silent is soon followed no more (protocol 5, the leader's
 * pace).
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as ElectionContext from "../../src/protocol/election/ElectionContext.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, reign, says, stands } = Peer

const timing = { leaderInterval: 500 }

/** A sign of life of a leader that keeps a pace. */
const sign = (leader: string, term = 50): Message.FromServer =>
  Object.assign(alive(leader, reign(term, leader)), { pace: 500 })

/** Follows `z`, which keeps a pace; `m` itself, and these besides. */
const following = (others: ReadonlyArray<string> = ["a"]): Server => {
  const server = Server.live({ timing }, [...others.map((name) => alive(name)), sign("z")])
  server.hear(sign("z"))
  return server
}

const heartbeat = (server: Server) => server.step({ _tag: "Heartbeat" })

/** Lets all questions to a silent leader go by: three signs were missed, then five questions 150 ms apart. */
const silence = (server: Server): Server => server.advance(3 * 500 + 5 * 150)

describe("a leader", () => {
  const leading = (options: Options = {}) => {
    const server = Server.live({ timing, ...options }, [alive("a")])
    server.advance(options.timing?.lease ? 31_000 : 1_000)
    assert.isTrue(server.leads)
    return server.forget()
  }

  it("says between its heartbeats that it lives, and at what pace", () => {
    const server = leading()
    heartbeat(server)
    const [first] = server.said("SERVER_ALIVE")
    server.advance(499)
    assert.deepStrictEqual(server.says(), [])
    server.advance(1_001)
    const signs = server.said("SERVER_ALIVE").map(({ message, to }) => {
      assert.isNull(to)
      return message
    })
    assert.deepStrictEqual(signs.map(({ alive, interval, pace }) => ({ alive, interval, pace })), [
      { alive: first!.message.alive, interval: 10_000, pace: 500 },
      { alive: first!.message.alive, interval: 10_000, pace: 500 },
      { alive: first!.message.alive, interval: 10_000, pace: 500 }
    ])
    assert.deepStrictEqual(signs.map((message) => "view" in message), [false, false, false])
  })

  it("names its pace when it comes to lead, so that it is missed from then on", () => {
    const server = Server.live({ timing }, [alive("a")])
    server.advance(1_000)
    assert.strictEqual(server.said("COORDINATOR")[0]?.message.pace, 500)
  })

  it("keeps no pace where that is no faster than its heartbeats, or it leads by a lease, nor does who leads nothing", () => {
    const lease = { groupSize: 1, duration: 30_000, drift: 0.01 }
    for (
      const server of [
        leading({ timing: { leaderInterval: 10_000 } }),
        leading({ timing: { ...timing, lease } }),
        following()
      ]
    ) {
      heartbeat(server)
      server.forget().advance(1_400)
      assert.notInclude(server.says(), "SERVER_ALIVE")
    }
  })

  it("of a named election keeps it, too, and no longer than it leads", () => {
    const server = following()
    const billing = "billing"
    server.step({ _tag: "Campaign", election: billing })
    server.advance(1_000)
    assert.isNotNull(ElectionContext.ownReign(server.state, billing))
    server.forget().advance(250)
    server.hear(sign("z"))
    server.advance(400)
    assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => message.pace), [500])
    server.hear(sign("z"))
    server.step({ _tag: "Withdraw", election: billing })
    server.advance(60).forget().advance(1_200)
    assert.deepStrictEqual(server.says(), [])
  })
})

describe("a leader that was paused (protocol 4, a pause is not a death)", () => {
  const now = ({ boot, now, wall }: Server) => ({
    monotonic: now,
    wall: now + wall,
    ...boot === undefined ? {} : { sinceBoot: now + boot }
  })

  /** Leads, and has just given a sign of life. */
  const leading = (profile: "standard" | "fast" = "standard") => {
    const leaderInterval = profile === "standard" ? 500 : 150
    const server = Server.live({ profile, timing: { leaderInterval } }, [alive("a")])
    server.boot = 0
    server.advance(1_000)
    assert.isTrue(server.leads)
    heartbeat(server)
    return server.forget()
  }

  it("leads on if others cannot have replaced it, and no longer: counted from its last sign of life", () => {
    for (const [millis, leads] of [[1_550, true], [1_551, false]] as const) {
      for (const how of ["freeze", "suspend"] as const) {
        const server = leading()
        server[how](millis)
        assert.strictEqual(Step.leads(server.state, now(server)) !== null, leads, `${how} ${millis}`)
        server.step({ _tag: "Due" })
        assert.strictEqual(server.leads, leads, `${how} ${millis}`)
        assert.deepStrictEqual(server.told(), leads ? [] : ["Stalled", "LeaderChanged"])
        assert.strictEqual(server.says().includes("STEPPING_DOWN"), !leads)
      }
    }
  })

  it("counts from any sign of life, also of those between its heartbeats", () => {
    const server = leading()
    server.advance(1_400).freeze(1_150).step({ _tag: "Due" })
    assert.isTrue(server.leads)
    server.advance(400).freeze(1_200).step({ _tag: "Due" })
    assert.isFalse(server.leads)
  })

  it("that was too short for that is forgiven all the same where it counts as a pause: others are judged anew", () => {
    const server = leading("fast")
    server.freeze(351).step({ _tag: "Due" })
    assert.deepStrictEqual([server.leads, server.state.phase, server.told()], [true, "Recovering", ["Stalled"]])
    server.advance(200)
    assert.deepStrictEqual([server.leads, server.state.phase], [true, "Live"])
  })

  it("and lost its lead is not paused from then on, nor is one that resigned long ago", () => {
    const server = leading()
    server.freeze(3_000).step({ _tag: "Due" })
    server.forget().step({ _tag: "Due" })
    server.advance(299)
    assert.deepStrictEqual(server.told(), [])
    const resigned = leading()
    resigned.step({ _tag: "Resign" })
    resigned.step({ _tag: "WorkEnded", finished: true })
    resigned.hear(sign("a", 2_000_000))
    resigned.forget().advance(5_000)
    assert.notInclude(resigned.told(), "Stalled")
  })
})

describe("a leader that keeps a pace and is silent", () => {
  it("is asked when it was missed three times, and after five questions leads no more; it stays a member", () => {
    const server = following()
    server.advance(1_499)
    assert.deepStrictEqual([server.checked, server.follows], [[], "z"])
    server.advance(1)
    assert.deepStrictEqual(server.checked, ["z"])
    server.advance(749)
    assert.strictEqual(server.follows, "z")
    server.forget().advance(1)
    assert.deepStrictEqual([server.follows, server.members], [null, ["z", "a"]])
    assert.deepInclude(server.tells()[0], { event: "LeaderChanged", leader: null, cause: "Silent" })
  })

  it("is not waited for: who ranks highest of the others asks for objections first, and leads", () => {
    const server = silence(following())
    server.forget().advance(5)
    assert.deepStrictEqual(server.says(), ["ELECTION"])
    server.advance(300)
    assert.isTrue(server.leads)
    assert.deepStrictEqual(server.members, ["z", "a"])
  })

  it("is neither counted in the stagger nor named by its successor, until it is heard", () => {
    const server = silence(following(["y"]))
    server.advance(5)
    // One stagger: for y alone.
    assert.strictEqual(server.activity, "Pending")
    server.advance(20)
    assert.strictEqual(server.activity, "Standing")

    for (const isHeard of [false, true]) {
      const lower = silence(following(["a"]))
      lower.advance(500)
      assert.isTrue(lower.leads)
      if (isHeard) {
        lower.hear(says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { follows: reign(lower.term, "m") }))
      }
      lower.forget().step({ _tag: "Resign" })
      lower.step({ _tag: "WorkEnded", finished: true })
      assert.strictEqual(lower.said("STEPPING_DOWN")[0]?.message.successor, Peer.id(isHeard ? "z" : "a"))
    }
  })

  it("is not who answers for the group while nobody leads", () => {
    const server = silence(following())
    assert.isNull(server.follows)
    server.forget().hear({ type: "MEMBERS_ASK", nonce: "12", page: 0 }, "multicast", { ip: "192.0.2.99", port: 9 })
    assert.include(server.sent.map(({ message }) => message.type), "MEMBERS")
  })

  it("leads on by any word of its, and is missed anew from then on", () => {
    const server = following()
    server.advance(2_100)
    assert.deepStrictEqual(server.checked, ["z"])
    server.hear(stands("z", 1, { follows: reign(50, "z") }))
    assert.deepStrictEqual([server.checked, server.follows], [[], "z"])
    silence(server)
    assert.isNull(server.follows)
  })

  it("leads again when it is heard while nobody leads, and goes again when it is silent", () => {
    const server = silence(following())
    assert.isNull(server.follows)
    server.hear(sign("z"))
    assert.strictEqual(server.follows, "z")
    silence(server)
    assert.isNull(server.follows)
  })

  it("leads on by the word of one that has heard it since it was asked, and is asked again a heartbeat later", () => {
    const server = following(["a", "b"])
    server.advance(1_999)
    const [asked] = server.said("WITNESS_ASK")
    server.hear({
      type: "WITNESS",
      from: { id: Peer.id("b"), incarnation: 1_000 },
      nonce: asked!.message.nonce,
      heard: [{ id: Peer.id("z"), ago: 0 }]
    }, "unicast")
    server.advance(2_000)
    assert.deepStrictEqual([server.follows, server.checked], ["z", []])
    server.advance(1_500 + 10_000 + 749 - 3_999)
    assert.strictEqual(server.follows, "z")
    server.advance(1)
    assert.isNull(server.follows)
  })

  it("is not missed where it announced no pace, or none any more, or is followed through another", () => {
    const older = Server.live({ timing }, [alive("a"), alive("z", reign(50, "z"))])
    silence(older)
    assert.deepStrictEqual([older.follows, older.checked], ["z", []])
    const no = following()
    no.hear(alive("z", reign(50, "z")))
    silence(no)
    assert.deepStrictEqual([no.follows, no.checked], ["z", []])
  })

  it("is followed on through another that has told a newer sign of its life since", () => {
    const server = following()
    server.advance(200)
    const told = alive("a", reign(50, "z")) as Message.Of<"SERVER_ALIVE">
    server.hear({ ...told, alive: 7, hops: 1, hears: Peer.id("m") })
    silence(server)
    assert.deepStrictEqual([server.follows, server.state.election.life.through], ["z", Peer.id("a")])
  })

  it("leads no more in the elections alone that it leads", () => {
    const server = following()
    server.step({ _tag: "Campaign", election: "jobs" })
    server.advance(1_000)
    const jobs = () => ElectionContext.register(server.state, "jobs")?.reign
    assert.strictEqual(jobs()?.leader.id, Peer.id("m"))
    silence(server)
    assert.notStrictEqual(server.follows, "z")
    assert.strictEqual(jobs()?.leader.id, Peer.id("m"))
  })

  it("is not judged before this server knows its group", () => {
    const server = new Server({ timing: { ...timing, discoveryWindow: 5_000 } })
    server.step({ _tag: "Start" })
    server.hear(alive("a"))
    server.hear(sign("z"))
    server.advance(4_000)
    assert.deepStrictEqual([server.state.phase, server.follows, server.checked], ["Discovering", "z", []])
    server.advance(1_000)
    silence(server).advance(500)
    assert.notStrictEqual(server.follows, "z")
  })

  it("is missed by one that may stand soon, which asks in time who hears it, unless that is known", () => {
    const asks = (server: Server, provenAt: number) => {
      server.state = { ...server.state, provenAt }
      server.forget().advance(1_510)
      return server.said("SERVER_PROBE").some(({ to }) => to !== null && Peer.nameOf(to) !== "z")
    }
    const far = following(["n", "o", "p", "q"])
    const heard = following()
    assert.deepStrictEqual([asks(following(), -Infinity), asks(heard, heard.now), asks(far, -Infinity)], [
      true,
      false,
      false
    ])
  })

  it("is looked after by its own clocks more often where it gives no signs between its heartbeats", () => {
    const often = [true, false].map((leads) => Timing.checkInterval({ heartbeatInterval: 10_000 }, leads))
    assert.deepStrictEqual(often, [100, 2_550])
  })

  it("is not judged in the discovery window after a pause, but a pace later", () => {
    const server = following()
    server.freeze(6_000).step({ _tag: "CheckPause" })
    server.advance(299)
    assert.deepStrictEqual([server.state.phase, server.checked, server.follows], ["Recovering", [], "z"])
    silence(server)
    assert.isNull(server.follows)
  })

  it("is not judged by a question whose answer this server looked for too late: it is asked again", () => {
    const server = following()
    server.advance(2_100 + 100)
    assert.strictEqual(server.checked.length, 1)
    server.freeze(400).step({ _tag: "Due" })
    assert.strictEqual(server.follows, "z")
    server.advance(149)
    assert.strictEqual(server.follows, "z")
    server.advance(1)
    assert.isNull(server.follows)
  })

  it("is asked for twice as long as it took to answer lately, and after a while no longer", () => {
    const server = following()
    server.advance(1_500)
    const asked = server.outputs.flatMap((output) => output._tag === "Ask" ? [output.message] : []).at(-1)
    const nonce = asked?.type === "SERVER_PROBE" ? asked.nonce : ""
    server.advance(700)
    server.hear(Peer.response("z", nonce, reign(50, "z")), "unicast")
    const slow = HashMap.size(server.state.checks)
    assert.strictEqual(slow, 0)
    server.hear(sign("z"))
    server.advance(1_500 + 1_399)
    assert.strictEqual(server.follows, "z")
    server.advance(1)
    assert.isNull(server.follows)

    for (let second = 0; second < 3_601; second += 1) {
      server.hear(sign("z", 60))
      server.advance(1_000)
    }
    server.hear(sign("z", 60))
    silence(server)
    assert.isNull(server.follows)
  })
})
