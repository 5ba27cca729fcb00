/**
 * The marks of scheduled runs in the registry. Only who has the leader's key may change them, and it has seen all that earlier
 * leaders marked once it has seen its own key.
 */
import type * as Runs from "../protocol/model/Runs.ts"
import { newest } from "../protocol/work/Runs.ts"
import * as Mirror from "./Mirror.ts"
import type { RegistryContext } from "./RegistryContext.ts"
import * as Keys from "./RegistryKeys.ts"
import * as RegistryState from "./RegistryState.ts"
import * as Values from "./RegistryValues.ts"

/** So many jobs are told apart: beyond, the one is forgotten that began longest ago. */
const maxJobs = 256

/** Wants marks kept. A later request for a job takes the place of an earlier one. */
export const ask = (context: RegistryContext, marking: RegistryState.Marking): void => {
  const others = context.state.marking.filter(({ job, leadership }) =>
    job !== marking.job || leadership !== marking.leadership
  )
  context.state.marking = [...others, marking]
}

/** Answers those that are kept, and has the others kept. Those of who leads no more are never answered. */
export const goOn = (context: RegistryContext): void => {
  for (const marking of context.state.marking) {
    const own = RegistryState.election(context.state, marking.leadership)?.own ?? null
    if (own === null || own.ending !== null) withdraw(context, marking.request)
    else if (own.isSeen) keep(context, marking)
  }
}

const keep = (context: RegistryContext, { job, leadership, mark, request }: RegistryState.Marking): void => {
  const { mirror } = context.state
  const entry = Mirror.job(mirror, { leadership, job })
  // Of a job that nobody knows, nothing is known up to now.
  const before = entry?.read ?? { begun: 0, done: 0, since: Math.max(0, Math.floor(context.now.wall)) }
  const known: Runs.Known = { ...newest(before, mark), since: before.since }
  if (entry !== null && known.begun === before.begun && known.done === before.done) {
    return answer(context, request, known)
  }
  const lane = `mark ${Keys.job({ leadership, job })}`
  if (!context.state.isWatching || !context.isFree(lane)) return
  const leader = Mirror.leader(mirror, leadership)!
  const jobs = entry === null ? Mirror.jobs(mirror) : []
  const [oldest] = jobs.length < maxJobs ? [] : jobs.toSorted((self, that) => self.mark.begun - that.mark.begun)
  context.commit(lane, { _tag: "Mark", request, known }, {
    if: [
      { key: leader.key, version: leader.version },
      { key: Keys.job({ leadership, job }), version: entry?.version ?? null }
    ],
    put: [{ key: Keys.job({ leadership, job }), value: Values.write("Job", known), bound: false }],
    remove: oldest === undefined ? [] : [oldest.key]
  })
}

/** Marks are kept: those who wait for them hear of it. */
export const answer = (context: RegistryContext, request: number, known: Runs.Known): void => {
  if (!context.state.marking.some((marking) => marking.request === request)) return
  withdraw(context, request)
  context.outputs.push({ _tag: "RunMarked", request, known })
}

const withdraw = (context: RegistryContext, request: number): void => {
  context.state.marking = context.state.marking.filter((marking) => marking.request !== request)
}
