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
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import * as Os from "node:os"
import { jsonBytes, limits } from "../protocol/Member.ts"
import { Datagrams, DatagramsFailed, type Endpoint, type Options } from "./Datagrams.ts"
import { choose, describe, Interfaces, isDirect, isOn, type SystemInterface } from "./Interfaces.ts"
import * as NodeGroupSocket from "./NodeGroupSocket.ts"
import * as NodeInterfaces from "./NodeInterfaces.ts"
import * as NodeKeyFile from "./NodeKeyFile.ts"
import * as NodeNames from "./NodeNames.ts"
import * as NodeOwnSocket from "./NodeOwnSocket.ts"
import * as NodeQuestion from "./NodeQuestion.ts"
import * as NodeSocket from "./NodeSocket.ts"

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
 * `Datagrams` on the sockets of Node, over the interfaces of the system. Files of keys are read from its disks.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Datagrams> = Layer.effect(Datagrams, make).pipe(
  Layer.provide(NodeInterfaces.layer),
  Layer.merge(NodeKeyFile.layer)
)

/**
 * The same over interfaces that are given.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInterfaces: Layer.Layer<Datagrams, never, Interfaces> = Layer.effect(Datagrams, make)

// internal

const rescanInterval = Duration.seconds(2)

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
  scope: Scope.Scope,
  fibers: Scope.Scope
) {
  const sockets = yield* NodeSocket.sockets(scope, fibers)
  const { report, told } = sockets
  const meeting = yield* NodeGroupSocket.meeting(options)
  const group = options.multicast === false ? undefined : NodeGroupSocket.make(sockets, meeting)
  const join = (nic: SystemInterface) => group === undefined ? Effect.void : group.join(nic)
  const owns: Array<NodeOwnSocket.Own> = []

  const add = Effect.fnUntraced(function*(nic: SystemInterface) {
    const own = NodeOwnSocket.make(nic, options.unicastPort)
    const again = NodeOwnSocket.open(sockets, own, options.ttl)
    const opened = yield* again
    yield* join(nic).pipe(Effect.onError(() => Scope.close(opened.scope, Exit.void)))
    owns.push(own)
    yield* sockets.forkKept(NodeSocket.keep(sockets, own, "unicast", again))
  })

  // --- Opening ---

  // The group socket first: a private port is then never the group's, which the system may hand out as any other.
  if (group !== undefined) yield* group.open
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
  if (group !== undefined) {
    const again = Effect.tap(
      group.open,
      () => Effect.forEach(owns, (own) => group.join(own.nic).pipe(Effect.catch(told)), { discard: true })
    )
    yield* sockets.forkKept(NodeSocket.keep(sockets, group, "multicast", again))
  }

  // --- Changes of the network ---

  const refusing = new Set<string>()
  const changed = (nic: SystemInterface, what: string) =>
    new DatagramsFailed({ during: "receive", kind: "NetworkChanged", where: `${describe(nic)} ${what}` })
  const follow = Effect.gen(function*() {
    const system = yield* interfaces.scan
    const nics = Result.getOrElse(yield* chosenNow(interfaces, options), (): ReadonlyArray<SystemInterface> => [])
    for (const own of owns) {
      const now = system.find((one) => one.name === own.nic.name && one.address === own.nic.address) ??
        nics.find((one) => one.name === own.nic.name)
      if (now === undefined) {
        if (own.present) report(changed(own.nic, "is gone"))
        own.present = false
      } else if (!own.present || now.address !== own.nic.address) {
        own.present = true
        own.nic = now
        // A link that went and came may have forgotten its groups, and its address may be another.
        const opened = own.opened
        yield* join(now).pipe(Effect.catch(told))
        if (opened !== undefined) NodeSocket.reopen(opened, changed(now, "is back"))
      } else if (group?.hasJoined(own.nic.name) === false) {
        yield* Effect.ignore(group.join(own.nic))
      }
    }
    for (const nic of nics) {
      if (owns.some((own) => own.nic.name === nic.name)) continue
      const added = yield* Effect.result(add(nic))
      if (Result.isSuccess(added)) {
        refusing.delete(nic.name)
        report(changed(nic, "came"))
      } else if (!refusing.has(nic.name)) {
        refusing.add(nic.name)
        report(added.failure)
      }
    }
  })
  yield* sockets.forkKept(Effect.asVoid(Effect.schedule(follow, Schedule.spaced(rescanInterval))))

  // --- Sending ---

  let closed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      if (group !== undefined) group.opened = undefined
      for (const own of owns) own.opened = undefined
    })
  )
  const send = NodeOwnSocket.sender(() => closed)
  const groupAddress = meeting.address
  const towards = (ip: string) => owns.find((own) => isOn(own.nic, ip)) ?? primary

  const endpoint: Endpoint = {
    hostname: hostname(),
    get local() {
      const [, ...others] = owns
      return [NodeOwnSocket.localOf(primary), ...others.map(NodeOwnSocket.localOf)] as const
    },
    receive: Queue.takeAll(sockets.incoming),
    multicast: (payload) =>
      Effect.suspend(() =>
        owns.length === 1
          ? send(primary, groupAddress, payload)
          : NodeOwnSocket.multicast(owns, (own) => send(own, groupAddress, payload), report)
      ),
    unicast: (to, payload) => Effect.suspend(() => send(towards(to.ip), to, payload)),
    ask: (to, payload) => Effect.suspend(() => NodeQuestion.ask(sockets, towards(to.ip).nic.address, to, payload)),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    isExposed: () => owns.some((own) => !own.nic.internal),
    isDirect: (ip) => isDirect(owns.map((own) => own.nic), ip),
    resolve: NodeNames.resolve,
    troubles: Queue.take(sockets.troubles),
    dropped: Effect.sync(() => {
      let sum = sockets.lost() + (group?.opened?.reader.dropped() ?? 0)
      for (const own of owns) sum += own.opened?.reader.dropped() ?? 0
      return sum
    })
  }
  return endpoint
})

const chosenNow = (interfaces: Interfaces["Service"], options: Options) =>
  Effect.zipWith(
    interfaces.scan,
    interfaces.defaultRoute,
    (system, defaultRoute) => choose({ system, named: options.interfaces, defaultRoute })
  )

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
