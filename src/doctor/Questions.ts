/** The questions that were asked, by nonce: their echoes and answers carry it. Pure. */
import type { NodeId } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import type { Question } from "./Evidence.ts"
import type { Observations } from "./Observations.ts"

/** One question: how often the group had been asked by then, and whether it came back to this host. */
interface Asked {
  readonly question: Question
  readonly round: number
  readonly echoed: boolean
}

/** The newest questions, and what became of those to the group. */
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

/** Adds a question by its nonces. The oldest questions are forgotten where there are too many. */
export const ask = (self: Questions, question: Question, nonces: ReadonlyArray<string>): Questions => {
  const byNonce = new Map(self.byNonce)
  for (const nonce of nonces) byNonce.set(nonce, { question, round: self.asked, echoed: false })
  for (const oldest of byNonce.keys()) {
    if (byNonce.size <= most.questions) break
    byNonce.delete(oldest)
  }
  return { ...self, byNonce }
}

/** Notes that a question came back. The same value if it had come back before. */
export const echo = (self: Questions, nonce: string): Questions => {
  const asked = self.byNonce.get(nonce)
  if (asked === undefined || asked.echoed) return self
  return { ...self, byNonce: new Map(self.byNonce).set(nonce, { ...asked, echoed: true }) }
}

/** Notes an answer to a question to the group. */
export const answer = (self: Questions, { from, leader, nonce }: Message.Of<"MEMBERS">, now: number): Questions => {
  const asked = self.byNonce.get(nonce)
  // A follower answers only if it heard the question on this host. That says nothing of whether the leader was reached.
  if (asked?.question._tag !== "Group" || (leader !== null && leader.id !== from.id)) return self
  const isNew = !self.answeredBy.has(from.id) && self.answeredBy.size < most.servers
  return {
    ...self,
    newestAnswered: Math.max(self.newestAnswered, asked.round),
    lastAnswer: now,
    answeredBy: isNew ? new Set(self.answeredBy).add(from.id) : self.answeredBy
  }
}

/** The page to ask for next, if the answer has more. A question to one server asks only whether it is there: one page will do. */
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
