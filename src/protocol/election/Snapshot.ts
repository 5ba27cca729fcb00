/**
 * A machine that was set back to a snapshot of itself, with this server in it: what it said and promised since is forgotten, and
 * no clock of its own need show it. Where the platform gives a machine an id that changes with each restore (a VM generation id),
 * the server notices by it, and counts as just started: its claims are over, it is silent, and it speaks as a later start.
 *
 * Who does not notice is outside what a lease assumes.
 */
import * as HashMap from "effect/HashMap"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { Now, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Algorithms from "./Algorithms.ts"

/** Whether the machine has been restored since this server last looked. */
export const isRestored = ({ generation }: Pick<State, "generation">, now: Pick<Now, "generation">): boolean =>
  generation !== undefined && now.generation !== undefined && generation !== now.generation

/** The first look, and each after it. */
export const look = (context: StepContext): void => {
  context.state.generation = context.now.generation ?? context.state.generation
}

/**
 * This server is another start than the one that was set back: what others grant or acknowledge to that one counts no more. As after
 * a start it is bound to nobody, and promises nothing for a whole lease; but it keeps the terms that it knows.
 */
export const startAnew = (context: StepContext): void => {
  const { identity, self } = context.state
  look(context)
  const incarnation = Math.min(
    Number.MAX_SAFE_INTEGER - 1,
    Math.max(self.incarnation, Math.floor(context.now.wall)) + 1
  )
  context.state.self = { ...self, incarnation }
  // What it has forgotten to have said, under an incarnation that it does not know, may still come back.
  context.state.identity = { ...identity, anewAt: context.now.monotonic, raised: [self.incarnation] }
  context.state.promises = HashMap.map(
    context.state.promises,
    (promise) => ({ ...promise, to: null, until: -Infinity })
  )
  // What it keeps for others it may have given out since, and what it was given was for the start that is over.
  context.state.kept = []
  // Its numbers may be drawn a second time, as its chance was set back too: by one of them a keeper may have given away before.
  context.state.handover = { ...PromiseRecord.none, asks: false }
  Algorithms.of(context.state).onRestored(context)
  context.emit({ event: "IncarnationRaised", from: self.incarnation, to: incarnation })
}
