/** The end of a session, as the leader hears of it (protocol, Grants). */
import { assert, describe, it } from "@effect/vitest"
import type * as Message from "../../src/protocol/model/Message.ts"
import { Server } from "./harness/Server.ts"

const alone = { groupSize: 1, duration: 1_500, drift: 0.01 }

const leading = () => {
  const server = Server.live({ timing: { lease: alone, stopTimeout: 300, memberTimeout: 3_000 } })
  server.advance(20_000)
  server.forget()
  return server
}

const ask = (server: Server, more: Partial<Message.Of<"GRANTS_ASK">>): Message.Of<"GRANTS_ASK"> => ({
  type: "GRANTS_ASK",
  from: { id: "00000000000000aa" as never, incarnation: 7 },
  term: server.state.election.reign!.term,
  session: "0123456789abcdef" as never,
  seq: 1 as never,
  space: "lock shared",
  count: 1,
  expiry: 6_000,
  held: "",
  wanted: "AQ",
  ...more
})

describe("the end of a session (protocol, Grants)", () => {
  it("is read when its server has said goodbye before: what it held is free at once; it is answered nothing", () => {
    const server = leading()
    server.hear(ask(server, { over: true, wanted: "" }))
    assert.deepStrictEqual(server.drops(), [])
    assert.deepStrictEqual(server.sent, [])
  })

  it("is all that is read of a server that is no member", () => {
    const server = leading()
    server.hear(ask(server, {}))
    assert.deepStrictEqual(server.drops(), ["NoMember"])
  })
})
