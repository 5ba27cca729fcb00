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
import { randomBytes, randomInt } from "node:crypto"
import * as Os from "node:os"
import { limits, shortened } from "../protocol/Member.ts"
import { Datagrams, DatagramsFailed, type Endpoint, type Options } from "./Datagrams.ts"
import {
  absent,
  choose,
  describe,
  familyOf,
  Interfaces,
  isDirect,
  isOn,
  noSuchInterface,
  type SystemInterface
} from "./Interfaces.ts"
import * as NodeGroupSocket from "./NodeGroupSocket.ts"
import * as NodeInterfaces from "./NodeInterfaces.ts"
import * as NodeKeyFile from "./NodeKeyFile.ts"
import * as NodeNames from "./NodeNames.ts"
import * as NodeOwnSocket from "./NodeOwnSocket.ts"
import * as NodeQuestion from "./NodeQuestion.ts"
import * as NodeSinceBoot from "./NodeSinceBoot.ts"
import * as NodeSocket from "./NodeSocket.ts"

/**
 * Opens endpoints on the interfaces that `Interfaces` lists.
 *
 * `open` fails where the socket of a named interface does not open, or its port is another's, or none that is named is
 * there. All else is told through `troubles` and tried again: a group port that somebody keeps for himself, some of the named
 * interfaces that are not there, interfaces that nobody named and that do not open, no interface at all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function*() {
  const interfaces = yield* Interfaces
  return Datagrams.of({ open: (options) => open(interfaces, options) })
})

/**
 * `Datagrams` on the sockets of Node, over the interfaces of the system. Files of keys are read from its disks, and its
 * clock counts suspensions.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Datagrams> = Layer.effect(Datagrams, make).pipe(
  Layer.provide(NodeInterfaces.layer),
  Layer.merge(NodeKeyFile.layer),
  Layer.merge(NodeSinceBoot.layer)
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

/** One family of the group: where it meets, and its group socket, unless there is no multicast. */
interface Side {
  readonly meeting: NodeGroupSocket.Meeting
  readonly group: NodeGroupSocket.GroupSocket | undefined
}

type Place = readonly [side: Side, nic: SystemInterface]

interface Placed extends NodeOwnSocket.Own {
  side: Side
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
  scope: Scope.Scope,
  fibers: Scope.Scope
) {
  const sockets = yield* NodeSocket.sockets(scope, fibers)
  const { report, told } = sockets
  const sides: ReadonlyArray<Side> = (yield* NodeGroupSocket.meetings(options)).map((meeting) => ({
    meeting,
    group: options.multicast === false ? undefined : NodeGroupSocket.make(sockets, meeting)
  }))
  const owns: Array<Placed> = []
  const join = ({ group }: Side, nic: SystemInterface) => group === undefined ? Effect.void : group.join(nic)
  const keepOwn = (own: Placed) =>
    sockets.forkKept(NodeSocket.keep(sockets, own, "unicast", NodeOwnSocket.open(sockets, own, options.ttl)))

  const add = Effect.fnUntraced(function*([side, nic]: Place) {
    const own: Placed = { ...NodeOwnSocket.make(nic, options.unicastPort), side }
    const opened = yield* NodeOwnSocket.open(sockets, own, options.ttl)
    yield* join(side, nic).pipe(Effect.onError(() => Scope.close(opened.scope, Exit.void)))
    owns.push(own)
    yield* keepOwn(own)
  })

  const placesNow = Effect.zipWith(interfaces.scan, interfaces.defaultRoute, (system, defaultRoute) => {
    const choices = sides.map((side) => {
      const { family, linkLocal } = side.meeting
      return [side, choose({ system, named: options.interfaces, defaultRoute, family, linkLocal })] as const
    })
    const places = choices.flatMap(([side, chosen]) =>
      Result.match(chosen, {
        onFailure: (): ReadonlyArray<Place> => [],
        onSuccess: (nics) => nics.map((nic): Place => [side, nic])
      })
    )
    const [refused] = choices.flatMap(([, chosen]) => Result.isFailure(chosen) ? [chosen.failure] : [])
    return { system, places, refused }
  })

  // --- Opening ---

  // The group socket first: a private port is then never the group's, which the system may hand out as any other.
  for (const { group } of sides) {
    // Another program keeps the port for itself: it is tried again, and until then only unicast is heard.
    if (group !== undefined) yield* Effect.catch(Effect.asVoid(group.open), told)
  }
  const { places: [favourite, ...others], refused, system } = yield* placesNow
  if (favourite === undefined) {
    if (options.interfaces.length > 0 && refused !== undefined) return yield* refused
    // No network at all, not even the loopback: the first that comes is taken, under the identity of this one.
    if (refused !== undefined) report(refused)
    const [side = yield* Effect.die("a group meets nowhere")] = sides
    owns.push({ ...waiting(side, noInterface, options.unicastPort), present: false })
  } else if (options.interfaces.length > 0) {
    yield* Effect.forEach([favourite, ...others], add, { discard: true })
    const families = sides.map(({ meeting }) => meeting.family)
    const missing = absent({ system, named: options.interfaces, families })
    if (missing.length > 0) report(noSuchInterface(missing, system, families))
  } else {
    // The favourite is the one whose failure is told to the caller where none of them opens.
    const first = yield* Effect.result(add(favourite))
    yield* Effect.forEach(others, (place) => add(place).pipe(Effect.catch(told)), { discard: true })
    if (Result.isFailure(first)) {
      // A port of ours that another has is the operator's to mend. All else passes, such as an address of IPv6 that the
      // system is still asking about.
      if (owns.length === 0 && first.failure.kind === "AddressInUse") return yield* first.failure
      yield* told(first.failure)
    }
    if (owns.length === 0) {
      const [side, nic] = favourite
      const own = waiting(side, nic, options.unicastPort)
      owns.push(own)
      yield* keepOwn(own)
    }
  }
  const [primary] = owns
  if (primary === undefined) return yield* Effect.die("no interface was opened, and none failed")
  for (const { group } of sides) {
    if (group === undefined) continue
    const mine = Effect.sync(() => owns.filter((own) => own.side.group === group && own.present))
    const again = Effect.tap(group.open, () =>
      Effect.flatMap(
        mine,
        Effect.forEach((own) => group.join(own.nic).pipe(Effect.catch(told)), { discard: true })
      ))
    yield* sockets.forkKept(NodeSocket.keep(sockets, group, "multicast", again))
  }

  // --- Changes of the network ---

  const refusing = new Set<string>()
  const changed = (nic: SystemInterface, what: string) =>
    new DatagramsFailed({ during: "receive", kind: "NetworkChanged", where: `${describe(nic)} ${what}` })
  const settle = Effect.fnUntraced(function*(own: Placed, [side, nic]: Place) {
    own.side = side
    own.nic = nic
    own.present = true
    yield* join(side, nic).pipe(Effect.catch(told))
    report(changed(nic, "came"))
    yield* keepOwn(own)
  })
  const follow = Effect.gen(function*() {
    const { places, system } = yield* placesNow
    for (const own of owns) {
      const { group } = own.side
      if (own.nic === noInterface) {
        const [first] = places
        if (first !== undefined) yield* settle(own, first)
        continue
      }
      const now = system.find((one) => one.name === own.nic.name && one.address === own.nic.address) ??
        places.find(([side, nic]) => side === own.side && nic.name === own.nic.name)?.[1]
      if (now === undefined) {
        if (own.present) report(changed(own.nic, "is gone"))
        own.present = false
        if (group !== undefined) yield* group.leave(own.nic.name)
      } else if (!own.present || now.address !== own.nic.address || now.index !== own.nic.index) {
        own.present = true
        own.nic = now
        // A link that went and came may have forgotten its groups, and its address may be another.
        const opened = own.opened
        yield* join(own.side, now).pipe(Effect.catch(told))
        if (opened !== undefined) NodeSocket.reopen(opened, changed(now, "is back"))
      } else if (group?.hasJoined(own.nic.name) === false) {
        yield* Effect.ignore(group.join(own.nic))
      }
    }
    for (const place of places) {
      const [side, nic] = place
      if (owns.some((own) => own.side === side && own.nic.name === nic.name)) continue
      const key = `${side.meeting.family} ${nic.name}`
      const added = yield* Effect.result(add(place))
      if (Result.isSuccess(added)) {
        refusing.delete(key)
        report(changed(nic, "came"))
      } else if (!refusing.has(key)) {
        refusing.add(key)
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
      for (const { group } of sides) if (group !== undefined) group.opened = undefined
      for (const own of owns) own.opened = undefined
    })
  )
  const send = NodeOwnSocket.sender(() => closed)
  const resolve = yield* NodeNames.make
  const sendToGroup = (own: Placed, payload: Uint8Array) => send(own, own.side.meeting.address, payload)
  const towards = (ip: string) =>
    owns.find((own) => own.present && isOn(own.nic, ip)) ??
      owns.find((own) => own.side.meeting.family === familyOf(ip)) ?? primary

  const endpoint: Endpoint = {
    hostname: hostname(),
    get local() {
      const [, ...others] = owns
      return [NodeOwnSocket.localOf(primary), ...others.map(NodeOwnSocket.localOf)] as const
    },
    receive: Queue.takeAll(sockets.incoming),
    multicast: (payload) =>
      Effect.suspend(() => NodeOwnSocket.multicast(owns, (own) => sendToGroup(own, payload), report)),
    unicast: (to, payload) => Effect.suspend(() => send(towards(to.ip), to, payload)),
    ask: (to, payload) => Effect.suspend(() => NodeQuestion.ask(sockets, towards(to.ip).nic, to, payload)),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    isExposed: () => owns.some((own) => !own.nic.internal),
    isDirect: (ip) => isDirect(owns.map((own) => own.nic), ip),
    resolve: (host) =>
      Effect.flatMap(resolve(host), (found) => {
        const ips = found.filter((ip) => sides.some(({ meeting }) => meeting.family === familyOf(ip)))
        return ips.length > 0 ? Effect.succeed(ips) : Effect.fail(
          new DatagramsFailed({ during: "send", kind: "NoSuchName", where: `${host} (only ${found.join(", ")})` })
        )
      }),
    troubles: Queue.take(sockets.troubles),
    dropped: Effect.sync(() => {
      let sum = sockets.lost()
      for (const { group } of sides) sum += group?.opened?.reader.dropped() ?? 0
      for (const own of owns) sum += own.opened?.reader.dropped() ?? 0
      return sum
    })
  }
  return endpoint
})

/** What takes the place of the interface while there is none at all: nothing is sent from it. */
const noInterface: SystemInterface = { name: "none", address: "127.0.0.1", netmask: "255.0.0.0", internal: true }

/** An own socket that is not open yet. Its port must be known, since the identity is made of it. */
const waiting = (side: Side, nic: SystemInterface, port: number): Placed => ({
  ...NodeOwnSocket.make(nic, port === 0 ? randomInt(49_152, 65_536) : port),
  side
})

const hostname = (): string => {
  try {
    return shortened(Os.hostname(), limits.hostname)
  } catch {
    // Some sandboxes refuse to tell.
    return shortened("", limits.hostname)
  }
}
