/**
 * What is said again and again. A heartbeat is the same to the byte for as long as nothing changes, and most of what a group
 * hears is heartbeats: the last one of each source is kept, and where it comes again it is not read and checked anew.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Frame from "../protocol/Frame.ts"
import type { Address } from "../protocol/Member.ts"
import { formatAddress } from "../protocol/Member.ts"
import type * as Message from "../protocol/Message.ts"

/**
 * Of how many sources a heartbeat is kept: at most 1.2 MB.
 *
 * @category models
 * @since 0.1.0
 */
export const capacity = 1_024

/**
 * Makes a reader of bodies that has heard nobody. It answers as `Frame.readBody` does, whatever it keeps.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): (body: Uint8Array, from: Address) => Result.Result<Message.Message, Frame.Refused> => {
  const heartbeats = new Map<string, { readonly body: Uint8Array; readonly read: ReturnType<typeof Frame.readBody> }>()
  return (body, from) => {
    const source = formatAddress(from)
    const last = heartbeats.get(source)
    if (last !== undefined && isSame(last.body, body)) return last.read
    const read = Frame.readBody(body)
    if (Result.isSuccess(read) && read.success.type === "SERVER_ALIVE") {
      // A copy, since the bytes may be the system's; out goes the one that has been here the longest.
      heartbeats.set(source, { body: body.slice(), read })
      if (heartbeats.size > capacity) heartbeats.delete(heartbeats.keys().next().value!)
    }
    return read
  }
}

const isSame = (self: Uint8Array, that: Uint8Array): boolean => {
  if (self.length !== that.length) return false
  for (let i = 0; i < self.length; i++) if (self[i] !== that[i]) return false
  return true
}
