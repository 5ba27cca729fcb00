import { assert, describe, it } from "@effect/vitest"
import * as MemberLists from "../../src/protocol/membership/MemberLists.ts"
import * as Timers from "../../src/protocol/model/Timers.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Peer from "./harness/Peer.ts"
import { Server, timing } from "./harness/Server.ts"

const { alive, coordinator, elsewhere, leaving, member, members, probe, reign, response, says, stands } = Peer

const among = (...names: ReadonlyArray<string>) => Server.live({}, names.map((name) => alive(name)))

/** `m` leads these. */
const leading = (...names: ReadonlyArray<string>) => {
  const server = among(...names).advance(5)
  assert.isTrue(server.leads)
  return server.advance(300).forget()
}

describe("the start", () => {
  it("is the first event, also where a server was slow to start: that is no stall", () => {
    const server = new Server()
    server.freeze(60_000).step({ _tag: "Start" })
    assert.deepStrictEqual(server.told(), ["Started"])
    assert.strictEqual(server.state.phase, "Discovering")
    server.freeze(1_000).step({ _tag: "CheckPause" })
    assert.deepStrictEqual(server.told(), [])
  })

  it("asks who is there at 0, 50 and 150 ms with one nonce, and again for as long as nobody is (protocol 4, probe)", () => {
    const server = new Server({ timing: { discoveryWindow: 300 } })
    server.step({ _tag: "Start" })
    server.step({ _tag: "Discover" })
    const nonces = new Set<string>()
    const at: Array<number> = []
    for (let time = 0; time < 250; time += 1) {
      for (const { message, to } of server.said("SERVER_PROBE")) {
        assert.isNull(to)
        nonces.add(message.nonce)
        at.push(server.now)
      }
      server.advance(1)
    }
    assert.deepStrictEqual([at, nonces.size], [[0, 50, 150], 1])
    server.step({ _tag: "Discover" })
    assert.strictEqual(server.said("SERVER_PROBE").length, 1)
    server.hear(alive("a"))
    server.forget().step({ _tag: "Discover" })
    assert.deepStrictEqual(server.outputs, [])
  })

  it("listens for longer where the end of the discovery window is noticed late, as answers may wait in the socket (who is there)", () => {
    const { discoveryWindow } = timing()
    for (const [late, times] of [[10, 0], [11, 1], [40, 3]] as const) {
      const server = new Server()
      server.step({ _tag: "Start" })
      server.freeze(discoveryWindow + late)
      server.step({ _tag: "Due" })
      for (let more = 0; more < times; more++) {
        assert.strictEqual(server.state.phase, "Discovering", `${late} ms late, ${more} times`)
        server.freeze(discoveryWindow / 3 + (more + 1 < times || late === 40 ? late : 0))
        server.step({ _tag: "Due" })
      }
      assert.strictEqual(server.state.phase, "Live", `${late} ms late`)
    }
  })

  it("judges nobody before the discovery window is over", () => {
    const server = new Server({ timing: { discoveryWindow: 60_000 } })
    server.step({ _tag: "Start" })
    server.hear(alive("a"))
    server.advance(50_000).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, [])
  })
})

describe("heartbeats (protocol 4)", () => {
  it("say the interval to the next one, and whom it follows", () => {
    const server = Server.live({}, [coordinator("z", 50)])
    server.step({ _tag: "Heartbeat" })
    assert.deepInclude(server.said("SERVER_ALIVE")[0]?.message, {
      interval: 10_000,
      term: 50,
      heard: 50,
      leader: reign(50, "z").leader
    })
    server.hear(leaving("z"))
    server.step({ _tag: "Heartbeat" })
    assert.deepInclude(server.said("SERVER_ALIVE")[0]?.message, { term: 50, leader: null })
  })

  it("before anybody has led, the term is 0", () => {
    const server = new Server()
    server.step({ _tag: "Heartbeat" })
    assert.deepInclude(server.said("SERVER_ALIVE")[0]?.message, { term: 0, leader: null, heard: 0 })
    assert.deepInclude(Step.view(server.state), { term: 0, reign: null })
  })
})

describe("answering a probe (protocol 4, active probe)", () => {
  it("by unicast: at once and always, with its nonce, to where the asker listens and not where it asks from", () => {
    const server = among("a")
    const { address } = server.knows("a")
    server.hear(Peer.asks("a", "77"), "unicast", { ...address, port: 1 })
    server.hear(Peer.asks("a", "77"), "unicast", { ...address, port: 2 })
    const sends = server.said("SERVER_RESPONSE")
    assert.deepStrictEqual(sends.map(({ message, to }) => [message.nonce, to]), [["77", address], ["77", address]])
  })

  it("by unicast, from one not heard before: to the port that it names, at the address that it asks from", () => {
    const server = among("a")
    server.hear(Peer.asks("b", "77"), "unicast", elsewhere)
    const address = { ip: elsewhere.ip, port: 4002 }
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").map(({ to }) => to), [address])
    assert.deepStrictEqual(server.knows("b").address, address)
  })

  it("by unicast, from a socket that stays: to where it came from, regardless of what its sender says of itself (protocol, Sockets)", () => {
    const server = among("a")
    server.hear(probe("b", "77"), "unicast", elsewhere)
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").map(({ to }) => to), [elsewhere])
    assert.deepStrictEqual(server.knows("b").address, elsewhere)
  })

  it("by multicast: the leader at once, the first of a burst only", () => {
    const server = leading("a")
    server.hear(probe("a", "77"))
    server.hear(probe("a", "77"))
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").length, 1)
    server.hear(probe("a", "78"))
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").length, 1)
  })

  it("by multicast: a small group's others within 1 ms for each member, the first of a burst only", () => {
    const server = Server.live({}, [alive("a"), coordinator("z", 50)])
    server.hear(probe("a", "77"))
    server.hear(probe("a", "77"))
    assert.deepStrictEqual(server.said("SERVER_RESPONSE"), [])
    server.advance(3)
    assert.deepStrictEqual(server.said("SERVER_RESPONSE").length, 1)
    server.advance(1_000)
    assert.deepStrictEqual(server.said("SERVER_RESPONSE"), [])
  })

  it("by multicast: about 50 of a large group, within 100 ms", () => {
    let answers = 0
    const large = (entropy: number) => {
      const server = new Server({ entropy })
      server.step({ _tag: "Start" })
      server.hear(coordinator("z", 50))
      const { members } = server.state
      // As many as two hundred, without hearing each of them.
      server.state = { ...server.state, members: Array.from({ length: 199 }, () => members[0]!) }
      return server
    }
    for (let entropy = 0; entropy < 2_000; entropy += 1) {
      const server = large(Math.imul(entropy, 0x9e3779b1) >>> 0)
      server.hear(probe("z", "77"))
      const answer = server.state.timers.find(({ timer }) => timer._tag === "Respond")
      if (answer === undefined) continue
      assert.isBelow(answer.due - server.now, 100)
      answers += 1
    }
    assert.isTrue(answers / 10 > 42 && answers / 10 < 58, `${answers / 10} of 200 answer`)
  })

  /** Of so many tries, how many answer `z` where the group has so many other members by then. */
  const answering = (tries: number, server: (entropy: number) => Server, after: (server: Server) => void) => {
    let answers = 0
    for (let entropy = 0; entropy < tries; entropy += 1) {
      const one = server(Math.imul(entropy, 0x9e3779b1) >>> 0)
      one.hear(coordinator("y", 50))
      one.hear(probe("z", "77"))
      after(one)
      one.advance(250)
      answers += one.said("SERVER_RESPONSE").length
    }
    return answers
  }
  const grown = (server: Server, size: number): void => {
    const { members } = server.state
    server.state = { ...server.state, members: Array.from({ length: size }, () => members[0]!) }
  }
  const settled = (entropy: number) => {
    const server = new Server({ entropy })
    server.step({ _tag: "Start" })
    return server
  }
  const asking = (entropy: number) => {
    const server = settled(entropy)
    server.step({ _tag: "Discover" })
    return server
  }

  it("by multicast: fewer where the group has grown before the answer", () => {
    assert.strictEqual(answering(20, settled, () => {}), 20)
    const answers = answering(1_000, settled, (server) => grown(server, 199))
    assert.isTrue(answers / 5 > 42 && answers / 5 < 58, `${answers / 5} of 200 answer`)
  })

  it("by multicast: about 8 of those that are asking themselves, and all of so few", () => {
    assert.strictEqual(answering(20, asking, (server) => grown(server, 7)), 20)
    const answers = answering(2_000, asking, (server) => grown(server, 199))
    assert.isTrue(answers / 10 > 6 && answers / 10 < 10.5, `${answers / 10} of 200 answer`)
  })

  it("one that is removed meanwhile is not answered", () => {
    const server = Server.live({}, [alive("a"), coordinator("z", 50)])
    server.hear(probe("a", "77"))
    server.hear(leaving("a"))
    server.advance(100)
    assert.deepStrictEqual(server.said("SERVER_RESPONSE"), [])
  })
})

describe("a newcomer to a larger group (protocol 4, active probe)", () => {
  const page = (names: ReadonlyArray<string>, page: number, of: number, nonce: string) =>
    members("z", names.map((name) => member(name)), { nonce, page, of })

  /** `m` has asked who is there; `z` has answered, and is asked for its list. */
  const newcomer = () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.step({ _tag: "Discover" })
    const nonce = server.state.probe
    server.hear(response("z", nonce, reign(50, "z")), "unicast")
    server.hear(response("y", nonce, reign(50, "z")), "unicast")
    server.advance(100)
    assert.deepStrictEqual(server.said("MEMBERS_ASK").map(({ message, to }) => [message.page, to]), [[0, member("z")]])
    return { server, nonce }
  }

  it("reads the list of the first that answers, page by page, and asks whom it does not know", () => {
    const { nonce, server } = newcomer()
    server.hear(page(["z", "y", "x", "m"], 0, 2, nonce), "unicast", member("z"))
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to x", "MEMBERS_ASK to z"])
    server.hear(page(["b", "a"], 1, 2, nonce), "unicast", member("z"))
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to b", "SERVER_PROBE to a"])
    assert.deepStrictEqual(server.members, ["z", "y"], "a list is hearsay")
    server.hear(response("b", "1"), "unicast")
    server.advance(150)
    assert.deepStrictEqual(
      server.says().filter((each) => each !== "SERVER_PROBE"),
      ["SERVER_PROBE to x", "SERVER_PROBE to a"],
      "who has not answered is asked again"
    )
  })

  it("says what it sees with the first page alone", () => {
    const { nonce, server } = newcomer()
    server.hear(page(["x"], 0, 2, nonce), "unicast", member("z"))
    assert.deepStrictEqual(server.said("MEMBERS_ASK").map(({ message }) => [message.page, message.view]), [[
      1,
      undefined
    ]])
  })

  it("who sees the same answers with an empty page, and that is the whole list", () => {
    const [newcomer, server] = [among("z"), among("z")]
    const view = MemberLists.viewDigest(newcomer.state)
    server.hear({ type: "MEMBERS_ASK", nonce: "9", page: 0, view }, "unicast", member("a"))
    assert.deepStrictEqual(server.said("MEMBERS").map(({ message: { list, of, page } }) => [page, of, list]), [[
      0,
      1,
      []
    ]])
  })

  it("asks for a page five times, and then lets it be", () => {
    const { server } = newcomer()
    // The first of the five was asked before.
    server.advance(10_000)
    assert.deepStrictEqual(server.said("MEMBERS_ASK").map(({ message }) => message.page), [0, 0, 0, 0])
  })

  it("reads no page of another question, of another page, of another server, or twice", () => {
    const { nonce, server } = newcomer()
    server.hear(page(["x"], 0, 2, `${nonce}0`.slice(1)), "unicast", member("z"))
    server.hear(page(["x"], 1, 2, nonce), "unicast", member("z"))
    server.hear(page(["x"], 0, 2, nonce), "unicast", member("y"))
    server.hear(page(["x"], 0, 2, nonce), "unicast", { ip: member("z").ip, port: 1 })
    assert.deepStrictEqual(server.says(), [])
    server.hear(page(["x"], 0, 1, nonce), "unicast", member("z"))
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to x"])
    server.hear(page(["x"], 0, 1, nonce), "unicast", member("z"))
    assert.deepStrictEqual(server.says(), [])
  })

  it("an answer to another question, or after the window, starts no reading", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    server.step({ _tag: "Discover" })
    const nonce = server.state.probe
    server.hear(response("z", "1"), "unicast")
    server.advance(301).hear(response("y", nonce), "unicast")
    server.advance(1_000)
    assert.deepStrictEqual(server.said("MEMBERS_ASK"), [])
  })

  it("who does not read a list ignores one", () => {
    const server = among("z")
    server.hear(page(["x"], 0, 1, "9"), "unicast", member("z"))
    assert.deepStrictEqual(server.says(), [])
  })
})

describe("a stall is not a death (protocol 4)", () => {
  it("is told from a late watch by heartbeatInterval / 2, at least 100 ms, beyond the watch's own interval", () => {
    const server = among("z")
    server.hear(coordinator("z", 50))
    server.forget().freeze(5_100).step({ _tag: "CheckPause" })
    assert.deepStrictEqual(server.told(), [])
    server.freeze(5_101).step({ _tag: "CheckPause" })
    assert.deepStrictEqual(server.tells().map(({ event, ...rest }) => [event, "for" in rest ? rest.for : 0]), [[
      "Stalled",
      5_101
    ]])
    const quick = new Server({ timing: timing({}, "realtime") })
    quick.step({ _tag: "Start" })
    quick.freeze(150).step({ _tag: "CheckPause" })
    assert.notInclude(quick.told(), "Stalled")
    quick.freeze(151).step({ _tag: "CheckPause" })
    assert.include(quick.told(), "Stalled")
  })

  it("any input that comes first finds it: a leader has lost its lead before it acts on anything", () => {
    const server = leading("a")
    server.freeze(20_000).hear(stands("a", 1))
    assert.deepStrictEqual(server.told(), ["Stalled", "LeaderChanged"])
    assert.isFalse(server.leads)
    assert.notInclude(server.says(), "COORDINATOR to a")
  })

  it("a follower goes on following", () => {
    const server = Server.live({}, [coordinator("z", 50)])
    server.freeze(20_000).step({ _tag: "CheckPause" })
    assert.strictEqual(server.follows, "z")
    server.advance(400)
    assert.deepStrictEqual([server.follows, server.activity], ["z", "Idle"])
  })

  it("every stamp moves forward by the length of the stall, and not to now", () => {
    const server = among("a", "b")
    server.hear(alive("a"))
    server.advance(10_000).hear(response("b", "1"), "unicast")
    server.advance(5_000)
    const watched = server.state.lookedAt
    server.freeze(20_000).step({ _tag: "CheckPause" })
    const stall = server.now - watched
    assert.strictEqual(server.now - server.knows("a").heardAt, 35_000 - stall)
    assert.strictEqual(server.now - server.knows("b").heardAt, 25_000 - stall)
    assert.strictEqual(server.now - server.knows("b").multicastAt, 35_300 - stall)
  })

  it("a stamp of the future is none: what was heard just before is heard now", () => {
    const server = among("a")
    server.advance(99).hear(alive("a"))
    server.freeze(20_000).step({ _tag: "CheckPause" })
    assert.strictEqual(server.knows("a").heardAt, server.now)
  })

  it("repeated stalls keep nobody alive without end: the time between them counts", () => {
    const server = among("a")
    for (let round = 0; round < 40 && server.members.length > 0; round += 1) {
      server.advance(1_000).step({ _tag: "Sweep" })
      server.freeze(20_000).step({ _tag: "CheckPause" })
    }
    server.advance(1_500).step({ _tag: "Sweep" })
    server.advance(750)
    assert.deepStrictEqual(server.members, [])
  })

  it("nobody is judged before a discovery window has gone by, and questions asked before do not count", () => {
    const server = among("a")
    server.advance(30_001).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, ["a"])
    server.freeze(20_000).step({ _tag: "Sweep" })
    assert.deepStrictEqual([server.checked, server.state.phase], [[], "Recovering"])
    server.advance(299).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, [])
    server.advance(1).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, ["a"])
  })

  it("the group is asked at once; then who follows nobody stands", () => {
    const server = leading("a")
    const { term } = server
    server.freeze(20_000).step({ _tag: "CheckPause" })
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "SERVER_PROBE"])
    server.advance(299)
    assert.strictEqual(server.activity, "Idle")
    server.advance(6)
    assert.isTrue(server.leads)
    assert.isAbove(server.term, term)
  })

  it("what waited in the sockets refreshes its senders and `heard`; its claims are not acted on", () => {
    const server = leading("a", "b")
    server.freeze(20_000).step({ _tag: "CheckPause" })
    server.hear(alive("z", reign(5_000_000, "z")))
    server.hear(stands("a", 77))
    server.hear(probe("b", "5"))
    assert.deepStrictEqual([server.follows, server.state.election.heard], [null, 5_000_000])
    assert.include(server.members, "z")
    server.advance(99)
    const asked = new Set(["SERVER_PROBE", "STEPPING_DOWN"])
    assert.deepStrictEqual(server.says().filter((each) => !asked.has(each)), [])
    server.advance(1).hear(alive("z", reign(5_000_000, "z")))
    assert.strictEqual(server.follows, "z")
  })

  it("an answer to the question asked after the stall is no old claim", () => {
    const server = leading("a")
    server.freeze(20_000).step({ _tag: "CheckPause" })
    server.hear(response("z", "1", reign(5_000_000, "z")), "unicast")
    assert.isNull(server.follows)
    server.hear(response("z", server.state.probe, reign(5_000_000, "z")), "unicast")
    assert.strictEqual(server.follows, "z")
  })

  it("a goodbye that waited is final all the same", () => {
    const server = leading("a")
    server.freeze(20_000).step({ _tag: "CheckPause" })
    server.hear(leaving("a"))
    assert.deepStrictEqual(server.members, [])
  })

  it("what it was about to say in an election is not said: neither candidacy nor objection", () => {
    const server = among("z").advance(25)
    assert.strictEqual(server.activity, "Standing")
    server.hear(stands("a", 77))
    server.freeze(20_000).step({ _tag: "CheckPause" })
    server.forget().advance(299)
    assert.deepStrictEqual(server.says().filter((each) => each !== "SERVER_PROBE"), [])
  })

  it("a leader says at once that it leads no more, and why; how long that may have been so is told with the next one", () => {
    const server = leading("a")
    const { term } = server
    server.freeze(20_000).step({ _tag: "CheckPause" })
    const [send] = server.said("STEPPING_DOWN")
    assert.deepInclude(send?.message, { cause: "Stalled", successor: null, leader: null, term })
    server.advance(305)
    const [, next] = server.tells().filter((event) => event.event === "LeaderChanged")
    assert.deepInclude(next, { cause: "Stalled" })
    assert.isAtLeast(next?.event === "LeaderChanged" ? next.without : 0, 20_000)
  })

  it("a leader whose work was ending says that its reign is over once, for the stall", () => {
    const server = Server.live({ work: "by hand" }, [alive("a")]).advance(5)
    server.step({ _tag: "Resign" })
    server.freeze(20_000).step({ _tag: "WorkEnded" })
    assert.strictEqual(server.follows, null)
    assert.deepStrictEqual(server.said("STEPPING_DOWN").map(({ message }) => message.cause), ["Stalled"])
  })
})

describe("leaving (protocol 5, leaving and stepping down)", () => {
  it("without a lead: SERVER_LEAVING at once and again, then the end, and nothing after it", () => {
    const server = Server.live({}, [coordinator("z", 50)])
    server.step({ _tag: "Leave" })
    server.step({ _tag: "Leave" })
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING"])
    server.advance(20)
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING"])
    server.advance(1)
    assert.deepStrictEqual(server.told(), ["Left"])
    assert.strictEqual(server.outputs.at(-1)?._tag, "Farewell")
    const { state } = server
    server.forget().step({ _tag: "Heartbeat" })
    server.hear(alive("a"))
    assert.deepStrictEqual(server.outputs, [])
    assert.strictEqual(server.state, state)
  })

  it("with a lead: its work ends first, then the others hear", () => {
    const server = Server.live({ work: 200 }, [alive("a")]).advance(305).forget()
    server.step({ _tag: "Leave" })
    assert.deepStrictEqual([server.leads, server.says()], [false, []])
    server.hear(stands("a", 1))
    assert.deepStrictEqual(server.says(), ["COORDINATOR to a"], "until then it leads for the others")
    server.advance(200)
    assert.deepInclude(server.said("SERVER_LEAVING")[0]?.message, { leader: null })
    assert.deepInclude(server.tells().at(-1), { event: "LeaderChanged", leader: null, cause: "Left" })
    server.advance(21)
    assert.deepStrictEqual(server.told(), ["Left"])
  })

  it("while the work ends for another reason, the goodbye waits for it", () => {
    const server = Server.live({ work: 200 }, [alive("a")]).advance(305).forget()
    server.step({ _tag: "Resign" })
    server.step({ _tag: "Leave" })
    assert.deepStrictEqual(server.says(), [])
    server.advance(200)
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING"])
  })

  it("where the reign went to another while the work ended, the goodbye comes all the same", () => {
    const server = Server.live({ work: 200 }, [alive("a")]).advance(305).forget()
    server.step({ _tag: "Leave" })
    server.hear(coordinator("z", 5_000_000))
    server.advance(221)
    assert.deepStrictEqual(server.told().slice(-1), ["Left"])
  })

  it("one that is leaving does not stand, object or lead, and a stall changes nothing", () => {
    const server = Server.live({ work: "by hand" }, [alive("a")]).advance(305).forget()
    server.step({ _tag: "Leave" })
    server.freeze(20_000).step({ _tag: "CheckPause" })
    assert.strictEqual(server.state.phase, "Leaving")
    server.hear(stands("a", 1))
    server.advance(2_000)
    assert.deepStrictEqual([server.says(), server.activity], [[], "Idle"])
    server.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING"])
  })

  it("one that leaves at the end of its discovery window does not lead once more", () => {
    // The story: the window's end made it live again, and it led for the last 15 ms of its life.
    const server = new Server()
    server.step({ _tag: "Start" })
    server.advance(290).step({ _tag: "Leave" })
    server.advance(50)
    assert.deepStrictEqual(server.told(), ["Started", "Left"])
    assert.notInclude(server.says(), "COORDINATOR")
  })

  it("the end of work comes twice, as after a goodbye: it is said once", () => {
    const server = leading("a")
    server.step({ _tag: "Leave" })
    server.step({ _tag: "WorkEnded" })
    server.step({ _tag: "WorkEnded" })
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING"])
  })
})

describe("timers", () => {
  /** Says so, at this time, without looking at the clock meanwhile. */
  const says = (
    server: Server,
    ...timers: ReadonlyArray<readonly [key: string, due: number, to: string, again?: number]>
  ) => {
    let set = server.state.timers
    for (const [key, due, to, again] of timers) {
      const timer = { _tag: "SayAgain", key, to: Peer.member(to), body: { type: "SERVER_LEAVING" } } as const
      set = Timers.set(set, key, server.now + due, { ...timer, gaps: again === undefined ? [] : [again] })
    }
    server.forget().state = { ...server.state, timers: set }
  }

  const leavings = ["SERVER_LEAVING to b", "SERVER_LEAVING to c", "SERVER_LEAVING to a"]

  it("that are due fire in any step, in the order in which they are due, before its input", () => {
    const server = among("z")
    server.hear(coordinator("z", 50))
    says(server, ["one", 7, "a"], ["two", 5, "b"], ["three", 5, "c"], ["four", 9, "d"])
    server.freeze(8).step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.says().slice(0, 4), [...leavings, "SERVER_ALIVE"])
    assert.strictEqual(Step.dueAt(server.state), server.now + 1)
  })

  it("that are due when a message comes fire after it: it may have waited in the socket for as long", () => {
    const server = among("z")
    says(server, ["one", 7, "a"], ["two", 5, "b"], ["three", 5, "c"])
    server.freeze(8).hear(probe("z", "77"), "unicast")
    assert.deepStrictEqual(server.says(), ["SERVER_RESPONSE to z", ...leavings])
  })

  it("that are due at the very instant of an input come after it", () => {
    const server = among("z")
    says(server, ["one", 5, "a"])
    server.freeze(5).hear(probe("z", "77"), "unicast")
    assert.deepStrictEqual(server.says(), ["SERVER_RESPONSE to z"])
    server.step({ _tag: "Due" })
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING to a"])
  })

  it("that one which fires clears or sets anew do not fire by their old setting", () => {
    const server = among()
    server.step({ _tag: "Campaign", election: "jobs" })
    says(server, ["object:b@jobs", 5, "b"])
    const { timers } = server.state
    const over = Timers.set(timers, "withdrawn@jobs", server.now + 4, { _tag: "Withdrawn", election: "jobs" })
    server.state = { ...server.state, timers: over }
    server.freeze(5).step({ _tag: "Due" })
    assert.notInclude(server.says(), "SERVER_LEAVING to b")
  })

  it("that one which fires sets to be due at once wait for the next step, so that a step ends", () => {
    const server = among()
    says(server, ["now", 1, "a", 0])
    server.freeze(1).step({ _tag: "Due" })
    assert.deepStrictEqual([server.says(), Step.dueAt(server.state)], [["SERVER_LEAVING to a"], server.now])
    server.step({ _tag: "Due" })
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING to a"])
  })

  it("are none where the server has left, and what came with the goodbye is not acted on", () => {
    const server = among("z")
    server.step({ _tag: "Leave" })
    while (server.state.phase !== "Left") {
      server.now = Step.dueAt(server.state) + 1
      server.forget().step({ _tag: "Heartbeat" })
    }
    assert.notInclude(server.says(), "SERVER_ALIVE")
    assert.strictEqual(Step.dueAt(server.state), Infinity)
  })
})

describe("the view", () => {
  it("is the same until somebody comes, goes or leads, or oneself changes", () => {
    const server = among("a")
    const changes = (act: () => void) => {
      const before = server.state
      act()
      return !Step.showsSame(before, server.state)
    }
    assert.isFalse(changes(() => server.hear(alive("a"))))
    assert.isFalse(changes(() => server.step({ _tag: "Heartbeat" })))
    assert.isTrue(changes(() => server.hear(alive("b"))))
    assert.isTrue(changes(() => server.hear(leaving("b"))))
    assert.isTrue(changes(() => server.hear(coordinator("z", 5_000_000))))
    assert.isTrue(changes(() => server.hear(alive(member("m", { incarnation: 9_000 })))))
    assert.deepStrictEqual(Step.view(server.state).members.map(({ name }) => name), ["z", "m", "a"])
    server.hear(says("z", { type: "SERVER_ALIVE", interval: 1 }, { term: 5_000_000 }))
    assert.strictEqual(Step.view(server.state).term, 5_000_000)
  })
})

describe("a beat of a lease, in a group that has none", () => {
  it("is a sign of life and no more", () => {
    const server = among("z")
    const lease = { groupSize: 3, duration: 1_000, drift: 0.01 }
    server.hear(says("z", { type: "BEAT", election: "", claim: 5, beat: 1, lease }, { follows: reign(5, "z") }))
    assert.strictEqual(server.follows, "z")
    assert.deepStrictEqual(server.says(), [])
  })
})

describe("a suspended machine was paused too, though its monotonic clock did not go on (protocol 4)", () => {
  /** The watch has looked at the clock that counts suspensions. */
  const aware = (server: Server) => {
    server.boot = 7_000
    server.step({ _tag: "CheckPause" })
    return server.forget()
  }
  const leadsNow = (server: Server) =>
    Step.leads(server.state, {
      monotonic: server.now,
      wall: server.now + server.wall,
      sinceBoot: server.boot === undefined ? undefined : server.now + server.boot
    }) !== null

  it("any input that comes first finds it: a leader has lost its lead before it acts on anything", () => {
    const server = aware(leading("a"))
    assert.isTrue(leadsNow(server))
    server.suspend(20_000)
    assert.isFalse(leadsNow(server), "already before its first step")
    server.hear(stands("a", 1))
    const [first, second, ...more] = server.tells()
    assert.deepInclude(first, { event: "Stalled", for: 20_000 })
    assert.deepInclude(second, { event: "LeaderChanged", leader: null, cause: "Stalled" })
    assert.deepStrictEqual(more, [])
    assert.isFalse(server.leads)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "SERVER_PROBE"])
    server.advance(305)
    assert.isTrue(leadsNow(server))
    const next = server.tells().find((event) => event.event === "LeaderChanged")
    assert.isAtLeast(next?.event === "LeaderChanged" ? next.without : 0, 20_000, "all the time counts for the others")
  })

  it("an uptime that goes ahead alone ends nothing: it is told, and the group is asked, once in memberTimeout", () => {
    const server = aware(leading("a"))
    const doubts = (by: number) => {
      server.doubted = by
      server.step({ _tag: "CheckPause" })
    }
    const { memberTimeout } = server.state.timing
    doubts(Timing.pauseThreshold(server.state.timing))
    assert.deepStrictEqual(server.tells(), [])
    doubts(300 * 86_400_000)
    const doubted = 300 * 86_400_000 - Timing.pauseThreshold(server.state.timing)
    const [told, ...more] = server.tells()
    assert.deepInclude(told, { event: "Stalled", for: 0, doubted: Math.round(doubted) })
    assert.deepStrictEqual(more, [])
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE"])
    assert.isTrue(leadsNow(server))
    server.forget()
    doubts(400 * 86_400_000)
    assert.deepStrictEqual(server.tells(), [])
    server.advance(memberTimeout)
    server.forget()
    doubts(400 * 86_400_000 + 60_000)
    assert.deepInclude(server.tells()[0], { event: "Stalled", for: 0, doubted: 60_000 })
  })

  it("who leaves asks nobody for a doubt", () => {
    const server = aware(leading("a"))
    server.step({ _tag: "Leave" })
    server.forget()
    server.doubted = 60_000
    server.step({ _tag: "CheckPause" })
    assert.deepStrictEqual(server.tells().map(({ event }) => event), ["Stalled"])
    assert.deepStrictEqual(server.says(), [])
  })

  it("the longer of the two clocks tells it, and no shorter time than of any stall", () => {
    const server = aware(among("a"))
    server.freeze(2_500).suspend(2_600).step({ _tag: "CheckPause" })
    assert.notInclude(server.told(), "Stalled")
    server.freeze(2_500).suspend(2_601).step({ _tag: "CheckPause" })
    assert.deepInclude(server.tells()[0], { event: "Stalled", for: 5_101 })
    // A clock that counts suspensions and runs slow hides no stall.
    server.forget().freeze(6_000).suspend(-3_000).step({ _tag: "CheckPause" })
    assert.deepInclude(server.tells()[0], { event: "Stalled", for: 6_000 })
  })

  it("stamps move forward by what the monotonic clock ran: the time suspended has aged none", () => {
    const server = aware(among("a", "b"))
    server.hear(alive("a"))
    server.advance(10_000).hear(response("b", "1"), "unicast")
    const { multicastAt } = server.knows("b")
    server.suspend(60_000).freeze(40).step({ _tag: "CheckPause" })
    assert.include(server.told(), "Stalled")
    assert.strictEqual(server.now - server.knows("a").heardAt, 10_000)
    assert.strictEqual(server.now - server.knows("b").heardAt, 0)
    assert.strictEqual(server.knows("b").multicastAt - multicastAt, 40)
  })

  it("repeated suspensions keep nobody alive without end: the time awake counts", () => {
    const server = aware(among("a"))
    for (let round = 0; round < 40 && server.members.length > 0; round += 1) {
      server.advance(1_000).step({ _tag: "Sweep" })
      server.suspend(20_000).step({ _tag: "CheckPause" })
    }
    server.advance(1_500).step({ _tag: "Sweep" })
    server.advance(750)
    assert.deepStrictEqual(server.members, [])
  })

  it("questions asked before do not count, and nobody is judged before a discovery window has gone by", () => {
    const server = aware(among("a"))
    server.advance(30_001).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, ["a"])
    server.suspend(20_000).step({ _tag: "Sweep" })
    assert.deepStrictEqual([server.checked, server.state.phase], [[], "Recovering"])
    server.advance(299).step({ _tag: "Sweep" })
    assert.deepStrictEqual([server.checked, server.members], [[], ["a"]])
  })

  it("the wall clock tells nothing: without a clock that counts suspensions, only the monotonic one does", () => {
    const server = leading("a")
    server.suspend(20_000).step({ _tag: "CheckPause" })
    assert.deepStrictEqual([server.told(), server.leads], [[], true])
    // Known from the next look on.
    server.boot = 90_000
    server.step({ _tag: "CheckPause" })
    assert.deepStrictEqual([server.told(), leadsNow(server)], [[], true])
    server.boot = undefined
    server.step({ _tag: "CheckPause" })
    assert.deepStrictEqual([server.told(), leadsNow(server)], [[], true])
  })

  it("a start late after a suspension is none", () => {
    const server = new Server()
    server.boot = 0
    server.suspend(60_000).step({ _tag: "Start" })
    server.step({ _tag: "CheckPause" })
    assert.deepStrictEqual(server.told(), ["Started"])
  })
})
