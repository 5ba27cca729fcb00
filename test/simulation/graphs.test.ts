/**
 * Who leads where links are missing: all graphs of three servers and, undirected, of four. `npm run graphs` runs any of them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LinkGraph from "../../src/simulator/LinkGraph.ts"
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

/** The graph of so many servers that hear each other along these links only. */
const along = (servers: number, ...links: ReadonlyArray<LinkGraph.Link>) =>
  LinkGraph.make(
    servers,
    LinkGraph.pairs(servers).filter((way) => !links.some((link) => link.includes(way[0]) && link.includes(way[1])))
  )

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

  it.effect(
    "the Bully, on chains of four that were one before: ranked in order, and with the highest in the middle",
    () =>
      Effect.gen(function*() {
        const chains = ([[0, 1, 2, 3], [0, 3, 1, 2]] as const).map(([a, b, c, d]) => along(4, [a, b], [b, c], [c, d]))
        assert.deepStrictEqual(yield* brokenOn(chains, { leadership: "bully", since: "later" }), [])
      }),
    120_000
  )

  it.effect(
    "the Bully, on directed graphs of four in which a greater reign comes to some over three links",
    () =>
      Effect.gen(function*() {
        const graphs = [
          [[0, 2], [0, 3], [1, 0], [1, 2], [2, 1], [3, 0], [3, 1]],
          [[0, 2], [1, 0], [1, 2], [2, 1], [2, 3], [3, 0], [3, 1]],
          [[0, 3], [1, 2], [2, 0], [2, 3], [3, 0], [3, 1]]
        ] as const
        for (const since of ["start", "later"] as const) {
          const missing = graphs.map((links) => LinkGraph.make(4, links))
          assert.deepStrictEqual(yield* brokenOn(missing, { leadership: "bully", since, seed: 101 }), [])
        }
      }),
    120_000
  )

  it.effect(
    "the Bully, on a graph of six with two ways to the leader, of which the longer one passes on each sign of life first",
    () =>
      Effect.gen(function*() {
        for (const [leader, last, seed] of [[5, 4, 7], [4, 5, 21]] as const) {
          const graph = along(6, [leader, 0], [0, 3], [leader, 1], [1, 2], [2, 3], [3, last])
          assert.deepStrictEqual(yield* brokenOn([graph], { leadership: "bully", since: "start", seed }), [])
        }
      }),
    120_000
  )

  it.effect("without preemption, also where one hears nobody or is heard by nobody", () =>
    Effect.gen(function*() {
      const whole = LinkGraph.pairs(3)
      const hosts = [0, 2].flatMap((one) => [
        LinkGraph.make(3, whole.filter(([, to]) => to === one)),
        LinkGraph.make(3, whole.filter(([from]) => from === one))
      ])
      for (const since of ["start", "later"] as const) {
        const options = { leadership: "bully", since, settings: { preempt: false } } as const
        assert.deepStrictEqual(yield* brokenOn(hosts, options), [])
      }
    }), 120_000)
})
