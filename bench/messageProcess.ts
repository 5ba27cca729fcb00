/**
 * One server or client of `npm run bench -- messages`, as a process of its own: its parent tells it what to do, and asks what it
 * measured. A message carries the instant of its `send` on the machine's monotonic clock, which all processes read alike.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Client from "../src/client/Client.ts"
import * as NodeServer from "../src/NodeServer.ts"
import * as Server from "../src/server/Server.ts"
import * as Fleet from "./fleet.ts"

/** What a process is: how many messages a client has under way at once, or `flood`. */
export interface Role extends Fleet.Role {
  readonly role: "server" | "client"
  readonly atOnce: number | "flood"
  /** How long a body is, about. */
  readonly bytes: number
}

/** How long a body is unless said otherwise. */
export const usualBytes = 128

/** What the parent says: send from now on; measure from now on; tell what was measured. */
export type Order = "send" | "measure" | "tell"

/** What a process measured. Times are in ms, from the call of `send`: until it was acknowledged, and until this process had it. */
export interface Told {
  readonly acknowledged: ReadonlyArray<number>
  readonly received: ReadonlyArray<number>
  readonly count: number
  readonly cpuMicros: number
  readonly refused: number
  readonly lost: number
  readonly leaderChanges: number
}

const now = () => Number(process.hrtime.bigint()) / 1e6

/** Completes with the next word of the parent. */
const orders = () => {
  const waiting = new Map<Order, Deferred.Deferred<void>>()
  const of = (order: Order) => {
    const found = waiting.get(order) ?? Deferred.makeUnsafe<void>()
    waiting.set(order, found)
    return found
  }
  process.on("message", (order: Order) => Deferred.doneUnsafe(of(order), Effect.void))
  return (order: Order) => Deferred.await(of(order))
}

/** Every so many-th time is kept: enough for a percentile, and not a load of its own. */
const sampling = 7

const meter = () => {
  const times = { acknowledged: [] as Array<number>, received: [] as Array<number> }
  const counts = { acknowledged: 0, received: 0, refused: 0, lost: 0, leaderChanges: 0 }
  let cpu = process.cpuUsage()
  const note = (what: "acknowledged" | "received", sentAt: number) => {
    if ((counts[what] += 1) % sampling === 0) times[what].push(now() - sentAt)
  }
  return {
    acknowledged: (sentAt: number) => note("acknowledged", sentAt),
    received: ({ body }: { readonly body: unknown }) => note("received", (body as { readonly at: number }).at),
    refused: () => void (counts.refused += 1),
    event: ({ event }: { readonly event: string }) => {
      if (event === "MessageLost") counts.lost += 1
      if (event === "LeaderChanged") counts.leaderChanges += 1
    },
    begin: () => {
      times.acknowledged = []
      times.received = []
      for (const name of Object.keys(counts) as Array<keyof typeof counts>) counts[name] = 0
      cpu = process.cpuUsage()
    },
    told: (): Told => {
      const { system, user } = process.cpuUsage(cpu)
      return { ...counts, ...times, count: counts.acknowledged, cpuMicros: system + user }
    }
  }
}

type Meter = ReturnType<typeof meter>

const reading = Effect.fnUntraced(function*<A>(all: Stream.Stream<A, unknown>, take: (one: A) => void) {
  yield* Effect.forkScoped(Effect.ignore(Stream.runForEach(all, (one) => Effect.sync(() => take(one)))))
})

const server = Effect.fnUntraced(function*(role: Role, meter: Meter) {
  const { group, inbox } = yield* Server.make({ ...Fleet.settingsOf(role), priority: role.priority })
  yield* reading(yield* inbox.subscribe, meter.received)
  const { events } = yield* group.subscribe
  yield* reading(events, meter.event)
  let known = ""
  yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
    const { members, reign } = yield* group.view
    const leader = reign?.leader.priority ?? -1
    const told = `${members.length} ${leader}`
    if (told !== known) Fleet.tell({ members: members.length, leader })
    known = told
    yield* Effect.sleep("50 millis")
  })))
  return () => Effect.void
})

const client = Effect.fnUntraced(function*(role: Role, meter: Meter) {
  const text = "x".repeat(role.bytes - 38)
  const body = () => ({ at: now(), text })
  const client = yield* Client.make(Fleet.settingsOf(role))
  yield* reading(yield* client.inbox.subscribe, meter.received)
  const { events } = yield* client.subscribe
  yield* reading(events, meter.event)
  yield* client.join
  Fleet.tell("joined")
  const send = Effect.suspend(() => {
    const message = body()
    return Effect.tap(client.send(message), () => Effect.sync(() => meter.acknowledged(message.at)))
  })
  const offer = Effect.catch(
    send,
    (error) => Effect.sync(() => error._tag === "QueueFull" ? meter.refused() : undefined)
  )
  return () =>
    role.atOnce === "flood"
      // 2,000 calls a second, none of which waits for another.
      ? Effect.forever(Effect.andThen(
        Effect.forEach(Array.from({ length: 20 }), () => Effect.forkDetach(offer, { startImmediately: true }), {
          discard: true
        }),
        Effect.sleep("10 millis")
      ))
      : Effect.all(Array.from({ length: role.atOnce }, () => Effect.forever(offer)), {
        concurrency: "unbounded",
        discard: true
      })
})

/** Is that process until its parent lets go of it. */
export const run = (role: Role): Promise<void> => {
  const ordered = orders()
  return Fleet.live(
    Effect.gen(function*() {
      const measured = meter()
      const load = yield* role.role === "server" ? server(role, measured) : client(role, measured)
      yield* ordered("send")
      yield* Effect.forkScoped(load())
      yield* ordered("measure")
      measured.begin()
      yield* ordered("tell")
      Fleet.tell(measured.told())
      return yield* Effect.never
    }).pipe(Effect.scoped, Effect.provide(NodeServer.layerDatagrams))
  )
}
