/** The questions of an app that are under way, and how they are asked. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Member from "../protocol/model/Member.ts"
import type { Output } from "../protocol/model/Output.ts"
import type * as Question from "../protocol/model/Question.ts"
import type { State } from "../protocol/model/State.ts"
import type * as Step from "../protocol/Step.ts"
import * as Parts from "../protocol/talk/Parts.ts"
import * as Wait from "../settings/Wait.ts"
import type * as Members from "./Members.ts"
import * as Outcome from "./Outcome.ts"
import * as Said from "./Said.ts"
import * as TalkError from "./TalkError.ts"

/** The questions that are under way. */
export interface Asks {
  /** Asks, and waits for what comes of it, in so many ms. Interrupted, it waits no more, and the question is said no more. */
  readonly ask: (
    to: Member.NodeId | "leader",
    question: string,
    text: string,
    within: number
  ) => Effect.Effect<Outcome.Outcome, TalkError.NoSuchMember>
  /** This came of one. */
  readonly answered: (answer: Extract<Output, { readonly _tag: "Answered" }>) => void
}

/** None is under way. Those that are when the scope closes have no answer. */
export const make = Effect.fnUntraced(function*(
  step: (input: Step.Input) => void,
  state: () => State
): Effect.fn.Return<Asks, never, Scope.Scope> {
  const waiting = new Map<number, Deferred.Deferred<Outcome.Outcome>>()
  let newest = 0
  let hasEnded = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      hasEnded = true
      for (const deferred of waiting.values()) Deferred.doneUnsafe(deferred, Exit.succeed(Outcome.closed))
      waiting.clear()
    })
  )
  return {
    answered: ({ by, number, outcome, text }) => {
      const deferred = waiting.get(number)
      waiting.delete(number)
      if (deferred !== undefined) Deferred.doneUnsafe(deferred, Exit.succeed({ by, outcome, text }))
    },
    ask: (to, question, text, within) =>
      Effect.suspend(() => {
        if (hasEnded || state().phase === "Left") return Effect.succeed(Outcome.closed)
        if (to !== "leader" && !Said.isMember(state(), to)) return Said.noSuchMember(to)
        const number = newest += 1
        const deferred = Deferred.makeUnsafe<Outcome.Outcome>()
        waiting.set(number, deferred)
        step({ _tag: "Question", number, to, question, text, within })
        return Effect.onInterrupt(Deferred.await(deferred), () =>
          Effect.sync(() => {
            waiting.delete(number)
            step({ _tag: "GiveUp", number })
          }))
      })
  }
})

const byDefault = Duration.seconds(5)

/** How many members are asked at once by one question to all. */
const atOnce = 64

/** What is asked, and for how long an answer is waited for. */
const prepared = <Request, Response, Error>(
  state: () => State,
  { name, request: schema }: Question.Question<Request, Response, Error>,
  request: Request,
  { within }: Members.AskOptions
) =>
  Effect.gen(function*() {
    const millis = Duration.toMillis(yield* Effect.orDie(Wait.waitOf("within", within, byDefault)))
    const text = JSON.stringify(yield* Said.encoded(name, schema, request))
    yield* Said.atMost(Parts.bytes(text), state().timing.maxMessageBytes)
    return { millis, text }
  })

/** How an app asks. */
export const asking = (
  { ask }: Pick<Asks, "ask">,
  state: () => State
): Pick<Members.MembersShape, "ask" | "askAll"> => {
  const one = <Request, Response, Error>(
    to: Member.NodeId | "leader",
    question: Question.Question<Request, Response, Error>,
    { millis, text }: { readonly millis: number; readonly text: string }
  ) => Effect.flatMap(ask(to, question.name, text, millis), (outcome) => Outcome.read(outcome, question))
  return {
    ask: (to, question, request, options = {}) =>
      Effect.flatMap(prepared(state, question, request, options), (said) => one(to, question, said)),
    askAll: (question, request, options = {}) =>
      Stream.unwrap(Effect.map(prepared(state, question, request, options), (said) => {
        const { members, self } = state()
        const silent: Array<Member.Member> = []
        const asked = (from: Member.Member) =>
          Effect.map(Effect.result(one(from.id, question, said)), (result) => {
            if (Result.isSuccess(result) || !isSilence(result.failure)) {
              return [{ _tag: "Answered" as const, from, result }]
            }
            silent.push(from)
            return []
          })
        return Stream.fromIterable([self, ...members]).pipe(
          Stream.mapEffect(asked, { concurrency: atOnce, unordered: true }),
          Stream.flattenIterable,
          Stream.concat(Stream.sync(() => ({ _tag: "Silent" as const, members: silent })))
        )
      }))
  }
}

const isSilence = (error: unknown): boolean =>
  error instanceof TalkError.NoAnswer || error instanceof TalkError.NoSuchMember
