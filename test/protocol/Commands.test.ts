/**
 * What an operator commands over the network: done once and answered each time, by whom may command; and nobody is evicted that
 * answers (protocol, Commands).
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, id, reign } = Peer

const by = { user: "ann", host: "desk" }
const desk = { ip: "192.0.2.150", port: 6_000 }

type Command = Message.Of<"COMMAND">

const command = (what: string, change: Partial<Command> = {}): Command => ({
  type: "COMMAND",
  nonce: "1",
  to: { id: id("m"), incarnation: 1_000 },
  what,
  election: "",
  by,
  ...change
})

const evict = (name: string, change: Partial<Command> = {}) =>
  command("Evict", { member: { id: id(name), incarnation: 1_000 }, ...change })

const commanded = (server: Server, message: Command, mayCommand = true) =>
  server.step({ _tag: "Received", message, from: desk, via: "unicast", mayCommand })

/** What was answered since the last time: the nonce and the outcome of each. */
const answers = (server: Server) =>
  server.said("COMMAND_DONE").map(({ message, to }) => {
    assert.deepStrictEqual([to, message.from], [desk, { id: id("m"), incarnation: 1_000 }])
    return `${message.nonce} ${message.outcome}`
  })

const leading = (options: Options = {}) => {
  const server = Server.live(options, [alive("a"), alive("b")]).advance(3_000).forget()
  assert.isTrue(server.leads)
  return server
}

const following = () => Server.live({}, [alive("a"), alive("z", reign(50, "z"))])

describe("a command", () => {
  it("to resign is done, told with who asked, and answered", () => {
    const server = leading()
    commanded(server, command("Resign"))
    assert.deepStrictEqual(answers(server), ["1 Done"])
    assert.deepInclude(server.tells()[0], {
      event: "Commanded",
      command: "Resign",
      election: "",
      by: "ann@desk",
      from: "192.0.2.150:6000",
      outcome: "Done"
    })
    server.advance(10)
    assert.isFalse(server.leads)
  })

  it("that comes again is answered again and not done again; a later one of another nonce is", () => {
    const server = leading({ work: "by hand" })
    commanded(server, command("Resign"))
    commanded(server, command("Resign"))
    assert.deepStrictEqual(answers(server), ["1 Done", "1 Done"])
    assert.strictEqual(server.told().filter((name) => name === "Commanded").length, 1)
    commanded(server, command("Resign", { nonce: "2" }))
    assert.deepStrictEqual(answers(server), ["2 NotLeading"])
    commanded(server, command("Transfer", { nonce: "2", member: { id: id("a"), incarnation: 1_000 } }))
    assert.deepStrictEqual(answers(server), ["2 NotLeading"])
  })

  it("to step down keeps it from leading for that long", () => {
    const server = leading()
    commanded(server, command("StepDown", { for: 60_000 }))
    assert.deepStrictEqual(answers(server), ["1 Done"])
    server.advance(30_000)
    assert.isFalse(server.leads)
  })

  it("to hand the lead over names the member that is to lead", () => {
    const server = leading()
    commanded(server, command("Transfer", { member: { id: id("a"), incarnation: 1_000 } }))
    assert.deepStrictEqual(answers(server), ["1 Done"])
    server.forget().advance(100)
    const said = server.said("STEPPING_DOWN").map(({ message }) => [message.cause, message.successor])
    assert.deepStrictEqual(said.at(-1) ?? ["Transferred", id("a")], ["Transferred", id("a")])
  })

  it("to hand the lead to itself is done already", () => {
    const server = leading()
    commanded(server, command("Transfer", { member: { id: id("m"), incarnation: 1_000 } }))
    assert.deepStrictEqual(answers(server), ["1 Done"])
    assert.isTrue(server.advance(1_000).leads)
  })

  const refused: ReadonlyArray<readonly [string, Command, string]> = [
    ["to resign where it follows", command("Resign"), "NotLeading"],
    ["to resign in an election that it takes no part in", command("Resign", { election: "x" }), "NoElection"],
    ["to step down in such a one", command("StepDown", { election: "x", for: 5 }), "NoElection"],
    ["to step down for no time", command("StepDown"), "Unknown"],
    ["to hand over what it has not", command("Transfer", { member: { id: id("a"), incarnation: 1 } }), "NotLeading"],
    ["to hand over in such a one", command("Transfer", { election: "x" }), "NoElection"],
    ["to hand over to nobody", command("Transfer"), "Unknown"],
    ["to evict nobody", command("Evict"), "Unknown"],
    ["to evict who is no member", evict("y"), "NoSuchMember"],
    ["to evict another start", evict("a", { member: { id: id("a"), incarnation: 7 } }), "NoSuchMember"],
    ["to evict itself", evict("m"), "Alive"],
    ["of a later version", command("Dance"), "Unknown"]
  ]
  it.each(refused)("%s is refused with why, and nothing is changed", (_, message, outcome) => {
    const server = following()
    const { commands: _commands, lookedAt: _lookedAt, ...before } = server.state
    commanded(server, message)
    assert.deepStrictEqual(answers(server), [`1 ${outcome}`])
    const { commands, lookedAt: _again, ...after } = server.state
    assert.strictEqual(commands.length, 1)
    assert.deepStrictEqual(after.election, before.election)
    assert.deepStrictEqual(after.members, before.members)
    assert.deepInclude(server.tells()[0], { event: "Commanded", outcome })
  })

  it("of who may not command is refused, counted and told to nobody else; its nonce is free for one who may", () => {
    const server = leading()
    commanded(server, command("Resign"), false)
    assert.deepStrictEqual([answers(server), server.drops(), server.told()], [["1 NotAllowed"], ["CommandRefused"], []])
    commanded(server, command("Resign"))
    assert.deepStrictEqual(answers(server), ["1 Done"])
  })

  it("for another server that was here, or for another start, is passed over", () => {
    const server = leading()
    commanded(server, command("Resign", { to: { id: id("m"), incarnation: 999 } }))
    commanded(server, command("Resign", { to: { id: id("a"), incarnation: 1_000 } }))
    assert.deepStrictEqual([server.says(), server.told()], [[], []])
  })

  it("that comes while it leaves is refused", () => {
    const server = leading({ work: "by hand" })
    server.step({ _tag: "Leave" })
    commanded(server.forget(), command("Resign"))
    assert.deepStrictEqual(answers(server), ["1 Leaving"])
  })

  it("is remembered with the 32 newest", () => {
    const server = following()
    for (let n = 1; n <= 100; n++) commanded(server, command("Resign", { nonce: n.toString(16) }))
    assert.strictEqual(server.state.commands.length, 32)
  })

  it("says nothing to a server that hears an answer to one of another's", () => {
    const server = leading()
    server.hear({ type: "COMMAND_DONE", nonce: "1", from: { id: id("a"), incarnation: 1_000 }, outcome: "Done" })
    assert.deepStrictEqual([server.says(), server.told()], [[], []])
  })
})

describe("a member that is to be evicted", () => {
  it("is asked five times, and removed with who said that it is dead; the others are told", () => {
    const server = leading()
    const { probeTimeout } = server.state.timing
    commanded(server, evict("a"))
    commanded(server, evict("a"))
    server.advance(4 * probeTimeout)
    assert.deepStrictEqual(server.says().filter((what) => what !== "SERVER_ALIVE"), Array(5).fill("SERVER_PROBE to a"))
    assert.include(server.members, "a")
    server.advance(probeTimeout)
    assert.notInclude(server.members, "a")
    const told = server.tells().find((event) => event.event === "MemberRemoved")
    assert.deepInclude(told, { reason: { _tag: "Evicted", by: "ann@desk" } })
    const said = server.sent.splice(0).map(({ message, to }) => [message.type, to])
    assert.deepInclude(said, ["COMMAND_DONE", desk])
    assert.deepInclude(said, ["EVICTED", null])
    commanded(server, evict("a"))
    assert.deepStrictEqual(answers(server), ["1 Done"])
  })

  it("stays if it says anything", () => {
    const server = leading()
    commanded(server, evict("a"))
    server.advance(10).hear(Peer.response("a", "7"), "unicast")
    server.forget().advance(5_000)
    assert.deepStrictEqual(answers(server), ["1 Alive"])
    assert.include(server.members, "a")
  })

  it("that has left meanwhile is gone all the same", () => {
    const server = leading()
    commanded(server, evict("a"))
    server.advance(10).hear(Peer.leaving("a"))
    server.forget().advance(5_000)
    assert.include(server.sent.map(({ message }) => message.type), "COMMAND_DONE")
  })

  it("by two commands is asked by one of them, and both are answered", () => {
    const server = leading()
    commanded(server, evict("y", { nonce: "3" }))
    commanded(server, evict("a"))
    commanded(server.advance(100), evict("a", { nonce: "2" }))
    server.forget().advance(5_000)
    assert.deepStrictEqual(answers(server), ["1 Done", "2 Done"])
  })

  it("and led, is replaced; what it says later is answered as that of one removed for silence", () => {
    const server = following()
    commanded(server, evict("z"))
    server.advance(3_000)
    assert.notInclude(server.members, "z")
    assert.isTrue(server.leads)
    server.forget().hear(alive("z", reign(50, "z")))
    const [question] = server.said("SERVER_PROBE")
    assert.isDefined(question)
    server.hear(Peer.response("z", question.message.nonce), "unicast")
    assert.include(server.members, "z")
  })

  const evicted = (name: string, sender = "a", incarnation = 1_000) =>
    Peer.says(sender, { type: "EVICTED", gone: { id: id(name), incarnation }, by })

  it("by another is asked here too, once at a time, and removed if it does not answer; nobody is told of that again", () => {
    const server = leading()
    server.hear(evicted("b"))
    server.hear(evicted("b"))
    server.advance(5 * server.state.timing.probeTimeout)
    assert.notInclude(server.members, "b")
    const said = server.says()
    assert.strictEqual(said.filter((what) => what === "SERVER_PROBE to b").length, 5)
    assert.notInclude(said, "EVICTED")
  })

  it("by another and answers here stays", () => {
    const server = leading()
    server.hear(evicted("b"))
    server.advance(10).hear(alive("b"))
    server.advance(2_000)
    assert.include(server.members, "b")
  })

  it("by another is this server: it says that it lives, once, and not while it leaves", () => {
    const server = leading({ work: "by hand" })
    server.hear(evicted("m"))
    server.hear(evicted("m"))
    assert.strictEqual(server.said("SERVER_ALIVE").length, 1)
    server.hear(evicted("y"))
    server.hear(evicted("b", "a", 7))
    assert.deepStrictEqual(server.says(), [])
    server.step({ _tag: "Leave" })
    server.advance(500).forget().hear(evicted("m"))
    assert.deepStrictEqual(server.said("SERVER_ALIVE"), [])
  })
})
