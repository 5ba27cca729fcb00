/**
 * The servers of a demo as processes. None outlives the demo, also where it is killed: a server ends when nobody holds the
 * other end of its standard input, and one that is frozen is thawed for that by its keeper.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Event from "../../protocol/model/Event.ts"
import * as Plain from "../plain.ts"
import * as Orders from "./orders.ts"

/** How a process ended: its exit code, null where a signal ended it, and the last line that it complained. */
export interface Ended {
  readonly code: number | null
  readonly complaint: string
}

export interface Process {
  readonly tell: (order: Orders.Order) => void
  readonly signal: (signal: "SIGKILL" | "SIGTERM") => void
  /** Stops the process where it is, until it is thawed. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
}

/** Stops a process, and lets it go on when its own standard input ends. */
const keeper = "kill -STOP \"$1\" && read -r _; kill -CONT \"$1\""

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Event.AnyEvent))

/** The words with which this program was started, without those that were for it. */
const program = (): ReadonlyArray<string> => [...process.execArgv, process.argv[1] ?? ""]

type Services = ChildProcessSpawner.ChildProcessSpawner | Scope.Scope

/** What a program is given of the environment: none of the settings that are meant for a server of a person's own. */
const environment = () => {
  const { NODE_COMPILE_CACHE, PATH } = process.env
  return { PATH, NODE_COMPILE_CACHE }
}

const signalled = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

const lines = <E>(output: Stream.Stream<Uint8Array, E>) => output.pipe(Stream.decodeText, Stream.splitLines)

/** The keeper of a frozen process, one at a time. */
const makeKeeping = Effect.fnUntraced(function*(pid: number): Effect.fn.Return<
  Pick<Process, "freeze" | "thaw">,
  never,
  Services
> {
  const context = yield* Effect.context<Services>()
  const scope = yield* Effect.scope
  let keeping: Scope.Closeable | undefined
  return {
    freeze: Effect.gen(function*() {
      if (keeping !== undefined) return
      keeping = yield* Scope.fork(scope)
      yield* ChildProcess.make("/bin/sh", ["-c", keeper, "sh", String(pid)], {
        stdin: Stream.never,
        stdout: "ignore",
        stderr: "ignore",
        killSignal: "SIGKILL"
      }).pipe(Scope.provide(keeping), Effect.ignore)
    }).pipe(Effect.provide(context)),
    thaw: Effect.gen(function*() {
      if (keeping === undefined) return
      const kept = keeping
      keeping = undefined
      yield* Scope.close(kept, yield* Effect.exit(Effect.void))
      signalled(pid, "SIGCONT")
    })
  }
})

/** Starts a server, which is killed when the scope closes. Each of its events is heard in order. */
export const start = Effect.fnUntraced(function*(
  launch: Orders.Launch,
  heard: (event: Event.AnyEvent) => void
): Effect.fn.Return<Process, never, Services> {
  const orders = yield* Queue.unbounded<Orders.Order, Cause.Done>()
  const child = yield* ChildProcess.make(process.execPath, [...program(), Plain.demoServer], {
    env: environment(),
    stdin: Stream.fromQueue(orders).pipe(Stream.map(Orders.line), Stream.encodeText),
    killSignal: "SIGKILL"
  }).pipe(Effect.orDie)
  let complaint = ""
  const tell = (order: Orders.Order) => void Queue.offerUnsafe(orders, order)
  tell(launch)
  const hearing = yield* lines(child.stdout).pipe(
    Stream.mapEffect((line) => decode(line)),
    Stream.runForEach((event) => Effect.sync(() => heard(event))),
    Effect.ignore,
    Effect.forkScoped
  )
  yield* lines(child.stderr).pipe(
    Stream.runForEach((line) =>
      Effect.sync(() => {
        complaint = line
      })
    ),
    Effect.ignore,
    Effect.forkScoped
  )
  const { freeze, thaw } = yield* makeKeeping(child.pid)
  return {
    tell,
    signal: (signal) => signalled(child.pid, signal),
    freeze,
    thaw,
    ended: Effect.gen(function*() {
      const code = yield* Effect.orElseSucceed(child.exitCode, () => null)
      yield* Effect.timeoutOption(Fiber.await(hearing), "1 second")
      return { code, complaint }
    })
  }
})
