/**
 * Work on the partitions that this server holds: each grant has a run of its own, which ends with it.
 *
 * Runs of one partition never overlap on a server: while an earlier one still runs, the next waits. And a partition is let go
 * only when its run has ended.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Closing from "../engine/Closing.ts"
import * as Span from "../engine/Span.ts"
import * as Name from "../protocol/model/Name.ts"
import { Grant, GrantLost, GrantsRefused } from "./Grant.ts"
import type * as Holds from "./Holds.ts"
import * as Singleton from "./Singleton.ts"

/** The work under one grant. */
interface Run {
  readonly hold: Holds.Hold
  readonly token: string
  readonly done: Deferred.Deferred<void>
  fiber: Fiber.Fiber<void> | null
  /** Its grant ends: when it is over, the partition is let go. */
  isEnding: boolean
  isOver: boolean
}

/** What runs on this server on partitions of one name. */
export interface Runs {
  /** The newest run of each partition. One that is over stays until its grant ends. */
  readonly runs: Map<number, Run>
  /** Whether somebody is asked to run work already. */
  isTaken: boolean
}

/** Nothing runs. */
export const none = (): Runs => ({ runs: new Map(), isTaken: false })

/** The partitions of one name as this server holds them. */
export interface Parts {
  readonly name: string
  readonly open: Effect.Effect<Holds.Hold>
  readonly running: Runs
  readonly stopTimeout: Duration.Duration
  /** Those that are held, each until its work is told to end. */
  readonly owned: (partitions: ReadonlyArray<number>) => void
  /** Whose work it is: what logs and spans about it are annotated with. */
  readonly about: Readonly<Record<"group" | "node", string>>
}

/** Runs work on each partition while this server holds it; see `Partitions.Space`. */
export const whileOwner = <A, E, R, R2>(
  parts: Parts,
  work: (partition: number) => Effect.Effect<A, E, R>,
  options: Singleton.Options<E, R2>
): Effect.Effect<never, E, Exclude<R | R2, Grant>> =>
  Effect.acquireUseRelease(
    Effect.suspend(() => {
      if (parts.running.isTaken) {
        return Effect.die(new Error(`work on the partitions ${parts.name} runs on this server already`))
      }
      parts.running.isTaken = true
      return parts.open
    }),
    (hold) =>
      Effect.flatMap(Deferred.make<never, E>(), (failed) => {
        const start = (partition: number, token: string) =>
          begin({ ...parts, hold, partition, token, failed }, work, options)
        return Effect.raceFirst(follow(parts, hold, start), Deferred.await(failed))
      }),
    (hold) => stopAll(parts, hold)
  )

/** Does what becomes of the session, one after the other. */
const follow = <R>(
  parts: Parts,
  hold: Holds.Hold,
  start: (partition: number, token: string) => Effect.Effect<void, never, R>
): Effect.Effect<never, never, R> => {
  let told: string | null = null
  const act = (event: Holds.HoldEvent): Effect.Effect<void, never, R> => {
    switch (event._tag) {
      case "Granted":
        told = null
        return start(event.resource, event.token)
      case "EndGrant":
        return end(parts, event.resource)
      case "HoldRefused": {
        // It is asked for again and again, and the answer stays the same until somebody does something about it.
        if (event.why === "Left" || told === event.why) return Effect.void
        told = event.why
        return refused(parts, event.why)
      }
    }
  }
  return Effect.forever(Effect.flatMap(Queue.take(hold.events), act))
}

const refusals = { Differs: "differs", Full: "full" } as const

const refused = ({ about, name }: Parts, why: keyof typeof refusals) =>
  Effect.logWarning(`no partition is held: ${new GrantsRefused({ name, reason: refusals[why] }).message}`).pipe(
    Effect.annotateLogs(about)
  )

/** Work under one grant. */
interface Begun<E> extends Parts {
  readonly hold: Holds.Hold
  readonly partition: number
  readonly token: string
  /** Work that is not run again ends all. */
  readonly failed: Deferred.Deferred<never, E>
}

const begin = <A, E, R, R2>(
  one: Begun<E>,
  work: (partition: number) => Effect.Effect<A, E, R>,
  options: Singleton.Options<E, R2>
): Effect.Effect<void, never, Exclude<R | R2, Grant>> =>
  Effect.suspend(() => {
    const { about, failed, hold, name, partition, running: { runs }, token } = one
    const before = runs.get(partition)
    const run: Run = { hold, token, done: Deferred.makeUnsafe(), fiber: null, isEnding: false, isOver: false }
    runs.set(partition, run)
    tellOwned(one)
    const isCurrent = Effect.map(hold.token(partition), (now) => now === token)
    const goesOn = Effect.map(isCurrent, (current) => current && !run.isEnding)
    const restarted = Singleton.restartedUnder(Effect.suspend(() => work(partition)), options, {
      isCurrent: goesOn,
      over: () => new GrantLost({ name, resource: partition, token }),
      tell: (failure) => tellFailure(one, failure)
    }).pipe(
      Effect.provideService(Grant, { name, resource: partition, token, isCurrent }),
      // A root: the caller runs as long as the app, and its own span would hold all grants.
      (all) => Span.within(all, "Partitions.grant", { root: true, attributes: { ...about, name, partition, token } })
    )
    const body = Effect.gen(function*() {
      // Not to be interrupted: what this one waits for is still this partition's work.
      if (before !== undefined && !before.isOver) yield* Deferred.await(before.done)
      if (!(yield* goesOn)) return
      const exit = yield* Effect.exit(Effect.interruptible(restarted))
      if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) || !(yield* goesOn)) return
      yield* Deferred.failCause(failed, exit.cause)
    })
    // Detached, so that neither the end of a grant nor of the app waits for more than `stopTimeout`.
    return body.pipe(
      Effect.ensuring(over(one, run)),
      Effect.forkDetach({ uninterruptible: true }),
      Effect.map((fiber) => {
        run.fiber = fiber
      })
    )
  }) as never

/** A run is over. Where its grant ends, the partition is let go. */
const over = <E>({ partition, running }: Begun<E>, run: Run) =>
  Effect.suspend(() => {
    run.isOver = true
    return Effect.andThen(
      Deferred.succeed(run.done, undefined),
      run.isEnding ? release(running, partition, run) : Effect.void
    )
  })

const release = ({ runs }: Runs, partition: number, run: Run) => {
  if (runs.get(partition) === run) runs.delete(partition)
  return run.hold.release(new Map([[partition, run.token]]))
}

const tellOwned = ({ owned, running: { runs } }: Parts): void =>
  owned([...runs].flatMap(([partition, { isEnding }]) => isEnding ? [] : [partition]).sort((self, that) => self - that))

/** Ends the work on a partition. */
const end = (parts: Parts, partition: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { running, stopTimeout } = parts
    const run = running.runs.get(partition)
    if (run === undefined || run.isEnding) return Effect.void
    run.isEnding = true
    tellOwned(parts)
    if (run.isOver) return release(running, partition, run)
    run.fiber!.interruptUnsafe()
    const watch = Effect.andThen(
      Closing.waitFor(Deferred.await(run.done), stopTimeout),
      Effect.suspend(() => run.isOver ? Effect.void : tellOverrun(parts, partition))
    )
    return Effect.asVoid(Effect.forkDetach(watch))
  })

/** Ends all work, then the session. What has ended in time is another's at once. */
const stopAll = (parts: Parts, hold: Holds.Hold) =>
  Effect.gen(function*() {
    const { running, stopTimeout } = parts
    // What is let go meanwhile must not come back.
    yield* hold.want({ wanted: null, weight: 0 })
    const own = [...running.runs].filter(([, run]) => run.hold === hold)
    yield* Effect.forEach(own, ([partition]) => end(parts, partition))
    const ending = own.filter(([, { isOver }]) => !isOver)
    yield* Closing.waitFor(
      Effect.forEach(ending, ([, { done }]) => Deferred.await(done), { concurrency: "unbounded" }),
      stopTimeout
    )
    yield* hold.end(own.every(([, { isOver }]) => isOver))
    running.isTaken = false
  })

const tellFailure = <E>({ about, name, partition }: Begun<E>, { again, cause }: Omit<Singleton.Failure, "term">) => {
  const what = `work on partition ${partition} of ${Name.quoted(name)} failed`
  return (again === null
    ? Effect.logError(`${what}; it is not started again, and this server gives its partitions up`, cause)
    : Effect.logWarning(`${what}; it is started again after ${again} ms`, cause)).pipe(Effect.annotateLogs(about))
}

const tellOverrun = ({ about, name, stopTimeout }: Parts, partition: number) =>
  Effect.logWarning(
    `work on partition ${partition} of ${Name.quoted(name)} still runs ${
      Duration.format(stopTimeout)
    } after it was told to end; nobody else has the partition before it ends, or before its time is over by the clock`
  ).pipe(Effect.annotateLogs(about))
