/**
 * What a server publishes itself (protocol, Servers that publish).
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Flights from "../../src/protocol/delivery/Flights.ts"
import * as Client from "../../src/protocol/model/Client.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const newer = (name: string) => Peer.member(name, { batches: true, topics: true })
const self = newer("m")

/** One that leads alone. */
const leader = (): Server => {
  const server = Server.live({ self })
  server.advance(5_000)
  assert.isTrue(server.leads)
  return server.forget()
}

const alive = (name: string, term = 9, leads = name) =>
  Peer.says(newer(name), { type: "SERVER_ALIVE", interval: 10_000 }, { follows: Peer.reign(term, newer(leads)) })

/** One that follows `z` in term 9. */
const follower = (): Server => Server.live({ self }, [alive("z")])

const publish = (
  server: Server,
  ticket: number,
  body: Client.Body = `m ${ticket}`,
  topic: string | undefined = body === "for all" ? undefined : "orders"
) => server.step({ _tag: "Publish", ticket, body, topic })

const done = (server: Server) =>
  server.outputs.flatMap((output) =>
    output._tag === "Published"
      ? [`${output.ticket} is ${output.seq}`]
      : output._tag === "NotPublished"
      ? [`${output.ticket} is not: ${output.older.join() || "full"}`]
      : []
  )

const sent = (server: Server) =>
  server.said("CLIENT_MESSAGE").map(({ message: { oldest, seq }, to }) =>
    `${seq} from ${oldest} to ${to === null ? "all" : Peer.nameOf(to)}`
  )

const clientOf = (server: Server) => server.state.publisher!.client

const acks = (server: Server, seq: number, from = "z", term = 9) =>
  Peer.says(newer(from), { type: "CLIENT_ACK", client: clientOf(server).id, seq }, {
    follows: Peer.reign(term, newer(from))
  })

const relays = (server: Server, seq: number): Message.Of<"CLIENT_DELIVER"> => ({
  ...Peer.delivers("z", 9, seq, "ann", seq),
  client: clientOf(server)
})

describe("a server that leads", () => {
  it("accepts what it publishes, relays it, and says nothing to itself", () => {
    const server = leader()
    publish(server, 1)
    publish(server, 2, "x".repeat(1_200))
    const delivers = server.sent.filter(({ message }) => message.type === "CLIENT_DELIVER")
    assert.deepStrictEqual(delivers.map(({ to }) => to), [null, null, null, null])
    assert.deepStrictEqual(server.said("CLIENT_ACK"), [])
    assert.deepStrictEqual(done(server), ["1 is 1", "2 is 4"])
    const received = server.outputs.flatMap((output) => output._tag === "Deliver" ? [output.message] : [])
    assert.deepStrictEqual(received.map(({ client, seq, topic }) => [client.name, seq, topic]), [
      ["m", 1, "orders"],
      ["m", 4, "orders"]
    ])
  })

  it("has its client among the clients: it joins at once, and says so again with each heartbeat interval", () => {
    const server = leader()
    publish(server, 1)
    assert.isTrue(HashMap.has(server.state.delivery.clients, clientOf(server).id))
    assert.deepInclude(server.said("CLIENT_JOIN")[0]?.message, { seq: 0, batches: true, topics: true })
    server.advance(100_000).step({ _tag: "Sweep" })
    assert.isTrue(HashMap.has(server.state.delivery.clients, clientOf(server).id))
    assert.lengthOf(server.sent.filter(({ message }) => message.type === "CLIENT_JOIN"), 10)
    assert.deepStrictEqual(server.said("CLIENT_WELCOME"), [])
  })

  it("accepts a large message some parts at a time, until all of it is accepted", () => {
    const server = leader()
    publish(server, 1, "x".repeat(200_000))
    assert.deepStrictEqual(done(server), [])
    assert.isAtMost(server.sent.filter(({ message }) => message.type === "CLIENT_DELIVER").length, Client.window)
    server.advance(50)
    assert.deepStrictEqual(done(server), [`1 is ${Math.ceil(200_002 / 510)}`])
  })

  it("waits while its own inbox is full", () => {
    const server = leader()
    publish(server, 1)
    server.step({ _tag: "Room", limit: 1 })
    server.forget()
    publish(server, 2)
    assert.deepStrictEqual([done(server), server.drops()], [[], ["InboxFull"]])
    server.step({ _tag: "Room", limit: 10 })
    assert.deepStrictEqual(done(server), ["2 is 2"])
  })
})

describe("a server that leads and cannot accept", () => {
  it("since it knows too many clients: keeps what it publishes until one has left", () => {
    const server = Server.live({ self, timing: { maxClients: 1 } })
    server.advance(5_000)
    server.hear({ ...Peer.joins("ann"), topics: true })
    server.forget()
    publish(server, 1)
    assert.deepStrictEqual(done(server), [])
    assert.include(server.drops(), "ClientsFull")
    server.hear({ type: "CLIENT_LEAVE", client: Peer.sender("ann") })
    server.advance(1_000)
    assert.deepStrictEqual(done(server), ["1 is 1"])
  })

  it("since it ends its work to lead no more: says nothing to itself, and gives it to the next leader", () => {
    const server = Server.live({ self, work: "by hand" }, [Peer.alive(newer("a"))])
    server.advance(5_000)
    assert.isTrue(server.leads)
    server.step({ _tag: "Resign" })
    server.forget()
    publish(server, 1)
    server.advance(250)
    assert.deepStrictEqual([sent(server), done(server)], [[], []])
    server.step({ _tag: "WorkEnded" })
    const { term } = server.state.election.last!
    server.forget().hear(alive("a", term + 1))
    assert.deepStrictEqual(sent(server), ["1 from 1 to a"])
  })
})

describe("a server that follows", () => {
  it("sends to the leader, again until it has it, and takes its acknowledgement or the message, relayed", () => {
    const server = follower()
    publish(server, 1)
    publish(server, 2)
    assert.deepStrictEqual(sent(server), ["1 from 1 to z", "2 from 1 to z"])
    server.hear(acks(server, 1))
    assert.deepStrictEqual(done(server), ["1 is 1"])
    server.forget().advance(250)
    assert.deepStrictEqual(sent(server), ["2 from 2 to z"])
    server.hear(relays(server, 2))
    server.hear(relays(server, 2))
    assert.deepStrictEqual(done(server), ["2 is 2"])
    server.forget().advance(5_000)
    assert.deepStrictEqual(sent(server), [])
  })

  it("is told nothing by acknowledgements of others, or of what it has not sent", () => {
    const server = follower()
    server.hear(Peer.delivers("z", 9, 1, "ann", 1))
    publish(server, 1)
    server.hear(acks(server, 5))
    server.hear({ ...acks(server, 1), client: Peer.sender("ann").id } as Message.Message)
    server.hear(Peer.delivers("z", 9, 2, "ann", 1))
    assert.deepStrictEqual(done(server), [])
  })

  it("sends all that is not acknowledged to the next leader, at once", () => {
    const server = follower()
    publish(server, 1)
    server.forget().hear(alive("y", 10))
    assert.deepStrictEqual(sent(server), ["1 from 1 to y"])
    server.hear(acks(server, 1, "y", 10))
    assert.deepStrictEqual(done(server), ["1 is 1"])
  })

  it("accepts it itself where it leads next, once", () => {
    const server = follower()
    publish(server, 1)
    server.forget().hear(Peer.leaving(newer("z"), { term: 9 }))
    server.advance(10_000)
    assert.isTrue(server.leads)
    assert.deepStrictEqual(done(server), ["1 is 1"])
  })

  it("keeps what it publishes while nobody leads", () => {
    const server = Server.live({ self, timing: { minimumMembers: 2 } })
    publish(server, 1)
    server.advance(1_000)
    assert.deepStrictEqual([sent(server), done(server)], [[], []])
    server.hear(alive("z"))
    assert.deepStrictEqual(sent(server), ["1 from 1 to z"])
  })
})

describe("what is not sent", () => {
  it("while a member is there that would read it as something else: the error names it", () => {
    const server = follower()
    server.hear(Peer.alive("a", Peer.reign(9, newer("z"))))
    publish(server, 1)
    publish(server, 2, "x".repeat(600))
    assert.deepStrictEqual(done(server), ["1 is not: a", "2 is not: a"])
    assert.deepStrictEqual(sent(server), [])
  })

  it("is what the leader refuses; a refusal of another, or of nothing that is on its way, means nothing", () => {
    const server = follower()
    publish(server, 1)
    const refuses = (from: string, seq: number, client = clientOf(server).id) =>
      Peer.says(newer(from), { type: "CLIENT_REFUSED", client, seq, older: ["old"] }, {
        follows: Peer.reign(9, newer("z"))
      })
    server.hear(refuses("a", 1))
    server.hear(refuses("z", 2))
    server.hear(refuses("z", 1, Peer.sender("ann").id))
    assert.deepStrictEqual(done(server), [])
    server.hear(refuses("z", 1))
    server.hear(refuses("z", 1))
    assert.deepStrictEqual(done(server), ["1 is not: old"])
  })

  it("is what waits in a server that leads when one that is too old comes: it is not relayed later, and leaves no gap", () => {
    const server = leader()
    publish(server, 1)
    server.step({ _tag: "Room", limit: 1 })
    publish(server, 2)
    publish(server.forget(), 3, "for all")
    server.hear(Peer.alive("a", server.state.election.reign!))
    assert.deepStrictEqual(done(server), ["2 is not: a"])
    server.step({ _tag: "Room", limit: 10 })
    const relayed = server.said("CLIENT_DELIVER").map(({ message: { body, seq } }) => [seq, body])
    assert.deepStrictEqual([relayed, done(server)], [[[2, "for all"]], ["2 is not: a", "3 is 2"]])
  })

  it("leaves its number to the next message where no leader was given it, whether it was refused or not", () => {
    const waiting = [1, 2].reduce((all, ticket) => Flights.add(all, { ticket, body: `m ${ticket}` })!, Flights.none)
    const launched = Flights.launch(waiting, 0)
    for (const isRefused of [true, false]) {
      const { flights, seq } = Flights.giveUp(launched, 1, 10, isRefused)
      assert.deepStrictEqual([flights.map((flight) => [flight.ticket, flight.seq]), seq], [[[2, 1]], 1])
    }
    const given = Flights.giveUp(Flights.sent(launched, 0), 1, 10, false)
    assert.deepStrictEqual([given.flights.map((flight) => flight.seq), given.seq], [[2], 2])
  })

  it("is not what a leader that reads topics was given already: it refuses that, or has relayed it", () => {
    const server = follower()
    publish(server, 1)
    server.hear(Peer.alive("a", Peer.reign(9, newer("z"))))
    publish(server, 2)
    assert.deepStrictEqual(done(server), ["2 is not: a"])
    server.hear(acks(server, 1))
    assert.deepStrictEqual(done(server), ["2 is not: a", "1 is 1"])
  })

  it("is one too many, and what is taken back before it goes out", () => {
    const server = follower()
    publish(server, 1, "x".repeat(600_000))
    publish(server, 2)
    assert.deepStrictEqual(done(server), ["2 is not: full"])
    server.step({ _tag: "Unpublish", ticket: 1 })
    assert.isAbove(server.state.publisher!.queue.length, 0)
    const other = Server.live({ self, timing: { minimumMembers: 2 } })
    other.step({ _tag: "Unpublish", ticket: 1 })
    publish(other, 1)
    other.step({ _tag: "Unpublish", ticket: 1 })
    other.hear(alive("z"))
    assert.deepStrictEqual(sent(other), [])
  })

  it("is anything more once the server leaves: its client leaves too", () => {
    const server = follower()
    publish(server, 1)
    server.step({ _tag: "Leave" })
    assert.lengthOf(server.said("CLIENT_LEAVE"), 1)
    publish(server, 2)
    server.hear(alive("z"))
    assert.isNull(server.state.publisher)
    assert.deepStrictEqual(done(server), [])
  })
})

describe("a group without multicast", () => {
  it("gets a client that joins from a member's address no second copy", () => {
    const server = follower()
    server.hear({ ...Peer.joins("ann"), topics: true }, "unicast", newer("z"))
    const known = HashMap.getUnsafe(server.state.delivery.clients, Peer.sender("ann").id)
    assert.strictEqual(known.unicastUntil, -Infinity)
  })
})
