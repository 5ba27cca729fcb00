/** Who took long to answer lately is asked for longer before it is removed (protocol 4, watching). */
import { assert, describe, it } from "@effect/vitest"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive } = Peer

/** A server beside `a` and `b`; `a` was silent for so long that it was asked, and answered after so many ms. */
const slow = (took: number): Server => {
  const server = Server.live({}, [alive("a"), alive("b")])
  server.advance(15_001).hear(alive("b"))
  server.step({ _tag: "Sweep" })
  const nonce = server.said("SERVER_PROBE").at(-1)?.message.nonce ?? ""
  server.advance(took)
  server.hear(Peer.response("a", nonce), "unicast")
  server.hear(alive("b"))
  return server.forget()
}

/** When `a` is asked from now on, in ms, until it is a member no more; and how long that takes. */
const asked = (server: Server) => {
  const start = server.now
  const at: Array<number> = []
  while (server.members.includes("a") && server.now - start < 20_000) {
    server.forget().advance(50)
    if (server.said("SERVER_PROBE").some(({ to }) => to === server.knows("a").address)) at.push(server.now - start)
    if (server.now % 5_000 < 50) server.hear(alive("b"))
  }
  return { at, for: server.now - start }
}

describe("a member that is asked before it is removed (protocol 4, watching)", () => {
  it("has twice the longest time that it took to answer lately, and after the last question probeTimeout", () => {
    const server = slow(2_000)
    server.advance(29_000).hear(alive("b"))
    server.step({ _tag: "Sweep" })
    const { at, for: lasted } = asked(server)
    assert.strictEqual(lasted, 4_000)
    assert.deepStrictEqual(at, [1_000, 1_950, 2_900, 3_850])
  })

  it("has no more than its patience, counted from when it was overdue", () => {
    const server = slow(14_000)
    server.advance(30_001).hear(alive("b"))
    server.step({ _tag: "Sweep" })
    assert.strictEqual(asked(server).for, 15_000)
  })

  it("has that time once: who let all questions go by is not waited for so long again", () => {
    const server = slow(2_000)
    server.advance(20_000).hear(alive("b"))
    server.step({ _tag: "Sweep" })
    server.advance(4_000).hear(alive("b"))
    assert.deepStrictEqual([server.checked, server.members], [[], ["b", "a"]])
    server.advance(6_001).hear(alive("b"))
    server.step({ _tag: "Sweep" })
    assert.strictEqual(asked(server).for, 750)
  })
})
