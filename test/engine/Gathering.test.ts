/** Which relayed messages wait for those of other clients (protocol, Several messages in one datagram). */
import { assert, describe, it } from "@effect/vitest"
import * as Gathering from "../../src/engine/Gathering.ts"
import type * as Batch from "../../src/protocol/delivery/Batch.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Peer from "../protocol/harness/Peer.ts"

const send = (message: Message.Message, batches = true): Batch.Outgoing => ({
  _tag: "Send",
  to: [null],
  message,
  batches
})

const relays = (...clients: ReadonlyArray<string>) =>
  clients.map((client, at) => send(Peer.delivers("z", 9, at + 1, client, at + 1)))

const ack = send(Peer.says("z", { type: "CLIENT_ACK", client: Peer.sender("ann").id, seq: 1 }))

describe("messages that are relayed", () => {
  it("wait for nobody where one client alone speaks", () => {
    const waits = Gathering.make()
    for (let now = 0; now < 5; now++) assert.isFalse(waits(relays("ann"), now))
  })

  it("wait while another client that spoke a moment ago has not", () => {
    const waits = Gathering.make()
    assert.isFalse(waits(relays("ann", "bob"), 0))
    assert.isTrue(waits(relays("bob"), 9))
    assert.isFalse(waits(relays("ann", "bob"), 9), "all have")
    assert.isFalse(waits(relays("bob"), 19), "it has been silent for too long")
  })

  it("wait for no more once they fill several datagrams", () => {
    const waits = Gathering.make()
    waits(relays("ann", "bob"), 0)
    assert.isTrue(waits(relays(...Array.from({ length: 63 }, () => "ann")), 1))
    assert.isFalse(waits(relays(...Array.from({ length: 64 }, () => "ann")), 1))
  })

  it("never keep anything else waiting", () => {
    const waits = Gathering.make()
    waits(relays("ann", "bob"), 0)
    const alive = Peer.says("z", { type: "SERVER_ALIVE", interval: 10_000 })
    assert.isTrue(waits([...relays("ann"), ack], 1), "but the acknowledgements of it")
    assert.isFalse(waits([...relays("ann"), send(alive, false)], 2))
    assert.isFalse(waits([...relays("ann"), { _tag: "Farewell" }], 3))
    assert.isFalse(waits([ack], 4))
  })
})
