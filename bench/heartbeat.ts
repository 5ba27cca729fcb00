/**
 * `npm run bench -- heartbeat`: what one heartbeat costs in a group without multicast, where it goes to each member by itself: as a
 * message for each, and as one message to all of them, plain and sealed. Nothing is handed to the system.
 */
import * as Effect from "effect/Effect"
import type * as Message from "../src/protocol/model/Message.ts"
import * as Frame from "../src/protocol/wire/Frame.ts"
import * as KeyRing from "../src/protocol/wire/KeyRing.ts"
import * as Session from "../src/protocol/wire/Session.ts"
import * as Messenger from "../src/transport/Messenger.ts"
import type * as Sessions from "../src/transport/Sessions.ts"
import { corpus } from "../test/fuzz/Hostile.ts"
import * as Endpoint from "./endpoint.ts"

const rounds = 7

/** The median of some rounds, in µs each. */
const cost = <E>(times: number, effect: Effect.Effect<unknown, E>): number => {
  const round = () => {
    const started = performance.now()
    Effect.runSync(Effect.repeat(effect, { times: times - 1 }))
    return (performance.now() - started) * 1_000 / times
  }
  return Array.from({ length: rounds }, round).toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
}

export const heartbeat = async (): Promise<void> => {
  const tag = Frame.groupTag("default")
  const key = KeyRing.key(new Uint8Array(32).fill(1))
  const ring: KeyRing.KeyRing = { keys: [key], active: key, mode: "enforce" }
  const sealed: Sessions.Keys = { ring: () => ring, freshness: () => Session.freshness(30_000), maxSessions: 64 }
  const said = corpus.find(({ type }) => type === "SERVER_ALIVE") as Message.Message
  process.stdout.write("| members | frames | a message for each | one to all |\n| --- | --- | --- | --- |\n")
  for (const members of [20, 100]) {
    const to = Array.from({ length: members - 1 }, (_, at) => ({ ip: `192.0.2.${at + 1}`, port: 4_000 }))
    for (const [how, keys] of [["plain", undefined], ["sealed", sealed]] as const) {
      const messenger = Effect.runSync(Messenger.make(Endpoint.lonely, tag, () => {}, () => true, keys))
      const times = 10_000 / members
      const each = cost(times, Effect.forEach(to, (one) => messenger.send(one, said), { discard: true }))
      const all = cost(times, messenger.sendAll(to, said))
      process.stdout.write(`| ${members} | ${how} | ${each.toFixed(0)} µs | ${all.toFixed(0)} µs |\n`)
    }
  }
}
