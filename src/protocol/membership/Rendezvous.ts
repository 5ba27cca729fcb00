/**
 * Which members own a key: those with the highest random weights (Thaler and Ravishankar, *Using Name-Based Mappings to
 * Increase Hit Rates*, 1998). Who joins takes keys over and who leaves gives its own away; no other key moves.
 *
 * The hash of a key and a member is MurmurHash3 (x86, 32 bits) over 16 bytes: the first 8 of the SHA-256 of the key in UTF-8,
 * and the 8 that the node id spells. Seed 0 gives the upper 32 bits and seed 1 the lower ones, of which the upper 20 count. So
 * it is the same on every platform, and a key costs one SHA-256, however many members there are.
 */
import { sha256 } from "@noble/hashes/sha2.js"

/** What a key is owned by. */
interface Owner {
  readonly id: string
}

/** How many own a key, and how much of all keys each should own: in proportion to its weight, none where that is not above 0. */
export interface Options<A> {
  readonly count?: number
  readonly weight?: (member: A) => number
}

/** The owners of a key, the first one first; fewer than `count` where there are not so many. */
export const owners = <A extends Owner>(
  key: string,
  members: ReadonlyArray<A>,
  { count = 1, weight = () => 1 }: Options<A> = {}
): ReadonlyArray<A> => {
  const digest = words(sha256(encoder.encode(key)))
  const all = members.flatMap((member) => {
    const weighs = weight(member)
    return weighs > 0 && weighs < Infinity ? [{ member, weighs, hash: hash(digest, member.id) }] : []
  })
  // Logarithms may differ in the last bit between platforms: they are used only where they must.
  const areEqual = all.every(({ weighs }) => weighs === all[0]?.weighs)
  return all
    .map(({ hash, member, weighs }) => ({ member, score: areEqual ? hash : score(hash, weighs) }))
    .sort((self, that) => that.score - self.score || (self.member.id < that.member.id ? 1 : -1))
    .slice(0, count)
    .map(({ member }) => member)
}

const encoder = new TextEncoder()

/** The first 8 bytes as two words, as the hash reads them: the lowest byte first. */
const words = (bytes: Uint8Array): readonly [number, number] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  return [view.getUint32(0, true), view.getUint32(4, true)]
}

const bytesOf = (id: string): Uint8Array =>
  Uint8Array.from({ length: 8 }, (_, at) => Number.parseInt(id.slice(2 * at, 2 * at + 2), 16))

/** 52 bits of the hash of a key and a member. */
const hash = (digest: readonly [number, number], id: string): number => {
  const all = [...digest, ...words(bytesOf(id))]
  return murmur(all, 0) * 0x10_0000 + (murmur(all, 1) >>> 12)
}

/** The hash as a number between 0 and 1, neither included, `h`: of several `-weight / ln(h)` each is the greatest as often as its weight says. */
const score = (hash: number, weight: number): number => -weight / Math.log((hash + 0.5) / 2 ** 52)

/** MurmurHash3, x86, 32 bits, of so many words. */
const murmur = (input: ReadonlyArray<number>, seed: number): number => {
  let hash = seed
  for (const word of input) {
    hash ^= Math.imul(rotated(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
    hash = Math.imul(rotated(hash, 13), 5) + 0xe6546b64
  }
  hash ^= 4 * input.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by))
