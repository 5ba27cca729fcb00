/**
 * An app with its group in etcd: while it leads it writes its token, each 20 ms, to a store that it reaches by another network than
 * etcd. It says in lines, with the time, when it leads and when its work has ended, and who the members are.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as NodeEtcd from "../../src/NodeEtcd.ts"
import * as Group from "../../src/server/Group.ts"
import * as Leadership from "../../src/server/Leadership.ts"

const store = process.env["STORE"]!

const tell = (line: object) =>
  Effect.map(Clock.currentTimeMillis, (at) => void process.stdout.write(`${JSON.stringify({ at, ...line })}\n`))

/** Whether it reaches the store is the store's to tell. */
const write = (token: string) =>
  Effect.tryPromise((signal) => fetch(store, { method: "POST", body: JSON.stringify({ token }), signal })).pipe(
    Effect.timeoutOption("1 second"),
    Effect.ignore
  )

const work = Effect.gen(function*() {
  const { token } = yield* Leadership.Reign
  yield* tell({ leads: token })
  return yield* Effect.forever(Effect.andThen(write(token), Effect.sleep("20 millis"))).pipe(
    Effect.onInterrupt(() => tell({ ended: token }))
  )
})

const view = Group.Group.use(({ changes }) =>
  Stream.runForEach(changes, ({ members, reign }) =>
    tell({
      members: members.map(({ name }) => name).toSorted(),
      follows: members.find(({ id }) => id === reign?.leader.id)?.name ?? null
    }))
)

/** Why a reign ended, and what a renewal came to, are there to be read when a test fails. */
const events = Group.Group.use(({ events }) =>
  Stream.runForEach(
    events,
    (event) => event.event === "NetworkChanged" || event.event === "LeaderChanged" ? tell({ told: event }) : Effect.void
  )
)

const app = Effect.all([Leadership.Leadership.use(({ whileLeader }) => whileLeader(work)), view, events], {
  concurrency: "unbounded"
})

void Effect.runPromise(Effect.provide(app, NodeEtcd.layerConfig()))
