/** How much was dropped since the start, by reason. */
import * as Effect from "effect/Effect"
import type { DropReason } from "../protocol/model/State.ts"
import type * as Messenger from "../transport/Messenger.ts"

export type Reason = DropReason | Messenger.DropReason

export interface Drops {
  readonly count: (reason: Reason) => void
  readonly counts: Effect.Effect<Readonly<Record<string, number>>>
}

/** Nothing was dropped yet. */
export const make = (): Drops => {
  const counts = new Map<Reason, number>()
  return {
    count: (reason) => void counts.set(reason, (counts.get(reason) ?? 0) + 1),
    counts: Effect.sync(() => Object.fromEntries(counts))
  }
}

/** The counts with those of an endpoint, which itself drops what its buffer has no room for. */
export const withEndpoint = (drops: Drops, endpoint: { readonly dropped: Effect.Effect<number> }): Drops["counts"] =>
  Effect.zipWith(drops.counts, endpoint.dropped, (reasons, ReceiveBufferFull) => ({ ...reasons, ReceiveBufferFull }))
