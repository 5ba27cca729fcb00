/**
 * Where multicast does not bring it: what is said to the group is said by unicast, seeds are asked, the lost are looked
 * for, and two who see different members read each other's list (protocol, sections 2 and 4).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Contacts from "../../src/protocol/membership/Contacts.ts"
import * as Ranked from "../../src/protocol/membership/Ranked.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Reach from "../../src/protocol/model/Reach.ts"
import { StepContext } from "../../src/protocol/model/StepContext.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, leaving, member, members, response, says } = Peer

const addressOf = (name: string): Member.Address => {
  const { ip, port } = member(name)
  return { ip, port }
}
const seeds = (...names: ReadonlyArray<string>) => names.map(addressOf)
const off: Options = { timing: { multicast: false } }

/** A server that hears these members by unicast within its discovery window. */
const among = (options: Options, ...names: ReadonlyArray<string>): Server => {
  const server = new Server(options)
  server.step({ _tag: "Start" })
  server.step({ _tag: "Discover" })
  for (const name of names) server.hear(alive(name), "unicast")
  server.advance(server.state.timing.discoveryWindow + 1_500)
  return server.forget()
}

describe("what is said to the group, without multicast", () => {
  it("is said to each member, heartbeats and elections alike, and not by multicast", () => {
    const server = among(off, "a", "z")
    server.step({ _tag: "Heartbeat" })
    assert.sameMembers([...server.says()], ["SERVER_ALIVE to a", "SERVER_ALIVE to z"])
    server.hear(leaving("z"), "unicast")
    server.step({ _tag: "Resign" })
    server.advance(1)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN to a"])
    server.step({ _tag: "Leave" })
    server.advance(10)
    assert.deepStrictEqual(server.says(), ["SERVER_LEAVING to a"])
  })

  it("is said to the seeds that are no members yet, but not to oneself, and once to one who is both", () => {
    const server = among({ ...off, seeds: seeds("m", "a", "z") }, "a")
    server.step({ _tag: "Heartbeat" })
    assert.sameMembers([...server.says()], ["SERVER_ALIVE to a", "SERVER_ALIVE to z"])
  })

  it("knows a seed that speaks from another address than it names by what it says of itself", () => {
    const server = among({ ...off, seeds: seeds("a") })
    server.hear(alive("a"), "unicast", Peer.elsewhere)
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.sent.map(({ to }) => to), [Peer.elsewhere])
  })

  it("makes nobody one who is heard by unicast only: there is nothing else to be heard by", () => {
    const server = among(off, "a")
    server.advance(40_000)
    server.hear(response("a", "1"), "unicast")
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual([server.says(), server.told()], [["SERVER_ALIVE to a"], []])
  })
})

describe("a member that multicast does not reach", () => {
  it("that says its heartbeat by unicast is told of elections by unicast too, for twice its patience", () => {
    const server = Server.live({}, [alive("a")])
    server.hear(alive("a"), "unicast")
    server.advance(6)
    assert.deepStrictEqual(server.says(), ["COORDINATOR", "COORDINATOR to a"])
    server.advance(1_000).forget()
    // Not of heartbeats: that would say that we do not hear it, and two would go on so without end.
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE"])
    server.advance(2 * Timing.patience(server.state.timing, 10_000))
    server.hear(alive("a"))
    server.forget().step({ _tag: "Resign" })
    server.advance(1)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN"])
  })

  it("of which we hear nothing by multicast is told of everything by unicast too", () => {
    const server = Server.live({}, [alive("a")])
    server.advance(30_001)
    server.hear(response("a", "1"), "unicast")
    server.step({ _tag: "Heartbeat" })
    server.forget().step({ _tag: "Resign" })
    server.advance(1)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "STEPPING_DOWN to a"])
  })

  it("that a seed may have told of is taken to be such a one until it is heard or proves to be", () => {
    const withSeeds = among({ seeds: seeds("z") })
    const without = among({})
    for (const server of [withSeeds, without]) server.hear(response("a", "1"), "unicast")
    const reached = ({ now, state }: Server, type: Message.Message["type"]) =>
      Reach.byUnicast(state, type, now).map(Peer.nameOf)
    assert.deepStrictEqual(reached(withSeeds, "ELECTION"), ["a", "z"])
    assert.deepStrictEqual(reached(withSeeds, "SERVER_ALIVE"), ["z"])
    assert.deepStrictEqual(reached(without, "ELECTION"), [])
  })
})

describe("seeds", () => {
  it("are asked at the start as the group is, and then with each tick until they are members", () => {
    const server = new Server({ seeds: seeds("a", "b", "m") })
    server.step({ _tag: "Start" })
    server.step({ _tag: "Discover" })
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE", "SERVER_PROBE to a", "SERVER_PROBE to b"])
    server.hear(alive("c"))
    server.hear(response("a", "1"), "unicast")
    server.advance(300).forget().step({ _tag: "Discover" })
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to b"])
    server.hear(response("b", "2"), "unicast")
    server.step({ _tag: "Discover" })
    assert.deepStrictEqual(server.says(), [])
  })

  it("whose names resolve later are asked at once, and those that were asked before are not asked twice", () => {
    const server = among({ seeds: seeds("a") })
    server.step({ _tag: "Seeds", addresses: seeds("a", "b") })
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to b"])
    server.step({ _tag: "Seeds", addresses: seeds("b") })
    assert.deepStrictEqual(server.says(), [])
    assert.deepStrictEqual(server.state.contacts.seeds, seeds("b"))
  })

  it("are at most 64", () => {
    const many = Array.from({ length: 100 }, (_, index) => ({ ip: "198.51.100.1", port: index + 1 }))
    assert.strictEqual(new Server({ seeds: many }).state.contacts.seeds.length, 64)
    const server = among({})
    server.step({ _tag: "Seeds", addresses: many })
    assert.strictEqual(server.says().length, 64)
  })
})

describe("members that fell silent", () => {
  const lose = (server: Server, ...names: ReadonlyArray<string>) => {
    server.advance(31_000)
    for (const name of names) if (server.members.includes(name)) server.step({ _tag: "Sweep" })
    server.advance(1_000)
    return server.forget()
  }

  it("are looked for one at a tick, in turn, until they are back", () => {
    const server = lose(among(off, "a", "b", "c"), "a", "b", "c")
    assert.deepStrictEqual(server.members, [])
    const asked = () => {
      server.step({ _tag: "Discover" })
      return server.said("SERVER_PROBE").map(({ to }) => Peer.nameOf(to!))
    }
    const [first, ...others] = [asked(), asked(), asked(), asked()].flat()
    assert.strictEqual(others[2], first)
    assert.sameMembers(others, ["a", "b", "c"])
    server.advance(60_001)
    server.hear(alive("a"), "unicast")
    const rest = [asked(), asked(), asked()].flat()
    assert.sameMembers(rest.slice(0, 2), ["b", "c"])
    assert.strictEqual(rest[2], rest[0])
  })

  it("are asked once at a tick where they are seeds, and the others are looked for as ever", () => {
    for (const multicast of [true, false]) {
      const server = lose(among({ seeds: seeds("a"), timing: { multicast } }, "a", "b"), "a", "b")
      const asked = () => {
        server.forget().step({ _tag: "Discover" })
        return server.said("SERVER_PROBE").flatMap(({ to }) => to === null ? [] : [Peer.nameOf(to)])
      }
      assert.deepStrictEqual([asked(), asked()], [["a", "b"], ["a", "b"]])
      server.hear(alive("c"), "unicast")
      assert.deepStrictEqual([asked(), asked()], [["a", "b"], ["a", "b"]], "one that sees somebody asks no group")
      server.step({ _tag: "Seeds", addresses: [] })
      assert.sameMembers([asked(), asked()].flat(), ["a", "b"], "what was a seed is looked for like the others")
    }
  })

  it("are looked for no longer than a day, and those who left not at all", () => {
    const server = lose(among(off, "a"), "a")
    server.freeze(Timing.lostFor).step({ _tag: "CheckPause" })
    server.advance(1_000).forget().step({ _tag: "Discover" })
    assert.deepStrictEqual(server.says(), [])
    const other = among(off, "a")
    other.hear(leaving("a"), "unicast")
    assert.deepStrictEqual(other.state.contacts.lost, [])
  })

  it("are looked for anew, once, when they fall silent again", () => {
    const server = lose(among(off, "a"), "a")
    server.advance(60_001)
    server.hear(alive("a"), "unicast")
    lose(server, "a")
    assert.strictEqual(server.state.contacts.lost.length, 1)
  })

  it("are looked for no more where another start is by now, under an id of its own", () => {
    const server = lose(among(off, "a", "b"), "a", "b")
    const { ip, port } = member("a")
    server.hear(alive(member("c", { ip, port })), "unicast", { ip, port })
    server.forget().step({ _tag: "Discover" })
    assert.deepStrictEqual(server.said("SERVER_PROBE").map(({ to }) => Peer.nameOf(to!)), ["b"])
    assert.deepStrictEqual(server.state.contacts.lost.map(({ id }) => id), [Peer.id("b")])
  })

  it("are left to multicast where there is multicast and nothing else", () => {
    const server = among({}, "a")
    lose(server, "a")
    assert.deepStrictEqual(server.state.contacts.lost, [])
  })
})

describe("two who see different members", () => {
  const mine = [member("m"), member("a")]
  const aliveWith = (name: string, view: number) => says(name, { type: "SERVER_ALIVE", interval: 10_000, view })

  it("say so with their signs of life, where multicast does not tell all of all", () => {
    const server = among(off, "a")
    server.step({ _tag: "Heartbeat" })
    assert.deepInclude(server.said("SERVER_ALIVE")[0]!.message, { view: Ranked.digest(mine) })
    server.hear(says("a", { type: "SERVER_PROBE", nonce: "1" }), "unicast")
    assert.deepInclude(server.said("SERVER_RESPONSE")[0]!.message, { view: Ranked.digest(mine) })
    const plain = Server.live({}, [alive("a"), alive("z", Peer.reign(50, "z"))])
    plain.step({ _tag: "Heartbeat" })
    assert.notProperty(plain.said("SERVER_ALIVE")[0]!.message, "view")
  })

  it("read each other's list, and ask those who are new on it", () => {
    const server = among(off, "a")
    server.hear(aliveWith("a", 7), "unicast")
    server.advance(100)
    const [ask] = server.said("MEMBERS_ASK")
    assert.strictEqual(Peer.nameOf(ask!.to!), "a")
    server.hear(
      members("a", [...mine, member("b")], { nonce: ask!.message.nonce }),
      "unicast",
      addressOf("a")
    )
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to b"])
  })

  it("do so at most twice in a heartbeat, and not while a list is read", () => {
    const server = among(off, "a", "b")
    for (let times = 0; times < 20; times++) {
      server.hear(aliveWith("a", 7), "unicast")
      server.hear(aliveWith("b", 8), "unicast")
      server.advance(500)
    }
    const nonces = new Set(server.said("MEMBERS_ASK").map(({ message }) => message.nonce))
    assert.isAtLeast(nonces.size, 1)
    assert.isAtMost(nonces.size, 2)
  })

  it("do nothing where one does not say what it sees", () => {
    const server = among(off, "a", "b")
    const context = new StepContext(server.state, { monotonic: server.now, wall: server.now + server.wall, entropy: 1 })
    Contacts.compare(context, { sender: member("a") }, member("a"))
    assert.deepStrictEqual([context.outputs, context.state.contacts], [[], server.state.contacts])
  })

  it("do nothing where they see the same, and nothing before the discovery window is over", () => {
    const server = among(off, "a")
    server.hear(aliveWith("a", Ranked.digest(mine)), "unicast")
    server.advance(200)
    assert.deepStrictEqual(server.said("MEMBERS_ASK"), [])
    const young = new Server(off)
    young.step({ _tag: "Start" })
    young.hear(aliveWith("a", 7), "unicast")
    young.advance(200)
    assert.deepStrictEqual(young.said("MEMBERS_ASK"), [])
  })

  it("know it by a number that is the same in any order and another for each start", () => {
    const [a, b] = [member("a"), member("b")]
    assert.strictEqual(Ranked.digest([a, b]), Ranked.digest([b, a]))
    assert.notStrictEqual(Ranked.digest([a, b]), Ranked.digest([a]))
    assert.notStrictEqual(Ranked.digest([a]), Ranked.digest([member("a", { incarnation: 2_000 })]))
    // As the protocol's page has it.
    assert.strictEqual(Ranked.digest([]), 0)
    assert.strictEqual(Ranked.digest([a]), naiveDigest([`${a.id} 1000`]))
    assert.strictEqual(Ranked.digest([a, b]), naiveDigest([`${a.id} 1000`, `${b.id} 1000`]))
  })
})

/** FNV-1a by arithmetic on whole numbers, as its authors write it. */
const naiveDigest = (texts: ReadonlyArray<string>): number => {
  let all = 0n
  for (const text of texts) {
    let hash = 2_166_136_261n
    for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 16_777_619n) % 4_294_967_296n
    all ^= hash
  }
  return Number(all)
}
