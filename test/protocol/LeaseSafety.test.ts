/**
 * The promise of a majority lease as a property: never two leaders at one instant of true time, a majority that is bound to
 * each lease for longer than it lasts, and terms that grow, also where messages are lost, doubled and late, servers crash, are suspended and restart, and clocks drift within what is allowed
 * for (protocol, majority lease).
 *
 * `BELLWETHER_LEASE_RUNS=2000 npm test -- test/protocol/LeaseSafety.test.ts` runs that many of each kind.
 */
import { assert, describe, it } from "@effect/vitest"
import { env } from "node:process"
import { live } from "./harness/LeaseTrial.ts"

const runs = Number(env["BELLWETHER_LEASE_RUNS"] ?? 25)

const kinds = [
  [3, 0.01, "kept"],
  [5, 0.01, "kept"],
  [3, 0.05, "kept"],
  [5, 0.02, "kept"],
  // Terms need wall clocks that agree; that there are never two does not.
  [3, 0.05, "wild"],
  [5, 0.02, "wild"]
] as const

describe("a majority lease (protocol, majority lease)", () => {
  for (const [size, drift, wallClocks] of kinds) {
    const what = wallClocks === "kept" ? ", and terms that grow" : ", also with wall clocks far apart"
    it(`of ${size} servers, clocks off by ${drift * 100} %: never two leaders${what}`, {
      timeout: 3_600_000
    }, () => {
      let reigns = 0
      for (let seed = 1; seed <= runs; seed += 1) {
        const cluster = live(size, seed, { drift, wallClocks })
        assert.deepStrictEqual(cluster.violations, [], `seed ${seed}`)
        reigns += cluster.led.length
      }
      assert.isAbove(reigns, 2 * runs, "the lead must change hands for this to say anything")
    })
  }

  it("there is a leader again when trouble ends", { timeout: 3_600_000 }, () => {
    let without = 0
    for (let seed = 1; seed <= runs; seed += 1) {
      const cluster = live(3, 10_000 + 3 * seed, { drift: 0.01 })
      if (cluster.leaders.length === 0) without += 1
    }
    assert.isAtMost(without, runs / 10)
  })
})
