/**
 * What a majority lease must not get wrong.
 */
import * as HashMap from "effect/HashMap"
import type * as Algorithms from "../../src/protocol/election/Algorithms.ts"
import type * as Roles from "../../src/protocol/election/Roles.ts"
import type * as SteppingDown from "../../src/protocol/election/SteppingDown.ts"
import * as LeaseClaim from "../../src/protocol/lease/LeaseClaim.ts"
import * as Voter from "../../src/protocol/lease/Voter.ts"
import * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import { type Mutant, replacing } from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"

export type LeaseMutant = Mutant & {
  /** All who must see it, each within what it is let. */
  readonly by?: ReadonlyArray<"explorer" | "trials" | "simulator">
  /** The stories of `test/protocol/stories` that tell how it could be used, and must show it. */
  readonly stories?: ReadonlyArray<string>
  /** Those that end well all the same, but in which somebody leads much later than without it. */
  readonly slows?: ReadonlyArray<string>
}

/** One that asks for a vote, or whether it would get one, finds another promise than there is. It stays as it is unless it gets one. */
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

/** How long leases last is reckoned as if clocks differed so much in speed; servers agree on the true drift. */
const byDrift = (drift: number) =>
  replacing<typeof Lease>("model/Lease.ts", {
    lasts: (lasts) => (agreement) => lasts({ ...agreement, drift }),
    left: (left) => (claim, agreement, now) => left(claim, { ...agreement, drift }, now),
    isHeld: (isHeld) => (claim, agreement, now) => isHeld(claim, { ...agreement, drift }, now),
    beaten: (beaten) => (claim, agreement, now) => beaten(claim, { ...agreement, drift }, now)
  })

/** An instant since which no clock but the monotonic one shows that time has passed. */
const byMonotonic = ({ monotonic }: Lease.Instant): Lease.Instant => ({
  monotonic,
  wall: Infinity,
  sinceBoot: undefined
})

/** What a former start promised comes as something else. */
const takingOver = (
  change: (promises: ReadonlyArray<Message.Promised>) => ReadonlyArray<Message.Promised>
): Mutations.Mutation =>
  Mutations.taking((input) =>
    input._tag === "Received" && input.message.type === "PROMISES"
      ? { ...input, message: { ...input.message, promises: change(input.message.promises) } }
      : input
  )

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
    replace: [replacing<typeof Lease>("model/Lease.ts", {
      voted: () => (claim, by) => ({ ...claim, votes: [...claim.votes, by] })
    })]
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
    replace: [replacing<typeof LeaseClaim>("lease/LeaseClaim.ts", {
      end: (end) => (election, workEnded) => {
        const { claim } = election.register
        end(election, workEnded)
        if (claim?.held === false) election.change({ claim })
      }
    })]
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
    // It lasts a thousand times as long.
    replace: [byDrift(-499.5)]
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
    replace: [replacing<typeof Lease>("model/Lease.ts", {
      acknowledged: (acknowledged) => (claim, by, ...what) => {
        const times = claim.beats.reduce((sum, { acks }) => sum + acks.length, 0)
        return acknowledged(claim, `${by} ${times}` as typeof by, ...what)
      }
    })]
  },
  {
    name: "clocks are taken to go alike",
    by: ["trials"],
    stories: ["clocks-at-the-limit"],
    replace: [byDrift(0)]
  },
  {
    name: "suspended time does not count",
    stories: ["naps", "sleep-without-uptime"],
    mutate: Mutations.leaving(({ after }) => {
      const { claim } = after.election
      if (claim === null) return after
      const beats = claim.beats.map((beat) => ({ ...beat, sentAt: byMonotonic(beat.sentAt) }))
      return Mutations.withElection(after, { claim: { ...claim, beats, leaseStart: byMonotonic(claim.leaseStart) } })
    })
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
    mutate: Mutations.hearing((message, state) => {
      if (message.type !== "RELEASE") return message
      const { incarnation } = Mutations.knownOf(state, message.sender.id)?.member ?? message.sender
      return { ...message, sender: { ...message.sender, incarnation } }
    })
  },
  {
    name: "a lower term than was promised is granted",
    stories: ["overtaken-question"],
    mutate: granting((promise, _, standing) => ({ ...promise, term: Math.min(promise.term, standing - 1) }))
  },
  {
    name: "a leader gives its lease back while its work still runs",
    by: ["trials"],
    replace: [replacing<typeof Roles>("election/Roles.ts", {
      endReign: (endReign) => (election, cause) => {
        endReign(election, cause)
        if (election.register.ending !== null) LeaseClaim.end(election, true)
      }
    })]
  },
  {
    name: "a leader whose work overran gives its lease back",
    by: ["trials"],
    mutate: Mutations.taking((input) => input._tag === "WorkEnded" ? { ...input, finished: true } : input)
  },
  {
    name: "a leader that was paused gives its lease back before its work has ended",
    stories: ["stood-still"],
    replace: [
      replacing<typeof LeaseClaim>("lease/LeaseClaim.ts", { isHeld: () => () => false }),
      replacing<typeof Roles>("election/Roles.ts", {
        becomeVacant: (becomeVacant) => (election, ended, cause, how) =>
          becomeVacant(election, ended, cause, cause === "Stalled" ? { ...how, workEnded: true } : how)
      })
    ]
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
    replace: [replacing<typeof Algorithms>("election/Algorithms.ts", {
      of: (of) => (state) => ({ ...of(state), onPauseCheck: () => {} })
    })]
  },
  {
    name: "a server gives back with its next claim what still covers its work",
    stories: ["next-claim"],
    replace: [replacing<typeof LeaseClaim>("lease/LeaseClaim.ts", {
      end: (end) => (election, workEnded) => {
        if (election.register.claim?.held === false) election.change({ workUntil: -Infinity })
        end(election, workEnded)
      }
    })]
  },
  {
    name: "work that overran and ends gives the lease back, even if other work runs",
    stories: ["work-given-up", "work-beside"],
    replace: [replacing<typeof SteppingDown>("election/SteppingDown.ts", {
      workFinished: (workFinished) => (election) => {
        if (election.register.overrun) LeaseClaim.end(election, true)
        workFinished(election)
      }
    })]
  },
  {
    name: "a claim that is held is given back with what is owed",
    stories: ["later-claim"],
    replace: [replacing<typeof LeaseClaim>("lease/LeaseClaim.ts", {
      settle: (settle) => (election, term) => {
        const { claim, owed } = election.register
        if (owed !== term || claim?.held !== true) return settle(election, term)
        election.change({ owed: null })
        Voter.onRelease(election.context, election.name, election.state.self, claim.term)
        election.context.say(null, { type: "RELEASE", election: election.name, claim: claim.term })
        return true
      }
    })]
  },
  {
    name: "what is heard late of an earlier claim gives a later one back",
    stories: ["late-idle"],
    replace: [replacing<typeof LeaseClaim>("lease/LeaseClaim.ts", {
      settle: (settle) => (election, term) => settle(election, election.register.owed ?? term)
    })]
  },
  {
    name: "what is owed is never given back",
    slows: ["overrun"],
    replace: [replacing<typeof LeaseClaim>("lease/LeaseClaim.ts", {
      settle: () => () => false
    })]
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
    mutate: (step) => (before, input, now) => {
      const first = step(before, input, now)
      const { activity } = before.election
      const { claim } = first[0].election
      const hasAsked = activity._tag === "PreVote" && claim?.held === false &&
        claim.term !== before.election.claim?.term
      if (!hasAsked) return first
      // The answer that completed the majority is no longer to be seen in the state.
      const answered = Mutations.messageOf(input)?.sender.id
      return first[0].members.filter(({ id }) => id === answered || activity.answers.some(({ by }) => by === id))
        .reduce<ReturnType<Mutations.Transition>>(([state, said], sender) => {
          const { incarnation } = state.self
          const vote = { standing: claim.term, incarnation, granted: true, promised: 0, boundTo: null, remaining: 0 }
          const header = { sender, term: 0, leader: null, heard: 0 }
          const message = { type: "VOTE", election: "", ...header, ...vote } as const
          const [next, more] = step(state, { _tag: "Received", message, from: sender, via: "unicast" }, now)
          return [next, [...said, ...more]]
        }, first)
    }
  },
  {
    name: "a promise counts from the pre-vote, before the claim",
    stories: ["pre-vote"],
    replace: [replacing<typeof Voter>("lease/Voter.ts", {
      preVote: (preVote) => (context, election, candidate) => {
        const vote = preVote(context, election, candidate)
        const { lease } = context.state.timing
        if (lease !== null && vote.granted && vote.boundTo === null) {
          Voter.bind(context, lease, election, candidate, vote.promised + 1)
        }
        return vote
      }
    })]
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
    mutate: takingOver((promises) =>
      promises.flatMap((promised) => promised.to === null ? [] : [{ ...promised, heard: 0 }])
    )
  },
  {
    name: "who starts again takes over the terms, and nothing that binds it",
    by: ["trials"],
    mutate: takingOver((promises) => promises.map((promised) => ({ ...promised, to: null })))
  }
]
