/** Carries datagrams between the machines of a simulated network, and says of what it cannot carry why. */
import * as Effect from "effect/Effect"
import type { Address } from "../../protocol/model/Member.ts"
import { formatAddress } from "../../protocol/model/Member.ts"
import * as MulticastGroup from "../../settings/MulticastGroup.ts"
import * as Datagrams from "../../transport/Datagrams.ts"
import * as Interfaces from "./interfaces.ts"
import type * as Ledger from "./ledger.ts"
import type * as Links from "./links.ts"
import type { Local, Machine, Socket } from "./machine.ts"
import * as Sockets from "./sockets.ts"

/** The greatest payload that IPv4 and UDP can carry. */
const maxPayload = 65_507

/** Where the multicasts of a socket go. */
export const groupAddress = ({ multicastAddress, port }: Datagrams.Options): Address => ({
  ip: MulticastGroup.format(multicastAddress),
  port
})

type Groups = Datagrams.Options["multicastAddress"]
const isSameGroup = (one: Groups, other: Groups): boolean =>
  one === other || MulticastGroup.format(one) === MulticastGroup.format(other)

/** What carrying goes by. */
export interface Network {
  readonly machines: ReadonlyMap<string, { readonly machine: Machine }>
  readonly byIp: ReadonlyMap<string, Machine>
  readonly links: Links.Links
  readonly kernel: Parameters<typeof Sockets.arrive>[2]
}

/** What a socket sends something with, and from which of its addresses; or why it cannot. */
export const send = (
  network: Network,
  socket: Socket,
  { payload, port, to, via }: {
    readonly to: Address
    readonly payload: Uint8Array
    readonly via: "multicast" | "unicast"
    /** Another than its own. */
    readonly port?: number
  }
): Effect.Effect<void, Datagrams.DatagramsFailed> =>
  Effect.suspend(() => {
    if (socket.state === "dead") return Effect.void
    const fail = (kind: Datagrams.DatagramsFailed["kind"]) =>
      Effect.fail(new Datagrams.DatagramsFailed({ during: "send", kind, where: formatAddress(to) }))
    const refusal = refusalOf(socket, payload) ?? (via === "unicast" ? refusalTowards(socket, to) : undefined)
    if (refusal !== undefined) return fail(refusal)
    const { machine, options } = socket
    // A copy, as the system takes one: the sender may use its buffer again.
    const copy = payload.slice()
    const sentFrom = (local: Local): Ledger.Datagram => {
      const from = { ip: local.ip, port: port ?? local.port }
      const datagram: Ledger.Datagram = { sender: machine.name, from, to, via, payload: copy }
      network.kernel.ledger.sent(datagram)
      return datagram
    }
    if (via === "unicast") {
      unicast(network, sentFrom(Interfaces.towards(socket, to.ip)))
      return Effect.void
    }
    const locals = socket.locals.filter(({ isThere }) => isThere)
    for (const local of locals) multicast(network, sentFrom(local), machine, local, options)
    return locals.length > 0 ? Effect.void : fail("AddressNotAvailable")
  })

/** To one socket, at any address. */
export const carryTo = (network: Network, datagram: Ledger.Datagram, socket: Socket): void =>
  carry(network, datagram, socket.machine, () => Sockets.arrive(socket, datagram, network.kernel))

/** The machine that has an address, as the one of this name sees it. */
export const machineAt = ({ byIp, machines }: Network, ip: string, seenBy: string): Machine | undefined =>
  byIp.get(ip) ?? (Interfaces.isLoopback(ip) ? machines.get(seenBy)?.machine : undefined)

// internal

const refusalOf = (
  { machine, state }: Socket,
  payload: Uint8Array
): Datagrams.DatagramsFailed["kind"] | undefined => {
  if (state === "closed") return "Closed"
  if (payload.length > maxPayload) return "TooLarge"
  if (machine.down) return "Unreachable"
  return machine.failing.sends ? "PermissionDenied" : undefined
}

const refusalTowards = (socket: Socket, { ip }: Address): Datagrams.DatagramsFailed["kind"] | undefined => {
  const local = Interfaces.towards(socket, ip)
  if (!local.isThere) return "AddressNotAvailable"
  return local.interface === Interfaces.loopback && !Interfaces.isLoopback(ip) ? "Unreachable" : undefined
}

const carry = (
  { kernel: { agenda, ledger }, links }: Network,
  datagram: Ledger.Datagram,
  { multicastLoss, name }: Machine,
  arrive: () => void
) => {
  const { sender, via } = datagram
  const arriveAt = (due: number) => agenda.at(due, "arrival", arrive)
  ledger.addressed()
  if (name === sender) return void arriveAt(agenda.now())
  if (links.isCut(sender, name)) return ledger.dropped(datagram, "cut", name)
  if (via === "multicast" && links.happens(multicastLoss)) return ledger.dropped(datagram, "multicastLoss", name)
  const link = links.between(sender, name)
  if (links.happens(link.weather.loss)) return ledger.dropped(datagram, "loss", name)
  arriveAt(links.drawArrival(link, agenda.now()))
  if (links.happens(link.weather.duplicate)) {
    ledger.duplicated()
    arriveAt(links.drawArrival(link, agenda.now()))
  }
}

const multicast = (
  network: Network,
  datagram: Ledger.Datagram,
  from: Machine,
  local: Local,
  group: Datagrams.Options
) => {
  for (const { machine } of network.machines.values()) {
    if (machine !== from && local.interface === Interfaces.loopback) continue
    for (const socket of machine.sockets) {
      const { multicast, multicastAddress, port } = socket.options
      if (multicast === false) continue
      if (port !== group.port || !isSameGroup(multicastAddress, group.multicastAddress)) continue
      const way = machine === from ? "near" : Interfaces.wayTo(socket, local.subnet)
      if (way === null) continue
      const isInReach = machine === from || (way === "near" && group.ttl >= 1) || (way === "far" && group.ttl >= 2)
      if (isInReach) {
        carryTo(network, datagram, socket)
      } else {
        network.kernel.ledger.addressed()
        network.kernel.ledger.dropped(datagram, way === "near" || way === "far" ? "ttl" : "down", machine.name)
      }
    }
  }
}

const unicast = (network: Network, datagram: Ledger.Datagram) => {
  const { kernel } = network
  const machine = machineAt(network, datagram.to.ip, datagram.sender)
  const socket = machine && Sockets.listenerAt(machine, datagram.to)
  if (socket !== undefined) return carryTo(network, datagram, socket)
  if (machine?.questions.has(datagram.to.port) === true) {
    return carry(network, datagram, machine, () => Sockets.answer(machine, datagram, kernel))
  }
  kernel.ledger.addressed()
  kernel.ledger.dropped(datagram, "nobody", machine?.name)
}
