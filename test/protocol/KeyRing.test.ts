import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"

const bytes = (from: number) => Uint8Array.from({ length: 32 }, (_, n) => from + n)
const hex = (from: number) => Buffer.from(bytes(from)).toString("hex")
const base64 = (from: number) => Buffer.from(bytes(from)).toString("base64")
const ids = (text: string) =>
  Option.getOrNull(
    Option.map(KeyRing.parse(text), ({ active, keys }) => [active?.id ?? null, ...keys.map(({ id }) => id)])
  )

const first = KeyRing.key(bytes(1)).id
const second = KeyRing.key(bytes(200)).id

describe("a list of keys (protocol 7)", () => {
  it("has 32 bytes each, as hex or as base64 of either alphabet, with or without its end", () => {
    for (
      const text of [
        hex(200),
        hex(200).toUpperCase(),
        base64(200),
        base64(200).replace("=", ""),
        Buffer.from(bytes(200)).toString("base64url")
      ]
    ) {
      assert.deepStrictEqual(ids(text), [second, second])
    }
    const [key] = Option.getOrThrow(KeyRing.parse(hex(200))).keys
    assert.deepStrictEqual(key && Redacted.value(key.secret), bytes(200))
  })

  it("has the one that seals first", () => {
    assert.deepStrictEqual(ids(`${hex(1)},${base64(200)}`), [first, first, second])
    assert.deepStrictEqual(ids(`${hex(200)} , ${hex(1)}`), [second, second, first])
  })

  it("has one a line in a file, with remarks", () => {
    assert.deepStrictEqual(ids(`# since May\r\n${hex(1)}\n${hex(200)} # the next\n\n`), [first, first, second])
  })

  it("begins with `plain` where nothing is sealed yet", () => {
    assert.deepStrictEqual(ids(`plain,${hex(1)}`), [null, first])
  })

  it.each([
    "",
    " ",
    ",",
    "# only this",
    "secret",
    "plain",
    `${hex(1)},plain`,
    hex(1).slice(1),
    `${hex(1)}0`,
    base64(1).slice(2),
    `${base64(1)}A`,
    `${hex(1)},short`,
    `${hex(1)},${base64(1)}`,
    Array.from({ length: 9 }, (_, n) => hex(n)).join(),
    "é".repeat(44),
    `${"A".repeat(42)}*=`
  ])("is refused: %j", (text) => {
    assert.isTrue(Option.isNone(KeyRing.parse(text)))
  })

  it("of a group without a key seals nothing", () => {
    assert.deepStrictEqual(KeyRing.none, { keys: [], active: null, mode: "permissive" })
  })

  it("is not shown where it stands in place of something else", () => {
    for (const one of [hex(1), hex(1).toUpperCase(), base64(1), base64(1).replace("=", "")]) {
      for (const text of [one, `plain,${one}`, `file ${one}?`, `${one}\n${one}`, `key=${one}`]) {
        assert.notInclude(KeyRing.hidden(text), one.slice(0, 12), text)
      }
    }
    for (const text of ["eeb660c55950af36", "/run/secrets/bellwether/key", "a".repeat(80), "192.0.2.1:4000", ""]) {
      assert.strictEqual(KeyRing.hidden(text), text)
    }
  })

  it("does not show its keys", () => {
    const ring = Option.getOrThrow(KeyRing.parse(hex(1)))
    for (
      const shown of [
        JSON.stringify(ring),
        inspect(ring, { depth: 9 }),
        Redacted.isRedacted(ring.keys[0]?.secret) ? "" : hex(1)
      ]
    ) {
      assert.notInclude(shown, hex(1))
      assert.notInclude(shown.replaceAll(/\s/g, ""), "1,2,3,4")
    }
  })
})
