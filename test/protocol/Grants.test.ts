/**
 * What a server holds by the grants of a leader, and what a leader grants: each rule on one server that hears the others (protocol,
 * Grants); stale, repeated, reordered and contradicted messages among them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Claiming from "../../src/protocol/grants/Claiming.ts"
import type { Wanted } from "../../src/protocol/grants/Claiming.ts"
import * as Holdings from "../../src/protocol/grants/Holdings.ts"
import { limits } from "../../src/protocol/model/Grants.ts"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Resources from "../../src/protocol/model/Resources.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, id, reign } = Peer
const L = 1_500
const E = 6_000
const stopTimeout = 300
const three: Lease.Agreement = { groupSize: 3, duration: L, drift: 0.01 }
const lasts = E * 0.98
const term = 50

type Ask = Message.Of<"GRANTS_ASK">
type Say = Message.Of<"GRANTS_SAY">

const sets = Resources.toText
const start = (name: string, incarnation = 1_000) => ({ id: id(name), incarnation })

/** `m` whose silent start is over, with these as members. */
const vacant = (others: ReadonlyArray<string> = ["a", "b", "z"]) => {
  const server = Server.live({
    profile: "fast",
    preVote: { granted: true, promised: 0, boundTo: null, remaining: 0 },
    timing: { lease: three, stopTimeout }
  })
  server.advance(L - server.now - 1)
  for (const other of others) server.hear(alive(other))
  return server.forget()
}

const beat = (server: Server, number: number) =>
  server.hear(
    Peer.says("z", { type: "BEAT", election: "", claim: term, beat: number, lease: three }, {
      follows: reign(term, "z")
    })
  )

/** `m` that follows `z`. */
const following = () => {
  const server = vacant().advance(1)
  beat(server, 1)
  assert.strictEqual(server.follows, "z")
  return server.forget()
}

/** Time passes, and all that is of the lead goes on as it does. */
const goOn = (server: Server, millis: number) => {
  for (let left = millis; left > 0; left -= 100) {
    for (const other of ["a", "b"]) server.hear(alive(other, server.state.election.reign ?? undefined))
    if (server.follows === "z") beat(server, server.now)
    server.advance(Math.min(left, 100))
    if (server.leads) {
      const beats = server.sent.flatMap(({ message }) => message.type === "BEAT" ? [message] : [])
      const newest = beats.at(-1)
      if (newest === undefined) continue
      const body = {
        type: "BEAT_ACK",
        election: "",
        claim: newest.claim,
        beat: newest.beat,
        incarnation: 1_000
      } as const
      for (const other of ["a", "b"]) {
        server.hear(Peer.says(other, body, { follows: server.state.election.reign! }), "unicast")
      }
    }
  }
  return server
}

const hold = (server: Server, change: Partial<Wanted> = {}) =>
  server.step({
    _tag: "Hold",
    hold: 1,
    space: "jobs",
    count: 8,
    expiry: E,
    wanted: null,
    weight: 1,
    ...change
  })

const newestAsk = (server: Server): Ask => {
  const ask = server.said("GRANTS_ASK").at(-1)
  assert.isDefined(ask)
  return ask.message
}

const says = (ask: Pick<Ask, "session" | "seq">, change: Partial<Say> = {}): Say => ({
  type: "GRANTS_SAY",
  from: start("z"),
  term,
  session: ask.session,
  seq: ask.seq,
  ...change
})
const say = (server: Server, ask: Pick<Ask, "session" | "seq">, change: Partial<Say> = {}) =>
  server.hear(says(ask, change), "unicast")

const granted = (server: Server) =>
  server.outputs.flatMap((output) => output._tag === "Granted" ? [[output.resource, output.token]] : [])
const ended = (server: Server) =>
  server.outputs.flatMap((output) => output._tag === "EndGrant" ? [[output.resource, output.why]] : [])
const refusals = (server: Server) =>
  server.outputs.flatMap((output) => output._tag === "HoldRefused" ? [output.why] : [])
const clocks = (server: Server) => ({
  monotonic: server.now,
  wall: server.now + server.wall,
  sinceBoot: server.boot === undefined ? undefined : server.now + server.boot,
  generation: server.generation
})
const tokenOf = (server: Server, resource: number) => Claiming.tokenOf(server.state, 1, resource, clocks(server))
const heldBy = (server: Server) => [...HashMap.values(server.state.grants.holdings)].map((one) => Holdings.heldBy(one))

/** `m` that follows `z` and was granted these, at its first ask. */
const holding = (resources: Resources.Resources = [2, 5]) => {
  const server = following()
  hold(server)
  const ask = newestAsk(server)
  say(server, ask, { granted: sets(resources), grant: 1 })
  const asked = server.now
  server.forget()
  return { server, ask, asked }
}
const release = (server: Server, resource: number) =>
  server.step({ _tag: "Release", hold: 1, tokens: new Map([[resource, tokenOf(server, resource) ?? "none"]]) })

describe("a session asks the leader (protocol, Grants)", () => {
  it("at once, and anew while it is not answered, later each time", () => {
    const server = following()
    hold(server)
    const first = server.said("GRANTS_ASK")
    assert.deepStrictEqual(first.map(({ to }) => to && Peer.nameOf(to)), ["z"])
    const at: Array<number> = []
    for (let passed = 0; passed < 3_000; passed += 10) {
      goOn(server, 10)
      if (server.said("GRANTS_ASK").length > 0) at.push(passed + 10)
    }
    assert.deepStrictEqual(at, [50, 150, 350, 750, 1_550, 2_550])
  })

  it("where others say that it is, if it is none that this server hears", () => {
    const server = vacant(["a", "b"])
    for (const number of [4, 5]) {
      server.hear({ ...alive("a", reign(term, "z")), alive: number, hops: 1 } as Message.Message)
    }
    assert.deepStrictEqual([server.follows, server.state.election.life.through], ["z", id("a")])
    hold(server)
    assert.deepStrictEqual(server.said("GRANTS_ASK").map(({ to }) => to && Peer.nameOf(to)), ["z"])
  })

  it("and says which ask was answered, also where it grants nothing yet; not of one that is refused", () => {
    const server = following()
    assert.strictEqual(Claiming.newestAsk(server.state, 1), 0)
    hold(server, { wanted: [0] })
    const answered = () => server.outputs.filter(({ _tag }) => _tag === "AskAnswered")
    say(server, newestAsk(server), { again: 20 })
    assert.deepStrictEqual(answered(), [{ _tag: "AskAnswered", hold: 1, seq: 1, again: 20 }])
    server.forget()
    hold(server, { wanted: [0] })
    assert.strictEqual(Claiming.newestAsk(server.state, 1), 2)
    say(server, newestAsk(server), { refused: "Differs" })
    assert.deepStrictEqual(answered(), [])
  })

  it("and holds what lasts by its clocks and is not to be ended, for so many ms more", () => {
    const { asked, server } = holding()
    const current = (hold = 1, generation = "first") =>
      Claiming.current({ ...server.state, generation: "first" }, hold, { ...clocks(server), generation })
    const lasts = E * 0.98
    const left = lasts - (server.now - asked)
    assert.deepStrictEqual(
      [...current()].toSorted(([self], [that]) => self - that),
      [2, 5].map((resource) => [resource, { token: tokenOf(server, resource), left }] as const)
    )
    assert.deepStrictEqual([...current(2)], [], "there is no such session")
    assert.deepStrictEqual([...current(1, "another")], [], "the machine was set back")
    server.advance(lasts - 300)
    assert.deepStrictEqual([...current()], [], "it is to be ended")
    assert.isNotNull(tokenOf(server, 2))
  })

  it("and lets go of several by one ask, but for what it holds by another token, or not at all", () => {
    const { server } = holding()
    const token = tokenOf(server, 2)!
    server.step({ _tag: "Release", hold: 1, tokens: new Map([[2, token], [5, "another"], [7, token]]) })
    assert.deepStrictEqual(server.said("GRANTS_ASK").map(({ message }) => message.held), [sets([5])])
    server.step({ _tag: "Release", hold: 1, tokens: new Map([[2, token]]) })
    server.step({ _tag: "Release", hold: 2, tokens: new Map([[5, token]]) })
    assert.deepStrictEqual([server.said("GRANTS_ASK"), heldBy(server)], [[], [[5]]])
  })

  it("by what it holds and takes its share of, or what it wants, a third of its time after it was answered", () => {
    const { server } = holding()
    goOn(server, E / 3 - 1)
    assert.deepStrictEqual(server.said("GRANTS_ASK"), [])
    goOn(server, 1)
    const { held, wanted, weight, over } = newestAsk(server)
    assert.deepStrictEqual([held, wanted, weight, over], [sets([2, 5]), undefined, undefined, undefined])
    hold(server, { wanted: [1], weight: 3 })
    const { wanted: then, weight: weighs } = newestAsk(server)
    assert.deepStrictEqual([then, weighs], [sets([1]), 3])
  })

  it("every half second while it waits, and when a reign has recovered", () => {
    const server = following()
    hold(server, { wanted: [0] })
    say(server, newestAsk(server))
    goOn(server, 499)
    assert.deepStrictEqual(server.said("GRANTS_ASK"), [])
    goOn(server, 1)
    say(server, newestAsk(server), { again: 20 })
    goOn(server, 20)
    newestAsk(server)
  })

  it("where there is news, and not by news of another reign or for another session", () => {
    const { ask: { session }, server } = holding()
    const news = { type: "GRANTS_NEWS", from: start("z"), term, session } as const
    server.hear({ ...news, term: 49 }, "unicast")
    server.hear({ ...news, session: "0" }, "unicast")
    assert.deepStrictEqual(server.drops(), ["Stale", "Stale"])
    assert.deepStrictEqual(server.said("GRANTS_ASK"), [])
    server.hear(news, "unicast")
    newestAsk(server)
  })

  it("at once where another leads, and nobody while nobody does", () => {
    const { server } = holding()
    server.advance(2 * L)
    assert.isNull(server.follows)
    server.forget()
    server.advance(100)
    assert.deepStrictEqual(server.said("GRANTS_ASK"), [])
    server.hear(
      Peer.says("a", { type: "BEAT", election: "", claim: 60, beat: 1, lease: three }, { follows: reign(60, "a") })
    )
    assert.strictEqual(newestAsk(server).term, 60)
  })
})

describe("what is granted (protocol, Grants)", () => {
  it("is held from when it was asked for, and the app hears of it with its token", () => {
    const server = following()
    hold(server)
    const ask = newestAsk(server)
    goOn(server, 20)
    say(server, ask, { granted: sets([2, 5]), grant: 7 })
    const token = granted(server)[0]![1] as string
    assert.match(token, /-0000000000000007$/)
    assert.deepStrictEqual(granted(server), [[2, token], [5, token]])
    server.freeze(lasts - 20 - 1)
    assert.strictEqual(tokenOf(server, 2), token)
    server.freeze(1)
    assert.isNull(tokenOf(server, 2))
    assert.isNull(tokenOf(server, 1))
    assert.isNull(Claiming.tokenOf(server.state, 9, 2, clocks(server)))
  })

  it("is taken from the answer to the newest ask alone: the others let go of it", () => {
    const server = following()
    hold(server)
    const first = newestAsk(server)
    goOn(server, 50)
    const second = newestAsk(server)
    say(server, first, { granted: sets([2]), grant: 1 })
    assert.deepStrictEqual(granted(server), [])
    say(server, second, { granted: sets([3]), grant: 2 })
    assert.deepStrictEqual(granted(server).map(([resource]) => resource), [3])
  })

  it("is taken once: an answer that comes again, or was overtaken, changes nothing and is counted", () => {
    const { ask, server } = holding([2])
    release(server, 2)
    const next = newestAsk(server)
    assert.strictEqual(next.held, "")
    say(server, ask, { granted: sets([2]), grant: 1 })
    say(server, next)
    say(server, next, { granted: sets([2]), grant: 1 })
    assert.deepStrictEqual(granted(server), [])
    assert.deepStrictEqual(server.drops(), ["GrantRepeated", "GrantRepeated"])
  })

  it("is not taken of another term, another start of the leader, another session, or without a number", () => {
    const server = following()
    hold(server)
    const ask = newestAsk(server)
    const grant = { granted: sets([2]), grant: 1 }
    say(server, ask, { ...grant, term: 51 })
    say(server, ask, { ...grant, from: start("z", 999) })
    say(server, ask, { ...grant, from: start("a") })
    say(server, { ...ask, session: "0" }, grant)
    assert.deepStrictEqual(server.drops(), ["Stale", "Stale", "Stale", "Stale"])
    say(server, ask, { granted: sets([2]) })
    assert.deepStrictEqual(granted(server), [])
  })

  it("is not taken where it comes too late to do anything, or is not wanted any more", () => {
    const late = following()
    hold(late)
    const ask = newestAsk(late)
    late.freeze(lasts - stopTimeout)
    say(late, ask, { granted: sets([2]), grant: 1 })
    const other = following()
    hold(other, { wanted: [2] })
    const before = newestAsk(other)
    hold(other, { wanted: [3] })
    say(other, before, { granted: sets([2]), grant: 1 })
    say(other, newestAsk(other), { granted: sets([2]), grant: 2 })
    assert.deepStrictEqual([...granted(late), ...granted(other)], [])
  })

  it("is held on by each answer, and not by one that was asked for before", () => {
    const { ask, server } = holding()
    goOn(server, E / 3)
    const next = newestAsk(server)
    const asked = server.now
    say(server, next)
    say(server, ask)
    server.freeze(asked + lasts - server.now - 1)
    assert.isNotNull(tokenOf(server, 2))
    server.freeze(1)
    assert.isNull(tokenOf(server, 2))
  })
})

describe("what is to be ended (protocol, Grants)", () => {
  it("is what is moving, as long as it takes: it is held on, until the app has ended it", () => {
    const { server } = holding()
    goOn(server, E / 3)
    say(server, newestAsk(server), { moving: sets([5]) })
    assert.deepStrictEqual(ended(server), [[5, "Moving"]])
    goOn(server, E / 3)
    const still = newestAsk(server)
    assert.strictEqual(still.held, sets([2, 5]))
    say(server, still, { moving: sets([5]) })
    assert.lengthOf(ended(server), 1)
    release(server, 5)
    assert.strictEqual(newestAsk(server).held, sets([2]))
  })

  it("is what is lost, which is held no more at once", () => {
    const { server } = holding()
    goOn(server, E / 3)
    say(server, newestAsk(server), { lost: sets([5]) })
    assert.deepStrictEqual(ended(server), [[5, "Lost"]])
    assert.isNull(tokenOf(server, 5))
    assert.isNotNull(tokenOf(server, 2))
  })

  it("is what was lost and is granted anew, under another token: its old one lets go of nothing", () => {
    const { server } = holding([5])
    const before = tokenOf(server, 5)!
    goOn(server, E / 3)
    say(server, newestAsk(server), { lost: sets([5]), granted: sets([5]), grant: 9 })
    const token = tokenOf(server, 5)
    assert.notStrictEqual(token, before)
    server.step({ _tag: "Release", hold: 1, tokens: new Map([[5, before]]) })
    server.step({ _tag: "Release", hold: 9, tokens: new Map([[5, before]]) })
    assert.strictEqual(tokenOf(server, 5), token)
  })

  it("is what is over soon, its time to end before, and held no more when it is", () => {
    const { server } = holding([2])
    server.advance(lasts - stopTimeout - 1)
    assert.deepStrictEqual(ended(server), [])
    server.advance(1)
    assert.deepStrictEqual(ended(server), [[2, "Expiring"]])
    assert.isNotNull(tokenOf(server, 2))
    server.advance(stopTimeout)
    assert.deepStrictEqual(heldBy(server), [[]])
    assert.lengthOf(ended(server), 1)
  })

  it("is all that was held, where the machine was set back to a snapshot: its session is another then", () => {
    const { ask, server } = holding([2])
    server.state = { ...server.state, generation: "1" }
    assert.isNotNull(tokenOf(server, 2))
    server.generation = "2"
    assert.isNull(tokenOf(server, 2), "before the server has seen it")
    server.step({ _tag: "CheckPause" })
    assert.deepStrictEqual(ended(server), [[2, "Lost"]])
    assert.isNull(tokenOf(server, 2))
    const [own] = HashMap.values(server.state.grants.holdings)
    assert.notStrictEqual(own?.session, ask.session)
  })
})

describe("a wall clock that is set forward (protocol, Grants)", () => {
  /** `m` holds 2, and has taken it for over since its clock was set; its app has 300 ms to end what it does. */
  const jumped = () => {
    const { server } = holding([2])
    const token = tokenOf(server, 2)!
    server.wall += E
    server.step({ _tag: "CheckPause" })
    assert.deepStrictEqual(ended(server), [[2, "Expiring"]])
    assert.isNull(tokenOf(server, 2))
    return { server: server.forget(), token }
  }

  it("leaves the app its time to end what it does: so long the leader is asked to give it to nobody", () => {
    const { server } = jumped()
    hold(server, { weight: 2 })
    const ask = newestAsk(server)
    assert.deepInclude(ask, { held: "", ending: sets([2]) })
    say(server, ask, { granted: sets([2]), grant: 9 })
    assert.isNull(tokenOf(server, 2), "not before that has ended")
    goOn(server.forget(), stopTimeout)
    assert.notProperty(newestAsk(server), "ending")
  })

  it("and no longer than until it has ended", () => {
    const { server, token } = jumped()
    server.step({ _tag: "Release", hold: 1, tokens: new Map([[2, `${token} or another`]]) })
    hold(server, { weight: 2 })
    assert.property(newestAsk(server), "ending")
    server.forget().step({ _tag: "Release", hold: 1, tokens: new Map([[2, token]]) })
    assert.notProperty(newestAsk(server), "ending")
  })

  it("ends no session before: who leaves says that it is over when the app has had its time", () => {
    const { server } = jumped()
    server.step({ _tag: "Leave" })
    assert.isFalse(server.said("GRANTS_ASK").some(({ message }) => message.over === true))
    server.advance(stopTimeout)
    assert.isTrue(server.said("GRANTS_ASK").some(({ message }) => message.over === true))
  })

  it("counts from when the app was told, where that was before", () => {
    const { server } = holding([2])
    goOn(server, lasts - stopTimeout + 100)
    server.wall += E
    server.forget().step({ _tag: "CheckPause" })
    hold(server, { weight: 2 })
    assert.property(newestAsk(server), "ending")
    goOn(server.forget(), stopTimeout - 100)
    assert.notProperty(newestAsk(server), "ending")
  })
})

describe("sleep counts (protocol, Grants)", () => {
  /** `m` on a machine that knows how long it was suspended, for so short a time that this is no pause. */
  const asleep = (millis: number) => {
    const server = following()
    server.boot = 5_000
    hold(server)
    say(server, newestAsk(server), { granted: sets([2]), grant: 1 })
    server.forget()
    for (let slept = 0; slept < millis; slept += 100) {
      goOn(server, 1)
      server.suspend(100)
    }
    return server
  }

  it("where it is no pause too: what is over soon is to be ended", () => {
    const server = asleep(lasts - stopTimeout)
    goOn(server, 1)
    assert.deepStrictEqual(ended(server), [[2, "Expiring"]])
  })

  it("and none of what was over by then is said to be held, or held on by an answer", () => {
    const server = asleep(lasts)
    hold(server, { weight: 2 })
    const ask = newestAsk(server)
    assert.strictEqual(ask.held, "")
    say(server, ask)
    assert.isNull(tokenOf(server, 2))
  })

  it("nor is it by an answer to an ask before it", () => {
    const { server } = holding([2])
    server.boot = 5_000
    goOn(server, 1_000)
    hold(server, { weight: 2 })
    const ask = newestAsk(server)
    for (let slept = 0; slept < lasts - 1_000; slept += 100) server.suspend(100)
    say(server, ask)
    assert.isNull(tokenOf(server, 2))
  })
})

describe("a leader that takes no ask (protocol, Grants)", () => {
  it("is told to the app, and what is held is held on for no longer than before", () => {
    const { asked, server } = holding()
    goOn(server, E / 3)
    const ask = newestAsk(server)
    say(server, ask, { refused: "Differs" })
    say(server, ask, { refused: "Differs" })
    assert.deepStrictEqual(refusals(server), ["Differs"])
    assert.deepStrictEqual(server.drops(), ["GrantRepeated"])
    server.freeze(asked + lasts - server.now)
    assert.isNull(tokenOf(server, 2))
  })

  it("is asked again like any, and an older refusal delays nothing", () => {
    const { server } = holding()
    hold(server, { weight: 2 })
    const older = newestAsk(server)
    hold(server, { weight: 3 })
    const newer = newestAsk(server)
    say(server, older, { refused: "Full" })
    assert.deepStrictEqual(refusals(server), ["Full"])
    goOn(server, 100)
    assert.isAbove(newestAsk(server).seq, newer.seq)
  })
})

describe("a session ends (protocol, Grants)", () => {
  it("and says so until it is answered", () => {
    const { server } = holding()
    server.step({ _tag: "Unhold", hold: 1, finished: true })
    const first = newestAsk(server)
    assert.deepStrictEqual([first.held, first.over], ["", true])
    goOn(server, 50)
    const second = newestAsk(server)
    say(server, first)
    assert.isTrue(HashMap.isEmpty(server.state.grants.holdings))
    say(server, second)
    assert.deepStrictEqual(server.drops(), ["Stale"])
  })

  it("and says so six times, where it is not answered", () => {
    const { server } = holding()
    server.step({ _tag: "Unhold", hold: 1, finished: true })
    goOn(server, 4_000)
    assert.lengthOf(server.said("GRANTS_ASK"), Holdings.maxFarewells)
    assert.isTrue(HashMap.isEmpty(server.state.grants.holdings))
  })

  it("and says nothing where something still runs", () => {
    const { server } = holding()
    server.step({ _tag: "Unhold", hold: 1, finished: false })
    server.step({ _tag: "Unhold", hold: 1, finished: true })
    goOn(server, E)
    assert.deepStrictEqual(server.said("GRANTS_ASK"), [])
  })
})

describe("a server that leaves (protocol, Grants)", () => {
  const left = (server: Server) => server.sent.some(({ message: { type } }) => type === "SERVER_LEAVING")

  it("ends what it holds, and says goodbye when the leader knows: what follows a goodbye is not heard", () => {
    const { server } = holding([2])
    server.step({ _tag: "Leave" })
    assert.deepStrictEqual(ended(server), [[2, "Leaving"]])
    const still = newestAsk(server)
    assert.strictEqual(still.held, sets([2]))
    say(server, still, { granted: sets([3]), grant: 2 })
    assert.deepStrictEqual(granted(server), [])
    release(server, 2)
    assert.isFalse(left(server))
    const over = newestAsk(server)
    assert.isTrue(over.over)
    say(server, over)
    assert.isTrue(left(server))
  })

  it("waits no longer than for three asks where nobody answers, nor for work that does not end", () => {
    const { server } = holding([2])
    server.step({ _tag: "Leave" })
    release(server, 2)
    server.advance(199)
    assert.isFalse(left(server))
    server.advance(1)
    assert.isTrue(left(server))
    const { server: stuck } = holding([2])
    stuck.step({ _tag: "Leave" })
    stuck.advance(stopTimeout - 1)
    assert.isFalse(left(stuck))
    stuck.advance(1)
    assert.isTrue(left(stuck))
  })

  it("tells the app nothing of what that has ended before", () => {
    const { server } = holding([2])
    server.step({ _tag: "Unhold", hold: 1, finished: true })
    server.step({ _tag: "Leave" })
    assert.deepStrictEqual([ended(server), refusals(server)], [[], []])
  })

  it("waits for nobody where nobody leads, or it holds nothing", () => {
    const { server } = holding([2])
    server.advance(2 * L)
    assert.isNull(server.follows)
    server.step({ _tag: "Leave" })
    release(server, 2)
    assert.isTrue(left(server))
    const none = following()
    none.step({ _tag: "Leave" })
    assert.isTrue(left(none))
  })
})

describe("a leader (protocol, Grants)", () => {
  /** `m` that leads by the vote of `a`. */
  const leading = () => {
    const server = vacant().advance(20)
    const [asked] = server.said("ELECTION")
    assert.isDefined(asked)
    const { standing } = asked.message
    server.hear(
      Peer.says("a", {
        type: "VOTE",
        election: "",
        standing,
        incarnation: 1_000,
        granted: true,
        promised: standing,
        boundTo: id("m"),
        remaining: 0
      }),
      "unicast"
    )
    assert.isTrue(server.leads)
    return server.forget()
  }
  /** The same, recovered. */
  const recovered = () => goOn(leading(), E).forget()

  const ask = (server: Server, name: string, change: Partial<Ask> = {}): Say | null => {
    server.hear({
      type: "GRANTS_ASK",
      from: start(name),
      term: server.term,
      session: id(name),
      seq: Math.floor(server.now),
      space: "jobs",
      count: 8,
      expiry: E,
      held: "",
      ...change
    }, "unicast")
    const news = server.sent.filter(({ message: { type } }) => type === "GRANTS_NEWS")
    const answer = server.said("GRANTS_SAY").at(-1)?.message ?? null
    server.sent.push(...news)
    return answer
  }
  const told = (server: Server) => server.said("GRANTS_NEWS").map(({ to }) => to && Peer.nameOf(to))

  it("grants nothing for one expiry, says when it will, and believes the holders", () => {
    const server = leading()
    const first = ask(server, "a", { held: sets([1]) })
    assert.deepStrictEqual([first?.granted, first?.lost, first?.again], [undefined, undefined, E])
    goOn(server, E - 1)
    const last = ask(server, "a", { held: sets([1]) })
    assert.deepStrictEqual([last?.granted, last?.again], [undefined, 1])
    goOn(server, 1)
    const then = ask(server, "a", { held: sets([1]) })
    assert.deepStrictEqual(then?.granted, sets([0, 2, 3, 4, 5, 6, 7]))
    assert.strictEqual(then?.grant, 1)
  })

  it("believes nobody after that: what it does not know of is lost", () => {
    const server = recovered()
    const answer = ask(server, "a", { wanted: sets([2]), held: sets([1]) })
    assert.deepStrictEqual([answer?.lost, answer?.granted], [sets([1]), sets([2])])
  })

  it("gives to nobody what a holder has not let go of, though it holds that no more, and claims nothing by that", () => {
    const server = recovered()
    const wanted = sets([1, 3])
    assert.strictEqual(ask(server, "a", { wanted: sets([1]) })?.granted, sets([1]))
    goOn(server, 1)
    ask(server, "a", { wanted: "", ending: wanted })
    assert.strictEqual(ask(server, "b", { wanted })?.granted, sets([3]))
    goOn(server, 1)
    ask(server, "a", { wanted: "" })
    assert.strictEqual(ask(server, "b", { wanted, held: sets([3]) })?.granted, sets([1]))
  })

  it("reads no ask twice, nor one that was overtaken, nor one of a session that has ended", () => {
    const server = recovered()
    const wanted = sets([0])
    ask(server, "a", { seq: 5, wanted })
    assert.isNull(ask(server, "a", { seq: 5, wanted, held: sets([0]) }))
    assert.isNull(ask(server, "a", { seq: 4, wanted }))
    ask(server, "a", { seq: 6, wanted: "", over: true })
    assert.isNull(ask(server, "a", { seq: 5, wanted, held: sets([0]) }))
    assert.deepStrictEqual(server.drops(), ["GrantRepeated", "GrantRepeated", "GrantRepeated"])
    assert.isDefined(ask(server, "a", { seq: 7, wanted: "", over: true }))
    assert.strictEqual(ask(server, "b", { wanted })?.granted, wanted)
  })

  it("answers members alone, and asks to its own reign alone", () => {
    const server = recovered()
    assert.isNull(ask(server, "y"))
    assert.isNull(ask(server, "a", { from: start("a", 999) }))
    assert.isNull(ask(server, "a", { term: server.term - 1 }))
    assert.deepStrictEqual(server.drops(), ["NoMember", "NoMember", "Stale"])
  })

  it("answers nothing where its lease is over by the clock, nor where it follows", () => {
    const server = recovered()
    server.freeze(L)
    assert.isNull(ask(server, "a"))
    const follower = following()
    assert.isNull(ask(follower, "a"))
    assert.deepStrictEqual(follower.drops(), ["Stale"])
  })

  it("knows of nothing that was held in an earlier reign of its own", () => {
    const server = recovered()
    ask(server, "a")
    server.step({ _tag: "Resign" })
    server.step({ _tag: "WorkEnded", election: "" })
    assert.isFalse(server.leads)
    assert.isNull(server.state.grants.table)
  })

  it("gives what is let go to who has waited for longest, and tells that one", () => {
    const server = recovered()
    const lock = { space: "lock", count: 1, wanted: sets([0]) } as const
    assert.strictEqual(ask(server, "b", lock)?.granted, sets([0]))
    assert.isUndefined(ask(server, "z", lock)?.granted)
    goOn(server, 1)
    assert.isUndefined(ask(server, "a", lock)?.granted)
    assert.deepStrictEqual(told(server), [])
    goOn(server, 1)
    ask(server, "b", { ...lock, wanted: "", over: true })
    assert.deepStrictEqual(told(server), ["z"])
    assert.isUndefined(ask(server, "a", { ...lock, seq: 1e9 })?.granted)
    assert.strictEqual(ask(server, "z", lock)?.granted, sets([0]))
  })

  it("frees what is held by a session that is over by the clock, however long the others last, and tells who waits", () => {
    const server = recovered()
    ask(server, "z", { space: "long", expiry: 100_000 })
    const lock = { space: "lock", count: 1, wanted: sets([0]) } as const
    ask(server, "b", lock)
    goOn(server, 1_000)
    ask(server, "a", lock)
    goOn(server, E - 1_001)
    assert.deepStrictEqual(told(server), [])
    goOn(server, 1)
    assert.deepStrictEqual(told(server), ["a"])
    assert.strictEqual(ask(server, "a", lock)?.granted, sets([0]))
    goOn(server, E)
    assert.deepStrictEqual([...HashMap.keys(server.state.grants.table!.spaces)], ["long"])
  })

  it("moves to a newcomer its share alone, four at a time, as the holder lets go of it", () => {
    const server = recovered()
    ask(server, "a", { count: 64 })
    goOn(server, 1)
    assert.isUndefined(ask(server, "b", { count: 64 })?.granted)
    assert.deepStrictEqual(told(server), ["a"])
    goOn(server, 1)
    const all = Resources.all(64)
    const answer = ask(server, "a", { count: 64, held: sets(all) })
    const moving = Resources.fromText(answer!.moving!, 64)
    assert.lengthOf(moving, 4)
    goOn(server, 1)
    ask(server, "a", { count: 64, held: sets(all.filter((one) => !moving.includes(one))) })
    assert.deepStrictEqual(told(server), ["b"])
    assert.strictEqual(ask(server, "b", { count: 64, seq: 1e9 })?.granted, answer!.moving)
  })

  it("gives one that is not there no share, and leaves it what it holds", () => {
    const server = recovered()
    const share = ask(server, "b")?.granted
    server.hear(Peer.leaving("b"))
    server.forget()
    const answer = ask(server, "a")
    assert.deepStrictEqual([share, answer?.granted], [sets(Resources.all(8)), undefined])
    goOn(server, E)
    assert.strictEqual(ask(server, "a")?.granted, sets(Resources.all(8)))
  })

  it("takes no session that differs from others of its space, and tells it", () => {
    const server = recovered()
    ask(server, "a")
    assert.strictEqual(ask(server, "b", { count: 9 })?.refused, "Differs")
    assert.strictEqual(ask(server, "b", { expiry: E + 1 })?.refused, "Differs")
    assert.strictEqual(ask(server, "b", { wanted: "" })?.refused, "Differs")
    assert.isUndefined(ask(server, "b")?.refused)
  })

  it("takes no session where it has as many as it may, and counts it", () => {
    const server = recovered()
    ask(server, "a")
    const { grants } = server.state
    server.state = {
      ...server.state,
      grants: { ...grants, table: { ...grants.table!, sessions: limits.sessions } }
    }
    assert.strictEqual(ask(server, "b")?.refused, "Full")
    assert.deepStrictEqual(server.drops(), ["GrantsFull"])
    assert.isUndefined(ask(server, "a", { seq: 1e9 })?.refused)
  })

  it("grants nothing while it resigns, also not to its own sessions", () => {
    const server = recovered()
    server.step({ _tag: "Resign" })
    hold(server)
    assert.isNull(ask(server, "a"))
    assert.deepStrictEqual(granted(server), [])
    assert.deepStrictEqual(server.drops(), ["Stale", "Stale"])
  })

  it("counts what two say that they hold, and believes the first", () => {
    const server = leading()
    ask(server, "a", { held: sets([1]) })
    const answer = ask(server, "b", { held: sets([1, 2]) })
    assert.strictEqual(answer?.lost, sets([1]))
    assert.deepStrictEqual(server.drops(), ["GrantConflict"])
  })

  it("counts no ask that was under way while what it holds ran out, and went to another", () => {
    const server = recovered()
    ask(server, "a", { wanted: sets([1]) })
    ask(server, "b", { wanted: sets([1]) })
    goOn(server, E - 100)
    ask(server, "b", { wanted: sets([1]) })
    goOn(server, 100)
    assert.strictEqual(ask(server, "b", { wanted: sets([1]) })?.granted, sets([1]))
    assert.strictEqual(ask(server, "a", { wanted: sets([1]), held: sets([1]) })?.lost, sets([1]))
    assert.deepStrictEqual(server.drops(), [])
  })

  it("asks nobody to let go of what one should have that is gone again", () => {
    const server = recovered()
    ask(server, "a")
    ask(server, "b")
    const all = sets(Resources.all(8))
    goOn(server, 1)
    assert.isDefined(ask(server, "a", { held: all })?.moving)
    server.hear(Peer.leaving("b"))
    assert.isUndefined(ask(server, "a", { held: all, seq: 1e9 })?.moving)
  })

  it("answers its own sessions as those of others, and tells them its news", () => {
    const server = recovered()
    hold(server)
    assert.lengthOf(granted(server), 8)
    server.forget()
    ask(server, "a")
    assert.isAbove(ended(server).length, 0)
    for (const [resource] of ended(server)) release(server, resource as number)
    assert.deepStrictEqual([...new Set(told(server))], ["a"])
    server.forget()
    hold(server, { hold: 2, space: "lock", count: 1, wanted: [0] })
    hold(server, { hold: 3, space: "lock", count: 1, wanted: [0] })
    assert.deepStrictEqual(granted(server).length, 1)
    server.step({ _tag: "Unhold", hold: 2, finished: true })
    assert.deepStrictEqual(granted(server).length, 2)
    assert.strictEqual(HashMap.size(server.state.grants.holdings), 2)
  })
})
