/** The leader's part in what is held: it reads what sessions ask, answers, and tells those for whom there is news. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Algorithms from "../election/Algorithms.ts"
import * as ElectionContext from "../election/ElectionContext.ts"
import * as Election from "../model/Election.ts"
import type { Grants, Table } from "../model/Grants.ts"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import * as Resources from "../model/Resources.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Peers from "../talk/Peers.ts"
import * as GrantTable from "./GrantTable.ts"

/** A member asks. It is no sign of life. Only who leads by the clock answers, and only who asks for this very reign is answered. */
export const onAsk = (context: StepContext, message: Message.Of<"GRANTS_ASK">): void => {
  const known = Peers.memberOf(context, message.from)
  if (known === null) return context.drop("NoMember")
  const answer = read(context, message)
  if (answer === null) return
  const { seq, session, term } = message
  context.send(known.address, {
    type: "GRANTS_SAY",
    from: Peers.startOf(context.state.self),
    term,
    session,
    seq,
    ...(answer.granted.length === 0 ? {} : { granted: Resources.toText(answer.granted), grant: answer.grant }),
    ...(answer.lost.length === 0 ? {} : { lost: Resources.toText(answer.lost) }),
    ...(answer.moving.length === 0 ? {} : { moving: Resources.toText(answer.moving) }),
    ...(answer.again === 0 ? {} : { again: answer.again }),
    ...(answer.refused === null ? {} : { refused: answer.refused })
  })
}

/** Reads what a session asks, of this server or another; null where it is answered nothing. */
export const read = (context: StepContext, message: Message.Of<"GRANTS_ASK">): GrantTable.Answer | null => {
  const table = tableOf(context)
  if (table === null || table.term !== message.term) {
    context.drop("Stale")
    return null
  }
  const { count, ending = "", held, over, wanted, weight = 1 } = message
  const { answer, conflict, news, table: after } = GrantTable.ask(
    table,
    {
      id: message.from.id,
      session: message.session,
      seq: message.seq,
      space: message.space,
      count,
      expiry: message.expiry,
      held: Resources.fromText(held, count),
      ending: Resources.fromText(ending, count),
      wanted: wanted === undefined ? null : Resources.fromText(wanted, count),
      weight,
      isOver: over === true
    },
    context.now.monotonic,
    isThere(context)
  )
  if (answer === null) context.drop("GrantRepeated")
  if (answer?.refused === "Full") context.drop("GrantsFull")
  if (conflict) context.drop("GrantConflict")
  change(context, { table: after })
  // Another session may be over sooner than all that came before.
  if (context.dueAt(timer) > context.now.monotonic + message.expiry) {
    context.setTimer(timer, message.expiry, { _tag: "Grants" })
  }
  tell(context, after.term, news)
  return answer
}

const timer = "grants"

/** Changes a part of it. */
export const change = (context: StepContext, to: Partial<Grants>): void => {
  context.state.grants = { ...context.state.grants, ...to }
}

const isThere = ({ state: { known, self } }: StepContext) => (id: Member.NodeId): boolean =>
  id === self.id || HashMap.has(known, id)

/** The table of this server's own reign, while that lasts by the clock. */
const tableOf = ({ now, state }: StepContext): Table | null =>
  ElectionContext.ownReign(state) !== null && Algorithms.of(state).lasts(state, Election.ofGroup, now)
    ? state.grants.table
    : null

/** Tells those for whom there is news: they ask at once. Where that is lost, they ask before long. */
const tell = (context: StepContext, term: number, news: ReadonlyArray<GrantTable.Recipient>): void => {
  const { self } = context.state
  for (const { id, session } of news) {
    if (id === self.id) asksNow(context, session)
    else {
      Option.map(
        context.known(id),
        ({ address }) => context.send(address, { type: "GRANTS_NEWS", from: Peers.startOf(self), term, session })
      )
    }
  }
}

/** A session of this server's own has news: it asks before the step ends. */
export const asksNow = (context: StepContext, session: string): void => {
  const { grants } = context.state
  for (const [hold, holding] of grants.holdings) {
    if (holding.session !== session) continue
    const now = context.now.monotonic
    change(context, { holdings: HashMap.set(grants.holdings, hold, { ...holding, askAt: now }), dueAt: now })
  }
}

/** Some sessions may be over by the clock. */
export const fired = (context: StepContext): void => {
  // The timer goes with the table.
  const { news, table: after } = GrantTable.expire(context.state.grants.table!, context.now.monotonic, isThere(context))
  change(context, { table: after })
  const due = GrantTable.dueAt(after)
  if (due < Infinity) context.setTimer(timer, due - context.now.monotonic, { _tag: "Grants" })
  tell(context, after.term, news)
}

/** At the end of a step: a reign of this server's own begins with an empty table, and with its end the table is gone. */
export const follow = (context: StepContext): void => {
  const { grants: { table }, timing } = context.state
  const own = timing.lease === null ? null : ElectionContext.ownReign(context.state)
  if (table?.term === own?.term) return
  context.clearTimer(timer)
  change(context, { table: own === null ? null : GrantTable.open(own.term, context.now.monotonic) })
}
