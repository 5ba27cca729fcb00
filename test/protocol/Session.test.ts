import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Session from "../../src/protocol/wire/Session.ts"

const freshness = Session.freshness(1_000)

/** One session as a test hears it: each datagram is called by its counter. */
class Heard {
  session: Session.Session<number> = Session.unheard
  now = 0
  drawn = 0

  hear(counter: number, what: number | null = counter): Session.Verdict {
    const draw = () => String(++this.drawn)
    const [after, verdict] = Session.hear(this.session, { counter, what, now: this.now, freshness, draw })
    this.session = after
    return verdict
  }

  prove(nonce: string, floor = 0): ReadonlyArray<number> | null {
    const proven = Session.prove(this.session, { nonce, floor }, this.now)
    if (proven === null) return null
    this.session = proven[0]
    return proven[1]
  }

  pass(millis: number): this {
    this.now += millis
    return this
  }
}

const proven = (counter = 0): Heard => {
  const heard = new Heard()
  heard.hear(counter)
  assert.deepStrictEqual(heard.prove("1"), [counter])
  return heard
}

describe("a session is believed once it has answered our own nonce (protocol 7)", () => {
  it("what it says before is held back, and let through in order with the proof", () => {
    const heard = new Heard()
    assert.deepStrictEqual(heard.hear(5), { _tag: "Hold", ask: "1", lost: 0 })
    assert.deepStrictEqual(heard.hear(4), { _tag: "Hold", ask: null, lost: 0 })
    assert.deepStrictEqual(heard.prove("1"), [5, 4])
    assert.deepStrictEqual(heard.hear(6), { _tag: "Deliver", ask: null })
  })

  it("a recording that nobody answers for is never let through", () => {
    const heard = new Heard()
    for (let counter = 0; counter < 100; counter++) {
      assert.strictEqual(heard.pass(100).hear(counter)._tag, "Hold")
    }
  })

  it("a proof of another nonce, of none, or one that comes too late is none", () => {
    const heard = new Heard()
    assert.isNull(heard.prove("1"))
    heard.hear(0)
    assert.isNull(heard.prove("2"))
    assert.isNull(heard.pass(5_001).prove("1"))
    heard.hear(1)
    assert.isNull(heard.prove("1"))
    assert.isNotNull(heard.prove("2"))
  })

  it("one nonce proves once", () => {
    assert.isNull(proven().prove("1"))
  })

  it("the proof's floor shuts out what was said before it, held back or not", () => {
    const heard = new Heard()
    heard.hear(5)
    heard.hear(100)
    assert.deepStrictEqual(heard.prove("1", 90), [100])
    assert.strictEqual(heard.hear(89)._tag, "Repeated")
    assert.strictEqual(heard.hear(90)._tag, "Deliver")
  })

  it("the floor never goes back", () => {
    const heard = proven()
    heard.hear(2_000)
    heard.pass(900).hear(2_001)
    heard.session = { ...heard.session, floor: 1_990 }
    heard.pass(7_900).hear(2_002)
    assert.deepStrictEqual(heard.prove("2", 10), [2_002])
    assert.strictEqual(heard.session.floor, 1_990)
  })

  it("of those held back the newest are kept", () => {
    const heard = new Heard()
    for (let counter = 0; counter < Session.maxHeld; counter++) heard.hear(counter)
    assert.deepStrictEqual(heard.hear(50), { _tag: "Hold", ask: null, lost: 1 })
    assert.deepStrictEqual(heard.prove("1")?.length, Session.maxHeld)
  })

  it("challenges and proofs are not held back", () => {
    const heard = new Heard()
    assert.deepStrictEqual(heard.hear(5, null), { _tag: "Hold", ask: "1", lost: 0 })
    assert.deepStrictEqual(heard.prove("1"), [])
  })

  it("it is asked with each datagram, but not too often, and with a new nonce after a while", () => {
    const heard = new Heard()
    const asks: Array<string | null> = []
    for (let counter = 0; counter < 400; counter++) {
      const verdict = heard.pass(10).hear(counter)
      if (verdict._tag === "Hold") asks.push(verdict.ask)
    }
    const sent = asks.filter((ask) => ask !== null)
    assert.strictEqual(sent.length, 100)
    assert.deepStrictEqual([...new Set(sent)], ["1", "2"])
  })
})

describe("a session that is introduced by a believed one (protocol 7)", () => {
  it("is believed as long as that one would be, and what was held back of it is let through", () => {
    const by = proven()
    by.pass(700).hear(1)
    const heard = new Heard()
    heard.now = by.now
    heard.hear(0)
    heard.hear(1, null)
    const [session, held] = Session.introduced(heard.session, by.session)
    assert.deepStrictEqual(held, [0])
    heard.session = session
    assert.deepStrictEqual(heard.hear(2), { _tag: "Deliver", ask: null })
    assert.deepStrictEqual(heard.hear(0)._tag, "Repeated")
    assert.strictEqual(session.authenticatedAt, by.session.authenticatedAt)
    assert.isTrue(Session.isAuthenticated(session, by.now + 1_000, freshness))
    assert.isFalse(Session.isAuthenticated(session, by.now + 1_001, freshness))
  })
})

describe("a session does not stay proven by itself (protocol 7)", () => {
  it("after a silence it proves itself again, and its late datagrams do not bring it back", () => {
    const heard = proven()
    heard.hear(10)
    heard.pass(1_001)
    assert.deepStrictEqual(heard.hear(9), { _tag: "Hold", ask: "2", lost: 0 })
    assert.strictEqual(heard.hear(11)._tag, "Hold")
    assert.deepStrictEqual(heard.prove("2", 9), [9, 11])
  })

  it("what overtook its newest word is delivered, but is no sign of life", () => {
    const heard = proven()
    heard.hear(10)
    assert.strictEqual(heard.pass(600).hear(9)._tag, "Deliver")
    assert.strictEqual(heard.pass(600).hear(8)._tag, "Hold")
  })

  it("heard all along, it is asked again before its proof is too old, and nothing is held back meanwhile", () => {
    const heard = proven()
    for (let counter = 1; counter < 300; counter++) {
      const verdict = heard.pass(100).hear(counter)
      assert.strictEqual(verdict._tag, "Deliver")
      if (verdict._tag === "Deliver" && verdict.ask !== null) heard.prove(verdict.ask)
    }
    assert.isAtMost(heard.drawn, 5)
  })

  it("heard all along without an answer, it is not believed without end: a dead server's last words have an end", () => {
    const heard = proven()
    let delivered = 0
    for (let counter = 1; counter < 300; counter++) if (heard.pass(100).hear(counter)._tag === "Deliver") delivered++
    assert.strictEqual(delivered, 100)
  })
})

describe("nothing is heard twice (protocol 7)", () => {
  it("before the proof, after it, and held back", () => {
    const heard = new Heard()
    heard.hear(1)
    assert.strictEqual(heard.hear(1)._tag, "Repeated")
    heard.prove("1")
    assert.strictEqual(heard.hear(1)._tag, "Repeated")
    heard.hear(2)
    assert.strictEqual(heard.hear(2)._tag, "Repeated")
    assert.strictEqual(heard.hear(Infinity)._tag, "Repeated")
  })

  const act = Schema.Struct({
    counter: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 900 })),
    proves: Schema.Boolean
  })

  it.prop(
    "hold for all that comes, at any time, and for all that is proven",
    [Arbitrary.array(Arbitrary.schema(act))],
    ([acts]) => {
      const heard = new Heard()
      const delivered: Array<number> = []
      for (const { counter, proves, wait } of acts) {
        const verdict = heard.pass(wait).hear(counter)
        if (verdict._tag === "Deliver") delivered.push(counter)
        if (proves) delivered.push(...heard.prove(heard.session.question?.nonce ?? "0") ?? [])
        assert.isAtMost(heard.session.held.length, Session.maxHeld)
      }
      assert.strictEqual(new Set(delivered).size, delivered.length)
    },
    { arbitrary: { runs: 300 } }
  )
})

describe("what we number our own datagrams by (protocol 7)", () => {
  it("grows by one", () => {
    let speaker = Session.silent(0)
    for (let wanted = 0; wanted < 5; wanted++) {
      const [after, counter] = Session.speak(speaker, wanted * 700)
      assert.strictEqual(counter, wanted)
      speaker = after
    }
  })

  it("our floor is above all that we said before a silence of three seconds", () => {
    let speaker = Session.silent(0)
    for (const now of [0, 100, 4_000]) speaker = Session.speak(speaker, now)[0]
    assert.strictEqual(Session.floor(speaker, 4_000), 2)
  })

  const gap = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000 }))

  it.prop(
    "our floor lets in all of the last second, and nothing older than three",
    [Schema.Array(gap), gap],
    ([gaps, last]) => {
      let speaker = Session.silent(0)
      let now = 0
      const said: Array<{ readonly counter: number; readonly at: number }> = []
      for (const gap of gaps) {
        now += gap
        const [after, counter] = Session.speak(speaker, now)
        speaker = after
        said.push({ counter, at: now })
      }
      now += last
      const floor = Session.floor(speaker, now)
      for (const { at, counter } of said) {
        if (now - at <= 1_000) assert.isAtLeast(counter, floor)
        if (now - at > 3_000) assert.isBelow(counter, floor)
      }
    },
    { arbitrary: { runs: 300 } }
  )
})
