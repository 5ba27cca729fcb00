/**
 * Our own id, heard from others: our own echo, an earlier start of ours, or somebody else who uses it.
 *
 * A copied machine or container has the host name, the address and the fixed port of its original, and so its id. Nothing
 * is merged then and nobody gives way for good: both tell of it, with both addresses, for an operator to mend.
 */
import * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { Identity } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Zone from "../model/Zone.ts"
import * as Relocation from "./Relocation.ts"

/** At the start of a server. */
export const make = (monotonic: number): Identity => ({
  startedAt: monotonic,
  anewAt: monotonic,
  raised: [],
  duplicateAt: -Infinity,
  moved: 0,
  former: []
})

/** Whether an address is one of our own sockets'. */
export const isOwnAddress = (context: StepContext, address: Member.Address): boolean =>
  context.state.addresses.some((own) => Zone.isSame(own, address))

/** Whether an address was our own until lately: what we said from there may still come back. */
const wasOwnAddress = (context: StepContext, address: Member.Address): boolean =>
  context.state.identity.former.some((former) =>
    former.until >= context.now.monotonic && Zone.isSame(former.address, address)
  )

/** So many former addresses are remembered. */
const maxFormer = 64

/**
 * Our own sockets have other addresses than before: what we announce follows the first of them, and what we said before comes
 * late from now on. Answers whether anything has changed.
 */
export const moved = (context: StepContext, addresses: ReadonlyArray<Member.Address>): boolean => {
  const { addresses: before, identity, timing, self } = context.state
  const isEqual = (one: Member.Address, other: Member.Address | undefined): boolean =>
    one.ip === other?.ip && one.port === other.port
  if (before.length === addresses.length && before.every((own, i) => isEqual(own, addresses[i]))) return false
  const until = context.now.monotonic + timing.memberTimeout
  const gone = before.filter((own) => !addresses.some((other) => isEqual(own, other)))
  const former = [...identity.former, ...gone.map(({ ip, port }) => ({ address: { ip, port }, until }))].slice(
    -maxFormer
  )
  context.state.addresses = addresses
  context.state.identity = { ...identity, former, moved: Math.min(identity.moved + 1, Message.maxMoved) }
  const [announced = self] = addresses
  const now = { ...self, ip: Zone.without(announced.ip), port: announced.port }
  if (isEqual(now, self)) return true
  context.state.self = now
  Relocation.tell(context, self, now)
  return true
}

/**
 * A message under our own id. Never somebody to take in.
 *
 * From our own address it is our echo, or the remains of an earlier start, or of what our machine forgot when it was set back:
 * few, and soon over. Who speaks there later, or stays ahead of us however often we go beyond it, lives at an address that it
 * shares with us.
 */
export const heard = (context: StepContext, sender: Member.Member, from: Member.Address): void => {
  const { identity: { anewAt, raised }, timing, self } = context.state
  const isOurs = sender.incarnation === self.incarnation || raised.includes(sender.incarnation)
  if (!isOwnAddress(context, from)) {
    return isOurs && wasOwnAddress(context, from) ? context.drop("Own") : duplicate(context, sender, from)
  }
  const mayBeRemains = raised.length < Timing.maxRaises && context.now.monotonic - anewAt <= timing.memberTimeout
  if (!isOurs && !mayBeRemains) return duplicate(context, sender, from)
  context.drop("Own")
  raise(context, sender.incarnation)
}

/**
 * Takes on an incarnation above one that others have heard under our id and address: our clock was set back between two
 * starts, and until then all we say is stale to them. Answers whether it did: not beyond what a number holds, and not more
 * than {@link Rules.maxRaises} times.
 */
export const raise = (context: StepContext, heard: number): boolean => {
  const { identity, self } = context.state
  if (heard <= self.incarnation || heard >= Number.MAX_SAFE_INTEGER) return false
  if (identity.raised.length >= Timing.maxRaises) return false
  context.state.self = { ...self, incarnation: heard + 1 }
  context.state.identity = { ...identity, raised: [...identity.raised, self.incarnation] }
  context.emit({ event: "IncarnationRaised", from: self.incarnation, to: heard + 1 })
  return true
}

/** Somebody else uses our id: it is told, at most once a heartbeat. */
const duplicate = (context: StepContext, sender: Member.Member, from: Member.Address): void => {
  const { identity, timing, self } = context.state
  context.drop("Duplicate")
  if (context.now.monotonic - identity.duplicateAt < timing.heartbeatInterval) return
  context.state.identity = { ...identity, duplicateAt: context.now.monotonic }
  context.emit({
    event: "DuplicateIdentity",
    id: sender.id,
    ours: Member.formatAddress(self),
    theirs: Member.formatAddress(from),
    hostname: sender.hostname
  })
}
