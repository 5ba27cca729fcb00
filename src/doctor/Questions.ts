/**
 * The questions that were asked, by nonce, so that their echoes and answers are known for what they are. Pure.
 */
import type { NodeId } from "../protocol/Member.ts"
import type * as Message from "../protocol/Message.ts"
import type { Question } from "./Evidence.ts"
import type { Observations } from "./Observations.ts"

/** One question: how many rounds there had been, and whether it came back to this host. */
interface Asked {
  readonly question: Question
  readonly round: number
  readonly echoed: boolean
}

/** All that are remembered, and what became of those to the group. */
export interface Questions {
  readonly byNonce: ReadonlyMap<string, Asked>
  /** How often the whole group was asked. */
  readonly asked: number
  /** The newest question to the group, by its number, that somebody has answered, and when. */
  readonly newestAnswered: number
  readonly lastAnswer: number | null
  readonly answeredBy: ReadonlySet<NodeId>
}

const most = { questions: 8_192, servers: 1_024, pages: 256 }

/** Nothing asked yet. */
export const none: Questions = {
  byNonce: new Map(),
  asked: 0,
  newestAnswered: 0,
  lastAnswer: null,
  answeredBy: new Set()
}

/** These nonces ask it from now on; the oldest questions are forgotten. */
export const ask = (self: Questions, question: Question, nonces: ReadonlyArray<string>): Questions => {
  const byNonce = new Map(self.byNonce)
  for (const nonce of nonces) byNonce.set(nonce, { question, round: self.asked, echoed: false })
  for (const oldest of byNonce.keys()) {
    if (byNonce.size <= most.questions) break
    byNonce.delete(oldest)
  }
  return { ...self, byNonce }
}

/** The question to the group that came back for the first time. */
export const echo = (self: Questions, nonce: string): Questions => {
  const asked = self.byNonce.get(nonce)
  if (asked === undefined || asked.echoed) return self
  return { ...self, byNonce: new Map(self.byNonce).set(nonce, { ...asked, echoed: true }) }
}

/** Notes who answered a question to the group. */
export const answer = (self: Questions, { from, leader, nonce }: Message.Of<"MEMBERS">, now: number): Questions => {
  const asked = self.byNonce.get(nonce)
  // Who follows another heard the question on this host: that says nothing of whether it reached the leader.
  if (asked?.question._tag !== "Group" || (leader !== null && leader.id !== from.id)) return self
  const isNew = !self.answeredBy.has(from.id) && self.answeredBy.size < most.servers
  return {
    ...self,
    newestAnswered: Math.max(self.newestAnswered, asked.round),
    lastAnswer: now,
    answeredBy: isNew ? new Set(self.answeredBy).add(from.id) : self.answeredBy
  }
}

/** The page to ask for next, where an answer has more. A server that is asked by itself is asked only whether it is there. */
export const nextPage = (self: Questions, { nonce, of, page }: Message.Of<"MEMBERS">): number | undefined => {
  const question = self.byNonce.get(nonce)?.question
  if (question === undefined || question._tag === "Server") return undefined
  return page + 1 < Math.min(of, most.pages) ? page + 1 : undefined
}

/** What they add up to. */
export const summary = ({ answeredBy, asked, lastAnswer, newestAnswered }: Questions): Observations["questions"] => ({
  asked,
  unanswered: asked - newestAnswered,
  lastAnswer,
  answeredBy: [...answeredBy]
})
