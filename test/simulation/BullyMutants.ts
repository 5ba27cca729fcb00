/**
 * What the Bully, and membership, must not get wrong; by what each fault is seen, and which promise it breaks first.
 *
 * Some rules have a second line of defence: then both are taken out. Some only make things quicker, or rarer, and no fault
 * in them breaks a promise: those stand in docs/faults.md.
 */
import * as HashMap from "effect/HashMap"
import * as PauseDetector from "../../src/protocol/membership/PauseDetector.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type { Now, State } from "../../src/protocol/model/State.ts"
import * as Timers from "../../src/protocol/model/Timers.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import type * as Step from "../../src/protocol/Step.ts"
import type * as Invariants from "../../src/simulator/Invariants.ts"
import type { Mutant } from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"
import type * as Stories from "./Stories.ts"

export type BullyMutant = Mutant & {
  readonly seenBy: "explorer" | Stories.Name
  readonly breaks: Invariants.Name
}

/** Whether a server finds out in this step that it was paused. */
const wakes = (state: State, now: Now): boolean => PauseDetector.isPaused(state, now)

const isSaidBy = (input: Step.Input, { id }: Member.Member): boolean => Mutations.messageOf(input)?.sender.id === id

export const mutants: ReadonlyArray<BullyMutant> = [
  {
    name: "the departed are forgotten",
    mutate: Mutations.from((state) => ({ ...state, tombstones: HashMap.empty() })),
    seenBy: "what the dead said last comes when they have been removed (4, the departed)",
    breaks: "returnsInOrder"
  },
  {
    name: "any answer brings back who was removed, whatever it answers",
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
    mutate: Mutations.hearing((message, state) => {
      const { incarnation } = Mutations.knownOf(state, message.sender.id)?.member ?? message.sender
      return incarnation > message.sender.incarnation
        ? { ...message, sender: { ...message.sender, incarnation } }
        : message
    }),
    seenBy: "the goodbye of an earlier start comes when the next one is there (3, SERVER_LEAVING)",
    breaks: "goodbyeCounts"
  },
  {
    name: "the goodbye of an earlier start is obeyed",
    mutate: Mutations.hearing((message, state) => {
      const { incarnation } = Mutations.knownOf(state, message.sender.id)?.member ?? message.sender
      return message.type === "SERVER_LEAVING" && incarnation > message.sender.incarnation
        ? { ...message, sender: { ...message.sender, incarnation } }
        : message
    }),
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
    file: "membership/Membership.ts",
    from: "if (sender.incarnation > before.member.incarnation) {",
    to: "if (sender.incarnation > Infinity) {",
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
    file: "membership/Membership.ts",
    from: "if (sender.id === context.state.self.id) {",
    to: "if (sender.name === \"\") {",
    seenBy: "a leader stops (5, leaving)",
    breaks: "settles"
  },
  {
    name: "a start with its clock set back is never told so",
    file: "membership/Identity.ts",
    from: "  if (heard <= self.incarnation ||",
    to: "  if (heard > 0 || heard <= self.incarnation ||",
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
        checks: HashMap.modify(state.checks, input.id, (check) => ({ ...check, refused: Timing.refusalsWanted - 1 }))
      }
    ),
    seenBy: "a leader is killed, and its host says so (4, health)",
    breaks: "noFalseEviction"
  },
  {
    name: "five questions without an answer are enough, however short the silence",
    file: "membership/FailureDetector.ts",
    from: "if (isKept) {",
    to: "if (isKept && silentFor < 0) {",
    seenBy: "the highest ranked was alone, and too few (5, rule 7)",
    breaks: "noFalseEviction"
  },
  {
    // Both ends of a rumour: who was told says it again, and it counts as of when it was said.
    name: "witnesses say again what they were told, and it counts from then on",
    file: "membership/Witnesses.ts",
    from: "const ago = Math.ceil(now - known.heardAt)",
    to: "const ago = Math.ceil(now - lastKnownAt(known))",
    also: [{
      file: "membership/Witnesses.ts",
      from: "const witnessedAt = askedAt - ago",
      to: "const witnessedAt = context.now.monotonic"
    }],
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
    file: "membership/Membership.ts",
    from: "  heardAt: context.now.monotonic,\n  via,",
    to: "  heardAt: via === \"multicast\" ? context.now.monotonic : before.multicastAt,\n  via,",
    also: [{
      file: "membership/Membership.ts",
      from: "  )\n  FailureDetector.endCheck(context, id)\n",
      to: "  )\n  if (known.via === \"multicast\") FailureDetector.endCheck(context, id)\n"
    }],
    seenBy: "multicast does not reach one server (4, health)",
    breaks: "noFalseEviction"
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
    file: "election/Register.ts",
    from: "if (!Membership.holds(election.context, theirs.leader)) SecondHand.check(election, theirs, from)",
    to:
      "if (!Membership.holds(election.context, theirs.leader)) return follow(election, message, theirs, { through: null })",
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
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    // The stall is seen at the end of the step.
    name: "who wakes judges before it forgives",
    file: "Step.ts",
    from: "  if (input._tag !== \"Start\" && PauseDetector.isPaused(state, now)) Waking.wake(context)\n",
    to: "",
    also: [{
      file: "Step.ts",
      from: "  algorithm.end(context)\n",
      to:
        "  if (input._tag !== \"Start\" && PauseDetector.isPaused(context.state, now)) Waking.wake(context)\n  algorithm.end(context)\n"
    }, {
      file: "Step.ts",
      from: "    case \"CheckPause\":\n      PauseDetector.look(context)\n",
      to:
        "    case \"CheckPause\":\n      if (!PauseDetector.isPaused(context.state, context.now)) PauseDetector.look(context)\n"
    }],
    seenBy: "a server stands still when it has asked its last question (4, a stall is not a death)",
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
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes forgives all that ever was",
    mutate: Mutations.leaving(({ after, before, now }) =>
      !wakes(before, now) ? after : Mutations.withKnown(after, (known) => ({ ...known, heardAt: now.monotonic }))
    ),
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "a leader that stood still leads on",
    mutate: Mutations.keepingReign(({ before, now }) =>
      wakes(before, now) && before.election.reign?.leader.id === before.self.id
    ),
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes does not listen first",
    mutate: Mutations.leaving(({ after, before, now }) =>
      wakes(before, now) && after.phase === "Recovering" ? { ...after, phase: "Live" } : after
    ),
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "an older reign is followed",
    file: "election/Register.ts",
    from: "if (order < 0) return",
    to: "if (order < -Infinity) return",
    seenBy: "what a leader said last comes when another leads (5, the order of reigns)",
    breaks: "reignNeverBack"
  },
  {
    name: "reigns of one term are not ordered by rank",
    file: "model/Reign.ts",
    from:
      "self.term - that.term || Member.compareRank(self.leader, that.leader, election)\n  || self.leader.incarnation - that.leader.incarnation",
    to: "0 * election.length + self.term - that.term",
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
    name: "a new term is that of the clock, whatever was heard of",
    file: "model/Reign.ts",
    from: "Math.max(heard + 1, Math.max(0, Math.floor(wall)))",
    to: "Math.max(1 + 0 * heard, Math.max(0, Math.floor(wall)))",
    seenBy: "explorer",
    breaks: "settles"
  },
  {
    name: "the terms that others speak of are not heeded",
    file: "election/Register.ts",
    from: "  if (header.term > heard || header.heard > heard) election",
    to: "  if (header.term > heard + Infinity) election",
    // Who loses the lead to a lower one again and again follows it in the end, and then knows its term.
    also: [{
      file: "election/Damping.ts",
      from: "count: Math.min(Losses.maxLosses, losses.count + 1)",
      to: "count: 0"
    }],
    seenBy: "the clock of one that leads a part is an hour ahead (5, rule 1)",
    breaks: "settles"
  },
  {
    name: "a reign of its own that is over is taken up again",
    file: "election/Register.ts",
    from: "if (id === election.state.self.id) return disown(election, theirs)",
    to:
      "if (id === election.state.self.id) return Roles.becomeFollowerOf(election, theirs, election.state.self, { number: 0, through: null, relay: null })",
    seenBy: "one hears only from another of a new start that leads, and then dies (5, hearsay)",
    breaks: "viewIsTold"
  },
  {
    name: "a leader whose reign a later one has passed leads on",
    file: "model/Reign.ts",
    from: "term > self.term || (!byLease && term === self.term && heard > self.term)",
    to: "term > self.term && heard < 0",
    seenBy: "a leader was cut off from a later reign, that ends (5, rule 3)",
    breaks: "settles"
  },
  {
    name: "where the one that should object is gone, nobody objects",
    file: "election/Candidacy.ts",
    from: "if (reign === null || election.traits.asksFirst || isOwnTurn) return callElection(election)",
    to: "return reign === null || election.traits.asksFirst ? callElection(election) : undefined",
    seenBy: "one that would object to a lower leader is gone (5, rule 7)",
    breaks: "settles"
  },
  {
    // The next heartbeat does it too.
    name: "a lower leader that is heard of is followed, and left in peace",
    file: "election/Register.ts",
    from: "  if (!betterPlaced) Candidacy.callElection(election)",
    to: "  void betterPlaced",
    also: [{
      file: "election/Candidacy.ts",
      from: "if (reign === null || election.traits.asksFirst || isOwnTurn) return callElection(election)",
      to: "return reign === null || election.traits.asksFirst ? callElection(election) : undefined"
    }],
    seenBy: "the highest ranked was alone, and too few (5, rule 7)",
    breaks: "settles"
  },
  {
    name: "nobody deposes a lower leader",
    file: "election/Roles.ts",
    from: "(Damping.mayPreempt(election) && election.outranks(self, reign.leader))",
    to: "(Damping.mayPreempt(election) && election.outranks(self, self))",
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
    name: "a newcomer takes the lead at once, whatever `stableAfter` says",
    mutate: (step) => (state, input, now) => {
      const [after, outputs] = step(input._tag === "Start" ? state : { ...state, newcomer: false }, input, now)
      return [{ ...after, newcomer: state.newcomer && Timers.has(after.timers, "stable") }, outputs]
    },
    seenBy: "the highest ranked comes back, and has to last first (5, stableAfter)",
    breaks: "highestLeads"
  },
  {
    name: "who is outranked leads without asking",
    file: "election/BullyElection.ts",
    from: "  if (Candidacy.higher(election).length > 0) return askForObjections(election, timing.okTimeout)\n",
    to: "",
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
    file: "election/Roles.ts",
    from: "  return phase === \"Live\" && ending === null",
    to: "  return phase !== \"Left\" && ending === null",
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
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
    file: "model/StepContext.ts",
    from: "    return { ...server, ...Zone.toldTo([...places, member], there) }",
    to: "    return { ...server, ...Zone.toldTo([member, ...places], there) }",
    also: [{
      file: "membership/Membership.ts",
      from: "  const member = { ...before, ip, port }\n",
      to: "  const member = { ...before, ip: before.ip, port: before.port }\n  void [ip, port]\n"
    }],
    seenBy: "the address of the leader changes, and another has it before long (Where a server is)",
    breaks: "membersReachable"
  },
  {
    name: "what a server announces does not follow its address",
    file: "membership/Identity.ts",
    from: "  const [announced = self] = addresses\n",
    to: "  const [announced] = [self, ...addresses]\n",
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
    file: "model/StepContext.ts",
    from: "alsoAt.length === 0 ? [address] as const",
    to: "alsoAt.length >= 0 ? [address] as const",
    seenBy: "all are on a second network too (Where a server is)",
    breaks: "membersReachable"
  }
]
