/**
 * The sockets of an endpoint: unicast sockets, each attached to a multicast group; and the last look at the system's
 * interfaces.
 */
import type * as Fiber from "effect/Fiber"
import { randomInt } from "node:crypto"
import { DatagramsFailed } from "../Datagrams.ts"
import type * as Changes from "../interfaces/Changes.ts"
import { type System, systemOf } from "../interfaces/Interfaces.ts"
import { describe, deviceOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import type * as MulticastSocket from "./MulticastSocket.ts"
import * as UnicastSocket from "./UnicastSocket.ts"

/** A unicast socket on one address, and the multicast group that is spoken to from there. */
export interface Attached extends UnicastSocket.UnicastSocket {
  /** Its number among the multicast groups of the endpoint. */
  group: number
  fiber: Fiber.Fiber<unknown> | undefined
}

/** A multicast group of the endpoint. `socket` is undefined where there is no multicast. */
export interface Group {
  readonly multicastGroup: MulticastSocket.MulticastGroup
  readonly socket: MulticastSocket.MulticastSocket | undefined
}

/** The present sockets of one endpoint. */
export interface Held {
  /** In the order of the setting. */
  readonly groups: ReadonlyArray<Group>
  /** Empty only while the endpoint opens. The first is never detached, since the identity of a server hangs on it. */
  readonly attached: Array<Attached>
  /** The last look at the system's interfaces. */
  system: System
}

/** An endpoint that holds no unicast socket yet. */
export const none = (groups: ReadonlyArray<Group>): Held => ({ groups, attached: [], system: systemOf([]) })

/** A stand-in while there is no interface at all: nothing is sent from it. */
export const noInterface: SystemInterface = { name: "none", address: "127.0.0.1", prefixLength: 8, internal: true }

/** A unicast socket that is not open yet. Its port must be known, since the identity is made of it. */
export const waiting = (group: number, networkInterface: SystemInterface, port: number): Attached => ({
  ...UnicastSocket.make(networkInterface, port === 0 ? randomInt(49_152, 65_536) : port),
  group,
  fiber: undefined
})

/** In the form that `interfaces/Changes` compares with the choice. */
export const toChanges = ({ group, networkInterface, present }: Attached): Changes.Attached => ({
  group,
  interface: networkInterface,
  isPresent: present
})

/** Those of a group on the device of an interface. */
export const onDevice = (
  { attached }: Held,
  group: number,
  { name }: SystemInterface
): ReadonlyArray<Attached> =>
  attached.filter((one) => one.group === group && deviceOf(one.networkInterface.name) === deviceOf(name))

/** News of the network as a whole. */
export const news = (what: string): DatagramsFailed =>
  new DatagramsFailed({ during: "scan", kind: "NetworkChanged", where: what })

/** News of one interface. */
export const changed = (networkInterface: SystemInterface, what: string): DatagramsFailed =>
  new DatagramsFailed({ during: "receive", kind: "NetworkChanged", where: `${describe(networkInterface)} ${what}` })
