/** The majority lease as an algorithm of election: a majority votes, and its leader leads for as long as that binds it. */
import type { ElectionAlgorithm } from "../election/ElectionAlgorithm.ts"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Handover from "./Handover.ts"
import * as LeaseClaim from "./LeaseClaim.ts"
import * as LeaseElection from "./LeaseElection.ts"
import * as PreVote from "./PreVote.ts"
import * as Voter from "./Voter.ts"

const { agreementOf } = LeaseClaim

/** The majority lease. */
export const majorityLease: ElectionAlgorithm = {
  silentUntil: (timing, monotonic) => Handover.silentUntil(timing, agreementOf({ state: { timing } }), monotonic),
  lasts: LeaseClaim.lasts,
  onStart: Handover.start,
  onRestored: (context) => Handover.startAnew(context, agreementOf(context)),
  onLeave: (context) => Handover.leave(context, agreementOf(context)),
  delaysGoodbye: (context) => Handover.isUnderWay(context.state) || LeaseClaim.isGivingBack(context),
  begin: (context) => LeaseElection.expire(context, agreementOf(context)),
  end: (context) => LeaseElection.countMajority(context, agreementOf(context)),
  onSweep: (context) => LeaseElection.countServers(context, agreementOf(context)),
  onPauseCheck: (context) => LeaseElection.look(context, agreementOf(context)),
  onHeartbeat: Handover.ask,
  // The votes say it.
  checkPaths: () => {},
  onUnproven: () => {},
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
        // `LeaseEnds` has done what it is for: in each step `begin` comes first.
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
  onHandover: (context, message, from) => Handover.hear(context, agreementOf(context), message, from),
  onHandoverTimer: (context, timer) => Handover.fired(context, agreementOf(context), timer),
  answer: PreVote.answer,
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
