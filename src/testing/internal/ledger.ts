/** Keeps the books of one network: counters, the trace, and those who listen. */
import type { Address } from "../../protocol/model/Member.ts"
import type { Counters, DropReason, Record } from "../Traffic.ts"

/** One datagram, as it was sent. `sender` is a machine's name. */
export interface Datagram {
  readonly sender: string
  readonly from: Address
  readonly to: Address
  readonly via: "multicast" | "unicast"
  readonly payload: Uint8Array
}

export interface Ledger {
  readonly sent: (datagram: Datagram) => void
  /** One more receiver was addressed. */
  readonly addressed: () => void
  readonly duplicated: () => void
  readonly delivered: (datagram: Datagram, receiver: string) => void
  /** It was in a buffer, and was pushed out of it. */
  readonly displaced: (datagram: Datagram, receiver: string) => void
  readonly dropped: (datagram: Datagram, reason: DropReason, receiver?: string) => void
  readonly counters: () => Counters
  readonly trace: () => ReadonlyArray<Record>
  readonly listeners: Set<(record: Record) => void>
}

export const make = (now: () => number, traceCapacity: number): Ledger => {
  const listeners = new Set<(record: Record) => void>()
  const trace: Array<Record> = []
  const dropped = { loss: 0, multicastLoss: 0, cut: 0, ttl: 0, overflow: 0, nobody: 0, down: 0 }
  const counters = { sent: 0, addressed: 0, duplicated: 0, delivered: 0 }

  const record = (
    { from, payload, sender, to, via }: Datagram,
    what: Record["what"],
    receiver: string | undefined,
    reason: DropReason | undefined
  ) => {
    if (traceCapacity === 0 && listeners.size === 0) return
    const made: Record = { at: now(), what, reason, via, from, to, sender, receiver, payload }
    if (traceCapacity > 0) {
      trace.push(made)
      // Cut in halves, so that a full trace costs nothing a record.
      if (trace.length >= 2 * traceCapacity) trace.splice(0, trace.length - traceCapacity)
    }
    for (const listener of listeners) listener(made)
  }

  const drop: Ledger["dropped"] = (datagram, reason, receiver) => {
    dropped[reason]++
    record(datagram, "dropped", receiver, reason)
  }

  return {
    sent: (datagram) => {
      counters.sent++
      record(datagram, "sent", undefined, undefined)
    },
    addressed: () => {
      counters.addressed++
    },
    duplicated: () => {
      counters.duplicated++
    },
    delivered: (datagram, receiver) => {
      counters.delivered++
      record(datagram, "delivered", receiver, undefined)
    },
    displaced: (datagram, receiver) => {
      counters.delivered--
      drop(datagram, "overflow", receiver)
    },
    dropped: drop,
    counters: () => ({ ...counters, dropped: { ...dropped } }),
    trace: () => traceCapacity === 0 ? [] : trace.slice(-traceCapacity),
    listeners
  }
}
