import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Step from "../../src/protocol/Step.ts"
import * as Explorer from "../../src/simulator/Explorer.ts"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as Peer from "../protocol/harness/Peer.ts"
import { timing } from "../protocol/harness/Server.ts"
import { boundsOf, lease } from "./Frontier.ts"
import * as Mutants from "./Mutants.ts"
import { mutants } from "./VoterMutants.ts"

/** Servers and voters of a run: the highest ranked ones have no vote. */
const groups = [[5, 3], [4, 1], [6, 3]] as const

const run = (seed: number, faults: "wild" | "harsh", transition?: typeof Step.step) => {
  const [servers, voters] = groups[seed % groups.length]!
  return Simulation.run({
    servers,
    voters,
    seed,
    millis: 60_000,
    faults,
    settings: { profile: "fast", leadership: "lease", groupSize: voters },
    transition,
    untilViolation: true
  }).pipe(Effect.orDie, Effect.provide(Logger.layer([])))
}

/** Whether a server tells that more voters live than there may be, beside two of three voters and two servers without a vote. */
const tellsOfTooMany = (step: typeof Step.step): boolean => {
  const self = Peer.member("m")
  let state = Step.make({
    timing: timing({ lease: { groupSize: 3, duration: 1_500, drift: 0.01 } }, "fast"),
    self,
    addresses: [{ ip: self.ip, port: self.port }],
    monotonic: 0
  })
  const told: Array<string> = []
  const take = (input: Step.Input, monotonic: number) => {
    const [after, outputs] = step(state, input, { monotonic, wall: 1_000_000 + monotonic, entropy: monotonic })
    state = after
    for (const output of outputs) if (output._tag === "Emit") told.push(output.event.event)
  }
  take({ _tag: "Start" }, 0)
  for (let now = 100; now < 8_000; now += 100) {
    for (const name of ["a", "b", "y", "z"]) {
      const alive = Peer.alive(name)
      const message = name < "m" || alive.type !== "SERVER_ALIVE" ? alive : { ...alive, silent: 86_400_000 }
      take({ _tag: "Received", message, via: "multicast", from: alive.sender }, now)
    }
    take({ _tag: "Sweep" }, now)
  }
  return told.includes("GroupTooLarge")
}

describe("servers without a vote come and go beside voters (protocol, servers without a vote)", () => {
  for (const [faults, seeds] of [["wild", [1, 3]], ["harsh", [2, 4]]] as const) {
    it.effect(`nothing promised is broken where faults are ${faults}`, () =>
      Effect.gen(function*() {
        for (const seed of seeds) {
          const { led, violations } = yield* run(seed, faults)
          assert.deepStrictEqual(violations, [])
          const voters = groups[seed % groups.length]![1]
          assert.isTrue(led.length > 0 && led.every(({ server }) => server < voters))
        }
      }), 120_000)
  }

  it("nor in every state that two voters of three, and one without a vote, are seen to get into", () => {
    const found = Explorer.explore({
      from: "settled",
      bounds: boundsOf("lease"),
      voters: 2,
      states: 1_000,
      seed: 1,
      timing: lease
    })
    assert.isNull(found.violation, JSON.stringify(found.violation))
    assert.strictEqual(found.states, 1_000)
  }, 60_000)

  it("a group of as many voters as groupSize is not told to be too large", () => {
    assert.isFalse(tellsOfTooMany(Step.step))
  })

  for (const mutant of mutants) {
    it.effect(`it is seen where ${mutant.name}`, () =>
      Effect.gen(function*() {
        const { step } = yield* Effect.promise(() => Mutants.load(mutant))
        if (mutant.by === "crowd") return assert.isTrue(tellsOfTooMany(step))
        for (let seed = 1; seed <= 6; seed += 1) {
          const { violations: [violation] } = yield* run(seed, "harsh", step)
          if (violation !== undefined) return assert.include(["majorityBound", "oneLeader"], violation.invariant)
        }
        assert.fail("not seen: a hole in the invariants")
      }), 120_000)
  }
})
