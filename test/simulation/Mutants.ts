/**
 * The protocol broken on purpose, in one place at a time: each mutant is a copy of `src/protocol` in which one piece of
 * text stands for another. Whatever promises anything must see each of them.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import type * as Step from "../../src/protocol/Step.ts"

export interface Mutant {
  readonly name: string
  readonly file: string
  /** The text that must stand in the file exactly once, and what stands there instead. */
  readonly from: string
  readonly to: string
  /** A seed that is known to show it: one run in a hundred does. */
  readonly seed?: number
  /** Of the majority lease; else of the Bully. */
  readonly lease?: boolean
}

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
  },
  {
    name: "a promise to one keeps nobody from promising to another",
    file: "Lease.ts",
    from: "!(binds(promise, now) && !isHeldBy(promise, candidate))",
    to: "(now > -Infinity || isHeldBy(promise, candidate))",
    lease: true
  },
  {
    name: "who has just started makes promises at once",
    file: "Lease.ts",
    from: "boolean => now < silentUntil",
    to: "boolean => now < silentUntil - Infinity",
    lease: true
  },
  {
    name: "a vote counts each time it comes",
    file: "Lease.ts",
    from: "servers.includes(id) ? servers : [...servers, id]",
    to: "[...servers, id]",
    lease: true
  },
  {
    name: "a vote for an earlier claim counts for the one now",
    file: "Lease.ts",
    from: "&& vote.standing === claim.term &&",
    to: "&& vote.standing <= claim.term &&",
    lease: true
  },
  {
    name: "votes count after what was promised was given back",
    file: "LeaseClaim.ts",
    from: "  at.change({ claim: null })\n",
    to: "  if (claim.held) at.change({ claim: null })\n",
    lease: true
  },
  {
    name: "what a server promises itself binds nobody",
    file: "Voter.ts",
    from: "): boolean => keep(turn, election, Lease.promise(",
    to: "): boolean => holder.id === turn.state.self.id || keep(turn, election, Lease.promise(",
    lease: true
  },
  {
    name: "a leader does not renew its own promise",
    file: "LeaseElection.ts",
    from: "  Voter.bind(at.turn, agreement, at.name, at.state.self, claim.term)\n",
    to: "",
    lease: true
  },
  {
    name: "a lease has no end",
    file: "Lease.ts",
    from: "duration * (1 - 2 * drift)",
    to: "duration * (1_000 - 2 * drift)",
    lease: true
  }
]

const source = Path.resolve(import.meta.dirname, "../../src/protocol")
// Where Node and vitest find the dependencies, and git and the linter look away.
const work = Path.resolve(import.meta.dirname, "../../coverage", `mutants-${process.pid}`)

/** The protocol with this fault. */
export const load = async ({ file, from, name, to }: Mutant): Promise<typeof Step> => {
  const directory = Path.join(work, name.replaceAll(/\W+/g, "-"))
  Fs.cpSync(source, directory, { recursive: true })
  const path = Path.join(directory, file)
  const text = Fs.readFileSync(path, "utf8")
  const pieces = text.split(from)
  if (pieces.length !== 2) {
    throw new Error(
      `the mutant "${name}" needs a new piece of ${file}: what it changes stands there ${pieces.length - 1} times`
    )
  }
  Fs.writeFileSync(path, pieces.join(to))
  return await import(/* @vite-ignore */ pathToFileURL(Path.join(directory, "Step.ts")).href) as typeof Step
}

export const remove = (): void => Fs.rmSync(work, { recursive: true, force: true })
