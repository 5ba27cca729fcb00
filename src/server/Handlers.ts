/** The handlers of questions: each runs in fibers of its own, which end with the scope that it was given in. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Member from "../protocol/model/Member.ts"
import type { Output } from "../protocol/model/Output.ts"
import type * as Question from "../protocol/model/Question.ts"

/** A question that is to be handled. */
export type Handle = Extract<Output, { readonly _tag: "Handle" }>

/** What came of it: the outcome, and the JSON that belongs to that. */
export interface Handled {
  readonly outcome: string
  readonly text: string
}

/** The handlers there are. */
export interface Handlers {
  /** Has a question handled, by a fiber that begins later. Never waits. */
  readonly run: (question: Handle) => void
  readonly handle: <Request, Response, Error, R>(
    question: Question.Question<Request, Response, Error>,
    handler: (request: Request, from: Member.Member) => Effect.Effect<Response, Error, R>
  ) => Effect.Effect<void, never, R | Scope.Scope>
}

/** No handler yet. `tell` hears what came of each question that was to be handled, once. */
export const make = (tell: (question: Handle, handled: Handled) => void): Handlers => {
  const handlers = new Map<string, (question: Handle) => void>()
  return {
    run: (question) => {
      const handler = handlers.get(question.question)
      if (handler === undefined) tell(question, { outcome: "NoHandler", text: "null" })
      else handler(question)
    },
    handle: Effect.fnUntraced(function*<Request, Response, Error, R>(
      question: Question.Question<Request, Response, Error>,
      handler: (request: Request, from: Member.Member) => Effect.Effect<Response, Error, R>
    ) {
      const { name } = question
      if (handlers.has(name)) return yield* Effect.die(new Error(`${JSON.stringify(name)} has a handler already`))
      const fork = yield* FiberSet.makeRuntime<R>()
      const run = (asked: Handle): void => {
        fork(Effect.ignoreCause(
          Effect.onExit(
            answer(question, handler, asked),
            (exit) => Effect.sync(() => tell(asked, Exit.isSuccess(exit) ? exit.value : died))
          )
        ))
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => void handlers.set(name, run)),
        () => Effect.sync(() => void handlers.delete(name))
      )
    })
  }
}

const died: Handled = { outcome: "HandlerDied", text: "null" }

/** Reads the request, has it handled, and writes what came of it. */
const answer = <Request, Response, Error, R>(
  { error, name, request, response }: Question.Question<Request, Response, Error>,
  handler: (request: Request, from: Member.Member) => Effect.Effect<Response, Error, R>,
  { from, text }: Handle
): Effect.Effect<Handled, never, R> =>
  Effect.gen(function*() {
    const decoded = yield* Effect.exit(
      Effect.flatMap(
        Effect.try({ try: () => JSON.parse(text) as unknown, catch: String }),
        Schema.decodeUnknownEffect(request)
      )
    )
    if (Exit.isFailure(decoded)) return { outcome: "NotUnderstood", text: JSON.stringify(reasonOf(decoded.cause)) }
    const exit = yield* Effect.exit(Effect.suspend(() => handler(decoded.value, from)))
    if (Exit.isSuccess(exit)) {
      return { outcome: "Done", text: JSON.stringify(yield* Schema.encodeEffect(response)(exit.value)) }
    }
    const failure = Cause.findErrorOption(exit.cause)
    if (Option.isNone(failure)) return yield* Effect.failCause(exit.cause as Cause.Cause<never>)
    return { outcome: "Failed", text: JSON.stringify(yield* Schema.encodeEffect(error)(failure.value)) }
  }).pipe(
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.annotateLogs(Effect.logError("the handler of a question died", cause), { question: name })
    ),
    Effect.orDie
  )

/** Why something is not what its schema says. */
export const reasonOf = (cause: Cause.Cause<unknown>): string => String(Cause.squash(cause)).slice(0, 300)
