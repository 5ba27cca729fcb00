/**
 * A group that leads by a lease, on links that stay as they are: as long as one server is connected both ways with a majority,
 * somebody leads within a bound, and goes on to (protocol, majority lease). The measure, and the three scenarios, are those of
 * Omni-Paxos (Ng, Haridi, Carbone, EuroSys 2023).
 *
 * `BELLWETHER_GRAPHS=all npm test -- test/simulation/lease-links.test.ts` tries all graphs of three servers, directed, and of four,
 * undirected.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { env } from "node:process"
import * as Lease from "../../src/protocol/model/Lease.ts"
import * as Step from "../../src/protocol/Step.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

const L = 1_500
/** Until somebody leads: see docs/promises.md. */
const boundOf = (servers: number): number => 2 * L + 3 * 100 + 10 * servers
/** For how long nothing changes then. */
const calm = 120_000

/** Who reaches whom: `links[from][to]`. */
type Links = ReadonlyArray<ReadonlyArray<boolean>>

const indexes = (size: number): ReadonlyArray<number> => Array.from({ length: size }, (_, index) => index)

const links = (size: number, reaches: (from: number, to: number) => boolean): Links =>
  indexes(size).map((from) => indexes(size).map((to) => from === to || reaches(from, to)))

/** Those that a majority hears and that hear it, themselves included. */
const connected = (graph: Links): ReadonlyArray<number> =>
  indexes(graph.length).filter((self) =>
    indexes(graph.length).filter((other) => graph[self]![other]! && graph[other]![self]!).length
      >= Lease.majority({ groupSize: graph.length })
  )

const make = (servers: number, seed = 1, transition = Step.step) =>
  SimulatedGroup.make({
    servers,
    seed,
    transition,
    settings: (index) => ({
      profile: "fast",
      leadership: "lease",
      groupSize: servers,
      priority: index,
      name: `n${index}`
    })
  })

const cutAsIn = (group: SimulatedGroup.SimulatedGroup, graph: Links) =>
  Effect.forEach(
    indexes(graph.length),
    (from) => Effect.forEach(indexes(graph.length), (to) => graph[from]![to]! ? Effect.void : group.cut(from, to))
  )

/** The reigns that began by a time, each by who led in it. */
const reigns = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup) {
  const seen = yield* group.timeline
  const selves = new Map<number, string>()
  for (const { event, index } of seen) if (event.event === "Started") selves.set(index, event.self.id)
  return seen.flatMap(({ at, event, index }) =>
    event.event === "LeaderChanged" && event.leader?.id === selves.get(index) ? [{ at, by: index }] : []
  )
})

/** On links that stay so somebody leads within the bound, by a majority, and no reign begins in the time after it. */
const settles = Effect.fnUntraced(function*(
  group: SimulatedGroup.SimulatedGroup,
  graph: Links,
  { from, what }: { readonly from: number; readonly what: string }
) {
  const able = connected(graph)
  const bound = boundOf(graph.length)
  // What a former leader holds may last for a while, though no majority renews it.
  const took = yield* group.until(
    `${what}: one leads that a majority hears`,
    Effect.map(group.leaders, (all) => all.some((leader) => able.includes(leader))),
    { within: bound, step: 20 }
  )
  yield* group.advance(Math.max(0, from + bound - (yield* group.now)))
  const [leader, ...others] = yield* group.leaders
  const settledAt = yield* group.now
  assert.isDefined(leader, `${what}: led at first, then no more`)
  assert.isEmpty(others, what)
  assert.include(able, leader, what)
  yield* group.advance(calm)
  const later = (yield* reigns(group)).filter(({ at }) => at > settledAt)
  assert.deepStrictEqual(later, [], what)
  assert.deepStrictEqual(yield* group.leaders, [leader], what)
  return took
})

/** A group that is whole, whose links then become those of a graph. */
const becomes = (graph: Links, what: string, seed = 1) =>
  Effect.scoped(Effect.gen(function*() {
    const group = yield* make(graph.length, seed)
    yield* group.settle()
    yield* group.advance("2 seconds")
    yield* cutAsIn(group, graph)
    const from = yield* group.now
    return yield* settles(group, graph, { from, what })
  }))

/** One that starts on such links. Who has just started does not vote. */
const starts = (graph: Links, what: string, seed = 1) =>
  Effect.scoped(Effect.gen(function*() {
    const group = yield* make(graph.length, seed)
    yield* cutAsIn(group, graph)
    const from = yield* group.now
    return yield* settles(group, graph, { from, what })
  }))

const show = (graph: Links): string => graph.map((row) => row.map((reaches) => reaches ? "1" : "0").join("")).join(" ")

const both = (size: number, pairs: ReadonlyArray<readonly [number, number]>): Links =>
  links(size, (from, to) => pairs.some(([a, b]) => (from === a && to === b) || (from === b && to === a)))

describe("a group of five that leads by a lease (protocol, majority lease)", () => {
  it.effect("has a leader again where the leader has lost its quorum, and lives, and one server alone has one", () =>
    // All are connected with server 1 only, the leader (4) among them.
    VirtualTime.run(becomes(both(5, [[1, 0], [1, 2], [1, 3], [1, 4]]), "quorum loss")))

  it.effect("elects the only one that can be, which ranks below others and whom the leader does not reach", () =>
    // The leader is cut off from all; of the others all are connected with server 0 only.
    VirtualTime.run(becomes(both(5, [[0, 1], [0, 2], [0, 3]]), "constrained election")))

  it.effect("keeps one leader where its servers are a chain", () =>
    VirtualTime.run(Effect.gen(function*() {
      yield* becomes(both(3, [[0, 1], [1, 2]]), "chain of three, the middle ranks in the middle")
      yield* becomes(both(3, [[1, 2], [2, 0]]), "the middle ranks highest")
      yield* becomes(both(3, [[1, 0], [0, 2]]), "the middle ranks lowest")
      yield* becomes(both(5, [[0, 1], [1, 2], [2, 3], [3, 4]]), "chain of five")
    })))
})

/** What an older version is told: it knows no pre-vote. */
const older = (names: ReadonlySet<string>): typeof Step.step => (before, input, now) => {
  if (input._tag !== "Received" || input.message.type !== "SERVER_PROBE" || !names.has(before.self.name)) {
    return Step.step(before, input, now)
  }
  const { preVote: _, ...message } = input.message
  return Step.step(before, { ...input, message }, now)
}

describe("a follower that does not hear its leader by a lease, which others hear", () => {
  for (const both of [false, true]) {
    it.effect(`follows it on through them, and tells so once: the link is missing ${both ? "both ways" : "one way"}`, () =>
      VirtualTime.run(Effect.scoped(Effect.gen(function*() {
        const group = yield* make(4)
        assert.strictEqual(yield* group.settle(), 3)
        yield* group.advance("10 seconds")
        const since = yield* group.now
        yield* group.cut(3, 0)
        if (both) yield* group.cut(0, 3)
        yield* group.advance("1 minute")
        const told = (yield* group.timeline).filter(({ at, event }) => at > since && event.event === "LeaderChanged")
        assert.deepStrictEqual(told.map(({ event, index }) => [index, "cause" in event ? event.cause : ""]), [[
          0,
          "PathChanged"
        ]])
      }))))
  }
})

describe("a group in which some are of a version that answers no pre-vote", () => {
  for (const names of [["n0"], ["n0", "n1"], ["n1", "n2"]]) {
    it.effect(`elects, replaces and yields: ${names.join(" and ")}`, () =>
      VirtualTime.run(Effect.scoped(Effect.gen(function*() {
        const group = yield* make(3, 1, older(new Set(names)))
        // A server whose pre-vote is answered at once may come before the highest ranked, which then replaces it.
        yield* group.settle()
        yield* group.until("the highest ranked leads", Effect.map(group.leaders, (all) => all.includes(2)))
        yield* group.kill(2)
        yield* group.until("another leads", Effect.map(group.leaders, (all) => all.includes(1)), { within: boundOf(3) })
        yield* group.start(2)
        yield* group.until("the first leads again", Effect.map(group.leaders, (all) => all.includes(2)))
        const settledAt = yield* group.now
        yield* group.advance(calm)
        assert.deepStrictEqual((yield* reigns(group)).filter(({ at }) => at > settledAt), [])
      }))))
  }
})

const isAll = env["BELLWETHER_GRAPHS"] === "all"

/** All graphs of that many servers in which somebody can lead; directed, or with links that pass both ways or none. */
const graphs = (size: number, isDirected: boolean): ReadonlyArray<Links> => {
  const pairs = indexes(size).flatMap((a) =>
    indexes(size).filter((b) => isDirected ? a !== b : a < b).map((b) => [a, b])
  )
  const all = indexes(2 ** pairs.length).map((bits) =>
    links(
      size,
      (from, to) =>
        pairs.some(([a, b], at) =>
          (bits >> at) % 2 === 1 && ((a === from && b === to) || (!isDirected && a === to && b === from))
        )
    )
  )
  return all.filter((graph) => connected(graph).length > 0)
}

const sample = (all: ReadonlyArray<Links>, every: number): ReadonlyArray<Links> =>
  isAll ? all : all.filter((_, at) => at % every === 0)

describe("a lease on links that pass one way, or between some only", () => {
  for (
    const [what, all, every] of [
      ["three servers, each way by itself", graphs(3, true), 7],
      ["four servers, both ways or none", graphs(4, false), 7]
    ] as const
  ) {
    it.effect(`${what}: somebody leads within the bound, and stays`, () =>
      VirtualTime.run(Effect.gen(function*() {
        let longest = 0
        for (const graph of sample(all, every)) {
          longest = Math.max(longest, yield* becomes(graph, `becomes ${show(graph)}`))
          longest = Math.max(longest, yield* starts(graph, `starts on ${show(graph)}`))
        }
        assert.isAbove(longest, 0)
        if (isAll) process.stdout.write(`${what}: ${all.length} graphs, at most ${longest} ms\n`)
      })), 1_200_000)
  }
})
