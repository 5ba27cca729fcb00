/**
 * The server's side of what clients send (protocol 3; 5, messages from clients).
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Parts from "../../src/protocol/delivery/Parts.ts"
import * as Client from "../../src/protocol/model/Client.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

/** Of the messages that it would send: which may share a datagram with others. */
const batched = (server: Server) =>
  server.outputs.flatMap((output) => output._tag === "Send" && output.batches === true ? [output.message.type] : [])

/** A server that leads alone, or with others that it outranks. */
const leader = (...others: ReadonlyArray<string>): Server => {
  const server = Server.live({}, others.map((name) => Peer.alive(name)))
  server.advance(100)
  if (!server.leads) server.advance(5_000)
  assert.isTrue(server.leads)
  return server.advance(300).forget()
}

/** A server that follows `z` in term 9, in which this index is the newest. */
const follower = (delivered = 0): Server =>
  Server.live({}, [
    Peer.says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { follows: Peer.reign(9, "z"), delivered })
  ])

const alone = "unicast" as const
const received = (server: Server) =>
  server.tells().flatMap((event) => event.event === "MessageReceived" ? [`${event.client.name} ${event.seq}`] : [])
const known = (server: Server, name: string) => HashMap.get(server.state.delivery.clients, Peer.sender(name).id)
const indexes = (server: Server) =>
  server.said("CLIENT_DELIVER").map(({ message: { client, index, seq } }) => `${index}: ${client.name} ${seq}`)
const acknowledged = (server: Server) => server.said("CLIENT_ACK").map(({ message }) => message.seq)

describe("CLIENT_JOIN", () => {
  it("is answered by the leader with the same nonce, and told once", () => {
    const server = leader("a", "b")
    server.hear(Peer.joins("ann", { nonce: "77" }))
    const [welcome] = server.said("CLIENT_WELCOME")
    assert.deepStrictEqual(welcome?.to, Peer.client)
    assert.include(welcome?.message, { nonce: "77", members: 3 })
    server.hear(Peer.joins("ann", { nonce: "78", seq: 4 }))
    assert.deepStrictEqual(server.says(), ["CLIENT_WELCOME to client"])
    assert.deepStrictEqual(server.told(), ["ClientJoined"])
  })

  it("is heard and not answered by who follows", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    assert.deepStrictEqual([server.says(), server.told()], [[], ["ClientJoined"]])
  })

  it("by unicast says that no multicast comes to the client: a follower names the leader, once in 100 ms", () => {
    const server = follower()
    server.hear(Peer.joins("ann"), alone)
    server.hear(Peer.joins("ann"), alone)
    const notices = server.said("COORDINATOR")
    assert.deepStrictEqual(notices.map(({ message, to }) => [message.leader?.id, to]), [[Peer.id("z"), Peer.client]])
  })

  it("by unicast makes the leader say by unicast too what it says to the group and is of use to a client", () => {
    const server = leader("a")
    server.hear(Peer.joins("ann"), alone)
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.says(), ["SERVER_ALIVE", "SERVER_ALIVE to client"])
    server.step({ _tag: "Resign" })
    server.advance(1)
    assert.deepStrictEqual(server.says(), ["STEPPING_DOWN", "STEPPING_DOWN to client"])
    server.advance(100_000)
    server.forget().step({ _tag: "Heartbeat" })
    assert.notInclude(server.says(), "SERVER_ALIVE to client")
  })

  it("while nobody leads is answered by the one that ranks highest in its own view, once in 100 ms: nobody does", () => {
    const server = Server.live({ timing: { minimumMembers: 3 } }, [Peer.alive("a")])
    server.hear(Peer.joins("ann"))
    server.hear(Peer.joins("ann"))
    const notices = server.said("COORDINATOR")
    assert.deepStrictEqual(notices.map(({ message, to }) => [message.leader, to]), [[null, Peer.client]])
    const other = Server.live({ timing: { minimumMembers: 3 } }, [Peer.alive("z")])
    other.hear(Peer.joins("ann"))
    assert.deepStrictEqual(other.says(), [])
  })

  it("of one client too many is dropped and counted, until one that left makes room", () => {
    const server = Server.live({ timing: { maxClients: 20 } }).advance(300).forget()
    for (let at = 0; at < 20; at += 1) {
      const id = Client.ClientId.make(at.toString(16).padStart(16, "0"))
      server.hear({ ...Peer.joins("ann"), client: { id, name: "x" } })
    }
    server.forget().hear(Peer.joins("bob"))
    assert.deepStrictEqual([server.says(), server.drops()], [[], ["ClientsFull"]])
    server.hear({ type: "CLIENT_LEAVE", client: { id: Client.ClientId.make("0000000000000009"), name: "x" } })
    server.hear(Peer.joins("bob"))
    assert.deepStrictEqual(server.says(), ["CLIENT_WELCOME to client"])
    assert.deepStrictEqual([HashMap.size(server.state.delivery.clients), server.state.delivery.left], [20, 0])
  })
})

describe("CLIENT_LEAVE", () => {
  const leaves: Message.Message = { type: "CLIENT_LEAVE", client: Peer.sender("ann") }

  it("is told once, and what comes late of the client does not bring it back", () => {
    const server = leader()
    server.hear(leaves)
    assert.deepStrictEqual(server.told(), [], "of one never heard of")
    server.hear(Peer.joins("ann"))
    server.hear(leaves)
    server.hear(leaves)
    server.hear(Peer.joins("ann"))
    server.hear(Peer.sends("ann", 1), alone)
    assert.deepStrictEqual(server.tells().map((event) => "reason" in event ? event.reason : event.event), [
      "ClientJoined",
      { _tag: "Left" }
    ])
    assert.deepStrictEqual(server.drops(), ["Departed", "Departed"])
  })

  it("is forgotten after the client's time-out, silently", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    server.hear(leaves)
    server.hear(Peer.delivers("z", 9, 1, "ann", 1))
    server.forget().advance(30_001)
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.told(), [])
    assert.strictEqual(HashMap.size(server.state.delivery.clients), 0)
  })
})

describe("a client that vanishes", () => {
  it("is forgotten by the first sweep after `memberTimeout`, or three of the intervals that it announced", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    server.hear({ ...Peer.joins("bob"), interval: 20_000 })
    server.forget().advance(30_000)
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.told(), [])
    server.advance(1)
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.tells().map((event) => "reason" in event ? event.reason : null), [
      { _tag: "Silent", for: 30_001 }
    ])
    server.advance(30_000)
    server.step({ _tag: "Sweep" })
    assert.deepStrictEqual(server.told().filter((name) => name === "ClientLeft"), ["ClientLeft"])
  })

  it("is refreshed by all it says, and by what the leader relays of it", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    server.advance(20_000).hear(Peer.sends("ann", 1))
    server.advance(20_000).hear(Peer.delivers("z", 9, 1, "ann", 1))
    server.advance(20_000).step({ _tag: "Sweep" })
    assert.notInclude(server.told(), "ClientLeft")
  })

  it("is not judged for the time in which this server was paused", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    server.freeze(40_000).step({ _tag: "CheckPause" })
    server.advance(400).step({ _tag: "Sweep" })
    assert.notInclude(server.told(), "ClientLeft")
    const quiet = follower().freeze(40_000)
    quiet.step({ _tag: "CheckPause" })
    assert.strictEqual(HashMap.size(quiet.state.delivery.clients), 0)
  })
})

describe("CLIENT_MESSAGE, to the leader", () => {
  it("is given the next index, multicast, and then acknowledged", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 1), alone)
    server.hear(Peer.sends("bob", 1))
    assert.deepStrictEqual(server.sent.map(({ message, to }) => [message.type, to]), [
      ["CLIENT_DELIVER", null],
      ["CLIENT_ACK", Peer.client],
      ["CLIENT_DELIVER", null],
      ["CLIENT_ACK", Peer.client]
    ])
    assert.deepStrictEqual(indexes(server), ["1: ann 1", "2: bob 1"])
    assert.deepStrictEqual(received(server), ["ann 1", "bob 1"])
  })

  it("repeated: is only acknowledged again", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 1), alone)
    server.forget().hear(Peer.sends("ann", 1), alone)
    assert.deepStrictEqual(server.says(), ["CLIENT_ACK to client"])
    assert.deepStrictEqual(received(server), [])
  })

  it("reordered: waits for its turn, 64 ahead at most", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 3), alone)
    server.hear(Peer.sends("ann", 2), alone)
    server.hear(Peer.sends("ann", 2), alone)
    assert.deepStrictEqual(server.says(), [])
    server.hear(Peer.sends("ann", 65), alone)
    assert.deepStrictEqual([server.says(), server.drops()], [[], ["OutOfTurn"]])
    server.hear(Peer.sends("ann", 1), alone)
    assert.deepStrictEqual(received(server), ["ann 1", "ann 2", "ann 3"])
    assert.deepStrictEqual(acknowledged(server), [1, 2, 3])
  })

  it("stale: what is below `oldest` is acknowledged, and not waited for", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 5, { oldest: 5 }), alone)
    assert.deepStrictEqual(indexes(server), ["1: ann 5"])
    server.hear(Peer.sends("ann", 3, { oldest: 3 }), alone)
    assert.deepStrictEqual(server.says(), ["CLIENT_ACK to client"])
    server.hear(Peer.sends("ann", 8, { oldest: 6 }), alone)
    server.hear(Peer.sends("ann", 8, { oldest: 8 }), alone)
    assert.deepStrictEqual(indexes(server), ["2: ann 8"], "6 and 7 were acknowledged by another")
  })

  it("contradicted: the first body under a number is the one", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 1, { body: "one" }), alone)
    server.hear(Peer.sends("ann", 1, { body: "other" }), alone)
    assert.deepStrictEqual(server.said("CLIENT_DELIVER").map(({ message }) => message.body), ["one"])
  })

  it("of a client whose join was lost makes it known", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 1), alone)
    assert.include(server.told(), "ClientJoined")
  })

  it("that a former leader relayed, and the client has no acknowledgement of, is relayed again, and delivered once", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    server.hear(Peer.delivers("z", 9, 1, "ann", 1))
    server.hear(Peer.leaving("z", { follows: Peer.reign(9, "z") }))
    server.advance(5_000)
    assert.isTrue(server.leads)
    server.forget().hear(Peer.sends("ann", 1), alone)
    assert.deepStrictEqual(indexes(server), ["1: ann 1"])
    assert.deepStrictEqual(received(server), [])
  })

  it("waits while the app has not read its inbox, and is accepted once it has", () => {
    const server = leader()
    server.step({ _tag: "Room", limit: 1 })
    server.hear(Peer.sends("ann", 1), alone)
    server.forget().hear(Peer.sends("ann", 2), alone)
    server.hear(Peer.joins("bob"))
    assert.deepStrictEqual([server.said("CLIENT_ACK"), server.drops()], [[], ["InboxFull"]])
    server.step({ _tag: "Room", limit: 2 })
    assert.deepStrictEqual(acknowledged(server), [2])
    assert.deepStrictEqual(received(server), ["ann 2"])
  })

  it("that waits in a reign that is over is not accepted in the next without a word of the client", () => {
    const server = leader("a")
    server.hear(Peer.sends("ann", 2), alone)
    const { term } = server
    server.freeze(20_000).step({ _tag: "CheckPause" })
    server.advance(5_000)
    assert.isAbove(server.term, term)
    server.forget().step({ _tag: "Room", limit: 5 })
    assert.deepStrictEqual(server.said("CLIENT_DELIVER"), [])
    server.hear(Peer.sends("ann", 1), alone)
    assert.deepStrictEqual(received(server), ["ann 1"])
  })
})

describe("CLIENT_MESSAGE, to who does not lead", () => {
  it("by unicast: the client is told who does, once in 100 ms", () => {
    const server = follower()
    server.hear(Peer.sends("ann", 1), alone)
    server.hear(Peer.sends("ann", 2), alone)
    const notices = server.said("COORDINATOR")
    assert.deepStrictEqual(notices.map(({ message }) => message.leader?.id), [Peer.id("z")])
    server.advance(100).hear(Peer.sends("ann", 1), alone)
    assert.lengthOf(server.said("COORDINATOR"), 1)
  })

  it("by multicast: nothing is said", () => {
    const server = follower()
    server.hear(Peer.sends("ann", 1))
    assert.deepStrictEqual(server.says(), [])
    assert.deepStrictEqual(received(server), [])
  })
})

describe("the newest index", () => {
  const named = (server: Server) => server.said("SERVER_ALIVE").map(({ message }) => message.delivered)

  it("is named again 100 and 500 ms after the last that was relayed, and not before", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 1), alone)
    server.advance(60).hear(Peer.sends("ann", 2), alone)
    server.forget().advance(99)
    assert.deepStrictEqual(named(server), [])
    server.advance(2)
    assert.deepStrictEqual(named(server), [2])
    server.advance(200).hear(Peer.sends("ann", 3), alone)
    server.advance(250)
    assert.deepStrictEqual(named(server), [3])
    server.advance(400)
    assert.deepStrictEqual(named(server), [3])
    server.advance(3_000)
    assert.deepStrictEqual(named(server), [])
  })

  it("is named no more by who does not lead any more, but in its goodbye", () => {
    const server = leader("a")
    server.hear(Peer.sends("ann", 1), alone)
    server.forget().step({ _tag: "Leave" })
    server.advance(15)
    assert.deepStrictEqual(server.said("SERVER_LEAVING").map(({ message }) => message.delivered), [1])
    server.advance(305)
    assert.strictEqual(server.state.phase, "Leaving", "it stays 300 ms more to be asked")
    server.hear(Peer.misses({ term: server.state.election.last!.term, leader: Peer.id("m") }, 1), alone, Peer.client)
    assert.deepStrictEqual(indexes(server), ["1: ann 1"])
    assert.deepStrictEqual(named(server), [])
    server.advance(2)
    assert.strictEqual(server.state.phase, "Left")
  })

  it("who handed nothing on lately, or has nobody, is gone at once", () => {
    for (const server of [leader("a").advance(10), leader().advance(2_000)]) {
      server.step({ _tag: "Leave" })
      server.advance(22)
      assert.strictEqual(server.state.phase, "Left")
    }
    const old = leader("a")
    old.hear(Peer.sends("ann", 1), alone)
    old.advance(1_500).step({ _tag: "Leave" })
    old.advance(22)
    assert.strictEqual(old.state.phase, "Left")
  })

  it("tells who follows what it missed, also the last, from any server that follows the same reign", () => {
    const server = follower()
    server.hear(Peer.says("y", { type: "SERVER_RESPONSE", nonce: "1", interval: 500 }, {
      follows: Peer.reign(9, "z"),
      delivered: 2
    }))
    server.hear(Peer.says("y", { type: "SERVER_ALIVE", interval: 500 }, { follows: Peer.reign(8, "z"), delivered: 9 }))
    server.forget().advance(60)
    assert.deepStrictEqual(
      server.said("CLIENT_REPAIR").map(({ message, to }) => [message.from, message.to, to?.port]),
      [
        [1, 2, 4026]
      ]
    )
  })

  it("tells it from the goodbye of who led, and not from another's", () => {
    const goodbye = (from: string, term: number) => Peer.says(from, { type: "SERVER_LEAVING" }, { term, delivered: 3 })
    for (
      const [message, asks] of [[goodbye("z", 9), true], [goodbye("z", 8), false], [goodbye("y", 9), false]] as const
    ) {
      const server = follower()
      server.hear(Peer.alive("y"))
      server.hear(message)
      server.forget().advance(60)
      assert.strictEqual(server.said("CLIENT_REPAIR").length > 0, asks)
    }
    const server = follower()
    server.hear(Peer.says("z", { type: "STEPPING_DOWN", election: "", successor: null }, { term: 9, delivered: 3 }))
    server.forget().advance(60)
    assert.deepStrictEqual(server.said("CLIENT_REPAIR").map(({ to }) => to), [null], "of the group: nobody leads")
  })
})

describe("CLIENT_DELIVER", () => {
  it("is delivered by every server, in order, each once", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    for (const [index, seq] of [[2, 2], [1, 1], [2, 2], [3, 3]] as const) {
      server.hear(Peer.delivers("z", 9, index, "ann", seq))
    }
    assert.deepStrictEqual(received(server), ["ann 1", "ann 2", "ann 3"])
  })

  it("our own, back from the group, is dropped", () => {
    const server = leader()
    server.hear(Peer.sends("ann", 1), alone)
    const { message } = server.said("CLIENT_DELIVER")[0]!
    server.forget().hear(message)
    assert.deepStrictEqual([server.drops(), received(server)], [["Own"], []])
  })

  it("begins a newcomer that has not been told an index yet, if it is of the reign followed", () => {
    const server = Server.live({}, [Peer.alive("z")])
    server.hear(Peer.delivers("z", 9, 5, "ann", 5))
    assert.deepStrictEqual(received(server), [])
    server.hear(Peer.probe("z"))
    server.hear(Peer.says("z", { type: "SERVER_PROBE", nonce: "5" }, { follows: Peer.reign(9, "z") }))
    server.hear(Peer.delivers("y", 9, 5, "ann", 5))
    server.hear(Peer.delivers("z", 8, 5, "ann", 5))
    assert.deepStrictEqual(received(server), [])
    server.hear(Peer.delivers("z", 9, 6, "ann", 6))
    assert.deepStrictEqual(received(server), ["ann 6"])
  })

  it("what is missing before it is asked of the leader, where that was last heard, and lost after 2 s", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    server.hear(Peer.alive("z", Peer.reign(9, "z")), "multicast", Peer.elsewhere)
    server.hear(Peer.delivers("z", 9, 2, "ann", 2))
    server.forget().advance(60)
    assert.deepStrictEqual(server.said("CLIENT_REPAIR")[0]?.to, Peer.elsewhere)
    server.advance(6_000)
    assert.deepStrictEqual(server.tells().map(({ event }) => event), ["MessageLost", "MessageLost", "MessageReceived"])
  })

  it("a full inbox holds back what another leader relays", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    server.step({ _tag: "Room", limit: 1 })
    for (const at of [1, 2, 3]) server.hear(Peer.delivers("z", 9, at, "ann", at))
    assert.deepStrictEqual(received(server), ["ann 1"])
    server.step({ _tag: "Room", limit: 9 })
    assert.deepStrictEqual(received(server), ["ann 2", "ann 3"])
  })
})

describe("several messages in one datagram", () => {
  const ann = Peer.sender("ann")
  const reads = { ...Peer.joins("ann"), batches: true } as const
  const several = (seq: number, bodies: ReadonlyArray<string>, oldest = 1): Message.Of<"CLIENT_MESSAGE"> => ({
    ...Peer.sends("ann", seq, { oldest, body: bodies[0]! }),
    more: bodies.slice(1)
  })

  const relayed = (server: Server) => server.said("CLIENT_DELIVER").map(({ message }) => message.body)

  it("of a client are accepted in order, each once, and acknowledged together", () => {
    const server = leader()
    server.hear(reads)
    server.forget().hear(several(1, ["a", "b", "c"]), alone)
    assert.deepStrictEqual(
      server.sent.map(({ message }) =>
        message.type === "CLIENT_DELIVER"
          ? [message.index, message.seq, message.body]
          : [message.type, "seq" in message ? message.seq : 0]
      ),
      [[1, 1, "a"], [2, 2, "b"], [3, 3, "c"], ["CLIENT_ACK", 3]]
    )
    assert.deepStrictEqual(received(server), ["ann 1", "ann 2", "ann 3"])
  })

  it("repeated, stale, reordered and contradicted: each counts once, by the first body under its number", () => {
    const server = leader()
    server.hear(reads)
    server.forget().hear(several(3, ["c", "d"]), alone)
    assert.deepStrictEqual([acknowledged(server), received(server)], [[], []])
    server.hear(several(1, ["a", "b"]), alone)
    assert.deepStrictEqual(relayed(server), ["a", "b", "c", "d"])
    server.hear(several(1, ["a", "b"]), alone)
    assert.deepStrictEqual(acknowledged(server), [4], "always all that is accepted")
    server.hear(several(2, ["other", "other", "other", "e"]), alone)
    assert.deepStrictEqual(relayed(server), ["e"])
    server.hear(several(6, ["f"], 6), alone)
    server.hear(several(4, ["d", "e"], 4), alone)
    assert.deepStrictEqual(acknowledged(server), [6, 6])
    assert.deepStrictEqual(received(server), ["ann 1", "ann 2", "ann 3", "ann 4", "ann 5", "ann 6"])
  })

  it("of a client that takes them, relayed, for the acknowledgement, are acknowledged once in a reign", () => {
    const server = leader()
    server.hear(reads)
    const echo = (seq: number) => ({ ...several(seq, ["a", "b"]), echo: true as const })
    server.forget().hear(echo(1), alone)
    assert.deepStrictEqual(server.says(), ["CLIENT_DELIVER", "CLIENT_DELIVER", "CLIENT_ACK to client"])
    server.forget().hear(echo(1), alone)
    server.hear(echo(3), alone)
    assert.deepStrictEqual(server.says(), ["CLIENT_DELIVER", "CLIENT_DELIVER"])
    server.hear(several(3, ["a", "b"]), alone)
    assert.deepStrictEqual(acknowledged(server), [4], "it has not heard them")
    server.hear(echo(5))
    assert.deepStrictEqual(acknowledged(server), [6], "it may know of no leader")
  })

  it("are accepted as far as the client's turn and our own inbox have room", () => {
    const server = leader()
    server.hear(reads)
    server.forget().hear(several(63, ["a", "b", "c"]), alone)
    assert.deepStrictEqual(server.drops(), ["OutOfTurn"])
    server.step({ _tag: "Room", limit: 2 })
    server.hear(several(1, ["a", "b", "c"]), alone)
    assert.deepStrictEqual([acknowledged(server), server.drops()], [[2], ["InboxFull"]])
    server.step({ _tag: "Room", limit: 10 })
    assert.deepStrictEqual(acknowledged(server), [3])
  })

  it("of the leader are delivered as if they had come one by one, also repeated and reordered", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    const second = {
      ...Peer.delivers("z", 9, 3, "ann", 2),
      more: [{ body: "x" }, { client: Peer.sender("bob"), seq: 1, body: "y" }]
    }
    const first = { ...Peer.delivers("z", 9, 1, "bob", 0 + 5), more: [{ client: ann, seq: 1, body: "w" }] }
    server.hear(second)
    server.hear(first)
    server.hear(second)
    assert.deepStrictEqual(received(server).filter((one) => one.startsWith("ann")), ["ann 1", "ann 2", "ann 3"])
    assert.strictEqual(server.state.delivery.receiver.tracks[0]?.newest, 5)
    assert.deepStrictEqual(server.state.delivery.receiver.tracks[0]?.missing, [])
  })

  it("are read by an older program as the first alone: it asks for the others", () => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    const { more: _, ...first } = { ...Peer.delivers("z", 9, 1, "ann", 1), more: [{ body: "x" }] }
    server.hear(first)
    server.hear(
      Peer.says("z", { type: "SERVER_ALIVE", interval: 10_000 }, { follows: Peer.reign(9, "z"), delivered: 2 })
    )
    assert.strictEqual(received(server).length, 1)
    server.forget().advance(60)
    assert.deepStrictEqual(server.said("CLIENT_REPAIR").map(({ message: { from, to } }) => [from, to]), [[2, 2]])
  })

  it("are sent where all servers and clients have said that they read them, and acknowledged one by one where a client has not", () => {
    const server = leader()
    server.hear(reads)
    server.forget().hear(Peer.sends("ann", 1), alone)
    assert.deepStrictEqual(batched(server), ["CLIENT_DELIVER", "CLIENT_ACK"])
    server.hear(Peer.joins("bob"))
    server.forget().hear(Peer.sends("ann", 2), alone)
    assert.deepStrictEqual(batched(server), ["CLIENT_ACK"], "bob is too old")
    server.forget().hear({ ...Peer.sends("bob", 1), more: [1] }, alone)
    assert.deepStrictEqual(batched(server), ["CLIENT_DELIVER", "CLIENT_DELIVER", "CLIENT_ACK"], "by what it says")
    server.hear(Peer.joins("cat"))
    server.hear({ type: "CLIENT_LEAVE", client: Peer.sender("cat") })
    server.forget().hear(Peer.sends("ann", 3), alone)
    assert.deepStrictEqual(batched(server), ["CLIENT_DELIVER", "CLIENT_ACK"], "it has left")
    server.hear(Peer.alive("a"))
    server.forget().hear(Peer.sends("ann", 4), alone)
    assert.deepStrictEqual(batched(server), ["CLIENT_ACK"], "a server is too old")
    server.hear(Peer.alive(Peer.member("a", { incarnation: 2_000, batches: true })))
    server.forget().hear(Peer.sends("ann", 5), alone)
    assert.deepStrictEqual(batched(server), ["CLIENT_DELIVER", "CLIENT_ACK"])
  })

  it("answer who asks alone, if it says that it reads them; and the group, if all do", () => {
    const server = follower()
    server.hear(reads)
    server.hear({ ...Peer.delivers("z", 9, 1, "ann", 1), more: [{ body: "x" }] })
    const misses = Peer.misses({ client: ann.id }, 1, 2)
    server.forget().hear(misses, alone)
    assert.deepStrictEqual([batched(server), indexes(server)], [[], ["1: ann 1", "2: ann 2"]])
    server.forget().hear({ ...misses, batches: true }, alone)
    assert.lengthOf(batched(server), 2)
    server.forget().hear({ ...misses, batches: true })
    server.advance(20)
    assert.deepStrictEqual(batched(server), [], "z is too old")
  })
})

describe("CLIENT_REPAIR", () => {
  const reign9 = { term: 9, leader: Peer.id("z") }

  const keeps = (): Server => {
    const server = follower()
    server.hear(Peer.joins("ann"))
    for (const at of [1, 2, 3]) server.hear(Peer.delivers("z", 9, at, "ann", at))
    return server.forget()
  }

  it("by unicast is answered at once, to who asked, by index or by `seq`", () => {
    const server = keeps()
    server.hear(Peer.misses(reign9, 2, 9), alone)
    server.hear(Peer.misses({ client: Peer.sender("ann").id }, 1), alone)
    const said = server.said("CLIENT_DELIVER")
    assert.deepStrictEqual(said.map(({ message, to }) => [message.seq, message.from.id, to]), [
      [2, Peer.id("m"), Peer.client],
      [3, Peer.id("m"), Peer.client],
      [1, Peer.id("m"), Peer.client]
    ])
    server.hear(Peer.misses(reign9, 7), alone)
    assert.deepStrictEqual(server.says(), [])
  })

  it("by multicast is answered to the group within 20 ms, and not what another has said meanwhile", () => {
    const server = keeps()
    server.hear(Peer.misses(reign9, 1, 2))
    server.hear(Peer.misses(reign9, 2, 3))
    assert.deepStrictEqual(server.says(), [])
    server.hear(Peer.delivers("z", 9, 2, "ann", 2, "y"))
    server.advance(20)
    assert.deepStrictEqual(indexes(server), ["1: ann 1", "3: ann 3"])
    server.hear(Peer.misses(reign9, 7))
    server.advance(20)
    assert.deepStrictEqual(server.says(), [])
  })

  it("our own is not answered", () => {
    const server = keeps()
    server.hear(Peer.misses(reign9, 1), "multicast", server.state.self)
    server.advance(50)
    assert.deepStrictEqual([server.says(), server.drops()], [[], ["Own"]])
  })
})

describe("what is for clients only", () => {
  it("refreshes its sender and does nothing else", () => {
    const server = follower()
    const before = server.state.delivery
    server.hear(Peer.says("z", { type: "CLIENT_ACK", client: Peer.sender("ann").id, seq: 1 }, {
      follows: Peer.reign(9, "z")
    }))
    assert.strictEqual(server.state.delivery, before)
    assert.deepStrictEqual([server.says(), server.told()], [[], []])
    assert.isTrue(known(server, "ann")._tag === "None")
  })
})

describe("topics and large messages (protocol, Topics; Large messages)", () => {
  const newer = (name: string) => Peer.member(name, { batches: true, topics: true })
  const joins = (name: string): Message.Of<"CLIENT_JOIN"> => ({ ...Peer.joins(name), batches: true, topics: true })
  const on = (topic: string, seq: number, part?: Client.Part) => ({
    ...Peer.sends("ann", seq),
    ...Client.aboutOf({ topic, part })
  })
  const leads = (...others: ReadonlyArray<string>) => {
    const server = leader()
    for (const other of others) server.hear(Peer.alive(newer(other), server.state.election.reign!))
    return server.advance(5_000).forget()
  }
  const relayed = (server: Server) =>
    server.said("CLIENT_DELIVER").map(({ message: { part, seq, topic } }) => [seq, topic ?? "", part?.at ?? "whole"])
  const refusals = (server: Server) =>
    server.said("CLIENT_REFUSED").map(({ message: { client, older, seq }, to }) => [client, seq, older, to])

  it("are relayed as they were sent, and what shares a datagram with the first is of its topic", () => {
    const server = leads("a")
    server.hear({ ...on("orders", 1), more: ["b"] }, alone)
    server.hear(on("orders", 3, { at: 0, of: 2 }), alone)
    server.hear(on("orders", 4, { at: 1, of: 2 }), alone)
    assert.deepStrictEqual(relayed(server), [
      [1, "orders", "whole"],
      [2, "orders", "whole"],
      [3, "orders", 0],
      [4, "orders", 1]
    ])
  })

  it("reach those who subscribe with all their parts; the event of a large one has its size and no body", () => {
    const server = leads()
    server.hear(joins("ann"), alone)
    server.forget()
    const large = { text: "x".repeat(800) }
    const pieces = Parts.split(large, "orders")
    pieces.forEach((piece, at) => server.hear({ ...Peer.sends("ann", 1 + at), ...piece }, alone))
    const delivered = server.outputs.flatMap((output) => output._tag === "Deliver" ? [output.message] : [])
    assert.deepStrictEqual(delivered.map(({ body, parts, topic }) => [body, parts, topic]), [[large, 2, "orders"]])
    const event = server.tells().find((event) => event.event === "MessageReceived")
    assert.deepInclude(event, { seq: 2, topic: "orders", body: null, bytes: Client.bodyBytes(large) })
  })

  it("a part of which others are lost is counted", () => {
    const server = follower()
    server.hear(joins("ann"))
    server.hear({ ...Peer.delivers("z", 9, 1, "ann", 1), part: { at: 1, of: 2 } })
    assert.deepStrictEqual([server.drops(), received(server)], [["PartLost"], []])
  })

  it("are refused with their names while members or clients are there that would read them as something else", () => {
    const server = leads("a")
    for (const name of ["b", "c"]) server.hear(Peer.alive(name, server.state.election.reign!))
    server.hear(Peer.joins("dan"))
    server.hear(Peer.joins("eve"))
    server.forget().hear(on("orders", 1), alone)
    const [[client, seq, older, to] = []] = refusals(server)
    assert.deepStrictEqual([client, seq, to], [Peer.sender("ann").id, 1, Peer.client])
    assert.lengthOf(older as ReadonlyArray<string>, Message.maxOlder)
    assert.includeMembers([...older as ReadonlyArray<string>], ["b", "c"])
    server.hear({ ...Peer.sends("ann", 1), part: { at: 0, of: 2 } }, alone)
    assert.lengthOf(refusals(server), 1)
    server.hear({ ...Peer.sends("ann", 1), refused: 1 }, alone)
    assert.deepStrictEqual(relayed(server), [[1, "", "whole"]])
  })

  it("are refused again, and nothing behind them is accepted, until the client has heard of it", () => {
    const server = leads()
    server.hear(Peer.joins("dan"))
    server.hear(on("orders", 2), alone)
    server.hear({ type: "CLIENT_LEAVE", client: Peer.sender("dan") })
    server.forget().hear({ ...Peer.sends("ann", 1), more: ["b", "c"] }, alone)
    assert.deepStrictEqual(relayed(server), [[1, "", "whole"]])
    server.hear(on("orders", 2), alone)
    server.hear(on("orders", 3), alone)
    assert.deepStrictEqual(refusals(server).map(([_, seq, older]) => [seq, older]), [[2, ["dan"]], [3, ["dan"]]])
    server.forget().hear({ ...Peer.sends("ann", 2, { oldest: 2 }), refused: 1 }, alone)
    assert.deepStrictEqual(relayed(server), [[2, "", "whole"]])
  })

  it("of a lower count are late: their numbers are other messages' by now", () => {
    const server = leads()
    server.hear(Peer.joins("dan"))
    server.hear(on("orders", 1), alone)
    server.hear({ type: "CLIENT_LEAVE", client: Peer.sender("dan") })
    server.hear({ ...Peer.sends("ann", 2, { oldest: 1 }), refused: 1 }, alone)
    server.forget()
    server.hear(on("orders", 1), alone)
    assert.deepStrictEqual([refusals(server), relayed(server), server.drops()], [[], [], ["OutOfTurn"]])
    server.hear({ ...Peer.sends("ann", 1), refused: 1 }, alone)
    assert.deepStrictEqual(relayed(server), [[1, "", "whole"], [2, "", "whole"]])
  })

  it("that waited for one before them are refused if an older one has come meanwhile", () => {
    const server = leads()
    server.hear(on("orders", 2), alone)
    server.hear(Peer.joins("dan"))
    server.forget().hear(Peer.sends("ann", 1), alone)
    assert.deepStrictEqual(relayed(server), [[1, "", "whole"]])
    server.hear(on("orders", 2), alone)
    assert.lengthOf(refusals(server), 1)
  })

  it("are accepted again once those have left or say that they read topics; a client that sends one does", () => {
    const server = leads()
    server.hear(Peer.joins("dan"))
    server.hear(Peer.joins("eve"))
    server.forget().hear(on("orders", 1), alone)
    assert.lengthOf(refusals(server), 1)
    server.hear({ type: "CLIENT_LEAVE", client: Peer.sender("dan") })
    server.hear(joins("eve"))
    server.forget().hear({ ...on("orders", 1), refused: 1 }, alone)
    assert.deepStrictEqual(relayed(server), [[1, "orders", "whole"]])
  })

  it("one that is accepted already is acknowledged again, even if older ones have come since", () => {
    const server = leads()
    server.hear(joins("ann"), alone)
    server.hear(on("orders", 1), alone)
    server.hear(Peer.joins("dan"))
    server.forget().hear(on("orders", 1), alone)
    assert.deepStrictEqual(acknowledged(server), [1])
  })

  it("that another leader has accepted meanwhile are waited for no more: the next says which is the oldest", () => {
    const server = leads()
    server.hear(Peer.joins("dan"))
    server.hear(on("orders", 1), alone)
    server.hear(Peer.sends("ann", 2), alone)
    server.forget().hear(Peer.sends("ann", 2, { oldest: 2 }), alone)
    assert.deepStrictEqual(relayed(server), [[2, "", "whole"]])
  })
})
