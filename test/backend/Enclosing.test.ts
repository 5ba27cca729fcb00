/** Leading over a registry within a reign elsewhere: what a server does there while its group has two backends. */
import { assert, describe, it } from "@effect/vitest"
import * as Enclosing from "../../src/registry/Enclosing.ts"
import * as Keys from "../../src/registry/RegistryKeys.ts"
import * as Values from "../../src/registry/RegistryValues.ts"
import { lead, member, One, self } from "./harness/One.ts"

const enclose = (one: One, term: number | null) => one.step({ _tag: "Enclose", election: "", term })

/** A member by itself, of which nothing is led elsewhere yet. */
const joined = () => One.joined(true).step({ _tag: "Committed", id: 2, outcome: "done" })

/** The terms in which it tries to take the lead. */
const taken = (one: One) =>
  one.commits().flatMap(({ transaction }) =>
    (transaction.put ?? []).flatMap(({ key, value }) => key === Keys.term("") ? [Number(value)] : [])
  )

/** It leads here in the term in which it leads elsewhere. */
const leading = (term: number) => {
  const one = enclose(joined(), term)
  one.step({ _tag: "Committed", id: one.commits()[0]!.id, outcome: "done" })
  one.put(Keys.leader(""), lead(self, term), "2", "s1")
  return one.put(Keys.term(""), String(term), "2")
}

const stands = (one: One): ReadonlyArray<boolean> =>
  one.commits().flatMap(({ transaction }) =>
    (transaction.put ?? []).flatMap(({ key, value }) =>
      key === Keys.candidate("", self.id) ? [Values.read("Candidate", value)!.stands] : []
    )
  )

describe("a registry within a reign elsewhere", () => {
  it("does not take the lead without one, and says that it would not", () => {
    const one = new One(true).step({ _tag: "Start" })
    one.step({ _tag: "Renewed", number: 1, session: "s1", ttl: 6_000 })
    one.step({ _tag: "Picture", entries: [] })
    assert.deepStrictEqual(stands(one), [false])
    assert.deepStrictEqual(taken(joined()), [])
  })

  it("takes it within one, under its very term, regardless of the clock", () => {
    assert.deepStrictEqual(taken(enclose(joined(), 77)), [77])
    assert.isTrue(leading(77).leads())
  })

  it("takes it in no term that was led in here, nor in a lower one", () => {
    for (const [term, expected] of [[499, []], [500, []], [501, [501]]] as const) {
      const one = joined().put(Keys.term(""), "500", "3")
      assert.deepStrictEqual(taken(enclose(one, term)), [...expected], String(term))
    }
  })

  it("says that it would take it in a term that is above these alone", () => {
    for (const [term, expected] of [[500, false], [501, true]] as const) {
      const one = enclose(new One(true).step({ _tag: "Start" }), term)
      one.step({ _tag: "Renewed", number: 1, session: "s1", ttl: 6_000 })
      one.step({ _tag: "Picture", entries: [{ key: Keys.term(""), value: "500", version: "3", session: null }] })
      assert.deepStrictEqual(stands(one), [expected], String(term))
    }
  })

  it("ends what it leads here when the one around ends, or goes on in another term", () => {
    for (const term of [null, 78]) {
      const one = enclose(leading(77), term)
      assert.isFalse(one.leads())
      assert.include(one.outputs.map(({ _tag }) => _tag), "EndWork")
    }
    const same = enclose(leading(77), 77)
    assert.isTrue(same.leads())
  })

  it("does not begin what it was given after the one around was over", () => {
    const one = enclose(joined(), 77)
    const [commit] = one.commits()
    enclose(one, null)
    one.step({ _tag: "Committed", id: commit!.id, outcome: "done" })
    assert.isFalse(one.leads())
    const [back] = one.put(Keys.leader(""), lead(self, 77), "2", "s1").commits()
    assert.deepStrictEqual(back!.transaction.remove, [Keys.leader("")])
  })

  it("makes the one around of no use when it is over, and when another has led here since", () => {
    const passed = (one: One) => Enclosing.passedBy(one.state, "")
    assert.isNull(passed(leading(77)))
    const over = leading(77).step({ _tag: "Gone", key: Keys.leader(""), why: "expired" })
    assert.strictEqual(passed(over), 77)
    const other = enclose(joined(), 77).step({ _tag: "Committed", id: 3, outcome: "refused" })
    assert.isNull(passed(other))
    other.put(Keys.leader(""), lead(member("other"), 90), "4", "s2").put(Keys.term(""), "90", "4")
    assert.strictEqual(passed(other), 90)
    // The key of the leader is shown before that of the term.
    const [early, newer] = [enclose(joined(), 77), member("newer")]
    early.step({ _tag: "Committed", id: 3, outcome: "refused" })
    early.put(Keys.member(newer.id), Values.write("Member", newer), "4", "s2")
    assert.strictEqual(passed(early.put(Keys.leader(""), lead(newer, 90), "4", "s2")), 90)
    // What is not known for certain gives up nothing.
    other.step({ _tag: "WatchFailed", kind: "Unreachable", detail: "away" })
    assert.isNull(passed(other))
    assert.isNull(Enclosing.passedBy(other.state, "mail"))
  })
})
