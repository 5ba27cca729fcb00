/**
 * Leading here within a reign elsewhere: what a server does while its group moves from one backend to another and has both.
 *
 * A reign here has the term of the reign around it, so that the two are one, with one token. It is taken only where that term is above
 * all that were led in here; so a reign around it serves once, and who finds it passed has to win a newer one. One that leads here alone
 * takes a term above it, as it does above any other; and so does one that leads alone elsewhere, as its term was given there.
 */
import * as Mirror from "./Mirror.ts"
import type { RegistryContext } from "./RegistryContext.ts"
import * as RegistryState from "./RegistryState.ts"

/** The newest term of an election here, as far as the watch has shown it. */
export const newestTerm = (state: Pick<RegistryState.State, "group" | "named" | "mirror">, name: string): number =>
  Math.max(Mirror.term(state.mirror, name)?.read ?? 0, RegistryState.election(state, name)?.last?.term ?? 0)

/** Whether this server may lead here in that term, as far as reigns elsewhere go. */
export const encloses = (context: RegistryContext, name: string, term: number): boolean =>
  !context.state.isEnclosed || context.election(name).enclosing === term

/** Whether it may take the lead here, as far as reigns elsewhere go. */
export const mayStand = (context: RegistryContext, name: string): boolean => {
  if (!context.state.isEnclosed) return true
  const { enclosing } = context.election(name)
  return enclosing !== null && enclosing > newestTerm(context.state, name)
}

/**
 * The newest term here, where the reign around is of no use any more: what is led here, or was, has its term or a greater one, and this
 * server does not lead here. Null where that is not so, not known for certain, or about to change.
 */
export const passedBy = (state: RegistryState.State, name: string): number | null => {
  const election = RegistryState.election(state, name)
  if (election === undefined || state.phase !== "Live" || !state.isWatching) return null
  const term = newestTerm(state, name)
  return election.own === null && election.enclosing !== null && election.enclosing <= term ? term : null
}
