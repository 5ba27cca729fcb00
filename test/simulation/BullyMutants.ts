/**
 * What the Bully, and membership, must not get wrong.
 */
import type { Mutant } from "./Mutants.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the departed are forgotten",
    file: "Membership.ts",
    from: "if (departed === undefined) return false",
    to: "if (departed !== null) return false"
  },
  {
    name: "an older reign is followed",
    file: "BullyElection.ts",
    from: "if (order < 0) {",
    to: "if (order < -Infinity) {"
  },
  {
    name: "the end of the leader is not the end of its reign",
    file: "BullyElection.ts",
    from: "becomeVacant(at, reign, reason._tag, { askFirst: reason._tag === \"Silent\", since })",
    to: "void since"
  },
  {
    name: "a new term is that of the clock, whatever was heard of",
    file: "Reign.ts",
    from: "Math.max(heard + 1, Math.max(0, Math.floor(wall)))",
    to: "Math.max(1 + 0 * heard, Math.max(0, Math.floor(wall)))"
  },
  {
    name: "a reign of its own that is over is taken up again",
    file: "BullyElection.ts",
    from: "if (theirs.leader.id === self.id) return disown(at, theirs)",
    to: "if (theirs.leader.id === self.id) return becomeFollowerOf(at, theirs, self)"
  },
  {
    name: "the removal of a member is not told",
    file: "Membership.ts",
    from: "turn.emit({ event: \"MemberRemoved\", member, reason })",
    to: "void reason"
  },
  {
    name: "a stale start is taken for the newest",
    file: "Membership.ts",
    from: "if (sender.incarnation < before.member.incarnation) {",
    to: "if (sender.incarnation < 0) {",
    seed: 101
  },
  {
    name: "a server takes itself for a member",
    file: "Membership.ts",
    from: "if (sender.id === turn.state.self.id) {",
    to: "if (sender.name === \"\") {"
  },
  {
    name: "a later start does not end the reign of the earlier one",
    file: "Step.ts",
    from: "if (heard.replaced !== null) {",
    to: "if (heard.replaced !== null && turn.now.monotonic < 0) {"
  },
  {
    name: "where the one that should object is gone, nobody objects",
    file: "BullyElection.ts",
    from: "if (reign === null || rules.lease !== null || higher(at).length === 0) callElection(at)",
    to: "if (reign === null || rules.lease !== null) callElection(at)"
  },
  {
    name: "a leader whose reign a later one has passed leads on",
    file: "Reign.ts",
    from: "term > self.term || (term === self.term && heard > self.term)",
    to: "term > self.term && heard < 0"
  },
  {
    name: "nobody is removed for silence",
    file: "Membership.ts",
    from: "if (!asked.isHint && silentFor <=",
    to: "if (!asked.isHint && silentFor <= Infinity ||"
  }
]
