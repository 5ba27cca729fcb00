import { assert, describe, it } from "@effect/vitest"
import * as LinkGraph from "../../src/simulator/LinkGraph.ts"

/** Which hear each other both ways, the others not at all. */
const both = (servers: number, links: ReadonlyArray<LinkGraph.Link>) =>
  LinkGraph.make(
    servers,
    LinkGraph.pairs(servers).filter(([from, to]) =>
      !links.some(([one, other]) => (one === from && other === to) || (one === to && other === from))
    )
  )

describe("a graph of links", () => {
  it("is one of all that there are of its size", () => {
    assert.strictEqual(LinkGraph.directed(3).length, 64)
    assert.strictEqual(LinkGraph.undirected(3).length, 8)
    assert.strictEqual(LinkGraph.undirected(4).length, 64)
    const all = LinkGraph.directed(4)
    assert.strictEqual(new Set(all.map((graph) => graph.heardBy.join())).size, 4_096)
    assert.deepStrictEqual(all[0], LinkGraph.make(4))
    for (const graph of LinkGraph.undirected(4)) {
      for (const [from, to] of LinkGraph.missing(graph)) assert.isFalse(LinkGraph.has(graph, to, from))
    }
  })

  it("knows what is missing, among all or among some", () => {
    const graph = LinkGraph.make(4, [[0, 1], [3, 2]])
    assert.deepStrictEqual(LinkGraph.missing(graph), [[0, 1], [3, 2]])
    assert.deepStrictEqual(LinkGraph.missing(graph, [0, 1, 2]), [[0, 1]])
    assert.isTrue(LinkGraph.has(graph, 1, 0) && !LinkGraph.has(graph, 0, 1))
    assert.isTrue(LinkGraph.isWhole(graph, [0, 2]) && LinkGraph.isWhole(graph, []) && !LinkGraph.isWhole(graph, [2, 3]))
    assert.strictEqual(LinkGraph.describe([[0, 1], [0, 2], [2, 0]]), "from s0 to s1 and s2, from s2 to s0")
  })

  it("falls into parts that are strongly connected, with the most links between two of them", () => {
    assert.deepStrictEqual(LinkGraph.parts(LinkGraph.make(3)), [{ servers: [0, 1, 2], hops: 1 }])
    const chain = both(5, [[0, 1], [1, 2], [2, 3], [3, 4]])
    assert.deepStrictEqual(LinkGraph.parts(chain), [{ servers: [0, 1, 2, 3, 4], hops: 4 }])
    assert.deepStrictEqual(LinkGraph.parts(chain, [0, 1, 3, 4]), [{ servers: [0, 1], hops: 1 }, {
      servers: [3, 4],
      hops: 1
    }])
    const ring = LinkGraph.make(3, [[1, 0], [2, 1], [0, 2]])
    assert.deepStrictEqual(LinkGraph.parts(ring), [{ servers: [0, 1, 2], hops: 2 }])
    const deaf = LinkGraph.make(3, [[0, 2], [1, 2]])
    assert.deepStrictEqual(LinkGraph.parts(deaf), [{ servers: [0, 1], hops: 1 }, { servers: [2], hops: 0 }])
  })

  it("has parts that hear others one way only", () => {
    const deaf = LinkGraph.make(3, [[0, 2], [1, 2]])
    assert.isTrue(LinkGraph.hearsOthers(deaf, [0, 1], [0, 1, 2]))
    assert.isFalse(LinkGraph.hearsOthers(deaf, [2], [0, 1, 2]))
    assert.isFalse(LinkGraph.hearsOthers(deaf, [0, 1], [0, 1]))
  })

  it("has centres, which hear and are heard by so many directly", () => {
    const star = both(5, [[2, 0], [2, 1], [2, 3], [2, 4]])
    assert.deepStrictEqual(LinkGraph.centres(star, [0, 1, 2, 3, 4], 3), [2])
    assert.deepStrictEqual(LinkGraph.centres(star, [0, 1, 3, 4], 3), [])
    assert.deepStrictEqual(LinkGraph.centres(LinkGraph.make(3, [[0, 1]]), [0, 1, 2], 2), [0, 1, 2])
    assert.deepStrictEqual(LinkGraph.centres(LinkGraph.make(3, [[0, 1], [2, 0]]), [0, 1, 2], 2), [1, 2])
  })
})
