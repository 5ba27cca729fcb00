/**
 * Who of the group is a runner: each member says so of itself, and it holds for that very start of it. So a runner is gone when its
 * server is removed.
 */
import * as Clock from "effect/Clock"
import { Runner } from "effect/cluster/Runner"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Member from "../protocol/model/Member.ts"
import * as Question from "../protocol/model/Question.ts"
import * as Topic from "../protocol/model/Topic.ts"
import type * as Group from "../server/Group.ts"
import type * as Members from "../server/Members.ts"

const Registered = Schema.NullOr(Runner)
const topic = Topic.make("bellwether cluster runner", Registered)
const question = Question.make("bellwether cluster runner", { request: Schema.Null, response: Registered })

/** A member that is heard of no more for so many times is no runner, although it is there. */
const silences = 5

/** The most bytes that a runner may take as JSON, so that it fits one message. */
export const maxBytes = 800

/** The runners of a group. */
export interface Registrations {
  /** Says that this server is that runner, or none any more, and hears who the others are. */
  readonly register: (runner: Runner | null) => Effect.Effect<void>
  /** The runners of the other members. */
  readonly others: Effect.Effect<ReadonlyArray<Runner>>
}

interface Entry {
  readonly incarnation: number
  readonly runner: Runner
  readonly heardAt: number
}

/** Hears and says who the runners are, each `interval` anew. */
export const make = Effect.fnUntraced(function*(
  { group, members }: { readonly group: Group.GroupShape; readonly members: Members.MembersShape },
  interval: Duration.Duration
): Effect.fn.Return<Registrations, never, Scope.Scope> {
  const self = yield* group.self
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const entries = new Map<Member.NodeId, Entry>()
  let own: Runner | null = null
  let hasSaid = false

  const hear = ({ id, incarnation }: Member.Member, runner: Runner | null): void => {
    if (id === self.id) return
    if (runner === null) entries.delete(id)
    else entries.set(id, { incarnation, runner, heardAt: now() })
  }
  const say = Effect.suspend(() => hasSaid ? Effect.ignore(members.broadcast(topic, own)) : Effect.void)
  const ask = Stream.runForEach(members.askAll(question, null, { within: "1 second" }), (answer) =>
    Effect.sync(() => {
      if (answer._tag === "Answered" && Result.isSuccess(answer.result)) hear(answer.from, answer.result.success)
    })).pipe(Effect.ignore)

  const heard = yield* members.subscribe(topic)
  yield* Effect.forkScoped(Stream.runForEach(heard, ({ body, from }) => Effect.sync(() => hear(from, body))))
  yield* members.handle(question, () => Effect.sync(() => own))
  yield* Effect.forkScoped(Effect.repeat(say, Schedule.spaced(interval)))
  yield* Effect.forkScoped(ask)

  const isKnown = (present: ReadonlyArray<Member.Member>) => (id: Member.NodeId, { heardAt, incarnation }: Entry) =>
    now() - heardAt < silences * Duration.toMillis(interval)
    && present.some((member) => member.id === id && member.incarnation === incarnation)
  return {
    register: (runner) =>
      Effect.andThen(
        Effect.sync(() => {
          own = runner
          hasSaid = true
        }),
        Effect.andThen(say, runner === null ? Effect.void : ask)
      ),
    others: Effect.map(group.members, (present) => {
      const isThere = isKnown(present)
      for (const [id, entry] of entries) {
        // One that was cut off for a while is known again at once.
        if (!isThere(id, entry) && now() - entry.heardAt >= silences * Duration.toMillis(interval)) entries.delete(id)
      }
      return [...entries].flatMap(([id, entry]) => isThere(id, entry) ? [entry.runner] : [])
    })
  }
})

/** Whether a runner's words fit one message. */
export const fits = (runner: Runner): boolean => new TextEncoder().encode(Runner.encodeSync(runner)).length <= maxBytes
