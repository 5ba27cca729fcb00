/**
 * `npm run bench -- receive [HEARTBEATS]`: what a heartbeat costs a server from the socket to its step, beside 10, 1,000 and 10,000
 * members, plain and sealed: from memory, with nothing handed to the system.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Member from "../src/protocol/model/Member.ts"
import * as Server from "../src/server/Server.ts"
import * as Settings from "../src/settings/Settings.ts"
import * as Datagrams from "../src/transport/Datagrams.ts"
import { cipher } from "../src/transport/node/NodeCipher.ts"
import * as Endpoint from "./endpoint.ts"
import * as Heartbeats from "./heartbeats.ts"
import * as Spread from "./spread.ts"

const batch = 64

const parts = 10

/** Of each cell, in turn: another program on the machine then weighs on all of them. */
const runs = 3

/**
 * A clock that runs so many times faster: then no member says more than a source may (5,000 datagrams a second), however few
 * they are. It stops while something is prepared.
 */
const makeClock = (times: number) => {
  let stoodStill = 0
  let stoppedAt: number | undefined
  const now = () => ((stoppedAt ?? performance.now()) - stoodStill) * times
  const millis = () => performance.timeOrigin + now()
  const nanos = () => BigInt(Math.round(now() * 1e6))
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: () => BigInt(Math.round(millis() * 1e6)),
    currentTimeNanos: Effect.sync(() => BigInt(Math.round(millis() * 1e6))),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration: Duration.Duration) =>
      Effect.callback<void>((resume) => {
        const cancel = after(Duration.toMillis(duration) / times, () => resume(Effect.void))
        return Effect.sync(cancel)
      })
  }
  const standStill = <A>(prepare: () => A): A => {
    stoppedAt = performance.now()
    const prepared = prepare()
    stoodStill += performance.now() - stoppedAt
    stoppedAt = undefined
    return prepared
  }
  return { clock, standStill }
}

const after = (millis: number, then: () => void): () => void => {
  const timer = setTimeout(then, Math.min(2 ** 31 - 1, millis))
  return () => clearTimeout(timer)
}

/** Lets a server hear so many heartbeats, and answers how many µs of CPU each took. */
const measure = Effect.fnUntraced(function*(
  members: number,
  isSealed: boolean,
  count: number,
  standStill: ReturnType<typeof makeClock>["standStill"]
) {
  let coming: Array<ReadonlyArray<Datagrams.Received>> = []
  let finished = () => {}
  let wake = () => {}
  let answer = (_to: Member.Address, _payload: Uint8Array): Datagrams.Received | undefined => undefined
  const endpoint: Datagrams.Endpoint = {
    ...Endpoint.lonely,
    cipher,
    unicast: (to, payload) =>
      Effect.sync(() => {
        const reply = answer(to, payload)
        if (reply !== undefined) coming.push([reply])
      }),
    receive: Effect.suspend(() => {
      const next = coming.pop()
      if (next !== undefined) return Effect.succeed(next)
      finished()
      return Effect.callback<ReadonlyArray<Datagrams.Received>>((resume) => {
        wake = () => resume(Effect.succeed([]))
        // The next ones may have come while this fiber gave way to others.
        if (coming.length > 0) wake()
      })
    })
  }
  const settings = yield* Settings.make({
    group: "bench",
    maxMembers: 65_535,
    maxSessions: 65_535,
    ...(isSealed ? { key: Heartbeats.key } : {})
  })
  const { group } = yield* Server.fromSettings(settings).pipe(
    Effect.provideService(Datagrams.Datagrams, { open: () => Effect.succeed(endpoint) })
  )
  const heartbeats = Heartbeats.make({ members, group: "bench", self: yield* group.self, isSealed })
  answer = heartbeats.answer
  /** The CPU that it took, so that what else runs on the machine counts less. */
  const hear = (batches: number) =>
    Effect.promise(() =>
      new Promise<number>((resolve) => {
        coming = standStill(() => Array.from({ length: batches }, () => heartbeats.next(batch)).toReversed())
        const from = process.cpuUsage()
        finished = () => {
          const { system, user } = process.cpuUsage(from)
          resolve((system + user) / batches / batch)
        }
        wake()
      })
    )
  const round = Math.ceil(members / batch)
  // All join, find their leader, and the code is warm.
  for (let warm = 0; warm < Math.max(5, 1_000 / round); warm++) yield* hear(round)
  let cost = 0
  // Prepared in parts: to hold them all would be the collector's burden.
  for (let part = 0; part < parts; part++) cost += (yield* hear(Math.ceil(count / batch / parts))) / parts
  const { members: seen, reign } = yield* group.view
  if (seen.length !== members + 1 || reign === null) {
    throw new Error(`it sees ${seen.length} and ${reign === null ? "no leader" : "a leader"}`)
  }
  return cost
})

/** `sizes` are numbers of members with commas between them. */
export const receive = async (
  [count = "200000", sizes = "10,1000,10000"]: ReadonlyArray<string>
): Promise<void> => {
  const cells = sizes.split(",").flatMap((members) =>
    [false, true].map((isSealed) => ({ members: Number(members), isSealed, costs: [] as Array<number> }))
  )
  for (let run = 0; run < runs; run++) {
    for (const { costs, isSealed, members } of cells) {
      const { clock, standStill } = makeClock(members < 100 ? 20 : 1)
      const one = measure(members, isSealed, Number(count), standStill)
      costs.push(
        await Effect.runPromise(
          Effect.scoped(one).pipe(Effect.provideService(Clock.Clock, clock), Effect.provide(Logger.layer([])))
        )
      )
    }
  }
  const table = cells.map(({ costs, isSealed, members }) => {
    const { least, median, most } = Spread.of(costs)
    return { members, isSealed, least, median, most }
  })
  process.stdout.write("| members | frames | µs a heartbeat: median (least to most) | a second on one core |\n")
  process.stdout.write("| --- | --- | --- | --- |\n")
  for (const { isSealed, least, median, members, most } of table) {
    const cells = [
      members,
      isSealed ? "sealed" : "plain",
      `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
      Math.round(1e6 / median)
    ]
    process.stdout.write(`| ${cells.join(" | ")} |\n`)
  }
  process.stdout.write(`${JSON.stringify({ bench: "receive", table })}\n`)
}
