/** A holder's part in what is held: its sessions ask the leader, and the app hears what is granted and what must be ended. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Snapshot from "../election/Snapshot.ts"
import { type Held, type Holding, limits } from "../model/Grants.ts"
import * as Lease from "../model/Lease.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Reign from "../model/Reign.ts"
import * as Resources from "../model/Resources.ts"
import type { Now, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Peers from "../talk/Peers.ts"
import * as Granting from "./Granting.ts"
import type * as GrantTable from "./GrantTable.ts"
import * as Holdings from "./Holdings.ts"

/**
 * What the app wants to hold. `hold` is a number of its own for the session; the same again changes what is `wanted`, and how much
 * its share weighs.
 */
export interface Wanted {
  readonly hold: number
  readonly space: string
  readonly count: number
  /** For how long a grant lasts unless it is renewed, in ms: the same for all that share the space. */
  readonly expiry: number
  /** Null where it takes its share of the space. */
  readonly wanted: Resources.Resources | null
  readonly weight: number
}

const timer = "holdings"

const put = (context: StepContext, hold: number, holding: Holding): void => {
  const { holdings } = context.state.grants
  Granting.change(context, { holdings: HashMap.set(holdings, hold, holding), dueAt: context.now.monotonic })
}

const find = ({ state: { grants } }: { readonly state: Pick<State, "grants"> }, hold: number): Holding | undefined =>
  Option.getOrUndefined(HashMap.get(grants.holdings, hold))

const forget = (context: StepContext, hold: number): void =>
  Granting.change(context, { holdings: HashMap.remove(context.state.grants.holdings, hold) })

/** By what grants last here; null without a lease. */
const termsOf = ({ timing: { lease, stopTimeout } }: Pick<State, "timing">): Holdings.Terms | null =>
  lease === null ? null : { drift: lease.drift, stopTimeout }

/**
 * The app wants to hold something. Without a lease nothing can be held. One session too many is refused, and one that begins as
 * this server leaves.
 */
export const hold = (context: StepContext, wanted: Wanted): void => {
  const before = find(context, wanted.hold)
  const now = context.now.monotonic
  if (before !== undefined) return put(context, wanted.hold, Holdings.wanting(before, wanted, now))
  const why = refusal(context.state)
  if (why === "Full") context.drop("GrantsFull")
  if (why !== null) return void context.outputs.push({ _tag: "HoldRefused", hold: wanted.hold, why })
  const { count, expiry, space, wanted: resources, weight } = wanted
  put(
    context,
    wanted.hold,
    Holdings.make({ space, count, expiry, wanted: resources, weight }, context.nonce(), now)
  )
}

const refusal = ({ grants, phase, timing: { lease } }: State): "Left" | "Full" | null => {
  if (phase === "Leaving") return "Left"
  return lease === null || HashMap.size(grants.holdings) >= limits.holdings ? "Full" : null
}

/** What the app did under these grants has ended: one ask says so. */
export const release = (
  context: StepContext,
  { hold, tokens }: { readonly hold: number; readonly tokens: ReadonlyMap<number, string> }
): void => {
  const before = find(context, hold)
  if (before === undefined) return
  let after = before
  for (const [resource, token] of tokens) after = Holdings.released(after, resource, token, context.now.monotonic)
  if (after !== before) put(context, hold, after)
}

/**
 * The app holds nothing any more. The leader hears of it, unless something still runs: then it is free when its time is over by
 * the clock.
 */
export const unhold = (
  context: StepContext,
  { finished, hold }: { readonly hold: number; readonly finished: boolean }
): void => {
  const before = find(context, hold)
  if (before === undefined) return
  // Of a session that has asked nobody there is nobody to tell: where nobody leads, these would take all the room.
  if (!finished || before.seq === 0) return forget(context, hold)
  put(context, hold, {
    ...before,
    held: HashMap.empty(),
    ending: HashMap.empty(),
    isOver: true,
    tries: 0,
    grantsFrom: before.seq + 1,
    askAt: context.now.monotonic
  })
}

/** The number of the newest ask of a session; 0 where it has sent none. */
export const newestAsk = (state: Pick<State, "grants">, hold: number): number => find({ state }, hold)?.seq ?? 0

type Clocks = Pick<Now, "monotonic" | "wall" | "sinceBoot" | "generation">

/**
 * For how many ms more each grant of a session lasts by the clock; null where none does, or the machine was set back: by its clocks
 * that may last of which the time is over.
 */
const lastingOf = (
  state: Pick<State, "grants" | "timing" | "generation">,
  hold: number,
  now: Clocks
): { readonly held: Holding["held"]; readonly left: (one: Held) => number } | null => {
  const terms = Snapshot.isRestored(state, now) ? null : termsOf(state)
  const holding = find({ state }, hold)
  if (terms === null || holding === undefined) return null
  return { held: holding.held, left: (one) => Holdings.left(holding, one, terms, now) }
}

/** The token of a grant of this server's own that lasts by the clock; null where there is none. */
export const tokenOf = (
  state: Pick<State, "grants" | "timing" | "generation">,
  hold: number,
  resource: number,
  now: Clocks
): string | null => {
  const lasting = lastingOf(state, hold, now)
  const one = lasting === null ? undefined : Option.getOrUndefined(HashMap.get(lasting.held, resource))
  return one !== undefined && lasting!.left(one) > 0 ? one.token : null
}

/** What a session holds by the clock, but for what is to be ended: under which token, and for how many ms more. */
export const current = (
  state: Pick<State, "grants" | "timing" | "generation">,
  hold: number,
  now: Clocks
): ReadonlyMap<number, Current> => {
  const lasting = lastingOf(state, hold, now)
  const all = new Map<number, Current>()
  for (const [resource, one] of lasting?.held ?? []) {
    const left = lasting!.left(one)
    if (!one.isEnding && left > 0) all.set(resource, { token: one.token, left })
  }
  return all
}

/** A grant of this server's own, and for how many ms it lasts by the clock if it is not renewed. */
export interface Current {
  readonly token: string
  readonly left: number
}

// --- Asking ---

const leaderOf = ({ state: { election: { reign }, known, self } }: StepContext): Asked | null => {
  if (reign === null) return null
  if (reign.leader.id === self.id) return { reign, to: null }
  const leader = Option.getOrUndefined(HashMap.get(known, reign.leader.id))
  return { reign, to: leader?.address ?? reign.leader }
}

/** Whom sessions ask: the leader of the reign that is followed, at that address; null where this server leads. */
interface Asked {
  readonly reign: Reign.Reign
  readonly to: Member.Address | null
}

/** Says what a session holds, and wants. Where this server leads, it answers itself. */
const ask = (context: StepContext, number: number, { reign, to }: Asked): void => {
  const holding = Holdings.ask(find(context, number)!, context.now)
  const isGone = Holdings.isGone(holding)
  if (isGone && holding.tries > Holdings.maxFarewells) return forget(context, number)
  Granting.change(context, { holdings: HashMap.set(context.state.grants.holdings, number, holding) })
  const { count, expiry, isOver, seq, session, space, wanted } = holding
  const weight = isOver ? 0 : holding.weight
  const message: Message.Of<"GRANTS_ASK"> = {
    type: "GRANTS_ASK",
    from: Peers.startOf(context.state.self),
    term: reign.term,
    session,
    seq,
    space,
    count,
    expiry,
    held: Resources.toText(Holdings.heldBy(holding)),
    ...(HashMap.isEmpty(holding.ending) ? {} : { ending: Resources.toText(Holdings.endingBy(holding)) }),
    ...(wanted === null ? {} : { wanted: Resources.toText(isOver ? [] : wanted) }),
    ...(weight === 1 ? {} : { weight }),
    ...(isGone ? { over: true } : {})
  }
  if (to !== null) return context.send(to, message)
  const answer = Granting.read(context, message)
  if (answer !== null) read(context, number, reign, seq, answer)
}

/** The leader has answered, or this server has as the leader. */
const read = (
  context: StepContext,
  hold: number,
  reign: Reign.Reign,
  seq: number,
  { grant, refused, ...answer }: GrantTable.Answer
): void => {
  const before = find(context, hold)!
  if (Holdings.isGone(before)) return forget(context, hold)
  const token = tokenIn(reign, grant)
  const terms = { ...termsOf(context.state)!, sessions: HashMap.size(context.state.grants.holdings) }
  const change = refused === null
    ? Holdings.answered(before, seq, { ...answer, token }, terms, context.now)
    : Holdings.refused(before, seq, terms, context.now.monotonic)
  if (change === null) return context.drop("GrantRepeated")
  if (refused !== null) context.outputs.push({ _tag: "HoldRefused", hold, why: refused })
  tell(context, hold, change)
  if (refused === null) context.outputs.push({ _tag: "AskAnswered", hold, seq, again: answer.again })
}

/** Rises with each change of a holder, also over reigns; its order is that of texts. */
const tokenIn = (reign: Reign.Reign, grant: number): string =>
  `${Reign.token(reign)}-${String(grant).padStart(16, "0")}`

/** Tells the app what has become of what a session holds. */
const tell = (context: StepContext, hold: number, { ended, granted, holding }: Holdings.Change): void => {
  put(context, hold, holding)
  for (const { resource, why } of ended) context.outputs.push({ _tag: "EndGrant", hold, resource, why })
  for (const { resource, token } of granted) context.outputs.push({ _tag: "Granted", hold, resource, token })
}

/** The answer of a leader. It is no sign of life. */
export const onSay = (context: StepContext, message: Message.Of<"GRANTS_SAY">): void => {
  const { reign } = context.state.election
  const hold = ofSession(context, message.session)
  const isOurs = reign?.term === message.term && Member.isSameStart(reign.leader, message.from)
  if (hold === null || !isOurs) return context.drop("Stale")
  const { count } = find(context, hold)!
  const resources = (text = ""): Resources.Resources => Resources.fromText(text, count)
  const { again = 0, grant = 0, granted, lost, moving, refused = null, seq } = message
  read(context, hold, reign, seq, {
    granted: grant === 0 ? [] : resources(granted),
    lost: resources(lost),
    moving: resources(moving),
    again,
    grant,
    refused
  })
}

/** The leader has news. */
export const onNews = (context: StepContext, { session, term }: Message.Of<"GRANTS_NEWS">): void => {
  if (context.state.election.reign?.term !== term || ofSession(context, session) === null) return context.drop("Stale")
  Granting.asksNow(context, session)
}

const ofSession = ({ state: { grants } }: StepContext, session: string): number | null => {
  for (const [hold, holding] of grants.holdings) if (holding.session === session) return hold
  return null
}

// --- Time ---

/** This server leaves: all that is held must be ended, and nothing is taken any more, which those hear that wait. */
export const leave = (context: StepContext): void => {
  for (const [hold, holding] of context.state.grants.holdings) {
    if (holding.isOver) continue
    const ended = Array.from(HashMap.entries(holding.held)).filter(([, { isEnding }]) => !isEnding)
    const held = HashMap.map(holding.held, (one) => Holdings.toEnd(one, context.state.timing, context.now))
    tell(context, hold, {
      holding: { ...holding, held, isOver: true, tries: 0, askAt: context.now.monotonic },
      granted: [],
      ended: ended.map(([resource]) => ({ resource, why: "Leaving" as const }))
    })
    context.outputs.push({ _tag: "HoldRefused", hold, why: "Left" })
  }
}

/** Whether another leads, and has not answered yet that sessions of this server end. */
export const hasToTell = (context: StepContext): boolean =>
  !HashMap.isEmpty(context.state.grants.holdings) && (leaderOf(context)?.to ?? null) !== null

/** Whether anything is held, by the clock or not. */
export const holdsAny = ({ grants }: Pick<State, "grants">): boolean =>
  HashMap.some(grants.holdings, ({ held }) => !HashMap.isEmpty(held))

/** Whether something may be due by any of the clocks: of these one may have gone on for longer than the monotonic one. */
const isDue = ({ now, state: { grants: { dueAt, seenAt } } }: StepContext): boolean =>
  Lease.elapsed(seenAt, now) >= dueAt - seenAt.monotonic

/** At the begin of a step: what is over by the clock is held no more, so that no ask says that it is, and no answer renews it. */
export const expire = (context: StepContext): void => {
  const terms = termsOf(context.state)
  if (terms === null || !isDue(context)) return
  for (const [hold, holding] of context.state.grants.holdings) {
    const change = Holdings.expire(holding, terms, context.now)
    if (change.holding !== holding || change.ended.length > 0) tell(context, hold, change)
  }
}

/** The machine was set back to a snapshot: what was held then may be another's. */
export const restored = (context: StepContext): void => {
  for (const [hold, holding] of context.state.grants.holdings) {
    const ended = Holdings.heldBy(holding).map((resource) => ({ resource, why: "Lost" as const }))
    const session = context.nonce()
    tell(context, hold, {
      holding: {
        ...holding,
        session,
        held: HashMap.empty(),
        ending: HashMap.empty(),
        sent: [],
        grantsFrom: holding.seq + 1
      },
      granted: [],
      ended
    })
  }
}

/** At the end of a step: the sessions that are due ask; all do where another leads. */
export const follow = (context: StepContext, before: Pick<State, "election">): void => {
  const terms = termsOf(context.state)
  if (terms === null || HashMap.isEmpty(context.state.grants.holdings)) return
  const now = context.now.monotonic
  const leader = leaderOf(context)
  if (leader !== null && !isSameReign(before.election.reign, leader.reign)) askAll(context)
  if (!isDue(context)) return
  if (leader !== null) {
    for (const hold of HashMap.keys(context.state.grants.holdings)) {
      if (find(context, hold)!.askAt <= now) ask(context, hold, leader)
    }
  }
  let dueAt = Infinity
  for (const [, holding] of context.state.grants.holdings) {
    dueAt = Math.min(dueAt, Holdings.dueAt(holding, terms, context.now, leader !== null))
  }
  Granting.change(context, { dueAt, seenAt: Lease.instant(context.now) })
  if (dueAt === Infinity) context.clearTimer(timer)
  else context.setTimer(timer, Math.max(0, dueAt - now), { _tag: "Holdings" })
}

const isSameReign = (self: Reign.Reign | null, that: Reign.Reign): boolean =>
  self !== null && self.term === that.term && self.leader.id === that.leader.id

const askAll = (context: StepContext): void => {
  const now = context.now.monotonic
  const holdings = HashMap.map(context.state.grants.holdings, (holding) => ({ ...holding, askAt: now, tries: 0 }))
  Granting.change(context, { holdings, dueAt: now })
}
