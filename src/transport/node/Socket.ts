/**
 * One UDP socket of Node through all its reopenings. One fiber opens it anew when it fails; until that succeeds, a send fails at
 * once instead of waiting.
 *
 * Not by Effect's own socket, whose reader is a fiber that each datagram wakes: what comes is put where all of it waits, and its
 * one reader takes together what has come by its turn.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
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
// A datagram longer than this is no frame of ours (protocol 7): not kept, so that a full queue stays below 8 MiB.
const longestKept = 2048

/** When a socket that failed is tried again: after 50 ms, doubling to 2 s. */
export const reopening = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")])

/** Room in the kernel for bursts while the event loop is busy, in bytes. The system caps it at its own limit. */
export const kernelReceiveBufferSize = receiveBufferWanted

/** All sockets of one endpoint share this: where their datagrams and faults go, and the scopes that they live in. */
export interface Sockets {
  readonly scope: Scope.Scope
  /** Keeps a datagram until it is read. Of too many, the oldest is lost. It never throws: it is called by the system. */
  readonly receive: (payload: Uint8Array, from: Address, via: Received["via"]) => void
  readonly report: (failed: DatagramsFailed) => void
  /** As `report`, as an effect. */
  readonly reported: (failed: DatagramsFailed) => Effect.Effect<void>
  /**
   * Runs a loop that should never end. If it dies all the same, of a mistake of ours, that is reported and it begins again.
   */
  readonly forkKept: (loop: Effect.Effect<void>) => Effect.Effect<Fiber.Fiber<unknown>>
  readonly incoming: Queue.Dequeue<Received>
  readonly troubles: Queue.Dequeue<DatagramsFailed>
  /** How many datagrams were not kept, or not until they were read. */
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
    receive: (payload, from, via) => {
      const isTooLong = payload.length > longestKept
      if (isTooLong || Queue.isFullUnsafe(incoming)) lost++
      if (!isTooLong) Queue.offerUnsafe(incoming, { payload, from, via })
    },
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
  readonly port: number
  /** Hands a datagram to the system. Fails with what that, or Node, says: see {@link notSent}. */
  readonly send: (payload: Uint8Array, to: SocketAddress.Native) => Effect.Effect<void, unknown>
  /** Joins a multicast group on an interface until the scope closes. */
  readonly join: (group: string, networkInterface: SystemInterface) => Effect.Effect<void, DatagramsFailed, Scope.Scope>
  readonly fault: Deferred.Deferred<DatagramsFailed>
}

/** A socket through all its reopenings. `opened` is absent in between: then a send fails instead of waiting. */
export interface Slot {
  opened: Opened | undefined
}

/** Opens one socket, which is this process's own, in a scope of its own. */
export const open = Effect.fn("Socket.open")(function*(
  sockets: Sockets,
  where: string,
  via: Received["via"],
  binding: Binding.Binding
) {
  const fault = yield* Deferred.make<DatagramsFailed>()
  const opening = yield* Scope.fork(sockets.scope)
  return yield* Effect.gen(function*() {
    const native = yield* Binding.open(where, binding)
    yield* listen(sockets, native, { where, via, fault })
    // Where the system does not tell which interface its zone is, the address of a link cannot be read.
    const { port } = yield* Effect.try({
      try: () => native.address(),
      catch: (cause) => SystemError.failedBy("open", where, cause)
    })
    const opened: Opened = { scope: opening, port, send: sendBy(native), join: joinBy(native), fault }
    return opened
  }).pipe(
    Scope.provide(opening),
    Effect.mapError(withCluster),
    Effect.onError(() => Scope.close(opening, Exit.void))
  )
})

/**
 * Keeps one socket open; where it fails, closes it and opens it again until that succeeds. Why it does not is reported
 * while it is expected to: not while its interface is gone, which is reported already, nor while the system asks whether
 * another host has its address.
 */
export const keep = Effect.fnUntraced(
  function*(
    sockets: Sockets,
    slot: Slot,
    again: Effect.Effect<Opened, DatagramsFailed>,
    isExpected: () => boolean = () => true
  ) {
    while (true) {
      let last = ""
      const reportOnce = (failed: DatagramsFailed) =>
        Effect.sync(() => {
          if (!isExpected()) return
          if (failed.message !== last) sockets.report(failed)
          last = failed.message
        })
      const { fault, scope } = slot.opened ?? (yield* again.pipe(
        Effect.tapError(reportOnce),
        Effect.retry(reopening),
        Effect.orDie
      ))
      const failed = yield* Deferred.await(fault)
      slot.opened = undefined
      yield* Scope.close(scope, Exit.void)
      sockets.report(failed)
    }
  }
)

/** Ends a socket, so that its fiber opens it anew, and says why. */
export const reopen = (opened: Opened, why: DatagramsFailed): void =>
  void Deferred.doneUnsafe(opened.fault, Effect.succeed(why))

/** The error for the layers above of a datagram that a socket did not send. */
export const notSent = (where: string, cause: unknown): DatagramsFailed =>
  cause instanceof Error && "code" in cause && cause.code === "ERR_SOCKET_DGRAM_NOT_RUNNING"
    ? closed("send", where)
    : SystemError.failedBy("send", where, cause)

// internal

const closed = (during: DatagramsFailed["during"], where: string) =>
  new DatagramsFailed({ during, kind: "Closed", where })

/** Takes what comes, and notices faults, until the scope closes. */
const listen = (
  sockets: Sockets,
  native: Dgram.Socket,
  { fault, via, where }: {
    readonly where: string
    readonly via: Received["via"]
    readonly fault: Deferred.Deferred<DatagramsFailed>
  }
): Effect.Effect<void, never, Scope.Scope> => {
  const failed = (why: DatagramsFailed) => void Deferred.doneUnsafe(fault, Effect.succeed(why))
  const onMessage = (payload: Uint8Array, { address, port }: Dgram.RemoteInfo) =>
    sockets.receive(payload, SocketAddress.fromNative(address, port), via)
  const onError = (cause: Error) => {
    const error = SystemError.failedBy("receive", where, cause)
    // An ICMP message about some other host is no fault of this socket.
    if (error.kind === "ConnectionRefused" || error.kind === "Unreachable") sockets.report(error)
    else failed(error)
  }
  const onClose = () => failed(closed("receive", where))
  return Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => native.on("message", onMessage).on("error", onError).on("close", onClose)),
    () => Effect.sync(() => native.off("message", onMessage).off("error", onError).off("close", onClose))
  ))
}

const sendBy = (native: Dgram.Socket): Opened["send"] => (payload, { host, port }) =>
  Effect.callback((resume) => {
    try {
      // Its callback is the only word of what became of it.
      native.send(payload, port, host, (error) => resume(error === null ? Effect.void : Effect.fail(error)))
    } catch (error) {
      resume(Effect.fail(error))
    }
  })

const joinBy = (native: Dgram.Socket): Opened["join"] => (group, networkInterface) => {
  const on = SocketAddress.multicastInterface(networkInterface, process.platform === "win32")
  return Effect.asVoid(Effect.acquireRelease(
    Effect.try({
      try: () => native.addMembership(group, on),
      catch: (cause) => SystemError.failedBy("join", describe(networkInterface), cause)
    }),
    () => Effect.sync(() => native.dropMembership(group, on))
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
