import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { pipe } from "effect/Function"
import * as Schema from "effect/Schema"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Peer from "./harness/Peer.ts"

/** Few of each part, so that many pairs are equal in some of them; the extremes are among them. */
const reign = pipe(
  Arbitrary.schema(Schema.Struct({
    term: Schema.Literals([0, 1, 2, 1_764_000_000_000, Reign.maxTerm]),
    priority: Schema.Literals([-2_147_483_648, -1, 0, 1, 2_147_483_647]),
    name: Schema.Literals(["a", "b", "p"]),
    incarnation: Schema.Literals([0, 1, 1_764_000_000_000])
  })),
  Arbitrary.map(({ incarnation, name, priority, term }) =>
    Reign.make(term, Peer.member(name, { incarnation, priority }))
  )
)

/** The naive twin: the parts as a tuple, the first that differs decides. */
const tuple = ({ leader, term }: Reign.Reign) => [term, leader.priority, leader.id, leader.incarnation] as const
const naive = (self: Reign.Reign, that: Reign.Reign): number => {
  const those = tuple(that)
  for (const [i, part] of tuple(self).entries()) {
    if (part !== those[i]) return part > those[i]! ? 1 : -1
  }
  return 0
}

const arbitrary = { runs: 1_000 }

describe("the order of reigns (protocol 1, reign)", () => {
  it.prop("is that of the tuple (term, priority, node id, incarnation) (naive twin)", [reign, reign], ([a, b]) => {
    assert.strictEqual(Math.sign(Reign.compare(a, b)), naive(a, b))
  }, { arbitrary })

  it.prop("is total and antisymmetric", [reign, reign], ([a, b]) => {
    assert.strictEqual(Math.sign(Reign.compare(a, b)), -Math.sign(Reign.compare(b, a)) + 0)
  }, { arbitrary })

  it.prop("is transitive", [reign, reign, reign], ([a, b, c]) => {
    const [lowest, middle, highest] = [a, b, c].sort(Reign.compare)
    assert.isAtMost(Reign.compare(lowest!, middle!), 0)
    assert.isAtMost(Reign.compare(middle!, highest!), 0)
    assert.isAtMost(Reign.compare(lowest!, highest!), 0)
  }, { arbitrary })

  it.prop(
    "the order of tokens, as texts, is the order of (term, rank): the fencing token",
    [reign, reign],
    ([a, b]) => {
      const [one, other] = [Reign.token(a), Reign.token(b)]
      const byText = one < other ? -1 : one > other ? 1 : 0
      const anyStart = (self: Reign.Reign): Reign.Reign => ({ ...self, leader: { ...self.leader, incarnation: 0 } })
      assert.strictEqual(byText, Math.sign(Reign.compare(anyStart(a), anyStart(b))))
      assert.strictEqual(one.length, other.length)
    },
    { arbitrary }
  )

  it.prop(
    "the greater of two is one of them and not less than either; none is less than any",
    [reign, reign],
    ([a, b]) => {
      const greatest = Reign.max(a, b)!
      assert.isTrue(greatest === a || greatest === b)
      assert.isAtLeast(Reign.compare(greatest, a), 0)
      assert.isAtLeast(Reign.compare(greatest, b), 0)
      assert.strictEqual(Reign.max(a, null), a)
      assert.strictEqual(Reign.max(null, a), a)
      assert.isNull(Reign.max(null, null))
    },
    { arbitrary }
  )
})

describe("a new term (protocol 1, term)", () => {
  it.prop(
    "is the least whole number above all heard and not below the Unix ms (naive twin)",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })),
      Schema.Finite.check(Schema.isBetween({ minimum: -300, maximum: 300 }))
    ],
    ([heard, wall]) => {
      let term = 0
      while (term <= heard || term < Math.floor(wall)) term += 1
      assert.strictEqual(Reign.nextTerm(heard, wall), term)
    },
    { arbitrary }
  )

  it("is never above 2^52, where no greater one is left", () => {
    assert.strictEqual(Reign.nextTerm(Reign.maxTerm - 1, 0), Reign.maxTerm)
    assert.strictEqual(Reign.nextTerm(Reign.maxTerm, 0), Reign.maxTerm)
    assert.strictEqual(Reign.nextTerm(0, Infinity), Reign.maxTerm)
  })
})
