/**
 * What members say to each other ("Members that talk").
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Message from "../../src/protocol/model/Message.ts"
import type { DropReason, Output } from "../../src/protocol/model/Output.ts"
import * as Question from "../../src/protocol/model/Question.ts"
import * as Talk from "../../src/protocol/model/Talk.ts"
import * as TalkMessages from "../../src/protocol/model/TalkMessages.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Topic from "../../src/protocol/model/Topic.ts"
import * as Parts from "../../src/protocol/talk/Parts.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, coordinator, id, leaving, member, nameOfId } = Peer

const start = (name: string, incarnation = 1_000): Talk.Start => ({ id: id(name), incarnation })
const m = start("m")

/** A server that hears these members. */
const among = (...names: ReadonlyArray<string>): Server => Server.live({}, names.map((name) => alive(name)))

const repeated = (reason: DropReason) => Array.from({ length: 4 }, () => reason)

/** The same, and it leads. */
const leading = (): Server => among("a").advance(5_000).forget()

const outputs = <Tag extends Output["_tag"]>(server: Server, tag: Tag): ReadonlyArray<Extract<Output, { _tag: Tag }>> =>
  server.outputs.filter((output): output is Extract<Output, { _tag: Tag }> => output._tag === tag)

const heard = (server: Server) =>
  outputs(server, "Hear").map(({ body, by, from, topic }) => `${from.name} ${by} ${topic}: ${JSON.stringify(body)}`)

const talk = (from: string, seq: number, change: Partial<Message.Of<"TALK">> = {}): Message.Of<"TALK"> => ({
  type: "TALK",
  from: start(from),
  seq,
  topic: "orders",
  body: `${from} ${seq}`,
  ...change
})

const question = (
  from: string,
  seq: number,
  change: Partial<Message.Of<"QUESTION">> = {}
): Message.Of<"QUESTION"> => ({
  type: "QUESTION",
  from: start(from),
  to: m,
  seq,
  oldest: 1,
  question: "load",
  text: "1",
  ...change
})

const answer = (from: string, seq: number, change: Partial<Message.Of<"ANSWER">> = {}): Message.Of<"ANSWER"> => ({
  type: "ANSWER",
  from: start(from),
  to: m,
  seq,
  outcome: "Done",
  text: "2",
  ...change
})

const partsAsk = (
  from: string,
  seq: number,
  what: "question" | "answer",
  missing: ReadonlyArray<number>,
  change: Partial<Message.Of<"PARTS_ASK">> = {}
): Message.Of<"PARTS_ASK"> => ({ type: "PARTS_ASK", from: start(from), to: m, seq, what, missing, ...change })

/** Asks, within a second unless said otherwise. */
const ask = (server: Server, number: number, to: string, { text = "1", within = 1_000 } = {}) =>
  server.step({
    _tag: "Question",
    number,
    to: to === "leader" ? "leader" : id(to),
    question: "load",
    text,
    within
  })

/** What became of the questions of the app. */
const answered = (server: Server) =>
  outputs(server, "Answered").map(({ by, number, outcome, text }) =>
    `${number} by ${by === null ? "nobody" : nameOfId(by)}: ${outcome} ${text.length > 20 ? text.length : text}`
  )

const handles = (server: Server) =>
  outputs(server, "Handle").map(({ from, question, seq, text }) =>
    `${question} ${seq} of ${from.name}: ${text.length > 20 ? text.length : text}`
  )

const handled = (server: Server, from: string, seq: number, text = "2") =>
  server.step({ _tag: "Handled", from: start(from), seq, outcome: "Done", text })

/** A text that takes so many parts. */
const long = (parts: number) => "x".repeat(parts * TalkMessages.maxPartBytes)

describe("what is said on a topic (protocol, members that talk)", () => {
  it("to all is one multicast, numbered, and heard here too", () => {
    const server = among("a")
    for (const body of ["one", "two"]) server.step({ _tag: "Say", to: null, topic: "orders", body })
    assert.deepStrictEqual(heard(server), [`m broadcast orders: "one"`, `m broadcast orders: "two"`])
    const sent = server.said("TALK")
    assert.deepStrictEqual(sent.map(({ message: { from, seq, to: member }, to }) => ({ to, from, seq, member })), [
      { to: null, from: m, seq: 1, member: undefined },
      { to: null, from: m, seq: 2, member: undefined }
    ])
  })

  it("to all goes to each by unicast where there is no multicast", () => {
    const server = Server.live({ timing: { multicast: false } }, [alive("a"), alive("b")])
    server.step({ _tag: "Say", to: null, topic: "orders", body: 1 })
    assert.sameMembers([...server.says()], ["TALK to a", "TALK to b"])
  })

  it("to one goes there alone; to this server nowhere; to one that is gone nowhere", () => {
    const server = among("a", "b")
    for (const name of ["a", "m", "c"]) server.step({ _tag: "Say", to: id(name), topic: "orders", body: name })
    assert.deepStrictEqual(server.says(), ["TALK to a"])
    assert.deepStrictEqual(heard(server), [`m sendTo orders: "m"`])
  })

  it("is heard once, in any order and by any number of ways", () => {
    const server = among("a", "b")
    for (const seq of [2, 1, 2, 1, 3]) {
      server.hear(talk("a", seq), "multicast")
      server.hear(talk("b", seq), "unicast")
    }
    assert.deepStrictEqual(heard(server).filter((line) => line.startsWith("a")), [
      `a broadcast orders: "a 2"`,
      `a broadcast orders: "a 1"`,
      `a broadcast orders: "a 3"`
    ])
    assert.strictEqual(heard(server).length, 6)
    assert.deepStrictEqual(server.drops(), repeated("TalkRepeated"))
    // What is too old to tell is taken for a repeat.
    server.hear(talk("a", 5_000)).concat(server.hear(talk("a", 3_000)))
    assert.deepStrictEqual(server.drops(), ["TalkRepeated"])
  })

  it("is taken from members alone, and of their present start; our own comes back for nothing", () => {
    const server = among("a")
    server.hear(talk("c", 1))
    server.hear(talk("a", 1, { from: start("a", 999) }))
    server.hear(talk("a", 1, { from: start("a", 1_001) }))
    server.hear(talk("m", 1))
    server.hear(talk("a", 1, { to: id("b") }))
    assert.deepStrictEqual(server.drops(), ["NoMember", "NoMember", "NoMember", "Own", "Stale"])
    assert.deepStrictEqual(heard(server), [])
    server.hear(talk("a", 1, { to: id("m") }))
    assert.deepStrictEqual(heard(server), [`a sendTo orders: "a 1"`])
  })

  it("is no sign of life, and brings nobody into the view", () => {
    const server = among("a")
    const before = server.knows("a")
    server.advance(500).hear(talk("a", 1))
    assert.deepStrictEqual([server.knows("a"), server.members], [before, ["a"]])
  })

  it("is remembered until the one that said it is long gone, and a new start begins anew", () => {
    const server = among("a")
    server.hear(talk("a", 1))
    server.hear(leaving("a"))
    server.hear(talk("a", 2))
    assert.deepStrictEqual(server.drops(), ["NoMember"])
    server.step({ _tag: "Sweep" })
    assert.isTrue(HashMap.has(server.state.talk.peers, id("a")))
    const younger = member("a", { incarnation: 1_001 })
    server.hear(alive(younger))
    server.hear(talk("a", 1, { from: start("a", 1_001) }))
    assert.strictEqual(heard(server).length, 2)
    server.hear(leaving(younger))
    server.advance(Timing.tombstoneFor(server.state.timing) + 1)
    server.step({ _tag: "Sweep" }).concat(server.step({ _tag: "Sweep" }))
    assert.isFalse(HashMap.has(server.state.talk.peers, id("a")))
  })

  it("of the largest body and the longest names fits a datagram", () => {
    const longest: Message.Message = {
      type: "TALK",
      from: { id: id("a"), incarnation: Number.MAX_SAFE_INTEGER },
      seq: Number.MAX_SAFE_INTEGER,
      to: id("b"),
      topic: "\\".repeat(32),
      body: "x".repeat(TalkMessages.maxBodyBytes - 2)
    }
    assert.isTrue(Result.isSuccess(Frame.encode(longest, Frame.groupTag("g"))))
  })
})

describe("topics and questions", () => {
  it("have names of 1 to 32 bytes that look like no other, and schemas that write JSON", () => {
    const price = Topic.make("größe", Schema.Struct({ at: Schema.Date }))
    const written = Schema.encodeSync(price.body)({ at: new Date(0) })
    assert.deepStrictEqual(written, { at: "1970-01-01T00:00:00.000Z" })
    for (const name of ["", "x".repeat(33), "é".repeat(17), " a", "a\u200b"]) {
      assert.throws(() => Topic.make(name, Schema.Int), /is no name of a topic; allowed: 1 to 32 bytes of text/)
      const of = () => Question.make(name, { request: Schema.Int, response: Schema.Int })
      assert.throws(of, /is no name of a question; allowed: 1 to 32 bytes of text/)
    }
    const sum = Question.make("sum", { request: Schema.Int, response: Schema.Int })
    assert.isTrue(Result.isFailure(Schema.decodeResult(sum.error)(1)))
    const other = Question.make("sum", { request: Schema.Int, response: Schema.Int, error: Schema.String })
    assert.isTrue(Result.isSuccess(Schema.decodeResult(other.error)("why")))
    // Read from the network, a name is looked at as well.
    assert.isTrue(Result.isFailure(Message.decode({ ...talk("a", 1), topic: "" })))
    assert.isTrue(Result.isFailure(Message.decode(question("a", 1, { text: "x".repeat(801) }))))
  })
})

describe("texts in parts (protocol, members that talk)", () => {
  it("are put together as they were, with any content, and each part fits a datagram", () => {
    for (
      const text of [
        "",
        "1",
        "x".repeat(133),
        "x".repeat(134),
        long(3),
        "\"\\".repeat(2_000),
        "\u0001\ud800é€😀".repeat(400),
        "😀".repeat(1_000)
      ]
    ) {
      const parts = Parts.cut(text)
      assert.strictEqual(parts.join(""), text)
      assert.isAtMost(parts.length, Parts.atMost(Parts.bytes(text)))
      let collected = Parts.nothing(parts.length)
      for (const part of parts.keys()) {
        const message: Message.Message = {
          type: "QUESTION",
          from: { id: id("a"), incarnation: Number.MAX_SAFE_INTEGER },
          to: { id: id("b"), incarnation: Number.MAX_SAFE_INTEGER },
          seq: Number.MAX_SAFE_INTEGER,
          oldest: Number.MAX_SAFE_INTEGER,
          question: "\\".repeat(32),
          lead: true,
          again: true,
          ...Parts.fields(parts, part)
        }
        const frame = Result.getOrThrow(Frame.encode(message, Frame.groupTag("g")))
        assert.deepStrictEqual(Frame.decode(frame, Frame.groupTag("g")), Result.succeed(message))
        collected = Parts.add(collected, part, parts.length, parts[part]!)
      }
      assert.strictEqual(Parts.whole(collected), text)
    }
  })

  it("are not changed by a part that is there already, or that the text does not have", () => {
    const one = Parts.add(Parts.nothing(3), 1, 3, "b")
    for (const [part, of] of [[1, 3], [3, 3], [0, 2]] as const) assert.strictEqual(Parts.add(one, part, of, "?"), one)
    assert.deepStrictEqual([Parts.whole(one), Parts.missing(one)], [null, [0, 2]])
  })

  it("are at most so many as a message may name, of the largest setting", () => {
    assert.isAtMost(Parts.atMost(1_048_576), TalkMessages.maxParts)
  })
})

describe("a question of this server's own (protocol, members that talk)", () => {
  it("is said again after 50, 100, 200 ms and so on until its time is over, then nobody waits for it", () => {
    const server = among("a")
    ask(server, 1, "a", { within: 4_000 })
    const first = server.said("QUESTION").map(({ message }) => message)
    assert.deepStrictEqual(first, [{ ...question("m", 1), to: start("a") }])
    const at: Array<number> = []
    const began = server.now
    while (server.now < began + 3_999) {
      server.advance(1)
      for (const { message: { again } } of server.said("QUESTION")) at.push(again === true ? server.now - began : -1)
    }
    assert.deepStrictEqual(at, [50, 150, 350, 750, 1_550, 2_550, 3_550])
    assert.deepStrictEqual(answered(server), [])
    server.advance(2)
    assert.deepStrictEqual(answered(server), ["1 by a: Silent null"])
    server.hear(answer("a", 1))
    assert.deepStrictEqual(server.drops(), ["LateAnswer"])
    assert.isFalse(server.advance(5_000).says().includes("QUESTION to a"))
  })

  it("is over with its answer, of the start that was asked, to the start that asked", () => {
    const server = among("a", "b")
    ask(server, 1, "a")
    server.hear(answer("b", 1))
    server.hear(answer("a", 1, { from: start("a", 999) }))
    server.hear(answer("a", 1, { to: start("m", 999) }))
    server.hear(answer("a", 2))
    assert.deepStrictEqual([answered(server), server.drops()], [[], repeated("LateAnswer")])
    server.hear(answer("a", 1))
    server.hear(answer("a", 1))
    assert.deepStrictEqual([answered(server), server.drops()], [["1 by a: Done 2"], ["LateAnswer"]])
  })

  it("names the oldest that is not over of those to the same member", () => {
    const server = among("a", "b")
    for (const [number, to] of [[1, "a"], [2, "b"], [3, "a"], [4, "b"]] as const) ask(server, number, to)
    const oldest = () => server.said("QUESTION").map(({ message: { oldest, seq } }) => `${seq} from ${oldest}`)
    assert.deepStrictEqual(oldest(), ["1 from 1", "2 from 2", "3 from 1", "4 from 2"])
    server.hear(answer("a", 1))
    server.step({ _tag: "GiveUp", number: 2 })
    ask(server, 5, "a")
    ask(server, 6, "b")
    assert.deepStrictEqual(oldest(), ["5 from 3", "6 from 4"])
  })

  it("is said again when it is due itself, and not when another is", () => {
    const server = among("a", "b")
    ask(server, 1, "a")
    server.advance(25)
    ask(server, 2, "b")
    server.forget().advance(26)
    assert.deepStrictEqual(server.says(), ["QUESTION to a"])
  })

  it("that is given up is said no more, and its answer is late", () => {
    const server = among("a")
    ask(server, 1, "a")
    server.forget().step({ _tag: "GiveUp", number: 1 })
    assert.isFalse(server.advance(1_000).says().includes("QUESTION to a"))
    server.hear(answer("a", 1))
    assert.deepStrictEqual([answered(server), server.drops()], [[], ["LateAnswer"]])
  })

  it("to a member that is gone is not said, and ends when the member goes or starts anew", () => {
    const server = among("a", "b")
    ask(server, 1, "c")
    assert.deepStrictEqual(answered(server), ["1 by nobody: Gone null"])
    ask(server, 2, "a")
    ask(server, 3, "b")
    server.hear(leaving("a"))
    server.hear(alive(member("b", { incarnation: 1_001 })))
    server.advance(50)
    assert.deepStrictEqual(answered(server).slice(1), ["2 by a: Gone null", "3 by b: Gone null"])
  })

  it("ends without an answer when this server has left", () => {
    const server = among("a")
    ask(server, 1, "a", { within: 60_000 })
    server.step({ _tag: "Leave" })
    server.step({ _tag: "WorkEnded", election: "" })
    server.advance(1_000)
    assert.deepStrictEqual(answered(server), ["1 by a: Closed null"])
  })

  it("one too many is not said", () => {
    const server = among("a")
    for (let number = 1; number <= Talk.limits.asks + 1; number++) ask(server, number, "a")
    assert.deepStrictEqual(answered(server), [
      `${Talk.limits.asks + 1} by nobody: BusyHere null`.replace("nobody", "a")
    ])
  })

  it("to the leader waits for one, then asks that very one", () => {
    const server = Server.live({ timing: { minimumMembers: 9 } }, [alive("a"), alive("z")])
    ask(server, 1, "leader")
    server.advance(120)
    assert.deepStrictEqual(server.said("QUESTION"), [])
    server.hear(coordinator("z", server.now + 1_000_000))
    server.advance(50)
    const [said] = server.said("QUESTION")
    assert.deepStrictEqual([said?.message.to, said?.message.lead], [start("z"), true])
    server.hear(answer("z", 1, { outcome: "NotLeading" }))
    assert.deepStrictEqual(answered(server), ["1 by z: NotLeading 2"])
    // Nobody has led for all of its time.
    const vacant = Server.live({ timing: { minimumMembers: 9 } }, [alive("a")])
    ask(vacant, 1, "leader", { within: 70 })
    vacant.hear(answer("a", 1))
    vacant.advance(100)
    assert.deepStrictEqual([answered(vacant), vacant.drops()], [["1 by nobody: Silent null"], ["LateAnswer"]])
  })

  it("to this server is handled here, and nothing is sent; as the leader only while it leads", () => {
    const server = leading()
    ask(server, 1, "m")
    assert.deepStrictEqual([server.said("QUESTION"), handles(server)], [[], ["load 1 of m: 1"]])
    ask(server, 2, "leader", { text: long(2) })
    assert.strictEqual(server.leads, true)
    assert.deepStrictEqual(handles(server)[1], `load 2 of m: ${2 * TalkMessages.maxPartBytes}`)
    handled(server, "m", 1)
    // Its time was over.
    server.advance(1_001)
    handled(server, "m", 2)
    assert.deepStrictEqual(answered(server), ["1 by m: Done 2", "2 by m: Silent null"])
    assert.strictEqual(server.state.talk.handling, 0)
    const busy = among("a")
    for (let number = 1; number <= Talk.limits.handling + 1; number++) ask(busy, number, "m")
    assert.deepStrictEqual(answered(busy), [`${Talk.limits.handling + 1} by m: Busy null`])
  })

  it("in parts: the first ones are sent at once, then those that are asked for", () => {
    const server = among("a")
    const { partsAtOnce } = TalkMessages
    ask(server, 1, "a", { text: long(partsAtOnce + 2), within: 10_000 })
    const parts = () => server.said("QUESTION").map(({ message: { of, part = 0 } }) => `${part} of ${of}`)
    const of = partsAtOnce + 2
    assert.deepStrictEqual(parts(), Array.from({ length: partsAtOnce }, (_, part) => `${part} of ${of}`))
    server.hear(partsAsk("a", 1, "question", [3, of - 1, of]))
    assert.deepStrictEqual(parts(), [`3 of ${of}`, `${of - 1} of ${of}`])
    // Of another, of an earlier start, of a question that there is not, of one that is no member.
    server.hear(partsAsk("c", 1, "question", [0]))
    server.hear(partsAsk("a", 1, "question", [0], { from: start("a", 999) }))
    server.hear(partsAsk("a", 2, "question", [0]))
    server.hear(partsAsk("a", 1, "question", [0], { to: start("m", 999) }))
    assert.deepStrictEqual([parts(), server.drops()], [[], repeated("LateAnswer")])
    // Said again it is the first part, by which the other sees what it misses.
    server.advance(50)
    assert.deepStrictEqual(parts(), [`0 of ${of}`])
  })

  it("in parts is answered in parts, and what is missing is asked for", () => {
    const server = among("a")
    const { partsAtOnce } = TalkMessages
    const of = partsAtOnce + 3
    ask(server, 1, "a", { within: 10_000 })
    server.forget()
    const missing = () => server.said("PARTS_ASK").map(({ message: { missing, what } }) => `${what} ${missing.join()}`)
    for (let part = 0; part < partsAtOnce; part++) if (part !== 2) server.hear(answer("a", 1, { part, of, text: "x" }))
    assert.deepStrictEqual(missing(), [`answer 2,${of - 3},${of - 2},${of - 1}`])
    server.hear(answer("a", 1, { part: of - 3, of, text: "y" }))
    assert.deepStrictEqual(missing(), [])
    server.advance(50)
    assert.deepStrictEqual(missing(), [`answer 2,${of - 2},${of - 1}`])
    for (const part of [of - 2, of - 1]) server.hear(answer("a", 1, { part, of, text: "z" }))
    assert.deepStrictEqual(missing(), ["answer 2"])
    server.hear(answer("a", 1, { part: 2, of, text: "2" }))
    assert.deepStrictEqual(answered(server), [`1 by a: Done ${of}`])
  })

  it("whose answer would be too large ends, and parts of one that is gone are asked for no more", () => {
    const server = among("a")
    for (const number of [1, 2]) ask(server, number, "a", { within: 10_000 })
    server.forget().hear(answer("a", 1, { of: Parts.atMost(65_536) + 1 }))
    assert.deepStrictEqual(answered(server), ["1 by a: AnswerTooLarge null"])
    server.hear(leaving("a"))
    server.forget().hear(answer("a", 2, { part: 2, of: 3, text: "x" }))
    assert.deepStrictEqual(server.said("PARTS_ASK"), [])
  })
})

describe("a question of another (protocol, members that talk)", () => {
  const answers = (server: Server) =>
    server.said("ANSWER").map(({ message: { outcome, seq, text }, to }) =>
      `${seq} to ${Peer.nameOf(to!)}: ${outcome} ${text}`
    )

  it("is handled once, and its answer said again as often as it is asked for", () => {
    const server = among("a")
    server.hear(question("a", 1))
    server.hear(question("a", 1))
    server.hear(question("a", 1, { again: true }))
    assert.deepStrictEqual([handles(server), answers(server)], [["load 1 of a: 1"], []])
    handled(server, "a", 1)
    assert.deepStrictEqual(answers(server), ["1 to a: Done 2"])
    // A copy of the first is no sign that the answer was lost.
    server.hear(question("a", 1))
    assert.deepStrictEqual(answers(server), [])
    server.hear(question("a", 1, { again: true }))
    assert.deepStrictEqual([answers(server), handles(server).length], [["1 to a: Done 2"], 1])
  })

  it("is taken from members alone, and by the start that it is to", () => {
    const server = among("a")
    server.hear(question("c", 1))
    server.hear(question("a", 1, { to: start("m", 999) }))
    server.hear(question("m", 1))
    server.hear(partsAsk("c", 1, "answer", [0]))
    assert.deepStrictEqual([handles(server), server.drops()], [[], ["NoMember", "Stale", "Own", "NoMember"]])
  })

  it("that its asker waits for no more is forgotten, and never handled again", () => {
    const server = among("a")
    for (const seq of [1, 2]) {
      server.hear(question("a", seq))
      handled(server, "a", seq)
    }
    server.hear(question("a", 4, { oldest: 3 }))
    for (const seq of [1, 2]) server.hear(question("a", seq, { again: true }))
    assert.deepStrictEqual(server.drops(), ["TalkRepeated", "TalkRepeated"])
    assert.strictEqual(handles(server).length, 3)
    assert.deepStrictEqual(server.state.talk.kept, [])
    // One that is handled meanwhile ends for nothing.
    server.hear(question("a", 5, { oldest: 5 }))
    server.forget()
    handled(server, "a", 4)
    assert.deepStrictEqual([answers(server), server.state.talk.handling], [[], 1])
  })

  it("of a start that is gone, or has gone meanwhile, is answered to nobody", () => {
    const server = among("a", "b")
    server.hear(question("a", 1))
    server.hear(question("b", 1))
    server.hear(leaving("a"))
    handled(server, "a", 1)
    server.hear(alive(member("b", { incarnation: 1_001 })))
    server.hear(question("b", 1, { from: start("b", 1_001) }))
    server.forget()
    handled(server, "b", 1)
    handled(server, "z", 1)
    assert.deepStrictEqual(answers(server), [])
  })

  it("to the leader is answered by one that leads alone, and stays refused", () => {
    const server = Server.live({ timing: { minimumMembers: 9 } }, [alive("a")])
    server.hear(question("a", 1, { lead: true }))
    assert.deepStrictEqual([handles(server), answers(server)], [[], ["1 to a: NotLeading null"]])
    const leader = leading()
    leader.hear(question("a", 1, { lead: true }))
    assert.deepStrictEqual(handles(leader), ["load 1 of a: 1"])
    leader.step({ _tag: "Resign" })
    leader.hear(question("a", 2, { lead: true }))
    assert.deepStrictEqual(answers(leader), ["2 to a: NotLeading null"])
    leader.hear(question("a", 2, { lead: true, again: true }))
    assert.deepStrictEqual(answers(leader), ["2 to a: NotLeading null"])
  })

  it("above as many as are handled at once is refused, and there is room again when one has ended", () => {
    const server = among("a")
    const { handling } = Talk.limits
    for (let seq = 1; seq <= handling + 1; seq++) server.hear(question("a", seq))
    assert.deepStrictEqual(answers(server), [`${handling + 1} to a: Busy null`])
    handled(server, "a", 1)
    server.forget().hear(question("a", handling + 2))
    assert.deepStrictEqual(handles(server), [`load ${handling + 2} of a: 1`])
  })

  it("above as many as are remembered of one asker is dropped, and may come again", () => {
    const server = among("a", "b")
    const { remembered } = Talk.limits
    for (let seq = 1; seq <= remembered; seq++) {
      server.hear(question("a", seq))
      handled(server, "a", seq)
    }
    server.forget().hear(question("a", remembered + 1))
    server.hear(question("b", 1))
    assert.deepStrictEqual([handles(server), server.drops()], [["load 1 of b: 1"], ["TalkFull"]])
    server.hear(question("a", remembered + 1, { oldest: 2, again: true }))
    assert.strictEqual(handles(server).length, 2)
  })

  it("is not handled again where its answer had to make room for others", () => {
    const names = Array.from("abcdefgh")
    const server = Server.live({ timing: { maxMessageBytes: 512 } }, names.map((name) => alive(name)))
    for (let seq = 1; seq <= 2; seq++) {
      for (const name of names) {
        server.hear(question(name, seq))
        handled(server, name, seq, "x".repeat(600))
      }
    }
    server.forget().hear(question("a", 1, { again: true }))
    assert.deepStrictEqual([handles(server), answers(server), server.drops()], [[], [], ["TalkFull"]])
    server.hear(partsAsk("a", 1, "answer", [0]))
    server.hear(partsAsk("a", 9, "answer", [0]))
    assert.deepStrictEqual(server.drops(), ["LateAnswer", "LateAnswer"])
    // Nor does room that is made for the answers to a new start touch those of the former.
    server.hear(alive(member("b", { incarnation: 1_001 })))
    for (let seq = 1; seq <= 12; seq++) {
      server.hear(question("b", seq, { from: start("b", 1_001) }))
      server.step({ _tag: "Handled", from: start("b", 1_001), seq, outcome: "Done", text: "x".repeat(600) })
    }
    server.forget().hear(question("b", 1, { from: start("b", 1_001), again: true }))
    assert.strictEqual(answers(server).length, 1)
  })

  it("in parts is handled when all are there; what is missing is asked for", () => {
    const server = among("a")
    const { partsAtOnce } = TalkMessages
    const of = partsAtOnce + 2
    const part = (part: number, again?: true) =>
      server.hear(question("a", 1, { part, of, text: "x", ...again === undefined ? {} : { again } }))
    const missing = () => server.said("PARTS_ASK").map(({ message: { missing } }) => missing)
    for (let at = 1; at < partsAtOnce - 1; at++) part(at)
    assert.deepStrictEqual(missing(), [])
    // The last one of the first was lost: it is asked again.
    part(0, true)
    assert.deepStrictEqual(missing(), [[partsAtOnce - 1, of - 2, of - 1]])
    part(0, true)
    assert.deepStrictEqual(missing(), [[partsAtOnce - 1, of - 2, of - 1]])
    for (const at of [partsAtOnce - 1, of - 2, of - 2]) part(at)
    assert.deepStrictEqual(handles(server), [])
    part(of - 1)
    assert.deepStrictEqual(handles(server), [`load 1 of a: ${of}`])
  })

  it("is answered in parts where the answer is large: the first ones, then those that are asked for", () => {
    const server = among("a")
    const { partsAtOnce } = TalkMessages
    server.hear(question("a", 1))
    handled(server, "a", 1, long(partsAtOnce + 1))
    assert.lengthOf(answers(server), partsAtOnce)
    server.hear(partsAsk("a", 1, "answer", [1, partsAtOnce, partsAtOnce + 1]))
    assert.lengthOf(answers(server), 2)
  })

  it("above the largest message is refused, and of those in parts only so many are put together", () => {
    const server = among("a", "b", "c", "d", "e")
    server.hear(question("a", 1, { of: Parts.atMost(65_536) + 1 }))
    assert.deepStrictEqual(answers(server), ["1 to a: QuestionTooLarge null"])
    const { ofAll, ofOne } = Talk.limits.collecting
    for (let seq = 2; seq <= ofOne + 2; seq++) server.hear(question("a", seq, { of: 2 }))
    assert.deepStrictEqual(server.drops(), ["TalkFull"])
    for (const name of ["b", "c", "d"]) {
      for (let seq = 1; seq <= ofOne; seq++) server.hear(question(name, seq, { of: 2 }))
    }
    assert.strictEqual(4 * ofOne, ofAll)
    server.hear(question("e", 1, { of: 2 }))
    assert.deepStrictEqual(server.drops(), ["TalkFull"])
    // What does not become whole makes room after a while, and may come again.
    server.advance(Talk.collectingFor / 2)
    server.hear(question("b", 1, { of: 2 }))
    server.advance(Talk.collectingFor / 2)
    server.step({ _tag: "Sweep" })
    server.forget().hear(question("e", 1, { of: 2 }))
    server.hear(question("e", 1, { part: 1, of: 2 }))
    assert.deepStrictEqual([handles(server), server.drops()], [["load 1 of e: 11"], []])
    server.hear(question("b", 1, { part: 1, of: 2 }))
    assert.lengthOf(handles(server), 2)
  })
})
