import { assert, describe, it } from "@effect/vitest"
import * as Voice from "../../src/protocol/wire/Voice.ts"

const overlap = 1_600
const salt = (n: number) => n.toString(16).padStart(8, "0").repeat(4)

/** Salts one after the other. */
const drawing = () => {
  let drawn = 0
  return () => salt(++drawn)
}

/** A voice at the moment when it has drawn its next session. */
const withNext = () => {
  const draw = drawing()
  const voice = Voice.advance(Voice.make(draw(), 0), 300_000, overlap, draw)
  return { draw, voice }
}

describe("our own sessions (protocol 7)", () => {
  it("last from four to six minutes, as their salts say", () => {
    assert.strictEqual(Voice.lifetime("0".repeat(32)), 240_000)
    assert.strictEqual(Voice.lifetime("80000000".repeat(4)), 300_000)
    assert.isBelow(Voice.lifetime("f".repeat(32)), 360_000)
  })

  it("are followed by another, which is spoken in once it has been introduced for long enough", () => {
    const draw = drawing()
    const first = Voice.make(draw(), 0)
    const lifetime = Voice.lifetime(salt(1))
    assert.strictEqual(Voice.advance(first, lifetime - 1, overlap, draw), first)
    const drawn = Voice.advance(first, lifetime, overlap, draw)
    assert.deepStrictEqual([drawn.speaking.salt, drawn.next?.salt], [salt(1), salt(2)])
    assert.strictEqual(Voice.advance(drawn, lifetime + overlap - 1, overlap, draw), drawn)
    const taken = Voice.advance(drawn, lifetime + overlap, overlap, draw)
    assert.deepStrictEqual([taken.speaking.salt, taken.next, taken.before?.salt], [salt(2), null, salt(1)])
    assert.strictEqual(Voice.advance(taken, lifetime + overlap + 200_000, overlap, draw), taken)
  })

  it("introduce the next one three times to each address and to the group, and only while there is one", () => {
    assert.deepStrictEqual(Voice.introduce(Voice.make(salt(1), 0), null)[1], false)
    let { voice } = withNext()
    const to = [null, { ip: "192.0.2.1", port: 4_000 }, { ip: "192.0.2.1", port: 4_001 }]
    for (let times = 0; times < 5; times++) {
      for (const address of to) {
        const [after, isDue] = Voice.introduce(voice, address)
        assert.strictEqual(isDue, times < Voice.introductions)
        voice = after
      }
    }
  })

  it("remember so many of those to whom they were introduced, and no more", () => {
    let { voice } = withNext()
    for (let port = 1; port <= 3_000; port++) voice = Voice.introduce(voice, { ip: "192.0.2.1", port })[0]
    assert.isAtMost(voice.next!.introduced.size, 1_024)
  })

  it("number what they seal each for itself, and the one before still answers a challenge", () => {
    const { draw, voice } = withNext()
    const [spoken, one] = Voice.speak(voice, voice.speaking, 300_000)
    const changed = Voice.advance(spoken, 300_000 + overlap, overlap, draw)
    const [again, other] = Voice.speak(changed, changed.speaking, 302_000)
    assert.deepStrictEqual([one, other], [0, 0])
    const before = Voice.challenged(again, salt(1))
    assert.strictEqual(Voice.challenged(again, salt(2)), again.speaking)
    assert.isNull(Voice.challenged(again, salt(3)))
    assert.isNull(Voice.challenged(voice, salt(2)), "in the next one nothing is said yet")
    const [after, counter] = Voice.speak(again, before!, 302_000)
    assert.strictEqual(counter, 1)
    assert.strictEqual(after.before?.sender.next, 2)
    assert.strictEqual(after.speaking.sender.next, 1)
  })

  it("are left at once after a pause: nothing more is sealed in any of them, and their echo is known", () => {
    const { draw, voice } = withNext()
    const renewed = Voice.renew(voice, 300_500, draw)
    assert.deepStrictEqual([renewed.speaking.salt, renewed.next, renewed.before], [salt(3), null, null])
    assert.isNull(Voice.challenged(renewed, salt(1)))
    assert.isTrue(Voice.isOwn(voice, salt(1)))
    assert.isTrue(Voice.isOwn(voice, salt(2)))
    assert.isTrue(Voice.isOwn(renewed, salt(1)))
    assert.isTrue(Voice.isOwn(renewed, salt(3)))
    assert.isFalse(Voice.isOwn(renewed, salt(4)))
    let many = renewed
    for (let n = 0; n < 10; n++) many = Voice.renew(many, 301_000 + n, draw)
    assert.strictEqual(many.earlier.length, 4)
  })
})
