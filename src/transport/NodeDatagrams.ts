/**
 * Datagrams over the UDP sockets of Node: one group socket that only receives, and one own socket an interface that
 * sends everything and receives what is unicast (protocol 2).
 *
 * Each socket has one fiber that reads it, and that opens it anew, on the same port, when it fails. One more fiber
 * looks at the interfaces of the system: one that comes is joined, one that comes back is joined again, one whose
 * address changes is opened on the new one. The node's identity stays with the first interface whatever comes later.
 *
 * @since 0.1.0
 */
import * as NodeDatagramSocket from "@effect/platform-node/NodeDatagramSocket"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type * as DatagramSocket from "effect/socket/DatagramSocket"
import * as Os from "node:os"
import { type Address, formatAddress, jsonBytes, limits } from "../protocol/Member.ts"
import {
  Datagrams,
  DatagramsFailed,
  type Endpoint,
  type LocalAddress,
  type Options,
  type Received
} from "./Datagrams.ts"
import { choose, Interfaces, isDirect, isOn, type SystemInterface } from "./Interfaces.ts"
import * as NodeInterfaces from "./NodeInterfaces.ts"

/**
 * Opens endpoints on the interfaces that `Interfaces` lists.
 *
 * `open` fails where the group socket or the socket of a named interface does not open; of interfaces that nobody
 * named, those that do not open are left out, told through `troubles` and tried again, as long as there is one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function*() {
  const interfaces = yield* Interfaces
  return Datagrams.of({ open: (options) => open(interfaces, options) })
})

/**
 * `Datagrams` on the sockets of Node, over the interfaces of the system.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Datagrams> = Layer.effect(Datagrams, make).pipe(Layer.provide(NodeInterfaces.layer))

/**
 * The same over interfaces that are given.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInterfaces: Layer.Layer<Datagrams, never, Interfaces> = Layer.effect(Datagrams, make)

// internal

// What is received and not yet read; a burst of heartbeats of a thousand servers fits four times over.
const receiveCapacity = 4096
// What nobody reads must not grow; the newest faults are the ones that matter.
const troubleCapacity = 64
// A datagram longer than this is no frame of ours (protocol 7): not kept, so that a full queue stays below 8 MiB.
const longestKept = 2048
// Room in the kernel for bursts while the event loop is busy. The system caps it at its own limit.
const kernelReceiveBufferSize = 1_048_576
const rescanInterval = Duration.seconds(2)
// Long enough for a refusal from a host on the LAN; on loopback it takes well under a millisecond.
const refusalWindow = Duration.millis(50)
const rememberedAddresses = 1024

const reopening = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")])

interface Opened {
  readonly scope: Scope.Closeable
  readonly reader: DatagramSocket.Reader
  readonly writer: DatagramSocket.Writer
  readonly fault: Deferred.Deferred<DatagramsFailed>
}

/** A socket of ours through all its reopenings. `opened` is absent in between: then a send fails instead of waiting. */
interface Slot {
  opened: Opened | undefined
}

interface Own extends Slot {
  nic: SystemInterface
  port: number
  present: boolean
  /** Whether the last multicast failed here: told once, not with each heartbeat. */
  mute: boolean
}

const open = Effect.fnUntraced(function*(interfaces: Interfaces["Service"], options: Options) {
  const outer = yield* Effect.scope
  // Closed in the reverse order: first nothing sends any more, then the fibers stop, then the sockets close under nobody.
  const sockets = yield* Scope.fork(outer)
  const fibers = yield* Scope.fork(outer)
  return yield* openIn(interfaces, options, sockets, fibers).pipe(
    Effect.onError(() => Effect.andThen(Scope.close(fibers, Exit.void), Scope.close(sockets, Exit.void)))
  )
})

const openIn = Effect.fnUntraced(function*(
  interfaces: Interfaces["Service"],
  options: Options,
  sockets: Scope.Scope,
  fibers: Scope.Scope
) {
  const incoming = yield* Queue.sliding<Received>(receiveCapacity)
  const troubles = yield* Queue.sliding<DatagramsFailed>(troubleCapacity)
  const report = (failed: DatagramsFailed) => void Queue.offerUnsafe(troubles, failed)
  const told = (failed: DatagramsFailed) => Effect.sync(() => report(failed))
  // What should never end and dies all the same, of a mistake of ours, is told and begun again.
  const forkKept = (loop: Effect.Effect<void>) =>
    loop.pipe(
      Effect.catchCause((cause) =>
        told(new DatagramsFailed({ during: "receive", kind: "Unknown", where: "a fiber that died", cause }))
      ),
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkIn(fibers)
    )
  const group = yield* parseGroup(options)
  const owns: Array<Own> = []
  const joined = new Map<string, Scope.Closeable>()
  let overflowed = 0

  const receive = (datagrams: ReadonlyArray<DatagramSocket.Datagram>, via: Received["via"]) => {
    for (const { address, payload } of datagrams) {
      if (payload.length > longestKept || Queue.isFullUnsafe(incoming)) overflowed++
      if (payload.length > longestKept) continue
      Queue.offerUnsafe(incoming, {
        payload,
        from: { ip: NetAddress.formatIp(address.address), port: address.port },
        via
      })
    }
  }

  const openSocket = Effect.fnUntraced(function*(where: string, bound: NodeDatagramSocket.Options) {
    const fault = yield* Deferred.make<DatagramsFailed>()
    const opening = yield* Scope.fork(sockets)
    return yield* Effect.gen(function*() {
      const socket = yield* NodeDatagramSocket.make({
        ...bound,
        receiveBuffer: { capacity: receiveCapacity, strategy: "sliding" },
        onError: (error) => {
          const failed = failedFrom("receive", where, error)
          // What an ICMP message says of some other host is no fault of this socket.
          if (failed.kind === "ConnectionRefused" || failed.kind === "Unreachable") report(failed)
          else Deferred.doneUnsafe(fault, Effect.succeed(failed))
        }
      })
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      const opened: Opened = { scope: opening, reader, writer, fault }
      return opened
    }).pipe(
      Scope.provide(opening),
      Effect.mapError((error) => failedFrom("open", where, error)),
      Effect.onError(() => Scope.close(opening, Exit.void))
    )
  })

  // Reads one socket for ever; where it fails, closes it and opens it again until that succeeds.
  const keep = Effect.fnUntraced(
    function*(slot: Slot, via: Received["via"], again: Effect.Effect<Opened, DatagramsFailed>) {
      while (true) {
        const { fault, reader, scope } = slot.opened ?? (yield* again.pipe(
          Effect.tapError(told),
          Effect.retry(reopening),
          Effect.orDie
        ))
        const failed = yield* reader.pull.pipe(
          Effect.map((datagrams) => receive(datagrams, via)),
          Effect.forever,
          Effect.catch((error) => Effect.succeed(failedFrom("receive", via, error))),
          Effect.raceFirst(Deferred.await(fault))
        )
        slot.opened = undefined
        overflowed += reader.dropped()
        yield* Scope.close(scope, Exit.void)
        report(failed)
      }
    }
  )

  // --- The group socket ---

  const groupSlot: Slot = { opened: undefined }
  const groupName = formatAddress({ ip: options.multicastAddress, port: options.port })

  const join = Effect.fnUntraced(function*(nic: SystemInterface) {
    const before = joined.get(nic.name)
    if (before !== undefined) {
      joined.delete(nic.name)
      yield* Scope.close(before, Exit.void)
    }
    const opened = groupSlot.opened
    // The group socket joins every interface when it is open again.
    if (opened === undefined) return
    const joining = yield* Scope.fork(opened.scope)
    yield* opened.reader.joinMulticast({ group, interface: yield* parseIp(nic.address) }).pipe(
      Scope.provide(joining),
      Effect.mapError((error) => failedFrom("join", describe(nic), error)),
      Effect.onError(() => Scope.close(joining, Exit.void))
    )
    joined.set(nic.name, joining)
  })

  const openGroup = openSocket(groupName, {
    bind: { address: "0.0.0.0", port: options.port },
    reuseAddress: true,
    kernelReceiveBufferSize
  }).pipe(Effect.tap((opened) =>
    Effect.sync(() => {
      joined.clear()
      groupSlot.opened = opened
    })
  ))

  // --- The own sockets ---

  const openOwn = (own: Own): Effect.Effect<Opened, DatagramsFailed> =>
    Effect.flatMap(
      Effect.suspend(() => parseIp(own.nic.address)),
      (address) =>
        openSocket(describe(own.nic), {
          bind: { address, port: own.port },
          multicast: { interface: address, ttl: options.ttl, loopback: true },
          kernelReceiveBufferSize
        })
    ).pipe(Effect.tap((opened) =>
      Effect.sync(() => {
        own.port = opened.reader.address.port
        own.opened = opened
      })
    ))

  const add = Effect.fnUntraced(function*(nic: SystemInterface) {
    const own: Own = { opened: undefined, nic, port: options.unicastPort, present: true, mute: false }
    const opened = yield* openOwn(own)
    yield* join(nic).pipe(Effect.onError(() => Scope.close(opened.scope, Exit.void)))
    owns.push(own)
    yield* forkKept(keep(own, "unicast", openOwn(own)))
  })

  // --- Opening ---

  // The group socket first: a private port is then never the group's, which the system may hand out as any other.
  yield* openGroup
  const [favourite, ...others] = yield* Effect.flatMap(chosenNow(interfaces, options), Effect.fromResult)
  if (options.interfaces.length > 0) {
    yield* Effect.forEach([favourite, ...others], add, { discard: true })
  } else {
    // The favourite is the one whose failure is told to the caller where none of them opens.
    const first = yield* Effect.result(add(favourite))
    yield* Effect.forEach(others, (nic) => add(nic).pipe(Effect.catch(told)), { discard: true })
    if (Result.isFailure(first)) yield* owns.length === 0 ? Effect.fail(first.failure) : told(first.failure)
  }
  const [primary] = owns
  if (primary === undefined) return yield* Effect.die("no interface was opened, and none failed")
  yield* forkKept(keep(
    groupSlot,
    "multicast",
    Effect.tap(
      openGroup,
      () => Effect.forEach(owns, (own) => join(own.nic).pipe(Effect.catch(told)), { discard: true })
    )
  ))

  // --- Changes of the network ---

  const refusing = new Set<string>()
  const changed = (nic: SystemInterface, what: string) =>
    report(new DatagramsFailed({ during: "receive", kind: "NetworkChanged", where: `${describe(nic)} ${what}` }))
  const follow = Effect.gen(function*() {
    const system = yield* interfaces.scan
    const nics = Result.getOrElse(yield* chosenNow(interfaces, options), (): ReadonlyArray<SystemInterface> => [])
    for (const own of owns) {
      const now = system.find((one) => one.name === own.nic.name && one.address === own.nic.address) ??
        nics.find((one) => one.name === own.nic.name)
      if (now === undefined) {
        if (own.present) changed(own.nic, "is gone")
        own.present = false
      } else if (!own.present || now.address !== own.nic.address) {
        own.present = true
        own.nic = now
        // A link that went and came may have forgotten its groups, and its address may be another.
        const opened = own.opened
        yield* join(now).pipe(Effect.catch(told))
        if (opened !== undefined) {
          Deferred.doneUnsafe(
            opened.fault,
            Effect.succeed(
              new DatagramsFailed({ during: "receive", kind: "NetworkChanged", where: `${describe(now)} is back` })
            )
          )
        }
      } else if (!joined.has(own.nic.name)) {
        yield* Effect.ignore(join(own.nic))
      }
    }
    for (const nic of nics) {
      if (owns.some((own) => own.nic.name === nic.name)) continue
      const added = yield* Effect.result(add(nic))
      if (Result.isSuccess(added)) {
        refusing.delete(nic.name)
        changed(nic, "came")
      } else if (!refusing.has(nic.name)) {
        refusing.add(nic.name)
        report(added.failure)
      }
    }
  })
  yield* forkKept(Effect.asVoid(Effect.schedule(follow, Schedule.spaced(rescanInterval))))

  // --- Sending ---

  let closed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      groupSlot.opened = undefined
      for (const own of owns) own.opened = undefined
    })
  )

  const addresses = new Map<string, NetAddress.InetAddress>()
  const remember = (to: Address): NetAddress.InetAddress | undefined => {
    const key = `${to.ip}:${to.port}`
    const known = addresses.get(key)
    if (known !== undefined) return known
    const parsed = Result.getOrUndefined(NetAddress.inetAddressFromIpString(to.ip, to.port))
    if (parsed === undefined) return undefined
    if (addresses.size >= rememberedAddresses) addresses.clear()
    addresses.set(key, parsed)
    return parsed
  }
  const send = (own: Own, to: Address, payload: Uint8Array): Effect.Effect<void, DatagramsFailed> => {
    const address = remember(to)
    if (address === undefined || !NetAddress.isInetAddressV4(address)) {
      return Effect.fail(new DatagramsFailed({ during: "send", kind: "Unreachable", where: formatAddress(to) }))
    }
    if (own.opened === undefined) {
      const kind = closed ? "Closed" : "Unreachable"
      return Effect.fail(new DatagramsFailed({ during: "send", kind, where: describe(own.nic) }))
    }
    return Effect.mapError(
      own.opened.writer.write({ payload, address }),
      (error) => failedFrom("send", `${formatAddress(to)} from ${describe(own.nic)}`, error)
    )
  }
  const groupAddress: Address = { ip: options.multicastAddress, port: options.port }
  const ownTowards = (ip: string): Own => owns.find((own) => isOn(own.nic, ip)) ?? primary
  const multicastAll = (payload: Uint8Array) =>
    Effect.flatMap(
      Effect.forEach(owns, (own) =>
        Effect.match(send(own, groupAddress, payload), {
          onSuccess: () => {
            own.mute = false
            return undefined
          },
          onFailure: (failed) => {
            // Its absence has been told already where it is not there.
            if (!own.mute && own.present && failed.kind !== "TooLarge") report(failed)
            own.mute = true
            return failed
          }
        }), { concurrency: "unbounded" }),
      (outcomes) => {
        const [first] = outcomes
        return first === undefined || outcomes.includes(undefined) ? Effect.void : Effect.fail(first)
      }
    )

  // --- Asking ---

  const ask = Effect.fnUntraced(function*(to: Address, payload: Uint8Array) {
    const own = ownTowards(to.ip)
    const where = formatAddress(to)
    const address = remember(to)
    if (address === undefined) {
      return yield* new DatagramsFailed({ during: "send", kind: "Unreachable", where })
    }
    const answer = yield* Deferred.make<"sent" | "refused">()
    const socket = yield* NodeDatagramSocket.make({
      bind: { address: yield* parseIp(own.nic.address) },
      connect: address,
      onError: (error) => {
        if (failedFrom("send", where, error).kind === "ConnectionRefused") {
          Deferred.doneUnsafe(answer, Effect.succeed("refused"))
        }
      }
    })
    const reader = yield* Effect.mapError(socket.reader, (error) => failedFrom("open", where, error))
    const writer = yield* socket.writer
    const sent = yield* Effect.result(writer.write({ payload }))
    if (Result.isFailure(sent)) {
      const failed = failedFrom("send", where, sent.failure)
      return failed.kind === "ConnectionRefused" ? "refused" as const : yield* failed
    }
    // An answer to the source of the datagram comes here, and is as good as any.
    return yield* reader.pull.pipe(
      Effect.map((datagrams) => {
        receive(datagrams, "unicast")
        return "sent" as const
      }),
      Effect.orElseSucceed(() => "sent" as const),
      Effect.raceFirst(Deferred.await(answer)),
      Effect.timeoutOption(refusalWindow),
      Effect.map(Option.getOrElse(() => "sent" as const))
    )
  }, Effect.scoped)

  const endpoint: Endpoint = {
    hostname: hostname(),
    get local() {
      const [, ...others] = owns
      return [localOf(primary), ...others.map(localOf)] as const
    },
    receive: Queue.takeAll(incoming),
    multicast: (payload) =>
      Effect.suspend(() => owns.length === 1 ? send(primary, groupAddress, payload) : multicastAll(payload)),
    unicast: (to, payload) => Effect.suspend(() => send(ownTowards(to.ip), to, payload)),
    ask,
    isDirect: (ip) => isDirect(owns.map((own) => own.nic), ip),
    troubles: Queue.take(troubles),
    dropped: Effect.sync(() => {
      let sum = overflowed + (groupSlot.opened?.reader.dropped() ?? 0)
      for (const own of owns) sum += own.opened?.reader.dropped() ?? 0
      return sum
    })
  }
  return endpoint
})

const localOf = (own: Own): LocalAddress => ({ ip: own.nic.address, port: own.port, interface: own.nic.name })

const describe = (nic: SystemInterface): string => `${nic.name} ${nic.address}`

const chosenNow = (interfaces: Interfaces["Service"], options: Options) =>
  Effect.zipWith(
    interfaces.scan,
    interfaces.defaultRoute,
    (system, defaultRoute) => choose({ system, named: options.interfaces, defaultRoute })
  )

const parseIp = (text: string) =>
  Effect.fromResult(NetAddress.ipv4FromString(text)).pipe(
    Effect.mapError((cause) => new DatagramsFailed({ during: "open", kind: "AddressNotAvailable", where: text, cause }))
  )

const parseGroup = Effect.fnUntraced(function*(options: Options) {
  const address = yield* parseIp(options.multicastAddress)
  if (NetAddress.isMulticast(address)) return address
  return yield* new DatagramsFailed({ during: "join", kind: "AddressNotAvailable", where: options.multicastAddress })
})

// A member's host name is limited (protocol 7) and never empty; the system's may be otherwise.
const hostname = (): string => {
  let name = ""
  try {
    name = Os.hostname()
  } catch {
    // Some sandboxes refuse to tell.
  }
  while (jsonBytes(name) > limits.hostname) name = name.slice(0, -1)
  return name === "" ? "localhost" : name
}

const kinds: Record<string, DatagramsFailed["kind"]> = {
  EADDRINUSE: "AddressInUse",
  EADDRNOTAVAIL: "AddressNotAvailable",
  // No such device: the interface went while it was being joined, or knows no multicast.
  ENODEV: "AddressNotAvailable",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EMSGSIZE: "TooLarge",
  ENETUNREACH: "Unreachable",
  EHOSTUNREACH: "Unreachable",
  ENETDOWN: "Unreachable",
  EHOSTDOWN: "Unreachable",
  ECONNREFUSED: "ConnectionRefused"
}

const failedFrom = (
  during: DatagramsFailed["during"],
  where: string,
  error: DatagramSocket.DatagramSocketError | DatagramsFailed
): DatagramsFailed => {
  if (error._tag === "DatagramsFailed") return error
  const reason = error.reason
  if (reason._tag === "DatagramSocketClosedError") return new DatagramsFailed({ during, kind: "Closed", where })
  const cause = "cause" in reason ? reason.cause : error
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  const kind = kinds[code] ??
    // Linux says so of a destination that the address of the socket cannot reach: another network from the loopback.
    (during === "send" && code === "EINVAL" ? "Unreachable" : "Unknown")
  return new DatagramsFailed({ during, kind, where, cause })
}
