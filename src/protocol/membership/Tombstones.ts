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
  tombstone: HashMap.HashMap.Value<State["tombstones"]>
): void => {
  let all = context.state.tombstones
  if (HashMap.size(all) >= context.state.timing.maxTombstones) {
    let oldest: Member.NodeId = id
    let until = Infinity
    for (const [other, its] of all) {
      if (its.until < until) {
        oldest = other
        until = its.until
      }
    }
    all = HashMap.remove(all, oldest)
    if (until > context.now.monotonic) context.drop("TombstonesFull")
  }
  context.state.tombstones = HashMap.set(all, id, tombstone)
}

/** How often one that was removed for silence and is heard again is asked for each time that it is. */
const returnTries = 3

const returnKey = (id: Member.NodeId) => `return:${id}`

/** Whether this very start of a server was removed without a goodbye, and may return by answering. */
export const mayReturn = (
  context: StepContext,
  server: { readonly id: Member.NodeId; readonly incarnation: number }
): boolean => {
  const tombstone = Option.getOrUndefined(HashMap.get(context.state.tombstones, server.id))
  return tombstone !== undefined && tombstone.mayReturn && tombstone.incarnation === server.incarnation
}

/** Whether a message is of one that is gone, whose late datagrams revive nobody: only an answer to a new question does. */
export const isOfOneGone = (context: StepContext, message: Message.FromServer, from: Member.Address): boolean => {
  const { id, incarnation } = message.sender
  const tombstone = Option.getOrUndefined(HashMap.get(context.state.tombstones, id))
  if (tombstone === undefined) return false
  const forgotten = tombstone.until <= context.now.monotonic
  const answered = message.type === "SERVER_RESPONSE" && message.nonce === tombstone.nonce
  // A goodbye of a start that we never met returns nobody, and the tombstone stays.
  const isLater = incarnation > tombstone.incarnation && message.type !== "SERVER_LEAVING"
  if (forgotten || isLater || (answered && incarnation === tombstone.incarnation)) {
    context.state.tombstones = HashMap.remove(context.state.tombstones, id)
    context.clearTimer(returnKey(id))
    return false
  }
  context.drop("Departed")
  const { probeTimeout } = context.state.timing
  if (message.type === "SERVER_LEAVING" || context.now.monotonic - tombstone.askedAt < returnTries * probeTimeout) {
    return true
  }
  const nonce = context.nonce()
  if (incarnation < tombstone.incarnation) {
    // It may have started again with its clock set back: it is told what it was known by, and goes on above that.
    sayKnown(context, { ...message.sender, incarnation: tombstone.incarnation }, 0, from)
  } else if (tombstone.mayReturn) {
    // Its next datagram may be a heartbeat away: the question, or its answer, may be lost before.
    const gaps = Array.from({ length: returnTries - 1 }, () => probeTimeout)
    context.sayOften(returnKey(id), { type: "SERVER_PROBE", nonce }, gaps, from)
  } else {
    return true
  }
  context.state.tombstones = HashMap.set(context.state.tombstones, id, {
    ...tombstone,
    nonce,
    askedAt: context.now.monotonic
  })
  return true
}

/** Tells a server by what incarnation it is known: under the address that it says of itself, by which it knows itself. */
export const sayKnown = (context: StepContext, known: Member.Member, heardAt: number, to: Member.Address): void =>
  context.send(to, MemberLists.only(context, known, heardAt, to))
