/** How much was dropped since the start, by reason. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { DropReason } from "../protocol/model/Output.ts"
import type * as Messenger from "../transport/Messenger.ts"

export type Reason = DropReason | Messenger.DropReason

export interface Drops {
  readonly count: (reason: Reason) => void
  readonly counts: Effect.Effect<Readonly<Record<string, number>>>
  /** Open from the next drop for a reason that is to be noticed, until it is closed. */
  readonly noticed: Latch.Latch
}

/** Nothing was dropped yet. */
export const make = (toNotice: ReadonlySet<Reason> = new Set()): Drops => {
  const counts = new Map<Reason, number>()
  const noticed = Latch.makeUnsafe(false)
  return {
    count: (reason) => {
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
      if (toNotice.has(reason)) Latch.openUnsafe(noticed)
    },
    counts: Effect.sync(() => Object.fromEntries(counts)),
    noticed
  }
}

/** The counts with those of an endpoint, which itself drops what its buffer has no room for. */
export const withEndpoint = (drops: Drops, endpoint: { readonly dropped: Effect.Effect<number> }): Drops["counts"] =>
  Effect.zipWith(drops.counts, endpoint.dropped, (reasons, ReceiveBufferFull) => ({ ...reasons, ReceiveBufferFull }))
