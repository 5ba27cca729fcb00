import { assert, describe, it } from "@effect/vitest"
import * as Graphs from "./Graphs.ts"

const trial = { when: "later", leadership: "bully", preempt: true, seed: 1, settles: 15, looks: 5 } as const

describe("servers that have paths to each other follow one leader (protocol, following through others)", () => {
  it("in every graph of three servers", async () => {
    for (const graph of Graphs.undirected(3)) {
      assert.deepStrictEqual(await Graphs.wrong({ ...trial, servers: 3, graph }), [], Graphs.show(graph))
    }
  }, 60_000)

  it("in a ring of links that pass one way only, and in one with a way back", async () => {
    const ring = Graphs.directed(3).filter((graph) => ["0>1 2>0 1>2", "0>1 1>0 2>0 1>2"].includes(Graphs.show(graph)))
    assert.strictEqual(ring.length, 2)
    for (const graph of ring) {
      assert.deepStrictEqual(await Graphs.wrong({ ...trial, servers: 3, graph }), [], Graphs.show(graph))
    }
  }, 60_000)

  it("in a chain of four, which ranks in order or not, and also where it is one from the start", async () => {
    for (const [a, b, c, d] of [[0, 1, 2, 3], [3, 0, 1, 2]] as const) {
      const graph = [[a, b], [b, a], [b, c], [c, b], [c, d], [d, c]] as const
      for (const when of ["later", "from the start"] as const) {
        assert.deepStrictEqual(await Graphs.wrong({ ...trial, servers: 4, graph, when }), [], Graphs.show(graph))
      }
    }
  }, 60_000)

  it("a host that hears nobody is followed by nobody, and one that nobody hears follows the others", async () => {
    const others = [[0, 1], [1, 0]] as const
    for (const graph of [[...others, [2, 0], [2, 1]], [...others, [0, 2], [1, 2]]] as ReadonlyArray<Graphs.Graph>) {
      for (const preempt of [true, false]) {
        assert.deepStrictEqual(await Graphs.wrong({ ...trial, servers: 3, graph, preempt }), [], Graphs.show(graph))
      }
    }
  }, 60_000)
})
