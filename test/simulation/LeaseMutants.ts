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
  }
]
