/**
 * Views are compared with the leader's where multicast tells all of all, too (protocol, without multicast: comparing views).
 */
import { assert, describe, it } from "@effect/vitest"
import * as MemberLists from "../../src/protocol/membership/MemberLists.ts"
import * as Ranked from "../../src/protocol/membership/Ranked.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import { Cluster, type Datagram } from "./harness/Cluster.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { member, members, reign, says } = Peer

const digest = (names: string): number => Ranked.digest(Array.from(names, (name) => member(name)))

/** A heartbeat of one that follows `leader` and sees these. */
const sees = (name: string, names: string, leader = "z"): Message.FromServer =>
  says(name, { type: "SERVER_ALIVE", interval: 10_000, view: digest(names) }, { follows: reign(50, leader) })

/** `m` follows `z` among these. */
const among = (names: string): Server => {
  const server = Server.live({}, Array.from(names, (name) => Peer.alive(name, reign(50, "z"))))
  return server.advance(1).forget()
}

/** `m` leads these. */
const leading = (names: string): Server => {
  const server = Server.live({}, Array.from(names, (name) => Peer.alive(name)))
  assert.isTrue(server.advance(1_000).leads)
  return server.forget()
}

/** What is asked after the difference that a heartbeat tells of was seen once more. */
const asked = (server: Server, heartbeat: Message.FromServer, gap = 10_000): ReadonlyArray<string> => {
  server.advance(gap).forget().hear(heartbeat)
  server.advance(150)
  return server.says()
}

describe("a follower", () => {
  it("whose view differs from the leader's twice in a row reads its list and speaks to it, for it may be us who is not heard", () => {
    const server = among("abz")
    assert.deepStrictEqual(asked(server, sees("z", "abcmz")), [])
    assert.deepStrictEqual(asked(server, sees("z", "abcmz")), ["SERVER_PROBE to z", "MEMBERS_ASK to z"])
    const { nonce } = server.state.paging!
    server.hear(members("z", [member("c")], { nonce }), "unicast", member("z"))
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to c"])
  })

  it("says its own view in that question, and in its heartbeats while it differs", () => {
    const server = among("abz")
    const own = () => {
      server.forget().step({ _tag: "Heartbeat" })
      return server.said("SERVER_ALIVE")[0]?.message.view
    }
    asked(server, sees("z", "abcmz"))
    assert.isUndefined(own())
    server.advance(10_000).hear(sees("z", "abcmz"))
    server.advance(150)
    assert.strictEqual(server.said("MEMBERS_ASK")[0]?.message.view, digest("abmz"))
    assert.strictEqual(own(), digest("abmz"))
    server.hear(sees("z", "abmz"))
    assert.isUndefined(own())
  })

  it("does nothing the first time, nor where the same heartbeat comes twice, nor where the difference is another each time", () => {
    const server = among("abz")
    assert.deepStrictEqual(asked(server, sees("z", "abcmz")), [])
    assert.deepStrictEqual(asked(server, sees("z", "abcmz"), 50), [])
    assert.deepStrictEqual(asked(server, sees("z", "abdmz")), [])
    assert.deepStrictEqual(asked(server, sees("z", "abcmz")), [])
  })

  it("knows a difference again even if others join both views meanwhile", () => {
    const server = among("abz")
    asked(server, sees("z", "abcmz"))
    server.hear(Peer.alive("d", reign(50, "z")))
    assert.deepStrictEqual(asked(server, sees("z", "abcdmz")), ["SERVER_PROBE to z", "MEMBERS_ASK to z"])
  })

  it("asks for nobody where it is the leader that misses one", () => {
    const server = among("abz")
    asked(server, sees("z", "bmz"))
    assert.deepStrictEqual(asked(server, sees("z", "bmz")), ["SERVER_PROBE to z"])
  })

  it("asks ever more seldom while the difference stays the same, at last after 64 heartbeats", () => {
    const server = among("abz")
    const times: Array<number> = []
    for (let beat = 0; beat < 400; beat += 1) {
      server.advance(9_850).forget()
      for (const name of "ab") server.hear(Peer.alive(name, reign(50, "z")))
      server.hear(sees("z", "abcmz"))
      if (server.said("SERVER_PROBE").length > 0) times.push(beat)
      server.advance(150)
    }
    assert.deepStrictEqual(times, [1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 320, 384])
  })

  it("compares with the leader only, and while nobody leads with the highest ranked one", () => {
    const server = among("abz")
    asked(server, sees("b", "abcmz"))
    assert.deepStrictEqual(asked(server, sees("b", "abcmz")), [])
    const vacant = Server.live({ timing: { minimumMembers: 9 } }, [Peer.alive("a"), Peer.alive("z")])
    const heartbeat = says("z", { type: "SERVER_ALIVE", interval: 10_000, view: digest("abmz") })
    asked(vacant, heartbeat)
    assert.deepStrictEqual(asked(vacant, heartbeat), ["SERVER_PROBE to z", "MEMBERS_ASK to z"])
  })

  it("learns by an equal view that the leader hears of it", () => {
    const server = among("abz").advance(1_000)
    const provedAt = () => server.knows("z").hearsUsAt
    server.hearDeaf(sees("z", "abcmz"))
    assert.isBelow(provedAt(), server.now)
    server.hearDeaf(sees("z", "abmz"))
    assert.strictEqual(provedAt(), server.now)
  })

  it("of a large group asks with such a chance that about sixteen do in one heartbeat", () => {
    let asks = 0
    for (let entropy = 0; entropy < 200; entropy += 1) {
      const server = new Server({ entropy: Math.imul(entropy, 0x9e3779b1) >>> 0 })
      server.step({ _tag: "Start" })
      for (let i = 0; i < 159; i += 1) {
        server.hear(Peer.alive(member("a", { id: Member.NodeId.make((i + 1_000).toString(16).padStart(16, "0")) })))
      }
      server.hear(sees("z", "z"))
      server.advance(10_300).forget().hear(sees("z", "z"))
      server.advance(10_000).forget().hear(sees("z", "z"))
      asks += server.said("SERVER_PROBE").length
    }
    assert.isTrue(asks >= 5 && asks <= 50, `${asks} of 200`)
  })
})

describe("a leader", () => {
  it("says its view always, as does who ranks highest while nobody leads", () => {
    const server = leading("ab")
    server.step({ _tag: "Heartbeat" })
    assert.strictEqual(server.said("SERVER_ALIVE")[0]?.message.view, digest("abm"))
    server.step({ _tag: "Resign" })
    server.advance(1).forget().step({ _tag: "Heartbeat" })
    assert.strictEqual(server.said("SERVER_ALIVE")[0]?.message.view, digest("abm"))
  })

  it("asks a follower that sees one more, and nobody of one that it sees itself", () => {
    const server = leading("ab")
    const differs = (name: string, view: string) =>
      says(name, { type: "SERVER_ALIVE", interval: 10_000, view: digest(view) }, {
        follows: server.state.election.reign!
      })
    asked(server, differs("a", "abcm"))
    assert.deepStrictEqual(asked(server, differs("a", "abcm")), ["MEMBERS_ASK to a"])
    const { nonce } = server.state.paging!
    server.hear(members("a", [member("c")], { nonce }), "unicast", member("a"))
    assert.deepStrictEqual(server.says(), ["SERVER_PROBE to c"])
    server.advance(2_000)
    asked(server, differs("a", "am"))
    assert.deepStrictEqual(asked(server, differs("a", "am")), [])
  })

  it("forgets no difference that one follower has for another whose view is the same", () => {
    const server = leading("ab")
    server.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000, view: digest("abcm") }))
    server.hear(says("b", { type: "SERVER_ALIVE", interval: 10_000, view: digest("abm") }))
    assert.strictEqual(server.state.contacts.differences.length, 1)
  })

  it("asks once in a heartbeat, however many tell it of differences, and tells those of sixteen apart", () => {
    const server = leading("abcdefghijkl")
    const all = "abcdefghijklm"
    let asks = 0
    for (let beat = 0; beat < 20; beat += 1) {
      for (const name of "abcdefghijkl") {
        server.hear(
          says(name, {
            type: "SERVER_ALIVE",
            interval: 10_000,
            view: digest(all + String.fromCharCode(name.charCodeAt(0) + 13))
          })
        )
      }
      server.advance(10_000)
      asks += new Set(server.said("MEMBERS_ASK").map(({ message }) => message.nonce)).size
    }
    assert.isTrue(asks > 10 && asks <= 20, `${asks}`)
    for (let i = 0; i < 40; i += 1) server.hear(says("a", { type: "SERVER_ALIVE", interval: 10_000, view: i }))
    assert.strictEqual(server.state.contacts.differences.length, 16)
  })
})

describe("a list that is asked for with the view of who asks", () => {
  const ask = (view: number, page = 0): Message.Message => ({ type: "MEMBERS_ASK", nonce: "7", page, view })

  it("is the line of the one member that this one misses", () => {
    const server = among("abcz")
    server.hear(ask(digest("abmz")), "unicast", Peer.elsewhere)
    const [send] = server.said("MEMBERS")
    assert.deepStrictEqual([send?.message.of, send?.message.list.map(({ name }) => name)], [1, ["c"]])
  })

  it("is whole where it misses more than one, or has one more", () => {
    for (const view of ["amz", "abcdmz"]) {
      const server = among("abcz")
      server.hear(ask(digest(view)), "unicast", Peer.elsewhere)
      assert.strictEqual(server.said("MEMBERS")[0]?.message.list.length, 5)
    }
  })

  it("and has many pages is read on by few of those who miss some", () => {
    let read = 0
    for (let entropy = 0; entropy < 100; entropy += 1) {
      const server = new Server({ entropy: Math.imul(entropy, 0x9e3779b1) >>> 0 })
      server.step({ _tag: "Start" })
      for (const name of "abz") server.hear(Peer.alive(name, reign(50, "z")))
      server.advance(1_000).hear(sees("z", "abcdmz"))
      asked(server, sees("z", "abcdmz"))
      const { nonce } = server.state.paging!
      server.hear(members("z", [member("c")], { nonce, of: 40 }), "unicast", member("z"))
      read += server.said("MEMBERS_ASK").length
    }
    assert.isTrue(read >= 2 && read <= 25, `${read} of 100 with 40 pages`)
  })
})

describe("a newcomer (protocol, without multicast: comparing views)", () => {
  const run = (arrives: (datagram: Datagram) => boolean): Cluster => {
    const cluster = new Cluster({
      size: 6,
      seed: 7,
      timing: () => ({ lease: { groupSize: 6, duration: 1_500, drift: 0.01 } }),
      clocks: () => ({ rate: 1, monotonic: 1_000, wall: 1_700_000_000_000, boot: false }),
      arrives: (datagram) => arrives(datagram) ? [1] : [],
      stops: () => 0
    })
    for (const name of "bcdef") cluster.start(name)
    cluster.advance(5_000)
    cluster.start("a")
    return cluster
  }
  const views = (cluster: Cluster): ReadonlyArray<string> =>
    cluster.names.map((name) => MemberLists.everyone(cluster.state(name)!).map((one) => one.name).toSorted().join(""))

  it("whose own multicasts are lost is in every view before long", () => {
    const cluster = run(({ from, via }) => from !== "a" || via === "unicast")
    cluster.advance(2_500)
    assert.deepStrictEqual(views(cluster), Array.from("abcdef", () => "abcdef"))
  })

  it("that only a follower hears, and that does not hear the leader's multicasts, is in every view, too", () => {
    const cluster = run(({ from, to, via }) =>
      via === "unicast" || (from === "a" ? to === "c" : to !== "a" || from !== "f")
    )
    cluster.advance(4_000)
    assert.deepStrictEqual(views(cluster), Array.from("abcdef", () => "abcdef"))
  })
})
