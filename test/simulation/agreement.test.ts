/** When a group that was left in peace has agreed, and when it need not have yet. */
import { assert, describe, it } from "@effect/vitest"
import * as Election from "../../src/protocol/model/Election.ts"
import type { State } from "../../src/protocol/model/State.ts"
import * as Agreement from "../../src/simulator/Agreement.ts"
import { Server } from "../protocol/harness/Server.ts"

/** Two servers that follow the first one, which ends its work; the second has a greater priority, and lost a lead so long ago. */
const handingOver = (lostAgo: number | null): ReadonlyArray<State> => {
  const { state } = Server.live()
  const ofPriority = (priority: number): State => ({
    ...state,
    self: { ...state.self, id: `000000000000000${priority}` as typeof state.self.id, priority }
  })
  const [low, high] = [ofPriority(0), ofPriority(5)]
  const { id, incarnation, ip, port, priority } = low.self
  const reign = { term: 7, leader: { id, incarnation, ip, port, priority } }
  const election = { ...Election.make(0), reign }
  const losses = lostAgo === null
    ? election.losses
    : { ...election.losses, count: 1, lostAt: -lostAgo, wholeSince: -lostAgo }
  return [
    { ...low, election: { ...election, ending: "HigherRank" }, members: [high.self] },
    { ...high, election: { ...election, losses }, members: [low.self] }
  ]
}

const clocks = () => ({ monotonic: 0, wall: 0, sinceBoot: 0 })

describe("a group that was left in peace (promises, Under faults)", () => {
  it("may be handing the lead to one that has only just waited for as long as it has to", () => {
    assert.isNull(Agreement.disagreement(handingOver(1_000), clocks))
    assert.isFinite(Agreement.agreesFor(handingOver(1_000), clocks))
  })

  it("has a leader that leads where nobody has waited, or has long waited", () => {
    for (const ago of [null, 1e12]) {
      assert.match(Agreement.disagreement(handingOver(ago), clocks) ?? "", /who does not lead$/)
    }
  })
})
