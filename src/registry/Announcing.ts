/**
 * What a server says of itself in the registry: who it is, and which elections it takes part in. It is said again whenever the
 * watch shows something else, for any reason: a session was over, an answer was lost, or it has changed.
 */
import * as Member from "../protocol/model/Member.ts"
import * as Enclosing from "./Enclosing.ts"
import * as Mirror from "./Mirror.ts"
import type * as Registry from "./Registry.ts"
import type { RegistryContext } from "./RegistryContext.ts"
import * as Keys from "./RegistryKeys.ts"
import * as Values from "./RegistryValues.ts"

type Put = NonNullable<Registry.Transaction["put"]>[number]

/** Whether it may take the lead in an election where nobody has it, by its own state. */
const stands = (context: RegistryContext, name: string): boolean => {
  const { hasNoWork, ineligibility, overrun, withdrawn } = context.election(name)
  return !withdrawn && !overrun && !hasNoWork && Enclosing.mayStand(context, name) &&
    context.isPast(ineligibility.until)
}

const neither: Values.Candidate = { stands: false, preempts: false }
const first: Values.Candidate = { stands: true, preempts: false }
const both: Values.Candidate = { stands: true, preempts: true }

const candidate = (context: RegistryContext, name: string): Values.Candidate => {
  const { session, timing } = context.state
  const isStable = session !== null && context.isPast(session.since + timing.stableAfter)
  const standing = stands(context, name)
  return standing ? timing.preempt && isStable ? both : first : neither
}

/** Whether another start has this server's id: the later one keeps it. */
export const lookForAnother = (context: RegistryContext): void => {
  const { mirror, self, session } = context.state
  const entry = Mirror.member(mirror, self.id)
  const other = entry?.read ?? null
  const isDisplaced = entry !== null && other !== null && entry.session !== session?.id
    && !Member.isSameStart(other, self) && other.incarnation >= self.incarnation
  if (isDisplaced === context.state.isDisplaced) return
  context.state.isDisplaced = isDisplaced
  if (!isDisplaced) return
  context.emit({
    event: "DuplicateIdentity",
    id: self.id,
    ours: Member.formatAddress(self),
    theirs: Member.formatAddress(other),
    hostname: other.hostname
  })
}

/** Whether the watch has shown this server as a member by its session of now. */
export const isMember = ({ state: { mirror, self, session } }: RegistryContext): boolean => {
  const entry = Mirror.member(mirror, self.id)
  return session !== null && entry?.session === session.id && entry.read?.incarnation === self.incarnation
}

/** Says what is not as it is to be. */
export const announce = (context: RegistryContext): void => {
  const { isDisplaced, isWatching, mirror, phase, self, session } = context.state
  if (!isWatching || isDisplaced || session === null || (phase !== "Discovering" && phase !== "Live")) return
  const before = Mirror.member(mirror, self.id)
  const wanted: Array<Put> = [{ key: Keys.member(self.id), value: Values.write("Member", self), bound: true }]
  const entered = context.elections.filter((name) => {
    const { own, withdrawn } = context.election(name)
    return !withdrawn || own !== null
  })
  for (const name of entered) {
    const value = Values.write("Candidate", candidate(context, name))
    wanted.push({ key: Keys.candidate(name, self.id), value, bound: true })
  }
  const put = wanted.filter(({ key, value }) => {
    const entry = Mirror.entry(mirror, key)
    return entry?.value !== value || entry.session !== session.id
  })
  const remove = Mirror.candidacies(mirror, self.id)
    .filter((name) => !entered.includes(name)).map((name) => Keys.candidate(name, self.id))
  if (put.length + remove.length === 0 || !context.isFree("announce")) return
  context.commit("announce", { _tag: "Announce" }, {
    if: [{ key: Keys.member(self.id), version: before?.version ?? null }],
    put,
    remove
  })
}
