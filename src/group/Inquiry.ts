/**
 * Asks a group who is in it and who leads, without joining: nobody's view changes by it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Frame from "../protocol/Frame.ts"
import type { Address } from "../protocol/Member.ts"
import type * as Message from "../protocol/Message.ts"
import type * as Reign from "../protocol/Reign.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as Keys from "./Keys.ts"
import * as Seeds from "./Seeds.ts"
import type * as Setting from "./Setting.ts"
import type * as Settings from "./Settings.ts"

/**
 * How a group was asked: what to compare where nobody answers. `interfaces` are those that the question went out of; `within`
 * is how many ms were waited.
 *
 * @category models
 * @since 0.1.0
 */
export const Asked = Schema.Struct({
  group: Schema.String,
  multicastAddress: Schema.String,
  port: Schema.Natural,
  interfaces: Schema.Array(Schema.String),
  within: Schema.Natural
})

/**
 * @category models
 * @since 0.1.0
 */
export type Asked = typeof Asked.Type

/**
 * How these settings ask, over this endpoint, for so long.
 *
 * @category constructors
 * @since 0.1.0
 */
export const asked = (
  { group, multicastAddress, port }: Pick<Settings.Settings, "group" | "multicastAddress" | "port">,
  endpoint: Pick<Datagrams.Endpoint, "local">,
  within: Duration.Duration
): Asked => ({
  group,
  multicastAddress,
  port,
  interfaces: endpoint.local.map((local) => `${local.interface} (${local.ip})`),
  within: Math.round(Duration.toMillis(within))
})

/**
 * That nobody answered, and what to compare.
 *
 * @category conversions
 * @since 0.1.0
 */
export const nobody = ({ group, interfaces, multicastAddress, port, within }: Asked): string =>
  `nobody in group ${JSON.stringify(group)} answered within ${within} ms on ${multicastAddress}:${port} through ${
    interfaces.join(", ")
  }; check that a server runs, that group, key, address and port are the same there, the interface, and that no firewall `
  + "stops UDP"

/**
 * Nobody answered within the time-out. Either no server of the group runs, or it cannot be reached: the group, address,
 * port and interfaces asked by are told. Programs exit with 3.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", Asked.fields) {
  override readonly [Runtime.errorExitCode] = 3
  override readonly [Runtime.errorReported] = false
  override get message() {
    return nobody(this)
  }
}

/**
 * What one server answered for its group: everyone in its view, highest rank first, the leader and its term. `leader` is
 * null while nobody leads; `term` is then that of the last reign.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly members: ReadonlyArray<Message.Listed>
  readonly leader: Reign.Leader | null
  readonly term: number
  /** Where the answer came from. */
  readonly from: Address
}

const askAgain = Duration.millis(150)

/**
 * Asks by multicast, and takes the answer of the leader, or where none leads of whoever ranks highest in its own view; and
 * asks the seeds, whichever of them answers. Where two answer, as in a group that was split, the first is taken. Waits for at most `timeout`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const members = (
  settings: Pick<
    Settings.Settings,
    | "group"
    | "key"
    | "keyFile"
    | "keyMode"
    | "maxSessions"
    | "multicastAddress"
    | "port"
    | "ttl"
    | "interfaces"
    | "multicast"
    | "seeds"
    | "networks"
    | "heartbeatInterval"
  >,
  options: { readonly timeout?: Duration.Input | undefined } = {}
): Effect.Effect<Answer, NoAnswer | Setting.SettingRefused | Datagrams.DatagramsFailed, Datagrams.Datagrams> =>
  Effect.scoped(Effect.gen(function*() {
    const { group, interfaces, multicast, multicastAddress, port, ttl } = settings
    const timeout = Duration.fromInputUnsafe(options.timeout ?? Duration.seconds(2))
    const keys = yield* Keys.make(settings, Duration.toMillis(timeout))
    // The fixed port of a server on this host stays the server's.
    const endpoint = yield* (yield* Datagrams.Datagrams).open({
      multicastAddress,
      port,
      ttl,
      interfaces,
      multicast,
      unicastPort: 0
    })
    const asking = Effect.gen(function*() {
      // Names that take longer are asked when they are there.
      const seeds = yield* Seeds.make(settings, endpoint, askAgain)
      const messenger = yield* Messenger.make(endpoint, Frame.groupTag(group), () => {}, seeds.holds, keys)
      return yield* collect(messenger, () => [...multicast ? [null] : [], ...seeds.addresses()])
    })
    const answer = yield* Effect.timeoutOption(asking, timeout)
    if (Option.isSome(answer)) return answer.value
    return yield* new NoAnswer(asked(settings, endpoint, timeout))
  }))

const newNonce = Effect.map(
  Effect.all([Random.next, Random.next]),
  (numbers) => numbers.map((number) => Math.floor(number * 0x1_0000_0000).toString(16).padStart(8, "0")).join("")
)

interface Page {
  readonly message: Message.Of<"MEMBERS">
  readonly from: Address
}

const collect = Effect.fnUntraced(function*(
  messenger: Messenger.Messenger,
  everybody: () => ReadonlyArray<Address | null>
) {
  const nonce = yield* newNonce
  const first = yield* ask(messenger, everybody, nonce, 0)
  const lines = new Map(first.message.list.map((line) => [line.id, line]))
  let { message } = first
  for (let page = 1; page < message.of; page++) {
    ;({ message } = yield* ask(messenger, () => [first.from], nonce, page))
    for (const line of message.list) lines.set(line.id, line)
  }
  const { leader, term } = message
  const answer: Answer = { members: [...lines.values()], leader, term, from: first.from }
  return answer
})

/** Asks all of these for one page until it comes from one of them; from anybody for the first. */
const ask = (messenger: Messenger.Messenger, to: () => ReadonlyArray<Address | null>, nonce: string, page: number) =>
  Effect.raceFirst(
    listen(messenger, page === 0 ? null : to()[0] ?? null, nonce, page),
    Effect.suspend(() =>
      Effect.forEach(to(), (one) =>
        Effect.catch(
          messenger.send(one, { type: "MEMBERS_ASK", nonce, page }),
          // A network that is not there yet may come within the time-out.
          (error) => Effect.logDebug(error.message)
        ), { discard: true })
    ).pipe(
      Effect.repeat(Schedule.spaced(askAgain)),
      Effect.andThen(Effect.never)
    )
  )

const listen = Effect.fnUntraced(function*(
  messenger: Messenger.Messenger,
  to: Address | null,
  nonce: string,
  page: number
): Effect.fn.Return<Page> {
  while (true) {
    for (const { from, message } of yield* messenger.receive) {
      if (message.type !== "MEMBERS" || message.nonce !== nonce || message.page !== page) continue
      if (to === null || (from.ip === to.ip && from.port === to.port)) return { message, from }
    }
  }
})
