/**
 * Others are asked about a member that this server does not hear, before it is removed: the indirect probe of SWIM (Das,
 * Gupta and Motivala, 2002).
 *
 * A witness says what it has heard itself, and nothing that it was told: so no circle of servers keeps a dead member alive.
 * Its word keeps a member and never removes one. A member that is kept by it still counts as not heard here.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { Known, Witnesses } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Paths from "./Paths.ts"

/** A server before its start. */
export const none: Witnesses = { missed: [], nonce: "", askedAt: -Infinity, answers: 0, since: -Infinity }

/** The most members that are asked about at once: where more are silent, this server is the one that is cut off. */
const maxMissed = 4 * Message.maxMissed

/** How many are asked at random, besides the leader and those that were witnesses before. */
const randomWitnesses = 3

/** The most questions that are answered in a second. */
const maxAnswers = 100

/** When a member was last heard, here or by a witness, on our clock. */
export const lastKnownAt = ({ heardAt, witnessedAt }: Pick<Known, "heardAt" | "witnessedAt">): number =>
  Math.max(heardAt, witnessedAt)

/** A member has let a direct question go by, and has so many ms left to answer before it is removed: others are asked. */
export const askAbout = (context: StepContext, id: Member.NodeId, left: number, ofLead: boolean): void => {
  const { timing, witnesses } = context.state
  const known = HashMap.getUnsafe(context.state.known, id)
  const removedAt = lastKnownAt(known) + Timing.patience(timing, context.expectedInterval(known))
  if ((!ofLead && context.now.monotonic + left <= removedAt) || witnesses.missed.includes(id)) return
  if (witnesses.missed.length >= maxMissed) return context.drop("WitnessLimit")
  context.state.witnesses = { ...witnesses, missed: [...witnesses.missed, id] }
  // All that are missed at one time are asked about together, and not by everybody at the same instant.
  if (!context.hasTimer("witness")) {
    context.setTimer("witness", context.random() * timing.probeTimeout / 4, { _tag: "AskWitnesses" })
  }
}

/** Asks about all whose removal is near. */
export const ask = (context: StepContext): void => {
  const { checks, known, timing, witnesses } = context.state
  const now = context.now.monotonic
  const missed = witnesses.missed.flatMap((id) => HashMap.has(checks, id) ? [HashMap.getUnsafe(known, id)] : [])
  const isNew = now - witnesses.askedAt > 2 * timing.probeTimeout
  const { askedAt, nonce } = isNew ? { askedAt: now, nonce: context.nonce() } : witnesses
  context.state.witnesses = { ...witnesses, missed: [], nonce, askedAt }
  const asked = whom(context, missed)
  for (let first = 0; first < missed.length; first += Message.maxMissed) {
    const some = missed.slice(first, first + Message.maxMissed)
    const longest = now - Math.min(...some.map(({ heardAt }) => heardAt))
    const within = Math.min(Message.maxAgo, Math.floor(longest - timing.probeTimeout))
    for (const { address } of asked) {
      context.send(address, {
        type: "WITNESS_ASK",
        from: { id: context.state.self.id, incarnation: context.state.self.incarnation },
        nonce,
        within,
        missed: some.map(({ member: { id, incarnation } }) => ({ id, incarnation }))
      })
    }
  }
}

/** Who may know: the leader, those that were witnesses before, and some others at random; nobody who is silent, too. */
const whom = (context: StepContext, missed: ReadonlyArray<Known>): ReadonlyArray<Known> => {
  const { checks, election, known, members } = context.state
  const first = [election.reign?.leader.id, ...missed.map(({ through }) => through)]
  const chosen = new Map<Member.NodeId, Known>()
  const choose = (id: Member.NodeId): void => {
    if (!HashMap.has(checks, id)) Option.map(HashMap.get(known, id), (one) => chosen.set(id, one))
  }
  for (const id of first.slice(0, randomWitnesses + 1)) if (id !== undefined && id !== null) choose(id)
  const others = members.filter(({ id }) => !chosen.has(id) && !HashMap.has(checks, id))
  for (let i = 0; i < randomWitnesses && others.length > 0; i += 1) {
    const [one] = others.splice(Math.floor(context.random() * others.length), 1)
    choose(one!.id)
  }
  return [...chosen.values()]
}

/** Somebody asks which of its silent members were heard here since. Who has heard none says nothing. */
export const onAsk = (
  context: StepContext,
  { missed, nonce, within }: Message.Of<"WITNESS_ASK">,
  from: Member.Address
): void => {
  const { self, witnesses } = context.state
  const now = context.now.monotonic
  const heard = missed.flatMap(({ id, incarnation }) => {
    const known = Option.getOrUndefined(context.known(id))
    if (known === undefined || known.member.incarnation !== incarnation) return []
    const ago = Math.ceil(now - known.heardAt)
    return ago < within ? [{ id, ago }] : []
  })
  if (heard.length === 0) return
  const isNext = now - witnesses.since >= 1_000
  const answers = isNext ? 1 : witnesses.answers + 1
  context.state.witnesses = { ...witnesses, answers, since: isNext ? now : witnesses.since }
  if (answers > maxAnswers) return context.drop("WitnessLimit")
  context.send(from, { type: "WITNESS", from: { id: self.id, incarnation: self.incarnation }, nonce, heard })
}

/** A member has heard some of those that were asked about. That it answers proves that it hears us. */
export const onAnswer = (context: StepContext, { from, heard, nonce }: Message.Of<"WITNESS">): void => {
  const { timing: { probeTimeout }, witnesses: { askedAt, nonce: asked } } = context.state
  const witness = Option.getOrUndefined(context.known(from.id))
  if (nonce !== asked || witness?.member.incarnation !== from.incarnation) return
  Paths.noteHeardBy(context, from.id)
  for (const { ago, id } of heard) {
    const known = Option.getOrUndefined(context.known(id))
    // It was heard that long before the witness spoke, so after the question: no bound grows by the way of the answer.
    const witnessedAt = askedAt - ago
    if (id === from.id || known === undefined || witnessedAt <= known.witnessedAt) continue
    // One multicast reaches all, and not all at the same instant.
    if (witnessedAt <= known.heardAt + probeTimeout) continue
    context.state.known = HashMap.set(context.state.known, id, { ...known, witnessedAt, through: from.id })
    context.state.checks = HashMap.modify(
      context.state.checks,
      id,
      (asked) => witnessedAt > asked.refusedAt ? { ...asked, refused: 0, linkRefused: false } : asked
    )
  }
}
