/**
 * Others are asked about a member before it is removed, and what they have heard themselves keeps it (protocol 4,
 * witnesses).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, id, leaving, member, reign, stands } = Peer

const start = (name: string, incarnation = 1_000) => ({ id: id(name), incarnation })

/** `m` is live, these are members, and all but those of `silent` are heard all the time. */
const among = (names: string, silent: string, leader?: string): Server => {
  const follows = leader === undefined ? undefined : reign(50, leader)
  const server = Server.live({}, Array.from(names).map((name) => alive(name, follows)))
  server.advance(30_001)
  for (const name of names) if (!silent.includes(name)) server.hear(alive(name, follows))
  return server.forget()
}

/** Lets a sweep begin, and goes on until others have been asked for the first time. */
const ask = (server: Server): ReadonlyArray<{ readonly to: string; readonly ask: Message.Of<"WITNESS_ASK"> }> => {
  server.step({ _tag: "Sweep" })
  server.advance(499)
  return server.said("WITNESS_ASK").map(({ message, to }) => ({ to: Peer.nameOf(to!), ask: message }))
}

const witness = (
  name: string,
  { nonce }: Message.Of<"WITNESS_ASK">,
  about: string,
  ago: number,
  incarnation = 1_000
): Message.Of<"WITNESS"> => ({
  type: "WITNESS",
  from: start(name, incarnation),
  nonce,
  heard: Array.from(about).map((one) => ({ id: id(one), ago }))
})

describe("a member that is silent here (protocol 4, witnesses)", () => {
  it("is asked about beside the last two questions, of three others at random and the leader", () => {
    const server = among("abcdefz", "a", "z")
    server.step({ _tag: "Sweep" })
    server.advance(449)
    assert.deepStrictEqual(server.said("WITNESS_ASK"), [])
    server.advance(301)
    const asked = server.said("WITNESS_ASK")
    assert.strictEqual(asked.length, 8, "two rounds of four")
    const [first, second] = [asked.slice(0, 4), asked.slice(4)]
    for (const round of [first, second]) {
      const whom = round.map(({ to }) => Peer.nameOf(to!))
      assert.strictEqual(new Set(whom).size, 4)
      assert.include(whom, "z")
      assert.notInclude(whom, "a")
    }
    const { message } = first[0]!
    assert.deepInclude(message, { from: start("m"), missed: [start("a")] })
    assert.isTrue(message.within >= 30_600 && message.within <= 30_638, `${message.within}`)
    assert.strictEqual(new Set(asked.map((send) => send.message.nonce)).size, 1)
    assert.notInclude(server.members, "a", "nobody has heard it")
  })

  it("stays where one of them has heard it within its patience, and is known through that one, but not heard", () => {
    const server = among("abz", "a")
    const [first] = ask(server)
    const { heardAt } = server.knows("a")
    server.hear(witness("b", first!.ask, "a", 5_000), "unicast")
    server.advance(10_000)
    assert.include(server.members, "a")
    assert.deepInclude(server.knows("a"), { through: id("b"), heardAt })
    assert.isTrue(server.knows("a").witnessedAt > server.now - 16_000)
    // What it says itself ends that.
    server.hear(alive("a"))
    assert.isNull(server.knows("a").through)
  })

  it("is asked about again when that word is as old as a heartbeat that is overdue, its witness first", () => {
    const server = among("abcdefghz", "a")
    const [first] = ask(server)
    server.hear(witness("b", first!.ask, "a", 0), "unicast")
    server.advance(14_000).step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.checked, [])
    server.advance(16_000)
    for (const name of "bcdefghz") server.hear(alive(name))
    const again = ask(server)
    assert.strictEqual(again.length, 4)
    assert.strictEqual(again[0]!.to, "b")
  })

  it("is removed as soon as if the witness had been this server, once nobody has heard it any more", () => {
    const server = among("ab", "a")
    const [first] = ask(server)
    const asked = server.now - 499
    server.hear(witness("b", first!.ask, "a", 10_000), "unicast")
    while (server.members.includes("a")) {
      server.advance(5_000)
      server.hear(alive("b"))
      server.step({ _tag: "Sweep" })
      server.advance(750)
      assert.isBelow(server.now, asked + 60_000)
    }
    const silence = server.now - (asked + 499 - 10_000)
    assert.isTrue(silence > 30_000 && silence <= 30_000 + 5_750 + 499, `${silence}`)
  })

  it("is removed at once by its goodbye, and as crashed by two refusals, regardless of what a witness says", () => {
    for (const how of ["goodbye", "refusals"]) {
      const server = among("abz", "a")
      const [first] = ask(server)
      server.hear(witness("b", first!.ask, "a", 0), "unicast")
      if (how === "goodbye") server.hear(leaving("a"))
      else for (let i = 0; i < 2; i += 1) server.step({ _tag: "Refused", id: id("a") })
      assert.notInclude(server.members, "a")
      server.hear(witness("b", first!.ask, "a", 0), "unicast")
      assert.notInclude(server.members, "a")
    }
  })

  it("that another misses too leads on only where it was heard since it was first asked", () => {
    for (const [ago, leads] of [[700, null], [0, "z"]] as const) {
      const server = Server.live({}, [alive("a"), alive("b"), alive("z", reign(50, "z"))])
      server.advance(5_000).hear(stands("a", 77))
      server.advance(499)
      const [asked] = server.said("WITNESS_ASK")
      assert.deepStrictEqual(asked?.message.missed, [start("z")])
      server.hear(witness("b", asked!.message, "z", ago), "unicast")
      server.advance(500)
      assert.strictEqual(server.follows, leads, `heard ${ago} ms before the question`)
      assert.include(server.members, "z")
    }
  })

  it("is not asked about while its patience lasts, nor of those that are silent, too", () => {
    const early = among("ab", "")
    early.advance(15_001).hear(alive("b"))
    early.step({ _tag: "Sweep" })
    early.advance(2_000)
    assert.deepStrictEqual([early.members, early.said("WITNESS_ASK")], [["b", "a"], []])
    const alone = among("ab", "ab", "b")
    alone.step({ _tag: "Sweep" })
    alone.advance(749)
    assert.deepStrictEqual(alone.said("WITNESS_ASK"), [])
  })

  it("that has answered meanwhile is not asked about", () => {
    const server = among("ab", "a")
    server.step({ _tag: "Sweep" })
    server.advance(450).hear(alive("a"))
    server.advance(2_000)
    assert.deepStrictEqual(server.said("WITNESS_ASK"), [])
  })

  it("is asked about with others, 16 in one datagram; of more than 64 no more are, and that is counted", () => {
    const server = Server.live({}, [alive("z")])
    const many = Array.from(
      { length: 70 },
      (_, i) => member("a", { id: Member.NodeId.make((i + 1_000).toString(16).padStart(16, "0")) })
    )
    for (const one of many) server.hear(alive(one))
    server.advance(30_001).hear(alive("z"))
    server.step({ _tag: "Sweep" })
    server.advance(749)
    const asked = server.said("WITNESS_ASK").map(({ message }) => message.missed)
    assert.deepStrictEqual(asked.map(({ length }) => length), [16, 16, 16, 16, 16, 16, 16, 16])
    assert.strictEqual(new Set(asked.flat().map((one) => one.id)).size, 64)
    assert.deepStrictEqual(server.drops(), Array.from({ length: 12 }, () => "WitnessLimit"))
  })
})

describe("the word of a witness", () => {
  it("counts for nothing under another nonce, from a stranger, from another start, of itself, or of a stranger", () => {
    const server = among("abz", "a")
    const [first] = ask(server)
    const before = server.state.known
    server.hear(witness("b", { ...first!.ask, nonce: "77" }, "a", 0), "unicast")
    server.hear(witness("y", first!.ask, "a", 0), "unicast")
    server.hear(witness("b", first!.ask, "a", 0, 999), "unicast")
    assert.strictEqual(server.state.known, before)
    server.hear(witness("b", first!.ask, "by", 0), "unicast")
    server.advance(2_000)
    assert.notInclude(server.members, "a")
    assert.notInclude(server.members, "y")
    assert.isNull(server.knows("b").through)
  })

  it("that is older than what is known here changes nothing", () => {
    const server = among("abz", "a")
    const [first] = ask(server)
    server.hear(witness("b", first!.ask, "a", 5_000), "unicast")
    const before = server.knows("a")
    server.hear(witness("z", first!.ask, "a", 5_000), "unicast")
    server.hear(witness("z", first!.ask, "a", 35_000), "unicast")
    assert.strictEqual(server.knows("a"), before)
  })

  it("that came when all heard the member last changes nothing", () => {
    const server = among("ab", "a")
    const [first] = ask(server)
    const before = server.knows("a")
    server.hear(witness("b", first!.ask, "a", server.state.witnesses.askedAt - before.heardAt - 1), "unicast")
    assert.strictEqual(server.knows("a"), before)
  })

  it("proves that the witness hears this server", () => {
    const server = among("abz", "a")
    const [first] = ask(server)
    const provedAt = () => server.knows("b").hearsUsAt
    assert.isBelow(provedAt(), server.now)
    server.hear(witness("b", first!.ask, "a", 0), "unicast")
    assert.strictEqual(provedAt(), server.now)
  })

  it("lasts through a stall as what was heard here does", () => {
    const server = among("abz", "a")
    const [first] = ask(server)
    server.hear(witness("b", first!.ask, "a", 0), "unicast")
    const before = server.knows("a").witnessedAt
    server.freeze(60_000).step({ _tag: "CheckPause" })
    assert.isAtLeast(server.knows("a").witnessedAt, before + 59_000)
  })
})

describe("a witness", () => {
  const question = (within: number, ...missed: ReadonlyArray<ReturnType<typeof start>>): Message.Of<"WITNESS_ASK"> => ({
    type: "WITNESS_ASK",
    from: start("y"),
    nonce: "7",
    within,
    missed
  })

  it("says what it has heard itself of that very start, within the time that is asked for", () => {
    const server = Server.live({}, [alive("a"), alive("b"), alive("c")])
    server.advance(4_700).hear(alive("a"))
    server.advance(5_000).hear(alive("b"))
    server.advance(1_000).forget()
    server.hear(question(6_001, start("a"), start("b", 999), start("c"), start("x")), "unicast", Peer.elsewhere)
    assert.deepStrictEqual(server.said("WITNESS").map(({ message, to }) => [to, message]), [[Peer.elsewhere, {
      type: "WITNESS",
      from: start("m"),
      nonce: "7",
      heard: [{ id: id("a"), ago: 6_000 }]
    }]])
    assert.notInclude(server.members, "y", "asking makes nobody a member")
  })

  it("says nothing where it has heard none, and nothing that it was told", () => {
    const server = among("abz", "a")
    const [first] = ask(server)
    server.hear(witness("b", first!.ask, "a", 0), "unicast")
    server.forget().hear(question(30_000, start("a")), "unicast")
    assert.deepStrictEqual(server.said("WITNESS"), [])
  })

  it("answers a hundred times a second, and counts what is more", () => {
    const server = Server.live({}, [alive("a")])
    for (let i = 0; i < 110; i += 1) server.hear(question(30_000, start("a")), "unicast")
    assert.strictEqual(server.said("WITNESS").length, 100)
    assert.deepStrictEqual(server.drops(), Array.from({ length: 10 }, () => "WitnessLimit"))
    server.advance(1_000).hear(question(30_000, start("a")), "unicast")
    assert.strictEqual(server.said("WITNESS").length, 1)
  })
})
