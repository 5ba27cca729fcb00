/** What servers answer when they are asked who is there, judged by where the members listen. */
import * as Member from "../../protocol/model/Member.ts"
import type * as Message from "../../protocol/model/Message.ts"
import * as Zone from "../../protocol/model/Zone.ts"
import * as Step from "../../protocol/Step.ts"
import { subnetOf } from "../../testing/internal/interfaces.ts"
import type * as Invariants from "../Invariants.ts"

/** A server that is asked: its state, and its clocks. */
export interface Asked extends Invariants.Living {
  /** Where its answer comes from. */
  readonly from: Member.Address
}

/** Which server listens at an address. */
export type Listener = (address: Member.Address) => { readonly id: string; readonly name: string } | null

/** Where the view of a server shows a member at an address where it does not listen. Null where it shows none. */
export const misplaced = ({ state }: Invariants.Living, listener: Listener): string | null => {
  for (const member of Step.view(state).members) {
    const what = astray(member, listener)
    if (what !== null) return `${state.self.name} shows ${member.name} at ${what}`
  }
  return null
}

/**
 * Where a list, as this server answers it to a program that asks at that address, or the leader that it names, does not lead to who
 * is meant. Null where all does.
 */
export const misdirected = (
  asked: Asked,
  asker: Member.Address,
  listener: Listener,
  transition: typeof Step.step
): string | null => {
  let of = 1
  for (let page = 0; page < of; page++) {
    const message = answer(asked, asker, page, transition)
    if (message === null) return `${asked.state.self.name} does not answer who asks at ${asker.ip}`
    of = message.of
    const leader = message.leader === null ? [] : [{ ...message.leader, name: "its leader" }]
    for (const told of [...message.list, ...leader]) {
      const placed = Zone.placed(told, message.from, asked.from)
      const isNear = subnetOf(placed.ip) === subnetOf(asker.ip)
      const what = astray(placed, listener) ?? (isNear ? null : `${placed.ip}, on another network`)
      if (what !== null) return `${asked.state.self.name} tells ${asker.ip} of ${told.name} at ${what}`
    }
  }
  return null
}

const astray = (
  { id, ip, port }: Member.Address & { readonly id: string },
  listener: Listener
): string | null => {
  const there = listener({ ip, port })
  if (there?.id === id) return null
  return `${Member.formatAddress({ ip, port })}, where ${there === null ? "nobody" : there.name} listens`
}

const answer = (
  { clocks, state }: Asked,
  asker: Member.Address,
  page: number,
  transition: typeof Step.step
): Message.Of<"MEMBERS"> | null => {
  const message = { type: "MEMBERS_ASK", nonce: "0".repeat(16), page } as const
  const [, outputs] = transition(state, { _tag: "Received", message, from: asker, via: "unicast" }, {
    ...clocks,
    entropy: 0
  })
  for (const output of outputs) {
    if (output._tag === "Send" && output.message.type === "MEMBERS" && output.to[0]?.ip === asker.ip) {
      return output.message
    }
  }
  return null
}
