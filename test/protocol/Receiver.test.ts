/**
 * The receiver that servers and clients share (protocol 5, messages from clients): each client's messages in the order of
 * `seq`, each once, regardless of the reign that carried them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as HashMap from "effect/HashMap"
import * as Schema from "effect/Schema"
import * as ClientOrder from "../../src/protocol/delivery/ClientOrder.ts"
import * as InTurn from "../../src/protocol/delivery/InTurn.ts"
import * as Kept from "../../src/protocol/delivery/Kept.ts"
import type * as Parts from "../../src/protocol/delivery/Parts.ts"
import * as Receiver from "../../src/protocol/delivery/Receiver.ts"
import * as Repair from "../../src/protocol/delivery/Repair.ts"
import * as Tracks from "../../src/protocol/delivery/Tracks.ts"
import * as Client from "../../src/protocol/model/Client.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "./harness/Peer.ts"

interface Asked {
  readonly at: number
  readonly whom: "leader" | "group"
  readonly missed: Message.Missed
  readonly from: number
  readonly to: number
}

class Host implements Receiver.Host {
  receiver = Receiver.empty
  now = 0
  hasLeader = true
  maxSources = 2_048
  readonly random = () => 0.5
  readonly delivered: Array<string> = []
  readonly losses: Array<Event.Lost> = []
  readonly asked: Array<Asked> = []
  /** Answers what is asked. */
  answers: (asked: Asked) => ReadonlyArray<Receiver.Delivered> = () => []

  maxMessage = 65_536
  lostParts = 0

  dropPart(): void {
    this.lostParts += 1
  }

  deliver(message: Parts.Whole): void {
    this.delivered.push(Peer.words(message.body))
  }

  lose(lost: Event.Lost): void {
    this.losses.push(lost)
  }

  ask(whom: "leader" | "group", missed: Message.Missed, from: number, to: number): void {
    this.asked.push({ at: this.now, whom, missed, from, to })
  }

  hear(...messages: ReadonlyArray<Receiver.Delivered>): this {
    for (const message of messages) ClientOrder.receive(this, message, false)
    return this
  }

  /** Lets time pass: what is due is asked for, and answered 1 ms later. */
  advance(millis: number): this {
    const until = this.now + millis
    for (let due = Repair.dueAt(this.receiver); due <= until; due = Repair.dueAt(this.receiver)) {
      this.now = Math.max(this.now, due)
      const before = this.asked.length
      Repair.repair(this)
      for (const asked of this.asked.slice(before)) this.hear(...this.answers(asked))
    }
    this.now = until
    return this
  }

  takes(): ReadonlyArray<string> {
    return this.delivered.splice(0)
  }
}

/** One that was there before the first message of term 1, and of the clients that are named. */
const host = (...clients: ReadonlyArray<string>): Host => {
  const host = new Host()
  Tracks.named(host, 1, Peer.id("z"), 0)
  for (const client of clients) ClientOrder.introduce(host, Peer.sender(client).id)
  return host
}

const says = (index: number, client: string, seq: number, term = 1, leader = "z") =>
  Peer.delivers(leader, term, index, client, seq)

const ids = { ann: Peer.sender("ann").id, bob: Peer.sender("bob").id }

describe("messages in turn (protocol 5, messages from clients)", () => {
  it("are delivered as they come, each client's by itself", () => {
    const one = host("ann", "bob").hear(says(1, "ann", 1), says(2, "bob", 1), says(3, "ann", 2))
    assert.deepStrictEqual(one.takes(), ["ann 1", "bob 1", "ann 2"])
    assert.strictEqual(Repair.dueAt(one.receiver), Infinity)
  })

  it("repeated: are delivered once, by index and by `seq`, in the same reign and in another", () => {
    const one = host("ann").hear(
      says(1, "ann", 1),
      says(1, "ann", 1),
      says(1, "ann", 1, 2, "y"),
      says(2, "ann", 1, 2, "y")
    )
    assert.deepStrictEqual(one.takes(), ["ann 1"])
    assert.isFalse(ClientOrder.receive(one, says(1, "ann", 1), false))
  })

  it("reordered: wait for their turn, and nothing is asked for that comes in time", () => {
    const one = host("ann").hear(says(3, "ann", 3), says(2, "ann", 2))
    assert.deepStrictEqual(one.takes(), [])
    one.hear(says(1, "ann", 1))
    assert.deepStrictEqual(one.takes(), ["ann 1", "ann 2", "ann 3"])
    one.advance(5_000)
    assert.deepStrictEqual(one.asked, [])
  })

  it("stale: one of a former reign counts as long as nobody has delivered it", () => {
    const one = host("ann").hear(says(1, "ann", 2, 2, "y"))
    assert.deepStrictEqual(one.takes(), [])
    one.hear(says(1, "ann", 1))
    assert.deepStrictEqual(one.takes(), ["ann 1", "ann 2"])
  })

  it("stale: one from before this receiver's time does not", () => {
    const one = new Host()
    Tracks.named(one, 5, Peer.id("z"), 7)
    one.hear(says(3, "ann", 3, 4), says(7, "ann", 4, 5))
    assert.deepStrictEqual(one.takes(), [])
    Tracks.named(one, 4, Peer.id("z"), 9)
    one.hear(says(8, "ann", 5, 5))
    assert.deepStrictEqual(one.takes(), ["ann 5"])
    assert.strictEqual(Receiver.newestOf(one.receiver, 5, Peer.id("z")), 8)
    assert.strictEqual(Receiver.newestOf(one.receiver, 4, Peer.id("z")), 0)
  })

  it("contradicted: of two that claim one number of a client the first is right; two that claim one index both count", () => {
    const one = host("ann", "bob").hear(says(1, "ann", 1), says(1, "bob", 1), { ...says(2, "ann", 1), body: "another" })
    assert.deepStrictEqual(one.takes(), ["ann 1", "bob 1"])
    one.hear(says(1, "cat", 1), says(5, "ann", 3), says(5, "ann", 3))
    assert.deepStrictEqual(one.takes(), [], "of who is not known by its `seq` yet, the index decides")
  })

  it("late: one whose index was given up counts as long as its turn has not passed", () => {
    const one = host("ann")
    Tracks.named(one, 1, Peer.id("z"), 5_000)
    assert.deepStrictEqual(one.hear(says(1, "ann", 1)).takes(), ["ann 1"])
  })

  it("ahead of their turn: 64 of a client are held, and the others found among those kept", () => {
    const one = host("ann")
    for (let seq = 300; seq > 1; seq -= 1) one.hear(says(seq, "ann", seq))
    assert.lengthOf(HashMap.getUnsafe(one.receiver.sources, ids.ann).held, Client.window)
    one.hear(says(1, "ann", 1))
    assert.deepStrictEqual(one.takes(), Array.from({ length: 300 }, (_, at) => `ann ${at + 1}`))
    assert.isFalse(HashMap.getUnsafe(one.receiver.sources, ids.ann).spilled)
  })
})

describe("what was neither held nor kept long enough (protocol 5)", () => {
  it("is asked for, up to the highest that was seen", () => {
    const one = host("ann", "bob")
    for (let seq = 2; seq <= 70; seq += 1) one.hear(says(seq, "ann", seq))
    for (let seq = 1; seq <= Kept.most; seq += 1) one.hear(says(70 + seq, "bob", seq))
    assert.lengthOf(one.takes(), Kept.most)
    one.hear(says(1, "ann", 1))
    assert.lengthOf(one.takes(), 65)
    one.advance(70)
    assert.deepStrictEqual(one.asked, [{ at: 40, whom: "leader", missed: { client: ids.ann }, from: 66, to: 70 }])
  })
})

describe("where a receiver begins (protocol 5)", () => {
  it("a newcomer begins after the index named, and with a client's first message that nothing missing can precede", () => {
    const one = new Host()
    assert.isFalse(ClientOrder.receive(one, says(1, "ann", 1), false), "nothing before it has begun")
    Tracks.named(one, 1, Peer.id("z"), 10)
    one.hear(says(13, "ann", 9), says(12, "ann", 8))
    assert.deepStrictEqual(one.takes(), [], "11 may be another of hers")
    one.hear(says(11, "bob", 4))
    assert.deepStrictEqual(one.takes().toSorted(), ["ann 8", "ann 9", "bob 4"])
  })

  it("or with the first message of the reign it follows", () => {
    const one = new Host()
    assert.isTrue(ClientOrder.receive(one, says(4, "ann", 2), true))
    assert.deepStrictEqual(one.takes(), ["ann 2"])
  })

  it("a client whose join was heard before its first message begins with 1, also in a reign after that was lost", () => {
    const one = host("ann").hear(says(1, "ann", 2, 2, "y"))
    assert.deepStrictEqual(one.takes(), [])
    one.advance(100)
    assert.deepStrictEqual(one.asked[0]?.missed, { client: ids.ann })
  })

  it("a join after the first message changes nothing", () => {
    const one = host().hear(says(1, "ann", 1))
    ClientOrder.introduce(one, ids.ann)
    assert.deepStrictEqual(one.hear(says(2, "ann", 2)).takes(), ["ann 1", "ann 2"])
  })

  it("a join that overtakes the repair of the first message places it", () => {
    const one = host().hear(says(2, "ann", 2))
    ClientOrder.introduce(one, ids.ann)
    assert.deepStrictEqual(one.hear(says(1, "ann", 1)).takes(), ["ann 1", "ann 2"])
  })

  it("in later reigns it is there from index 1", () => {
    const one = host("ann")
    Tracks.named(one, 2, Peer.id("y"), 2)
    one.advance(100)
    assert.deepStrictEqual(one.asked.map(({ from, to }) => [from, to])[0], [1, 2])
  })
})

describe("what is missing (protocol 5, repair)", () => {
  it("is asked of the leader after 20-60 ms, then with backoff, every second time of the group", () => {
    const one = host("ann").hear(says(1, "ann", 1))
    Tracks.named(one, 1, Peer.id("z"), 3)
    one.advance(1_000)
    const [first, second] = one.asked
    assert.deepStrictEqual(first, { at: 40, whom: "leader", missed: { term: 1, leader: Peer.id("z") }, from: 2, to: 3 })
    assert.isTrue(second!.at > 40 && second!.at <= 110)
    assert.deepStrictEqual(one.asked.slice(0, 6).map(({ whom }) => whom), [
      "leader",
      "leader",
      "group",
      "leader",
      "group",
      "leader"
    ])
    const gaps = one.asked.slice(1).map(({ at }, index) => at - one.asked[index]!.at)
    assert.isTrue(gaps.every((gap) => gap >= 50 * 0.75 && gap <= 150 * 1.25))
  })

  it("is asked for when its own time has come, not when that of an earlier one has", () => {
    const one = host("ann").hear(says(1, "ann", 1), says(3, "ann", 3))
    one.advance(30).hear(says(5, "ann", 5)).advance(15)
    assert.deepStrictEqual(one.asked.map(({ at, from, to }) => [at, from, to]), [[40, 2, 2]])
    one.advance(25)
    assert.deepStrictEqual(one.asked.map(({ at, from, to }) => [at, from, to])[1], [70, 4, 4])
  })

  it("is asked of the group where there is no other leader", () => {
    const one = host("ann")
    one.hasLeader = false
    Tracks.named(one, 1, Peer.id("z"), 1)
    one.advance(500)
    assert.isTrue(one.asked.length > 2 && one.asked.every(({ whom }) => whom === "group"))
  })

  it("is asked for no more once it has come, in part or whole", () => {
    const one = host("ann")
    Tracks.named(one, 1, Peer.id("z"), 5)
    one.hear(says(3, "ann", 3))
    one.advance(45)
    assert.deepStrictEqual(one.asked.map(({ from, to }) => [from, to]), [[1, 2], [4, 5]])
    one.hear(says(1, "ann", 1), says(2, "ann", 2), says(5, "ann", 5), says(4, "ann", 4))
    assert.strictEqual(Repair.dueAt(one.receiver), Infinity)
    assert.lengthOf(one.takes(), 5)
  })

  it("is given up after 2 s, told once, and what waited for it is delivered", () => {
    const one = host("ann").hear(says(1, "ann", 1), says(3, "ann", 3))
    one.advance(1_900)
    assert.deepStrictEqual(one.losses, [])
    one.advance(3_000)
    assert.deepStrictEqual(one.losses, [
      { client: null, term: 1, from: 2, to: 2 },
      { client: ids.ann, term: null, from: 2, to: 2 }
    ])
    assert.deepStrictEqual(one.takes(), ["ann 1", "ann 3"])
    assert.isFalse(
      one.hear(says(2, "ann", 2)).takes().length > 0,
      "and what comes after that, too late, is no more in turn"
    )
  })

  it("of a client's is asked for by `seq` where no index tells, after what an index tells", () => {
    const one = host("ann").hear(says(1, "ann", 1))
    one.hear(says(2, "ann", 4, 2, "y"))
    one.answers = ({ missed, from }) =>
      "client" in missed ? [says(from, "ann", from)] : missed.term === 2 ? [says(1, "bob", 1, 2, "y")] : []
    one.advance(1_000)
    const kinds = one.asked.map(({ missed }) => Object.keys(missed)[0])
    assert.isTrue(kinds.includes("client") && kinds[0] === "term")
    assert.deepStrictEqual(one.takes(), ["ann 1", "bob 1", "ann 2", "ann 3", "ann 4"])
  })

  it("places a client first heard of in the middle once it is given up", () => {
    const one = new Host()
    Tracks.named(one, 1, Peer.id("z"), 10)
    one.hear(says(12, "ann", 8))
    one.advance(3_000)
    assert.deepStrictEqual(one.takes(), ["ann 8"])
    assert.deepStrictEqual(one.losses, [{ client: null, term: 1, from: 11, to: 11 }])
  })

  it("of more than 1,024 indexes back is lost at once, as one", () => {
    const one = host("ann")
    Tracks.named(one, 1, Peer.id("z"), 5_000)
    assert.deepStrictEqual(one.losses, [{ client: null, term: 1, from: 1, to: 3_976 }])
    one.hear(says(6_500, "ann", 1))
    assert.deepStrictEqual(one.losses.slice(1), [
      { client: null, term: 1, from: 3_977, to: 5_000 },
      { client: null, term: 1, from: 5_001, to: 5_476 }
    ])
  })

  it("in too many pieces: the oldest is given up", () => {
    const one = host("ann")
    for (let index = 2; index <= 2 * 257; index += 2) one.hear(says(index, "ann", index))
    assert.deepStrictEqual(one.losses, [{ client: null, term: 1, from: 1, to: 1 }])
    assert.lengthOf(one.receiver.tracks[0]!.missing, 256)
  })

  it("is not asked for by who hears another ask the group for the same", () => {
    const one = host("ann").hear(says(1, "ann", 1, 2, "y"), says(1, "ann", 4))
    Tracks.named(one, 1, Peer.id("z"), 3)
    const due = Repair.dueAt(one.receiver)
    one.now = 30
    Repair.overhear(one, { term: 1, leader: Peer.id("z") }, 1, 9)
    Repair.overhear(one, { client: ids.ann }, 2, 3)
    assert.isAbove(Repair.dueAt(one.receiver), due)
    const later = Repair.dueAt(one.receiver)
    for (const missed of [{ term: 9, leader: Peer.id("z") }, { term: 1, leader: Peer.id("y") }, { client: ids.bob }]) {
      Repair.overhear(one, missed, 1, 9)
    }
    Repair.overhear(one, { term: 1, leader: Peer.id("z") }, 3, 9)
    Repair.overhear(one, { client: ids.ann }, 3, 9)
    Repair.overhear(one, { client: ids.ann }, 1, 1)
    assert.strictEqual(Repair.dueAt(one.receiver), later)
    one.hear(says(7, "ann", 2), says(8, "ann", 3))
    Repair.overhear(one, { client: ids.ann }, 1, 9)
    assert.deepStrictEqual(one.takes(), ["ann 1", "ann 2", "ann 3", "ann 4"])
  })

  it("is found among those kept, in order, at most 64 at once", () => {
    const one = host("ann")
    for (let seq = 100; seq > 0; seq -= 1) one.hear(says(seq, "ann", seq))
    const seqs = (found: ReadonlyArray<Receiver.Delivered>) => found.map(({ seq }) => seq)
    assert.deepStrictEqual(seqs(Kept.find(one.receiver.kept, { client: ids.ann }, 3, 5)), [3, 4, 5])
    assert.deepStrictEqual(seqs(Kept.find(one.receiver.kept, { term: 1, leader: Peer.id("z") }, 99, 200)), [99, 100])
    assert.lengthOf(Kept.find(one.receiver.kept, { client: ids.ann }, 1, 100), 64)
    for (const missed of [{ client: ids.bob }, { term: 1, leader: Peer.id("y") }, { term: 2, leader: Peer.id("z") }]) {
      assert.deepStrictEqual(Kept.find(one.receiver.kept, missed, 1, 100), [])
    }
  })

  it("is said again by one only", () => {
    const answers = [says(1, "ann", 1), says(1, "ann", 1, 2), says(1, "ann", 1, 1, "y"), says(2, "ann", 2)]
    assert.deepStrictEqual(Kept.withoutAnswered(answers, says(1, "ann", 1)), answers.slice(1))
  })
})

describe("reigns (protocol 5)", () => {
  it("four are followed at once: with a fifth the oldest is given up, and an older one is not taken up again", () => {
    const one = host("ann")
    Tracks.named(one, 1, Peer.id("z"), 2)
    for (const term of [5, 3, 4]) Tracks.named(one, term, Peer.id("z"), 0)
    assert.deepStrictEqual(one.receiver.tracks.map(({ term }) => term), [5, 4, 3, 1])
    Tracks.named(one, 2, Peer.id("z"), 0)
    assert.deepStrictEqual(one.receiver.tracks.map(({ term }) => term), [5, 4, 3, 2])
    assert.deepStrictEqual(one.losses, [{ client: null, term: 1, from: 1, to: 2 }])
    Tracks.named(one, 1, Peer.id("z"), 9)
    one.hear(says(1, "ann", 1))
    assert.deepStrictEqual(one.receiver.tracks.map(({ term }) => term), [5, 4, 3, 2])
    assert.deepStrictEqual(one.takes(), ["ann 1"], "by its `seq` it still counts")
    one.hear(says(1, "bob", 7))
    assert.deepStrictEqual(one.takes(), ["bob 7"], "and what comes of a reign not followed waits for nothing")
  })

  it("of one term, of two leaders that did not know of each other, are told apart", () => {
    const one = host("ann", "bob").hear(says(1, "ann", 1), says(1, "bob", 1, 1, "y"))
    assert.deepStrictEqual(one.takes(), ["ann 1", "bob 1"])
    Tracks.named(one, 1, Peer.id("y"), 1)
    assert.strictEqual(Repair.dueAt(one.receiver), Infinity)
  })
})

describe("room (a full inbox holds back)", () => {
  it("no more than allowed is delivered, and the rest when there is room again", () => {
    const one = host("ann", "bob")
    ClientOrder.allow(one, 2)
    one.hear(says(1, "ann", 1), says(2, "bob", 1), says(3, "ann", 2), says(4, "bob", 2), says(5, "ann", 3))
    assert.deepStrictEqual(one.takes(), ["ann 1", "bob 1"])
    assert.isTrue(one.receiver.isBlocked)
    one.advance(10_000)
    assert.deepStrictEqual([one.asked, one.losses], [[], []], "what waits for room is not missing")
    ClientOrder.allow(one, 3)
    assert.lengthOf(one.takes(), 1)
    ClientOrder.allow(one, Infinity)
    assert.lengthOf(one.takes(), 2)
    assert.isFalse(one.receiver.isBlocked)
    assert.strictEqual(one.receiver.delivered, 5)
  })

  it("what is kept and no longer held waits for room too", () => {
    const one = host("ann", "bob")
    ClientOrder.introduce(one, Peer.sender("cat").id)
    ClientOrder.allow(one, 0)
    for (let seq = 1; seq <= 100; seq += 1) one.hear(says(seq, "ann", seq))
    one.hear(says(102, "bob", 2))
    one.advance(30)
    ClientOrder.allow(one, Infinity)
    assert.deepStrictEqual(one.takes(), Array.from({ length: 100 }, (_, at) => `ann ${at + 1}`))
  })
})

describe("the table of clients is bounded", () => {
  it("at its limit: the eighth not heard for the longest is forgotten, also where something of its is being asked for", () => {
    const one = host()
    one.maxSources = 40
    const id = (at: number) => Client.ClientId.make(at.toString(16).padStart(16, "0"))
    const from = (at: number, seq: number, index: number): Receiver.Delivered => ({
      ...says(index, "ann", seq),
      client: { id: id(at), name: "x" }
    })
    one.hear(from(0, 1, 1), from(0, 3, 2))
    assert.deepStrictEqual(one.receiver.asking, [id(0)])
    for (let at = 1; at < one.maxSources; at += 1) {
      one.now += 1
      one.hear(from(at, 1, at + 2))
    }
    assert.strictEqual(HashMap.size(one.receiver.sources), one.maxSources)
    one.hear(from(9_999, 1, 900))
    assert.strictEqual(HashMap.size(one.receiver.sources), 36)
    for (let at = 0; at < 40; at += 1) assert.strictEqual(HashMap.has(one.receiver.sources, id(at)), at >= 5)
    assert.deepStrictEqual(one.receiver.asking, [])
  })
})

// --- The twin ---

interface Sent {
  readonly client: "ann" | "bob"
  readonly seq: number
}

/** All that was ever received; in turn is what has everything before it. */
class Twin {
  readonly #received = new Set<string>()
  readonly #next = { ann: 1, bob: 1 }
  readonly delivered: Array<string> = []

  hear({ client, seq }: Sent): void {
    this.#received.add(`${client} ${seq}`)
    while (this.#received.has(`${client} ${this.#next[client]}`)) {
      this.delivered.push(`${client} ${this.#next[client]}`)
      this.#next[client] += 1
    }
  }
}

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const history = Arbitrary.all({
  /** Who sends in which order; the index of a message is its place. In how many reigns. */
  sent: Arbitrary.array(Arbitrary.schema(Schema.Literals(["ann", "bob"])), { minLength: 1, maxLength: 150 }),
  reigns: Arbitrary.schema(Schema.Literals([1, 1, 2, 3])),
  /** How the order of arrival differs, what comes twice, and what does not come at all. */
  late: Arbitrary.array(Arbitrary.schema(small(160)), { minLength: 150, maxLength: 150 }),
  twice: Arbitrary.array(Arbitrary.schema(small(149)), { maxLength: 30 }),
  missing: Arbitrary.array(Arbitrary.schema(small(149)), { maxLength: 20 }),
  gone: Arbitrary.array(Arbitrary.schema(small(149)), { maxLength: 5 })
})
type History = typeof history extends Arbitrary.Arbitrary<infer A> ? A : never

/** The messages as their leaders handed them on, in the order of time. */
const relayed = ({ reigns, sent }: History): ReadonlyArray<Receiver.Delivered & { readonly sent: Sent }> => {
  const seqs = { ann: 0, bob: 0 }
  const length = Math.ceil(sent.length / reigns)
  return sent.map((client, at) => {
    seqs[client] += 1
    const seq = seqs[client]
    const message = says(at % length + 1, client, seq, Math.floor(at / length) + 1)
    return { ...message, sent: { client, seq } }
  })
}

const arrivals = (drawn: History) => {
  const all = relayed(drawn)
  const order = all.map((message, at) => ({ message, at: at + drawn.late[at]! }))
  for (const at of drawn.twice) if (at < all.length) order.push({ message: all[at]!, at: at + 40 })
  return order.sort((a, b) => a.at - b.at).map(({ message }) => message)
}

/** Those that follow each other by their indexes, up to so many, as they would share datagrams. */
const datagrams = (all: ReadonlyArray<Receiver.Delivered>, sizes: ReadonlyArray<number>) => {
  const some: Array<Array<Receiver.Delivered>> = []
  for (const message of all) {
    const [last = []] = some.slice(-1)
    const before = last.at(-1)
    const follows = before?.term === message.term && before.index + 1 === message.index
    if (follows && last.length <= sizes[some.length % sizes.length]! % 9) last.push(message)
    else some.push([message])
  }
  return some
}

describe("messages that come in one datagram (protocol, Several messages in one datagram)", () => {
  it.prop("leave a receiver as if they had come one by one, also where there is not room for all", [
    history,
    small(200)
  ], ([drawn, room]) => {
    const [one, other] = [host("ann"), host("ann")]
    for (const some of datagrams(arrivals(drawn), drawn.late)) {
      for (const host of [one, other]) ClientOrder.allow(host, room)
      one.hear(...some)
      InTurn.receive(other, some, false)
      assert.deepStrictEqual([other.receiver, other.delivered, other.losses], [one.receiver, one.delivered, one.losses])
    }
  }, { arbitrary: { runs: 200 } })

  it("begin a receiver with the first of them", () => {
    const [one, other] = [new Host(), new Host()]
    const some = [says(4, "ann", 2), says(5, "ann", 3), says(6, "bob", 9)]
    InTurn.receive(one, some, false)
    assert.deepStrictEqual(one.receiver, Receiver.empty)
    InTurn.receive(one, some, true)
    for (const message of some) ClientOrder.receive(other, message, true)
    assert.deepStrictEqual([one.receiver, one.takes()], [other.receiver, ["ann 2", "ann 3", "bob 9"]])
  })
})

describe("the receiver and its naive twin", () => {
  it.prop("deliver the same at every step, however what is sent arrives, if all arrives", [history], ([drawn]) => {
    const one = host("ann", "bob")
    const twin = new Twin()
    for (const message of arrivals(drawn)) {
      one.hear(message)
      twin.hear(message.sent)
      assert.deepStrictEqual(one.delivered, twin.delivered)
    }
    assert.lengthOf(one.delivered, drawn.sent.length)
  }, { arbitrary: { runs: 200 } })

  it.prop(
    "deliver the same in the end where some is lost and those who are asked have it; what nobody has is told, and skipped",
    [history],
    ([drawn]) => {
      const one = host("ann", "bob")
      const all = relayed(drawn)
      const isGone = (at: number) => drawn.gone.includes(at)
      const isMissing = (at: number) => drawn.missing.includes(at) || isGone(at)
      const there = all.filter((_, at) => !isGone(at))
      const library = new Host()
      Tracks.named(library, 1, Peer.id("z"), 0)
      library.hear(...there)
      one.answers = ({ from, missed, to }) => Kept.find(library.receiver.kept, missed, from, to)
      const missing = new Set(all.filter((_, at) => isMissing(at)))
      for (const message of arrivals(drawn)) {
        one.now += 1
        if (![...missing].some(({ index, term }) => message.index === index && message.term === term)) one.hear(message)
      }
      const length = Math.ceil(drawn.sent.length / drawn.reigns)
      for (let term = 1; term <= drawn.reigns; term += 1) {
        const newest = Math.min(length, drawn.sent.length - (term - 1) * length)
        if (newest > 0) Tracks.named(one, term, Peer.id("z"), newest)
      }
      one.advance(60_000)
      const byClient = (bodies: ReadonlyArray<string>, client: string) =>
        bodies.filter((body) => body.startsWith(client))
      for (const client of ["ann", "bob"] as const) {
        const wanted = there.filter((message) => message.sent.client === client).map(({ body }) => Peer.words(body))
        assert.deepStrictEqual(byClient(one.delivered, client), wanted)
      }
      const lostIndexes = one.losses.filter(({ client }) => client === null)
        .flatMap(({ from, term, to }) => Array.from({ length: to - from + 1 }, (_, at) => `${term} ${from + at}`))
      const gone = all.filter((_, at) => isGone(at)).map(({ index, term }) => `${term} ${index}`)
      assert.sameMembers(lostIndexes, gone)
      assert.strictEqual(Repair.dueAt(one.receiver), Infinity, "nothing is asked for any more")
    },
    { arbitrary: { runs: 150 } }
  )

  it.prop("never deliver more than there is room for, and all when there is", [history, small(40)], ([drawn, room]) => {
    const one = host("ann", "bob")
    ClientOrder.allow(one, room)
    for (const message of arrivals(drawn)) one.hear(message)
    assert.isAtMost(one.delivered.length, room)
    for (let limit = room; limit < drawn.sent.length; limit += 7) {
      ClientOrder.allow(one, limit)
      assert.isAtMost(one.delivered.length, limit)
    }
    ClientOrder.allow(one, Infinity)
    const twin = new Twin()
    for (const message of arrivals(drawn)) twin.hear(message.sent)
    assert.sameMembers(one.delivered, twin.delivered)
  }, { arbitrary: { runs: 100 } })
})

/** Parts of messages in place of whole ones: three make one of ann's, two one of bob's. */
const inParts = { ann: 3, bob: 2 } as const

const asPart = (message: Receiver.Delivered & { readonly sent: Sent }): Receiver.Delivered => {
  const { sent: { client, seq }, ...rest } = message
  const of = inParts[client]
  const at = (seq - 1) % of
  const json = JSON.stringify(`${client} ${seq - at}`)
  const body = at === of - 1 ? json.slice(at) : json[at]!
  return { ...rest, ...client === "bob" ? { topic: "orders" } : {}, part: { at, of }, body }
}

describe("messages in parts and their naive twin (protocol, Large messages)", () => {
  it.prop("come whole, each client's in order, each once, however their parts arrive, and with any room", [
    history,
    small(40)
  ], ([drawn, room]) => {
    const [one, other] = [host("ann", "bob"), host("ann", "bob")]
    const parts = arrivals(drawn).map((message) => asPart(message))
    for (const receiver of [one, other]) ClientOrder.allow(receiver, room)
    one.hear(...parts)
    for (const some of datagrams(parts, drawn.late)) InTurn.receive(other, some, false)
    for (const receiver of [one, other]) {
      // One that is begun may take as many as it has parts.
      assert.isBelow(receiver.receiver.delivered, room + 3)
      ClientOrder.allow(receiver, Infinity)
      assert.strictEqual(receiver.lostParts, 0)
      for (const client of ["ann", "bob"] as const) {
        const count = Math.floor(drawn.sent.filter((sender) => sender === client).length / inParts[client])
        assert.deepStrictEqual(
          receiver.delivered.filter((body) => body.startsWith(client)),
          Array.from({ length: count }, (_, at) => `${client} ${1 + at * inParts[client]}`)
        )
      }
    }
  }, { arbitrary: { runs: 150 } })
})
