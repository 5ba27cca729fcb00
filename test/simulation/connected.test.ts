import { assert, describe, it } from "@effect/vitest"
import * as Election from "../../src/protocol/model/Election.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Connected from "../../src/simulator/internal/connected.ts"
import * as LinkGraph from "../../src/simulator/LinkGraph.ts"

const member = (index: number): Member.Member => ({
  id: `000000000000000${index}`,
  incarnation: 1,
  name: `s${index}`,
  ip: `10.0.0.${index + 1}`,
  port: 40_000,
  priority: index
} as Member.Member)

const reignOf = (leader: number, term = 1) => Reign.make(term, member(leader))

/** Servers that follow those of these numbers (null for nobody), and of which those lead that follow themselves. */
const following = (leaders: ReadonlyArray<number | null>): ReadonlyArray<Connected.Follower> =>
  leaders.map((leader, index) => ({
    index,
    state: {
      self: member(index),
      election: { ...Election.make(0), reign: leader === null ? null : reignOf(leader) }
    },
    claim: leader === index ? reignOf(index) : null
  }))

const bully = { majority: null, minimumMembers: 1 }
const lease = { majority: 2, minimumMembers: 1 }

/** Nothing between the first and the last of three. */
const chain = LinkGraph.make(3, [[0, 2], [2, 0]])

describe("who follows whom where links are missing", () => {
  it("is right where all who reach each other follow one of them, that leads", () => {
    assert.isNull(Connected.disagreement(chain, following([2, 2, 2]), bully))
    assert.isNull(Connected.disagreement(LinkGraph.make(3, [[0, 2], [1, 2]]), following([1, 1, 2]), bully))
    assert.isNull(Connected.disagreement(LinkGraph.make(3, [[0, 2], [1, 2]]), following([1, 1, null]), bully))
  })

  it.each(
    [
      [[null, 2, 2], /^s0 has no leader, though s0 s1 s2 reach each other over 2 links at most$/],
      [[0, 2, 2], /^s0 follows 000000#1 in term 1, but s1 000000#1 in term 1, though/],
      [[1, 2, 2], /^s0 follows 000000#1 in term 1, of s1, which does not lead so$/]
    ] as const
  )("is wrong on a chain of three where they follow %j", (leaders, what) => {
    assert.match(Connected.disagreement(chain, following(leaders), bully) ?? "", what)
  })

  it("is wrong where a part follows a leader that it does not reach both ways", () => {
    const mute = LinkGraph.make(3, [[0, 2], [1, 2]])
    assert.match(
      Connected.disagreement(mute, following([2, 2, 2]), bully) ?? "",
      /^s0 follows .*, which it does not reach both ways/
    )
  })

  it("is wrong where somebody follows one that does not live", () => {
    assert.match(
      Connected.disagreement(chain, following([2, 2, 2]).slice(0, 2), bully) ?? "",
      /^s0 follows 000000#1 in term 1, of one who does not live$/
    )
  })

  it("is not judged in a part of fewer than the minimum, nor over more than three links", () => {
    const long = LinkGraph.make(5, LinkGraph.pairs(5).filter(([from, to]) => Math.abs(from - to) > 1))
    assert.isNull(Connected.disagreement(long, following([1, 1, 3, 3, 3]), bully))
    assert.isNull(Connected.disagreement(chain, following([null, null, null]), { ...bully, minimumMembers: 4 }))
  })

  it("is, with a lease, that somebody leads where one reaches a majority both ways", () => {
    assert.isNull(Connected.disagreement(chain, following([null, 1, 1]), lease))
    assert.match(
      Connected.disagreement(chain, following([null, null, null]), lease) ?? "",
      /^nobody leads, though s0 s1 s2 and a majority reach each other$/
    )
    const apart = LinkGraph.make(3, [[0, 1], [1, 2], [2, 0]])
    assert.isNull(Connected.disagreement(apart, following([null, null, null]), lease))
  })
})
