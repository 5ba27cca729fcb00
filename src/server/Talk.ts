/** What `Members` stands on: questions that are under way, the handlers, and the readers of topics. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Counters from "../engine/Counters.ts"
import * as Client from "../protocol/model/Client.ts"
import type * as Member from "../protocol/model/Member.ts"
import type { Output } from "../protocol/model/Output.ts"
import type { State } from "../protocol/model/State.ts"
import * as TalkMessages from "../protocol/model/TalkMessages.ts"
import type * as Topic from "../protocol/model/Topic.ts"
import type * as Step from "../protocol/Step.ts"
import * as TextParts from "../protocol/talk/Parts.ts"
import * as Asks from "./Asks.ts"
import * as Handlers from "./Handlers.ts"
import type * as Members from "./Members.ts"
import * as Said from "./Said.ts"
import * as Topics from "./Topics.ts"

/** What the steps of a server leave to be done for those who talk. */
export type ToDo = Extract<Output, { readonly _tag: "Hear" | "Handle" | "Answered" }>

/** The service, and the way in. `carryOut` never waits, and runs no reader and no handler. */
export interface Talk {
  readonly members: Members.MembersShape
  readonly topics: Pick<Topics.Topics, "offer">
  readonly carryOut: (output: ToDo) => void
}

/** What it stands on. */
export interface Parts {
  readonly step: (input: Step.Input) => void
  readonly state: () => State
  readonly counting: Counters.Counters["talk"]
}

/** Nobody reads, asks or answers yet. All of it ends with the scope. */
export const make = Effect.fnUntraced(function*(
  { counting, state, step }: Parts
): Effect.fn.Return<Talk, never, Scope.Scope> {
  const topics = yield* Topics.make(counting)
  const asks = yield* Asks.make(step, state)
  const handlers = Handlers.make(({ from, seq }, { outcome, text }) => {
    const isTooLarge = TextParts.bytes(text) > state().timing.maxMessageBytes
    const handled = isTooLarge ? { outcome: "AnswerTooLarge", text: "null" } : { outcome, text }
    step({ _tag: "Handled", from: { id: from.id, incarnation: from.incarnation }, seq, ...handled })
  })
  return {
    topics,
    carryOut: (output) => {
      switch (output._tag) {
        case "Hear":
          return topics.offer(output.topic, { by: output.by, from: output.from, body: output.body })
        case "Handle":
          return handlers.run(output)
        case "Answered":
          return asks.answered(output)
      }
    },
    members: {
      ...saying(step, state),
      subscribe: topics.subscribe,
      messages: (topic) => Stream.unwrap(topics.subscribe(topic)),
      ...Asks.asking(asks, state),
      handle: handlers.handle
    }
  }
})

const saying = (
  step: Parts["step"],
  state: Parts["state"]
): Pick<Members.MembersShape, "broadcast" | "sendTo"> => {
  const say = <A>(to: Member.NodeId | null, topic: Topic.Topic<A>, body: A) =>
    Effect.flatMap(Said.encoded(topic.name, topic.body, body), (json) =>
      Effect.andThen(
        Said.atMost(Client.bodyBytes(json), TalkMessages.maxBodyBytes),
        Effect.sync(() => step({ _tag: "Say", to, topic: topic.name, body: json }))
      ))
  return {
    broadcast: (topic, body) => say(null, topic, body),
    sendTo: (to, topic, body) =>
      Effect.flatMap(
        Effect.suspend(() => Said.isMember(state(), to) ? Effect.void : Said.noSuchMember(to)),
        () => say(to, topic, body)
      )
  }
}
