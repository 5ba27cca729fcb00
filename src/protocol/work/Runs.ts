/**
 * The runs of scheduled jobs, each at most once. A leader has a run's instant kept by a majority before the run begins, and a
 * new leader asks a majority before its first. Any two majorities share a server: so a new leader hears of each run that began.
 *
 * Between the answer of a majority and the begin of the run the leader asks the clock whether its lease lasts: where it does,
 * nobody else has asked yet. A server that starts anew has lost its marks, so it counts as one that knows of every run up to its
 * start, and for a lease longer, by which clocks may differ.
 *
 * Without a lease there is no majority: then all members in view are asked, but for those that do not answer.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Lease from "../model/Lease.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { Asking, Job, Known, Mark, Runs } from "../model/Runs.ts"
import type { StepContext } from "../model/StepContext.ts"
import type * as Timing from "../model/Timing.ts"

/** Nothing has run yet. */
export const none: Runs = { marks: HashMap.empty(), asking: [] }

/** So many jobs are told apart: beyond, the one is forgotten that began longest ago. */
export const maxJobs = 256

/** So many members are asked again at a time, each by itself. */
const maxAgain = 64

/** So often one is asked that does not answer, where all are waited for. */
const maxSaid = 6

const again = (said: number): number => Math.min(1_000, 25 * 2 ** said)

/** A name of an election has no line feed. */
const keyOf = ({ job, leadership }: Job): string => `${leadership}\n${job}`

const unknown: Mark = { begun: 0, done: 0 }

/** What either knows of a job. */
export const newest = (self: Mark, that: Mark): Mark => ({
  begun: Math.max(self.begun, that.begun),
  done: Math.max(self.done, that.done)
})

/** Up to which instant runs may be known to a server that this start of it has not heard of. */
const lostUntil = (
  { incarnation }: Pick<Member.Member, "incarnation">,
  { lease }: Pick<Timing.Timing, "lease">
): number => incarnation + (lease?.duration ?? 0)

/** Keeps marks that are newer than those that are known: the newest of them all. */
const keep = (context: StepContext, job: Job, mark: Mark): Mark => {
  const { runs } = context.state
  const key = keyOf(job)
  const before = Option.getOrElse(HashMap.get(runs.marks, key), () => unknown)
  const after = newest(before, mark)
  // A question leaves no trace.
  if (after.begun === before.begun && after.done === before.done) return before
  const marks = HashMap.has(runs.marks, key) || HashMap.size(runs.marks) < maxJobs
    ? runs.marks
    : withoutOldest(context, runs.marks)
  context.state.runs = { ...runs, marks: HashMap.set(marks, key, after) }
  return after
}

const withoutOldest = (context: StepContext, marks: Runs["marks"]): Runs["marks"] => {
  context.drop("RunsFull")
  const [oldest] = [...HashMap.entries(marks)].toSorted(([, self], [, that]) => self.begun - that.begun)
  return HashMap.remove(marks, oldest![0])
}

/**
 * This server, which leads, wants marks kept, and to know what is known: `RunMarked` answers, once a majority has. Marks of 0
 * only ask. A later request for a job takes the place of an earlier one.
 */
export const ask = (
  context: StepContext,
  { job, leadership, mark, request }: Job & { readonly request: number; readonly mark: Mark }
): void => {
  if (ElectionContext.ownReign(context.state, leadership) === null) return
  const known = {
    ...keep(context, { leadership, job }, mark),
    since: lostUntil(context.state.self, context.state.timing)
  }
  const key = keyOf({ leadership, job })
  for (const other of context.state.runs.asking) if (keyOf(other) === key) end(context, other.request)
  const asking = { leadership, job, request, nonce: context.nonce(), mark, said: 0, answered: [], known }
  context.state.runs = { ...context.state.runs, asking: [...context.state.runs.asking, asking] }
  if (!settle(context, asking)) say(context, asking)
}

/** Says it: at first to all, then to those that have not answered. */
const say = (context: StepContext, asking: Asking): void => {
  const { answered, job, leadership, nonce, request, said } = asking
  const body = { type: "RUN_MARK", nonce, leadership, job, ...asking.mark } as const
  if (said === 0) context.say(null, body)
  else {
    const silent = context.state.members.filter(({ id }) => !answered.includes(id))
    for (const { id } of silent.slice(0, maxAgain)) context.sayTo(id, body)
  }
  change(context, { ...asking, said: said + 1 })
  context.setTimer(timer(request), again(said + 1), { _tag: "Run", request })
}

const timer = (request: number): string => `run ${request}`

/** Some have not answered yet. Who leads no more asks no more. */
export const onTimer = (context: StepContext, request: number): void => {
  // All that ends the asking clears its timer.
  const asking = context.state.runs.asking.find((one) => one.request === request)!
  if (ElectionContext.ownReign(context.state, asking.leadership) === null) return end(context, request)
  if (!settle(context, asking)) say(context, asking)
}

/** A leader wants marks kept. */
export const onMark = (
  context: StepContext,
  { begun, done, job, leadership, nonce, sender }: Message.Of<"RUN_MARK">
): void =>
  context.sayTo(sender.id, { type: "RUN_MARKED", nonce, ...keep(context, { leadership, job }, { begun, done }) })

/** A member keeps them. */
export const onMarked = (context: StepContext, { begun, done, nonce, sender }: Message.Of<"RUN_MARKED">): void => {
  const asking = context.state.runs.asking.find((one) => one.nonce === nonce)
  if (asking === undefined || asking.answered.includes(sender.id)) return
  const since = Math.max(asking.known.since, lostUntil(sender, context.state.timing))
  const after: Asking = {
    ...asking,
    answered: [...asking.answered, sender.id],
    known: { ...newest(asking.known, { begun, done }), since }
  }
  change(context, after)
  settle(context, after)
}

const change = (context: StepContext, asking: Asking): void => {
  const { runs } = context.state
  context.state.runs = { ...runs, asking: runs.asking.map((one) => one.request === asking.request ? asking : one) }
}

const end = (context: StepContext, request: number): void => {
  const { runs } = context.state
  context.state.runs = { ...runs, asking: runs.asking.filter((one) => one.request !== request) }
  context.clearTimer(timer(request))
}

/** Answers where enough have answered. */
const settle = (context: StepContext, { answered, known, request, said }: Asking): boolean => {
  if (!isEnough(context, answered, said)) return false
  end(context, request)
  context.outputs.push({ _tag: "RunMarked", request, known: within(known, context) })
  return true
}

/** Whether it is kept by so many that a later leader will hear of it. */
const isEnough = (
  { state: { members, timing: { lease } } }: StepContext,
  answered: ReadonlyArray<Member.NodeId>,
  said: number
): boolean =>
  lease === null
    ? said >= maxSaid || members.every(({ id }) => answered.includes(id))
    : Lease.suffices(answered, lease)

/** A server whose clock was far ahead as it started does not hold up all runs until then. */
const within = (known: Known, { now, state: { timing: { lease } } }: StepContext): Known => ({
  ...known,
  since: Math.min(known.since, now.wall + (lease?.duration ?? 0))
})
