/** How often sessions ask that wait (protocol, Grants): one server with many of them does not keep its leader busy. */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import { Server } from "./harness/Server.ts"

const alone = { groupSize: 1, duration: 1_500, drift: 0.01 }
const expiry = 60_000

/** In how many ms each session asks next that waits, of so many that want one lock, of which the first has it. */
const gapsOf = (sessions: number): ReadonlyArray<number> => {
  const server = Server.live({ timing: { lease: alone, stopTimeout: 300 } })
  server.advance(expiry + 10_000)
  for (let hold = 1; hold <= sessions; hold++) {
    server.step({ _tag: "Hold", hold, space: "lock shared", count: 1, expiry, wanted: [0], weight: 1 })
  }
  // Each has asked once more, knowing of the others.
  server.advance(5_000)
  const waiting = [...HashMap.values(server.state.grants.holdings)].filter(({ held }) => HashMap.isEmpty(held))
  assert.lengthOf(waiting, sessions - 1)
  return waiting.map(({ askAt }) => askAt - server.now)
}

describe("sessions that wait (protocol, Grants)", () => {
  it("ask every half second, where they are few", () => {
    assert.isAtMost(Math.max(...gapsOf(50)), 500)
  })

  it("ask less often the more they are: a hundred times a second in all", () => {
    const gaps = gapsOf(200)
    assert.isAbove(Math.max(...gaps), 1_000)
    assert.isAtMost(Math.max(...gaps), 2_000)
  })
})
