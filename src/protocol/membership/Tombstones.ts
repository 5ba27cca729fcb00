/**
 * Those that were members and are gone. They are remembered for a while, so that what they said last does not bring them back:
 * only an answer to a new question does.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as MemberLists from "./MemberLists.ts"

/** Remembers one that is gone. Of too many, the one whose time is over first is forgotten. */
export const remember = (
  context: StepContext,
  id: Member.NodeId,
  departed: HashMap.HashMap.Value<State["departed"]>
): void => {
  let all = context.state.departed
  if (HashMap.size(all) >= context.state.timing.maxDeparted) {
    let oldest: Member.NodeId = id
    let until = Infinity
    for (const [other, its] of all) {
      if (its.until < until) {
        oldest = other
        until = its.until
      }
    }
    all = HashMap.remove(all, oldest)
    if (until > context.now.monotonic) context.drop("DepartedFull")
  }
  context.state.departed = HashMap.set(all, id, departed)
}

/** How often one that was removed for silence and is heard again is asked for each time that it is. */
const returnTries = 3

const returnKey = (id: Member.NodeId) => `return:${id}`

/** Whether this very start of a server was removed without a goodbye, and may return by answering. */
export const mayReturn = (
  context: StepContext,
  server: { readonly id: Member.NodeId; readonly incarnation: number }
): boolean => {
  const departed = Option.getOrUndefined(HashMap.get(context.state.departed, server.id))
  return departed !== undefined && departed.mayReturn && departed.incarnation === server.incarnation
}

/** Whether a message is one of the departed, whose late datagrams revive nobody: only an answer to a new question does. */
export const isDeparted = (context: StepContext, message: Message.FromServer, from: Member.Address): boolean => {
  const { id, incarnation } = message.sender
  const departed = Option.getOrUndefined(HashMap.get(context.state.departed, id))
  if (departed === undefined) return false
  const forgotten = departed.until <= context.now.monotonic
  const answered = message.type === "SERVER_RESPONSE" && message.nonce === departed.nonce
  // A goodbye of a start that we never met returns nobody, and the departed stay remembered.
  const isLater = incarnation > departed.incarnation && message.type !== "SERVER_LEAVING"
  if (forgotten || isLater || (answered && incarnation === departed.incarnation)) {
    context.state.departed = HashMap.remove(context.state.departed, id)
    context.clearTimer(returnKey(id))
    return false
  }
  context.drop("Departed")
  const { probeTimeout } = context.state.timing
  if (message.type === "SERVER_LEAVING" || context.now.monotonic - departed.askedAt < returnTries * probeTimeout) {
    return true
  }
  const nonce = context.nonce()
  if (incarnation < departed.incarnation) {
    // It may have started again with its clock set back: it is told what it was known by, and goes on above that.
    sayKnown(context, { ...message.sender, incarnation: departed.incarnation }, 0, from)
  } else if (departed.mayReturn) {
    // Its next datagram may be a heartbeat away: the question, or its answer, may be lost before.
    const gaps = Array.from({ length: returnTries - 1 }, () => probeTimeout)
    context.sayOften(returnKey(id), { type: "SERVER_PROBE", nonce }, gaps, from)
  } else {
    return true
  }
  context.state.departed = HashMap.set(context.state.departed, id, {
    ...departed,
    nonce,
    askedAt: context.now.monotonic
  })
  return true
}

/** Tells a server by what incarnation it is known: under the address that it says of itself, by which it knows itself. */
export const sayKnown = (context: StepContext, known: Member.Member, heardAt: number, to: Member.Address): void =>
  context.send(to, MemberLists.only(context, known, heardAt, to))
