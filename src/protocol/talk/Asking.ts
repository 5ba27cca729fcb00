/**
 * This server's own questions: each is said again until it is answered, or its time is over. The start that is asked stays the
 * same, so no question is handled by two; and if that is gone, the asker hears it and may ask another.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import { isSameStart } from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import { type Ask, limits, type Start } from "../model/Talk.ts"
import * as Handling from "./Handling.ts"
import * as Parts from "./Parts.ts"
import * as Peers from "./Peers.ts"

/** A question of the app: `number` rises with each. `within` is in ms. */
export interface Question {
  readonly number: number
  readonly to: Member.NodeId | "leader"
  readonly question: string
  readonly text: string
  readonly within: number
}

/** After how many ms a question is said again at first, then after twice as long each time, and at most. */
const gaps = { first: 50, longest: 1_000 } as const

/** Asks. One question too many is not said. */
export const ask = (context: StepContext, { number, question, text, to, within }: Question): void => {
  const { now: { monotonic }, state: { self, talk } } = context
  const lead = to === "leader"
  const one: Ask = {
    number,
    from: Peers.startOf(self),
    to: to === "leader" ? null : startNamed(context, to),
    lead,
    question,
    parts: Parts.cut(text),
    endsAt: monotonic + within,
    againAt: monotonic,
    gap: 0,
    answer: null
  }
  if (HashMap.size(talk.asks) >= limits.asks) return tell(context, one, "BusyHere")
  if (one.to === null && !lead) return tell(context, one, "Gone")
  say(context, one)
}

/** The app waits no longer. */
export const giveUp = (context: StepContext, number: number): void => {
  const { talk } = context.state
  context.state.talk = { ...talk, asks: HashMap.remove(talk.asks, number) }
}

/** Says again what is due, and ends what has had its time. */
export const due = (context: StepContext): void => {
  const now = context.now.monotonic
  const asks = [...HashMap.values(context.state.talk.asks)].sort((a, b) => a.number - b.number)
  for (const one of asks) {
    if (one.endsAt <= now) over(context, one, "Silent")
    else if (one.againAt <= now) say(context, one)
  }
  const next = Math.min(...[...HashMap.values(context.state.talk.asks)].map(dueAt))
  if (next !== Infinity) context.setTimer("asks", next - now, { _tag: "Asks" })
}

/** This server has left: nothing more is asked, and nobody waits for an answer any more. */
export const close = (context: StepContext): void => {
  for (const one of HashMap.values(context.state.talk.asks)) over(context, one, "Closed")
}

/** What came of a question of this server's own, by the word of who handled it: of the member that was asked, or of its own app. */
export const ended = (context: StepContext, number: number, outcome: string, text: string): void => {
  const one = find(context, number)
  if (one !== null) over(context, one, outcome, text)
}

/** An answer, or a part of one. One that nobody waits for any more is dropped. */
export const onAnswer = (context: StepContext, message: Message.Of<"ANSWER">): void => {
  const { from, of = 1, outcome, part = 0, seq, text, to } = message
  const one = find(context, seq)
  if (one === null || !isBetween(one, from, to)) return context.drop("LateAnswer")
  if (of === 1) return over(context, one, outcome, text)
  if (of > Parts.atMost(context.state.timing.maxMessageBytes)) return over(context, one, "AnswerTooLarge")
  const answer = Parts.add(one.answer ?? Parts.nothing(of), part, of, text)
  const whole = Parts.whole(answer)
  if (whole !== null) return over(context, one, outcome, whole)
  const heard = { ...one, answer, gap: gaps.first, againAt: context.now.monotonic + gaps.first }
  put(context, Parts.isLastAsked(answer, part) ? askForParts(context, heard, answer, from) : heard)
}

/** The member that was asked misses parts of the question. */
export const onPartsAsk = (context: StepContext, { from, missing, seq, to }: Message.Of<"PARTS_ASK">): void => {
  const one = find(context, seq)
  const known = Peers.memberOf(context, from)
  if (one === null || known === null || !isBetween(one, from, to)) return context.drop("LateAnswer")
  for (const part of missing) if (part < one.parts.length) context.send(known.address, partOf(context, one, from, part))
  put(context, { ...one, gap: gaps.first, againAt: context.now.monotonic + gaps.first })
}

const find = (context: StepContext, number: number): Ask | null =>
  Option.getOrNull(HashMap.get(context.state.talk.asks, number))

const isBetween = (one: Ask, from: Start, to: Start): boolean =>
  one.to !== null && isSameStart(one.to, from) && isSameStart(one.from, to)

const dueAt = ({ againAt, endsAt }: Ask): number => Math.min(againAt, endsAt)

const put = (context: StepContext, one: Ask): void => {
  const { talk } = context.state
  context.state.talk = { ...talk, asks: HashMap.set(talk.asks, one.number, one) }
  if (dueAt(one) < context.dueAt("asks")) {
    context.setTimer("asks", dueAt(one) - context.now.monotonic, { _tag: "Asks" })
  }
}

/** What came of it. */
const tell = (context: StepContext, { number, to }: Ask, outcome: string, text = "null"): void => {
  context.outputs.push({ _tag: "Answered", number, by: to?.id ?? null, outcome, text })
}

const over = (context: StepContext, one: Ask, outcome: string, text?: string): void => {
  giveUp(context, one.number)
  tell(context, one, outcome, text)
}

const startNamed = (context: StepContext, id: Member.NodeId): Start | null =>
  id === context.state.self.id
    ? Peers.startOf(context.state.self)
    : Option.getOrNull(Option.map(context.known(id), ({ member }) => Peers.startOf(member)))

/** The start that leads, if that is a member that can be asked. */
const leading = (context: StepContext): Start | null => {
  const leader = context.state.election.reign?.leader
  return leader === undefined ? null : startNamed(context, leader.id)
}

/** Says a question, for the first time or again. */
const say = (context: StepContext, one: Ask): void => {
  const now = context.now.monotonic
  const to = one.to ?? leading(context)
  if (to === null) return put(context, { ...one, againAt: now + gaps.first })
  if (to.id === context.state.self.id) return askSelf(context, { ...one, to })
  const known = Peers.memberOf(context, to)
  if (known === null) return over(context, { ...one, to }, "Gone")
  const gap = one.gap === 0 ? gaps.first : Math.min(2 * one.gap, gaps.longest)
  const said = { ...one, to, gap, againAt: now + gap }
  // The other has the whole question: it answers.
  if (one.answer !== null) return put(context, askForParts(context, said, one.answer, to))
  put(context, said)
  if (one.gap > 0) return context.send(known.address, { ...partOf(context, said, to, 0), again: true })
  for (const part of Parts.first(one.parts)) context.send(known.address, partOf(context, said, to, part))
}

const askSelf = (context: StepContext, one: Ask): void => {
  const { number, parts, question } = one
  const text = parts.join("")
  put(context, { ...one, againAt: Infinity })
  const from = context.state.self
  const refusal = Handling.begin(context, { from, seq: number, question, lead: one.lead, text })
  if (refusal !== null) over(context, one, refusal)
}

const partOf = (context: StepContext, one: Ask, to: Start, part: number): Message.Of<"QUESTION"> => ({
  type: "QUESTION",
  from: one.from,
  to,
  seq: one.number,
  oldest: oldestTo(context, to),
  question: one.question,
  ...one.lead ? { lead: true } : {},
  ...Parts.fields(one.parts, part)
})

/** The lowest number of a question to that server that is not over: what is below it, that server may forget. */
const oldestTo = (context: StepContext, { id }: Start): number => {
  let oldest = Infinity
  for (const [number, { to }] of context.state.talk.asks) if (to?.id === id && number < oldest) oldest = number
  return oldest
}

const askForParts = (context: StepContext, one: Ask, answer: NonNullable<Ask["answer"]>, to: Start): Ask => {
  const missing = Parts.missing(answer)
  const known = Peers.memberOf(context, to)
  if (known !== null) {
    context.send(known.address, { type: "PARTS_ASK", from: one.from, to, seq: one.number, what: "answer", missing })
  }
  return { ...one, answer: Parts.asked(answer, missing) }
}
