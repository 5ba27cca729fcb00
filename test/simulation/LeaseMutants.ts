/**
 * What a majority lease must not get wrong.
 */
import type { Mutant } from "./Mutants.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a promise to one keeps nobody from promising to another",
    file: "Lease.ts",
    from: "!(binds(promise, now) && !isHeldBy(promise, candidate))",
    to: "(now > -Infinity || isHeldBy(promise, candidate))"
  },
  {
    name: "who has just started makes promises at once",
    file: "Lease.ts",
    from: "boolean => now < silentUntil",
    to: "boolean => now < silentUntil - Infinity"
  },
  {
    name: "a vote counts each time it comes",
    file: "Lease.ts",
    from: "servers.includes(id) ? servers : [...servers, id]",
    to: "[...servers, id]"
  },
  {
    name: "a vote for an earlier claim counts for the one now",
    file: "Lease.ts",
    from: "&& vote.standing === claim.term &&",
    to: "&& vote.standing <= claim.term &&"
  },
  {
    name: "votes count after what was promised was given back",
    file: "LeaseClaim.ts",
    from: "  at.change({ claim: null })\n",
    to: "  if (claim.held) at.change({ claim: null })\n"
  },
  {
    name: "what a server promises itself binds nobody",
    file: "Voter.ts",
    from: "): boolean => keep(turn, election, Lease.promise(",
    to: "): boolean => holder.id === turn.state.self.id || keep(turn, election, Lease.promise("
  },
  {
    name: "a leader does not renew its own promise",
    file: "LeaseElection.ts",
    from: "  Voter.bind(at.turn, agreement, at.name, at.state.self, claim.term)\n",
    to: ""
  },
  {
    name: "a lease has no end",
    file: "Lease.ts",
    from: "duration * (1 - 2 * drift)",
    to: "duration * (1_000 - 2 * drift)"
  },
  {
    name: "a lease lasts from when its beat was acknowledged",
    file: "LeaseElection.ts",
    from: "  at.change({ claim: after })\n",
    to:
      "  at.change({ claim: after.anchor === claim.anchor ? after : { ...after, anchor: Lease.instant(at.turn.now) } })\n"
  },
  {
    name: "a lease lasts from when a majority had voted",
    file: "LeaseElection.ts",
    from: "  at.change({ claim: { ...claim, held: true } })\n",
    to: "  at.change({ claim: { ...claim, held: true, anchor: Lease.instant(at.turn.now) } })\n"
  },
  {
    name: "an acknowledgement counts each time it comes",
    file: "Lease.ts",
    from: "{ ...one, acks: withOne(one.acks, by) }",
    to: "{ ...one, acks: [...one.acks, by] }"
  },
  {
    name: "clocks are taken to go alike",
    file: "Lease.ts",
    from: "duration * (1 - 2 * drift)",
    to: "duration * (1 - 0 * drift)"
  },
  {
    name: "time asleep does not count",
    file: "Lease.ts",
    from:
      "    now.wall - since.wall,\n    now.sinceBoot === undefined || since.sinceBoot === undefined ? 0 : now.sinceBoot - since.sinceBoot\n",
    to: "    0\n"
  },
  {
    name: "what is given back frees a promise of a later term",
    file: "Lease.ts",
    from: "isHeldBy(promise, holder) && promise.term === term ?",
    to: "isHeldBy(promise, holder) && promise.term >= term ?"
  },
  {
    name: "a lower term than was promised is granted",
    file: "Lease.ts",
    from: "  && term > promise.term && term > heard",
    to: "  && term > heard"
  },
  {
    name: "a leader gives its lease back while its work still runs",
    file: "BullyElection.ts",
    from: "  at.turn.outputs.push({ _tag: \"EndWork\", election: at.name })",
    to: "  LeaseClaim.end(at, true)\n  at.turn.outputs.push({ _tag: \"EndWork\", election: at.name })"
  },
  {
    name: "a leader whose work overran gives its lease back",
    file: "SteppingDown.ts",
    from: "{ workEnded: finished }",
    to: "{ workEnded: finished || true }"
  }
]
