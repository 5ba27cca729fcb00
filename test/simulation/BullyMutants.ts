/**
 * What the Bully, and membership, must not get wrong; by what each fault is seen, and which promise it breaks first.
 *
 * Some rules have a second line of defence: then both are taken out. Some only make things quicker, or rarer, and no fault
 * in them breaks a promise: those stand in docs/faults.md.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as BullyElection from "../../src/protocol/election/BullyElection.ts"
import type * as Candidacy from "../../src/protocol/election/Candidacy.ts"
import * as Departures from "../../src/protocol/election/Departures.ts"
import type { ElectionContext } from "../../src/protocol/election/ElectionContext.ts"
import * as ElectionContexts from "../../src/protocol/election/ElectionContext.ts"
import * as Following from "../../src/protocol/election/Following.ts"
import type * as LeaderPace from "../../src/protocol/election/LeaderPace.ts"
import type * as Register from "../../src/protocol/election/Register.ts"
import * as Roles from "../../src/protocol/election/Roles.ts"
import type * as SecondHand from "../../src/protocol/election/SecondHand.ts"
import type * as CrashLinks from "../../src/protocol/membership/CrashLinks.ts"
import type * as Description from "../../src/protocol/membership/Description.ts"
import type * as FailureDetector from "../../src/protocol/membership/FailureDetector.ts"
import type * as HeartbeatPace from "../../src/protocol/membership/HeartbeatPace.ts"
import type * as Identity from "../../src/protocol/membership/Identity.ts"
import type * as Membership from "../../src/protocol/membership/Membership.ts"
import * as PauseDetector from "../../src/protocol/membership/PauseDetector.ts"
import type * as Relocation from "../../src/protocol/membership/Relocation.ts"
import * as Witnesses from "../../src/protocol/membership/Witnesses.ts"
import * as Election from "../../src/protocol/model/Election.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import type * as Places from "../../src/protocol/model/Places.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import type { Now, State } from "../../src/protocol/model/State.ts"
import * as Timers from "../../src/protocol/model/Timers.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import type * as Zone from "../../src/protocol/model/Zone.ts"
import * as Removal from "../../src/protocol/Removal.ts"
import type * as Step from "../../src/protocol/Step.ts"
import type * as Invariants from "../../src/simulator/Invariants.ts"
import { type Mutant, replacing } from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"
import type * as Stories from "./Stories.ts"

export type BullyMutant = Mutant & {
  readonly seenBy: "explorer" | Stories.Name
  readonly breaks: Invariants.Name
}

/** Whether a server finds out in this step that it was paused. */
const wakes = (state: State, now: Now): boolean => PauseDetector.isPaused(state, now)

const isSaidBy = (input: Step.Input, { id }: Member.Member): boolean => Mutations.messageOf(input)?.sender.id === id

/** No server is called so. */
const nobody = "0000000000000000" as Member.NodeId

const knownStart = ({ sender }: Mutations.Heard, state: State): number =>
  Mutations.knownOf(state, sender.id)?.member.incarnation ?? sender.incarnation

const startedBefore = (message: Mutations.Heard, state: State): boolean =>
  message.sender.incarnation < knownStart(message, state)

const startedAfter = (message: Mutations.Heard, state: State): boolean =>
  message.sender.incarnation > knownStart(message, state)

/** As if the start that is known of its sender had said it. */
const asKnown = (message: Mutations.Heard, state: State): Mutations.Heard => ({
  ...message,
  sender: { ...message.sender, incarnation: knownStart(message, state) }
})

const asIfLive = <A>(election: ElectionContext, look: (election: ElectionContext) => A): A => {
  const { phase } = election.state
  if (phase !== "Left") election.state.phase = "Live"
  const seen = look(election)
  election.state.phase = phase
  return seen
}

export const mutants: ReadonlyArray<BullyMutant> = [
  {
    name: "the departed are forgotten",
    mutate: Mutations.from((state) => ({ ...state, tombstones: HashMap.empty() })),
    seenBy: "what the dead said last comes when they have been removed (4, the departed)",
    breaks: "returnsInOrder"
  },
  {
    name: "any answer brings back who was removed, regardless of the question that it answers",
    mutate: Mutations.from((state, input) => {
      const message = Mutations.messageOf(input)
      if (message?.type !== "SERVER_RESPONSE") return state
      const { nonce } = message
      return { ...state, tombstones: HashMap.modify(state.tombstones, message.sender.id, (one) => ({ ...one, nonce })) }
    }),
    seenBy: "what the dead said last comes when they have been removed (4, the departed)",
    breaks: "returnsInOrder"
  },
  {
    name: "any word brings back who was removed for silence",
    mutate: Mutations.from((state, input) => {
      const message = Mutations.messageOf(input)
      if (message === undefined) return state
      return {
        ...state,
        tombstones: HashMap.filter(state.tombstones, ({ mayReturn }, id) => id !== message.sender.id || !mayReturn)
      }
    }),
    seenBy: "what the dead said last comes when they have been removed (4, the departed)",
    breaks: "returnsInOrder"
  },
  {
    name: "a stale start is taken for the newest",
    mutate: Mutations.hearing((message, state) => startedBefore(message, state) ? asKnown(message, state) : message),
    seenBy: "the goodbye of an earlier start comes when the next one is there (3, SERVER_LEAVING)",
    breaks: "goodbyeCounts"
  },
  {
    name: "the goodbye of an earlier start is obeyed",
    mutate: Mutations.hearing((message, state) =>
      message.type === "SERVER_LEAVING" && startedBefore(message, state) ? asKnown(message, state) : message
    ),
    seenBy: "the goodbye of an earlier start comes when the next one is there (3, SERVER_LEAVING)",
    breaks: "goodbyeCounts"
  },
  {
    name: "a goodbye is not obeyed",
    mutate: Mutations.losing((input) => Mutations.messageOf(input)?.type === "SERVER_LEAVING"),
    seenBy: "a leader stops (5, leaving)",
    breaks: "goodbyeCounts"
  },
  {
    name: "a later start does not replace the earlier one",
    replace: [replacing<typeof Membership>("membership/Membership.ts", {
      hear: (hear) => (context, message, ...how) =>
        hear(context, startedAfter(message, context.state) ? asKnown(message, context.state) : message, ...how)
    })],
    seenBy: "explorer",
    breaks: "settles"
  },
  {
    name: "a later start does not end the reign of the earlier one",
    mutate: Mutations.keepingReign(({ before, input }) => {
      const sender = Mutations.messageOf(input)?.sender
      const leader = before.election.reign?.leader
      return sender?.id === leader?.id && (sender?.incarnation ?? 0) > (leader?.incarnation ?? 0)
    }),
    seenBy: "explorer",
    breaks: "heardItself"
  },
  {
    name: "a server takes itself for a member",
    replace: [replacing<typeof Membership>("membership/Membership.ts", {
      hear: (hear) => (context, ...heard) => {
        const { self } = context.state
        context.state.self = { ...self, id: nobody }
        const made = hear(context, ...heard)
        context.state.self = self
        return made
      }
    })],
    seenBy: "a leader stops (5, leaving)",
    breaks: "settles"
  },
  {
    name: "a start with its clock set back is never told so",
    replace: [replacing<typeof Identity>("membership/Identity.ts", { raise: () => () => false })],
    seenBy: "a server starts again with its clock set back (1, incarnation)",
    breaks: "settles"
  },
  {
    name: "the removal of a member is not told",
    mutate: Mutations.doing((output) =>
      output._tag === "Emit" && output.event.event === "MemberRemoved" ? [] : [output]
    ),
    seenBy: "explorer",
    breaks: "viewIsTold"
  },
  {
    name: "nobody is removed for silence",
    mutate: Mutations.from((state, _, { monotonic }) =>
      Mutations.withKnown(state, (known) => ({ ...known, witnessedAt: monotonic }))
    ),
    seenBy: "fewer than the minimum are left (5, minimumMembers)",
    breaks: "settles"
  },
  {
    name: "who is silent is removed without being asked",
    mutate: Mutations.leaving(({ after, before }) => ({
      ...after,
      checks: HashMap.map(
        after.checks,
        (check, id) => HashMap.has(before.checks, id) ? check : { ...check, tries: Timing.probeTries }
      )
    })),
    seenBy: "explorer",
    breaks: "noFalseEviction"
  },
  {
    name: "one question without an answer is enough",
    mutate: Mutations.from((state) => ({
      ...state,
      checks: HashMap.map(state.checks, (check) => check.tries < 1 ? check : { ...check, tries: Timing.probeTries })
    })),
    seenBy: "explorer",
    breaks: "noFalseEviction"
  },
  {
    name: "one refusal is enough",
    mutate: Mutations.from((state, input) =>
      input._tag !== "Refused" ? state : {
        ...state,
        checks: HashMap.modify(state.checks, input.id, (check) => ({ ...check, linkRefused: true }))
      }
    ),
    seenBy: "a leader is killed, and its host says so (4, health)",
    breaks: "noFalseEviction"
  },
  {
    name: "a link that breaks is nobody's business",
    mutate: Mutations.losing(({ _tag }) => _tag === "LinkBroke"),
    seenBy: "one is killed that not all have a link with (crash links)",
    breaks: "crashIsKnown"
  },
  {
    name: "who sees a crash tells nobody",
    mutate: Mutations.hearing((message) =>
      message.type === "CRASHED" ? { ...message, gone: { ...message.gone, incarnation: 0 } } : message
    ),
    seenBy: "one is killed that not all have a link with (crash links)",
    breaks: "crashIsKnown"
  },
  {
    name: "who is told of a crash believes it",
    replace: [replacing<typeof CrashLinks>("membership/CrashLinks.ts", {
      told: () => (context, { gone: { id } }) =>
        Removal.removeIf(
          context,
          id,
          HashMap.has(context.state.known, id) ? { _tag: "Crashed", evidence: "hearsay" } : null
        )
    })],
    seenBy: "one is killed that not all have a link with (crash links)",
    breaks: "noFalseEviction"
  },
  {
    name: "a refused connection is enough",
    replace: [replacing<typeof FailureDetector>("membership/FailureDetector.ts", {
      linkRefused: () => () => ({ _tag: "Crashed", evidence: "a refused connection" })
    })],
    seenBy: "a firewall rejects all connections to one that lives (crash links)",
    breaks: "noFalseEviction"
  },
  {
    name: "a connection that another program accepts is a refused one",
    mutate: Mutations.taking((input) => input._tag === "LinkTried" ? { ...input, outcome: "Refused" } : input),
    seenBy: "another program has the ports of one that is killed (crash links)",
    breaks: "noFalseEviction"
  },
  {
    name: "five questions without an answer are enough, however short the silence",
    replace: [replacing<typeof FailureDetector>("membership/FailureDetector.ts", {
      unanswered: (unanswered) => (context, id) => {
        const { tries } = HashMap.getUnsafe(context.state.checks, id)
        const reason = unanswered(context, id)
        return tries < Timing.probeTries || reason !== null
          ? reason
          : { _tag: "Silent", for: 0, lastHeardOn: "multicast", ownLag: 0 }
      }
    })],
    seenBy: "the highest ranked was alone, and too few (5, rule 7)",
    breaks: "noFalseEviction"
  },
  {
    // Both ends of a rumour: who was told says it again, and it counts as of when it was said.
    name: "witnesses say again what they were told, and it counts from then on",
    replace: [replacing<typeof Witnesses>("membership/Witnesses.ts", {
      onAsk: (onAsk) => (context, ...asked) => {
        const { known } = context.state
        context.state.known = HashMap.map(known, (one) => ({ ...one, heardAt: Witnesses.lastKnownAt(one) }))
        onAsk(context, ...asked)
        context.state.known = known
      },
      onAnswer: (onAnswer) => (context, answer) => {
        const ago = context.state.witnesses.askedAt - context.now.monotonic
        onAnswer(context, { ...answer, heard: answer.heard.map(({ id }) => ({ id, ago })) })
      }
    })],
    seenBy: "the highest ranked is gone that some heard by one way only (4, witnesses)",
    breaks: "settles"
  },
  {
    name: "a goodbye is not obeyed while witnesses tell of the member",
    mutate: Mutations.losing((input, state) => {
      const message = Mutations.messageOf(input)
      if (message?.type !== "SERVER_LEAVING") return false
      return (Mutations.knownOf(state, message.sender.id)?.witnessedAt ?? 0) > 0
    }),
    seenBy: "the highest ranked leaves that one hears of by others only (4, witnesses)",
    breaks: "goodbyeCounts"
  },
  {
    // Any word also ends the questions.
    name: "only what comes by multicast is a sign of life",
    replace: [
      replacing<typeof Membership>("membership/Membership.ts", {
        hear: (hear) => (context, message, ...how) => {
          const heard = hear(context, message, ...how)
          if (heard === null) return heard
          context.state.known = HashMap.modify(
            context.state.known,
            message.sender.id,
            (known) => ({ ...known, heardAt: known.multicastAt })
          )
          return heard
        }
      }),
      replacing<typeof FailureDetector>("membership/FailureDetector.ts", {
        endCheck: (endCheck) => (context, id) => {
          const known = HashMap.get(context.state.known, id)
          if (Option.isNone(known) || known.value.via === "multicast") endCheck(context, id)
        }
      })
    ],
    seenBy: "multicast does not reach one server (4, health)",
    breaks: "noFalseDemotion"
  },
  {
    name: "heartbeats come with each tick, however large the group",
    replace: [replacing<typeof HeartbeatPace>("membership/HeartbeatPace.ts", { isDue: () => () => true })],
    seenBy: "one of a large group starts again (4, the pace of heartbeats)",
    breaks: "heartbeatsBounded"
  },
  {
    name: "a heartbeat that is put off is said with the next tick",
    replace: [replacing<typeof HeartbeatPace>("membership/HeartbeatPace.ts", {
      said: (said) => (context) => {
        said(context)
        const pace = context.state.heartbeatPace
        if (pace !== null && pace !== "asLeader") context.state.heartbeatPace = { ...pace, share: 0 }
      }
    })],
    seenBy: "one of a large group starts again (4, the pace of heartbeats)",
    breaks: "heartbeatsBounded"
  },
  {
    name: "a leader that was missed three times is asked nothing",
    replace: [replacing<typeof LeaderPace>("election/LeaderPace.ts", {
      missed: (missed) => (context, id) => {
        missed(context, id)
        if (!HashMap.has(context.state.checks, id)) return
        const { heardAt, member } = Option.getOrThrow(context.known(id))
        Departures.onSilent(ElectionContexts.ofGroup(context), member, heardAt)
      }
    })],
    seenBy: "multicast does not reach one server (4, health)",
    breaks: "noFalseDemotion"
  },
  {
    name: "a leader that others may have replaced leads on",
    replace: [replacing<typeof PauseDetector>("membership/PauseDetector.ts", { isLeadOver: () => () => false })],
    seenBy: "a leader is paused for almost as long as the others wait, and a little longer (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "a leader leads no more after any pause that is one",
    replace: [replacing<typeof PauseDetector>("membership/PauseDetector.ts", {
      isLeadOver: () => PauseDetector.isPaused
    })],
    seenBy: "a leader is paused for almost as long as the others wait, and a little longer (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who is on a list is a member unheard",
    mutate: (step) => (before, input, now) => {
      const [after, outputs] = step(before, input, now)
      if (input._tag !== "Received" || input.message.type !== "MEMBERS") return [after, outputs]
      return input.message.list.reduce<ReturnType<Mutations.Transition>>(([state, said], { heard: _, ...line }) => {
        if (line.id === state.self.id || HashMap.has(state.known, line.id)) return [state, said]
        const sender = { ...line, hostname: line.name, tags: {} }
        const message = { type: "SERVER_ALIVE", sender, term: 0, leader: null, heard: 0, interval: 500 } as const
        const [next, more] = step(state, { _tag: "Received", message, from: line, via: "unicast" }, now)
        return [next, [...said, ...more]]
      }, [after, outputs])
    },
    seenBy: "one that would object to a lower leader is gone (5, rule 7)",
    breaks: "heardItself"
  },
  {
    name: "hearsay of a leader is believed",
    replace: [replacing<typeof SecondHand>("election/SecondHand.ts", {
      check: () => (election, theirs) =>
        Roles.becomeFollowerOf(election, theirs, Following.leaderOf(election.context, theirs), Election.noLife)
    })],
    seenBy: "one hears only from another of a new start that leads, and then dies (5, hearsay)",
    breaks: "heardItself"
  },
  {
    name: "a stall is not noticed",
    mutate: Mutations.from((state, _, { monotonic, sinceBoot }) => ({
      ...state,
      lookedAt: monotonic,
      lookedSinceBoot: sinceBoot
    })),
    seenBy: "a leader is paused for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    // The stall is seen at the end of the step. And the answer to a question is not looked for too late, to which alone a pause would be one.
    name: "who wakes judges before it forgives",
    mutate: (step) => (state, input, now) => {
      if (input._tag === "Start" || !wakes(state, now)) return step(state, input, now)
      const { lookedAt, lookedSinceBoot } = state
      const askedAt = now.monotonic - state.timing.probeTimeout
      const checks = HashMap.map(state.checks, (check) => ({ ...check, askedAt }))
      const unaware = { ...state, checks, lookedAt: now.monotonic, lookedSinceBoot: now.sinceBoot }
      const [judged, outputs] = step(unaware, input, now)
      const [woken, more] = step({ ...judged, lookedAt, lookedSinceBoot }, { _tag: "Due" }, now)
      return [woken, [...outputs, ...more]]
    },
    seenBy: "a server is paused when it has asked its last question (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes forgives nobody the time that it slept",
    mutate: Mutations.leaving(({ after, before, input, now }) =>
      !wakes(before, now) ? after : Mutations.withKnown(after, (known) => {
        const heardAt = Mutations.knownOf(before, known.member.id)?.heardAt
        return heardAt === undefined || isSaidBy(input, known.member) ? known : { ...known, heardAt }
      })
    ),
    seenBy: "a leader is paused for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes forgives all that ever was",
    mutate: Mutations.leaving(({ after, before, now }) =>
      !wakes(before, now) ? after : Mutations.withKnown(after, (known) => ({ ...known, heardAt: now.monotonic }))
    ),
    seenBy: "a leader is paused for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "a leader that was paused leads on",
    mutate: Mutations.keepingReign(({ before, now }) =>
      wakes(before, now) && before.election.reign?.leader.id === before.self.id
    ),
    seenBy: "a leader is paused for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes does not listen first",
    mutate: Mutations.leaving(({ after, before, now }) =>
      wakes(before, now) && after.phase === "Recovering" ? { ...after, phase: "Live" } : after
    ),
    seenBy: "a leader is paused for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "an older reign is followed",
    replace: [replacing<typeof Register>("election/Register.ts", {
      observe: (observe) => (election, message, ...how) => {
        const { last, reign } = election.register
        const theirs = Message.reignOf(message)
        const before = reign ?? last
        const isOlder = theirs !== null && before !== null && Reign.compare(theirs, before, election.name) < 0
        if (isOlder) election.change({ reign: null, last: null })
        observe(election, message, ...how)
        if (election.register.reign === null) election.change({ reign, last })
      }
    })],
    seenBy: "what a leader said last comes when another leads (5, the order of reigns)",
    breaks: "reignNeverBack"
  },
  {
    name: "reigns of one term are not ordered by rank",
    replace: [replacing<typeof Reign>("model/Reign.ts", {
      compare: () => (self, that) => self.term - that.term,
      max: () => (self, that) => self === null || (that !== null && that.term > self.term) ? that : self
    })],
    seenBy: "two lead in one term, and meet (5, the order of reigns)",
    breaks: "settles"
  },
  {
    name: "the end of the leader is not the end of its reign",
    mutate: Mutations.keepingReign(({ after, before }) => {
      const leader = before.election.reign?.leader
      return leader !== undefined && before.members.some((member) => Member.isSameStart(member, leader))
        && !after.members.some((member) => member.id === leader.id)
    }),
    seenBy: "explorer",
    breaks: "heardItself"
  },
  {
    name: "a new term is that of the clock, regardless of the terms heard of",
    replace: [
      replacing<typeof Reign>("model/Reign.ts", { nextTerm: (nextTerm) => (_, wall) => nextTerm(0, wall) })
    ],
    seenBy: "explorer",
    breaks: "settles"
  },
  {
    name: "the terms that others speak of are not heeded",
    // Who loses the lead to a lower one again and again follows it in the end, and then knows its term.
    mutate: Mutations.leaving(({ after }) =>
      Mutations.withElection(after, { losses: { ...after.election.losses, count: 0 } })
    ),
    replace: [replacing<typeof Register>("election/Register.ts", {
      hearTerm: () => () => {},
      observe: (observe) => (election, ...heard) => {
        const change = election.change.bind(election)
        election.change = (made) => Object.keys(made).join() === "heard" ? undefined : change(made)
        observe(election, ...heard)
      }
    })],
    seenBy: "the clock of one that leads a part is an hour ahead (5, rule 1)",
    breaks: "settles"
  },
  {
    name: "a reign of its own that is over is taken up again",
    replace: [replacing<typeof Register>("election/Register.ts", {
      observe: (observe) => (election, message, ...how) => {
        const { last, reign } = election.register
        const { self } = election.state
        const theirs = Message.reignOf(message)
        const before = reign ?? last
        const isAbove = theirs !== null && (before === null || Reign.compare(theirs, before, election.name) > 0)
        if (!isAbove || theirs.leader.id !== self.id) return observe(election, message, ...how)
        Roles.becomeFollowerOf(election, theirs, self, Election.noLife)
      }
    })],
    seenBy: "one hears only from another of a new start that leads, and then dies (5, hearsay)",
    breaks: "viewIsTold"
  },
  {
    name: "a leader whose reign a later one has passed leads on",
    replace: [replacing<typeof Reign>("model/Reign.ts", { isPassed: () => () => false })],
    seenBy: "a leader was cut off from a later reign, that ends (5, rule 3)",
    breaks: "settles"
  },
  {
    name: "where the one that should object is gone, nobody objects",
    replace: [replacing<typeof Candidacy>("election/Candidacy.ts", {
      callIfDue: (callIfDue) => (election) => {
        if (election.register.reign === null) callIfDue(election)
      }
    })],
    seenBy: "one that would object to a lower leader is gone (5, rule 7)",
    breaks: "settles"
  },
  {
    // The next heartbeat does it too.
    name: "a lower leader that is heard of is followed, and left in peace",
    replace: [replacing<typeof Candidacy>("election/Candidacy.ts", {
      callIfDue: (callIfDue) => (election) => {
        if (election.register.reign === null) callIfDue(election)
      },
      callElection: (callElection) => (election) => {
        if (election.register.reign === null) callElection(election)
      }
    })],
    seenBy: "the highest ranked was alone, and too few (5, rule 7)",
    breaks: "settles"
  },
  {
    name: "nobody deposes a lower leader",
    replace: [replacing<typeof Roles>("election/Roles.ts", {
      mayStand: (mayStand) => (election) => election.register.reign === null && mayStand(election),
      mayStandIfHeard: (mayStand) => (election) => election.register.reign === null && mayStand(election)
    })],
    seenBy: "the highest ranked comes back (5, rule 7)",
    breaks: "settles"
  },
  {
    name: "a leader is deposed though `preempt` is off",
    mutate: Mutations.timed({ preempt: true }),
    seenBy: "the highest ranked comes back, and is not to preempt (5, preempt)",
    breaks: "highestLeads"
  },
  {
    name: "a newcomer takes the lead at once, regardless of `stableAfter`",
    mutate: (step) => (state, input, now) => {
      const [after, outputs] = step(input._tag === "Start" ? state : { ...state, newcomer: false }, input, now)
      return [{ ...after, newcomer: state.newcomer && Timers.has(after.timers, "stable") }, outputs]
    },
    seenBy: "the highest ranked comes back, and has to last first (5, stableAfter)",
    breaks: "highestLeads"
  },
  {
    name: "who is outranked leads without asking",
    replace: [replacing<typeof BullyElection>("election/BullyElection.ts", {
      stand: (stand) => (election) => {
        stand(election)
        const isAsking = election.register.activity._tag === "Standing"
        if (isAsking && election.others.some((other) => election.outranks(other, election.state.self))) {
          BullyElection.noObjection(election)
        }
      }
    })],
    seenBy: "who ranks next misses the goodbye of the leader (5, standing)",
    breaks: "highestLeads"
  },
  {
    name: "an objection is not obeyed",
    mutate: Mutations.losing((input) => Mutations.messageOf(input)?.type === "OK"),
    seenBy: "the lowest is the first to miss the leader (5, OK)",
    breaks: "highestLeads"
  },
  {
    name: "nobody objects",
    mutate: Mutations.doing((output) => output._tag === "Send" && output.message.type === "OK" ? [] : [output]),
    seenBy: "the lowest is the first to miss the leader (5, OK)",
    breaks: "highestLeads"
  },
  {
    name: "a server stands before it has listened",
    replace: [replacing<typeof Roles>("election/Roles.ts", {
      mayStand: (mayStand) => (election) => asIfLive(election, mayStand),
      mayStandIfHeard: (mayStand) => (election) => asIfLive(election, mayStand)
    })],
    seenBy: "a leader is paused for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "`minimumMembers` is not asked about",
    mutate: Mutations.timed({ minimumMembers: 0 }),
    seenBy: "fewer than the minimum are left (5, minimumMembers)",
    breaks: "settles"
  },
  {
    name: "a question that could not be sent counts",
    mutate: Mutations.losing(({ _tag }) => _tag === "NotAsked"),
    seenBy: "one cannot send, and does not hear another either (4, health)",
    breaks: "noFalseEviction"
  },
  {
    // What it announces follows too, and would be named.
    name: "lists name a member where it said at first that it was",
    mutate: Mutations.hearing(({ moved: _, ...message }) => message),
    replace: [replacing<typeof Zone>("model/Zone.ts", {
      toldTo: (toldTo) => (places, there) => toldTo([places.at(-1) ?? places[0], ...places], there)
    })],
    seenBy: "the address of the leader changes, and another has it before long (Where a server is)",
    breaks: "membersReachable"
  },
  {
    name: "what a server announces does not follow its address",
    replace: [
      replacing<typeof Identity>("membership/Identity.ts", {
        moved: (moved) => (context, addresses) => {
          const { self } = context.state
          const hasMoved = moved(context, addresses)
          context.state.self = self
          return hasMoved
        }
      }),
      replacing<typeof Relocation>("membership/Relocation.ts", {
        tell: (tell) => (context, before, member) => {
          if (member.id !== context.state.self.id) tell(context, before, member)
        }
      })
    ],
    seenBy: "the address of the leader changes, and another has it before long (Where a server is)",
    breaks: "membersReachable"
  },
  {
    name: "a member that has moved stays where it was in the view",
    mutate: Mutations.hearing(({ moved: _, ...message }) => message),
    seenBy: "the address of the leader changes, and another has it before long (Where a server is)",
    breaks: "membersReachable"
  },
  {
    name: "of several networks the one is named on which a member was heard last",
    replace: [replacing<typeof Places>("model/Places.ts", { nearest: () => (address) => [address] })],
    seenBy: "all are on a second network too (Where a server is)",
    breaks: "membersReachable"
  },
  {
    name: "what a member said of itself before it changed that, and comes late, is taken",
    replace: [
      replacing<typeof Description>("membership/Description.ts", {
        heard: (heard) => (context, before, sender) =>
          sender.revision === before.revision ? before : heard(context, { ...before, revision: -1 }, sender)
      })
    ],
    seenBy: "one changes what it says of itself while datagrams overtake each other (What a server says of itself)",
    breaks: "descriptionNeverBack"
  },
  {
    name: "a server does not say how often it has changed what it says of itself",
    mutate: Mutations.doing((output) => {
      if ((output._tag !== "Send" && output._tag !== "Ask") || !("sender" in output.message)) return [output]
      const { sender } = output.message
      return [{ ...output, message: { ...output.message, sender: { ...sender, revision: 0 } } }]
    }),
    seenBy: "the leader lowers its priority, and another starts again (What a server says of itself)",
    breaks: "settles"
  },
  {
    name: "a reign is passed over whose leader has another priority by now",
    replace: [
      replacing<typeof Membership>("membership/Membership.ts", {
        contradicts: () => ({ state: { known } }, leader) =>
          Option.exists(HashMap.get(known, leader.id), ({ member }) => member.priority !== leader.priority)
      })
    ],
    seenBy: "the leader raises its priority, and another starts again (What a server says of itself)",
    breaks: "settles"
  },
  {
    name: "a leader ranks as it did when its reign began",
    mutate: Mutations.from((state) => {
      const { reign } = state.election
      if (reign === null) return state
      const asThen = (member: Member.Member) =>
        Member.isSameStart(member, reign.leader) ? { ...member, priority: reign.leader.priority } : member
      return { ...state, known: HashMap.map(state.known, (one) => ({ ...one, member: asThen(one.member) })) }
    }),
    seenBy: "the leader lowers its priority, and another starts again (What a server says of itself)",
    breaks: "viewIsTold"
  }
]
