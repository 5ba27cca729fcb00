/** What must hold of a server that was paused and finds it out: a pause is not a death, and no lead outlasts one. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as ElectionContext from "../../protocol/election/ElectionContext.ts"
import * as Member from "../../protocol/model/Member.ts"
import type { Output } from "../../protocol/model/Output.ts"
import * as Reign from "../../protocol/model/Reign.ts"
import * as Timing from "../../protocol/model/Timing.ts"
import type * as Step from "../../protocol/Step.ts"
import type { Stepped } from "../../testing/Stepped.ts"
import * as Invariants from "../Invariants.ts"
import type * as StepInvariants from "../StepInvariants.ts"
import type { Watched } from "./watched.ts"

/** Judges each step: of a server that has just resumed, of one that did so lately, and of a leader that was replaced meanwhile. */
export class Wakings {
  readonly #complain: Invariants.Judge["complain"]
  readonly #count: Invariants.Judge["count"]

  constructor({ complain, count }: Invariants.Judge) {
    this.#complain = complain
    this.#count = count
  }

  stepped(watched: Watched, step: Stepped): void {
    this.#woke(watched, step)
    if (watched.replaced) this.#wasReplaced(watched, step)
  }

  /** A server that runs steps far more often than it takes to notice a pause: its pause detector does. */
  #woke(watched: Watched, step: Stepped): void {
    const { now } = step
    const { seen } = watched
    watched.seen = now
    const aged = now.monotonic - seen.monotonic
    const pausedFor = Math.max(aged, (now.sinceBoot ?? 0) - (seen.sinceBoot ?? 0))
    let what: string | null
    const { timing } = step.before
    const isReplaced = watched.led !== null && Timing.keepsPace(timing)
      && pausedFor > Timing.leaderReplacedAfter(timing)
    if (pausedFor > Timing.pauseThreshold(timing) || isReplaced) {
      watched.wokeAt = now.monotonic
      this.#count("stallIsNoticed")
      what = judgeFirst(step, pausedFor, aged)
    } else {
      what = judgeLater(step, now.monotonic - watched.wokeAt)
    }
    if (what !== null) this.#complain(step.at, "stallIsNoticed", step.index, what)
  }

  /** The first step of a leader that others have replaced while it was paused. */
  #wasReplaced(watched: Watched, step: Stepped): void {
    watched.replaced = false
    this.#count("replacedIsNoticed")
    const what = judgeReplaced(step)
    if (what !== null) this.#complain(step.at, "replacedIsNoticed", step.index, what)
  }
}

/**
 * Judges the first step of a server that was paused for so many ms, by the clock that shows more, and by the one that
 * its stamps count on (`aged`): null where it was too short to be noticed, or all is well.
 */
const judgeFirst = (
  { after, before, input, now, outputs }: StepInvariants.Judged,
  pausedFor: number,
  aged: number
): string | null => {
  if (before.phase === "Left") return null
  const wrong = judgeLead({ after, before, outputs }, pausedFor)
  const threshold = Timing.pauseThreshold(before.timing)
  if (wrong !== null || pausedFor <= threshold) return wrong
  if (outputs.some(removesForSilence)) return "removes others for what it did not hear"
  for (const [id, { heardAt, member }] of after.known) {
    if (isSaidBy(input, member)) continue
    const stamp = Option.getOrUndefined(HashMap.get(before.known, id))?.heardAt
    // It looked last some time before it was paused.
    if (stamp === undefined || Math.abs(heardAt - stamp - aged) <= threshold) continue
    // Nobody was heard later than now.
    if (heardAt < stamp + aged && heardAt >= now.monotonic - threshold) continue
    return `was paused for ${Math.round(aged)} ms and forgives ${member.name} ${Math.round(heardAt - stamp)} of them`
  }
  return null
}

/** Whether a leader that was paused ends its reign if others may have replaced it, and only then. */
const judgeLead = (
  { after, before, outputs }: Pick<StepInvariants.Judged, "after" | "before" | "outputs">,
  pausedFor: number
): string | null => {
  const reign = ElectionContext.ownReign(before)
  if (reign === null) return null
  const { timing } = before
  const still = ElectionContext.ownReign(after)
  const leadsOn = still !== null && Reign.compare(reign, still) === 0
  const bound = Timing.keepsPace(timing) ? Timing.leaderReplacedAfter(timing) : Timing.pauseThreshold(timing)
  if (leadsOn && pausedFor > bound) return `leads on by ${Invariants.formatReign(reign)}`
  // What is counted from its last sign of life may be longer by its interval.
  return !leadsOn && Timing.keepsPace(timing) && pausedFor < bound - 1.05 * timing.leaderInterval - lateness
      && outputs.some(endsByPause)
    ? `leads no more after ${Math.round(pausedFor)} ms`
    : null
}

/** Judges the first step of a leader that others have replaced while it was paused. */
const judgeReplaced = ({ after, before }: Pick<StepInvariants.Judged, "after" | "before">): string | null => {
  const reign = ElectionContext.ownReign(after)
  return reign !== null && reign.term === ElectionContext.ownReign(before)?.term
    ? `leads on by ${Invariants.formatReign(reign)}`
    : null
}

/** How late a sign of life may be on a busy host, in ms. */
const lateness = 50

const endsByPause = (output: Output): boolean =>
  output._tag === "Emit" && output.event.event === "LeaderChanged" && output.event.leader === null
  && output.event.cause === "Stalled"

/**
 * Judges a step of a server that resumed from a pause so many ms before, by the clock of its stamps: it listens for one
 * discovery window. Null where that is over, or all is well.
 */
const judgeLater = ({ after, before, outputs }: StepInvariants.Judged, since: number): string | null => {
  if (since >= before.timing.discoveryWindow - 1) return null
  const own = ElectionContext.ownReign(after)
  const led = ElectionContext.ownReign(before)
  // A pause may be too short to end a lead. That goes on in a new term where this server raises its incarnation.
  const goesOn = led !== null && after.self.incarnation > before.self.incarnation
  if (own !== null && own.term !== led?.term && !goesOn) {
    return `leads ${Math.round(since)} ms after it woke`
  }
  return outputs.some(removesForSilence) ? `removes others ${Math.round(since)} ms after it woke` : null
}

const removesForSilence = (output: Output): boolean =>
  output._tag === "Emit" && output.event.event === "MemberRemoved" && output.event.reason._tag === "Silent"

const isSaidBy = (input: Step.Input, member: Member.Member): boolean =>
  input._tag === "Received" && "sender" in input.message && Member.isSameStart(input.message.sender, member)
