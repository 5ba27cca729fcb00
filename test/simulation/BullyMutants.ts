/**
 * What the Bully, and membership, must not get wrong; by what each fault is seen, and which promise it breaks first.
 *
 * Some rules have a second line of defence: then both are taken out. Some only make things quicker, or rarer, and no fault
 * in them breaks a promise: those stand in docs/faults.md.
 */
import type * as Invariants from "../../src/simulator/Invariants.ts"
import type { Mutant } from "./Mutants.ts"
import type * as Stories from "./Stories.ts"

export interface BullyMutant extends Mutant {
  readonly seenBy: "explorer" | Stories.Name
  readonly breaks: Invariants.Name
}

export const mutants: ReadonlyArray<BullyMutant> = [
  {
    name: "the departed are forgotten",
    file: "membership/Tombstones.ts",
    from: "if (departed === undefined) return false",
    to: "if (departed !== null) return false",
    seenBy: "what the dead said last comes when they have been removed (4, the departed)",
    breaks: "returnsInOrder"
  },
  {
    name: "any answer brings back who was removed, whatever it answers",
    file: "membership/Tombstones.ts",
    from: "message.type === \"SERVER_RESPONSE\" && message.nonce === departed.nonce",
    to: "message.type === \"SERVER_RESPONSE\"",
    seenBy: "what the dead said last comes when they have been removed (4, the departed)",
    breaks: "returnsInOrder"
  },
  {
    name: "any word brings back who was removed for silence",
    file: "membership/Tombstones.ts",
    from: "message.type === \"SERVER_RESPONSE\" && message.nonce === departed.nonce",
    to: "departed.mayReturn",
    seenBy: "what the dead said last comes when they have been removed (4, the departed)",
    breaks: "returnsInOrder"
  },
  {
    name: "a stale start is taken for the newest",
    file: "membership/Membership.ts",
    from: "if (sender.incarnation < before.member.incarnation) {",
    to: "if (sender.incarnation < 0) {",
    seenBy: "the goodbye of an earlier start comes when the next one is there (3, SERVER_LEAVING)",
    breaks: "goodbyeCounts"
  },
  {
    name: "the goodbye of an earlier start is obeyed",
    file: "membership/Membership.ts",
    from: "if (sender.incarnation < before.member.incarnation) {",
    to: "if (sender.incarnation < before.member.incarnation && message.type !== \"SERVER_LEAVING\") {",
    seenBy: "the goodbye of an earlier start comes when the next one is there (3, SERVER_LEAVING)",
    breaks: "goodbyeCounts"
  },
  {
    name: "a goodbye is not obeyed",
    file: "Received.ts",
    from: "    Removal.remove(context, message.sender.id, { _tag: \"Left\" })",
    to: "",
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
    file: "Received.ts",
    from: "if (heard.replaced !== null) {",
    to: "if (heard.replaced !== null && context.now.monotonic < 0) {",
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
    file: "membership/Membership.ts",
    from: "context.emit({ event: \"MemberRemoved\", member, reason })",
    to: "void reason",
    seenBy: "explorer",
    breaks: "viewIsTold"
  },
  {
    name: "nobody is removed for silence",
    file: "membership/FailureDetector.ts",
    from: ": unknownFor <= Timing.patience(",
    to: ": unknownFor <= Infinity || unknownFor <= Timing.patience(",
    seenBy: "fewer than the minimum are left (5, minimumMembers)",
    breaks: "settles"
  },
  {
    name: "who is silent is removed without being asked",
    file: "membership/FailureDetector.ts",
    from: "ask(context, id, { nonce: context.nonce(), tries: 0,",
    to: "ask(context, id, { nonce: context.nonce(), tries: Timing.probeTries,",
    seenBy: "explorer",
    breaks: "noFalseEviction"
  },
  {
    name: "one question without an answer is enough",
    file: "membership/FailureDetector.ts",
    from: "if (asked.tries < Timing.probeTries) {",
    to: "if (asked.tries < 1) {",
    seenBy: "explorer",
    breaks: "noFalseEviction"
  },
  {
    name: "one refusal is enough",
    file: "membership/FailureDetector.ts",
    from: "if (counted.refused < Timing.refusalsWanted) return null",
    to: "if (counted.refused < 1) return null",
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
    file: "Received.ts",
    from: "    Removal.remove(context, message.sender.id, { _tag: \"Left\" })",
    to:
      "    if (!(HashMap.getUnsafe(context.state.known, message.sender.id).witnessedAt > 0)) Removal.remove(context, message.sender.id, { _tag: \"Left\" })",
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
    file: "membership/MemberLists.ts",
    also: [{
      file: "membership/MemberLists.ts",
      from: "import type * as Message from",
      to: "import * as Membership from \"./Membership.ts\"\nimport type * as Message from"
    }],
    from: "  askMissing(context, unknown, from)\n",
    to:
      "  for (const { heard: _, ...line } of unknown) {\n    const sender = { ...line, hostname: line.name, tags: {} }\n    const alive = { type: \"SERVER_ALIVE\", sender, term: 0, leader: null, heard: 0, interval: 500 } as const\n    Membership.hear(context, alive, line, \"unicast\")\n  }\n",
    seenBy: "one that would object to a lower leader is gone (5, rule 7)",
    breaks: "heardItself"
  },
  {
    name: "hearsay of a leader is believed",
    file: "election/Register.ts",
    from: "if (!Membership.holds(election.context, theirs.leader)) Hearsay.check(election, theirs, from)",
    to:
      "if (!Membership.holds(election.context, theirs.leader)) return follow(election, message, theirs, { through: null })",
    seenBy: "one hears only from another of a new start that leads, and then dies (5, hearsay)",
    breaks: "heardItself"
  },
  {
    name: "a stall is not noticed",
    file: "membership/Watch.ts",
    from: "unwatchedFor(state, now) > Timing.stallAfter(state.timing)",
    to: "unwatchedFor(state, now) > Infinity + Timing.stallAfter(state.timing)",
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    // The stall is seen at the end of the step.
    name: "who wakes judges before it forgives",
    file: "Step.ts",
    from: "  if (input._tag !== \"Start\" && Watch.isStalled(state, now)) Waking.wake(context)\n",
    to: "",
    also: [{
      file: "Step.ts",
      from: "  algorithm.end(context)\n",
      to:
        "  if (input._tag !== \"Start\" && Watch.isStalled(context.state, now)) Waking.wake(context)\n  algorithm.end(context)\n"
    }, {
      file: "Step.ts",
      from: "    case \"Watch\":\n      Watch.look(context)\n",
      to: "    case \"Watch\":\n      if (!Watch.isStalled(context.state, context.now)) Watch.look(context)\n"
    }],
    seenBy: "a server stands still when it has asked its last question (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes forgives nobody the time that it slept",
    file: "membership/FailureDetector.ts",
    from: "heardAt: Math.min(now, known.heardAt + stalledFor)",
    to: "heardAt: Math.min(now, known.heardAt + 0 * stalledFor)",
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes forgives all that ever was",
    file: "membership/FailureDetector.ts",
    from: "heardAt: Math.min(now, known.heardAt + stalledFor)",
    to: "heardAt: Math.min(now, known.heardAt + Infinity * stalledFor)",
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "a leader that stood still leads on",
    file: "election/BullyElection.ts",
    from: "Roles.becomeVacant(election, reign, \"Stalled\", { since })",
    to: "void since",
    seenBy: "a leader stands still for longer than the others wait (4, a stall is not a death)",
    breaks: "stallIsNoticed"
  },
  {
    name: "who wakes does not listen first",
    file: "election/Waking.ts",
    from: "  context.state.phase = \"Recovering\"\n",
    to: "",
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
    file: "election/BullyElection.ts",
    from: "Roles.becomeVacant(election, reign, reason._tag, { askFirst: reason._tag === \"Silent\", since })",
    to: "void since",
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
    file: "election/BullyElection.ts",
    from: "if (reign === null || timing.lease !== null || isOwnTurn) return callElection(election)",
    to: "return reign === null || timing.lease !== null ? callElection(election) : undefined",
    seenBy: "one that would object to a lower leader is gone (5, rule 7)",
    breaks: "settles"
  },
  {
    // The next heartbeat does it too.
    name: "a lower leader that is heard of is followed, and left in peace",
    file: "election/Register.ts",
    from: "  if (!betterPlaced) BullyElection.callElection(election)",
    to: "  void betterPlaced",
    also: [{
      file: "election/BullyElection.ts",
      from: "if (reign === null || timing.lease !== null || isOwnTurn) return callElection(election)",
      to: "return reign === null || timing.lease !== null ? callElection(election) : undefined"
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
    file: "membership/Stability.ts",
    from: "context.state.timing.preempt && !context.state.newcomer",
    to: "context.state.timing.preempt || !context.state.newcomer",
    seenBy: "the highest ranked comes back, and is not to preempt (5, preempt)",
    breaks: "highestLeads"
  },
  {
    name: "a newcomer takes the lead at once, whatever `stableAfter` says",
    file: "membership/Stability.ts",
    from: "context.state.timing.preempt && !context.state.newcomer",
    to: "context.state.timing.preempt",
    seenBy: "the highest ranked comes back, and has to last first (5, stableAfter)",
    breaks: "highestLeads"
  },
  {
    name: "who is outranked leads without asking",
    file: "election/BullyElection.ts",
    from: "  if (higher(election).length > 0) return canvass(election, timing.okTimeout)\n",
    to: "",
    seenBy: "who ranks next misses the goodbye of the leader (5, standing)",
    breaks: "highestLeads"
  },
  {
    name: "an objection is not obeyed",
    file: "election/BullyElection.ts",
    from: "message.to === self.id && activity._tag === \"Standing\"",
    to: "message.to !== self.id && activity._tag === \"Standing\"",
    seenBy: "the lowest is the first to miss the leader (5, OK)",
    breaks: "highestLeads"
  },
  {
    name: "nobody objects",
    file: "election/BullyElection.ts",
    from: "  election.context.say(null, { type: \"OK\", election: election.name, to, standing })",
    to: "  void [election, to, standing]",
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
    file: "model/Lease.ts",
    from: "  Math.max(minimumMembers, lease === null",
    to: "  Math.max(0 * minimumMembers, lease === null",
    seenBy: "fewer than the minimum are left (5, minimumMembers)",
    breaks: "settles"
  },
  {
    name: "a question that could not be sent counts",
    file: "membership/FailureDetector.ts",
    from: "tries: Math.max(0, asked.tries - 1)",
    to: "tries: Math.max(0, asked.tries - 0)",
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
    file: "membership/Membership.ts",
    from: "  if ((message.moved ?? 0) <= moved || (ip === before.ip && port === before.port)) return before\n",
    to: "  if ((message.moved ?? 0) <= moved + Infinity || (ip === before.ip && port === before.port)) return before\n",
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
