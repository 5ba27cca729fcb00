/** Attaches an endpoint to addresses of the system: opens a unicast socket there, and joins the multicast group. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { DatagramsFailed, Options } from "../Datagrams.ts"
import type { Attachment } from "../interfaces/Changes.ts"
import { alternatives } from "../interfaces/Choice.ts"
import type { SystemInterface } from "../interfaces/SystemInterface.ts"
import { type Attached, type Held, onDevice } from "./Attached.ts"
import type * as Memberships from "./Memberships.ts"
import * as Socket from "./Socket.ts"
import * as UnicastSocket from "./UnicastSocket.ts"

export interface Attaching {
  /** Opens a unicast socket on an address. If it was attached already, in place of another, there is nothing to do. */
  readonly add: (wanted: Attachment) => Effect.Effect<void, DatagramsFailed>
  /** Starts the fiber that opens a unicast socket anew when it fails. */
  readonly keep: (one: Attached) => Effect.Effect<void>
  readonly detach: (one: Attached) => Effect.Effect<void>
  /** Reports why an attachment failed, unless that goes without saying: the system still asks whether the address is free. */
  readonly reportUnlessTentative: (wanted: Attachment) => (failed: DatagramsFailed) => Effect.Effect<void>
}

export const make = (
  held: Held,
  memberships: Memberships.Memberships,
  sockets: Socket.Sockets,
  { ttl, unicastPort }: Pick<Options, "ttl" | "unicastPort">
): Attaching => {
  const keep = Effect.fnUntraced(function*(one: Attached) {
    const again = UnicastSocket.open(sockets, one, ttl)
    const isExpected = () => one.present && one.networkInterface.flaw !== "tentative"
    one.fiber = yield* sockets.forkKept(Socket.keep(sockets, one, again, isExpected))
  })
  const attach = Effect.fnUntraced(function*(group: number, networkInterface: SystemInterface) {
    const one: Attached = { ...UnicastSocket.make(networkInterface, unicastPort), group, fiber: undefined }
    const opened = yield* UnicastSocket.open(sockets, one, ttl)
    yield* memberships.join(one).pipe(Effect.onError(() => Scope.close(opened.scope, Exit.void)))
    held.attached.push(one)
    yield* keep(one)
  })
  return {
    keep,
    add: ({ group, interface: networkInterface }) => {
      const { address } = networkInterface
      if (held.attached.some((one) => one.group === group && one.networkInterface.address === address)) {
        return Effect.void
      }
      // Where the system refuses the address, and its device has no other socket yet, another address of it is tried.
      const isFirst = onDevice(held, group, networkInterface).length === 0
      const others = isFirst ? alternatives(held.system, networkInterface) : []
      return others.reduce(
        (adding, other) =>
          Effect.catchIf(
            adding,
            ({ kind }) => kind === "AddressNotAvailable",
            (failed) => Effect.mapError(attach(group, other), () => failed)
          ),
        attach(group, networkInterface)
      )
    },
    detach: Effect.fnUntraced(function*(one) {
      held.attached.splice(held.attached.indexOf(one), 1)
      if (one.fiber !== undefined) yield* Fiber.interrupt(one.fiber)
      if (one.opened !== undefined) yield* Scope.close(one.opened.scope, Exit.void)
      one.opened = undefined
    }),
    reportUnlessTentative: ({ interface: { flaw } }) => (failed) =>
      flaw === "tentative" && failed.kind === "AddressNotAvailable" ? Effect.void : sockets.reported(failed)
  }
}
