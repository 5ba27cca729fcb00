/** What an algorithm of election decides. There are two: the Bully, and the majority lease. A server goes by one of them. */
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { Timer } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import type { ElectionContext } from "./ElectionContext.ts"

/** A timer of an election. */
export type ElectionTimer = Extract<Timer, { readonly election: string }>

/** What those say who vote. */
export type Ballot = Message.Of<"VOTE"> | Message.Of<"BEAT_ACK"> | Message.Of<"RELEASE">

/** An algorithm of election. What it leaves to be done is in the context. */
export interface ElectionAlgorithm {
  /** Before a step acts: what is over by the clock ends. */
  readonly begin: (context: StepContext) => void
  /** After a step has acted. */
  readonly end: (context: StepContext) => void
  /** With each sweep. */
  readonly onSweep: (context: StepContext) => void
  /** With each look at the clocks. */
  readonly onPauseCheck: (context: StepContext) => void
  /** With each heartbeat, and when the server is live: whether it is heard. */
  readonly checkPaths: (context: StepContext) => void
  /** A timer of its own has run out. */
  readonly onTimer: (election: ElectionContext, timer: ElectionTimer) => void
  /** Somebody stands. */
  readonly onElection: (election: ElectionContext, message: Message.Of<"ELECTION">, from: Member.Address) => void
  /** Somebody objects to our standing. */
  readonly onOk: (election: ElectionContext, message: Message.Of<"OK">) => void
  /** A leader renews its lease. It is of our agreement. */
  readonly onBeat: (election: ElectionContext, message: Message.Of<"BEAT">, from: Member.Address) => void
  /** Somebody votes, acknowledges a renewal, or gives a lease back. */
  readonly onBallot: (election: ElectionContext, message: Ballot) => void
  /** The same of an election that this server takes no part in. */
  readonly onBallotElsewhere: (context: StepContext, message: Message.FromServer, from: Member.Address) => void
  /** One that may be no member any more gives a lease back. */
  readonly onLateRelease: (context: StepContext, message: Message.Of<"RELEASE">) => void
  /** A question of ours is answered. */
  readonly onResponse: (context: StepContext, message: Message.Of<"SERVER_RESPONSE">) => void
  /** A member leads, or wants to, by another agreement than ours. */
  readonly onForeign: (context: StepContext, member: Member.Member) => void
  /** This server goes on under a higher incarnation. */
  readonly onRaised: (election: ElectionContext) => void
}
