import { assert, describe, it } from "@effect/vitest"
import * as MemberLists from "../../src/protocol/membership/MemberLists.ts"
import * as Ranked from "../../src/protocol/membership/Ranked.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, client, coordinator, member } = Peer

const among = (...names: ReadonlyArray<string>) => Server.live({}, names.map((name) => alive(name)))
const ask = { type: "MEMBERS_ASK", nonce: "9", page: 0 } as const
const answers = (server: Server, question: Message.Of<"MEMBERS_ASK">, from?: Member.Address): boolean => {
  server.forget().hear(question, "multicast", from)
  return server.said("MEMBERS").length > 0
}

describe("who answers who is in the group (protocol 3, MEMBERS_ASK)", () => {
  it("asked by unicast, anyone answers with everyone, itself included", () => {
    const server = among("a", "z").advance(1_000)
    server.hear(ask, "unicast")
    const [send] = server.said("MEMBERS")
    assert.strictEqual(send?.to, client)
    assert.deepInclude(send?.message, { nonce: "9", page: 0, of: 1 })
    assert.deepStrictEqual(
      send?.message.list.map(({ heard, name }) => [name, heard]),
      [["z", 1_300], ["m", 0], ["a", 1_300]]
    )
  })

  it("asked by multicast, the leader answers; while nobody leads, who is highest ranked in its own view", () => {
    assert.isFalse(answers(Server.live({}, [coordinator("z", 50)]), ask))
    const leader = among("a").advance(5)
    assert.isTrue(leader.leads)
    assert.isTrue(answers(leader, ask))
    assert.isTrue(answers(among("a"), ask))
    assert.isFalse(answers(among("a", "z"), ask))
  })

  it("asked by multicast from its own host, it answers also while another leads", () => {
    const follower = Server.live({}, [coordinator("z", 50)])
    const { ip } = follower.state.self
    assert.isTrue(answers(follower, ask, { ip, port: 5_000 }))
    assert.isTrue(answers(follower, ask, { ip: "127.0.0.1", port: 5_000 }))
    assert.isTrue(answers(follower, ask, { ip: "::1", port: 5_000 }))
    assert.isFalse(answers(follower, ask, client))
  })

  it("while the leader is lost, about so many answer as are wanted, and never more than fifty of a large group", () => {
    const followers = Array.from(
      { length: 200 },
      (_, i) =>
        Server.live({ entropy: Math.imul(i + 1, 0x9e3779b1) >>> 0 }, [
          coordinator("z", 50),
          // Each sees 200.
          ...Array.from({ length: 198 }, (_, other) => {
            const id = Member.NodeId.make((other + 1_000).toString(16).padStart(16, "0"))
            return alive(member("a", { id }))
          })
        ])
    )
    const answering = (wanted: number) => followers.filter((one) => answers(one, { ...ask, wanted })).length
    const figures = [1, 4, 16, 50, 60_000].map(answering)
    // Each decides for itself: three standard deviations of what is wanted.
    for (const [at, wanted] of [1, 4, 16, 50, 50].entries()) {
      assert.isAtMost(Math.abs(figures[at]! - wanted), 3 * Math.sqrt(wanted), `${figures[at]} for ${wanted}`)
    }
    assert.strictEqual(figures[4], figures[3])
  })

  it("of a group of no more than are wanted, each answers", () => {
    const follower = Server.live({}, [coordinator("z", 50), alive("a")])
    assert.isTrue(answers(follower, { ...ask, wanted: 4 }))
  })

  it("a server that has just started answers no question to all: it does not know yet who is there", () => {
    const server = new Server()
    server.step({ _tag: "Start" })
    const own = { ip: server.state.self.ip, port: 5_000 }
    assert.isFalse(answers(server, { ...ask, wanted: 50 }, own))
    server.hear(ask, "unicast")
    assert.strictEqual(server.said("MEMBERS").length, 1)
    server.advance(server.state.timing.discoveryWindow)
    assert.isTrue(answers(server, { ...ask, wanted: 50 }, own))
  })

  it("a page that there is not is empty, and asking makes nobody a member", () => {
    const server = among("a")
    server.hear({ ...ask, page: 7 }, "unicast")
    assert.deepInclude(server.said("MEMBERS")[0]?.message, { page: 7, of: 1, list: [] })
    assert.deepStrictEqual(server.members, ["a"])
  })
})

describe("what a list says of a member (protocol 3, MEMBERS)", () => {
  const listed = (details: Partial<Message.Of<"MEMBERS_ASK">>) => {
    const server = Server.live({}, [alive(member("a", { tags: { zone: "b" } }))])
    server.hear({ ...ask, ...details }, "unicast")
    return { server, message: server.said("MEMBERS")[0]!.message }
  }

  it("is its host name and its tags where details are asked for, and the view that the page is of", () => {
    const { message, server } = listed({ details: true })
    assert.deepStrictEqual(
      message.list.map(({ hostname, name, tags }) => [name, hostname, tags]),
      [["m", "host-m", {}], ["a", "host-a", { zone: "b" }]]
    )
    assert.strictEqual(message.view, Ranked.digest(MemberLists.everyone(server.state)))
  })

  it("is of one line, with as much, to who misses that one alone, and of none to who sees the same", () => {
    const { self } = Server.live({}).state
    const without = listed({ details: true, view: Ranked.digest([self]) }).message
    assert.deepStrictEqual(without.list.map(({ name, tags }) => [name, tags]), [["a", { zone: "b" }]])
    assert.notProperty(without, "view")
    const bare = listed({ view: Ranked.digest([self]) }).message
    assert.deepStrictEqual(bare.list.map(({ name, tags }) => [name, tags]), [["a", undefined]])
    const same = listed({ details: true, view: Ranked.digest([self, member("a")]) }).message
    assert.deepStrictEqual(same.list, [])
  })

  it("is neither where they are not: who compares views reads no more than it needs", () => {
    for (const details of [{}, { details: false }]) {
      const { message } = listed(details)
      assert.notProperty(message, "view")
      for (const line of message.list) {
        assert.hasAllKeys(line, ["id", "ip", "port", "name", "priority", "incarnation", "heard"])
      }
    }
  })
})
