/**
 * The questions of other members: each is handled once at most, however often it comes, and its answer is kept to be said again
 * until the asker has it. A former start of this server that was asked is somebody else: what that did nobody knows.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { isSameStart } from "../model/Member.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import { type Collected, limits, type Peer, type Stage, type Start } from "../model/Talk.ts"
import * as Handling from "./Handling.ts"
import * as Parts from "./Parts.ts"
import * as Peers from "./Peers.ts"

/** What a handler made of the question `seq` of that start. */
export interface Answer {
  readonly from: Start
  readonly seq: number
  readonly outcome: string
  readonly text: string
}

type Question = Message.Of<"QUESTION">

/** A question, or a part of one. */
export const onQuestion = (context: StepContext, message: Question): void => {
  const found = Peers.find(context, message.from)
  if (found === null) return
  if (!isSameStart(message.to, context.state.self)) return context.drop("Stale")
  const peer = forget(context, message, found.peer)
  if (message.seq < peer.oldest) return context.drop("TalkRepeated")
  const stage = stageOf(peer, message.seq)
  if (stage === undefined) {
    return hasRoom(context, peer, message)
      ? collect(context, message, null, found.known.member)
      : context.drop("TalkFull")
  }
  switch (stage._tag) {
    case "Collecting":
      return collect(context, message, stage.collected, found.known.member)
    case "Handling":
      return
    case "Answered":
      return message.again === true ? say(context, message, stage, Parts.first(stage.parts)) : undefined
    case "Over":
      return context.drop("TalkFull")
  }
}

/** A handler has ended, however that was. */
export const handled = (context: StepContext, { from, outcome, seq, text }: Answer): void => {
  const { talk } = context.state
  const peer = Option.getOrUndefined(HashMap.get(talk.peers, from.id))
  if (peer?.incarnation !== from.incarnation || stageOf(peer, seq)?._tag !== "Handling") return
  conclude(context, { from, seq }, outcome, text)
}

/** The asker misses parts of the answer. */
export const onPartsAsk = (context: StepContext, message: Message.Of<"PARTS_ASK">): void => {
  const found = Peers.find(context, message.from)
  if (found === null) return
  const stage = stageOf(found.peer, message.seq)
  if (stage?._tag !== "Answered") return context.drop("LateAnswer")
  say(context, message, stage, message.missing)
}

/** One question of one start. */
type Name = Pick<Question, "from" | "seq">

const stageOf = ({ questions }: Peer, seq: number): Stage | undefined => questions.find((one) => one.seq === seq)?.stage

/** What the asker waits for no more is forgotten. */
const forget = (context: StepContext, { from, oldest }: Question, peer: Peer): Peer => {
  if (oldest <= peer.oldest) return peer
  const { talk } = context.state
  const younger = { ...peer, oldest, questions: peer.questions.filter(({ seq }) => seq >= oldest) }
  context.state.talk = {
    ...talk,
    peers: HashMap.set(talk.peers, from.id, younger),
    kept: talk.kept.filter((kept) => kept.from.id !== from.id || kept.seq >= oldest)
  }
  return younger
}

/** Whether one more question of that asker can be remembered, and if it comes in parts, put together. */
const hasRoom = ({ state: { talk } }: StepContext, { questions }: Peer, { of = 1 }: Question): boolean => {
  if (questions.length >= limits.remembered) return false
  if (of === 1) return true
  let all = 0
  for (const peer of HashMap.values(talk.peers)) all += collecting(peer.questions)
  return all < limits.collecting.ofAll && collecting(questions) < limits.collecting.ofOne
}

const collecting = (questions: Peer["questions"]): number =>
  questions.filter(({ stage }) => stage._tag === "Collecting").length

/** One part more. The question is handled when all are there. */
const collect = (context: StepContext, message: Question, before: Collected | null, from: Member.Member): void => {
  const { again, of = 1, part = 0, seq, text } = message
  if (of > Parts.atMost(context.state.timing.maxMessageBytes)) return conclude(context, message, "QuestionTooLarge")
  const collected = Parts.add(before ?? Parts.nothing(of), part, of, text)
  const whole = Parts.whole(collected)
  if (whole !== null) return handle(context, message, from, whole)
  const heardAt = context.now.monotonic
  if (again !== true && !Parts.isLastAsked(collected, part)) {
    return put(context, message, { _tag: "Collecting", collected, heardAt })
  }
  const missing = Parts.missing(collected)
  put(context, message, { _tag: "Collecting", collected: Parts.asked(collected, missing), heardAt })
  send(context, message.from, (self) => ({
    type: "PARTS_ASK",
    from: self,
    to: message.from,
    seq,
    what: "question",
    missing
  }))
}

const handle = (context: StepContext, message: Question, from: Member.Member, text: string): void => {
  const { lead = false, question, seq } = message
  const refusal = Handling.begin(context, { from, seq, question, lead, text })
  if (refusal === null) put(context, message, { _tag: "Handling" })
  else conclude(context, message, refusal)
}

const conclude = (context: StepContext, name: Name, outcome: string, text = "null"): void => {
  const stage = { _tag: "Answered", outcome, parts: Parts.cut(text) } as const
  put(context, name, stage)
  keep(context, name, text.length)
  say(context, name, stage, Parts.first(stage.parts))
}

const put = (context: StepContext, { from, seq }: Name, stage: Stage): void => {
  const { talk } = context.state
  const { peer } = Peers.of(talk, from)
  const questions = [...peer.questions.filter((one) => one.seq !== seq), { seq, stage }]
  context.state.talk = { ...talk, peers: HashMap.set(talk.peers, from.id, { ...peer, questions }) }
}

/** Keeps an answer. The oldest ones make room: they are said no more, and never made anew. */
const keep = (context: StepContext, { from, seq }: Name, bytes: number): void => {
  const kept = [...context.state.talk.kept, { from: Peers.startOf(from), seq, bytes }]
  const room = limits.largest * context.state.timing.maxMessageBytes
  let sum = kept.reduce((all, one) => all + one.bytes, 0)
  while (kept.length > limits.answers || sum > room) {
    const oldest = kept.shift()!
    sum -= oldest.bytes
    if (Peers.of(context.state.talk, oldest.from).isSame) put(context, oldest, { _tag: "Over" })
  }
  context.state.talk = { ...context.state.talk, kept }
}

const say = (
  context: StepContext,
  { from, seq }: Name,
  { outcome, parts }: Extract<Stage, { readonly _tag: "Answered" }>,
  which: ReadonlyArray<number>
): void => {
  for (const part of which) {
    if (part >= parts.length) continue
    send(context, from, (self) => ({
      type: "ANSWER",
      from: self,
      to: Peers.startOf(from),
      seq,
      outcome,
      ...Parts.fields(parts, part)
    }))
  }
}

/** Sends to that start, if it is there, where it is heard: not to where a question may have been forged to come from. */
const send = (context: StepContext, to: Start, make: (self: Start) => Message.Message): void => {
  const known = Peers.memberOf(context, to)
  if (known !== null) context.send(known.address, make(Peers.startOf(context.state.self)))
}
