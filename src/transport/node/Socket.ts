/**
 * One UDP socket of Node through all its reopenings. One fiber reads it, and opens it anew when it fails. Until that
 * succeeds, a send fails at once instead of waiting.
 */
import * as NodeDatagramSocket from "@effect/platform-node/NodeDatagramSocket"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type * as DatagramSocket from "effect/socket/DatagramSocket"
import type * as Dgram from "node:dgram"
import type { Address } from "../../protocol/model/Member.ts"
import { DatagramsFailed, type Received } from "../Datagrams.ts"
import { describe, type SystemInterface } from "../interfaces/SystemInterface.ts"
import { receiveBufferWanted } from "../Kernel.ts"
import * as Binding from "./Binding.ts"
import * as Rarely from "./Rarely.ts"
import * as SocketAddress from "./SocketAddress.ts"
import * as SystemError from "./SystemError.ts"

// Datagrams received and not yet read; a burst of heartbeats of a thousand servers fits four times over.
const receiveCapacity = 4096
// A queue that nobody reads must not grow; the newest faults are the ones that matter.
const troubleCapacity = 64
// In ms. If the system does not tell of interfaces, a socket knows no more of them when it is opened anew.
const renewEvery = 30_000
// A datagram longer than this is no frame of ours (protocol 7): not kept, so that a full queue stays below 8 MiB.
const longestKept = 2048

/** When a socket that failed is tried again: after 50 ms, doubling to 2 s. */
export const reopening = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")])

/** Room in the kernel for bursts while the event loop is busy, in bytes. The system caps it at its own limit. */
export const kernelReceiveBufferSize = receiveBufferWanted

/** All sockets of one endpoint share this: where their datagrams and faults go, and the scopes that they live in. */
export interface Sockets {
  readonly scope: Scope.Scope
  /** Answers whether all were read. If not, one came over an interface that its socket does not know yet. */
  readonly receive: (datagrams: ReadonlyArray<DatagramSocket.Datagram>, via: Received["via"]) => boolean
  /** Datagrams that were read by nobody, besides those that an open socket still counts itself. */
  readonly lose: (count: number) => void
  readonly report: (failed: DatagramsFailed) => void
  /** As `report`, as an effect. */
  readonly reported: (failed: DatagramsFailed) => Effect.Effect<void>
  /**
   * Runs a loop that should never end. If it dies all the same, of a mistake of ours, that is reported and it begins again.
   */
  readonly forkKept: (loop: Effect.Effect<void>) => Effect.Effect<Fiber.Fiber<unknown>>
  readonly incoming: Queue.Dequeue<Received>
  readonly troubles: Queue.Dequeue<DatagramsFailed>
  readonly lost: () => number
}

/** Makes the shared parts of the sockets of one endpoint. The fibers must stop before the sockets close. */
export const sockets = Effect.fnUntraced(function*(scope: Scope.Scope, fibers: Scope.Scope) {
  const incoming = yield* Queue.sliding<Received>(receiveCapacity)
  const troubles = yield* Queue.sliding<DatagramsFailed>(troubleCapacity)
  let lost = 0
  const report = (failed: DatagramsFailed) => void Queue.offerUnsafe(troubles, failed)
  const reported = (failed: DatagramsFailed) => Effect.sync(() => report(failed))
  const made: Sockets = {
    scope,
    receive: (datagrams, via) => {
      let isKnown = true
      for (const datagram of datagrams) {
        const { payload } = datagram
        const from = fromOf(datagram)
        if (from === undefined) isKnown = false
        if (from === undefined || payload.length > longestKept || Queue.isFullUnsafe(incoming)) lost++
        if (from === undefined || payload.length > longestKept) continue
        Queue.offerUnsafe(incoming, { payload, from, via })
      }
      return isKnown
    },
    lose: (count) => void (lost += count),
    report,
    reported,
    forkKept: (loop) =>
      loop.pipe(
        Effect.catchCause((cause) =>
          reported(new DatagramsFailed({ during: "receive", kind: "Unknown", where: "a fiber that died", cause }))
        ),
        Effect.repeat(Schedule.spaced("1 second")),
        Effect.forkIn(fibers)
      ),
    incoming,
    troubles,
    lost: () => lost
  }
  return made
})

/** A socket that is open now. `fault` completes when it is one no longer. */
export interface Opened {
  readonly scope: Scope.Closeable
  readonly reader: DatagramSocket.Reader
  readonly writer: DatagramSocket.Writer
  /** Joins a multicast group on an interface until the scope closes. */
  readonly join: (group: string, networkInterface: SystemInterface) => Effect.Effect<void, DatagramsFailed, Scope.Scope>
  readonly fault: Deferred.Deferred<DatagramsFailed>
}

/** A socket through all its reopenings. `opened` is absent in between: then a send fails instead of waiting. */
export interface Slot {
  opened: Opened | undefined
}

/** Opens one socket, which is this process's own, in a scope of its own. */
export const open = Effect.fn("Socket.open")(function*(sockets: Sockets, where: string, binding: Binding.Binding) {
  const fault = yield* Deferred.make<DatagramsFailed>()
  const opening = yield* Scope.fork(sockets.scope)
  return yield* Effect.gen(function*() {
    let native: Dgram.Socket | undefined
    const binds = Effect.tap(Binding.open(binding), (made) =>
      Effect.sync(() => {
        native = made
      }))
    const socket = yield* NodeDatagramSocket.fromSocket(binds, {
      receiveBuffer: { capacity: receiveCapacity, strategy: "sliding" },
      onError: (error) => {
        const failed = failedFrom("receive", where, error)
        // An ICMP message about some other host is no fault of this socket.
        if (failed.kind === "ConnectionRefused" || failed.kind === "Unreachable") sockets.report(failed)
        else Deferred.doneUnsafe(fault, Effect.succeed(failed))
      }
    })
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    // Where the system does not tell which interface its zone is, the address of a link cannot be read.
    yield* Effect.try({ try: () => reader.address, catch: (cause) => SystemError.failedBy("open", where, cause) })
    const opened: Opened = { scope: opening, reader, writer, join: joinBy(native), fault }
    return opened
  }).pipe(
    Scope.provide(opening),
    Effect.mapError((error) => withCluster(failedFrom("open", where, error))),
    Effect.onError(() => Scope.close(opening, Exit.void))
  )
})

/**
 * Reads one socket; where it fails, closes it and opens it again until that succeeds. Why it does not is reported
 * while it is expected to: not while its interface is gone, which is reported already, nor while the system asks whether
 * another host has its address.
 */
export const keep = Effect.fnUntraced(
  function*(
    sockets: Sockets,
    slot: Slot,
    via: Received["via"],
    again: Effect.Effect<Opened, DatagramsFailed>,
    isExpected: () => boolean = () => true
  ) {
    let renewedAt = -Infinity
    while (true) {
      let last = ""
      const reportOnce = (failed: DatagramsFailed) =>
        Effect.sync(() => {
          if (!isExpected()) return
          if (failed.message !== last) sockets.report(failed)
          last = failed.message
        })
      const { fault, reader, scope } = slot.opened ?? (yield* again.pipe(
        Effect.tapError(reportOnce),
        Effect.retry(reopening),
        Effect.orDie
      ))
      const heard = (datagrams: ReadonlyArray<DatagramSocket.Datagram>, now: number) => {
        if (sockets.receive(datagrams, via) || now - renewedAt < renewEvery) return Effect.void
        renewedAt = now
        return Effect.fail(
          new DatagramsFailed({
            during: "receive",
            kind: "NetworkChanged",
            where: "datagrams came by a link that is new, so a socket is opened anew"
          })
        )
      }
      const failed = yield* reader.pull.pipe(
        Effect.flatMap((datagrams) => Effect.flatMap(Clock.currentTimeMillis, (now) => heard(datagrams, now))),
        // It gives way to others by waiting for the next datagram, and within a flood as every fiber does after so many steps.
        Effect.forever({ disableYield: true }),
        Effect.catch((error) => Effect.succeed(failedFrom("receive", via, error))),
        Effect.raceFirst(Deferred.await(fault))
      )
      slot.opened = undefined
      sockets.lose(reader.dropped())
      yield* Scope.close(scope, Exit.void)
      sockets.report(failed)
    }
  }
)

/** Ends a socket, so that its fiber opens it anew, and says why. */
export const reopen = (opened: Opened, why: DatagramsFailed): void =>
  void Deferred.doneUnsafe(opened.fault, Effect.succeed(why))

/** The error for the layers above of a fault of a socket. */
export const failedFrom = (
  during: DatagramsFailed["during"],
  where: string,
  error: DatagramSocket.DatagramSocketError | DatagramsFailed
): DatagramsFailed => {
  if (error._tag === "DatagramsFailed") return error
  const reason = error.reason
  if (reason._tag === "DatagramSocketClosedError") return new DatagramsFailed({ during, kind: "Closed", where })
  return SystemError.failedBy(during, where, "cause" in reason ? reason.cause : error)
}

// internal

/** Effect's own way takes the number of an interface, and knows those alone that have a link-local address. */
const joinBy = (native: Dgram.Socket | undefined): Opened["join"] => (group, networkInterface) => {
  const on = SocketAddress.multicastInterface(networkInterface, process.platform === "win32")
  return Effect.asVoid(Effect.acquireRelease(
    Effect.try({
      try: () => native?.addMembership(group, on),
      catch: (cause) => SystemError.failedBy("join", describe(networkInterface), cause)
    }),
    () => Effect.sync(() => native?.dropMembership(group, on))
  ))
}

/** Under `node:cluster` a port that is taken is most likely that of another worker, which was given the same settings. */
const withCluster = (failed: DatagramsFailed): DatagramsFailed => {
  const { cause, during, kind, where } = failed
  if (kind !== "AddressInUse" || !Rarely.cluster().isWorker) return failed
  return new DatagramsFailed({
    during,
    kind,
    where: `${where} (each worker of node:cluster needs a port of its own)`,
    cause
  })
}

/** Where a datagram came from; none where that is a link that came after its socket was opened. */
const fromOf = (datagram: DatagramSocket.Datagram): Address | undefined => {
  try {
    return SocketAddress.format(datagram.address)
  } catch {
    return undefined
  }
}
