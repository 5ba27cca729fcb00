/** What members say on topics: to all or to one, at most once, acknowledged by nobody, and no sign of life. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as ReplayWindow from "../wire/ReplayWindow.ts"
import * as Peers from "./Peers.ts"

/** What the app says: to one member, or to all (null). */
export interface Said {
  readonly to: Member.NodeId | null
  readonly topic: string
  readonly body: Schema.Json
}

/** Says something to one member, or to all, this server included. One that is gone hears nothing. */
export const say = (context: StepContext, { body, to, topic }: Said): void => {
  const { self, talk } = context.state
  const isToSelf = to === self.id
  if (to === null || isToSelf) {
    context.outputs.push({ _tag: "Hear", by: isToSelf ? "sendTo" : "broadcast", from: self, topic, body })
  }
  if (isToSelf) return
  const seq = talk.said + 1
  context.state.talk = { ...talk, said: seq }
  const message = { type: "TALK", from: Peers.startOf(self), seq, topic, body } as const
  if (to === null) return context.send(null, message)
  Option.map(context.known(to), ({ address }) => context.send(address, { ...message, to }))
}

/** A member has said something. It may come several times: over several networks, by multicast and by unicast. */
export const hear = (context: StepContext, { body, from, seq, to, topic }: Message.Of<"TALK">): void => {
  const found = Peers.find(context, from)
  if (found === null) return
  if (to !== undefined && to !== context.state.self.id) return context.drop("Stale")
  const heard = ReplayWindow.admit(found.peer.heard, seq)
  if (heard === null) return context.drop("TalkRepeated")
  const { talk } = context.state
  context.state.talk = { ...talk, peers: HashMap.set(talk.peers, from.id, { ...found.peer, heard }) }
  const by = to === undefined ? "broadcast" : "sendTo"
  context.outputs.push({ _tag: "Hear", by, from: found.known.member, topic, body })
}
