/**
 * What a majority lease must not get wrong.
 */
import type { Edit, Mutant } from "./Mutants.ts"

/** The other line of defence against what an earlier start said. */
const staleIsHeard: Edit = {
  file: "membership/Membership.ts",
  from: "if (sender.incarnation < before.member.incarnation) {",
  to: "if (sender.incarnation < 0) {"
}

export interface LeaseMutant extends Mutant {
  /** All who must see it, each within what it is let. */
  readonly by?: ReadonlyArray<"explorer" | "trials" | "simulator">
  /** The stories of `test/protocol/stories` that tell how it could be used, and must show it. */
  readonly stories?: ReadonlyArray<string>
  /** Those that end well all the same, but in which somebody leads much later than without it. */
  readonly slows?: ReadonlyArray<string>
}

export const mutants: ReadonlyArray<LeaseMutant> = [
  {
    name: "a promise to one keeps nobody from promising to another",
    by: ["trials"],
    stories: ["promise"],
    file: "model/Lease.ts",
    from: "!(binds(promise, now) && !isHeldBy(promise, candidate))",
    to: "(now > -Infinity || isHeldBy(promise, candidate))"
  },
  {
    name: "who has just started makes promises at once",
    by: ["explorer", "trials"],
    stories: ["silent-start"],
    file: "model/Lease.ts",
    from: "boolean => now < silentUntil",
    to: "boolean => now < silentUntil - Infinity"
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
    file: "model/Lease.ts",
    from: "&& vote.standing === claim.term &&",
    to: "&& vote.standing <= claim.term &&"
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
    file: "lease/Voter.ts",
    from: "  return keep(context, election, Lease.promise(",
    to: "  return holder.id === context.state.self.id || keep(context, election, Lease.promise("
  },
  {
    name: "a leader does not renew its own promise",
    by: ["explorer", "trials"],
    file: "lease/LeaseElection.ts",
    from: "  Voter.bind(election.context, agreement, election.name, election.state.self, claim.term)\n",
    to: ""
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
    file: "lease/LeaseElection.ts",
    from: "  election.change({ claim: after })\n",
    to:
      "  election.change({ claim: after.anchor === claim.anchor ? after : { ...after, anchor: Lease.instant(election.context.now) } })\n"
  },
  {
    name: "a lease lasts from when a majority had voted",
    by: ["trials", "simulator"],
    file: "lease/LeaseElection.ts",
    from: "  election.change({ claim: { ...claim, held: true } })\n",
    to: "  election.change({ claim: { ...claim, held: true, anchor: Lease.instant(election.context.now) } })\n"
  },
  {
    name: "a vote for an earlier start counts for the one now",
    stories: ["vote-for-an-earlier-start"],
    file: "model/Lease.ts",
    from: "vote.standing === claim.term && vote.incarnation === self.incarnation",
    to: "vote.standing === claim.term && vote.incarnation <= self.incarnation"
  },
  {
    name: "an acknowledgement of an earlier term counts in the one now",
    stories: ["earlier-acknowledgement"],
    file: "model/Lease.ts",
    from: "ack.claim === claim.term",
    to: "ack.claim <= claim.term"
  },
  {
    name: "an acknowledgement of an earlier start counts for the one now",
    stories: ["acknowledgement-of-an-earlier-start"],
    file: "model/Lease.ts",
    from: "ack.claim === claim.term && ack.incarnation === self.incarnation",
    to: "ack.claim === claim.term && ack.incarnation <= self.incarnation"
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
    file: "model/Lease.ts",
    from: "isHeldBy(promise, holder) && promise.term === term ?",
    to: "isHeldBy(promise, holder) && promise.term >= term ?"
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
    file: "model/Lease.ts",
    from: "!isReleased(promise, candidate, term) && term > promise.term && term > heard",
    to: "!isReleased(promise, candidate, term) && term > heard"
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
    file: "election/SteppingDown.ts",
    from: "workEnded: finished",
    to: "workEnded: finished || true"
  },
  {
    name: "a leader that stood still gives its lease back before its work has ended",
    stories: ["stood-still"],
    file: "election/BullyElection.ts",
    from: "  if (LeaseClaim.isHeld(election)) {\n",
    to: "  if (asleep < 0) {\n",
    also: [{
      file: "election/BullyElection.ts",
      from: "Roles.becomeVacant(election, reign, \"Stalled\", {",
      to: "Roles.becomeVacant(election, reign, \"Stalled\", { workEnded: true,"
    }]
  },
  {
    name: "who asks the leader to yield stands for a term by that",
    stories: ["yield"],
    file: "lease/LeaseElection.ts",
    from: "question(election, agreement, 0)",
    to: "question(election, agreement, termAbove(election))"
  },
  {
    name: "timers are taken to count naps",
    stories: ["nap-in-time"],
    file: "Step.ts",
    from: "      Algorithms.of(context.state).onWatch(context)\n",
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
    file: "lease/LeaseClaim.ts",
    from:
      "  election.sayOften(`release:${term}`, { type: \"RELEASE\", election: election.name, claim: term }, Timing.gaps.release)\n",
    to:
      "  for (const { id } of election.state.members) election.context.sayTo(id, { type: \"RELEASE\", election: election.name, claim: term })\n"
  },
  {
    name: "what was given back is granted when it is heard of later",
    slows: ["overtaken-release"],
    file: "model/Lease.ts",
    from: "!isReleased(promise, candidate, term) && term > promise.term && term > heard",
    to: "term > promise.term && term > heard"
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
    file: "model/Lease.ts",
    from: "one.beat <= beat ?",
    to: "one.beat >= beat ?"
  },
  {
    name: "an acknowledgement of a renewal that was not said yet counts for the earlier ones",
    stories: ["forged-acknowledgement"],
    file: "model/Lease.ts",
    from: "  beat > claim.beat ? claim : rested({",
    to: "  rested({"
  },
  {
    name: "who goes by other settings gets votes",
    stories: ["other-settings"],
    file: "lease/Voter.ts",
    from: "  if (difference === null) return true\n",
    to: "  if (difference !== undefined) return true\n"
  },
  {
    name: "what was handed over is never forgotten",
    stories: ["handover-kept-too-long"],
    file: "lease/Keeper.ts",
    from: "Lease.elapsed(madeAt, context.now) < Lease.lasts(agreement)",
    to: "Lease.elapsed(madeAt, context.now) < Infinity * Lease.lasts(agreement)"
  },
  {
    name: "what was handed over is kept for so long from when it came",
    stories: ["handover-late"],
    file: "lease/Keeper.ts",
    from: "  replace(context, { ...kept, pages })\n",
    to: "  replace(context, { ...kept, pages, madeAt: Lease.instant(context.now) })\n"
  },
  {
    name: "what was handed over is given to every start that asks",
    stories: ["handover-to-two-starts"],
    file: "lease/Keeper.ts",
    from: " || (kept.givenTo ?? start) !== start",
    to: ""
  },
  {
    name: "what is handed over is handed to all who accept",
    stories: ["handover-to-two-keepers"],
    file: "lease/Handover.ts",
    from: " || giving.accepted !== null || start !== own",
    to: " || start !== own"
  },
  {
    name: "who has handed over goes on voting",
    stories: ["handover-then-vote"],
    file: "lease/Handover.ts",
    from: "  context.state.silentUntil = Infinity\n",
    to: ""
  },
  {
    name: "who is silent hands over what it knows",
    stories: ["handover-while-silent"],
    file: "lease/Handover.ts",
    from: "const hasVoted = !isSilent(context)",
    to: "const hasVoted = context.now.monotonic > -Infinity"
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
