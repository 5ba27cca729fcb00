/**
 * Whether relayed messages leave at once or wait a moment for those of other clients: each datagram wakes every server and client, so
 * one that brings several messages costs them a fraction. A client that speaks alone waits for nobody.
 */
import type * as Batch from "../protocol/delivery/Batch.ts"
import type * as Client from "../protocol/model/Client.ts"

/** How long messages wait for others at most, in ms. */
export const wait = 1

/** A client that spoke so many ms ago is expected to speak again. */
const expected = 10

/** So many messages fill several datagrams: they wait for no more. */
const enough = 64

/** Answers whether all that waits should wait for more. `now` is in ms, on a clock that never steps. */
export type Gathering = (all: ReadonlyArray<Batch.Outgoing>, now: number) => boolean

/** Nobody has spoken yet. */
export const make = (): Gathering => {
  /** Who spoke when, the one that has been silent for the longest first. */
  const spoke = new Map<Client.ClientId, number>()
  return (all, now) => {
    if (!all.every(isRelayed)) return false
    const speaking = new Set<Client.ClientId>()
    for (const { message } of all) if (message.type === "CLIENT_DELIVER") speaking.add(message.client.id)
    for (const client of speaking) {
      spoke.delete(client)
      spoke.set(client, now)
    }
    for (const [client, at] of spoke) {
      if (now - at < expected) break
      spoke.delete(client)
    }
    return speaking.size > 0 && speaking.size < spoke.size && all.length < enough
  }
}

type Relayed = Extract<Batch.Outgoing, { readonly _tag: "Send" }>

/** A message that may be put into one datagram with others. */
const isRelayed = (outgoing: Batch.Outgoing): outgoing is Relayed =>
  outgoing._tag === "Send" && outgoing.batches === true
