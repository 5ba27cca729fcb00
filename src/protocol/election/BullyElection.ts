/**
 * Who leads: the Bully over a register that only grows. Here is what it does as a candidate, and what it makes of others; what
 * calls for an election is in `Candidacy`.
 *
 * The reign is a register that all servers hold and every message carries; the greater `(term, rank)` wins, and a Bully
 * who outranks the leader makes a greater one. Nothing else decides, so lost, doubled and late messages cannot make
 * views differ for longer than it takes to hear one message. After Garcia-Molina, *Elections in a Distributed Computing
 * System* (1982).
 *
 * ```
 *             trigger                  stagger over, a higher one is in view
 *   Idle ───────────────▶ Pending ─────────────────────────────▶ Standing
 *    ▲ ▲                    │  stagger over, none higher            │    │ OK of a higher one
 *    │ └────────────────────┴──────────▶ leads ◀────────────────────┘    ▼
 *    │                                               nobody objects    Waiting ── wait over ──▶ Pending
 *    └── a reign is followed (from any)
 * ```
 */
import * as Option from "effect/Option"
import * as FailureDetector from "../membership/FailureDetector.ts"
import * as Paths from "../membership/Paths.ts"
import * as Stability from "../membership/Stability.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Candidacy from "./Candidacy.ts"
import * as Damping from "./Damping.ts"
import * as ElectionContext from "./ElectionContext.ts"
import * as Following from "./Following.ts"
import * as LeaderLife from "./LeaderLife.ts"
import * as LeaderNotice from "./LeaderNotice.ts"
import * as Roles from "./Roles.ts"

type Context = ElectionContext.ElectionContext

// --- Standing ---

/** The stagger is over. */
export const stand = (election: Context): void => {
  election.change({ activity: { _tag: "Idle" } })
  if (!Roles.mayStand(election)) return
  const { timing } = election.state
  const { last, reign, vacancy } = election.register
  // The leader itself named us: nobody need be asked.
  if (Roles.wasNamed(election)) return Roles.becomeLeader(election)
  if (Candidacy.higher(election).length > 0) return askForObjections(election, timing.okTimeout)
  if (reign === null && vacancy.askFirst) return askForObjections(election, 2 * timing.probeTimeout)
  if (last === null && !Stability.mayPreempt(election.context)) return askForObjections(election, timing.okTimeout)
  Roles.becomeLeader(election)
}

/** Asks at 0, a quarter and a half of the time who objects; leads when it is over. */
const askForObjections = (election: Context, time: number): void => {
  const standing = Reign.nextTerm(election.register.heard, election.context.now.wall)
  election.change({ activity: { _tag: "Standing", standing } })
  election.sayOften("ask", { type: "ELECTION", election: election.name, standing }, [time / 4, time / 4])
  election.setTimer("ok", time, { _tag: "NoObjection" })
}

/** Nobody objected in time. */
export const noObjection = (election: Context): void => {
  Roles.stopActivity(election)
  if (Roles.mayStand(election)) Roles.becomeLeader(election)
}

const waitForHigher = (election: Context): void => {
  Roles.stopActivity(election)
  election.change({ activity: { _tag: "Waiting" } })
  const time = election.state.timing.coordinatorTimeout
  election.setTimer("wait", time + election.context.random() * time / 4, { _tag: "WaitOver" })
}

// --- What others say ---

/** Somebody stands. */
export const onElection = (election: Context, message: Message.Of<"ELECTION">, from: Member.Address): void => {
  const { members, phase, timing, self } = election.state
  const { sender } = message
  if (election.leads) return LeaderNotice.send(election, sender.id, from)
  if (Following.isPathOver(election, message)) {
    Roles.becomeVacant(election, election.register.reign!, "Silent", { since: election.context.now.monotonic })
  }
  const { reign } = election.register
  if (election.outranks(sender, self)) {
    if (reign !== null) return
    // One that does not hear us may stand again and again for nothing.
    if (Following.isBothWays(election, sender.id)) waitForHigher(election)
    else Paths.request(election.context, sender.id)
    return
  }
  if (phase === "Leaving" || Roles.isIneligible(election) || members.length + 1 < timing.minimumMembers) return
  const above = Candidacy.above(election)
  // Who may not take the lead has no claim of its own, so it keeps nobody from making theirs.
  if (Damping.objects(election) && (reign === null || Following.vouchesTo(election, reign, message))) {
    election.setTimer(`object:${sender.id}`, 5 * above.length, {
      _tag: "Object",
      to: sender.id,
      standing: message.standing
    })
  }
  if (reign === null) return Candidacy.callElection(election)
  if (reign.leader.id === sender.id || above.filter((member) => member.id !== reign.leader.id).length > 2) return
  const leader = election.context.known(reign.leader.id)
  if (
    Option.isSome(leader) && election.context.now.monotonic - leader.value.heardAt > timing.probeTimeout &&
    phase === "Live"
  ) {
    FailureDetector.check(election.context, reign.leader.id, { ofLead: true })
  }
}

/** The time has come to object to who stands, and nobody higher has. */
export const object = (election: Context, to: Member.NodeId, standing: number): void =>
  election.context.say(null, { type: "OK", election: election.name, to, standing })

/** Somebody objects: to us, or in our place to another. */
export const onOk = (election: Context, message: Message.Of<"OK">): void => {
  const { self } = election.state
  const { activity } = election.register
  if (!election.outranks(message.sender, self)) return
  election.clearTimer(`object:${message.to}`)
  if (message.to === self.id && activity._tag === "Standing" && activity.standing === message.standing) {
    waitForHigher(election)
  }
}

/** A member that was asked has not proved that it hears this server. Where it leads, it is dropped. */
export const onUnproven = (election: Context, id: Member.NodeId): void => {
  const { life, reign } = election.register
  if (reign?.leader.id !== id || life.through !== null) return
  if (Following.isDirect(election, id)) return
  const path = LeaderLife.around(election)
  if (path !== null) return Following.goBy(election, reign, path)
  Roles.becomeVacant(election, reign, "Deaf")
  Candidacy.callElection(election)
}

/** No member is known to hear this server, and those that were asked did not answer: it leads nobody. */
export const onUnheard = (election: Context): void => Roles.endReign(election, "Unheard")

/** This server goes on under a higher incarnation: a reign of its own goes on as a new one. */
export const onRaised = (election: Context): void => {
  if (ElectionContext.ownReign(election.state, election.name) !== null) Roles.becomeLeader(election)
}
