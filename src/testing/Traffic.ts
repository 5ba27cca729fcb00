/**
 * What can happen to datagrams on a simulated network, and the record of what did.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Address } from "../protocol/model/Member.ts"
import { formatAddress } from "../protocol/model/Member.ts"

/**
 * What happens to datagrams on their way. Probabilities are from 0 to 1, and are drawn for each receiver.
 *
 * @category models
 * @since 0.1.0
 */
export interface Conditions {
  readonly loss: number
  /** Evenly distributed between the two. A `min` of zero lets two servers that answer each other stop the time: avoid it. */
  readonly delay: { readonly min: Duration.Input; readonly max: Duration.Input }
  /** That a second copy arrives, with a delay of its own. */
  readonly duplicate: number
  /** That a datagram is held back by up to `reorderBy` more, so that later ones overtake it. */
  readonly reorder: number
  readonly reorderBy: Duration.Input
}

/**
 * Why a copy of a datagram did not get into a receive buffer.
 *
 * - `loss`: by chance. `multicastLoss`: by the chance set for the receiver's multicasts.
 * - `cut`: by `cut` or `partition`. `ttl`: too far away for its time to live.
 * - `overflow`: the buffer was full. `nobody`: no machine has the address (any more), or nobody listens at the port.
 * - `down`: the receiver's interface is down or has no address, or its machine is suspended.
 *
 * @category models
 * @since 0.1.0
 */
export type DropReason = "loss" | "multicastLoss" | "cut" | "ttl" | "overflow" | "nobody" | "down"

/**
 * One thing that happened to a datagram: it was sent, or a copy of it got into a buffer or was dropped.
 *
 * @category models
 * @since 0.1.0
 */
export interface Record {
  /** Milliseconds of true time since the network was made. */
  readonly at: number
  readonly what: "sent" | "delivered" | "dropped"
  readonly reason: DropReason | undefined
  readonly via: "multicast" | "unicast"
  readonly from: Address
  /** What it was addressed to: the multicast group or one socket. */
  readonly to: Address
  /** Name of the sending machine. */
  readonly sender: string
  /** Name of the receiving machine; undefined for `sent`, and where no machine has the address. */
  readonly receiver: string | undefined
  readonly payload: Uint8Array
}

/**
 * How often what happened, since the start. `addressed` + `duplicated` = `delivered` + all of `dropped` + those under
 * way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counters {
  /** By `multicast`, once for each interface that it goes out of, `unicast` and `ask`; what is injected was not sent. */
  readonly sent: number
  /** Copies: one for each receiver of a multicast, one for a unicast. */
  readonly addressed: number
  readonly duplicated: number
  /** Got into a receive buffer, and were not pushed out of it by others. */
  readonly delivered: number
  readonly dropped: { readonly [Reason in DropReason]: number }
}

/**
 * One record as one line: for dumps, and to compare two runs byte for byte.
 *
 * @category conversions
 * @since 0.1.0
 */
export const format = (record: Record): string => {
  const payload = Array.from(record.payload, (byte) => byte.toString(16).padStart(2, "0")).join("")
  const outcome = record.reason === undefined ? record.what : `${record.what} (${record.reason})`
  const receiver = record.receiver === undefined ? "" : ` at ${record.receiver}`
  return `${record.at.toFixed(3)} ${record.via} ${record.sender} ${formatAddress(record.from)} -> ${
    formatAddress(record.to)
  } ${outcome}${receiver} ${payload}`
}
