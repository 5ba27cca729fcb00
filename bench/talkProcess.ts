/** One server of `npm run bench -- talk`, as a process of its own: its parent tells it what to do, and is told what it measured. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Client from "../src/client/Client.ts"
import * as NodeClient from "../src/NodeClient.ts"
import * as NodeServer from "../src/NodeServer.ts"
import * as Question from "../src/protocol/model/Question.ts"
import * as Topic from "../src/protocol/model/Topic.ts"
import * as Group from "../src/server/Group.ts"
import * as Inbox from "../src/server/Inbox.ts"
import * as Lock from "../src/server/Lock.ts"
import * as Members from "../src/server/Members.ts"
import * as Fleet from "./fleet.ts"

/** What it is told to do: one of the loads, for so long. */
export interface Order {
  readonly load: string
  readonly millis: number
}

/** What was measured while one talked: times in ms, of each that had an answer; how many the others heard. */
export interface Measured {
  readonly count: number
  readonly failed: number
  readonly millis: number
  readonly took: ReadonlyArray<number>
  readonly heard: number
  readonly cpuMicros: number
}

type Used = Members.Members | Group.Group | Client.Client | Lock.Lock

type Talker = (size: number) => Effect.Effect<unknown, unknown, Used>

/** What is said: so many at once, or so many in a second; of so many bytes. */
export interface Load {
  readonly name: string
  readonly talks: Talker
  readonly atOnce?: number
  readonly perSecond?: number
  readonly bytes: number
}

const news = Topic.make("news", Schema.String)
const echo = Question.make("echo", { request: Schema.String, response: Schema.String })

const other = Effect.flatMap(
  Group.Group,
  (group) =>
    Effect.flatMap(
      group.self,
      (self) => Effect.map(group.members, (members) => members.find(({ id }) => id !== self.id)!.id)
    )
)

const broadcast: Talker = (size) => Members.Members.use(({ broadcast }) => broadcast(news, "x".repeat(size)))
const sendTo: Talker = (size) =>
  Effect.flatMap(other, (to) => Members.Members.use(({ sendTo }) => sendTo(to, news, "x".repeat(size))))
const ask: Talker = (size) =>
  Effect.flatMap(other, (to) => Members.Members.use(({ ask }) => ask(to, echo, "x".repeat(size))))
const publish: Talker = (size) => Client.Client.use(({ send }) => send("x".repeat(size)))
const lock: Talker = () => Lock.withLock("shared", { expiry: "2 seconds" })(Effect.void)

export const loads: ReadonlyArray<Load> = [
  { name: "broadcast, 1,000 a second", talks: broadcast, perSecond: 1_000, bytes: 64 },
  { name: "sendTo, 1,000 a second", talks: sendTo, perSecond: 1_000, bytes: 64 },
  { name: "ask, one after the other", talks: ask, atOnce: 1, bytes: 64 },
  { name: "ask, 64 under way", talks: ask, atOnce: 64, bytes: 64 },
  { name: "ask, 60 KiB there and back", talks: ask, atOnce: 1, bytes: 60 * 1_024 },
  { name: "publish, one after the other", talks: publish, atOnce: 1, bytes: 64 },
  { name: "publish, 64 under way", talks: publish, atOnce: 64, bytes: 64 },
  { name: "withLock, one after the other", talks: lock, atOnce: 1, bytes: 0 },
  { name: "withLock, 16 wait for one lock", talks: lock, atOnce: 16, bytes: 0 }
]

/** Does one load for so long, where this process talks; otherwise only waits. */
const measured = Effect.fnUntraced(function*(load: Load, millis: number, talks: boolean, heard: () => number) {
  const took: Array<number> = []
  let count = 0
  let failed = 0
  const one = Effect.suspend(() => {
    const began = performance.now()
    return Effect.matchEffect(load.talks(load.bytes), {
      onFailure: () => Effect.sync(() => void failed++),
      onSuccess: () =>
        Effect.sync(() => {
          count++
          took.push(performance.now() - began)
        })
    })
  })
  const before = heard()
  const cpu = process.cpuUsage()
  const began = performance.now()
  const { perSecond } = load
  const some: Effect.Effect<unknown, never, Used> = perSecond === undefined
    ? Effect.all(Array.from({ length: load.atOnce ?? 1 }, () => Effect.forever(one)), { concurrency: "unbounded" })
    : Effect.repeat(
      Effect.replicateEffect(one, perSecond / 100, { discard: true }),
      Schedule.fixed("10 millis")
    )
  yield* Effect.timeoutOption(talks ? some : Effect.never, millis)
  const lasted = performance.now() - began
  // What is still on its way.
  yield* Effect.sleep("200 millis")
  const { system, user } = process.cpuUsage(cpu)
  return {
    count,
    failed,
    millis: lasted,
    took: took.filter((_, at) => at % Math.max(1, Math.floor(took.length / 10_000)) === 0),
    heard: heard() - before,
    cpuMicros: system + user
  } satisfies Measured
})

const program = Effect.fnUntraced(function*({ priority }: Fleet.Role) {
  const members = yield* Members.Members
  const inbox = yield* Inbox.Inbox
  let heard = 0
  const counting = (stream: Stream.Stream<unknown>) =>
    Effect.forkScoped(Stream.runForEach(stream, () => Effect.sync(() => void heard++)))
  yield* counting(members.messages(news))
  yield* counting(inbox.messages)
  yield* members.handle(echo, Effect.succeed)
  yield* Fleet.settled
  if (priority === 0) yield* Client.Client.use(({ join }) => join)
  yield* Fleet.obey(({ load, millis }: Order) =>
    measured(loads.find(({ name }) => name === load)!, millis, priority === 0, () => heard)
  )
})

export const run = (role: Fleet.Role): Promise<void> => {
  const layers = Layer.merge(
    NodeServer.layer({
      ...Fleet.settingsOf(role),
      priority: role.priority,
      leadership: "lease",
      groupSize: Fleet.servers,
      leaseDuration: "2 seconds"
    }),
    NodeClient.layer(Fleet.settingsOf(role))
  )
  return Fleet.live(Effect.scoped(Effect.provide(program(role), layers)))
}
