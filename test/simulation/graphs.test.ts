/**
 * Who leads where links are missing: all graphs of three servers and, undirected, of four. `npm run graphs` runs any of them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LinkGraph } from "../../src/testing/index.ts"
import * as GraphRuns from "./GraphRuns.ts"

/** What is broken on which of these graphs, a line each. */
const brokenOn = (graphs: ReadonlyArray<LinkGraph.LinkGraph>, options: GraphRuns.Options) =>
  Effect.gen(function*() {
    const broken: Array<string> = []
    for (const graph of graphs) {
      const report = yield* GraphRuns.run(graph, options)
      if (report.violations.length > 0) broken.push(GraphRuns.tell(graph, report))
    }
    return broken
  })

describe("where links are missing, each connected part has one leader (promises, Under faults)", () => {
  it.effect("the Bully, on every directed graph of three", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* brokenOn(LinkGraph.directed(3), { leadership: "bully", since: "later" }), [])
    }), 120_000)

  it.effect("the Bully, on every undirected graph of four", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* brokenOn(LinkGraph.undirected(4), { leadership: "bully", since: "start" }), [])
    }), 120_000)

  it.effect("with a lease, on every directed graph of three", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* brokenOn(LinkGraph.directed(3), { leadership: "lease", since: "later" }), [])
    }), 120_000)

  it.effect("with a lease, on every undirected graph of four", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* brokenOn(LinkGraph.undirected(4), { leadership: "lease", since: "start" }), [])
    }), 120_000)
})
