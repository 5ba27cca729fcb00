/** Which partition a key belongs to: the same on every platform, and in every version. */
import { sha256 } from "@noble/hashes/sha2.js"

/** The first 32 bits of the SHA-256 of the key in UTF-8, the highest byte first, modulo the count of partitions. */
export const partitionOf = (key: string, count: number): number =>
  new DataView(sha256(encoder.encode(key)).buffer).getUint32(0) % count

const encoder = new TextEncoder()
