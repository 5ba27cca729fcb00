/**
 * A server of a group of three on loopback, watched from within while one source floods the group: how late the others'
 * heartbeats are.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Record from "effect/Record"
import * as Schedule from "effect/Schedule"
import * as Path from "node:path"
import { formatAddress } from "../../src/protocol/model/Member.ts"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"
import * as Server from "../../src/server/Server.ts"
import * as Profile from "../../src/settings/Profile.ts"
import * as NodeDatagrams from "../../src/transport/node/NodeDatagrams.ts"
import * as Process from "../cli/process.ts"

const { heartbeatInterval } = Record.map(Profile.profiles.fast, Duration.toMillis)
const key = "7e".repeat(32)

export interface Measured {
  /** Datagrams that the source sent. */
  readonly sent: number
  /** The longest that a heartbeat of another was overdue, in ms. */
  readonly late: number
  /** Of the watched server's process, in cores: the observer and the server together. */
  readonly cpu: number
  readonly dropped: Readonly<Record<string, number>>
  /** Members removed by any of the three, or missing at the end. */
  readonly removed: number
}

/** Where the noise goes: to the group, by multicast, or to the watched server's unicast socket. */
export type Towards = "group" | "server"

/** The group, found and settled; then `measure` floods it for a while. */
export const group = (options: { readonly keyed: boolean; readonly memberTimeout: number }) =>
  Effect.gen(function*() {
    const more: Record<string, string> = options.keyed ? { BELLWETHER_KEY: key } : {}
    const env: Record<string, string> = {
      ...(yield* Process.group),
      ...more,
      BELLWETHER_PROFILE: "fast"
    }
    const port = Number(env["BELLWETHER_PORT"])
    const timeout = `${options.memberTimeout}ms`
    const others = yield* Effect.forEach([1, 2], () => Process.start(["--json", "--member-timeout", timeout], env))
    const { group } = yield* Server.make({
      group: env["BELLWETHER_GROUP"],
      port,
      interfaces: ["lo"],
      ttl: 0,
      profile: "fast",
      memberTimeout: options.memberTimeout,
      key: options.keyed ? key : undefined
    })
    while ((yield* group.members).length < 3) yield* Effect.sleep("20 millis")
    for (const other of others) yield* other.event("LeaderChanged", ({ leader }) => leader !== null)
    yield* Effect.sleep("2 seconds")
    const removed = () => others.flatMap(({ events }) => events).filter(({ event }) => event === "MemberRemoved").length

    const measure = Effect.fnUntraced(function*(perSecond: number, seconds: number, towards: Towards) {
      const targets = towards === "group" ? [`239.255.253.87:${port}`] : [formatAddress(yield* group.self)]
      const before = { removed: removed(), dropped: yield* group.dropped, cpu: process.cpuUsage() }
      const started = performance.now()
      const noise = yield* Process.startProgram(
        Path.join(import.meta.dirname, "noise.process.ts"),
        { BELLWETHER_GROUP: env["BELLWETHER_GROUP"] ?? "" },
        [
          String(perSecond),
          String(seconds),
          KeyRing.key(Uint8Array.from(Buffer.from(key, "hex"))).id,
          ...targets
        ]
      )
      let late = 0
      const look = Effect.map(group.lastHeard, (heard) => {
        for (const { ago } of heard.values()) late = Math.max(late, ago - heartbeatInterval)
      })
      const watching = yield* Effect.forkChild(Effect.repeat(look, Schedule.spaced("10 millis")))
      const { stdout } = yield* noise.ended
      yield* Fiber.interrupt(watching)
      const { system, user } = process.cpuUsage(before.cpu)
      const after = yield* group.dropped
      const measured: Measured = {
        sent: Number(stdout),
        late: Math.round(late),
        cpu: (system + user) / 1_000 / (performance.now() - started),
        dropped: Object.fromEntries(
          Object.entries(after).map(([reason, count]) => [reason, count - (before.dropped[reason] ?? 0)])
        ),
        removed: removed() - before.removed + (3 - (yield* group.members).length)
      }
      return measured
    })
    return { measure }
  }).pipe(Effect.provide(NodeDatagrams.layer))
