/**
 * A port-unreachable probe: a datagram to one address, from a connected socket made for it. Only a connected socket hears
 * from the other host's kernel that nobody listens there (protocol 2).
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Address, formatAddress } from "../../protocol/model/Member.ts"
import { DatagramsFailed } from "../Datagrams.ts"
import { familyOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import * as Binding from "./Binding.ts"
import type * as Socket from "./Socket.ts"
import * as SocketAddress from "./SocketAddress.ts"
import * as SystemError from "./SystemError.ts"

/**
 * Sends from the address of an interface and waits a moment for a refusal. An answer that comes meanwhile is received as any
 * other.
 */
export const probe = Effect.fnUntraced(
  function*(sockets: Socket.Sockets, from: SystemInterface, to: Address, payload: Uint8Array) {
    const where = formatAddress(to)
    const address = SocketAddress.toNative(to, from.index)
    if (address === undefined || familyOf(to.ip) !== familyOf(from.address)) {
      return yield* new DatagramsFailed({ during: "send", kind: "Unreachable", where })
    }
    const socket = yield* Binding.open(where, { bind: { address: from.address }, connect: address })
    let isRefused = false
    const answered = Effect.callback<void, DatagramsFailed>((resume) => {
      const refuse = (cause: unknown): DatagramsFailed => {
        const failed = SystemError.failedBy("send", where, cause)
        if (failed.kind === "ConnectionRefused") isRefused = true
        if (isRefused) resume(Effect.void)
        return failed
      }
      socket.on("error", refuse)
      // An answer to the source of the datagram comes here, and is as good as any.
      socket.once("message", (payload) => {
        sockets.receive(payload, SocketAddress.fromNative(address.host, address.port), "unicast")
        resume(Effect.void)
      })
      socket.send(payload, (error) => {
        if (error === null) return
        const failed = refuse(error)
        resume(isRefused ? Effect.void : Effect.fail(failed))
      })
    })
    yield* Effect.timeoutOption(answered, refusalWindow)
    // A busy process looks at its timers before its sockets: a refusal that waits there is still to be read.
    if (!isRefused) yield* Effect.yieldNow
    return isRefused ? "refused" as const : "sent" as const
  },
  Effect.scoped
)

// internal

// Long enough for a refusal from a host on the LAN; on loopback it takes well under a millisecond.
const refusalWindow = Duration.millis(50)
