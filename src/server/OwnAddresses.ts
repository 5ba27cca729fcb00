/** A server's own addresses, which change with its network: the protocol is told, and so are readers. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Commands from "../protocol/Commands.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import type * as Messenger from "../transport/Messenger.ts"
import type * as ServerEngine from "./ServerEngine.ts"

export interface OwnAddresses {
  /** Steps a message of the network. */
  readonly hear: (received: Messenger.Received) => void
  /** Tells the protocol which addresses are ours now. */
  readonly moved: Effect.Effect<void>
}

export const make = (
  endpoint: Pick<Datagrams.Endpoint, "local">,
  { offer }: Pick<ServerEngine.ServerEngine, "offer">,
  self: Pick<Member.Member, "id">,
  hasKey: () => boolean
): OwnAddresses => {
  const now = () => endpoint.local.map(Member.formatAddress).join()
  let told = now()
  const moved = (): void => {
    told = now()
    offer({ _tag: "Moved", addresses: endpoint.local })
  }
  return {
    moved: Effect.sync(moved),
    hear: ({ from, isSealed = false, message, via }) => {
      // What comes back of our own from a new address must find that it is ours.
      const isOurs = "sender" in message && message.sender.id === self.id
      if (isOurs && told !== now()) moved()
      // Over loopback without a key, any program of this host may do with the server what it likes anyway.
      const mayCommand = message.type === "COMMAND" && Commands.isAllowed(from, { hasKey: hasKey(), isSealed })
      offer({ _tag: "Received", message, from, via, ...mayCommand ? { mayCommand } : {} })
    }
  }
}

/** Starts the fiber that hears of changes of the network. Another network may be one on which keys are needed: `judge`. */
export const run = (
  { moved }: OwnAddresses,
  { troubles }: Pick<Datagrams.Endpoint, "troubles">,
  judge: Effect.Effect<void>,
  { tell }: Pick<ServerEngine.ServerEngine, "tell">,
  supervisor: Supervisor.Supervisor
): Effect.Effect<void, never, Scope.Scope> => {
  const network = Effect.flatMap(troubles, (trouble) => {
    const what = trouble.kind === "NetworkChanged" ? trouble.where : trouble.message
    return moved.pipe(
      Effect.andThen(judge),
      Effect.andThen(tell({ event: "NetworkChanged", what }))
    )
  })
  return supervisor.keep("network", Effect.forever(network))
}
