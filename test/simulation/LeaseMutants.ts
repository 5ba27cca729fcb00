/**
 * What a majority lease must not get wrong.
 */
import * as HashMap from "effect/HashMap"
import * as Voter from "../../src/protocol/lease/Voter.ts"
import * as Lease from "../../src/protocol/model/Lease.ts"
import type { Edit, Mutant } from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"

/** The other line of defence against what an earlier start said. */
const staleIsHeard: Edit = {
  file: "membership/Membership.ts",
  from: "if (sender.incarnation < before.member.incarnation) {",
  to: "if (sender.incarnation < 0) {"
}

export type LeaseMutant = Mutant & {
  /** All who must see it, each within what it is let. */
  readonly by?: ReadonlyArray<"explorer" | "trials" | "simulator">
  /** The stories of `test/protocol/stories` that tell how it could be used, and must show it. */
  readonly stories?: ReadonlyArray<string>
  /** Those that end well all the same, but in which somebody leads much later than without it. */
  readonly slows?: ReadonlyArray<string>
}

/** Whoever asks for a vote, or whether it would get one, finds another promise than there is. It stays as it is unless it gets one. */
const granting = (
  change: (promise: Lease.Promise, candidate: Lease.Holder, standing: number) => Lease.Promise
): Mutations.Mutation =>
(step) =>
(state, input, now) => {
  const asked = Mutations.messageOf(input)
  const election = asked?.type === "ELECTION"
    ? asked.election
    : asked?.type === "SERVER_PROBE"
    ? asked.preVote
    : undefined
  if (asked === undefined || election === undefined || !HashMap.has(state.promises, election)) {
    return step(state, input, now)
  }
  const standing = asked.type === "ELECTION" ? asked.standing : Infinity
  const promises = HashMap.modify(state.promises, election, (promise) => change(promise, asked.sender, standing))
  const [after, outputs] = step({ ...state, promises }, input, now)
  return [after.promises === promises ? { ...after, promises: state.promises } : after, outputs]
}

export const mutants: ReadonlyArray<LeaseMutant> = [
  {
    name: "a promise to one keeps nobody from promising to another",
    by: ["trials"],
    stories: ["promise"],
    mutate: granting((promise, sender) => ({ ...promise, to: sender }))
  },
  {
    name: "who has just started makes promises at once",
    by: ["explorer", "trials"],
    stories: ["silent-start"],
    mutate: (step) => (state, input, now) => {
      const [after, outputs] = step({ ...state, silentUntil: -Infinity }, input, now)
      return [{ ...after, silentUntil: Math.max(state.silentUntil, after.silentUntil) }, outputs]
    }
  },
  {
    name: "a vote counts each time it comes",
    by: ["trials"],
    file: "model/Lease.ts",
    from: "servers.includes(id) ? servers : [...servers, id]",
    to: "[...servers, id]"
  },
  {
    name: "a vote for an earlier claim counts for the one now",
    stories: ["vote-for-an-earlier-claim"],
    mutate: Mutations.hearing((message, { election: { claim } }) =>
      message.type === "VOTE" && claim !== null && message.standing < claim.term
        ? { ...message, standing: claim.term }
        : message
    )
  },
  {
    name: "votes count after what was promised was given back",
    stories: ["late-vote"],
    file: "lease/LeaseClaim.ts",
    from: "  election.change({ claim: null })\n",
    to: "  if (claim.held) election.change({ claim: null })\n"
  },
  {
    name: "what a server promises itself binds nobody",
    by: ["explorer", "trials"],
    mutate: Mutations.leaving(({ after, before }) => {
      const { to } = Voter.promiseIn(after, "")
      return to?.id === after.self.id ? { ...after, promises: before.promises } : after
    })
  },
  {
    name: "a leader does not renew its own promise",
    by: ["explorer", "trials"],
    mutate: Mutations.leaving(({ after, before }) => {
      const renewed = Voter.promiseIn(after, "")
      return renewed.to?.id === after.self.id && renewed.term === Voter.promiseIn(before, "").term
        ? { ...after, promises: before.promises }
        : after
    })
  },
  {
    name: "a lease has no end",
    by: ["trials"],
    file: "model/Lease.ts",
    from: "duration * (1 - 2 * drift)",
    to: "duration * (1_000 - 2 * drift)"
  },
  {
    name: "a lease lasts from when its beat was acknowledged",
    by: ["explorer", "trials", "simulator"],
    stories: ["late-acknowledgement"],
    mutate: Mutations.leaving(({ after, before, now }) => {
      const { claim } = after.election
      const isRenewed = claim !== null && before.election.claim?.held === true
        && claim.term === before.election.claim.term && claim.leaseStart !== before.election.claim.leaseStart
      return isRenewed ? Mutations.withElection(after, { claim: { ...claim, leaseStart: Lease.instant(now) } }) : after
    })
  },
  {
    name: "a lease lasts from when a majority had voted",
    by: ["trials", "simulator"],
    mutate: Mutations.leaving(({ after, before, now }) => {
      const { claim } = after.election
      const isNew = claim !== null && claim.held && (before.election.claim?.held !== true
        || before.election.claim.term !== claim.term)
      return isNew ? Mutations.withElection(after, { claim: { ...claim, leaseStart: Lease.instant(now) } }) : after
    })
  },
  {
    name: "a vote for an earlier start counts for the one now",
    stories: ["vote-for-an-earlier-start"],
    mutate: Mutations.hearing((message, { self }) =>
      message.type === "VOTE" && message.incarnation < self.incarnation
        ? { ...message, incarnation: self.incarnation }
        : message
    )
  },
  {
    name: "an acknowledgement of an earlier term counts in the one now",
    stories: ["earlier-acknowledgement"],
    mutate: Mutations.hearing((message, { election: { claim } }) =>
      message.type === "BEAT_ACK" && claim !== null && message.claim < claim.term
        ? { ...message, claim: claim.term }
        : message
    )
  },
  {
    name: "an acknowledgement of an earlier start counts for the one now",
    stories: ["acknowledgement-of-an-earlier-start"],
    mutate: Mutations.hearing((message, { self }) =>
      message.type === "BEAT_ACK" && message.incarnation < self.incarnation
        ? { ...message, incarnation: self.incarnation }
        : message
    )
  },
  {
    name: "an acknowledgement counts each time it comes",
    by: ["trials"],
    file: "model/Lease.ts",
    from: "{ ...one, acks: withOne(one.acks, by) }",
    to: "{ ...one, acks: [...one.acks, by] }"
  },
  {
    name: "clocks are taken to go alike",
    by: ["trials"],
    stories: ["clocks-at-the-limit"],
    file: "model/Lease.ts",
    from: "duration * (1 - 2 * drift)",
    to: "duration * (1 - 0 * drift)"
  },
  {
    name: "time asleep does not count",
    stories: ["naps", "sleep-without-uptime"],
    file: "model/Lease.ts",
    from:
      "    now.wall - since.wall,\n    now.sinceBoot === undefined || since.sinceBoot === undefined ? 0 : now.sinceBoot - since.sinceBoot\n",
    to: "    0\n"
  },
  {
    name: "what is given back frees a promise of a later term",
    by: ["trials"],
    stories: ["old-release"],
    mutate: Mutations.hearing((message, state) => {
      if (message.type !== "RELEASE") return message
      const { term } = Voter.promiseIn(state, message.election)
      return { ...message, claim: Math.max(message.claim, term) }
    })
  },
  {
    name: "what is given back frees a promise to a later start",
    stories: ["release-by-an-earlier-start"],
    file: "model/Lease.ts",
    from: "isHeldBy(promise, holder) && promise.term === term ?",
    to: "promise.to?.id === holder.id && promise.term === term ?",
    also: [staleIsHeard]
  },
  {
    name: "a lower term than was promised is granted",
    stories: ["overtaken-question"],
    mutate: granting((promise, _, standing) => ({ ...promise, term: Math.min(promise.term, standing - 1) }))
  },
  {
    name: "a leader gives its lease back while its work still runs",
    by: ["trials"],
    file: "election/Roles.ts",
    from: "  election.context.outputs.push({ _tag: \"EndWork\", election: election.name })",
    to:
      "  LeaseClaim.end(election, true)\n  election.context.outputs.push({ _tag: \"EndWork\", election: election.name })"
  },
  {
    name: "a leader whose work overran gives its lease back",
    by: ["trials"],
    mutate: Mutations.taking((input) => input._tag === "WorkEnded" ? { ...input, finished: true } : input)
  },
  {
    name: "a leader that stood still gives its lease back before its work has ended",
    stories: ["stood-still"],
    file: "election/Departures.ts",
    from: "  if (LeaseClaim.isHeld(election)) {\n",
    to: "  if (pausedFor < 0) {\n",
    also: [{
      file: "election/Departures.ts",
      from: "Roles.becomeVacant(election, reign, \"Stalled\", {",
      to: "Roles.becomeVacant(election, reign, \"Stalled\", { workEnded: true,"
    }]
  },
  {
    name: "who asks the leader to yield stands for a term by that",
    stories: ["yield"],
    mutate: Mutations.doing((output, { after }) =>
      output._tag === "Send" && output.message.type === "ELECTION" && output.message.standing === 0
        ? [{ ...output, message: { ...output.message, standing: after.election.heard + 1 } }]
        : [output]
    )
  },
  {
    name: "timers are taken to count naps",
    stories: ["nap-in-time"],
    file: "Step.ts",
    from: "      Algorithms.of(context.state).onPauseCheck(context)\n",
    to: ""
  },
  {
    name: "a server gives back with its next claim what still covers its work",
    stories: ["next-claim"],
    file: "lease/LeaseClaim.ts",
    from:
      "  if (election.register.workUntil <= election.context.now.monotonic) return giveBack(election, claim.term)\n",
    to: "  if (!claim.held || workEnded) return giveBack(election, claim.term)\n"
  },
  {
    name: "work that overran and ends gives the lease back, whatever else runs",
    stories: ["work-given-up", "work-beside"],
    file: "election/SteppingDown.ts",
    from: "  election.change({ overrun: false, lastUntil })\n",
    to: "  election.change({ overrun: false, lastUntil })\n  LeaseClaim.end(election, true)\n"
  },
  {
    name: "a claim that is held is given back with what is owed",
    stories: ["later-claim"],
    file: "lease/LeaseClaim.ts",
    from: "  if (owed !== term || claim?.held === true) return false\n",
    to:
      "  if (owed !== term) return false\n  if (claim?.held === true) {\n    giveBack(election, claim.term)\n    return true\n  }\n"
  },
  {
    name: "what is heard late of an earlier claim gives a later one back",
    stories: ["late-idle"],
    file: "lease/LeaseClaim.ts",
    from: "  if (owed !== term || claim?.held === true) return false\n",
    to: "  if (owed === null || claim?.held === true) return false\n  term = owed\n"
  },
  {
    name: "what is owed is never given back",
    slows: ["overrun"],
    file: "lease/LeaseClaim.ts",
    from: "  if (owed !== term || claim?.held === true) return false\n",
    to: "  if (owed !== term || election.name !== \"never\") return false\n"
  },
  {
    name: "what is given back is said to those in view only",
    slows: ["one-way"],
    mutate: Mutations.doing((output, { after }) => {
      if (output._tag !== "Send" || output.message.type !== "RELEASE") return [output]
      const to = output.to.flatMap((address) =>
        address === null ? Array.from(HashMap.values(after.known), (known) => known.address) : [address]
      )
      return to.length === 0 ? [] : [{ ...output, to }]
    })
  },
  {
    name: "what was given back is granted when it is heard of later",
    slows: ["overtaken-release"],
    mutate: granting((promise) => ({ ...promise, released: [] }))
  },
  {
    name: "a pre-vote counts as a vote",
    by: ["explorer", "trials"],
    file: "lease/LeaseElection.ts",
    from: "    if (reign === null) return askForVotes(election, agreement, termAbove(election, outcome.promised))\n",
    to:
      "    if (reign === null) {\n      askForVotes(election, agreement, termAbove(election, outcome.promised))\n      if (election.register.claim?.held === false) lead(election, agreement)\n      return\n    }\n"
  },
  {
    name: "a promise counts from the pre-vote, before the claim",
    stories: ["pre-vote"],
    file: "lease/PreVote.ts",
    from: "  return { preVote: Voter.preVote(context, preVote, sender) }\n",
    to:
      "  const vote = Voter.preVote(context, preVote, sender)\n  if (vote.granted && vote.boundTo === null) Voter.bind(context, context.state.timing.lease, preVote, sender, vote.promised + 1)\n  return { preVote: vote }\n"
  },
  {
    name: "an acknowledgement counts for later renewals",
    by: ["trials"],
    stories: ["earlier-renewal"],
    mutate: Mutations.hearing((message, { election: { claim } }) =>
      message.type === "BEAT_ACK" && claim !== null ? { ...message, beat: Math.max(message.beat, claim.beat) } : message
    )
  },
  {
    name: "an acknowledgement of a renewal that was not said yet counts for the earlier ones",
    stories: ["forged-acknowledgement"],
    mutate: Mutations.hearing((message, { election: { claim } }) =>
      message.type === "BEAT_ACK" && claim !== null ? { ...message, beat: Math.min(message.beat, claim.beat) } : message
    )
  },
  {
    name: "who goes by other settings gets votes",
    stories: ["other-settings"],
    mutate: Mutations.hearing((message, { timing: { lease } }) =>
      "lease" in message && lease !== null ? { ...message, lease } : message
    )
  },
  {
    name: "what was handed over is never forgotten",
    stories: ["handover-kept-too-long"],
    mutate: Mutations.from((state, _, now) => ({
      ...state,
      kept: state.kept.map((one) => ({ ...one, madeAt: Lease.instant(now) }))
    }))
  },
  {
    name: "what was handed over is kept for so long from when it came",
    stories: ["handover-late"],
    mutate: Mutations.leaving(({ after, input, now }) => {
      if (input._tag !== "Received" || input.message.type !== "HANDOVER") return after
      const { key } = input.message
      return {
        ...after,
        kept: after.kept.map((one) => one.key === key ? { ...one, madeAt: Lease.instant(now) } : one)
      }
    })
  },
  {
    name: "what was handed over is given to every start that asks",
    stories: ["handover-to-two-starts"],
    mutate: Mutations.from((state) => ({
      ...state,
      kept: state.kept.map((one) => ({ ...one, givenTo: null }))
    }))
  },
  {
    name: "what is handed over is handed to all who accept",
    stories: ["handover-to-two-keepers"],
    mutate: Mutations.from((state, input) => {
      const { giving } = state.handover
      if (giving === null || input._tag !== "Received" || input.message.type !== "HANDOVER_ACCEPT") return state
      return { ...state, handover: { ...state.handover, giving: { ...giving, accepted: null } } }
    })
  },
  {
    name: "who has handed over goes on voting",
    stories: ["handover-then-vote"],
    mutate: Mutations.leaving(({ after, before }) =>
      after.silentUntil === Infinity ? { ...after, silentUntil: before.silentUntil } : after
    )
  },
  {
    name: "who is silent hands over what it knows",
    stories: ["handover-while-silent"],
    mutate: Mutations.from((state, input) => input._tag === "Leave" ? { ...state, silentUntil: -Infinity } : state)
  },
  {
    name: "who starts again takes over what binds it, and no terms",
    stories: ["handover-without-terms"],
    file: "lease/Handover.ts",
    from: "      term === 0",
    to: "      to === null",
    also: [{
      file: "lease/Handover.ts",
      from: "[election, heard]",
      to: "[election, heard * 0]"
    }]
  },
  {
    name: "who starts again takes over the terms, and nothing that binds it",
    by: ["trials"],
    file: "lease/Handover.ts",
    from: "until: to === null ? -Infinity : silentUntil",
    to: "until: to === null ? -Infinity : silentUntil * -Infinity"
  }
]
