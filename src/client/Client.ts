/**
 * A client of a group: it joins, sends messages that the leader acknowledges and hands on to everybody, and receives what
 * all clients send. It is no member: nobody elects it. Over a `Datagrams` layer; `bellwether/NodeClient` has it with real
 * sockets.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as EventHub from "../group/EventHub.ts"
import * as Inbox from "../group/Inbox.ts"
import * as Inquiry from "../group/Inquiry.ts"
import * as Keys from "../group/Keys.ts"
import * as Leaving from "../group/Leaving.ts"
import * as Seeds from "../group/Seeds.ts"
import * as Supervisor from "../group/Supervisor.ts"
import * as Identity from "../protocol/Client.ts"
import type * as ClientEvent from "../protocol/ClientEvent.ts"
import * as ClientStep from "../protocol/ClientStep.ts"
import type * as ClientTurn from "../protocol/ClientTurn.ts"
import * as Frame from "../protocol/Frame.ts"
import * as Member from "../protocol/Member.ts"
import type * as Reign from "../protocol/Reign.ts"
import type { Now } from "../protocol/Turn.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"
import { waitOf } from "../settings/Wait.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"

/**
 * A body that takes more bytes of JSON than a message may. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyTooLarge extends Schema.TaggedError<BodyTooLarge>()("BodyTooLarge", {
  bytes: Schema.Natural,
  limit: Schema.Natural
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `the body takes ${this.bytes} bytes of JSON, ${this.limit} are allowed`
  }
}

/**
 * A body that JSON has no words for: a function, a number that is not finite, a circle. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyNotJson extends Schema.TaggedError<BodyNotJson>()("BodyNotJson", {
  reason: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `the body is not JSON: ${this.reason}`
  }
}

/**
 * So many messages wait already that one more is not taken. Nothing was sent: wait for some to be acknowledged.
 *
 * @category errors
 * @since 0.1.0
 */
export class QueueFull extends Schema.TaggedError<QueueFull>()("QueueFull", {
  waiting: Schema.Natural,
  limit: Schema.Natural
}) {
  override get message() {
    return `${this.waiting} messages wait to be sent, ${this.limit} is the most: wait until some are acknowledged`
  }
}

/**
 * Nobody let the client in, or acknowledged a message, in time: nobody leads the group, its leader does not answer, or it
 * cannot be reached. Programs exit with 3.
 *
 * `servers` is how many servers were heard at all since the start, `leader` who was last heard to lead. `mayArrive`: the
 * message has gone out and may still be handed on; else it was taken back.
 *
 * @category errors
 * @since 0.1.0
 */
export class NobodyLeads extends Schema.TaggedError<NobodyLeads>()("NobodyLeads", {
  during: Schema.Literals(["join", "send"]),
  ...Inquiry.Asked.fields,
  servers: Schema.Natural,
  leader: Schema.NullOr(Schema.String),
  mayArrive: Schema.Boolean
}) {
  override readonly [Runtime.errorExitCode] = 3
  override get message() {
    const group = `group ${JSON.stringify(this.group)}`
    if (this.leader !== null) return `the leader of ${group} at ${this.leader} did not answer within ${this.within} ms`
    return this.servers > 0
      ? `nobody leads ${group}: ${this.servers} of its servers are heard, none of them led within ${this.within} ms`
      : Inquiry.nobody(this)
  }
}

/**
 * The client has left its group, or is about to.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClientClosed extends Schema.TaggedError<ClientClosed>()("ClientClosed", {}) {
  override get message() {
    return "the client has left its group"
  }
}

/**
 * Why a message was not acknowledged.
 *
 * @category errors
 * @since 0.1.0
 */
export type SendError = BodyTooLarge | BodyNotJson | QueueFull | NobodyLeads | ClientClosed

/**
 * Why a client could not start: a setting was refused before any socket was opened, or a socket could not be.
 *
 * @category errors
 * @since 0.1.0
 */
export type ClientError = SettingRefused | Datagrams.DatagramsFailed

/**
 * How long to wait: until let in by `join` (10 s unless set), until acknowledged by `send` (1 minute unless set: a group
 * whose leader dies silently has another one by then, at the times of the standard profile).
 *
 * @category models
 * @since 0.1.0
 */
export interface Patience {
  readonly joinTimeout?: Duration.Input | undefined
  readonly sendTimeout?: Duration.Input | undefined
}

const patience: ReadonlyArray<keyof Patience> = ["joinTimeout", "sendTimeout"]

/**
 * What a client is made with. Of the settings, those that say where the group is matter to a client (`group`,
 * its keys, `multicastAddress`, `port`, `ttl`, `interfaces`, `multicast`, `seeds`, `networks`), its `name`, and `heartbeatInterval`, the time between two of its signs
 * of life; it gets by without the others. Its socket has any free port.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Settings.Options, Patience {}

/**
 * What the client of a group can do.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientShape {
  /** Who we are to the others. */
  readonly self: Identity.Client
  /** Waits until the leader has let us in, `joinTimeout` at most; tried on, it succeeds later. */
  readonly join: Effect.Effect<void, NobodyLeads | ClientClosed>
  /**
   * Sends a message and waits until the leader has it and has handed it on; the answer is its `seq`. It is sent again
   * until then, to the next leader too, and is handed on once.
   *
   * Order: in the order of the calls, also of those that do not wait for each other. At most 64 are on their way; 1,024
   * more wait. Interrupted, or not acknowledged within `sendTimeout`, a message is taken back if it has not gone out yet;
   * if it has, nothing can take it back, and it is sent on until it is acknowledged. A `within` that is no time of 1 ms or
   * more is a defect.
   */
  readonly send: (
    body: Identity.Body,
    options?: { readonly within?: Duration.Input | undefined }
  ) => Effect.Effect<number, SendError>
  /** Waits until all that was sent is acknowledged. */
  readonly drain: Effect.Effect<void>
  /**
   * Messages of all clients, our own included, from now on: each run has a subscription of its own. Order and bounds are
   * those of `Inbox`. What was sent before we joined does not come.
   */
  readonly messages: Stream.Stream<Inbox.Message>
  /** Subscribes at once: what comes before the stream is run waits for it. */
  readonly subscribe: Effect.Effect<Stream.Stream<Inbox.Message>, never, Scope.Scope>
  /** Whom we talk to; null while we know of no leader. */
  readonly leader: Effect.Effect<Reign.Leader | null>
  readonly reign: Effect.Effect<Reign.Reign | null>
  /**
   * Subscribes to the events. The stream begins with those that say what is the case now (`LeaderChanged`, `Joined`), and
   * ends after `Left`. Each reader has a queue of its own: one that falls more than 4,096 events behind gets `EventsLost` in
   * place of its oldest. Neither the client nor another reader waits for it or loses anything.
   */
  readonly events: Effect.Effect<Stream.Stream<ClientEvent.ClientEvent>, never, Scope.Scope>
  /** Datagrams dropped since the start, by reason. */
  readonly dropped: Effect.Effect<Readonly<Record<string, number>>>
  /** Puts other keys in place of those in use, as the setting `key` spells them; a file of keys is followed by itself. */
  readonly useKeys: Keys.UseKeys
  /** Waits, and fails once the client cannot go on: its fibers died again and again. */
  readonly failed: Effect.Effect<never, Supervisor.GroupFailed>
}

/**
 * The client of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Client extends Context.Service<Client, ClientShape>()("bellwether/client/Client") {}

const defaults = { joinTimeout: Duration.seconds(10), sendTimeout: Duration.minutes(1) } as const
const outboxCapacity = 4_096

const newId = Effect.map(
  Effect.all([Random.next, Random.next]),
  (numbers) =>
    Identity.ClientId.make(
      numbers.map((number) => Math.floor(number * 0x1_0000_0000).toString(16).padStart(8, "0")).join("")
    )
)

/** The bytes of a body; fails with what is wrong with it. */
const check = (body: Identity.Body): Effect.Effect<void, BodyTooLarge | BodyNotJson> =>
  Effect.suspend((): Effect.Effect<void, BodyTooLarge | BodyNotJson> => {
    let bytes: number
    try {
      if (!Schema.is(Schema.Json)(body)) {
        return Effect.fail(new BodyNotJson({ reason: `a ${typeof body} in it is none` }))
      }
      bytes = Identity.bodyBytes(body)
    } catch (error) {
      return Effect.fail(new BodyNotJson({ reason: error instanceof Error ? error.message : String(error) }))
    }
    return bytes <= Identity.maxBodyBytes
      ? Effect.void
      : Effect.fail(new BodyTooLarge({ bytes, limit: Identity.maxBodyBytes }))
  })

/**
 * Starts a client from settings that are already checked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSettings = Effect.fn("Client.start")(function*(
  settings: Settings.Settings,
  patience: Patience = {}
): Effect.fn.Return<ClientShape, ClientError, Scope.Scope | Datagrams.Datagrams> {
  const joinWithin = yield* waitOf("joinTimeout", patience.joinTimeout, defaults.joinTimeout)
  const sendWithin = yield* waitOf("sendTimeout", patience.sendTimeout, defaults.sendTimeout)
  const keys = yield* Keys.make(settings, Settings.timing(settings).memberTimeout)
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  // The fixed port of a server on this host stays the server's.
  const endpoint = yield* (yield* Datagrams.Datagrams).open({ ...settings, unicastPort: 0 })
  const seeds = yield* Seeds.make(settings, endpoint)
  const client: Identity.Client = {
    id: yield* newId,
    name: settings.name ?? Member.shortened(endpoint.hostname, Member.limits.name)
  }
  const dropped = new Map<string, number>()
  const drop = (reason: string) => void dropped.set(reason, (dropped.get(reason) ?? 0) + 1)
  const messenger = yield* Messenger.make(endpoint, Frame.groupTag(settings.group), drop, seeds.holds, keys)
  const supervisor = yield* Supervisor.make(() => Effect.void)
  const ref = yield* Ref.make(
    ClientStep.make({ client, interval: Math.round(Duration.toMillis(settings.heartbeatInterval)) })
  )
  /** What is the case now, as events. */
  const current = (): ReadonlyArray<ClientEvent.ClientEvent> => {
    const { members, phase, reign } = Ref.getUnsafe(ref)
    if (reign === null) return []
    const at = clock.currentTimeMillisUnsafe()
    const { leader, term } = reign
    const led: ClientEvent.ClientEvent = { at, event: "LeaderChanged", leader, term }
    return phase === "Joined" ? [led, { at, event: "Joined", client, leader, term, members }] : [led]
  }
  const hub = yield* EventHub.make<ReadonlyArray<ClientEvent.ClientEvent>, ClientEvent.ClientEvent>(current)
  hub.forgetBeginning()
  const outbox = yield* Queue.dropping<Extract<ClientTurn.Output, { readonly _tag: "Send" }>>(outboxCapacity)
  const timer = yield* FiberHandle.make()
  const joined = yield* Deferred.make<void>()
  const farewell = yield* Deferred.make<void>()
  const closed = yield* Deferred.make<never, ClientClosed>()
  const waiting = new Map<number, Deferred.Deferred<number, QueueFull>>()
  const drained = new Set<Deferred.Deferred<void>>()
  let tickets = 0
  let armedAt = Infinity
  const { inbox, offer } = yield* Inbox.make((limit) => Effect.suspend(() => step({ _tag: "Room", limit })))

  const now = (): Now => ({
    monotonic: Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
    wall: clock.currentTimeMillisUnsafe(),
    entropy: Math.floor(random.nextDoubleUnsafe() * 4_294_967_296)
  })

  const carryOut = (output: ClientTurn.Output): void => {
    switch (output._tag) {
      case "Send":
        if (!Queue.offerUnsafe(outbox, output)) drop("SendFailed")
        return
      case "Emit":
        hub.publish(output.event)
        if (output.event.event === "MessageReceived") offer(output.event)
        if (output.event.event === "Joined") Deferred.doneUnsafe(joined, Effect.void)
        return
      case "Acknowledged":
        return answer(output.ticket, Effect.succeed(output.seq))
      case "QueueFull":
        return answer(
          output.ticket,
          Effect.fail(new QueueFull({ waiting: ClientStep.queueLimit, limit: ClientStep.queueLimit }))
        )
      case "Farewell":
        Deferred.doneUnsafe(farewell, Effect.void)
    }
  }
  const answer = (ticket: number, result: Effect.Effect<number, QueueFull>): void => {
    const one = waiting.get(ticket)
    waiting.delete(ticket)
    if (one !== undefined) Deferred.doneUnsafe(one, result)
  }

  // To tell an event may run its reader at once, and that may step again, here in the middle: what it left to do waits.
  const todo: Array<ClientTurn.Output> = []
  let isDoing = false
  const doAll = (): void => {
    if (isDoing) return
    isDoing = true
    try {
      for (let next = todo.shift(); next !== undefined; next = todo.shift()) carryOut(next)
    } finally {
      isDoing = false
    }
  }

  const step = (input: ClientStep.Input): Effect.Effect<void> =>
    Effect.flatMap(
      Ref.modify(ref, (before) => {
        const [after, outputs] = ClientStep.step(before, input, now())
        todo.push(...outputs)
        return [after, after]
      }),
      (after) => {
        doAll()
        if (drained.size > 0 && ClientStep.isDrained(after)) {
          for (const one of drained) Deferred.doneUnsafe(one, Effect.void)
          drained.clear()
        }
        const due = ClientStep.dueAt(after)
        // A timer that comes too early does nothing but set the next.
        return due < armedAt ? arm(due) : Effect.void
      }
    ).pipe(Effect.uninterruptible)

  const arm = (due: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      armedAt = due
      // Whole ms: what is left of one by rounding would be no time for a timer to run.
      const after = Math.max(0, Math.ceil(due - now().monotonic))
      const tick = Effect.suspend(() => {
        armedAt = Infinity
        return step({ _tag: "Tick" })
      })
      // Set from the timer itself it must not end the fiber that it runs in, so the next is a fiber of its own.
      return Effect.asVoid(
        FiberHandle.run(timer, Effect.andThen(Effect.sleep(after), Effect.forkDetach(supervisor.guard("timer", tick))))
      )
    })

  /** Where what is said to the group goes: by multicast, unless that is off, and to the seeds and the leader besides. */
  const everywhere = (): ReadonlyArray<Member.Address | null> => {
    const { address } = Ref.getUnsafe(ref)
    const multicast = settings.multicast ? [null] : []
    if (settings.seeds.length === 0) return settings.multicast || address === null ? multicast : [address]
    const found = seeds.addresses()
    const isSeed = found.some((seed) => seed.ip === address?.ip && seed.port === address.port)
    return [...multicast, ...found, ...address === null || isSeed ? [] : [address]]
  }

  const nobody = (
    during: NobodyLeads["during"],
    within: Duration.Duration,
    mayArrive: boolean
  ): Effect.Effect<NobodyLeads> =>
    Effect.map(Ref.get(ref), (state) => {
      const address = ClientStep.leaderAddress(state)
      return new NobodyLeads({
        during,
        ...Inquiry.asked(settings, endpoint, within),
        servers: HashMap.size(state.heard),
        leader: address === null ? null : Member.formatAddress(address),
        mayArrive
      })
    })

  const send: ClientShape["send"] = (body, options = {}) =>
    Effect.gen(function*() {
      yield* Effect.orDie(Spelling.refuseUnknown(options, ["within"]))
      const within = yield* Effect.orDie(waitOf("within", options.within, sendWithin))
      yield* check(body)
      if (Deferred.isDoneUnsafe(closed)) return yield* new ClientClosed()
      const ticket = (tickets += 1)
      const acknowledged = yield* Deferred.make<number, QueueFull>()
      const withdraw = Effect.suspend(() => {
        waiting.delete(ticket)
        return step({ _tag: "Withdraw", ticket })
      })
      waiting.set(ticket, acknowledged)
      yield* step({ _tag: "Send", ticket, body })
      const seq = yield* Effect.raceFirst(Deferred.await(acknowledged), Deferred.await(closed)).pipe(
        Effect.timeoutOption(within),
        Effect.onInterrupt(() => withdraw)
      )
      if (Option.isSome(seq)) return seq.value
      const mayArrive = (yield* Ref.get(ref)).flights.some((flight) => flight.ticket === ticket)
      yield* withdraw
      return yield* Effect.flatMap(nobody("send", within, mayArrive), Effect.fail)
    })

  const join: ClientShape["join"] = Effect.raceFirst(Deferred.await(joined), Deferred.await(closed)).pipe(
    Effect.timeoutOption(joinWithin),
    Effect.flatMap(Option.match({
      onNone: () => Effect.flatMap(nobody("join", joinWithin, false), Effect.fail),
      onSome: () => Effect.void
    }))
  )

  const drain: ClientShape["drain"] = Effect.suspend(() => {
    if (ClientStep.isDrained(Ref.getUnsafe(ref))) return Effect.void
    const one = Deferred.makeUnsafe<void>()
    drained.add(one)
    return Effect.ensuring(Deferred.await(one), Effect.sync(() => drained.delete(one)))
  })

  const subscribeToEvents: ClientShape["events"] = Effect.map(
    hub.subscribe,
    ({ events, snapshot }) => Stream.concat(Stream.fromIterable(snapshot), events)
  )

  const failed = (error: Error) => {
    drop("SendFailed")
    return Effect.logDebug(error.message)
  }
  yield* supervisor.keep(
    "outbox",
    Effect.forever(Effect.flatMap(
      Queue.takeAll(outbox),
      Effect.forEach(
        ({ message, to }) =>
          Effect.flatMap(
            messenger.sendAll(to === null ? everywhere() : [to], message),
            Effect.forEach(failed, { discard: true })
          ),
        { discard: true }
      )
    ))
  )
  yield* supervisor.keep(
    "listener",
    Effect.forever(Effect.flatMap(
      messenger.receive,
      Effect.forEach((received) => step({ _tag: "Received", ...received }), { discard: true })
    ))
  )
  if (settings.seeds.length > 0) {
    const spacing = Duration.max(settings.heartbeatInterval, Duration.seconds(1))
    yield* supervisor.keep("seeds", Effect.schedule(seeds.resolve, Schedule.spaced(spacing)))
  }
  const refused = (why: string) => Effect.logWarning(`the keys stay as they were: ${why}`)
  const useKeys = yield* Keys.follow(
    keys,
    settings,
    supervisor,
    () => Effect.void,
    refused,
    Keys.warnOfExposure
  )
  yield* step({ _tag: "Start" })
  // Last acquired, first released: while it says goodbye, everything above still runs.
  yield* Effect.addFinalizer(() =>
    Leaving.waitFor(
      Deferred.fail(closed, new ClientClosed()).pipe(
        Effect.andThen(step({ _tag: "Leave" })),
        Effect.andThen(Deferred.await(farewell))
      ),
      Leaving.goodbyeWithin
    )
  )
  const reign = Effect.map(Ref.get(ref), ({ reign }) => reign)
  return {
    self: client,
    join,
    send,
    drain,
    messages: inbox.messages,
    subscribe: inbox.subscribe,
    leader: Effect.map(reign, (reign) => reign?.leader ?? null),
    reign,
    events: subscribeToEvents,
    dropped: Effect.map(
      endpoint.dropped,
      (ReceiveBufferFull) => ({ ...Object.fromEntries(dropped), ReceiveBufferFull })
    ),
    useKeys,
    failed: supervisor.failed
  }
})

/**
 * Starts a client: it begins to join at once, and says goodbye when the scope closes, within one second. What is not
 * acknowledged by then is given up: {@link ClientShape.drain} waits for it. It never reads the environment.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<ClientShape, ClientError, Scope.Scope | Datagrams.Datagrams> =>
  Effect.flatMap(Settings.make(options, patience), (settings) => fromSettings(settings, options))

/**
 * The client of one group for an app, with settings from code alone.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Client, ClientError, Datagrams.Datagrams> =>
  Layer.effect(Client, make(options))

/**
 * The same, with settings from the `ConfigProvider`: from `BELLWETHER_*`, from the same below a name of the app
 * (`Config.nested(Settings.config, "ORDERS")`), or each from where it says.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<Options> = Settings.config
): Layer.Layer<Client, ClientError | Config.ConfigError, Datagrams.Datagrams> =>
  Layer.effect(Client, fromConfig(config))

const fromConfig = (config: Config.Wrap<Options>) => Effect.flatMap(Settings.fromConfig(config), make)

/**
 * A service for the client of one of several groups in an app, so that they do not shadow each other:
 *
 * ```ts
 * import { Client } from "bellwether"
 *
 * class Orders extends Client.Service<Orders>()("app/Orders") {}
 *
 * export const layer = Orders.layer({ group: "orders" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<const Id extends string>(
  id: Id
): Context.ServiceClass<Self, Id, ClientShape> & {
  readonly layer: (options: Options) => Layer.Layer<Self, ClientError, Datagrams.Datagrams>
  readonly layerConfig: (
    config: Config.Wrap<Options>
  ) => Layer.Layer<Self, ClientError | Config.ConfigError, Datagrams.Datagrams>
} =>
  class extends Context.Service<Self, ClientShape>()(id) {
    static readonly layer = (options: Options) => Layer.effect(this, make(options)) as never
    static readonly layerConfig = (config: Config.Wrap<Options>) => Layer.effect(this, fromConfig(config)) as never
  }
