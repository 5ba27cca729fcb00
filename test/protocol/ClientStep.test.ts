/**
 * A client's side of the protocol (3; 5, messages from clients).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as HashMap from "effect/HashMap"
import * as Schema from "effect/Schema"
import * as ClientStep from "../../src/protocol/delivery/ClientStep.ts"
import * as Parts from "../../src/protocol/delivery/Parts.ts"
import * as Client from "../../src/protocol/model/Client.ts"
import type * as ClientContext from "../../src/protocol/model/ClientContext.ts"
import * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import type { Body } from "../../src/protocol/model/Output.ts"
import * as Drawn from "./harness/Drawn.ts"
import * as Peer from "./harness/Peer.ts"

type Send = Extract<ClientContext.Output, { readonly _tag: "Send" }>

const me = Peer.sender("ann")

/** One client on a clock that a test moves. What is due is done when it is due. */
class One {
  state: ClientContext.State
  now = 0
  readonly sent: Array<Send & { readonly at: number }> = []
  readonly events: Array<ClientEvent.ClientEvent> = []
  readonly done: Array<string> = []
  readonly delivered: Array<Parts.Whole> = []
  #steps = 0
  #tickets = 0

  constructor(interval = 10_000) {
    this.state = ClientStep.make({ client: me, interval })
  }

  step(input: ClientStep.Input): this {
    this.#steps += 1
    const now = { monotonic: this.now, wall: 1_000 + this.now, entropy: Math.imul(this.#steps, 0x9e3779b1) >>> 0 }
    const before = { ...this.state }
    const [after, outputs] = ClientStep.step(this.state, input, now)
    assert.deepStrictEqual(this.state, before, "the state it was given is as it was")
    this.state = after
    for (const output of outputs) {
      if (output._tag === "Send") this.sent.push({ ...output, at: this.now })
      else if (output._tag === "Emit") this.events.push(output.event)
      else if (output._tag === "Deliver") this.delivered.push(output.message)
      else this.done.push("ticket" in output ? `${output._tag} ${output.ticket}` : output._tag)
    }
    return this
  }

  hear(message: Message.Message, from?: Member.Address): this {
    return this.step({ _tag: "Received", message, from: from ?? ("sender" in message ? message.sender : Peer.client) })
  }

  send(...bodies: ReadonlyArray<Client.Body>): this {
    for (const body of bodies) this.step({ _tag: "Send", ticket: this.#tickets += 1, body })
    return this
  }

  advance(millis: number): this {
    const until = this.now + millis
    for (let due = ClientStep.dueAt(this.state); due <= until; due = ClientStep.dueAt(this.state)) {
      this.now = Math.max(this.now, due)
      this.step({ _tag: "Due" })
    }
    this.now = until
    return this
  }

  forget(): this {
    for (const list of [this.sent, this.events, this.done, this.delivered]) list.length = 0
    return this
  }

  said<Type extends Message.Message["type"]>(
    type: Type
  ): ReadonlyArray<Send & { readonly at: number; readonly message: Message.Of<Type> }> {
    return this.sent.splice(0).filter((send): send is Send & { at: number; message: Message.Of<Type> } =>
      send.message.type === type
    )
  }

  told(): ReadonlyArray<string> {
    return this.events.splice(0).map((event) => {
      switch (event.event) {
        case "LeaderChanged":
          return `follows ${event.leader === null ? "nobody" : Peer.nameOf(event.leader)} in ${event.term}`
        case "MessageReceived":
          return Peer.words(event.body)
        default:
          return event.event
      }
    })
  }
}

const welcome = (leader: string, term: number, nonce: string, delivered = 0) =>
  Peer.says(leader, { type: "CLIENT_WELCOME", nonce, members: 3 }, { follows: Peer.reign(term, leader), delivered })

const ack = (leader: string, term: number, seq: number, client = me) =>
  Peer.says(leader, { type: "CLIENT_ACK", client: client.id, seq }, { follows: Peer.reign(term, leader) })

/** One that `z` let in, in term 9. */
const joined = (delivered = 0): One => {
  const one = new One().step({ _tag: "Start" })
  return one.hear(welcome("z", 9, one.state.join.nonce, delivered)).forget()
}

const z: Member.Address = { ip: "192.0.2.26", port: 4026 }
const port = (to: Member.Address | null) => to?.port ?? null

describe("a leader that moves (protocol, Where a server is)", () => {
  const other = { ip: "192.0.2.99", port: 4026 }
  const said = (moved: number) => ({ ...ack("z", 9, 0), moved })
  const notice = (address: Member.Address, term = 9) =>
    Peer.says("a", { type: "COORDINATOR", election: "" }, {
      follows: Peer.reign(term, Peer.member("z", address))
    })

  it("is spoken to where it is heard, and not at its old address again by what it said there and comes late", () => {
    const one = joined().hear(said(1), other).hear(said(0), z).hear(ack("z", 9, 0), z)
    assert.deepStrictEqual([one.state.address, one.state.reign?.leader.ip], [other, other.ip])
    one.hear(said(2), z)
    assert.deepStrictEqual([one.state.address, one.told()], [z, []])
  })

  it("where it is heard elsewhere by an equal word, as one with two networks is: it is there", () => {
    const one = joined().hear(said(0), other)
    assert.deepStrictEqual(one.state.address, other)
    const { reign } = one.state
    assert.strictEqual(one.hear(said(0), other).state.reign, reign)
  })

  /** It has let three tries go by. */
  const silent = () => {
    const one = joined().send("x").advance(1_500)
    assert.deepStrictEqual(one.told(), ["follows nobody in 9"])
    return one.forget()
  }

  it("that does not answer is followed to where another says that it is now", () => {
    const one = silent()
    one.hear(notice(z))
    assert.deepStrictEqual(one.told(), [])
    one.hear(Peer.alive("a", Peer.reign(9, Peer.member("z", other))))
    assert.deepStrictEqual(one.told(), [], "only who was asked says so")
    one.hear(notice(other))
    assert.deepStrictEqual([one.state.address, one.told().length], [other, 1])
    assert.deepStrictEqual(one.said("CLIENT_MESSAGE").map(({ to }) => to), [other])
  })

  it("is tried again after 2 s at the same address: what was sent there may have been lost", () => {
    const one = silent()
    one.advance(2_000).forget().hear(notice(z))
    assert.deepStrictEqual(one.told(), ["follows z in 9"])
  })

  it("is not gone back to where it has given its reign up, nor to where it cannot be reached from here", () => {
    const over = joined().hear(Peer.leaving("z", { follows: Peer.reign(9, "z"), heard: 9 })).forget()
    over.advance(3_000).hear(notice(other))
    const one = silent().advance(3_000).forget()
    one.hear(notice({ ip: "127.0.0.1", port: 4026 })).hear(notice({ ip: "0.0.0.0", port: 4026 }))
    assert.deepStrictEqual([over.told(), one.told()], [[], []])
  })

  it("where nobody says an address that can be reached, the group is spoken to", () => {
    const one = new One().step({ _tag: "Start" }).forget()
    one.hear(notice({ ip: "127.0.0.1", port: 4026 })).send("x")
    assert.deepStrictEqual([one.state.reign?.term, one.state.address], [9, null])
    assert.deepStrictEqual(one.said("CLIENT_MESSAGE").map(({ to }) => to), [null])
    // Let go, it is not followed again by such words alone.
    one.advance(4_000).forget().hear(notice({ ip: "127.0.0.1", port: 4026 }))
    assert.deepStrictEqual(one.told(), [])
    one.hear(notice(other))
    assert.deepStrictEqual(one.state.address, other)
  })
})

describe("where the leader is, as far as a client knows (protocol, Clients)", () => {
  it("is nowhere before one was heard of, and nowhere once it has given its reign up", () => {
    const one = new One().step({ _tag: "Start" })
    assert.isNull(ClientStep.leaderAddress(one.state))
    one.hear(welcome("z", 9, one.state.join.nonce))
    one.hear(Peer.leaving("z", { follows: Peer.reign(9, "z"), heard: 9 }))
    assert.isNull(ClientStep.leaderAddress(one.state))
  })

  it("is where it was spoken to, also after it was dropped as it did not answer: it may lead all the same", () => {
    const one = joined().send("x")
    assert.deepInclude(ClientStep.leaderAddress(one.state), z)
    one.advance(1_500)
    assert.isNull(one.state.address)
    assert.deepInclude(ClientStep.leaderAddress(one.state), z)
  })
})

describe("joining (protocol 3, CLIENT_JOIN and CLIENT_WELCOME)", () => {
  it("is said to the group at 0, 50, 150 ms, then after 200 ms doubling to 2 s, under one nonce, until it is answered", () => {
    const one = new One().step({ _tag: "Start" }).advance(7_400)
    const said = one.said("CLIENT_JOIN")
    assert.deepStrictEqual(said.map(({ at }) => at), [0, 50, 150, 350, 750, 1_550, 3_150, 5_150, 7_150])
    assert.strictEqual(new Set(said.map(({ message }) => message.nonce)).size, 1)
    assert.isTrue(said.every(({ message, to }) => to === null && message.seq === 0 && message.interval === 10_000))
    one.hear(welcome("z", 9, said[0]!.message.nonce))
    assert.deepStrictEqual(one.told(), ["follows z in 9", "Joined"])
    one.advance(9_999)
    assert.deepStrictEqual(one.said("CLIENT_JOIN"), [])
    one.advance(1)
    assert.notStrictEqual(one.said("CLIENT_JOIN")[0]?.message.nonce, said[0]!.message.nonce)
  })

  it("names as its interval when it is said next, however seldom that is by then: servers forget by it", () => {
    const said = new One(500).step({ _tag: "Start" }).advance(7_400).said("CLIENT_JOIN")
    const next = said.slice(1).map(({ at }, before) => at - said[before]!.at)
    assert.deepStrictEqual(
      said.slice(0, -1).map(({ message }) => message.interval),
      next.map((gap) => Math.max(500, gap))
    )
  })

  it("repeated: a welcome is told once; stale: one to another question is none", () => {
    const one = new One().step({ _tag: "Start" })
    one.hear(welcome("z", 9, "1234"))
    assert.deepStrictEqual(one.told(), ["follows z in 9"])
    const { nonce } = one.state.join
    one.hear(welcome("z", 9, nonce)).hear(welcome("z", 9, nonce))
    assert.deepStrictEqual(one.told(), ["Joined"])
  })

  it("contradicted: a welcome that names no leader is none", () => {
    const one = new One().step({ _tag: "Start" })
    one.hear(Peer.says("z", { type: "CLIENT_WELCOME", nonce: one.state.join.nonce, members: 3 }))
    assert.strictEqual(one.state.phase, "Joining")
  })

  it("says again that it is there, in its own time, and drops a leader that lets three of these go by", () => {
    const one = joined().advance(9_999)
    assert.deepStrictEqual(one.said("CLIENT_JOIN"), [])
    one.advance(1_400)
    assert.deepStrictEqual(one.said("CLIENT_JOIN").map(({ at }) => at), [10_000, 10_200, 10_600])
    assert.deepStrictEqual(one.told(), [])
    one.advance(1)
    assert.deepStrictEqual(one.told(), ["follows nobody in 9"])
  })

  it("is let in again by the one that leads then, and does not tell it again", () => {
    const one = joined().advance(10_000)
    one.hear(welcome("z", 9, one.state.join.nonce)).forget().advance(9_999)
    assert.deepStrictEqual([one.sent, one.told()], [[], []])
  })

  it("names its newest message, so that others know where it begins", () => {
    const one = joined().send("a", "b").hear(ack("z", 9, 1)).hear(ack("z", 9, 2)).forget().advance(10_000)
    assert.deepStrictEqual(one.said("CLIENT_JOIN").map(({ message }) => message.seq), [2])
  })
})

describe("sending (protocol 3, CLIENT_MESSAGE and CLIENT_ACK)", () => {
  it("numbers messages from 1, sends each to the leader, and is done with its acknowledgement", () => {
    const one = joined().send("a", "b")
    const said = one.said("CLIENT_MESSAGE")
    assert.deepStrictEqual(said.map(({ message: { body, oldest, seq }, to }) => [seq, oldest, body, to?.port]), [
      [1, 1, "a", z.port],
      [2, 1, "b", z.port]
    ])
    one.hear(ack("z", 9, 1))
    assert.deepStrictEqual([one.done, one.told()], [["Acknowledged 1"], ["MessageAcknowledged"]])
    assert.isFalse(ClientStep.isDrained(one.state))
    one.hear(ack("z", 9, 2)).send("c")
    assert.deepStrictEqual(one.said("CLIENT_MESSAGE").map(({ message }) => [message.seq, message.oldest]), [[3, 3]])
  })

  it("puts messages together for a leader that has said itself that it reads that, and for no other", () => {
    const sends = (one: One) => one.said("CLIENT_MESSAGE").map((output) => "batches" in output)
    const one = joined().send("a")
    assert.deepStrictEqual(sends(one), [false])
    const follows = { follows: Peer.reign(9, "z") }
    one.hear(Peer.says(Peer.member("z", { batches: true }), { type: "SERVER_ALIVE", interval: 10_000 }, follows))
    one.hear(Peer.says(Peer.member("a"), { type: "SERVER_ALIVE", interval: 10_000 }, follows))
    assert.deepStrictEqual(sends(one.send("b")), [true])
    one.hear(Peer.says(Peer.member("a", { batches: true }), { type: "COORDINATOR", election: "" }, {
      follows: Peer.reign(10, "y")
    }))
    assert.deepStrictEqual(sends(one), [false, false], "all is given to the new leader")
    one.hear(Peer.alive("y", Peer.reign(10, "y"))).send("c")
    assert.deepStrictEqual(sends(one), [false])
  })

  it("takes messages that share a datagram as if they had come one by one", () => {
    const one = joined().hear(Peer.joins("bob")).hear({ ...Peer.delivers("z", 9, 1, "bob", 1), more: [{ body: 2 }] })
    assert.deepStrictEqual(one.told(), ["bob 1", "2"])
  })

  it("takes what is relayed of it for the acknowledgement, and for an answer of the leader that says it", () => {
    const one = joined().send("a", "b", "c")
    assert.isTrue(one.said("CLIENT_MESSAGE").every(({ message }) => message.echo === true))
    one.advance(10).hear({ ...Peer.delivers("z", 9, 1, "ann", 1), more: [{ body: "b" }] })
    assert.deepStrictEqual([one.done, one.state.leaderAnsweredAt], [["Acknowledged 1", "Acknowledged 2"], 10])
    one.advance(10).hear(Peer.delivers("z", 9, 3, "ann", 3, "y"))
    assert.deepStrictEqual([one.done.length, one.state.leaderAnsweredAt], [3, 10])
    assert.isTrue(ClientStep.isDrained(one.hear(Peer.delivers("z", 9, 4, "bob", 4)).state))
  })

  it("takes what is relayed of it for nothing while it knows of no leader: the acknowledgement names that", () => {
    const one = new One().step({ _tag: "Start" }).send("a").hear(Peer.delivers("z", 9, 1, "ann", 1))
    assert.deepStrictEqual(one.done, [])
    assert.deepStrictEqual(one.hear(ack("z", 9, 1)).done, ["Acknowledged 1"])
    assert.strictEqual(one.state.reign?.leader.id, Peer.id("z"))
  })

  it("asks for acknowledgements before it is let in, and for 2 s after it has missed something", () => {
    const echoes = (one: One) => one.said("CLIENT_MESSAGE").map(({ message }) => message.echo === true)
    assert.deepStrictEqual(echoes(new One().step({ _tag: "Start" }).send("a")), [false])
    const one = joined().hear(Peer.delivers("z", 9, 2, "bob", 2)).send("a")
    assert.deepStrictEqual(echoes(one), [false], "an index is missing")
    one.hear(ack("z", 9, 1)).hear(Peer.delivers("z", 9, 1, "bob", 1)).advance(2_000).forget().send("b")
    assert.deepStrictEqual(echoes(one), [true])
    one.advance(200)
    assert.deepStrictEqual(echoes(one.send("c")), [false, false], "nothing came back")
  })

  it("counts a leader that it had dropped as answering once that has relayed a message of it", () => {
    const one = joined().send("a").advance(3_500)
    one.hear(Peer.says("a", { type: "COORDINATOR", election: "" }, { follows: Peer.reign(9, "z") }))
    assert.lengthOf(one.state.unanswering, 1)
    one.hear(Peer.delivers("z", 9, 1, "ann", 1))
    assert.deepStrictEqual([one.state.unanswering, one.state.flights], [[], []])
  })

  it("is done with all up to the one that is acknowledged, and later acknowledgements of those are none", () => {
    const one = joined().send("a", "b", "c").hear(ack("z", 9, 2))
    assert.deepStrictEqual(one.done, ["Acknowledged 1", "Acknowledged 2"])
    one.hear(ack("z", 9, 1)).hear(ack("z", 9, 2)).hear(ack("z", 9, 3))
    assert.deepStrictEqual(one.done, ["Acknowledged 1", "Acknowledged 2", "Acknowledged 3"])
  })

  it("contradicted: an acknowledgement of a message that was never sent is none", () => {
    const one = joined().send("a", "b").hear(ack("z", 9, 3))
    assert.deepStrictEqual([one.done, one.state.flights.length], [[], 2])
  })

  it("repeated or of another client: an acknowledgement is none", () => {
    const one = joined().send("a").hear(ack("z", 9, 1)).forget()
    one.hear(ack("z", 9, 1)).hear(ack("z", 9, 7)).send("b").hear(ack("z", 9, 2, Peer.sender("bob")))
    assert.deepStrictEqual(one.done, [])
  })

  it("sends again after 200 ms doubling to 2 s, as long as the leader answers otherwise", () => {
    const one = joined().send("a")
    const nonces = new Set<string>()
    for (let at = 0; at < 70; at += 1) {
      one.hear(Peer.alive("z", Peer.reign(9, "z"))).advance(100)
      for (const { message } of one.sent) {
        if (message.type === "CLIENT_JOIN" && !nonces.has(message.nonce)) {
          nonces.add(message.nonce)
          one.hear(welcome("z", 9, message.nonce))
        }
      }
    }
    const said = one.said("CLIENT_MESSAGE")
    assert.deepStrictEqual(said.map(({ at }) => at), [0, 200, 600, 1_400, 3_000, 5_000, 7_000])
    assert.isTrue(said.every(({ to }) => port(to) === z.port))
    assert.strictEqual(nonces.size, 1, "once it has answered, it is asked no more before it is time")
  })

  it("drops a leader that speaks and answers nothing, neither three tries of a message nor three joins", () => {
    const one = joined().send("a")
    for (let at = 0; at < 28; at += 1) one.hear(Peer.alive("z", Peer.reign(9, "z"))).advance(100)
    assert.deepStrictEqual(one.told(), ["follows nobody in 9"])
    assert.deepStrictEqual(one.said("CLIENT_JOIN").map(({ at }) => at), [1_400, 1_600, 2_000, 2_800])
  })

  it("does not hold against the next leader the joins that the one before it let go by", () => {
    const one = joined().send("a")
    for (let at = 0; at < 28; at += 1) one.hear(Peer.alive("z", Peer.reign(9, "z"))).advance(100)
    assert.deepStrictEqual(one.told(), ["follows nobody in 9"])
    one.hear(Peer.says("y", { type: "COORDINATOR", election: "" }, { follows: Peer.reign(10, "y") }))
    one.hear(ack("y", 10, 1)).forget().advance(1_600)
    assert.lengthOf(one.said("CLIENT_JOIN"), 1)
    assert.deepStrictEqual(one.told(), [])
  })

  it("waits twice as long as acknowledgements take of late, where that is longer, so that a busy leader is not asked the more", () => {
    const one = joined()
    let seq = 0
    for (let round = 0; round < 60; round += 1) {
      one.send("a").advance(400)
      one.hear(ack("z", 9, ++seq))
    }
    const early = one.said("CLIENT_MESSAGE")
    assert.deepStrictEqual(early.slice(0, 2).map(({ message }) => message.seq), [1, 1], "at first it asked again")
    assert.deepStrictEqual(early.slice(-2).map(({ message }) => message.seq), [59, 60], "then no more")
    for (let round = 0; round < 60; round += 1) one.send("a").hear(ack("z", 9, ++seq))
    one.forget().send("a").advance(200)
    assert.strictEqual(one.said("CLIENT_MESSAGE").length, 2, "a leader that is quick again is asked again as soon")
  })

  it("drops a leader that lets three tries go by and says nothing else, and then asks the group", () => {
    const one = joined().send("a").advance(1_400)
    const said = one.said("CLIENT_MESSAGE")
    assert.deepStrictEqual(said.map(({ at, to }) => [at, port(to)]), [
      [0, z.port],
      [200, z.port],
      [600, z.port],
      [1_400, null]
    ])
    assert.deepStrictEqual(one.told(), ["follows nobody in 9"])
    one.hear(ack("z", 9, 1))
    assert.deepStrictEqual(one.told(), ["follows z in 9", "MessageAcknowledged"])
  })

  it("with no leader it multicasts from the start", () => {
    const one = new One().step({ _tag: "Start" }).send("a")
    assert.deepStrictEqual(one.said("CLIENT_MESSAGE").map(({ to }) => to), [null])
  })

  it("64 are on their way, from the oldest that is not acknowledged on; 1,024 more wait; one more is not taken", () => {
    const one = joined()
    for (let at = 0; at < 64 + 1_024; at += 1) one.send(at)
    assert.lengthOf(one.state.flights, 64)
    assert.deepStrictEqual(one.done, [])
    one.send("too many")
    assert.deepStrictEqual(one.done, ["QueueFull 1089"])
    one.forget()
    one.hear(ack("z", 9, 3))
    assert.lengthOf(one.said("CLIENT_MESSAGE"), 3)
    one.hear(ack("z", 9, 64))
    assert.lengthOf(one.said("CLIENT_MESSAGE"), 61, "one for each that was acknowledged")
  })

  it("takes back what has not gone out, and nothing else", () => {
    const one = joined()
    for (let at = 1; at <= 66; at += 1) one.send(at)
    one.step({ _tag: "Withdraw", ticket: 65 }).step({ _tag: "Withdraw", ticket: 1 })
    assert.deepStrictEqual(one.state.queue.map(({ ticket }) => ticket), [66])
    assert.lengthOf(one.state.flights, 64)
  })
})

describe("whom a client talks to (protocol 5)", () => {
  it("gives a new leader all that is not acknowledged, at once", () => {
    const one = joined().send("a", "b", "c").hear(ack("z", 9, 1)).forget()
    one.hear(Peer.stepsDown("z", 9, "y")).hear(Peer.coordinator("y", 10))
    assert.deepStrictEqual(one.told(), ["follows nobody in 9", "follows y in 10"])
    assert.deepStrictEqual(
      one.said("CLIENT_MESSAGE").map(({ message, to }) => [message.seq, message.oldest, to?.port]),
      [
        [2, 2, 4025],
        [3, 2, 4025]
      ]
    )
  })

  it("stale: an older reign, or the same again, changes nothing", () => {
    const one = joined()
    one.hear(Peer.coordinator("y", 8)).hear(Peer.coordinator("z", 9)).hear(Peer.alive("a", Peer.reign(8, "b")))
    assert.deepStrictEqual(one.told(), [])
  })

  it("hearsay is enough: it asks whom others name, at the address that they name", () => {
    const one = joined().hear(Peer.alive("a", Peer.reign(10, "y"))).send("x")
    assert.deepStrictEqual(one.told(), ["follows y in 10"])
    assert.deepStrictEqual(one.said("CLIENT_MESSAGE").map(({ to }) => to), [{ ip: "192.0.2.25", port: 4025 }])
  })

  it("it speaks to where the leader was last heard", () => {
    const one = joined().hear(Peer.alive("z", Peer.reign(9, "z")), Peer.elsewhere).send("x")
    assert.deepStrictEqual(one.said("CLIENT_MESSAGE").map(({ to }) => to), [Peer.elsewhere])
  })

  it("a leader that leaves, or names no leader, is dropped at once, and what it said before does not bring it back", () => {
    for (const goodbye of [Peer.leaving("z", { term: 9 }), Peer.stepsDown("z", 9, null)]) {
      const one = joined().hear(goodbye).hear(Peer.alive("z", Peer.reign(9, "z"))).hear(Peer.leaving("z", { term: 9 }))
      assert.deepStrictEqual(one.told(), ["follows nobody in 9"])
      one.hear(Peer.leaving("y", { follows: Peer.reign(11, "y") })).hear(Peer.alive("y"))
      assert.deepStrictEqual(one.told(), [])
      one.hear(Peer.coordinator("y", 10))
      assert.deepStrictEqual(one.told(), ["follows y in 10"])
    }
  })

  it("what a leader said before it led, and comes late, does not drop it", () => {
    const one = joined().hear(Peer.alive("z")).hear(Peer.leaving("y", { term: 9 }))
    assert.deepStrictEqual(one.told(), [])
  })

  it("one that was only silent comes back by its answer; the leader of where the client has come to is followed by its own word", () => {
    const one = joined().send("a").advance(1_400).forget()
    one.hear(Peer.alive("a", Peer.reign(9, "z"))).hear(Peer.alive("a", Peer.reign(7, "b")))
    assert.deepStrictEqual(one.told(), [], "hearsay of what is over is none")
    one.hear(Peer.coordinator("y", 4))
    assert.deepStrictEqual(one.told(), ["follows y in 4"])
    one.hear(Peer.alive("z", Peer.reign(9, "z"))).hear(Peer.coordinator("z", 9))
    assert.deepStrictEqual(one.told(), [], "it has not answered yet")
    one.hear(ack("z", 9, 1))
    assert.deepStrictEqual(one.told(), ["follows z in 9", "MessageAcknowledged"])
  })

  it("a leader that answers is not left for one that only its own word names, but that one is asked to let it in", () => {
    const one = joined().send("a").hear(Peer.coordinator("y", 10)).hear(Peer.alive("y", Peer.reign(10, "y")))
    assert.deepStrictEqual([one.told(), port(one.state.address)], [[], z.port])
    const joins = one.said("CLIENT_JOIN")
    assert.strictEqual(joins.length, 1)
    // Both lead, and both answer.
    const { nonce } = joins[0]!.message
    one.hear(welcome("z", 9, nonce))
    assert.deepStrictEqual(one.told(), [])
    one.hear(welcome("y", 10, nonce))
    assert.deepStrictEqual(one.told(), ["follows y in 10"])
    assert.deepStrictEqual(one.said("CLIENT_MESSAGE").map(({ to }) => port(to)), [4025])
  })

  it("is asked ever more seldom while it does not answer, and each claimant is on its own", () => {
    const one = joined()
    const asked: Array<number> = []
    for (let at = 0; at < 9_900; at += 100) {
      one.hear(Peer.alive("y", Peer.reign(10, "y"))).advance(0)
      for (const { at, message } of one.said("CLIENT_JOIN")) {
        asked.push(at)
        one.hear(welcome("z", 9, message.nonce))
      }
      one.advance(100)
    }
    assert.deepStrictEqual(asked, [0, 200, 600, 1_400, 3_000, 6_200])
    assert.deepStrictEqual(one.told(), [])
    one.forget().hear(Peer.alive("x", Peer.reign(11, "x")))
    assert.strictEqual(one.said("CLIENT_JOIN").length, 1)
  })

  it("who says goodbye, or is not in yet, asks no claimant besides", () => {
    const leaving = joined().step({ _tag: "Leave" }).forget().hear(Peer.coordinator("y", 10))
    const joining = new One().step({ _tag: "Start" }).hear(Peer.coordinator("z", 9)).forget()
    joining.hear(Peer.coordinator("y", 10))
    assert.deepStrictEqual([leaving.said("CLIENT_JOIN"), joining.said("CLIENT_JOIN")], [[], []])
  })

  it("of another term of its own leader, and of one that others name too, no answer is waited for", () => {
    const again = joined().hear(Peer.coordinator("z", 10))
    assert.deepStrictEqual(again.told(), ["follows z in 10"])
    const named = joined().hear(Peer.coordinator("y", 10)).hear(Peer.alive("a", Peer.reign(10, "y")))
    assert.deepStrictEqual(named.told(), ["follows y in 10"])
  })

  it("one that did not answer is not followed by what others say of it either, while another answers", () => {
    const one = joined().send("a").advance(1_400).forget()
    one.hear(Peer.coordinator("y", 4)).hear(Peer.alive("a", Peer.reign(9, "z")))
    assert.deepStrictEqual([one.told(), one.state.address?.port], [["follows y in 4"], 4025])
    // Where nobody else is left, another's notice is enough after a while, and its own is not.
    one.hear(Peer.stepsDown("y", 4, null)).advance(2_000).forget()
    one.hear(Peer.coordinator("z", 9)).hear(Peer.alive("a", Peer.reign(9, "z")))
    assert.deepStrictEqual(one.told(), [])
    one.hear(Peer.says("a", { type: "COORDINATOR", election: "" }, { follows: Peer.reign(9, "z") }))
    assert.deepStrictEqual(one.told(), ["follows z in 9"])
  })

  it("leaders that do not answer are remembered, eight at most", () => {
    const one = joined().send("a")
    for (const name of "abcdefghijk") {
      one.hear(Peer.alive(name, Peer.reign(20, name))).advance(1_400)
    }
    assert.isAtMost(one.state.unanswering.length, 8)
  })

  it("other elections than the group's own are none of its business", () => {
    const one = joined()
    one.hear(Peer.says("y", { type: "COORDINATOR", election: "billing" }, { follows: Peer.reign(20, "y") }))
    assert.deepStrictEqual(one.told(), [])
  })

  it("servers that were heard are counted, 64 at most", () => {
    const one = joined().hear(Peer.alive("a")).hear(Peer.alive("a"))
    assert.strictEqual(HashMap.size(one.state.heard), 2)
    for (let at = 0; at < 100; at += 1) {
      one.hear(Peer.alive(Peer.member("a", { id: at.toString(16).padStart(16, "b") as Member.NodeId })))
    }
    assert.strictEqual(HashMap.size(one.state.heard), 64)
    one.hear(Peer.alive("a"))
    assert.strictEqual(HashMap.size(one.state.heard), 64)
  })
})

describe("receiving (protocol 3, CLIENT_DELIVER and CLIENT_REPAIR)", () => {
  it("begins after the index named in the welcome; all clients' messages, our own included, in order, each once", () => {
    const one = new One().step({ _tag: "Start" })
    one.hear(Peer.joins("bob"), Peer.elsewhere)
    one.hear(Peer.delivers("z", 9, 5, "bob", 5)).hear(Peer.alive("z", Peer.reign(9, "z")))
    one.hear(welcome("z", 9, one.state.join.nonce, 5)).forget()
    one.hear(Peer.joins("cat")).hear(Peer.joins("dan", { seq: 3 }))
    for (const [index, name, seq] of [[5, "bob", 5], [7, "cat", 2], [6, "cat", 1], [6, "cat", 1]] as const) {
      one.hear(Peer.delivers("z", 9, index, name, seq))
    }
    assert.deepStrictEqual(one.told(), ["cat 1", "cat 2"])
  })

  it("asks the leader for what is missing, then the group too; what nobody has is told as lost", () => {
    const one = joined().hear(Peer.delivers("z", 9, 1, "bob", 1)).hear(Peer.delivers("z", 9, 3, "bob", 3))
    one.forget().advance(60)
    assert.deepStrictEqual(one.said("CLIENT_REPAIR").map(({ message, to }) => [message.from, message.to, port(to)]), [
      [2, 2, z.port]
    ])
    one.advance(300)
    assert.include(one.said("CLIENT_REPAIR").map(({ to }) => port(to)), null)
    one.advance(5_000)
    assert.deepStrictEqual(one.told(), ["MessageLost", "MessageLost", "bob 3"])
  })

  it("learns of the last that it missed by the leader's heartbeat, and by its goodbye", () => {
    const alive = Peer.says("z", { type: "SERVER_ALIVE", interval: 10 }, { follows: Peer.reign(9, "z"), delivered: 1 })
    const leaves = Peer.says("z", { type: "SERVER_LEAVING" }, { term: 9, delivered: 1 })
    for (const [message, asks] of [[alive, 1], [leaves, 1], [Peer.alive("y", Peer.reign(8, "z")), 0]] as const) {
      const one = joined().hear(message).advance(60)
      assert.lengthOf(one.said("CLIENT_REPAIR"), asks)
    }
    const one = joined().hear(Peer.says("y", { type: "SERVER_LEAVING" }, { term: 9, delivered: 1 })).advance(60)
    assert.lengthOf(one.said("CLIENT_REPAIR"), 0)
    const other = joined().hear(Peer.says("y", { type: "SERVER_ALIVE", interval: 10 }, { term: 9, delivered: 4 }))
    assert.lengthOf(other.advance(60).said("CLIENT_REPAIR"), 0)
  })

  it("leaves to another's question what it is about to ask for itself", () => {
    const one = joined().hear(Peer.delivers("z", 9, 2, "bob", 2))
    one.hear(Peer.misses({ term: 9, leader: Peer.id("z") }, 1))
    assert.isAbove(ClientStep.dueAt(one.state), 30)
  })

  it("answers the group 20 to 40 ms after its question, and not what another has said meanwhile", () => {
    const one = joined()
    for (const at of [1, 2, 3]) one.hear(Peer.delivers("z", 9, at, "bob", at))
    one.forget().hear(Peer.misses({ term: 9, leader: Peer.id("z") }, 1, 9))
    one.hear(Peer.misses({ term: 9, leader: Peer.id("z") }, 1, 1))
    one.hear(Peer.delivers("z", 9, 2, "bob", 2, "y")).advance(19)
    assert.deepStrictEqual(one.said("CLIENT_DELIVER"), [])
    one.advance(21)
    const said = one.said("CLIENT_DELIVER")
    assert.deepStrictEqual(said.map(({ message, to }) => [message.index, String(message.from.id), to]), [
      [1, me.id, null],
      [3, me.id, null],
      [1, me.id, null]
    ])
    one.hear(Peer.misses({ term: 9, leader: Peer.id("z") }, 7)).advance(50)
    assert.deepStrictEqual(one.said("CLIENT_DELIVER"), [])
  })

  it("a full inbox holds back", () => {
    const one = joined().step({ _tag: "Room", limit: 1 })
    one.hear(Peer.joins("bob"))
    for (const at of [1, 2, 3]) one.hear(Peer.delivers("z", 9, at, "bob", at))
    assert.deepStrictEqual(one.told(), ["bob 1"])
    assert.deepStrictEqual(one.step({ _tag: "Room", limit: 3 }).told(), ["bob 2", "bob 3"])
  })

  it("what clients and servers say to others is nothing to it", () => {
    const one = joined()
    const { state } = one
    one.hear(Peer.sends("bob", 1)).hear({ type: "CLIENT_LEAVE", client: Peer.sender("bob") })
    one.hear({ type: "MEMBERS_ASK", nonce: "1", page: 0 }).hear(Peer.members("a", []))
    assert.deepStrictEqual(one.state, state)
  })
})

describe("leaving (protocol 3, CLIENT_LEAVE)", () => {
  it("is said twice, 20 ms apart; then nothing comes any more", () => {
    const one = joined().send("a").forget().step({ _tag: "Leave" }).step({ _tag: "Leave" })
    one.hear(welcome("z", 9, one.state.join.nonce))
    one.advance(30)
    assert.deepStrictEqual(one.said("CLIENT_LEAVE").map(({ at, to }) => [at, to]), [[0, null], [20, null]])
    assert.deepStrictEqual([one.done, one.told()], [["Farewell"], ["Left"]])
    assert.strictEqual(ClientStep.dueAt(one.state), Infinity)
    one.send("b").hear(Peer.coordinator("y", 99)).advance(60_000)
    assert.deepStrictEqual([one.sent, one.told()], [[], []])
  })
})

const act = Schema.Union([
  Schema.Struct({ do: Schema.Literals(["pass"]), millis: Schema.Literals([1, 30, 200, 2_500, 11_000]) }),
  Schema.Struct({ do: Schema.Literals(["send"]), body: Schema.Json }),
  Schema.Struct({ do: Schema.Literals(["room"]), limit: Schema.Literals([0, 1, 50]) }),
  Schema.Struct({ do: Schema.Literals(["hear", "hear", "hear"]) })
])

describe("after any sequence of inputs", () => {
  it.prop("a client has not thrown; it says messages, tells events of its schema, and its tables are bounded", [
    Arbitrary.array(Arbitrary.all({ act: Arbitrary.schema(act), message: Drawn.message }), { maxLength: 60 })
  ], ([acts]) => {
    const one = joined()
    for (const { act, message } of acts) {
      if (act.do === "pass") one.advance(act.millis)
      else if (act.do === "send") one.send(act.body)
      else if (act.do === "room") one.step({ _tag: "Room", limit: act.limit })
      else one.hear(message)
    }
    for (const { message } of one.sent) {
      if (message.type !== "CLIENT_MESSAGE") assert.isTrue(Schema.is(Message.Message)(message), JSON.stringify(message))
    }
    for (const event of one.events) assert.isTrue(Schema.is(ClientEvent.ClientEvent)(event), JSON.stringify(event))
    assert.isAtMost(one.state.flights.length, Client.window)
  }, { arbitrary: { runs: 150 } })
})

describe("topics and large messages (protocol, Topics; Large messages)", () => {
  const newer = (leader: string) => Peer.member(leader, { batches: true, topics: true })
  const says = (leader: string, term: number, body: Body) =>
    Peer.says(newer(leader), body, { follows: Peer.reign(term, newer(leader)) })
  /** One that `z` let in, which reads topics. */
  const joinedAt = (leader = "z", term = 9): One => {
    const one = new One().step({ _tag: "Start" })
    const { nonce } = one.state.join
    return one.hear(says(leader, term, { type: "CLIENT_WELCOME", nonce, members: 3 })).forget()
  }
  const publish = (one: One, ticket: number, body: Client.Body, topic?: string) =>
    one.step({ _tag: "Send", ticket, body, topic })
  const sent = (one: One) =>
    one.said("CLIENT_MESSAGE").map(({ message: { part, seq, topic } }) => [seq, topic ?? "", part?.at ?? "whole"])
  const large = "x".repeat(1_200)

  it("a message says its topic, and a large one goes in parts that are acknowledged with the last", () => {
    const one = joinedAt()
    publish(one, 1, 1, "orders")
    publish(one, 2, large)
    publish(one, 3, 3)
    assert.deepStrictEqual(sent(one), [[1, "orders", "whole"], [2, "", 0], [3, "", 1], [4, "", 2], [5, "", "whole"]])
    one.hear(says("z", 9, { type: "CLIENT_ACK", client: me.id, seq: 3 }))
    assert.deepStrictEqual([one.done, one.told()], [["Acknowledged 1"], ["MessageAcknowledged"]])
    one.hear(says("z", 9, { type: "CLIENT_ACK", client: me.id, seq: 5 }))
    assert.deepStrictEqual(one.done, ["Acknowledged 1", "Acknowledged 2", "Acknowledged 3"])
  })

  it("the window and the queue count parts, and one message alone may have more than the queue", () => {
    const one = joinedAt()
    publish(one, 1, "x".repeat(600_000))
    assert.deepStrictEqual([one.state.flights.length, one.done], [Client.window, []])
    publish(one, 2, "a")
    assert.deepStrictEqual(one.done, ["QueueFull 2"])
  })

  it("taken back, none of its parts goes out; once one has, all do", () => {
    const one = joinedAt()
    publish(one, 1, "x".repeat(40_000))
    publish(one, 2, large)
    const waiting = one.state.queue.length
    one.step({ _tag: "Withdraw", ticket: 1 })
    assert.lengthOf(one.state.queue, waiting)
    one.step({ _tag: "Withdraw", ticket: 2 })
    assert.isTrue(one.state.queue.every(({ ticket }) => ticket === 1))
  })

  it("while no leader has said that it reads topics, they wait and other messages do not", () => {
    const one = new One().step({ _tag: "Start" })
    publish(one, 1, 1, "orders")
    publish(one, 2, 2)
    assert.deepStrictEqual(sent(one), [[2, "", "whole"]])
    one.advance(1_000).forget()
    one.hear(says("z", 9, { type: "SERVER_ALIVE", interval: 10_000 }))
    assert.deepStrictEqual(sent(one), [[1, "orders", "whole"], [2, "", "whole"]])
  })

  it("told by another of a leader, they wait for that leader's own word", () => {
    const one = new One().step({ _tag: "Start" })
    publish(one, 1, 1, "orders")
    one.hear(Peer.says(newer("a"), { type: "COORDINATOR", election: "" }, { follows: Peer.reign(9, newer("z")) }))
      .forget()
    one.advance(100)
    assert.deepStrictEqual(sent(one), [])
    one.hear(says("z", 9, { type: "SERVER_ALIVE", interval: 10_000 }))
    assert.deepStrictEqual(sent(one), [[1, "orders", "whole"]])
  })

  it("a leader that is too old gets none: each fails and names it, what was queued and what was sent to another", () => {
    const one = joinedAt()
    publish(one, 1, "x".repeat(40_000), "orders")
    publish(one, 2, 2, "orders")
    publish(one, 3, 3)
    one.forget().hear(Peer.says(newer("z"), { type: "COORDINATOR", election: "" }, { follows: Peer.reign(10, "y") }))
    assert.deepStrictEqual(one.done, [])
    one.forget().hear(Peer.coordinator("y", 10))
    assert.deepStrictEqual(one.done, ["Refused 1", "Refused 2"])
    assert.deepStrictEqual(sent(one), [[65, "", "whole"]])
    assert.strictEqual(one.state.flights[0]?.ticket, 3)
  })

  const refusal = (leader: string, term: number, seq: number, client = me, refused?: number) =>
    says(leader, term, {
      type: "CLIENT_REFUSED",
      client: client.id,
      seq,
      ...refused === undefined ? {} : { refused },
      older: ["old"]
    })

  const counted = (one: One) =>
    one.said("CLIENT_MESSAGE").map(({ message: { oldest, refused, seq } }) => [seq, oldest, refused])

  it("CLIENT_REFUSED ends that message with all its parts; those behind it take its numbers, and are sent at once", () => {
    const one = joinedAt()
    publish(one, 1, 0)
    publish(one, 2, large)
    publish(one, 3, 3)
    one.forget().hear(refusal("z", 9, 2))
    assert.deepStrictEqual(one.done, ["Refused 2"])
    assert.deepStrictEqual(counted(one), [[1, 1, 1], [2, 1, 1]])
    publish(one.forget(), 4, 4)
    assert.deepStrictEqual(counted(one), [[3, 1, 1]])
  })

  it("CLIENT_REFUSED of a later part waits for what becomes of those before it, which may be accepted", () => {
    const one = joinedAt()
    publish(one, 1, large)
    one.forget().hear(refusal("z", 9, 2))
    assert.deepStrictEqual(one.done, [])
    one.hear(says("z", 9, { type: "CLIENT_ACK", client: me.id, seq: 1 })).hear(refusal("z", 9, 2))
    assert.deepStrictEqual(one.done, ["Refused 1"])
    publish(one.forget(), 2, 2)
    assert.deepStrictEqual(counted(one), [[2, 2, 1]])
  })

  it("CLIENT_REFUSED of an earlier count is of a message that had that number", () => {
    const one = joinedAt()
    publish(one, 1, 1, "orders")
    publish(one, 2, 2, "orders")
    one.hear(refusal("z", 9, 1)).hear(refusal("z", 9, 1))
    assert.deepStrictEqual(one.done, ["Refused 1"])
    one.hear(refusal("z", 9, 1, me, 1))
    assert.deepStrictEqual(one.done, ["Refused 1", "Refused 2"])
  })

  it("CLIENT_REFUSED of what another leader was given leaves the numbers as they are: that one may have relayed it", () => {
    const one = joinedAt()
    publish(one, 1, 1, "orders")
    publish(one, 2, 2)
    one.hear(says("y", 10, { type: "COORDINATOR", election: "" })).forget().hear(refusal("y", 10, 1))
    assert.deepStrictEqual(one.done, ["Refused 1"])
    assert.deepStrictEqual(counted(one), [[2, 2, 1]])
  })

  it("CLIENT_REFUSED repeated, late, of another client, another leader or a message for all versions means nothing", () => {
    const one = joinedAt()
    publish(one, 1, 1, "orders")
    publish(one, 2, 2)
    one.forget()
    one.hear(refusal("z", 9, 1, Peer.sender("bob"))).hear(refusal("y", 8, 1)).hear(refusal("z", 9, 2))
    assert.deepStrictEqual(one.done, [])
    one.hear(refusal("z", 9, 1)).hear(refusal("z", 9, 1)).hear(refusal("z", 9, 7))
    assert.deepStrictEqual(one.done, ["Refused 1"])
    const leaderless = new One().step({ _tag: "Start" })
    publish(leaderless, 1, 1, "orders")
    const nobody = Peer.says(newer("z"), { type: "CLIENT_REFUSED", client: me.id, seq: 1, older: ["old"] })
    leaderless.hear(nobody)
    assert.deepStrictEqual(leaderless.done, [])
  })

  it("received: parts make one message; a part that is of no use is counted", () => {
    const one = joinedAt()
    one.hear({ ...Peer.joins("bob"), seq: 0 })
    const pieces = Parts.split(large, "orders")
    const relays = (piece: Parts.Piece, at: number) => ({ ...Peer.delivers("z", 9, 1 + at, "bob", 1 + at), ...piece })
    const relayed = pieces.map(relays)
    for (const message of relayed) one.hear(message)
    assert.deepStrictEqual(one.delivered.map(({ body, seq, topic }) => [body, seq, topic]), [[large, 3, "orders"]])
    assert.deepStrictEqual(one.told(), [large])
    one.hear({ ...Peer.delivers("z", 9, 4, "bob", 4), part: { at: 1, of: 2 } })
    assert.deepStrictEqual(one.done, ["Drop"])
  })
})
