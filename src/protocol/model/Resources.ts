/**
 * Sets of resources as text: the resources of a space are numbered from 0, and each is one bit, the lowest of the first byte
 * being resource 0; the bytes are in base64 for URLs, without those at the end that are 0.
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The most resources of one space: sets of them fit a datagram four times. */
export const maxCount = 1_024

/** Resources of one space, in ascending order, each once. */
export type Resources = ReadonlyArray<number>

/** A set of resources as text. */
export const Text = Schema.String.check(Schema.isPattern(/^(?:[A-Za-z0-9_-]{4}){0,42}(?:[A-Za-z0-9_-]{2,3})?$/))

/** Writes a set. */
export const toText = (resources: Resources): string => {
  const bytes = new Uint8Array(resources.length === 0 ? 0 : (resources.at(-1)! >> 3) + 1)
  for (const resource of resources) bytes[resource >> 3]! |= 1 << (resource & 7)
  return Base64Url.encode(bytes)
}

/** Reads a set that is a {@link Text}, of the first `count` resources: others are passed over. */
export const fromText = (text: string, count: number): Resources => {
  const bytes = Result.getOrThrow(Base64Url.decode(text))
  const resources: Array<number> = []
  for (let resource = 0; resource < Math.min(count, bytes.length * 8); resource++) {
    if ((bytes[resource >> 3]! >> (resource & 7)) & 1) resources.push(resource)
  }
  return resources
}

/** All resources of a space. */
export const all = (count: number): Resources => Array.from({ length: count }, (_, resource) => resource)

/** A set out of numbers in any order. */
export const of = (resources: Iterable<number>): Resources => [...new Set(resources)].sort((self, that) => self - that)
