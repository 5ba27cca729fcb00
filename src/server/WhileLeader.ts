/** Runs leading work reign by reign: its start, its end, and its failures. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Closing from "../engine/Closing.ts"
import * as Span from "../engine/Span.ts"
import type * as ReignOrder from "../protocol/model/Reign.ts"
import * as LeadingWork from "./LeadingWork.ts"
import { NotLeading, Reign } from "./OwnReign.ts"

/** Runs an effect for each reign of this server's own; see `Leadership.whileLeader`. */
export const whileLeader = <A, E, R>(
  lead: LeadingWork.Lead,
  work: LeadingWork.LeadingWork,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<never, E, Exclude<R, Reign>> =>
  Effect.acquireUseRelease(
    Effect.suspend(() => work.callers++ === 0 ? lead.offered : Effect.void),
    () => Effect.forever(Effect.flatMap(next(lead), (reign) => under(reign, lead, work, effect))),
    (_, exit) =>
      Effect.suspend(() => {
        const hasFailed = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
        return --work.callers === 0 && hasFailed ? lead.givenUp : Effect.void
      })
  )

const next = ({ owns }: LeadingWork.Lead) =>
  owns.pipe(
    Stream.filter((own) => own !== null),
    Stream.runHead,
    Effect.map(Option.getOrThrow)
  )

/** Waits until the reign is told to be over. */
const ended = ({ owns }: LeadingWork.Lead, reign: ReignOrder.Reign) =>
  owns.pipe(
    Stream.filter((own) => own === null || own.term !== reign.term),
    Stream.runHead,
    Effect.asVoid
  )

/** Whether the reign lasts by the clock. */
const isCurrent = ({ own }: LeadingWork.Lead, { term }: ReignOrder.Reign) =>
  Effect.map(own, (now) => now !== null && now.term === term)

/** Waits until nothing runs that work of this reign must not overlap with. */
const vacated = ({ running }: LeadingWork.LeadingWork, reign: ReignOrder.Reign) =>
  Effect.suspend(() =>
    LeadingWork.allDone([...running].filter(({ stopping, term }) => stopping || term !== reign.term))
  )

/** Runs the effect under one reign, and ends with that. Fails where the effect does, once this server has resigned. */
const under = <A, E, R>(
  reign: ReignOrder.Reign,
  lead: LeadingWork.Lead,
  work: LeadingWork.LeadingWork,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<void, E, Exclude<R, Reign>> =>
  Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
    const over = ended(lead, reign)
    yield* restore(Effect.raceFirst(vacated(work, reign), over))
    const started = yield* start(reign, lead, work, effect)
    // A reign that is over by the clock will soon be told to be: that is waited for.
    if (started === null) return yield* restore(over)
    const { fiber, stop } = started
    const exit = yield* restore(Effect.raceFirst(Fiber.await(fiber), Effect.as(over, undefined))).pipe(
      Effect.onInterrupt(() => stop)
    )
    if (exit === undefined) return yield* stop
    if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return yield* restore(over)
    // It noticed before we did that its reign is over: that is no failure of its own.
    const hasNoticed = Cause.squash(exit.cause) instanceof NotLeading && !(yield* isCurrent(lead, reign))
    if (hasNoticed) return yield* restore(over)
    yield* lead.failed(reign.term, exit.cause)
    yield* lead.resign
    return yield* Effect.failCause(exit.cause)
  }))

const aboutReign = ({ about, token }: LeadingWork.Lead, reign: ReignOrder.Reign) => ({
  ...about,
  term: reign.term,
  token: token(reign)
})

/** Starts one run of the effect, unless the reign is over by the clock. */
const start = Effect.fnUntraced(function*<A, E, R>(
  reign: ReignOrder.Reign,
  lead: LeadingWork.Lead,
  { running, stopTimeout }: LeadingWork.LeadingWork,
  effect: Effect.Effect<A, E, R>
) {
  const run: LeadingWork.Running = {
    term: reign.term,
    done: yield* Deferred.make<void>(),
    stopping: false,
    overrunning: false
  }
  running.add(run)
  const over = Effect.suspend(() => {
    running.delete(run)
    const finished = run.overrunning && ![...running].some(({ overrunning }) => overrunning)
    return Effect.andThen(Deferred.succeed(run.done, undefined), finished ? lead.finished : Effect.void)
  })
  // From here on the end of the reign waits for this run: so only now is it asked whether the reign lasts.
  if (!(yield* isCurrent(lead, reign))) {
    yield* over
    return null
  }
  // Detached, so that neither the end of this reign nor of the app waits for more than `stopTimeout`.
  const fiber = yield* Effect.interruptible(effect).pipe(
    Effect.onExit(() => over),
    Effect.provideService(Reign, {
      term: reign.term,
      token: lead.token(reign),
      leader: reign.leader,
      isCurrent: isCurrent(lead, reign)
    }),
    // A root: the caller runs as long as the app, and its own span would hold all reigns.
    (work) => Span.within(work, "Leadership.reign", { root: true, attributes: aboutReign(lead, reign) }),
    // Interrupted before its first step, an interruptible fiber would never come to say that it is over.
    Effect.forkDetach({ uninterruptible: true })
  )
  const stop = Effect.gen(function*() {
    run.stopping = true
    yield* Effect.forkDetach(Fiber.interrupt(fiber), { startImmediately: true })
    yield* Closing.waitFor(Deferred.await(run.done), stopTimeout)
    if (!running.has(run)) return
    run.overrunning = true
    yield* lead.overran(reign.term)
  })
  return { fiber, stop }
})
