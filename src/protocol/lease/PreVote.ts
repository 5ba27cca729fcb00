/**
 * Before a candidate claims a term, it asks each member whether it would vote for it (Ongaro, *Consensus: Bridging Theory and
 * Practice*, 9.6). The question binds nobody and changes no term anywhere; an answer is no vote, and no lease counts from it.
 * Only who finds a majority, itself included, goes on. So a server that no majority hears, or whose majority is bound to a
 * leader that this server does not hear, is in nobody's way.
 *
 * Where it follows a leader that it outranks, those who are bound to that leader count: they would be free if it yielded.
 */
import * as ElectionContext from "../election/ElectionContext.ts"
import * as LeaderNotice from "../election/LeaderNotice.ts"
import type * as Election from "../model/Election.ts"
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Voters from "../model/Voters.ts"
import * as Voter from "./Voter.ts"

type Context = ElectionContext.ElectionContext

type Asking = Extract<Election.Activity, { readonly _tag: "PreVote" }>

/** How often all are asked, `probeTimeout` apart: questions and answers may be lost. */
const asks = 3

/** Begins to ask: all members that have a vote, and again those that have not said that they would. */
export const begin = (election: Context): void =>
  ask(election, { _tag: "PreVote", nonce: election.context.nonce(), answers: [], left: asks })

const ask = (election: Context, asking: Asking): void => {
  election.change({ activity: { ...asking, left: asking.left - 1 } })
  const { answers, nonce } = asking
  const sure = new Set(answers.flatMap(({ by, vote }) => vote?.granted === true ? [by] : []))
  for (const { id } of Voters.among(election.state, election.state.members)) {
    if (!sure.has(id)) election.context.sayTo(id, { type: "SERVER_PROBE", nonce, preVote: election.name })
  }
  election.setTimer("pre-vote", election.state.timing.probeTimeout, { _tag: "PreVote" })
}

/** Somebody may have become free to vote: a server that is asking asks anew. */
export const askAnew = (election: Context, asking: Asking): void => ask(election, { ...asking, left: asks })

/**
 * What is to be done now.
 *
 * - `Wait`: nothing. `GoOn`: a majority would vote for this server, above the term `promised`. `GiveUp`: none would, and in so
 *   many ms it may be another.
 */
export type Outcome =
  | { readonly _tag: "Wait" }
  | { readonly _tag: "GoOn"; readonly promised: number }
  | { readonly _tag: "GiveUp"; readonly again: number }

const wait: Outcome = { _tag: "Wait" }

/**
 * A member has answered; of several answers its last one counts. Who will be free before all are asked again is asked then.
 */
export const onAnswer = (
  election: Context,
  agreement: Lease.Agreement,
  { nonce, preVote, sender }: Message.Of<"SERVER_RESPONSE">
): Outcome => {
  const { activity } = election.register
  if (activity._tag !== "PreVote" || activity.nonce !== nonce) return wait
  const remaining = preVote?.remaining ?? 0
  const answers = [
    ...activity.answers.filter(({ by }) => by !== sender.id),
    { by: sender.id, vote: preVote ?? null, freeAt: election.context.now.monotonic + remaining }
  ]
  election.change({ activity: { ...activity, answers } })
  if (remaining > 0 && remaining < election.state.timing.probeTimeout) {
    election.setTimer("pre-vote", remaining + 1, { _tag: "PreVote" })
  }
  // Who was named to go first must not wait while one of an older version, which asks nobody, takes the lead again.
  const isNamed = election.register.vacancy.successor === election.state.self.id
  return conclude(election, agreement, answers, election.register.reign !== null || isNamed)
}

/**
 * Too few have answered so far: all are asked again, or it is given up. In the end those count too who say only that they are
 * there: they are of a version that answers no pre-vote, and are asked for their vote.
 */
export const onTimer = (election: Context, agreement: Lease.Agreement): Outcome => {
  // All that ends the asking clears its timer.
  const asking = election.register.activity as Asking
  if (asking.left > 0) {
    ask(election, asking)
    return wait
  }
  const outcome = conclude(election, agreement, asking.answers, true)
  return outcome._tag === "Wait" ? { _tag: "GiveUp", again: freeIn(election, agreement, asking.answers) } : outcome
}

const conclude = (
  { register: { reign } }: Context,
  agreement: Lease.Agreement,
  answers: ReadonlyArray<Election.PreVoteAnswer>,
  isUnknownEnough: boolean
): Outcome => {
  const leader = reign?.leader.id
  const willing = answers.filter(({ vote }) =>
    vote === null ? isUnknownEnough : vote.granted || (leader !== undefined && vote.boundTo === leader)
  )
  return Lease.suffices(willing.map(({ by }) => by), agreement)
    ? { _tag: "GoOn", promised: Math.max(0, ...willing.map(({ vote }) => vote?.promised ?? 0)) }
    : wait
}

/**
 * In how many ms a majority may be free to vote, by what they said; where too few answered, after a while at random that is short
 * beside a lease: who asks is in nobody's way.
 */
const freeIn = (
  { state: { timing }, context }: Context,
  agreement: Lease.Agreement,
  answers: ReadonlyArray<Election.PreVoteAnswer>
): number => {
  const now = context.now.monotonic
  const free = answers.map(({ freeAt }) => freeAt).toSorted((self, that) => self - that)
  const last = (free[Lease.majority(agreement) - 2] ?? now) - now
  return last > 0 ? Math.max(last + 1, timing.probeTimeout) : (1 + context.random()) * agreement.duration / 12
}

/**
 * A member asks what this server would vote for it in an election: the answer. Where this one leads, that is told besides.
 */
export const answer = (
  context: StepContext,
  { preVote, sender }: Message.Of<"SERVER_PROBE">,
  from: Member.Address
): { readonly preVote?: Message.PreVote } => {
  if (preVote === undefined) return {}
  const election = ElectionContext.find(context, preVote)
  if (election?.leads === true) LeaderNotice.send(election, sender.id, from)
  return { preVote: Voter.preVote(context, preVote, sender) }
}
