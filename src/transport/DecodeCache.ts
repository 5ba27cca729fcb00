/**
 * Keeps the last decoded messages of each source. Most datagrams of a group are heartbeats, and a heartbeat is the same to
 * the byte while nothing changes; important messages are sent three times. So the last heartbeat of each source is kept,
 * and its last other message: the same bytes again are not decoded again.
 */
import * as Result from "effect/Result"
import type { Address } from "../protocol/model/Member.ts"
import { formatAddress } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import * as Frame from "../protocol/wire/Frame.ts"

/** Of how many sources something is kept: two bodies each, at most 2.4 MB. */
export const capacity = 1_024

/** Reads the body of a frame that came from there, as `Frame.readBody` does. */
export type Read = (body: Uint8Array, from: Address) => Result.Result<Message.Message, Frame.Refused>

interface Kept {
  readonly body: Uint8Array
  readonly read: ReturnType<Read>
}

/** An empty cache. It answers by the bytes alone, so all servers of one process may share it. */
export const make = (): Read => {
  const sources = new Map<string, { heartbeat?: Kept; other?: Kept }>()
  return (body, from) => {
    const source = formatAddress(from)
    const known = sources.get(source)
    const last = same(known?.heartbeat, body) ?? same(known?.other, body)
    if (last !== undefined) return last.read
    const read = Frame.readBody(body)
    // Messages of clients are long, and never the same.
    if (Result.isFailure(read) || !("sender" in read.success)) return read
    const said = known ?? {}
    // A copy, since the bytes may be the system's.
    said[read.success.type === "SERVER_ALIVE" ? "heartbeat" : "other"] = { body: body.slice(), read }
    if (known === undefined) {
      sources.set(source, said)
      // The oldest source is dropped.
      if (sources.size > capacity) sources.delete(sources.keys().next().value!)
    }
    return read
  }
}

/** Compares from the end, where two messages of one server differ most often. */
const same = (kept: Kept | undefined, body: Uint8Array): Kept | undefined => {
  if (kept?.body.length !== body.length) return undefined
  for (let i = body.length - 1; i >= 0; i--) if (kept.body[i] !== body[i]) return undefined
  return kept
}
