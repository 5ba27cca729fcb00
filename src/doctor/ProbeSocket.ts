/** The sockets of one interface, through which an examination asks and listens. What they hear becomes evidence. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import type { Address } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import type * as Keys from "../server/Keys.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import { familyOf } from "../transport/interfaces/SystemInterface.ts"
import * as Messenger from "../transport/Messenger.ts"
import type { Evidence } from "./Evidence.ts"
import type { Refusal } from "./Observations.ts"

/** The open sockets of one interface. */
export interface ProbeSocket extends Pick<Datagrams.Endpoint, "isDirect" | "resolve"> {
  /** The address of the interface. */
  readonly address: string
  /** Asks one address, or the group (null), who is there. A refusal of the system becomes evidence. */
  readonly ask: (to: Address | null, nonce: string, page: number) => Effect.Effect<void>
}

/** What the sockets of all interfaces have in common. */
export interface Listening {
  readonly settings:
    & Pick<Settings.Settings, "multicast" | "multicastAddress" | "port" | "ttl">
    & { readonly group: string }
  readonly keys: Keys.Keys
  readonly supervisor: Supervisor.Supervisor
  readonly learn: (evidence: Evidence) => void
  /** Whether an address may be sent to although it is on no directly connected network. */
  readonly isKnown: (ip: string) => boolean
  /** The interface by whose address datagrams of other groups and programs are counted: several may hear them. */
  readonly counting: (ip: string) => string | undefined
  /** The page to ask for after an answer. */
  readonly nextPage: (message: Message.Of<"MEMBERS">) => number | undefined
}

/** Opens the sockets and listens until the scope closes. Whether they opened becomes evidence. */
export const open = Effect.fnUntraced(function*(
  address: string,
  listening: Listening
): Effect.fn.Return<ProbeSocket | undefined, never, Datagrams.Datagrams | Scope.Scope> {
  const { learn, supervisor } = listening
  const datagrams = yield* Datagrams.Datagrams
  const scope = yield* Scope.fork(yield* Effect.scope)
  const opened = yield* datagrams.open(optionsOf(address, listening)).pipe(Scope.provide(scope), Effect.result)
  if (opened._tag === "Failure") {
    yield* Scope.close(scope, Exit.void)
    learn({ _tag: "SocketsRefused", address, refusal: refusalOf(opened.failure) })
    return undefined
  }
  learn({ _tag: "SocketsOpened", address })
  const endpoint = opened.success
  const messenger = yield* messengerOf(address, endpoint, listening)
  const ask: ProbeSocket["ask"] = (to, nonce, page) =>
    Effect.catch(messenger.send(to, { type: "MEMBERS_ASK", nonce, page }), (error) =>
      Effect.sync(() => {
        if (error._tag === "DatagramsFailed") learn({ _tag: "Refused", refusal: refusalOf(error) })
      }))
  const listen = Effect.flatMap(
    messenger.receive,
    Effect.forEach(({ from, message, via }) => {
      learn({ _tag: "Heard", message, from, via })
      const page = message.type === "MEMBERS" ? listening.nextPage(message) : undefined
      return page === undefined || message.type !== "MEMBERS" ? Effect.void : ask(from, message.nonce, page)
    }, { discard: true })
  )
  const troubles = Effect.map(endpoint.troubles, (trouble) => {
    // Neither is a fault of this host: its network changed, or the kernel of another host refused a port there.
    if (trouble.kind === "NetworkChanged" || trouble.kind === "ConnectionRefused") return
    learn({ _tag: "Refused", refusal: refusalOf(trouble) })
  })
  yield* Scope.provide(supervisor.keep("listener", Effect.forever(listen)), scope)
  yield* Scope.provide(supervisor.keep("troubles", Effect.forever(troubles)), scope)
  return { address, ask, isDirect: endpoint.isDirect, resolve: endpoint.resolve }
})

/** What the system refused, as data. */
export const refusalOf = ({ code, during, kind, where }: Datagrams.DatagramsFailed): Refusal => ({
  during,
  kind,
  where,
  errno: code ?? null
})

// internal

const optionsOf = (address: string, { settings }: Listening): Datagrams.Options => ({
  ...settings,
  multicastAddress: settings.multicastAddress.filter(({ family }) => family === familyOf(address)),
  interfaces: [address],
  unicastPort: 0
})

/** A messenger that is given one datagram at a time, so that the source of each dropped one is known. */
const messengerOf = Effect.fnUntraced(function*(
  address: string,
  endpoint: Datagrams.Endpoint,
  { counting, isKnown, keys, learn, settings }: Listening
) {
  const waiting: Array<Datagrams.Received> = []
  let current: Datagrams.Received | undefined
  const receive = Effect.suspend(() => {
    current = waiting.shift()
    if (current !== undefined) return Effect.succeed([current])
    return Effect.map(endpoint.receive, (some) => {
      waiting.push(...some)
      return []
    })
  })
  const onDrop = (reason: Messenger.DropReason): void => {
    if (current === undefined) return
    if (reason === "Own") return learn({ _tag: "OwnHeard", address })
    const { from, payload } = current
    if (counting(from.ip) !== address) return
    learn({ _tag: "Dropped", ip: from.ip, reason, tag: reason === "OtherGroup" ? Frame.tagOf(payload) : null })
  }
  return yield* Messenger.make({ ...endpoint, receive }, Frame.groupTag(settings.group), onDrop, isKnown, keys)
})
