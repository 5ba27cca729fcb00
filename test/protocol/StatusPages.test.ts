/** The pages that servers announce, and whom they are of use to. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Member from "../../src/protocol/model/Member.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Status from "../../src/protocol/Status.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { member } = Peer

const says = (page: string | undefined, sender = member("z")): Message.FromServer => ({
  ...Peer.alive(sender) as Message.Of<"SERVER_ALIVE">,
  ...(page === undefined ? {} : { page })
})

const pages = (server: Server) =>
  Object.fromEntries(
    Status.of(server.state, { monotonic: server.now, wall: server.wall, entropy: 0 }).members.map(
      ({ name, page }) => [name, page]
    )
  )

describe("the page of a server (protocol 6)", () => {
  it("is announced with each sign of life while there is one", () => {
    const server = Server.live()
    server.step({ _tag: "Page", page: "http://192.0.2.13:7780/" })
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => message.page), ["http://192.0.2.13:7780/"])
    assert.deepStrictEqual(pages(server), { m: "http://192.0.2.13:7780/" })
    server.step({ _tag: "Page", page: null })
    server.step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => "page" in message), [false])
    assert.deepStrictEqual(pages(server), { m: null })
  })

  it("is not announced where it is none, or too long for a datagram", () => {
    const server = Server.live()
    for (const page of ["ftp://a/", "http://a b/", "http://\"/", `http://${"a".repeat(Message.maxPage)}`, ""]) {
      server.step({ _tag: "Page", page })
      assert.deepStrictEqual(pages(server), { m: null }, page)
    }
  })

  it("is passed over where a later version announces what this one cannot, and the sign of life counts", () => {
    for (const page of ["ftp://a/", "", `http://${"a".repeat(Message.maxPage)}`]) {
      const decoded = Message.decode(JSON.parse(JSON.stringify(says(page))))
      assert.isTrue(Result.isSuccess(decoded), page)
      const server = Server.live()
      server.hear(Result.getOrThrow(decoded))
      assert.deepStrictEqual(pages(server), { m: null, z: null }, page)
    }
  })

  it("is left out where a heartbeat would not fit a datagram with it, with anything else that it says", () => {
    const [ip, most, term] = [`${"f".repeat(45)}%${"e".repeat(15)}`, Number.MAX_SAFE_INTEGER, Reign.maxTerm]
    const text = "x".repeat(64)
    const page = `http://${"x".repeat(Message.maxPage - 7)}`
    const withTags = (length: number) =>
      member("m", {
        name: text,
        hostname: text,
        priority: -2_147_483_648,
        tags: length < 0 ? {} : { [text]: "x".repeat(length) }
      })
    const announces = (self: Member.Member) => {
      const server = new Server({ self })
      server.step({ _tag: "Start" })
      server.step({ _tag: "Page", page })
      return server.state.page === page
    }
    assert.isTrue(announces(withTags(-1)))
    assert.isFalse(announces(withTags(185)))
    const tags = Array.from({ length: 185 }, (_, length) => length).findLast((length) => announces(withTags(length)))
    const heartbeat: Message.Message = {
      type: "SERVER_ALIVE",
      sender: { ...withTags(tags ?? -1), ip, port: 65_535, incarnation: most },
      term,
      leader: { id: member("z").id, priority: -2_147_483_648, incarnation: most, ip, port: 65_535 },
      heard: term,
      moved: Message.maxMoved,
      hears: member("z").id,
      interval: Message.maxInterval,
      alive: Message.maxAlive,
      hops: 3,
      through: member("z").id,
      sees: 999_999,
      delivered: most,
      elections: Array.from({ length: 16 }, () => "0123abcd"),
      silent: 86_400_000,
      view: 0xffff_ffff,
      page
    }
    assert.isTrue(Schema.is(Message.Message)(heartbeat))
    const frame = Result.getOrThrow(Frame.encode(heartbeat, new Uint8Array(4)))
    assert.isAtMost(frame.length, Frame.maxBytes - Frame.sealBytes)
  })

  it("of a member is known from its heartbeats, until it announces none", () => {
    const server = Server.live({}, [says("https://z.example/")])
    assert.strictEqual(pages(server)["z"], "https://z.example/")
    server.hear(Peer.response("z", "1"))
    assert.strictEqual(pages(server)["z"], "https://z.example/")
    server.hear(says(undefined))
    assert.isNull(pages(server)["z"])
  })

  it("on loopback is taken from a server of the same host alone", () => {
    const neighbour = member("z", { ip: "192.0.2.13", hostname: "host-m" })
    for (const page of ["http://127.0.0.1:7780/", "http://localhost:7780/", "http://[::1]:7780/"]) {
      const server = Server.live({}, [says(page)])
      assert.isNull(pages(server)["z"], page)
      server.hear(says(page, member("y", { hostname: "host-m" })))
      assert.isNull(pages(server)["y"], "of the same name, at another address")
      assert.strictEqual(pages(Server.live({}, [says(page, neighbour)]))["z"], page)
    }
  })
})
