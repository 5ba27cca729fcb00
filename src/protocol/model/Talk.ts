/** What a server remembers of what members say to each other: its own questions, and those of others. */
import * as HashMap from "effect/HashMap"
import type * as ReplayWindow from "../wire/ReplayWindow.ts"
import type * as Member from "./Member.ts"

/** The most of each, of one server. */
export const limits = {
  /** Questions of its own that are not over. */
  asks: 256,
  /** Questions of others that are being handled, each by a fiber. */
  handling: 64,
  /** Questions of one asker that are remembered: from its oldest that is not over. */
  remembered: 256,
  /** Questions of which some parts have come: of one asker, and of all. */
  collecting: { ofOne: 4, ofAll: 16 },
  /** Answers that are kept to be said again, and for how many of the largest there is room. */
  answers: 1_024,
  largest: 16
} as const

/** For how long a question of which parts are missing is kept after the last part that came, in ms. */
export const collectingFor = 10_000

/** One start of a server. */
export interface Start {
  readonly id: Member.NodeId
  readonly incarnation: number
}

/** A text that comes in parts. `upTo` is the last part of those that were asked for last. */
export interface Collected {
  readonly of: number
  readonly parts: ReadonlyArray<string | undefined>
  readonly missing: number
  readonly upTo: number
}

/**
 * A question of this server's own that is not over. `number` is its `seq`. `to` is the start that is asked; null while it is
 * the leader's, and nobody leads.
 */
export interface Ask {
  readonly number: number
  readonly from: Start
  readonly to: Start | null
  readonly lead: boolean
  readonly question: string
  readonly parts: ReadonlyArray<string>
  readonly endsAt: number
  readonly againAt: number
  readonly gap: number
  readonly answer: Collected | null
}

/** What has become of the question of another. What is `over` is remembered, so that it is not handled twice. */
export type Stage =
  | { readonly _tag: "Collecting"; readonly collected: Collected; readonly heardAt: number }
  | { readonly _tag: "Handling" }
  | { readonly _tag: "Answered"; readonly outcome: string; readonly parts: ReadonlyArray<string> }
  | { readonly _tag: "Over" }

/** The question of another. */
export interface Asked {
  readonly seq: number
  readonly stage: Stage
}

/** What one start of a server has said: which of its messages came, and its questions from `oldest` on. */
export interface Peer {
  readonly incarnation: number
  readonly heard: ReplayWindow.ReplayWindow
  readonly oldest: number
  readonly questions: ReadonlyArray<Asked>
}

/** An answer that is kept. */
export interface Kept {
  readonly from: Start
  readonly seq: number
  readonly bytes: number
}

/** All of it. `said` is the `seq` of this server's last message; `kept` begins with the oldest answer. */
export interface Talk {
  readonly said: number
  readonly asks: HashMap.HashMap<number, Ask>
  readonly peers: HashMap.HashMap<Member.NodeId, Peer>
  readonly handling: number
  readonly kept: ReadonlyArray<Kept>
}

/** Nobody has said anything. */
export const none: Talk = { said: 0, asks: HashMap.empty(), peers: HashMap.empty(), handling: 0, kept: [] }
