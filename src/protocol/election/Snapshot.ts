/**
 * A machine that was set back to a snapshot of itself, with this server in it: what it said and promised since is forgotten, and
 * no clock of its own need show it. Where the platform gives a machine an id that changes with each restore (a VM generation id),
 * the server notices by it, and counts as just started: its claims are over, it is silent, and it speaks as a later start.
 *
 * Who does not notice is outside what a lease assumes.
 */
import * as HashMap from "effect/HashMap"
import * as Handover from "../lease/Handover.ts"
import * as PromiseRecord from "../model/PromiseRecord.ts"
import type { Now, State, Turn } from "../model/Turn.ts"

/** Whether the machine has been restored since this server last looked. */
export const isRestored = ({ generation }: Pick<State, "generation">, now: Pick<Now, "generation">): boolean =>
  generation !== undefined && now.generation !== undefined && generation !== now.generation

/** The first look, and each after it. */
export const look = (turn: Turn): void => {
  turn.state.generation = turn.now.generation ?? turn.state.generation
}

/**
 * This server is another start than the one that was set back: what others grant or acknowledge to that one counts no more. As after
 * a start it is bound to nobody, and promises nothing for a whole lease; but it keeps the terms that it knows.
 */
export const startAnew = (turn: Turn): void => {
  const { identity, phase, rules: { lease }, self } = turn.state
  look(turn)
  const incarnation = Math.min(Number.MAX_SAFE_INTEGER - 1, Math.max(self.incarnation, Math.floor(turn.now.wall)) + 1)
  turn.state.self = { ...self, incarnation }
  turn.state.identity = { ...identity, raised: [...identity.raised, self.incarnation] }
  // What one that leaves has promised, its next start may have.
  if (lease !== null) turn.state.silentUntil = phase === "Leaving" ? Infinity : turn.now.monotonic + lease.duration
  turn.state.promises = HashMap.map(turn.state.promises, (promise) => ({ ...promise, to: null, until: -Infinity }))
  // What it keeps for others it may have given out since, and what it was given was for the start that is over.
  turn.state.kept = []
  // Its numbers may be drawn a second time, as its chance was set back too: by one of them a keeper may have given away before.
  turn.state.handover = { ...PromiseRecord.none, asks: false }
  if (phase !== "Leaving") Handover.start(turn)
  turn.emit({ event: "IncarnationRaised", from: self.incarnation, to: incarnation })
}
