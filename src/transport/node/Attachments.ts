/**
 * The sockets of one endpoint on the interfaces of the system, and how they follow its changes: an interface that comes is
 * joined, one that comes back is joined again, one whose address changes is opened on the new one. What is to be done is
 * decided in `interfaces/Choice` and `interfaces/Changes`; here it is done.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { randomInt } from "node:crypto"
import { DatagramsFailed, type Options } from "../Datagrams.ts"
import { type Attachment, changes } from "../interfaces/Changes.ts"
import { absent, alternatives, choose, leftOut, noSuchInterface } from "../interfaces/Choice.ts"
import { connected, isDirectBy, sourceFor } from "../interfaces/Direct.ts"
import { type Interfaces, type System, systemOf } from "../interfaces/Interfaces.ts"
import { describe, deviceOf, familyOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import * as MulticastSocket from "./MulticastSocket.ts"
import * as Socket from "./Socket.ts"
import * as SocketAddress from "./SocketAddress.ts"
import * as UnicastSocket from "./UnicastSocket.ts"

/** A unicast socket on one address, and the multicast group that is spoken to from there. */
export interface Attached extends UnicastSocket.UnicastSocket {
  /** Its number among the multicast groups of the endpoint. */
  group: number
  fiber: Fiber.Fiber<unknown> | undefined
}

/** All of them. */
export interface Attachments {
  /** Where each multicast group is, and its socket; undefined where there is no multicast. In the order of the setting. */
  readonly groups: ReadonlyArray<{
    readonly multicastGroup: MulticastSocket.MulticastGroup
    readonly socket: MulticastSocket.MulticastSocket | undefined
  }>
  /**
   * Those first by whose address other hosts can reach this one now, then those by which they could lately, then the
   * loopback. The first of all is the primary one. Never empty.
   */
  readonly all: () => readonly [Attached, ...ReadonlyArray<Attached>]
  /** From which of them an address is spoken to. */
  readonly towards: (ip: string) => Attached
  readonly isDirect: (ip: string) => boolean
  /** Looks at the system once, and does what its changes call for. Told faults; never fails. */
  readonly follow: Effect.Effect<void>
}

/**
 * Opens the sockets. Fails where the system does not say which interfaces there are; where the socket of a named interface does
 * not open, or none that is named is there; and where the port is another's. All else is told and tried again.
 */
export const open = Effect.fnUntraced(function*(
  scan: Interfaces["Service"]["scan"],
  options: Options,
  sockets: Socket.Sockets
): Effect.fn.Return<Attachments, DatagramsFailed> {
  const { report, told } = sockets
  const groups = MulticastSocket.multicastGroups(options).map((multicastGroup) => ({
    multicastGroup,
    socket: options.multicast === false ? undefined : MulticastSocket.make(sockets, multicastGroup)
  }))
  const families = groups.map(({ multicastGroup }) => multicastGroup.family)
  const isNamed = options.interfaces.length > 0
  const held: Array<Attached> = []
  let system: System = systemOf([])

  // --- What the choice wants ---

  const wantedOf = (now: System) => {
    system = now
    SocketAddress.learn(system.addresses)
    const choices = groups.map(({ multicastGroup: { family, linkLocal } }, group) => {
      const chosen = choose({ system, named: options.interfaces, family, linkLocal })
      return Result.map(chosen, (some) => some.map((one) => ({ group, interface: one })))
    })
    return {
      wanted: choices.flatMap((choice) => Result.getOrElse(choice, () => [])),
      refused: choices.flatMap((choice) => Result.isFailure(choice) ? [choice.failure] : [])[0]
    }
  }

  // --- Multicast on the interfaces ---

  /** Whether the system let us join no further interface when we tried last. */
  let isCrowded = false
  let isCrowdTold = false
  const join = ({ group, networkInterface }: Attached) => {
    const socket = groups[group]?.socket
    const isNeedless = socket === undefined || socket.hasJoined(deviceOf(networkInterface.name)) || isCrowded
    return isNeedless ? Effect.void : Effect.catchIf(
      socket.join(networkInterface),
      ({ kind }) => kind === "TooManyMemberships",
      (failed) => Effect.sync(() => tellCrowd(failed))
    )
  }
  const outside = () =>
    held.filter(({ group, networkInterface, present }) =>
      present && groups[group]?.socket?.opened !== undefined &&
      !groups[group].socket.hasJoined(deviceOf(networkInterface.name))
    )
  let crowd: DatagramsFailed | undefined
  const tellCrowd = (failed: DatagramsFailed) => {
    isCrowded = true
    crowd = failed
  }
  /** Of all that could not be joined for one and the same reason there is one word, and one when that is over. */
  const tellOfCrowd = () => {
    if (crowd !== undefined && !isCrowdTold) {
      isCrowdTold = true
      const names = outside().map(({ networkInterface }) => describe(networkInterface)).join(", ")
      const { code = "", syscall = "" } = crowd
      const where = `${names}: ${whyCrowded}`
      report(new DatagramsFailed({ during: "join", kind: "TooManyMemberships", where, code, syscall }))
    } else if (crowd === undefined && isCrowdTold) {
      isCrowdTold = false
      report(
        new DatagramsFailed({ during: "join", kind: "NetworkChanged", where: "multicast is heard on all interfaces" })
      )
    }
  }
  const joinAll = Effect.fnUntraced(function*(onFailure: (failed: DatagramsFailed) => Effect.Effect<void>) {
    isCrowded = false
    crowd = undefined
    for (const one of outside()) yield* Effect.catch(join(one), onFailure)
    tellOfCrowd()
  })
  const leave = ({ group, networkInterface }: Attached) =>
    groups[group]?.socket?.leave(deviceOf(networkInterface.name)) ?? Effect.void

  // --- Sockets ---

  const keep = Effect.fnUntraced(function*(one: Attached) {
    one.fiber = yield* sockets.forkKept(
      Socket.keep(
        sockets,
        one,
        "unicast",
        UnicastSocket.open(sockets, one, options.ttl),
        () => one.present && one.networkInterface.flaw !== "tentative"
      )
    )
  })
  const attach = Effect.fnUntraced(function*(group: number, networkInterface: SystemInterface) {
    const one: Attached = { ...UnicastSocket.make(networkInterface, options.unicastPort), group, fiber: undefined }
    const opened = yield* UnicastSocket.open(sockets, one, options.ttl)
    yield* join(one).pipe(Effect.onError(() => Scope.close(opened.scope, Exit.void)))
    held.push(one)
    yield* keep(one)
  })
  const isOnDevice = ({ group, interface: { name } }: Attachment) =>
    held.some((one) => one.group === group && deviceOf(one.networkInterface.name) === deviceOf(name))
  /** Where the system refuses the address, and its device has no other socket yet, another address of it is tried. */
  const add = (wanted: Attachment): Effect.Effect<void, DatagramsFailed> => {
    const { group, interface: networkInterface } = wanted
    // Tried before, in place of another.
    if (held.some((one) => one.group === group && one.networkInterface.address === networkInterface.address)) {
      return Effect.void
    }
    const others = isOnDevice(wanted) ? [] : alternatives(system, networkInterface)
    return others.reduce(
      (adding, other) =>
        Effect.catchIf(
          adding,
          ({ kind }) => kind === "AddressNotAvailable",
          (failed) => Effect.mapError(attach(group, other), () => failed)
        ),
      attach(group, networkInterface)
    )
  }
  /** That an address cannot be used while the system asks whether another host has it goes without saying. */
  const tellUnlessAsked = ({ interface: { flaw } }: Attachment) => (failed: DatagramsFailed) =>
    flaw === "tentative" && failed.kind === "AddressNotAvailable" ? Effect.void : told(failed)
  const detach = Effect.fnUntraced(function*(one: Attached) {
    held.splice(held.indexOf(one), 1)
    if (one.fiber !== undefined) yield* Fiber.interrupt(one.fiber)
    if (one.opened !== undefined) yield* Scope.close(one.opened.scope, Exit.void)
    one.opened = undefined
  })
  const changed = (networkInterface: SystemInterface, what: string) =>
    new DatagramsFailed({ during: "receive", kind: "NetworkChanged", where: `${describe(networkInterface)} ${what}` })

  // --- Opening ---

  // The multicast socket first: a unicast port is then never the group's, which the system may hand out as any other.
  for (const { socket } of groups) {
    // Another program keeps the port for itself: it is tried again, and until then only unicast is heard.
    if (socket !== undefined) yield* Effect.catch(Effect.asVoid(socket.open), told)
  }
  const { refused, wanted: [first, ...others] } = wantedOf(yield* scan)
  if (system.refusal !== undefined) report(system.refusal)
  if (first === undefined) {
    if (isNamed && refused !== undefined) return yield* refused
    // No network at all, not even the loopback: the first that comes is taken, under the identity of this one.
    if (refused !== undefined) report(refused)
    held.push({ ...waiting(0, noInterface, options.unicastPort), present: false })
  } else if (isNamed) {
    const adding = (one: Attachment) =>
      Effect.catchIf(add(one), ({ kind }) => kind === "AddressNotAvailable" && isOnDevice(one), told)
    yield* Effect.forEach([first, ...others], adding, { discard: true })
    const missing = absent({ system, named: options.interfaces, families })
    if (missing.length > 0) report(noSuchInterface(missing, system.addresses, families))
  } else {
    // The failure of the first is told to the caller where none of them opens.
    const opened = yield* Effect.result(add(first))
    yield* Effect.forEach(others, (one) => add(one).pipe(Effect.catch(tellUnlessAsked(one))), { discard: true })
    if (Result.isFailure(opened)) {
      // A port of ours that another has is the operator's to mend. All else passes, such as an address of IPv6 that the
      // system is still asking about.
      if (held.length === 0 && opened.failure.kind === "AddressInUse") return yield* opened.failure
      yield* tellUnlessAsked(first)(opened.failure)
    }
    if (held.length === 0) {
      const one = waiting(first.group, first.interface, options.unicastPort)
      held.push(one)
      yield* keep(one)
    }
  }
  const [primary] = held
  if (primary === undefined) return yield* Effect.die("no interface was opened, and none failed")
  tellOfCrowd()
  for (const { socket } of groups) {
    if (socket === undefined) continue
    // Its memberships went with the socket.
    const again = Effect.tap(socket.open, () => joinAll(told))
    yield* sockets.forkKept(Socket.keep(sockets, socket, "multicast", again))
  }

  // --- Who is reached from where ---

  let isDirect = isDirectBy([])
  let sources = new Map<string, Attached>()
  let networks = connected(system, [])
  const learn = () => {
    networks = connected(system, held.map(({ networkInterface }) => networkInterface))
    isDirect = isDirectBy(networks)
    sources = new Map()
  }
  learn()
  const all = () => {
    const outer = held.filter(({ networkInterface }) => !networkInterface.internal)
    const [one = primary, ...rest] = [
      ...outer.filter(({ present }) => present),
      ...outer.filter(({ present }) => !present),
      ...held.filter(({ networkInterface }) => networkInterface.internal)
    ]
    return [one, ...rest] as const
  }
  const sourceTowards = (ip: string): Attached => {
    const some = all()
    const nics = some.flatMap(({ networkInterface, present }) => present ? [networkInterface] : [])
    const source = sourceFor(networks, nics, ip)
    return some.find(({ networkInterface }) => networkInterface === source) ?? some.find(({ networkInterface }) =>
      familyOf(networkInterface.address) === familyOf(ip)
    )
      ?? some[0]
  }
  const towards = (ip: string): Attached => {
    const known = sources.get(ip)
    if (known !== undefined) return known
    if (sources.size >= rememberedSources) sources.clear()
    const source = sourceTowards(ip)
    sources.set(ip, source)
    return source
  }

  // --- Changes of the network ---

  const move = Effect.fnUntraced(function*(one: Attached, networkInterface: SystemInterface) {
    yield* leave(one)
    one.networkInterface = networkInterface
    one.present = true
    // A link that went and came may have forgotten its groups, and its address may be another.
    yield* join(one).pipe(Effect.catch(told))
    const back = changed(networkInterface, "is back")
    // Where it is not open, its fiber is about to try again.
    if (one.opened === undefined) report(back)
    else Socket.reopen(one.opened, back)
  })
  /** The first interface that comes where there was none at all. */
  const settle = Effect.fnUntraced(function*(one: Attached, group: number, networkInterface: SystemInterface) {
    one.group = group
    one.networkInterface = networkInterface
    one.present = true
    yield* join(one).pipe(Effect.catch(told))
    report(changed(networkInterface, "came"))
    yield* keep(one)
  })
  const refusing = new Set<string>()
  let toldLeftOut = ""
  const tellLeftOut = () => {
    const left = leftOut(
      { system, named: options.interfaces },
      all().map(({ networkInterface }) => networkInterface),
      families
    )
    if (left !== "" && left !== toldLeftOut) report(news(`only the loopback is used: ${left}`))
    toldLeftOut = left
  }
  tellLeftOut()
  const followTo = Effect.fnUntraced(function*(wanted: ReturnType<typeof wantedOf>["wanted"]) {
    const next = wanted.find((one) => one.interface.flaw !== "tentative")
    for (const one of held) {
      const now = system.addresses.find(({ address, name }) =>
        address === one.networkInterface.address && name === one.networkInterface.name
      )
      if (now !== undefined && now.flaw !== one.networkInterface.flaw) {
        one.networkInterface = { ...one.networkInterface, flaw: now.flaw }
      }
    }
    if (primary.networkInterface === noInterface && next !== undefined) {
      yield* settle(primary, next.group, next.interface)
    }
    const before = [...held]
    const isPlaced = primary.networkInterface !== noInterface
    for (const change of isPlaced ? changes(before.map(placeOf), wanted, system) : []) {
      if (change._tag === "Came") {
        const { group, interface: networkInterface } = change.attachment
        const key = `${group} ${networkInterface.name} ${networkInterface.address}`
        const added = yield* Effect.result(add(change.attachment))
        if (Result.isSuccess(added)) {
          report(changed(networkInterface, "came"))
        } else if (!refusing.has(key)) {
          yield* tellUnlessAsked(change.attachment)(added.failure)
        }
        if (Result.isSuccess(added)) refusing.delete(key)
        else refusing.add(key)
        continue
      }
      const one = before[change.held]!
      if (change._tag === "Moved") yield* move(one, change.to)
      else {
        report(changed(one.networkInterface, "is gone"))
        one.present = false
        if (change._tag === "Ended") yield* detach(one)
        const isShared = held.some(({ group, networkInterface, present }) =>
          present && group === one.group && deviceOf(networkInterface.name) === deviceOf(one.networkInterface.name)
        )
        if (!isShared) yield* leave(one)
      }
    }
    yield* joinAll(() => Effect.void)
    learn()
    tellLeftOut()
  })
  let isUnknown = false
  const follow = Effect.matchEffect(scan, {
    // What is not known has not changed.
    onFailure: (failed) =>
      Effect.sync(() => {
        if (!isUnknown) report(failed)
        isUnknown = true
      }),
    onSuccess: (now) =>
      Effect.suspend(() => {
        if (isUnknown) report(news("the interfaces of this host are known again"))
        isUnknown = false
        const isSettled = primary.networkInterface !== noInterface && refusing.size === 0 && outside().length === 0
        return now === system && isSettled ? Effect.void : followTo(wantedOf(now).wanted)
      })
  })
  return { groups, all, towards, isDirect: (ip) => isDirect(ip), follow }
})

// internal

const rememberedSources = 1024

const whyCrowded = "the system lets a socket join no more interfaces, so nothing that is multicast is heard there "
  + "(sysctl net.ipv4.igmp_max_memberships, and net.core.optmem_max for IPv6, say how many; --interfaces names fewer)"

const news = (what: string) => new DatagramsFailed({ during: "scan", kind: "NetworkChanged", where: what })

const placeOf = ({ group, networkInterface, present }: Attached) => ({
  group,
  interface: networkInterface,
  isPresent: present
})

/** What takes the place of the interface while there is none at all: nothing is sent from it. */
const noInterface: SystemInterface = { name: "none", address: "127.0.0.1", prefixLength: 8, internal: true }

/** A unicast socket that is not open yet. Its port must be known, since the identity is made of it. */
const waiting = (group: number, networkInterface: SystemInterface, port: number): Attached => ({
  ...UnicastSocket.make(networkInterface, port === 0 ? randomInt(49_152, 65_536) : port),
  group,
  fiber: undefined
})
