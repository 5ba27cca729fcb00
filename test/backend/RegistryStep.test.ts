/** The one transition over a registry, by what it asks for. */
import { assert, describe, it } from "@effect/vitest"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Registry from "../../src/registry/Registry.ts"
import * as Keys from "../../src/registry/RegistryKeys.ts"
import * as RegistryStep from "../../src/registry/RegistryStep.ts"
import * as Values from "../../src/registry/RegistryValues.ts"
import { lead, member, One, self } from "./harness/One.ts"

const keysOf = (conditions: Registry.Transaction["if"]) => conditions.map(({ key, version }) => [key, version])

describe("a step over a registry", () => {
  it("says who it is under the condition that nobody has said anything else", () => {
    const one = new One().step({ _tag: "Start" })
    assert.deepStrictEqual(one.outputs.map(({ _tag }) => _tag), ["Emit", "Renew"])
    one.step({ _tag: "Renewed", number: 1, session: "s1", ttl: 6_000 })
    assert.deepStrictEqual(one.commits(), [])
    const [said] = one.step({ _tag: "Picture", entries: [] }).commits()
    assert.deepStrictEqual(keysOf(said!.transaction.if), [[Keys.member(self.id), null]])
    assert.deepStrictEqual(said!.transaction.put!.map(({ bound }) => bound), [true, true])
  })

  it("takes the lead where the key is free, the term is as it was read, and it is a member still", () => {
    const one = new One().step({ _tag: "Start" })
    one.step({ _tag: "Renewed", number: 1, session: "s1", ttl: 6_000 })
    one.step({ _tag: "Picture", entries: [{ key: Keys.term(""), value: "5000", version: "9", session: null }] })
    one.put(Keys.member(self.id), Values.write("Member", self), "10", "s1")
    const [taken] = one.commits()
    assert.deepStrictEqual(keysOf(taken!.transaction.if), [
      [Keys.leader(""), null],
      [Keys.term(""), "9"],
      [Keys.member(self.id), "10"]
    ])
    assert.deepStrictEqual(taken!.transaction.put!.map(({ key, bound }) => [key, bound]), [
      [Keys.leader(""), true],
      [Keys.term(""), false]
    ])
    assert.strictEqual(taken!.transaction.put![1]!.value, "5001")
  })

  it("does not lead by an outcome that is not known, until the watch tells", () => {
    const one = One.joined().step({ _tag: "Committed", id: 2, outcome: "Unknown" })
    assert.isFalse(one.leads())
    one.put(Keys.leader(""), lead(self, 1_000), "2", "s1")
    assert.isTrue(one.leads())
  })

  it("counts its reign from when the renewal was sent, however late that is answered", () => {
    const one = One.leading()
    one.now = 1_000
    one.step({ _tag: "Due" })
    one.now = 4_000
    one.step({ _tag: "Renewed", number: 2, session: "s1", ttl: 6_000 })
    one.now = 1_000 + 5_880 - 500 - 1
    assert.notInclude(one.step({ _tag: "Due" }).outputs.map(({ _tag }) => _tag), "EndWork")
    one.now += 1
    assert.include(one.step({ _tag: "Due" }).outputs.map(({ _tag }) => _tag), "EndWork")
    assert.isFalse(one.leads())
  })

  it("is over by the clock also where no step was taken in time", () => {
    const one = One.leading()
    one.now = 5_881
    assert.isFalse(one.leads())
    one.step({ _tag: "Due" })
    assert.include(one.events(), "LeaderChanged")
  })

  it("ends its reign at once where the watch shows the key gone, and does not begin it anew", () => {
    const one = One.leading().step({ _tag: "Gone", key: Keys.leader(""), why: "expired" })
    assert.isFalse(one.leads())
    one.put(Keys.leader(""), lead(self, 1_000), "2", "s1")
    assert.isFalse(one.leads())
  })

  it("goes by no picture that was taken before it had the key", () => {
    const one = One.joined().step({ _tag: "Committed", id: 2, outcome: "done" })
    const own = { key: Keys.member(self.id), value: Values.write("Member", self), version: "1", session: "s1" }
    one.step({ _tag: "Picture", entries: [own] })
    assert.isTrue(one.leads())
    one.step({ _tag: "Picture", entries: [own, { key: Keys.term(""), value: "1000", version: "2", session: null }] })
    assert.isFalse(one.leads())
  })

  it("keeps marks of runs only while it has the leader's key", () => {
    const one = One.leading()
    const mark = { begun: 10, done: 0 }
    const [kept] = one.step({ _tag: "MarkRun", request: 1, leadership: "", job: "a/b", mark }).commits()
    assert.deepStrictEqual(keysOf(kept!.transaction.if), [[Keys.leader(""), "2"], ["jobs/@/a%2Fb", null]])
    one.step({ _tag: "Committed", id: kept!.id, outcome: "done" })
    assert.include(one.outputs.map(({ _tag }) => _tag), "RunMarked")
  })

  it("is given the lead by name at once, and lets one that was named go first", () => {
    const named = (id: Member.NodeId) => {
      const one = One.joined().step({ _tag: "Committed", id: 2, outcome: "refused" })
      const other = member("other")
      one.put(Keys.member(other.id), Values.write("Member", other), "3", "s2")
      one.put(Keys.candidate("", other.id), Values.write("Candidate", { stands: true, preempts: true }), "3", "s2")
      one.put(Keys.leader(""), lead(other, 2_000), "4", "s2")
      one.put(Keys.term(""), "2000", "4")
      one.put(Keys.handover(""), Values.write("Handover", { term: 2_000, cause: "Transferred", successor: id }), "5")
      return one.step({ _tag: "Gone", key: Keys.leader(""), why: "deleted" })
    }
    assert.strictEqual(named(self.id).commits().length, 1)
    const waits = named(member("other").id)
    assert.strictEqual(waits.commits().length, 0)
    assert.strictEqual(RegistryStep.dueAt(waits.state), 1_000)
  })

  it("reads no more members than it is set to, and nothing that cannot be read", () => {
    const one = One.joined()
    for (const name of ["a", "b", "c", "d"]) {
      one.put(Keys.member(member(name).id), Values.write("Member", member(name)), "5", "s3")
    }
    one.put(Keys.member(member("e").id), "{", "6", "s3")
    one.put("foreign/key", "x", "7")
    assert.strictEqual(one.state.members.length, 3)
    assert.strictEqual(one.state.mirror.dropped.Unreadable, 1)
  })

  it("takes a key of an election that it has left, and gives it back", () => {
    const one = One.leading()
    one.put(Keys.leader("mail"), lead(self, 3_000), "8", "s1")
    assert.isNull(RegistryStep.leads(one.state, { monotonic: 0, wall: 0 }, "mail"))
    assert.deepStrictEqual(one.commits().flatMap(({ transaction }) => transaction.remove ?? []), [Keys.leader("mail")])
  })

  it("gives back a key whose session it took for over, where that is not, but not when it leaves", () => {
    const one = One.leading().step({ _tag: "Committed", id: 1, outcome: "done" })
    one.now = 2_000
    one.step({ _tag: "Due" })
    one.step({ _tag: "RenewFailed", number: 2, kind: "SessionOver", detail: "over" })
    assert.isFalse(one.leads())
    one.step({ _tag: "Renewed", number: 3, session: "s1", ttl: 6_000 })
    assert.isFalse(one.leads())
    assert.include(one.outputs.map(({ _tag }) => _tag), "EndWork")
    const [back] = one.step({ _tag: "WorkEnded", election: "", finished: true }).commits()
    assert.deepStrictEqual(back!.transaction.remove, [Keys.leader("")])
    one.step({ _tag: "Committed", id: back!.id, outcome: "done" })
    // The watch still shows it.
    assert.deepStrictEqual(one.commits(), [])
    const leaving = One.leading().step({ _tag: "Leave" })
    leaving.step({ _tag: "WorkEnded", election: "", finished: true })
    assert.include(leaving.outputs.map(({ _tag }) => _tag), "Farewell")
  })

  it("spells keys so that they are read again", () => {
    for (const election of ["", "a/b", "@", "ü ?"]) {
      assert.deepStrictEqual(Keys.placeOf(Keys.leader(election)), { _tag: "Leader", election })
    }
    assert.deepStrictEqual(Keys.placeOf(Keys.job({ leadership: "x/y", job: "@" })), {
      _tag: "Job",
      leadership: "x/y",
      job: "@"
    })
    for (const key of ["members/", "elections/@", "jobs/@", "elections/%/leader", "members/a/b"]) {
      assert.isNull(Keys.placeOf(key), key)
    }
  })
})
