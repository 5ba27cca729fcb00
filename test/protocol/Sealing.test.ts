import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"
import * as PortableCipher from "../../src/protocol/wire/PortableCipher.ts"
import * as Sealing from "../../src/protocol/wire/Sealing.ts"
import { cipher as platform } from "../../src/transport/node/NodeCipher.ts"

const tag = new Uint8Array([1, 2, 3, 4])
const secret = Uint8Array.from({ length: 32 }, (_, n) => n)
const key = KeyRing.key(secret)
const salt = "00112233445566778899aabbccddeeff"
const sealingKey = Sealing.sealingKey(key, salt)
const session = { flags: Frame.flags.sealed, keyId: key.id, salt, sealingKey, tag }

const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const body = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(byte), { maxLength: Frame.maxBodyBytes }),
  (bytes) => new Uint8Array(bytes)
)
const counter = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

describe("sealed frames (protocol 7)", () => {
  it.prop("open again with what stands in the clear", [body, counter], ([body, counter]) => {
    const frame = Sealing.seal(body, { ...session, counter }, PortableCipher.cipher)
    assert.isAtMost(frame.length, Frame.maxBytes)
    assert.deepStrictEqual(Sealing.clear(frame), { keyId: key.id, salt, counter })
    assert.deepStrictEqual(Sealing.open(frame, sealingKey, PortableCipher.cipher), body)
  }, { arbitrary: { runs: 100 } })

  it.prop(
    "are what another implementation of AES-GCM and HKDF makes of the page",
    [body, counter],
    ([body, counter]) => {
      const frame = Buffer.from(Sealing.seal(body, { ...session, counter }, PortableCipher.cipher))
      const clear = Buffer.concat([
        Buffer.from([0x42, 0x57, 1, 1, ...tag]),
        Buffer.from(key.id + salt, "hex"),
        Buffer.from(counter.toString(16).padStart(16, "0"), "hex")
      ])
      const derived = new Uint8Array(hkdfSync("sha256", secret, Buffer.from(salt, "hex"), "bellwether/1 sealing", 32))
      const cipher = createCipheriv("aes-256-gcm", derived, Buffer.concat([Buffer.alloc(4), clear.subarray(28)]))
      cipher.setAAD(clear)
      const sealed = Buffer.concat([cipher.update(body), cipher.final(), cipher.getAuthTag()])
      assert.deepStrictEqual(frame, Buffer.concat([clear, sealed]))
      const decipher = createDecipheriv("aes-256-gcm", derived, Buffer.concat([Buffer.alloc(4), clear.subarray(28)]))
      decipher.setAAD(frame.subarray(0, 36)).setAuthTag(frame.subarray(-16))
      const opened = Buffer.concat([decipher.update(frame.subarray(36, -16)), decipher.final()])
      assert.deepStrictEqual(new Uint8Array(opened), body)
    },
    { arbitrary: { runs: 50 } }
  )

  it.prop("are the same by the cipher of the platform and by the portable one", [body, counter], ([body, counter]) => {
    const frame = Sealing.seal(body, { ...session, counter }, platform)
    assert.deepStrictEqual(frame, Sealing.seal(body, { ...session, counter }, PortableCipher.cipher))
    assert.deepStrictEqual(new Uint8Array(Sealing.open(frame, sealingKey, platform)!), body)
    const changed = frame.slice()
    changed[counter % frame.length]! ^= 1
    for (const cipher of [platform, PortableCipher.cipher]) assert.isNull(Sealing.open(changed, sealingKey, cipher))
  }, { arbitrary: { runs: 100 } })

  it("do not open with one bit changed anywhere, the header and what is in the clear included", () => {
    const frame = Sealing.seal(
      new TextEncoder().encode("forget me now"),
      { ...session, counter: 7 },
      PortableCipher.cipher
    )
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const changed = frame.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      assert.isNull(Sealing.open(changed, sealingKey, PortableCipher.cipher), `bit ${bit}`)
    }
  })

  it("do not open with another key, or another session of the same one", () => {
    const frame = Sealing.seal(new Uint8Array(20), { ...session, counter: 7 }, PortableCipher.cipher)
    assert.isNull(
      Sealing.open(frame, Sealing.sealingKey(KeyRing.key(secret.map((byte) => byte ^ 1)), salt), PortableCipher.cipher)
    )
    assert.isNull(Sealing.open(frame, Sealing.sealingKey(key, `${salt.slice(2)}00`), PortableCipher.cipher))
  })

  it("are never equal, also for one body: each counter has its own nonce", () => {
    const of = (counter: number) =>
      Sealing.seal(new Uint8Array(20), { ...session, counter }, PortableCipher.cipher).subarray(36)
    assert.notDeepEqual(of(1), of(2))
    assert.notDeepEqual(of(1), of(2 ** 32 + 1))
  })

  it("say in the clear under which key, salt and counter they are, also one beyond 32 bits", () => {
    const counter = 5 * 2 ** 32 + 7
    const frame = Sealing.seal(new Uint8Array(20), { ...session, counter }, PortableCipher.cipher)
    assert.deepStrictEqual(Sealing.clear(frame), { keyId: key.id, salt, counter })
  })

  it("too short ones are none, and a counter beyond 2^53 is one that is never admitted", () => {
    const frame = Sealing.seal(new Uint8Array(0), { ...session, counter: 0 }, PortableCipher.cipher)
    assert.strictEqual(frame.length, 52)
    assert.strictEqual(salt.length, 2 * Sealing.saltBytes)
    assert.isNull(Sealing.clear(frame.subarray(0, 51)))
    frame[29] = 0x20
    assert.strictEqual(Sealing.clear(frame)?.counter, Infinity)
  })

  it("challenges, proofs and introductions are read as what they say, and nothing else is", () => {
    const nonce = "ff00112233445566778899aabbccddee"
    assert.deepStrictEqual(Sealing.readChallenge(Sealing.writeChallenge({ nonce, salt })), { nonce, salt })
    assert.strictEqual(Sealing.readIntroduction(Uint8Array.from(Buffer.from(salt, "hex"))), salt)
    for (const floor of [0, 1, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
      assert.deepStrictEqual(Sealing.readProof(Sealing.writeProof({ nonce, floor })), { nonce, floor })
    }
    for (const length of [0, 15, 17, 23, 25, 31, 33]) {
      assert.isNull(Sealing.readChallenge(new Uint8Array(length)))
      assert.isNull(Sealing.readProof(new Uint8Array(length)))
      assert.isNull(Sealing.readIntroduction(new Uint8Array(length)))
    }
  })

  it("a salt is drawn of chance and of the time: neither alone makes the same again", () => {
    const chance = new Uint8Array(16).fill(7)
    const drawn = Sealing.salt(chance, 1_785_000_000_000)
    assert.match(drawn, /^[0-9a-f]{32}$/)
    assert.strictEqual(Sealing.salt(chance, 1_785_000_000_000), drawn)
    assert.notStrictEqual(Sealing.salt(chance, 1_785_000_000_001), drawn)
    assert.notStrictEqual(Sealing.salt(new Uint8Array(16), 1_785_000_000_000), drawn)
  })
})
