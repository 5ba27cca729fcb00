/**
 * An app for tests: a server with leading work that counts what it does. Its events go to standard output, what else it
 * has to say to standard error, one JSON object a line each. SIGUSR2 blocks its event loop for 5 s. With `STUBBORN_MILLIS` its
 * work hears of its end only every so many ms.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as NodeServer from "../../src/NodeServer.ts"
import * as Event from "../../src/protocol/model/Event.ts"
import * as Group from "../../src/server/Group.ts"
import * as Leadership from "../../src/server/Leadership.ts"

const encode = Schema.encodeSync(Event.Event)
const tell = (line: object) => Effect.sync(() => void process.stderr.write(`${JSON.stringify(line)}\n`))

const app = Effect.gen(function*() {
  const group = yield* Group.Group
  const { isLeader, whileLeader } = yield* Leadership.Leadership
  const clock = yield* Clock.Clock
  const context = yield* Effect.context()
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  // What the reign that works, or worked last, allows.
  let guard: Effect.Effect<string> = Effect.succeed("none")
  const look = (when: "unblocked" | "woke") =>
    Effect.flatMap(Effect.all([isLeader, guard]), ([leads, guard]) => tell({ [when]: true, leads, guard }))

  process.on("SIGUSR2", () => {
    // Nothing runs meanwhile, and yet nobody else's processor is taken.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000)
    // Nothing else has run since: this is the first that the process does when it is awake.
    Effect.runSyncWith(context)(look("unblocked"))
  })
  let seen = now()
  yield* Effect.sleep(5).pipe(
    Effect.andThen(Effect.suspend(() => {
      const asleep = now() - seen
      seen = now()
      return asleep < 1_000 ? Effect.void : look("woke")
    })),
    Effect.forever,
    Effect.forkScoped
  )

  const { events } = yield* group.subscribe
  yield* events.pipe(
    Stream.runForEach((event) => Effect.sync(() => void process.stdout.write(`${JSON.stringify(encode(event))}\n`))),
    Effect.forkScoped
  )

  return yield* whileLeader(Effect.gen(function*() {
    const reign = yield* Leadership.Reign
    const { term } = reign
    guard = Leadership.Reign.guard(Effect.succeed("ran")).pipe(
      Effect.orElseSucceed(() => "refused"),
      Effect.provideService(Leadership.Reign, reign)
    )
    yield* tell({ works: term })
    let last = now()
    let woken = false
    let since = 0
    const work = Effect.sleep(5).pipe(Effect.andThen(Effect.sync(() => {
      if (woken) since += 1
      woken ||= now() - last >= 1_000
      last = now()
    })))
    const stubborn = Number(process.env["STUBBORN_MILLIS"] ?? 0)
    const once = stubborn === 0 ? work : Effect.uninterruptible(Effect.sleep(stubborn))
    return yield* Effect.forever(once).pipe(Effect.onInterrupt(() => tell({ interrupted: term, since })))
  }))
})

void Effect.runPromise(Effect.scoped(app).pipe(Effect.provide(NodeServer.layerConfig())))
