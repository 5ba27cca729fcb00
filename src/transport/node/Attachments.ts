/**
 * The sockets of one endpoint on the interfaces of the system, and how they follow its changes: an interface that comes is
 * joined, one that comes back is joined again, one whose address changes is opened on the new one. `interfaces/Choice` and
 * `interfaces/Changes` decide; here it is carried out.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { DatagramsFailed, Options } from "../Datagrams.ts"
import type { Attachment } from "../interfaces/Changes.ts"
import { absent, chooseAll, noSuchInterface } from "../interfaces/Choice.ts"
import type { Interfaces, System } from "../interfaces/Interfaces.ts"
import * as Attached from "./Attached.ts"
import * as Attaching from "./Attaching.ts"
import * as Following from "./Following.ts"
import * as Memberships from "./Memberships.ts"
import * as MulticastSocket from "./MulticastSocket.ts"
import * as Socket from "./Socket.ts"
import * as SocketAddress from "./SocketAddress.ts"
import * as Sources from "./Sources.ts"

/** All of them. */
export interface Attachments extends Pick<Sources.Sources, "all" | "towards" | "isDirect"> {
  /** In the order of the setting. */
  readonly groups: ReadonlyArray<Attached.Group>
  /** Looks at the system once, and does what its changes call for. Reports faults; never fails. */
  readonly follow: Effect.Effect<void>
}

/**
 * Opens the sockets. Fails where the system does not say which interfaces there are; where the socket of a named interface does
 * not open, or none that is named is there; and where the port is another's. All else is reported and tried again.
 */
export const open = Effect.fnUntraced(function*(
  scan: Interfaces["Service"]["scan"],
  options: Options,
  sockets: Socket.Sockets
): Effect.fn.Return<Attachments, DatagramsFailed> {
  const groups = MulticastSocket.multicastGroups(options).map((multicastGroup) => ({
    multicastGroup,
    socket: options.multicast === false ? undefined : MulticastSocket.make(sockets, multicastGroup)
  }))
  const held = Attached.none(groups)
  const memberships = Memberships.make(held, sockets.report)
  const attaching = Attaching.make(held, memberships, sockets, options)
  const choose = (system: System) => {
    held.system = system
    SocketAddress.learn(system.addresses)
    return chooseAll({ system, named: options.interfaces }, groups.map(({ multicastGroup }) => multicastGroup))
  }
  // The multicast socket first: a unicast port is then never the group's, which the system may hand out as any other.
  for (const { socket } of groups) {
    // Another program keeps the port for itself: it is tried again, and until then only unicast is heard.
    if (socket !== undefined) yield* Effect.catch(Effect.asVoid(socket.open), sockets.reported)
  }
  const { refused, wanted } = choose(yield* Effect.withSpan(scan, "Interfaces.scan"))
  if (held.system.refusal !== undefined) sockets.report(held.system.refusal)
  yield* attachAll({ held, attaching, options, sockets }, wanted, refused)
  const [primary] = held.attached
  if (primary === undefined) return yield* Effect.die("no interface was opened, and none failed")
  memberships.reportLimit()
  for (const { socket } of groups) {
    if (socket === undefined) continue
    // Its memberships went with the socket.
    const again = Effect.tap(socket.open, () => memberships.joinAll(sockets.reported))
    yield* sockets.forkKept(Socket.keep(sockets, socket, again))
  }
  const sources = Sources.make(held, primary)
  const follow = Following.make(scan, {
    held,
    primary,
    sockets,
    memberships,
    attaching,
    sources,
    options,
    choose: (system) => choose(system).wanted
  })
  return { groups, all: sources.all, towards: sources.towards, isDirect: sources.isDirect, follow }
})

// internal

interface Opening {
  readonly held: Attached.Held
  readonly attaching: Attaching.Attaching
  readonly options: Options
  readonly sockets: Socket.Sockets
}

/** Attaches to the chosen interfaces; `refused` says why there is nothing of a family. At least one is held then. */
const attachAll = (
  opening: Opening,
  [first, ...others]: ReadonlyArray<Attachment>,
  refused: DatagramsFailed | undefined
): Effect.Effect<void, DatagramsFailed> => {
  const { held, options, sockets } = opening
  const isNamed = options.interfaces.length > 0
  if (first !== undefined) return isNamed ? attachNamed(opening, [first, ...others]) : attachAny(opening, first, others)
  if (isNamed && refused !== undefined) return Effect.fail(refused)
  return Effect.sync(() => {
    // No network at all, not even the loopback: the first that comes is taken, under the identity of this one.
    if (refused !== undefined) sockets.report(refused)
    held.attached.push({ ...Attached.waiting(0, Attached.noInterface, options.unicastPort), present: false })
  })
}

const attachNamed = Effect.fnUntraced(function*(
  { attaching, held, options, sockets }: Opening,
  wanted: ReadonlyArray<Attachment>
) {
  for (const one of wanted) {
    const isSpare = () => Attached.onDevice(held, one.group, one.interface).length > 0
    yield* Effect.catchIf(
      attaching.add(one),
      ({ kind }) => kind === "AddressNotAvailable" && isSpare(),
      sockets.reported
    )
  }
  const families = held.groups.map(({ multicastGroup }) => multicastGroup.family)
  const missing = absent({ system: held.system, named: options.interfaces, families })
  if (missing.length > 0) sockets.report(noSuchInterface(missing, held.system.addresses, families))
})

const attachAny = Effect.fnUntraced(function*(
  { attaching, held, options }: Opening,
  first: Attachment,
  others: ReadonlyArray<Attachment>
) {
  // The failure of the first is told to the caller where none of them opens.
  const opened = yield* Effect.result(attaching.add(first))
  for (const one of others) yield* attaching.add(one).pipe(Effect.catch(attaching.reportUnlessTentative(one)))
  if (Result.isFailure(opened)) {
    // A port of ours that another has is the operator's to mend. All else passes, such as an address of IPv6 that the
    // system is still asking about.
    if (held.attached.length === 0 && opened.failure.kind === "AddressInUse") return yield* opened.failure
    yield* attaching.reportUnlessTentative(first)(opened.failure)
  }
  if (held.attached.length > 0) return
  const one = Attached.waiting(first.group, first.interface, options.unicastPort)
  held.attached.push(one)
  yield* attaching.keep(one)
})
