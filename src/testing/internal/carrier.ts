/** Carries datagrams between the machines of a simulated network, and says of what it cannot carry why. */
import * as Effect from "effect/Effect"
import type { Address } from "../../protocol/model/Member.ts"
import { formatAddress } from "../../protocol/model/Member.ts"
import * as MulticastGroup from "../../settings/MulticastGroup.ts"
import * as Datagrams from "../../transport/Datagrams.ts"
import * as Interfaces from "./interfaces.ts"
import type * as Ledger from "./ledger.ts"
import type * as Links from "./links.ts"
import { drawPort, type Local, type Machine, type Socket } from "./machine.ts"
import * as Sockets from "./sockets.ts"

/** The greatest payload that IPv4 and UDP can carry. */
const maxPayload = 65_507
/** For how many milliseconds `ask` stays. */
const patience = 50
/** What the system says of a process that has no file descriptors left. */
const noDescriptors = new Error("socket EMFILE")

/** Where the multicasts of a socket go. */
export const groupAddress = ({ multicastAddress, port }: Datagrams.Options): Address => ({
  ip: MulticastGroup.format(multicastAddress),
  port
})

type Groups = Datagrams.Options["multicastAddress"]
const isSameGroup = (one: Groups, other: Groups): boolean =>
  one === other || MulticastGroup.format(one) === MulticastGroup.format(other)

export interface Carrier {
  readonly send: (
    socket: Socket,
    to: Address,
    payload: Uint8Array,
    via: "multicast" | "unicast"
  ) => Effect.Effect<void, Datagrams.DatagramsFailed>
  readonly ask: (
    socket: Socket,
    to: Address,
    payload: Uint8Array
  ) => Effect.Effect<"sent" | "refused", Datagrams.DatagramsFailed>
  /** To one socket, whatever address it has. */
  readonly carryTo: (datagram: Ledger.Datagram, socket: Socket) => void
}

export const make = ({ byIp, kernel, links, machines, refuses }: {
  readonly machines: ReadonlyMap<string, { readonly machine: Machine }>
  readonly byIp: ReadonlyMap<string, Machine>
  readonly links: Links.Links
  readonly kernel: Parameters<typeof Sockets.arrive>[2]
  readonly refuses: boolean
}): Carrier => {
  const { agenda, ledger } = kernel

  const carry = (datagram: Ledger.Datagram, { multicastLoss, name }: Machine, arrive: () => void) => {
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

  const carryTo = (datagram: Ledger.Datagram, socket: Socket) =>
    carry(datagram, socket.machine, () => Sockets.arrive(socket, datagram, kernel))

  const multicast = (
    datagram: Ledger.Datagram,
    from: Machine,
    local: Local,
    group: Datagrams.Options
  ) => {
    for (const { machine } of machines.values()) {
      if (machine !== from && local.interface === Interfaces.loopback) continue
      for (const socket of machine.sockets) {
        const { multicast, multicastAddress, port } = socket.options
        if (multicast === false) continue
        if (port !== group.port || !isSameGroup(multicastAddress, group.multicastAddress)) continue
        const way = machine === from ? "near" : Interfaces.wayTo(socket, local.subnet)
        if (way === null) continue
        const isInReach = machine === from || (way === "near" && group.ttl >= 1) || (way === "far" && group.ttl >= 2)
        if (isInReach) {
          carryTo(datagram, socket)
        } else {
          ledger.addressed()
          ledger.dropped(datagram, way === "near" || way === "far" ? "ttl" : "down", machine.name)
        }
      }
    }
  }

  /** The machine that has an address, as the one of this name sees it. */
  const machineAt = (ip: string, seenBy: string) =>
    byIp.get(ip) ??
      (Interfaces.isLoopback(ip) ? machines.get(seenBy)?.machine : undefined)

  const unicast = (datagram: Ledger.Datagram) => {
    const machine = machineAt(datagram.to.ip, datagram.sender)
    const socket = machine === undefined ? undefined : Sockets.listenerAt(machine, datagram.to)
    if (socket !== undefined) return carryTo(datagram, socket)
    if (machine?.questions.has(datagram.to.port) === true) {
      return carry(datagram, machine, () => Sockets.answer(machine, datagram, kernel))
    }
    ledger.addressed()
    ledger.dropped(datagram, "nobody", machine?.name)
  }

  /** What a socket sends something with, and from which of its addresses; or why it cannot. */
  const send = (
    socket: Socket,
    to: Address,
    payload: Uint8Array,
    via: "multicast" | "unicast",
    port?: number
  ): Effect.Effect<void, Datagrams.DatagramsFailed> =>
    Effect.suspend(() => {
      const { locals, machine, options, state } = socket
      if (state === "dead") return Effect.void
      const fail = (kind: Datagrams.DatagramsFailed["kind"]) =>
        Effect.fail(new Datagrams.DatagramsFailed({ during: "send", kind, where: formatAddress(to) }))
      if (state === "closed") return fail("Closed")
      if (payload.length > maxPayload) return fail("TooLarge")
      if (machine.down) return fail("Unreachable")
      if (machine.failing.sends) return fail("PermissionDenied")
      // A copy, as the system takes one: the sender may use its buffer again.
      const copy = payload.slice()
      const sentFrom = (local: Local): Ledger.Datagram => {
        const from = { ip: local.ip, port: port ?? local.port }
        const datagram: Ledger.Datagram = { sender: machine.name, from, to, via, payload: copy }
        ledger.sent(datagram)
        return datagram
      }
      if (via === "unicast") {
        const local = Interfaces.towards(socket, to.ip)
        if (!local.isThere) return fail("AddressNotAvailable")
        if (local.interface === Interfaces.loopback && !Interfaces.isLoopback(to.ip)) return fail("Unreachable")
        unicast(sentFrom(local))
        return Effect.void
      }
      let isCarried = false
      for (const local of locals) {
        if (!local.isThere) continue
        isCarried = true
        multicast(sentFrom(local), machine, local, options)
      }
      return isCarried ? Effect.void : fail("AddressNotAvailable")
    })

  /** In how many milliseconds a sender hears that it is refused; undefined where it never does. */
  const drawRefusal = (from: Machine, to: Address): number | undefined => {
    const machine = machineAt(to.ip, from.name)
    if (!refuses || machine === undefined || machine.down || machine.suspended) return undefined
    if (Sockets.listenerAt(machine, to) !== undefined) return undefined
    if (machine === from) return 0
    if (links.isCut(from.name, machine.name) || links.isCut(machine.name, from.name)) return undefined
    const there = links.between(from.name, machine.name)
    const back = links.between(machine.name, from.name)
    if (links.happens(there.weather.loss) || links.happens(back.weather.loss)) return undefined
    return links.drawDelay(there) + links.drawDelay(back)
  }

  const ask = (socket: Socket, to: Address, payload: Uint8Array) =>
    Effect.suspend(() => {
      const { machine } = socket
      if (machine.failing.sockets) {
        return Effect.fail(
          new Datagrams.DatagramsFailed({
            during: "open",
            kind: "Unknown",
            where: formatAddress(to),
            cause: noDescriptors
          })
        )
      }
      const port = drawPort(machine)
      const refusal = socket.state === "open" ? drawRefusal(machine, to) : undefined
      const isRefused = refusal !== undefined && refusal <= patience
      const close = Effect.sync(() => machine.questions.delete(port))
      const answered = Effect.callback<"sent">((resume) => {
        machine.questions.set(port, { asker: socket, peer: to, answered: () => resume(Effect.succeed("sent")) })
        return close
      })
      const patient = Effect.as(
        Effect.sleep(isRefused ? refusal : patience),
        isRefused ? "refused" as const : "sent" as const
      )
      return send(socket, to, payload, "unicast", port).pipe(
        Effect.andThen(Effect.raceFirst(answered, patient))
      )
    })

  return { send, ask, carryTo }
}
