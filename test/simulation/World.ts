/**
 * Whole servers on one simulated network under `TestClock`, and a record of all that they say and see: what the tests of
 * this directory stand on. Nothing here takes real time.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Election from "../../src/protocol/model/Election.ts"
import type * as Event from "../../src/protocol/model/Event.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type * as Reign from "../../src/protocol/model/Reign.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Server from "../../src/server/Server.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedNetwork from "../../src/testing/SimulatedNetwork.ts"

/** An event of one server, and when it was told, in ms of true time since the world began. */
export interface Seen {
  readonly at: number
  readonly event: Event.Event
}

/** A message that was sent: `to` is null for the group. */
export interface Said {
  readonly at: number
  readonly by: string
  readonly from: Member.Address
  readonly to: Member.Address | null
  readonly message: Message.Message
}

/** One start of one server. */
export interface Node extends Server.ServerShape {
  readonly name: string
  readonly host: SimulatedNetwork.Host
  readonly self: Member.Member
  readonly events: ReadonlyArray<Seen>
  /** The reign that it follows, by its events. */
  readonly reign: () => Reign.Reign | null
  /** Begins to close its scope, as SIGTERM does. */
  readonly leave: Effect.Effect<Fiber.Fiber<void>>
  /** kill -9: nobody hears of it. */
  readonly kill: Effect.Effect<void>
}

export interface World {
  readonly network: SimulatedNetwork.SimulatedNetwork
  /** Ms of true time since the world began. */
  readonly now: Effect.Effect<number>
  readonly start: (
    name: string,
    options?: Settings.Options,
    machine?: Omit<SimulatedNetwork.HostOptions, "name">
  ) => Effect.Effect<Node, Server.ServerError>
  /** s1 to sn at once, s1 of the highest rank. */
  readonly startAll: (
    size: number,
    options?: Settings.Options
  ) => Effect.Effect<ReadonlyArray<Node>, Server.ServerError>
  /** All that run, in the order of their starts. */
  readonly nodes: () => ReadonlyArray<Node>
  readonly said: ReadonlyArray<Said>
  /** The reign that all who run follow now, else null. */
  readonly agreed: () => Reign.Reign | null
  /** Since when it has been so, in ms of true time. */
  readonly agreedAt: () => number
  /** Runs until all follow one reign, at most so many ms; how many ms it took, to the exact instant. */
  readonly untilAgreed: (atMost: number) => Effect.Effect<number>
  /** Puts a message into a server's sockets as if `from` had sent it. */
  readonly inject: (
    to: Node,
    from: Member.Address,
    message: Message.Message,
    via?: "multicast" | "unicast"
  ) => Effect.Effect<void>
}

/** Lets so many ms pass. */
export const pass = (millis: number) => TestClock.adjust(millis)

const sameReign = (self: Reign.Reign, that: Reign.Reign) => self.term === that.term && self.leader.id === that.leader.id

export const make = Effect.fnUntraced(function*(
  { listen = true, ...options }: SimulatedNetwork.Options & { readonly listen?: boolean },
  group = "default"
) {
  const network = yield* SimulatedNetwork.make(options)
  const tag = Frame.groupTag(group)
  const hosts = new Map<string, SimulatedNetwork.Host>()
  const nodes: Array<Node> = []
  const ends: Array<Effect.Effect<unknown>> = []
  const said: Array<Said> = []
  let starts = 0
  let agreement: Reign.Reign | null = null
  let agreedAt = 0

  if (listen) {
    yield* network.tap(({ at, from, payload, sender, to, via, what }) => {
      if (what !== "sent") return
      const message = Frame.decode(payload, tag)
      if (Result.isSuccess(message)) {
        said.push({ at, by: sender, from, to: via === "multicast" ? null : to, message: message.success })
      }
    })
  }

  const compare = Effect.fnUntraced(function*() {
    const reigns = nodes.map((node) => node.reign())
    const first = reigns[0] ?? null
    const all = first !== null && reigns.every((reign) => reign !== null && sameReign(reign, first)) ? first : null
    if (all !== null && (agreement === null || !sameReign(agreement, all))) agreedAt = yield* network.now
    agreement = all
  })

  const start: World["start"] = Effect.fnUntraced(function*(name, settings = {}, machine = {}) {
    const host = hosts.get(name) ?? (yield* network.host({ name, ...machine }))
    hosts.set(name, host)
    starts += 1
    const scope = yield* Scope.make()
    const server = yield* Server.make({ group, ...settings }).pipe(
      Random.withSeed(`${options.seed} ${name} ${starts}`),
      Effect.provide(host.layer),
      Scope.provide(scope)
    )
    const events: Array<Seen> = []
    let reign: Reign.Reign | null = null
    const snapshot = yield* Scope.provide(server.group.subscribe, scope)
    reign = snapshot.view.reign
    const reader = yield* snapshot.events.pipe(
      Stream.runForEach(Effect.fnUntraced(function*(event) {
        events.push({ at: yield* network.now, event })
        if (event.event !== "LeaderChanged" || event.election !== Election.ofGroup) return
        reign = event.leader === null ? null : { term: event.term, leader: event.leader }
        yield* compare()
      })),
      Effect.forkDetach({ startImmediately: true })
    )
    const close = Effect.suspend(() => {
      const at = nodes.indexOf(node)
      if (at >= 0) nodes.splice(at, 1)
      return Effect.andThen(compare(), Scope.close(scope, Exit.void))
    })
    const node: Node = {
      ...server,
      name,
      host,
      self: yield* server.group.self,
      events,
      reign: () => reign,
      leave: Effect.forkDetach(close, { startImmediately: true }),
      kill: host.killEndpoints.pipe(
        Effect.andThen(Fiber.interrupt(reader)),
        Effect.andThen(host.clock.resume),
        Effect.andThen(Effect.forkDetach(close, { startImmediately: true })),
        Effect.asVoid
      )
    }
    nodes.push(node)
    ends.push(close)
    yield* compare()
    return node
  })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      for (const host of hosts.values()) {
        yield* host.killEndpoints
        if ((yield* host.clock.state) !== "running") yield* host.resume()
      }
      const closing = yield* Effect.forkDetach(Effect.forEach(ends, (end) => end, { concurrency: "unbounded" }))
      yield* pass(5_000)
      yield* Fiber.join(closing)
    })
  )

  const world: World = {
    network,
    now: network.now,
    start,
    startAll: (size, settings = {}) =>
      Effect.forEach(
        Array.from({ length: size }, (_, index) => index),
        (index) => start(`s${index + 1}`, { priority: size - index, ...settings })
      ),
    nodes: () => nodes,
    said,
    agreed: () => agreement,
    agreedAt: () => agreedAt,
    untilAgreed: Effect.fnUntraced(function*(atMost) {
      const from = yield* network.now
      for (;;) {
        const passed = (yield* network.now) - from
        if (agreement !== null) return Math.max(0, agreedAt - from)
        if (passed >= atMost) return Infinity
        yield* pass(Math.min(20, atMost - passed))
      }
    }),
    inject: Effect.fnUntraced(function*(to, from, message, via = "multicast") {
      yield* network.inject(to.name, from, Result.getOrThrow(Frame.encode(message, tag)), via)
    })
  }
  return world
})

/** The events of one name that a server told, from an instant on. */
export const eventsOf = <Name extends Event.Event["event"]>(
  node: Pick<Node, "events">,
  name: Name,
  from = 0
): ReadonlyArray<{ readonly at: number; readonly event: Extract<Event.Event, { readonly event: Name }> }> =>
  node.events.filter((seen): seen is { at: number; event: Extract<Event.Event, { readonly event: Name }> } =>
    seen.event.event === name && seen.at >= from
  )

/** The messages of one type among those said, from an instant on. */
export const saidOf = <Type extends Message.Message["type"]>(
  world: World,
  type: Type,
  from = 0
): ReadonlyArray<Said & { readonly message: Message.Of<Type> }> =>
  world.said.filter((said): said is Said & { readonly message: Message.Of<Type> } =>
    said.message.type === type && said.at >= from
  )

/** What a server would say of itself and the reign it follows, to be made into a message by hand. */
export const headerOf = (node: Node): Message.Header => {
  const reign = node.reign()
  const { id, incarnation, ip, port, priority } = reign?.leader ?? node.self
  return {
    sender: node.self,
    term: reign?.term ?? 0,
    leader: reign === null ? null : { id, incarnation, ip, port, priority },
    heard: reign?.term ?? 0
  }
}
