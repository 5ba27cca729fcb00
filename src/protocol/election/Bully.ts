/** The Bully as an algorithm of election: rank decides, and a higher ranked one objects. */
import * as Paths from "../membership/Paths.ts"
import * as BullyElection from "./BullyElection.ts"
import * as Candidacy from "./Candidacy.ts"
import type { ElectionAlgorithm } from "./ElectionAlgorithm.ts"
import * as ElectionContext from "./ElectionContext.ts"

const nothing = (): void => {}

/** The Bully. Where nobody votes, what is said of votes means nothing. */
export const bully: ElectionAlgorithm = {
  silentUntil: () => -Infinity,
  lasts: () => true,
  onStart: nothing,
  onRestored: nothing,
  onLeave: nothing,
  delaysGoodbye: () => false,
  begin: nothing,
  end: nothing,
  onSweep: nothing,
  onPauseCheck: nothing,
  onHeartbeat: nothing,
  checkPaths: (context) => {
    if (Paths.watch(context)) ElectionContext.all(context).forEach(BullyElection.onUnheard)
  },
  onTimer: (election, timer) => {
    switch (timer._tag) {
      case "Stand":
        return BullyElection.stand(election)
      case "NoObjection":
        return BullyElection.noObjection(election)
      case "Object":
        return BullyElection.object(election, timer.to, timer.standing)
      case "Eligible":
        return Candidacy.callElection(election)
      case "WaitOver":
        return Candidacy.standAgain(election)
    }
  },
  onUnproven: BullyElection.onUnproven,
  onElection: BullyElection.onElection,
  onOk: BullyElection.onOk,
  onBeat: nothing,
  onBallot: nothing,
  onBallotElsewhere: nothing,
  onLateRelease: nothing,
  onHandover: nothing,
  onHandoverTimer: nothing,
  answer: () => ({}),
  onResponse: nothing,
  onForeign: nothing,
  onRaised: BullyElection.onRaised
}
