/** One server over a registry with its own clocks, stepped by hand. */
import * as Member from "../../../src/protocol/model/Member.ts"
import * as Keys from "../../../src/registry/RegistryKeys.ts"
import type * as RegistryState from "../../../src/registry/RegistryState.ts"
import * as RegistryStep from "../../../src/registry/RegistryStep.ts"
import * as Values from "../../../src/registry/RegistryValues.ts"

const timing: RegistryState.Timing = {
  stopTimeout: 500,
  drift: 0.01,
  preempt: true,
  stableAfter: 0,
  electionStagger: 20,
  coordinatorTimeout: 1_000,
  memberTimeout: 3_000,
  maxMembers: 3
}

export const member = (name: string, priority = 0, incarnation = 1): Member.Member => ({
  id: Member.nodeId(name, name, 1),
  ip: "127.0.0.1",
  port: 1,
  hostname: name,
  name,
  priority,
  incarnation,
  revision: 0,
  tags: {}
})

export const self = member("self", 1)

/** A server with its own clocks, and what it has asked for. */
export class One {
  state: RegistryState.State
  now = 0
  wall = 1_000
  outputs: ReadonlyArray<RegistryState.Output> = []

  constructor(isEnclosed = false) {
    this.state = RegistryStep.make({ timing, self, monotonic: 0, isEnclosed })
  }

  step(input: RegistryState.Input): this {
    const now = { monotonic: this.now, wall: this.wall + this.now, entropy: 7 }
    ;[this.state, this.outputs] = RegistryStep.step(this.state, input, now)
    return this
  }

  commits(): ReadonlyArray<Extract<RegistryState.Output, { readonly _tag: "Commit" }>> {
    return this.outputs.filter((output) => output._tag === "Commit")
  }

  events(): ReadonlyArray<string> {
    return this.outputs.flatMap((output) => output._tag === "Emit" ? [output.event.event] : [])
  }

  put(key: string, value: string, version: string, session: string | null = null): this {
    return this.step({ _tag: "Put", entry: { key, value, version, session } })
  }

  /** It has a session, and is a member. */
  static joined(isEnclosed = false): One {
    const one = new One(isEnclosed).step({ _tag: "Start" })
    one.step({ _tag: "Renewed", number: 1, session: "s1", ttl: 6_000 })
    one.step({ _tag: "Picture", entries: [] })
    one.step({ _tag: "Committed", id: 1, outcome: "done" })
    one.put(Keys.member(self.id), Values.write("Member", self), "1", "s1")
    return one.put(Keys.candidate("", self.id), Values.write("Candidate", { stands: true, preempts: true }), "1", "s1")
  }

  /** It has taken the lead, in the term of the wall clock. */
  static leading(): One {
    const one = One.joined()
    one.step({ _tag: "Committed", id: 2, outcome: "done" })
    one.put(Keys.leader(""), lead(self, 1_000), "2", "s1")
    return one.put(Keys.term(""), "1000", "2")
  }

  leads(): boolean {
    return RegistryStep.leads(this.state, { monotonic: this.now, wall: this.wall + this.now }, "") !== null
  }
}

/** What the leader's key holds. */
export const lead = ({ id, incarnation, ip, port, priority }: Member.Member, term: number): string =>
  Values.write("Leader", { term, leader: { id, incarnation, ip, port, priority }, cause: "Start" })
