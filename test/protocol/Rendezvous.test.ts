/** Which members own a key (protocol, Owners of keys). */
import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as Rendezvous from "../../src/protocol/membership/Rendezvous.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Page from "../docs/Page.ts"

const page = Page.read("docs/protocol.md")

const member = (name: string) => ({ id: Member.nodeId("192.0.2.1", name, 4_000), name })
const ten = Array.from({ length: 10 }, (_, at) => member(`m${at}`))
const keys = Array.from({ length: 10_000 }, (_, at) => `key ${at}`)
const first = (key: string, members: ReadonlyArray<{ readonly id: string; readonly name: string }>) =>
  Rendezvous.owners(key, members)[0]!.name

/** MurmurHash3, x86, 32 bits, of whole words, over integers of any size (naive twin). */
const murmur = (bytes: Uint8Array, seed: number): number => {
  const all = 0xffff_ffffn
  const rotated = (word: bigint, by: bigint) => ((word << by) | (word >> (32n - by))) & all
  let hash = BigInt(seed)
  for (let at = 0; at < bytes.length; at += 4) {
    const word = BigInt(Buffer.from(bytes).readUInt32LE(at))
    hash ^= (rotated((word * 0xcc9e2d51n) & all, 15n) * 0x1b873593n) & all
    hash = (rotated(hash, 13n) * 5n + 0xe6546b64n) & all
  }
  hash ^= BigInt(bytes.length)
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) & all
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) & all
  return Number(hash ^ (hash >> 16n))
}

const hashOf = (key: string, id: string): number => {
  const digest = createHash("sha256").update(key).digest().subarray(0, 8)
  const bytes = Buffer.concat([digest, Buffer.from(id, "hex")])
  return murmur(bytes, 0) * 2 ** 20 + Math.floor(murmur(bytes, 1) / 2 ** 12)
}

describe("the owners of a key (protocol, Owners of keys)", () => {
  it("are those with the highest hashes, as anyone can work out who has MurmurHash3 (naive twin)", () => {
    assert.strictEqual(murmur(new TextEncoder().encode("test"), 0), 0xba6bd213, "the twin is MurmurHash3")
    for (const key of ["", "é", "order 17", ...keys.slice(0, 500)]) {
      const ranked = ten.toSorted((self, that) => hashOf(key, that.id) - hashOf(key, self.id))
      assert.deepStrictEqual(Rendezvous.owners(key, ten, { count: 10 }), ranked)
    }
  })

  it("go by the hash that docs/protocol.md names", () => {
    const [, key = "", id = "", named] =
      /of `(order 17)` and `(\w{16})` is `(\w{13})`/.exec(page.replaceAll(/\s+/g, " ")) ?? []
    assert.strictEqual(hashOf(key, id).toString(16).padStart(13, "0"), named)
  })

  it("are the same in any order of the members", () => {
    for (const key of keys.slice(0, 100)) {
      assert.deepStrictEqual(
        Rendezvous.owners(key, ten.toReversed(), { count: 3 }),
        Rendezvous.owners(key, ten, { count: 3 })
      )
    }
  })

  it("share the keys evenly", () => {
    const counts = new Map(ten.map(({ name }) => [name, 0]))
    for (const key of keys) counts.set(first(key, ten), counts.get(first(key, ten))! + 1)
    for (const [name, count] of counts) assert.closeTo(count, 1_000, 120, name)
  })

  it("share them by weight, where members have weights", () => {
    const weight = ({ name }: { readonly name: string }) => Number(name.slice(1)) + 1
    const counts = ten.slice(0, 4).map(() => 0)
    for (const key of keys) counts[weight(Rendezvous.owners(key, ten.slice(0, 4), { weight })[0]!) - 1]! += 1
    counts.forEach((count, at) => assert.closeTo(count, 1_000 * (at + 1), 150, `weight ${at + 1}`))
  })

  it("change for nobody else when one leaves: its keys go to the others, and no other key moves", () => {
    const [gone, ...others] = ten
    for (const key of keys.slice(0, 2_000)) {
      const before = first(key, ten)
      const after = first(key, others)
      if (before !== gone!.name) assert.strictEqual(after, before)
      else assert.strictEqual(after, Rendezvous.owners(key, ten, { count: 2 })[1]!.name, "the second owner follows")
    }
  })

  it("change only in favour of one that joins", () => {
    const newcomer = member("newcomer")
    let moved = 0
    for (const key of keys.slice(0, 2_000)) {
      const after = first(key, [...ten, newcomer])
      if (after === newcomer.name) moved += 1
      else assert.strictEqual(after, first(key, ten))
    }
    assert.closeTo(moved, 2_000 / 11, 60)
  })

  it("move only from or to a member whose weight changes", () => {
    const weight = (heavy: number) => ({ name }: { readonly name: string }) => name === "m0" ? heavy : 1
    const moved = keys.slice(0, 2_000).flatMap((key) => {
      const [before] = Rendezvous.owners(key, ten, { weight: weight(1) })
      const [after] = Rendezvous.owners(key, ten, { weight: weight(2) })
      return before === after ? [] : [after!.name]
    })
    assert.deepStrictEqual([...new Set(moved)], ["m0"])
  })

  it("are none that weigh nothing, and nobody where nobody is asked about", () => {
    const weights: Readonly<Record<string, number>> = { m0: 0, m1: -1, m2: Number.NaN, m3: Infinity, m4: 1 }
    const weight = ({ name }: { readonly name: string }) => weights[name]!
    for (const key of keys.slice(0, 100)) {
      assert.deepStrictEqual(Rendezvous.owners(key, ten.slice(0, 5), { count: 5, weight }), [ten[4]!])
    }
    assert.deepStrictEqual(Rendezvous.owners("key", [], { count: 2 }), [])
    assert.deepStrictEqual(Rendezvous.owners("key", ten, { count: 0 }), [])
  })

  it("are in one order also where hashes are equal", () => {
    const twins = [{ id: "00000000000000aa", n: 1 }, { id: "00000000000000AA", n: 2 }]
    assert.deepStrictEqual(
      Rendezvous.owners("key", twins, { count: 2 }),
      Rendezvous.owners("key", twins.toReversed(), { count: 2 })
    )
  })
})
