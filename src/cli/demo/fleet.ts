/** The processes of a demo by the names of their servers: one a name at a time. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"
import type * as Event from "../../protocol/model/Event.ts"
import type * as Orders from "./orders.ts"
import * as Processes from "./processes.ts"

/** What is told of each process. */
export interface Told {
  readonly heard: (name: string, event: Event.AnyEvent) => void
  readonly ended: (name: string, how: Processes.Ended) => void
}

export interface Fleet {
  /** Starts a server in place of the one of that name, if there is one. */
  readonly start: (launch: Orders.Launch) => Effect.Effect<void>
  /** Ends a process, and waits for its end. Nothing is told of it any more. */
  readonly discharge: (name: string) => Effect.Effect<void>
  readonly get: (name: string) => Processes.Process | undefined
}

/** Nobody yet. All end when the scope closes. */
export const make = Effect.fnUntraced(function*(
  told: Told
): Effect.fn.Return<Fleet, never, Scope.Scope | ChildProcessSpawner.ChildProcessSpawner> {
  const scope = yield* Effect.scope
  const context = yield* Effect.context<ChildProcessSpawner.ChildProcessSpawner>()
  const running = new Map<string, { readonly process: Processes.Process; readonly scope: Scope.Closeable }>()
  const discharge = (name: string) =>
    Effect.suspend(() => {
      const former = running.get(name)
      running.delete(name)
      return former === undefined ? Effect.void : Scope.close(former.scope, Exit.void)
    })
  const tellEnd = Effect.fnUntraced(function*(name: string, process: Processes.Process) {
    const how = yield* process.ended
    if (running.get(name)?.process !== process) return
    told.ended(name, how)
    yield* discharge(name)
  })
  const start = Effect.fnUntraced(function*(launch: Orders.Launch) {
    const { name } = launch
    yield* discharge(name)
    const own = yield* Scope.fork(scope)
    const process = yield* Scope.provide(Processes.start(launch, (event) => told.heard(name, event)), own)
    running.set(name, { process, scope: own })
    yield* Effect.forkIn(tellEnd(name, process), scope)
  })
  return {
    start: (launch) => Effect.provide(start(launch), context),
    discharge,
    get: (name) => running.get(name)?.process
  }
})
