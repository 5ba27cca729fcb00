/**
 * What is asked of a group in which something is not whole for longer (docs/promises.md, Under faults): each invariant sees
 * a server that does it wrong.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Timers from "../../src/protocol/model/Timers.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Faults from "../../src/simulator/Faults.ts"
import * as FaultText from "../../src/simulator/FaultText.ts"
import type * as Invariants from "../../src/simulator/Invariants.ts"
import * as LinkGraph from "../../src/simulator/LinkGraph.ts"
import * as Simulation from "../../src/simulator/Simulation.ts"
import * as GraphRuns from "./GraphRuns.ts"

/** The highest ranked does not hear the lowest, nor that one it. */
const chain = LinkGraph.make(3, [[0, 2], [2, 0]])

const firstOf = ({ violations }: Simulation.Report, invariant: Invariants.Name) =>
  violations.find((violation) => violation.invariant === invariant)?.what

const checksOf = ({ verdicts }: Simulation.Report, invariant: Invariants.Name) =>
  verdicts.find((verdict) => verdict.invariant === invariant)?.checks ?? 0

describe("where links are missing for good", () => {
  it.effect("a server that hears nobody, though all reach each other, is seen", () =>
    Effect.gen(function*() {
      const graph = LinkGraph.make(3, [[0, 1]])
      const transition: typeof Step.step = (state, input, now) =>
        state.self.name === "s0" && input._tag === "Received" ? [state, []] : Step.step(state, input, now)
      const report = yield* GraphRuns.run(graph, { leadership: "bully", since: "later", transition })
      assert.match(
        firstOf(report, "settlesWhereConnected") ?? "",
        / though s0 s1 s2 reach each other over 2 links at most$/
      )
    }))

  it.effect("with a lease, servers that lead no more are seen where one reaches a majority", () =>
    Effect.gen(function*() {
      const transition: typeof Step.step = (state, input, now) => {
        const [after, outputs] = Step.step(state, input, now)
        return [{ ...after, timers: Timers.clear(after.timers, "stand") }, outputs]
      }
      const report = yield* GraphRuns.run(chain, { leadership: "lease", since: "start", transition })
      assert.strictEqual(
        firstOf(report, "settlesWhereConnected"),
        "nobody leads, though s0 s1 s2 and a majority reach each other"
      )
    }))

  for (const leadership of ["bully", "lease"] as const) {
    it.effect(`leaders that give the lead up again and again are seen, ${leadership}`, () =>
      Effect.gen(function*() {
        let sweeps = 0
        const transition: typeof Step.step = (state, input, now) => {
          if (input._tag !== "Sweep" || ++sweeps % 6 !== 0) return Step.step(state, input, now)
          const [swept, first] = Step.step(state, input, now)
          const [after, second] = Step.step(swept, { _tag: "Resign" }, now)
          return [after, [...first, ...second]]
        }
        const report = yield* GraphRuns.run(LinkGraph.make(3, [[0, 1]]), { leadership, since: "later", transition })
        assert.match(firstOf(report, "noFlapping") ?? "", /^saw \d+ changes of leader within /)
      }))
  }

  it.effect("servers that say all that they say twenty times are seen", () =>
    Effect.gen(function*() {
      const transition: typeof Step.step = (state, input, now) => {
        const [after, outputs] = Step.step(state, input, now)
        return [after, input._tag === "Heartbeat" ? Array.from({ length: 20 }, () => outputs).flat() : outputs]
      }
      const report = yield* GraphRuns.run(LinkGraph.make(3), { leadership: "bully", since: "start", transition })
      assert.match(firstOf(report, "trafficBounded") ?? "", /^sent \d+\.\d datagrams a heartbeat for /)
    }))

  it.effect("a group in which none is missing, and one in which nobody hears anybody, break nothing", () =>
    Effect.gen(function*() {
      for (const leadership of ["bully", "lease"] as const) {
        const whole = yield* GraphRuns.run(LinkGraph.make(3), { leadership, since: "start" })
        assert.deepStrictEqual(whole.violations, [])
        assert.isAbove(checksOf(whole, "settles"), 0)
        assert.isAbove(checksOf(whole, "trafficBounded"), 0)
        const alone = yield* GraphRuns.run(LinkGraph.make(3, LinkGraph.pairs(3)), { leadership, since: "later" })
        assert.deepStrictEqual(alone.violations, [])
        assert.isAbove(checksOf(alone, "settlesWhereConnected"), 0)
        assert.isAbove(checksOf(alone, "noFlapping"), 0)
      }
    }))
})

describe("a story of the level wild", () => {
  const options: Faults.Options = {
    seed: 1,
    profile: "wild",
    servers: 5,
    millis: 1_200_000,
    timing: { heartbeatInterval: 500, leaderInterval: 150, memberTimeout: 1_600, okTimeout: 300, probeTimeout: 100 },
    calm: 6_000,
    drift: 0.01,
    jumps: 86_400_000
  }

  it.effect("has every kind of fault; what is not whole lasts for longer than the group takes to settle, or to the end", () =>
    Effect.gen(function*() {
      const stories = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, seed) => seed),
        (seed) => Faults.draw({ ...options, seed })
      )
      const all = stories.flat()
      assert.deepStrictEqual(Faults.kinds.filter((kind) => !all.some((fault) => fault.kind === kind)), [])
      for (const fault of all) assert.match(FaultText.describe(fault), /^[a-z0-9].*[a-z0-9%]$/)
      const links = all.filter((fault) => fault.kind === "links")
      assert.isTrue(links.every(({ missing }) => missing.length > 0))
      assert.isAbove(links.filter((fault) => fault.for > 2 * options.calm).length, links.length / 3)
      const kept = stories.filter((story) =>
        story.some((fault) => fault.at + fault.for >= options.millis && fault.kind === "links")
      )
      assert.isAbove(kept.length, 5)
      assert.isBelow(kept.length, 95)
      assert.isTrue(links.some(({ at }) => at === 0), "from the start")
    }))

  it.effect("of a group of one has nothing that is missing", () =>
    Effect.gen(function*() {
      const story = yield* Faults.draw({ ...options, servers: 1 })
      assert.isTrue(story.every((fault) => fault.kind !== "links" || fault.missing.length === 0))
    }))
})

describe("what is not whole for longer", () => {
  const settings = { profile: "fast" } as const

  it.effect("is looked at while it lasts: a deaf host, a mute one, and one that is both", () =>
    Effect.gen(function*() {
      const faults: ReadonlyArray<Faults.Fault> = [
        { kind: "deaf", at: 6_000, for: 30_000, server: 0 },
        { kind: "mute", at: 6_000, for: 30_000, server: 0 }
      ]
      const report = yield* Simulation.run({ servers: 3, seed: 1, millis: 45_000, faults, settings })
      assert.deepStrictEqual(report.violations, [])
      assert.strictEqual(checksOf(report, "settlesWhereConnected"), 1)
      assert.strictEqual(checksOf(report, "settles"), 2)
    }))

  it.effect("is pauses again and again, each of them over before the next, noticed or not", () =>
    Effect.gen(function*() {
      const stalls = (pause: number) =>
        Effect.gen(function*() {
          let count = 0
          const transition: typeof Step.step = (state, input, now) => {
            const stepped = Step.step(state, input, now)
            count += stepped[1].filter((output) => output._tag === "Emit" && output.event.event === "Stalled").length
            return stepped
          }
          const faults: ReadonlyArray<Faults.Fault> = [
            { kind: "pauses", at: 6_000, for: 10_000, server: 0, every: 1_000, pause }
          ]
          const report = yield* Simulation.run({ servers: 3, seed: 1, millis: 25_000, faults, settings, transition })
          assert.deepStrictEqual([report.violations, report.happened.pauses], [[], 1])
          return count
        })
      assert.strictEqual(yield* stalls(200), 0)
      assert.strictEqual(yield* stalls(600), 10)
    }))

  it.effect("is a host that loses some of what it receives, or sends, or both, and then nothing any more", () =>
    Effect.gen(function*() {
      for (const way of ["in", "out", "both"] as const) {
        const faults: ReadonlyArray<Faults.Fault> = [
          { kind: "lossyHost", at: 6_000, for: 5_000, server: 0, way, probability: 0.5 }
        ]
        const report = yield* Simulation.run({ servers: 3, seed: 1, millis: 20_000, faults, settings })
        assert.deepStrictEqual([report.violations, report.happened.lossyHost], [[], 1])
        // About 20 heartbeats of half a second, of one to two others, to two others, or both.
        assert.isAtLeast(report.datagrams.dropped.loss, 5)
        assert.isAtMost(report.datagrams.dropped.loss, 120)
      }
    }))

  it.effect("is work that takes longer to stop than it has, in every reign", () =>
    Effect.gen(function*() {
      const overruns = (story: ReadonlyArray<Faults.Fault>) =>
        Effect.gen(function*() {
          let count = 0
          const transition: typeof Step.step = (state, input, now) => {
            if (input._tag === "WorkOverran") count++
            return Step.step(state, input, now)
          }
          yield* Simulation.run({ servers: 3, seed: 1, millis: 30_000, faults: story, settings, transition })
          return count
        })
      const resigns = [2, 1, 0, 2, 1, 0].map((server, index): Faults.Fault => ({
        kind: "resign",
        at: 6_000 + index * 3_000,
        for: 0,
        server
      }))
      const slow = [0, 1, 2].map((server): Faults.Fault => ({ kind: "slowWork", at: 5_000, for: 20_000, server }))
      assert.isAbove(yield* overruns([...resigns, ...slow]), (yield* overruns(resigns)) + 1)
    }))
})

describe("a machine that is set back to a snapshot", () => {
  const settings = { profile: "fast" } as const
  const lease = { ...settings, leadership: "lease", groupSize: 3 } as const
  const setBack = (server: number, at: number, by: number, isNoticed: boolean): Faults.Fault => ({
    kind: "rollback",
    at,
    for: 0,
    server,
    by,
    isNoticed
  })

  it.effect("leads and follows as the others do soon, in the Bully, noticed or not", () =>
    Effect.gen(function*() {
      for (const isNoticed of [false, true]) {
        for (const server of [0, 2]) {
          const faults: ReadonlyArray<Faults.Fault> = [
            { kind: "crash", at: 6_000, for: 4_000, server: 1 },
            setBack(server, 11_000, 4_000, isNoticed)
          ]
          const report = yield* Simulation.run({ servers: 3, seed: 1, millis: 30_000, faults, settings })
          assert.deepStrictEqual([report.violations, report.happened.rollback], [[], 1])
          assert.isAbove(checksOf(report, "settles"), 0)
        }
      }
    }))

  // The first leader is there after 1.5 s: who goes back to before that has promised it nothing.
  const forgotten = (isNoticed: boolean) => [0, 1].map((server) => setBack(server, 2_000, 600, isNoticed))

  it.effect("breaks a lease where the voters do not notice, and so is outside what a lease assumes", () =>
    Effect.gen(function*() {
      const report = yield* Simulation.run({
        servers: 3,
        seed: 1,
        millis: 20_000,
        faults: forgotten(false),
        settings: lease
      })
      assert.strictEqual(report.happened.rollback, 2)
      assert.isDefined(firstOf(report, "majorityBound"))
    }))

  it.effect("breaks none where they notice: they are silent for a lease, as after a start", () =>
    Effect.gen(function*() {
      const report = yield* Simulation.run({
        servers: 3,
        seed: 1,
        millis: 25_000,
        faults: forgotten(true),
        settings: lease
      })
      assert.deepStrictEqual([report.violations, report.happened.rollback], [[], 2])
      const leader = yield* Simulation.run({
        servers: 3,
        seed: 1,
        millis: 25_000,
        faults: [setBack(2, 6_000, 1_000, true)],
        settings: lease
      })
      assert.deepStrictEqual([leader.violations, leader.happened.rollback], [[], 1])
      assert.isAbove(leader.led.length, 1, "its reign is over")
    }))
})

describe("a process that is killed", () => {
  const kill: Faults.Fault = { kind: "kill", at: 6_000, for: 2_000, server: 0 }
  const checks = (faults: Simulation.Options["faults"], seed = 1, servers = 5) =>
    Effect.map(
      Simulation.run({
        servers,
        seed,
        millis: faults === "harsh" ? 120_000 : 9_000,
        faults,
        settings: { profile: "fast" }
      }),
      (report) => {
        assert.deepStrictEqual(report.violations, [])
        return checksOf(report, "crashIsKnown")
      }
    )

  it.effect("is to be known to have crashed soon, if nothing else happens to the group at the same instant", () =>
    Effect.gen(function*() {
      assert.isAbove(yield* checks([kill]), 0)
      assert.strictEqual(yield* checks([kill, { kind: "resign", at: 6_000, for: 0, server: 4 }]), 0)
    }))

  it.effect("is not to be known so soon by a server that finds out only then that it was paused before", () =>
    Effect.gen(function*() {
      const leader: Faults.Fault = { ...kill, at: 6_370, server: 4 }
      const all = yield* checks([leader])
      assert.strictEqual(yield* checks([{ kind: "suspend", at: 6_000, for: 360, server: 2 }, leader]), all - 1)
    }))

  // The simulator found it: the link of one with it was up at that end alone.
  it.effect("is not known so soon by a server that waits for a link to break which the other end has given up", () =>
    Effect.gen(function*() {
      assert.isAbove(yield* checks("harsh", 92_013, 3), 0)
    }))
})
