/** The majority lease as an algorithm of election: a majority votes, and its leader leads for as long as that binds it. */
import type { ElectionAlgorithm } from "../election/ElectionAlgorithm.ts"
import * as ElectionContext from "../election/ElectionContext.ts"
import type * as Lease from "../model/Lease.ts"
import type { State } from "../model/State.ts"
import * as LeaseElection from "./LeaseElection.ts"
import * as PreVote from "./PreVote.ts"
import * as Voter from "./Voter.ts"

/** A server goes by this algorithm only where it has an agreement. */
const agreementOf = ({ state }: { readonly state: State }): Lease.Agreement => state.timing.lease!

/** The majority lease. */
export const majorityLease: ElectionAlgorithm = {
  begin: (context) => LeaseElection.expire(context, agreementOf(context)),
  end: (context) => LeaseElection.countMajority(context, agreementOf(context)),
  onSweep: (context) => LeaseElection.countServers(context, agreementOf(context)),
  onPauseCheck: (context) => LeaseElection.look(context, agreementOf(context)),
  // The votes say it.
  checkPaths: () => {},
  onTimer: (election, timer) => {
    const agreement = agreementOf(election)
    switch (timer._tag) {
      case "Stand":
        return LeaseElection.stand(election, agreement)
      case "Eligible":
        return LeaseElection.eligible(election, agreement)
      case "NoMajority":
        return LeaseElection.noMajority(election, agreement)
      case "PreVote":
        return LeaseElection.afterPreVote(election, agreement, PreVote.onTimer(election, agreement))
      case "RenewLease":
        return LeaseElection.renew(election, agreement)
        // `LeaseEnds` has done what it is for: whatever a step is taken for, `begin` comes first.
    }
  },
  onElection: (election, message, from) => LeaseElection.onElection(election, agreementOf(election), message, from),
  // Where there are votes nobody objects.
  onOk: () => {},
  onBeat: (election, message, from) => LeaseElection.onBeat(election, message.lease, message, from),
  // What it follows itself is not looked at: it may take no part in this election.
  onBallot: (election, message) => {
    switch (message.type) {
      case "VOTE":
        return LeaseElection.onVote(election, agreementOf(election), message)
      case "BEAT_ACK":
        return LeaseElection.onBeatAck(election, agreementOf(election), message)
      case "RELEASE":
        return LeaseElection.onRelease(election, agreementOf(election), message)
    }
  },
  onBallotElsewhere: (context, message, from) => Voter.hear(context, agreementOf(context), message, from),
  onLateRelease: (context, message) => {
    const election = ElectionContext.find(context, message.election)
    if (election === null) Voter.onRelease(context, message.election, message.sender, message.claim)
    else LeaseElection.onRelease(election, agreementOf(context), message)
  },
  onResponse: (context, message) => {
    for (const election of ElectionContext.all(context)) {
      LeaseElection.onAnswered(election, agreementOf(context), message)
    }
  },
  onForeign: (context, member) => {
    for (const election of ElectionContext.all(context)) LeaseElection.onForeign(election, member)
  },
  onRaised: LeaseElection.onRaised
}
