/** Sessions that cannot begin (protocol, Grants): the app hears why. */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import { limits } from "../../src/protocol/model/Grants.ts"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import { Server } from "./harness/Server.ts"

const alone: Lease.Agreement = { groupSize: 1, duration: 1_500, drift: 0.01 }

const live = (lease: Lease.Agreement | null = alone) => Server.live({ timing: { lease, stopTimeout: 300 } })

const hold = (server: Server, hold: number): void => {
  server.step({ _tag: "Hold", hold, space: `lock ${hold}`, count: 1, expiry: 6_000, wanted: [0], weight: 1 })
}

const refusals = ({ outputs }: Server) =>
  outputs.flatMap((output) => output._tag === "HoldRefused" ? [[output.hold, output.why]] : [])

describe("a session that cannot begin (protocol, Grants)", () => {
  it("is refused where the server has as many as it may, and counted; what it holds is left alone", () => {
    const server = live()
    for (let number = 1; number <= limits.holdings; number++) hold(server, number)
    assert.deepStrictEqual(refusals(server), [])
    server.forget()
    hold(server, limits.holdings + 1)
    assert.deepStrictEqual(refusals(server), [[limits.holdings + 1, "Full"]])
    assert.deepStrictEqual(server.drops(), ["GrantsFull"])
    assert.strictEqual(HashMap.size(server.state.grants.holdings), limits.holdings)
  })

  it("is refused without a lease", () => {
    const server = live(null)
    hold(server, 1)
    assert.deepStrictEqual(refusals(server), [[1, "Full"]])
  })

  it("is refused while its server leaves: it takes nothing any more", () => {
    const server = live()
    server.step({ _tag: "Leave" })
    hold(server, 1)
    assert.deepStrictEqual(refusals(server), [[1, "Left"]])
    assert.isTrue(HashMap.isEmpty(server.state.grants.holdings))
  })

  it("is told so too where it waits when its server leaves, unless its app has ended it", () => {
    const server = live()
    hold(server, 1)
    hold(server, 2)
    server.step({ _tag: "Unhold", hold: 2, finished: true })
    server.step({ _tag: "Leave" })
    assert.deepStrictEqual(refusals(server), [[1, "Left"]])
  })
})
