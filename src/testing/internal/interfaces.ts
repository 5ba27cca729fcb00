/**
 * The interfaces of a machine, which come, go and change their address; and what its endpoints know of them, who look
 * only now and then, as those of a real system do (`NodeDatagrams`).
 */
import type * as Datagrams from "../../transport/Datagrams.ts"
import { drawPort, type Interface, type Local, type Machine, type Socket } from "./machine.ts"

/** An endpoint finds within so many ms what has become of the interfaces of its machine. */
export const looksWithin = 2_000

export const loopback = "lo"
const loopbackIp = "127.0.0.1"

/** What all addresses of one network begin with. */
export const subnetOf = (ip: string): string => ip.slice(0, Math.max(ip.lastIndexOf("."), ip.lastIndexOf(":")))

export const isLoopback = (ip: string): boolean => ip.startsWith("127.")

export const make = (name: string, ip: string | null): Interface => ({
  name,
  ip,
  subnet: ip === null ? "" : subnetOf(ip)
})

export const assign = (one: Interface, ip: string | null): void => {
  one.ip = ip
  if (ip !== null) one.subnet = subnetOf(ip)
}

/** Whether an address is on a network that an endpoint knows itself to be on. */
export const isDirect = ({ locals }: Socket, ip: string): boolean => {
  const subnet = subnetOf(ip)
  for (const local of locals) if (local.subnet === subnet) return true
  return false
}

/** Those that have an address, of those that were asked for. */
const usable = ({ interfaces }: Machine, options: Datagrams.Options): ReadonlyArray<Interface & { ip: string }> =>
  interfaces.filter((one): one is Interface & { ip: string } =>
    one.ip !== null
    && (options.interfaces.length === 0 || options.interfaces.includes(one.name) || options.interfaces.includes(one.ip))
  )

/** The first of these names that no interface of the machine has. */
export const unknown = ({ interfaces }: Machine, names: ReadonlyArray<string>): string | undefined =>
  names.find((name) => !interfaces.some((one) => one.name === name || one.ip === name))

/** What an endpoint opens: an address of each interface, and where none has one, the loopback. */
export const opened = (machine: Machine, options: Datagrams.Options): Pick<Socket, "locals" | "joined"> => {
  const joined = usable(machine, options)
  const locals = joined.map((one) => localOf(machine, options, one))
  return {
    joined,
    locals: locals.length > 0 ? locals : [localOf(machine, options, { name: loopback, ip: loopbackIp })]
  }
}

const localOf = (
  machine: Machine,
  { unicastPort }: Datagrams.Options,
  { ip, name }: { readonly name: string; readonly ip: string }
): Local => ({
  interface: name,
  ip,
  port: unicastPort === 0 ? drawPort(machine) : unicastPort,
  subnet: subnetOf(ip),
  isThere: true
})

/** The address that something is sent from: of the network that the receiver is on, else the first that is there. */
export const towards = ({ locals }: Socket, ip: string): Local => {
  const first = locals[0] as Local
  if (locals.length === 1) return first
  const subnet = subnetOf(ip)
  return locals.find((local) => local.isThere && local.subnet === subnet) ?? locals.find(({ isThere }) => isThere) ??
    first
}

/** How a multicast that leaves from an address of another machine gets to an endpoint: not at all where it is in no group. */
export const wayTo = ({ joined }: Socket, subnet: string): "near" | "far" | "down" | null => {
  let way: "far" | "down" | null = null
  for (const { ip, subnet: own } of joined) {
    if (ip === null) way ??= "down"
    else if (own === subnet) return "near"
    else way = "far"
  }
  return way
}

/** Whether an endpoint uses the interfaces of its machine as they are. */
const isCurrent = (socket: Socket): boolean => {
  const { joined, locals, machine, options } = socket
  const wanted = usable(machine, options)
  return wanted.length > 0 && wanted.length === locals.length
    && wanted.every((one, index) =>
      joined[index] === one && locals[index]?.interface === one.name && locals[index].isThere
    )
}

/** Whether all endpoints of a machine do. */
export const areKnown = ({ sockets }: Machine): boolean => [...sockets].every(isCurrent)

/** The interfaces of a machine are others now: what its endpoints know of them may be no more. */
export const compare = ({ interfaces, sockets }: Machine): void => {
  for (const { locals } of sockets) {
    for (const local of locals) {
      if (local.interface === loopback) continue
      local.isThere = interfaces.some(({ ip, name }) => name === local.interface && ip === local.ip)
    }
  }
}

/** An endpoint looks at the interfaces of its machine, and uses them as they are. What it finds, where there is news. */
export const look = (socket: Socket): string | null => {
  const { joined: joinedBefore, locals: before, machine, options } = socket
  const joined = usable(machine, options)
  // With no interface left it keeps what it had, and says no more than once that it is gone.
  if (isCurrent(socket) || (joined.length === 0 && joinedBefore.length === 0)) return null
  const locals = joined.length === 0 ? before : joined.map((one): Local => {
    const known = before.find((local) => local.interface === one.name)
    if (known === undefined) return localOf(machine, options, one)
    return known.isThere ? known : { ...known, ip: one.ip, subnet: one.subnet, isThere: true }
  })
  for (const { port } of before) if (machine.ports.get(port) === socket) machine.ports.delete(port)
  for (const { port } of locals) machine.ports.set(port, socket)
  socket.locals = locals
  socket.joined = joined
  const came = locals.find((local) => !before.includes(local))
  const news = came ?? before.find(({ isThere }) => !isThere) ?? locals[0]
  return news === undefined ? null : `${news.interface} (${news.ip}) ${news.isThere ? "came" : "is gone"}`
}
