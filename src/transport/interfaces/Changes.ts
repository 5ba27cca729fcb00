/** Changes of the system's interfaces, and the actions that follow for the sockets on them: a pure function. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as Option from "effect/Option"
import * as Zone from "../../protocol/model/Zone.ts"
import { networkOf } from "./Direct.ts"
import type { System } from "./Interfaces.ts"
import { deviceOf, familyOf, isUsable, type SystemInterface } from "./SystemInterface.ts"

/** An address that a group is to be spoken from. `group` says which of the multicast groups, where there are several. */
export interface Attachment {
  readonly group: number
  readonly interface: SystemInterface
}

/** One that has a socket. `isPresent`: its interface was there when we looked last. */
export interface Attached extends Attachment {
  readonly isPresent: boolean
}

/**
 * An action, for the attachment of this number or for a new one.
 *
 * - `Moved`: it goes on at this address; that may be its own, if the interface was away. `Gone`: it waits for its
 *   interface.
 * - `Ended`: its address is gone, and another socket is on the same device. `Came`: a socket is to be opened.
 */
export type Change =
  | { readonly _tag: "Moved"; readonly held: number; readonly to: SystemInterface }
  | { readonly _tag: "Gone"; readonly held: number }
  | { readonly _tag: "Ended"; readonly held: number }
  | { readonly _tag: "Came"; readonly attachment: Attachment }

/**
 * Compares the open sockets with the present choice.
 *
 * - A socket keeps its address while that can be used, also where the choice prefers another.
 * - Otherwise it goes to another address of its device, once the system has found out that no other host has that address.
 *   It also goes along with a device that is renamed.
 * - A network that no socket of the device is on gets a new socket.
 * - The first is never ended, since the identity of a server hangs on it.
 */
export const changes = (
  held: ReadonlyArray<Attached>,
  wanted: ReadonlyArray<Attachment>,
  system: System
): ReadonlyArray<Change> => {
  const there = new Map(system.addresses.map((one) => [`${one.name} ${one.address}`, one]))
  const found: Array<Change> = []
  const taken = new Set<string>()
  /** Where each goes on; those that stay first, so that nobody moves onto the address of another. */
  const goesOn = new Map<number, SystemInterface>()
  const stay = (index: number, to: SystemInterface) => {
    goesOn.set(index, to)
    taken.add(keyOf({ group: held[index]!.group, interface: to }))
    if (!isSame(held[index]!, to)) found.push({ _tag: "Moved", held: index, to })
  }
  const now = held.map(({ interface: { address, name } }) => there.get(`${name} ${address}`))
  for (const [index, one] of now.entries()) {
    if (one !== undefined && isUsable(one)) stay(index, one)
  }
  const byDevice = groupBy(wanted, deviceKeyOf)
  for (const [index, one] of held.entries()) {
    if (goesOn.has(index)) continue
    const free = byDevice.get(deviceKeyOf(one))?.find((other) => !taken.has(keyOf(other)))
      ?? wanted.find((other) => !taken.has(keyOf(other)) && isRenamed(one, other))
    const to = free?.interface ?? now[index]
    const isItsOwn = one.isPresent && to === now[index]
    if (to !== undefined && (isItsOwn || to.flaw !== "tentative")) stay(index, to)
  }
  const onDevice = groupBy(
    [...goesOn].map(([index, to]) => ({ group: held[index]!.group, interface: to })),
    deviceKeyOf
  )
  for (const [index, one] of held.entries()) {
    if (goesOn.has(index)) continue
    if (index > 0 && onDevice.has(deviceKeyOf(one))) found.push({ _tag: "Ended", held: index })
    else if (one.isPresent) found.push({ _tag: "Gone", held: index })
  }
  for (const attachment of wanted) {
    // A socket that waits for its device waits for this too: it is not known yet whether another host has the address.
    const isAwaited = attachment.interface.flaw === "tentative" &&
      held.some((one, index) => !goesOn.has(index) && deviceKeyOf(one) === deviceKeyOf(attachment))
    if (isAwaited) continue
    const neighbours = onDevice.get(deviceKeyOf(attachment)) ?? []
    const isCovered = neighbours.some((one) => overlap(one.interface, attachment.interface))
    if (!isCovered) found.push({ _tag: "Came", attachment })
  }
  return found
}

// internal

const keyOf = ({ group, interface: { address, name } }: Attachment): string => `${group} ${name} ${address}`

const deviceKeyOf = ({ group, interface: { name } }: Attachment): string => `${group} ${deviceOf(name)}`

/** Whether a socket goes on untouched. The number of an interface changes where it was taken out and put in again. */
const isSame = ({ interface: before, isPresent }: Attached, now: SystemInterface): boolean => {
  if (!isPresent || before.name !== now.name || before.address !== now.address) return false
  if (before.index === undefined) return now.index === undefined || familyOf(now.address) === "IPv4"
  return before.index === now.index
}

/** Whether it is the same address of the same interface, which has another name now. */
const isRenamed = (before: Attachment, now: Attachment): boolean =>
  before.group === now.group && before.interface.index !== undefined && before.interface.index === now.interface.index
  && Zone.without(before.interface.address) === Zone.without(now.interface.address)

const groupBy = <A>(some: ReadonlyArray<A>, keyOf: (one: A) => string): ReadonlyMap<string, ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const one of some) {
    const group = groups.get(keyOf(one))
    if (group === undefined) groups.set(keyOf(one), [one])
    else group.push(one)
  }
  return groups
}

const overlap = (one: SystemInterface, other: SystemInterface): boolean =>
  Option.getOrElse(
    Option.zipWith(networkOf(one), networkOf(other), (its, others) => IpNetwork.overlaps(its, others)),
    () => false
  )
