import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as Path from "node:path"
import * as Step from "../../src/protocol/Step.ts"
import * as Explorer from "../../src/simulator/Explorer.ts"
import * as Grid from "../../src/simulator/internal/grid.ts"
import { ServerStates } from "../../src/simulator/internal/serverStates.ts"
import { bounds, boundsOf, lease } from "./Frontier.ts"

const show = ({ violation }: Explorer.Found) =>
  violation === null ? "" : `${JSON.stringify(violation.complaint)}\n${violation.path.join("\n")}`

/** `npm run explore` goes on for as long as it is let: this is its first seconds. */
describe("the promises hold in every state that three servers are seen to get into", () => {
  for (
    const [mode, from, states] of [
      ["bully", "settled", 3_000],
      ["bully", "cold", 3_000],
      ["lease", "settled", 1_000],
      // Found here: what a candidate said late, when it had heard of its own term already, ended its reign for who heard it.
      ["lease", "cold", 1_500]
    ] as const
  ) {
    it(`${mode}, ${from}`, () => {
      const found = Explorer.explore({
        from,
        bounds: boundsOf(mode),
        states,
        seed: 1,
        timing: mode === "lease" ? lease : {}
      })
      assert.isNull(found.violation, show(found))
      assert.strictEqual(found.states, states)
    }, 60_000)
  }

  it("all of them are visited where little may happen, in any order", () => {
    const few: Explorer.Bounds = { crashes: 0, restarts: 0, lost: 0, duplicated: 0, elections: 0, horizon: 400 }
    const visit = (seed: number) => Explorer.explore({ from: "settled", bounds: few, states: 200_000, seed })
    const found = visit(1)
    assert.isTrue(found.exhausted)
    assert.isAbove(found.states, 10)
    assert.isNull(found.violation)
    assert.strictEqual(visit(2).states, found.states)
  }, 60_000)

  it("the way to a state in which one is broken is told, step by step", () => {
    const found = Explorer.explore({
      from: "settled",
      bounds,
      states: 3_000,
      // Who is gone is never missed.
      transition: (state, input, now) =>
        input._tag === "Sweep" || input._tag === "Refused" ? [state, []] : Step.step(state, input, now)
    })
    assert.strictEqual(found.violation?.complaint.invariant, "settles")
    assert.match(found.violation!.path.at(-1)!, /^ *\d+ {2}\w/)
  }, 60_000)

  // Found here: rounded down to the grid, the rest of such a wait was none, and begun again without end.
  it("a wait that is no multiple of the grid of times ends", () => {
    const duration = 24 * Grid.step + 10
    const servers = new ServerStates({
      servers: 3,
      timing: { ...Grid.timing, lease: { groupSize: 3, duration, drift: 0.01 } }
    })
    let { node } = servers.start(0, 1)
    // It may stand once it has heard of a majority.
    for (const datagram of servers.start(1, 1).sent) {
      if (servers.datagrams.at(datagram).to === 0) node = servers.receive(node, datagram).node
    }
    let passed = 0
    for (let fires = 0; fires < 100; fires++) {
      const due = servers.due(node)
      passed += due
      node = servers.fire(servers.later(node, due)).node
    }
    assert.isAbove(passed, 2 * duration)
  })
})

describe("npm run explore", () => {
  const explore = (...flags: ReadonlyArray<string>) =>
    new Promise<{ readonly code: number | string | null | undefined; readonly out: string }>((resolve) => {
      const program = Path.resolve(import.meta.dirname, "explore.process.ts")
      execFile(
        process.execPath,
        [program, ...flags],
        { timeout: 60_000 },
        (error, out, err) => resolve({ code: error === null ? 0 : error.code, out: out + err })
      )
    })

  it("ends with 0 where no promise was broken", async () => {
    const { code, out } = await explore("--states", "500")
    assert.strictEqual(code, 0, out)
    assert.match(out, /^bully, from settled, seed 1: 500 states .*\n[^]*\nno promise was broken\n$/)
  }, 60_000)

  it("ends with 1 where one was, and tells the way to it", async () => {
    const { code, out } = await explore("--states", "500", "--mutant", "the removal of a member is not told")
    assert.strictEqual(code, 1, out)
    assert.match(out, /\nbroken: viewIsTold: .*\n(?: *\d+  \S.*\n)+$/)
  }, 60_000)

  it("ends with 2 for a flag that is wrong", async () => {
    for (const flags of [["--states", "0"], ["--mutant", "none"]]) {
      const { code, out } = await explore(...flags)
      assert.strictEqual(code, 2, out)
      assert.match(out, /^[^\n]*allowed[^\n]*\n$|^--mutant is "none"; no fault is called so\n$/)
    }
  }, 60_000)
})
