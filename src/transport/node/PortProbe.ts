/**
 * A port-unreachable probe: a datagram to one address, from a connected socket made for it. Only a connected socket hears
 * from the other host's kernel that nobody listens there (protocol 2).
 */
import * as NodeDatagramSocket from "@effect/platform-node/NodeDatagramSocket"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Address, formatAddress } from "../../protocol/model/Member.ts"
import { DatagramsFailed } from "../Datagrams.ts"
import { familyOf, type SystemInterface } from "../interfaces/SystemInterface.ts"
import * as Binding from "./Binding.ts"
import * as Socket from "./Socket.ts"
import * as SocketAddress from "./SocketAddress.ts"

/**
 * Sends from the address of an interface and waits a moment for a refusal. An answer that comes meanwhile is received as any
 * other.
 */
export const probe = Effect.fnUntraced(
  function*(sockets: Socket.Sockets, from: SystemInterface, to: Address, payload: Uint8Array) {
    const where = formatAddress(to)
    const address = SocketAddress.parse(to, from.index)
    if (address === undefined || familyOf(to.ip) !== familyOf(from.address)) {
      return yield* new DatagramsFailed({ during: "send", kind: "Unreachable", where })
    }
    const refused = yield* Deferred.make<void>()
    const socket = yield* NodeDatagramSocket.fromSocket(
      Binding.open({ bind: { address: from.address }, connect: address }),
      {
        onError: (error) => {
          if (Socket.failedFrom("send", where, error).kind === "ConnectionRefused") {
            Deferred.doneUnsafe(refused, Effect.void)
          }
        }
      }
    )
    const reader = yield* Effect.mapError(socket.reader, (error) => Socket.failedFrom("open", where, error))
    const writer = yield* socket.writer
    const sent = yield* Effect.result(writer.write({ payload }))
    if (Result.isFailure(sent)) {
      const failed = Socket.failedFrom("send", where, sent.failure)
      return failed.kind === "ConnectionRefused" ? "refused" as const : yield* failed
    }
    // An answer to the source of the datagram comes here, and is as good as any.
    yield* reader.pull.pipe(
      Effect.map((datagrams) => sockets.receive(datagrams, "unicast")),
      Effect.ignore,
      Effect.raceFirst(Deferred.await(refused)),
      Effect.timeoutOption(refusalWindow)
    )
    // A busy process looks at its timers before its sockets: a refusal that waits there is still to be read.
    yield* Effect.yieldNow
    return Deferred.isDoneUnsafe(refused) ? "refused" as const : "sent" as const
  },
  Effect.scoped
)

// internal

// Long enough for a refusal from a host on the LAN; on loopback it takes well under a millisecond.
const refusalWindow = Duration.millis(50)
