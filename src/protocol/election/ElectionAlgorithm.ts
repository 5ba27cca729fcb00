/** What an algorithm of election decides. There are two: the Bully, and the majority lease. A server goes by one of them. */
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { Now, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import type { Timer } from "../model/Timer.ts"
import type { Timing } from "../model/Timing.ts"
import type { ElectionContext } from "./ElectionContext.ts"

/** A timer of an election. */
export type ElectionTimer = Extract<Timer, { readonly election: string }>

/** A timer of what a server hands over, or is handed. */
export type HandoverTimer = Extract<Timer, { readonly _tag: "Handover" }>

/** What those say who vote. */
export type Ballot = Message.Of<"VOTE"> | Message.Of<"BEAT_ACK"> | Message.Of<"RELEASE">

/**
 * An algorithm of election. What it leaves to be done is in the context. In what its guarantees differ the rules that both share ask
 * its `ElectionTraits`.
 */
export interface ElectionAlgorithm {
  /** Until when a server that starts at that instant promises nothing; -Infinity where nothing is promised. */
  readonly silentUntil: (timing: Timing, monotonic: number) => number
  /** Whether this server's own reign in an election lasts by the clock. */
  readonly lasts: (
    state: Pick<State, "timing" | "election" | "named">,
    election: string,
    now: Pick<Now, "monotonic" | "wall" | "sinceBoot">
  ) => boolean
  /** The server starts. */
  readonly onStart: (context: StepContext) => void
  /** The machine was set back: the server counts as just started. */
  readonly onRestored: (context: StepContext) => void
  /** The server says goodbye. */
  readonly onLeave: (context: StepContext) => void
  /** Whether the goodbye waits: others still have to hear of what was promised or given back. */
  readonly delaysGoodbye: (context: StepContext) => boolean
  /** Before a step acts: what is over by the clock ends. */
  readonly begin: (context: StepContext) => void
  /** After a step has acted. */
  readonly end: (context: StepContext) => void
  /** With each sweep. */
  readonly onSweep: (context: StepContext) => void
  /** With each look at the clocks. */
  readonly onPauseCheck: (context: StepContext) => void
  /** With each heartbeat, and when the server is live: what it still lacks to take its part is asked for. */
  readonly onHeartbeat: (context: StepContext) => void
  /** The same, once live: whether it is heard. */
  readonly checkPaths: (context: StepContext) => void
  /** A timer of its own has run out. */
  readonly onTimer: (election: ElectionContext, timer: ElectionTimer) => void
  /** A member that was asked often enough has not proved that it hears this server. */
  readonly onUnproven: (election: ElectionContext, id: Member.NodeId) => void
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
  /** A promise is handed over, or asked for. */
  readonly onHandover: (context: StepContext, message: Message.OfHandover, from: Member.Address) => void
  /** A timer of a handover has run out. */
  readonly onHandoverTimer: (context: StepContext, timer: HandoverTimer) => void
  /** A member asks directly whether this server lives: what the answer says besides. */
  readonly answer: (
    context: StepContext,
    message: Message.Of<"SERVER_PROBE">,
    from: Member.Address
  ) => { readonly preVote?: Message.PreVote }
  /** A question of ours is answered. */
  readonly onResponse: (context: StepContext, message: Message.Of<"SERVER_RESPONSE">) => void
  /** A member leads, or wants to, by another agreement than ours. */
  readonly onForeign: (context: StepContext, member: Member.Member) => void
  /** This server goes on under a higher incarnation. */
  readonly onRaised: (election: ElectionContext) => void
}
