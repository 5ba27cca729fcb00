/**
 * Datagrams over the UDP sockets of Node: one multicast socket that only receives, and one unicast socket an interface that
 * sends everything and receives unicasts (protocol 2).
 *
 * What comes by any of them waits in one queue. Each socket has one fiber that opens it anew, on the same port, when it fails. One more looks at
 * the interfaces of the system: one that comes is joined, one that comes back is joined again, one whose address changes is
 * opened on the new one. The announced address follows; the node's id stays.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import * as Os from "node:os"
import * as Process from "node:process"
import { limits, shortened } from "../../protocol/model/Member.ts"
import { Datagrams, DatagramsFailed, type Endpoint, type Options } from "../Datagrams.ts"
import { Interfaces } from "../interfaces/Interfaces.ts"
import { familyOf } from "../interfaces/SystemInterface.ts"
import type { Attached } from "./Attached.ts"
import * as Attachments from "./Attachments.ts"
import * as HostNames from "./HostNames.ts"
import * as LinkListener from "./LinkListener.ts"
import * as NodeCipher from "./NodeCipher.ts"
import * as NodeCrashLinks from "./NodeCrashLinks.ts"
import * as NodeInterfaces from "./NodeInterfaces.ts"
import * as NodeKeyFile from "./NodeKeyFile.ts"
import * as NodeSinceBoot from "./NodeSinceBoot.ts"
import * as PortProbe from "./PortProbe.ts"
import * as Socket from "./Socket.ts"
import * as SocketAddress from "./SocketAddress.ts"
import * as UnicastSocket from "./UnicastSocket.ts"

/**
 * Opens endpoints on the interfaces that `Interfaces` lists.
 *
 * `open` fails where the socket of a named interface does not open, or its port is another's, or none that is named is
 * there, or the system does not say which there are. All else is reported through `troubles` and tried again: a group port
 * that somebody keeps for himself, some of the named interfaces that are not there, interfaces that nobody named and that do
 * not open, no interface at all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function*() {
  const interfaces = yield* Interfaces
  const resolver = yield* AddressResolver.AddressResolver
  return Datagrams.of({ open: (options) => open({ scan: interfaces.scan, resolver }, options), owner: Process })
})

/**
 * `Datagrams` on the sockets of Node, over the interfaces of the system. Files of keys are read from its disks, and its
 * clock counts suspensions.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Datagrams> = Layer.effect(Datagrams, make).pipe(
  Layer.provide([NodeInterfaces.layer, HostNames.layer]),
  Layer.merge(NodeKeyFile.layer),
  Layer.merge(NodeSinceBoot.layer)
)

/**
 * The same over interfaces that are given.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInterfaces: Layer.Layer<Datagrams, never, Interfaces> = Layer.effect(Datagrams, make).pipe(
  Layer.provide(HostNames.layer)
)

// internal

const rescanInterval = Duration.seconds(2)

/** The services through which an endpoint asks the system. */
interface Asked {
  readonly scan: Interfaces["Service"]["scan"]
  readonly resolver: AddressResolver.AddressResolver["Service"]
}

const open = Effect.fn("Datagrams.open")(function*(asked: Asked, options: Options) {
  const outer = yield* Effect.scope
  // Closed in the reverse order: first nothing sends any more, then the fibers stop, then the sockets close under nobody.
  const sockets = yield* Scope.fork(outer)
  const fibers = yield* Scope.fork(outer)
  return yield* openIn(asked, options, sockets, fibers).pipe(
    Effect.onError(() => Effect.andThen(Scope.close(fibers, Exit.void), Scope.close(sockets, Exit.void)))
  )
})

const openIn = Effect.fnUntraced(function*(
  { resolver, scan }: Asked,
  options: Options,
  scope: Scope.Scope,
  fibers: Scope.Scope
) {
  const sockets = yield* Socket.sockets(scope, fibers)
  const attachments = yield* Attachments.open(scan, options, sockets)
  const { all, follow, groups, towards } = attachments
  yield* sockets.forkKept(Effect.asVoid(Effect.schedule(follow, Schedule.spaced(rescanInterval))))
  let closed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      for (const { socket } of groups) if (socket !== undefined) socket.opened = undefined
      for (const one of all()) one.opened = undefined
    })
  )
  const send = UnicastSocket.sender(() => closed)
  const isExposed = () => all().some(({ networkInterface }) => !networkInterface.internal)
  const sendToGroup = (one: Attached, payload: Uint8Array) =>
    send(one, groups[one.group]!.multicastGroup.address, payload)

  const endpoint: Endpoint = {
    hostname: hostname(),
    get local() {
      const [primary, ...others] = all()
      return [UnicastSocket.localOf(primary), ...others.map(UnicastSocket.localOf)] as const
    },
    hasAddress: () => options.interfaces.length > 0 || isExposed(),
    portTowards: (ip) => towards(ip).port,
    receive: Queue.takeAll(sockets.incoming),
    multicast: (payload) =>
      Effect.suspend(() => UnicastSocket.multicast(all(), (one) => sendToGroup(one, payload), sockets.report)),
    unicast: (to, payload) => Effect.suspend(() => send(towards(to.ip), to, payload)),
    ask: (to, payload) => Effect.suspend(() => PortProbe.probe(sockets, towards(to.ip).networkInterface, to, payload)),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    cipher: NodeCipher.cipher,
    isExposed,
    isDirect: attachments.isDirect,
    resolve: (host) => resolve(resolver, host, new Set(groups.map(({ multicastGroup }) => multicastGroup.family))),
    troubles: Queue.take(sockets.troubles),
    openLinks: linksOf(attachments, options, sockets),
    dropped: Effect.sync(sockets.lost)
  }
  return endpoint
})

/** Links are accepted at the number of the unicast port, if nobody has it in TCP: one number for a firewall to let through. */
const linksOf = (attachments: Attachments.Attachments, options: Options, sockets: Socket.Sockets) => {
  const { all, groups, towards } = attachments
  const addressOf = (ip: string) => towards(ip).networkInterface.address
  return NodeCrashLinks.open({
    get hosts() {
      const families = groups.map(({ multicastGroup }) => multicastGroup.family)
      return families.flatMap((family) => LinkListener.hostOf(family, options.interfaces, all()))
    },
    get port() {
      return UnicastSocket.localOf(all()[0]).port
    },
    source: (ip) => familyOf(addressOf(ip)) === familyOf(ip) ? addressOf(ip) : undefined,
    own: () => all()[0].networkInterface.address,
    ask: (to) => PortProbe.probe(sockets, all()[0].networkInterface, to, new Uint8Array(0)),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    report: sockets.report
  })
}

/** The addresses of a host that are of these families, each in its one spelling. */
const resolve = Effect.fnUntraced(function*(
  resolver: Asked["resolver"],
  host: string,
  families: ReadonlySet<NetAddress.IpFamily>
) {
  const failed = (where: string, cause?: unknown) =>
    new DatagramsFailed({ during: "send", kind: "NoSuchName", where, ...cause === undefined ? {} : { cause } })
  const found = yield* Effect.mapError(
    resolver.resolve({ host, port: 1 }),
    (cause) => failed(cause._tag === "DnsError" ? host : `${host} (${cause.message})`, cause)
  )
  const all = found.map((address) => SocketAddress.format(NetAddress.toCanonical(address)).ip)
  const ips = all.filter((ip) => families.has(familyOf(ip)))
  return ips.length > 0 ? ips : yield* failed(`${host} (only ${all.join(", ")})`)
})

const hostname = (): string => {
  try {
    return shortened(Os.hostname(), limits.hostname)
  } catch {
    // Some sandboxes refuse to tell.
    return shortened("", limits.hostname)
  }
}
