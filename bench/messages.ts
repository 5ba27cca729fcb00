/**
 * `npm run bench -- messages [SECONDS]`: messages through the leader to everybody, on loopback: whole servers and clients
 * with real sockets, all in this process, so that one clock times them and the CPU that a message costs the whole group
 * can be told. Wall-clock figures depend on what else the machine does; CPU figures and ratios much less.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { performance } from "node:perf_hooks"
import * as Client from "../src/client/Client.ts"
import * as NodeServer from "../src/NodeServer.ts"
import * as Server from "../src/server/Server.ts"
import { freePort } from "./loopback.ts"

interface Shape {
  readonly servers: number
  readonly clients: number
}

interface Figures extends Shape {
  readonly how: string
  readonly perSecond: number
  readonly cpuMicros: number
  /** From the call of `send`, in ms: until it is acknowledged, and until every client and server has it. */
  readonly acknowledged: ReadonlyArray<number>
  readonly everywhere: ReadonlyArray<number>
  readonly refused: number
  readonly lost: number
  readonly leaderChanges: number
}

const cpu = () => {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** A group that has settled, with a reader at every server and every client. */
const group = Effect.fnUntraced(function*({ clients, servers }: Shape) {
  const options = { group: `bench-${process.pid}`, port: yield* freePort, interfaces: ["lo"], ttl: 0 } as const
  let lost = 0
  let leaderChanges = 0
  /** Of each message: how many have it, and when it was sent. */
  const flights = new Map<string, { readonly at: number; missing: number }>()
  const everywhere: Array<number> = []
  const arrived = (id: string) => {
    const flight = flights.get(id)
    if (flight === undefined) return
    flight.missing -= 1
    if (flight.missing > 0) return
    everywhere.push(performance.now() - flight.at)
    flights.delete(id)
  }
  const read = <E>(messages: Stream.Stream<{ readonly body: unknown }, E>) =>
    Effect.forkScoped(
      Stream.runForEach(messages, ({ body }) => Effect.sync(() => arrived((body as { readonly id: string }).id)))
    )
  const all = yield* Effect.forEach(
    Array.from({ length: servers }, (_, priority) => priority),
    (priority) => Server.make({ ...options, priority, name: `s${priority}` }),
    { concurrency: "unbounded" }
  )
  for (const { group, inbox } of all) {
    yield* read(yield* inbox.subscribe)
    const { events } = yield* group.subscribe
    yield* Effect.forkScoped(Stream.runForEach(events, ({ event }) =>
      Effect.sync(() => {
        if (event === "MessageLost") lost += 1
        if (event === "LeaderChanged") leaderChanges += 1
      })))
  }
  const settled = Effect.forEach(all, ({ group }) => group.view).pipe(
    Effect.map((views) =>
      views.every(({ members, reign }) =>
        members.length === servers && reign !== null && reign.term === views[0]?.reign?.term &&
        reign.leader.priority === servers - 1
      )
    )
  )
  while (!(yield* settled)) yield* Effect.sleep("50 millis")
  const senders = yield* Effect.forEach(
    Array.from({ length: clients }, (_, at) => at),
    (at) => Client.make({ ...options, name: `c${at}` })
  )
  for (const client of senders) {
    yield* client.join
    yield* read(yield* client.inbox.subscribe)
  }
  let number = 0
  const acknowledged: Array<number> = []
  const send = (client: Client.ClientShape) =>
    Effect.suspend(() => {
      const id = String(number += 1)
      const at = performance.now()
      flights.set(id, { at, missing: servers + clients })
      return client.send({ id, text: "x".repeat(100) }).pipe(
        Effect.tap(() => Effect.sync(() => void acknowledged.push(performance.now() - at))),
        Effect.tapError(() => Effect.sync(() => void flights.delete(id)))
      )
    })
  return {
    senders,
    send,
    /** Forgets what was measured so far. */
    begin: () => {
      acknowledged.length = 0
      everywhere.length = 0
      lost = 0
      leaderChanges = 0
    },
    told: () => ({ acknowledged: [...acknowledged], everywhere: [...everywhere], lost, leaderChanges })
  }
})

/** How the clients send: `at` at once each, or as many as the loop can call, whether they are taken or not. */
type Load = { readonly name: string; readonly atOnce: number } | { readonly name: string; readonly atOnce: "flood" }

const loads: ReadonlyArray<Load> = [
  { name: "one after the other", atOnce: 1 },
  { name: "64 under way each", atOnce: 64 },
  { name: "flood", atOnce: "flood" }
]

const measure = Effect.fnUntraced(function*(shape: Shape, load: Load, seconds: number) {
  const { begin, send, senders, told } = yield* group(shape)
  const over = yield* Deferred.make<void>()
  let refused = 0
  const one = (client: Client.ClientShape) => Effect.ignore(send(client))
  const run = (client: Client.ClientShape): Effect.Effect<void> =>
    load.atOnce === "flood"
      // 2,000 calls a second and client, none of which waits for another.
      ? Effect.forever(
        Effect.andThen(
          Effect.forEach(Array.from({ length: 20 }), () =>
            Effect.forkDetach(
              Effect.catch(send(client), (error) =>
                Effect.sync(() => {
                  if (error._tag === "QueueFull") refused += 1
                })),
              { startImmediately: true }
            ), { discard: true }),
          Effect.sleep("10 millis")
        )
      )
      : Effect.asVoid(
        Effect.all(
          Array.from({ length: load.atOnce }, () => Effect.forever(one(client))),
          { concurrency: "unbounded" }
        )
      )
  const work = yield* Effect.forkScoped(
    Effect.raceFirst(Effect.forEach(senders, run, { concurrency: "unbounded", discard: true }), Deferred.await(over))
  )
  yield* Effect.sleep("500 millis")
  begin()
  refused = 0
  const [startedAt, cpuBefore] = [performance.now(), cpu()]
  yield* Effect.sleep(seconds * 1000)
  const figures = told()
  const elapsed = (performance.now() - startedAt) / 1000
  const used = cpu() - cpuBefore
  yield* Deferred.succeed(over, undefined)
  yield* Fiber.await(work)
  const result: Figures = {
    ...shape,
    ...figures,
    how: load.name,
    perSecond: figures.acknowledged.length / elapsed,
    cpuMicros: used / Math.max(1, figures.acknowledged.length),
    refused
  }
  return result
}, Effect.scoped)

const at = (sorted: ReadonlyArray<number>, share: number) =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
const times = (values: ReadonlyArray<number>) => {
  const sorted = values.toSorted((a, b) => a - b)
  return [0.5, 0.95, 1].map((share) => at(sorted, share).toFixed(1)).join(" / ")
}

export const messages = async ([text = "3"]: ReadonlyArray<string>): Promise<void> => {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 60)) throw new Error(`seconds is ${text}; allowed: a number above 0, at most 60`)
  console.log(
    "| servers | clients | load | messages/s | CPU of all, µs a message | acknowledged, ms | everywhere, ms | refused | lost | leader changes |"
  )
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
  for (const servers of [3, 10]) {
    for (const clients of [1, 10]) {
      for (const load of loads) {
        const figures = await Effect.runPromise(
          Effect.provide(measure({ servers, clients }, load, seconds), NodeServer.layerDatagrams)
        )
        console.log(
          `| ${servers} | ${clients} | ${figures.how} | ${figures.perSecond.toFixed(0)} | ${
            figures.cpuMicros.toFixed(0)
          } | ${times(figures.acknowledged)} | ${
            times(figures.everywhere)
          } | ${figures.refused} | ${figures.lost} | ${figures.leaderChanges} |`
        )
      }
    }
  }
}
