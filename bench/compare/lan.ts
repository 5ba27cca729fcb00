/** A group of one contender, a host to each server, and what its servers say; in real time, on hosts in network namespaces. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import * as Lan from "../../test/network/Lan.ts"
import type { Contender, Sight } from "./contenders.ts"

/** One server as a process. */
export interface Server {
  readonly name: string
  readonly process: ChildProcess
  /** All that it has said, oldest first. */
  readonly sights: Array<Sight>
}

/** The whole group: which hosts there are, and how to start, cut off and wait. */
export interface Group {
  readonly size: number
  readonly start: (index: number) => Effect.Effect<Server, never, Scope.Scope>
  readonly cut: (index: number) => Effect.Effect<unknown>
  readonly heal: (index: number) => Effect.Effect<unknown>
}

/** The hosts for a group of so many servers: `s1` and on, the last the highest ranked. */
export const make = Effect.fnUntraced(function*(
  contender: Contender,
  size: number
): Effect.fn.Return<Group, never, Scope.Scope> {
  const lan = yield* Lan.make
  const hosts: Array<Lan.Host> = []
  for (let index = 0; index < size; index++) hosts.push(yield* lan.hostAt(`192.0.2.${index + 1}/24`))
  return {
    size,
    start: (index) =>
      Effect.acquireRelease(
        Effect.sync(() => launch(contender, hosts[index]!.name, index)),
        (server) => Effect.sync(() => void server.process.kill("SIGKILL"))
      ),
    cut: (index) => lan.disconnect(hosts[index]!, "eth0"),
    heal: (index) => lan.connect(hosts[index]!, "eth0", "br0")
  }
})

/** Each word before `node` becomes the next, so that the process that is killed is the server itself. */
const launch = (contender: Contender, host: string, index: number): Server => {
  const name = `s${index + 1}`
  const words = ["ip", "netns", "exec", host, process.execPath, ...contender.words(name, index + 1)]
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...words], {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "ignore"]
  })
  const server: Server = { name, process: child, sights: [] }
  const read = contender.reader()
  createInterface(child.stdout).on("line", (line) => server.sights.push(read(line)))
  return server
}

const patience = 90_000
const pace = 20

/** It did not come about in all that time. */
export class InVain extends Data.TaggedError("InVain") {}

/** Waits until something holds, and for as long after as it takes to be sure that it stays so, in ms. */
export const until = (holds: () => boolean, stays = 0): Effect.Effect<void, InVain> =>
  Effect.gen(function*() {
    const until = performance.now() + patience
    let since = Infinity
    while (true) {
      const now = performance.now()
      since = holds() ? Math.min(since, now) : Infinity
      if (now - since >= stays) return
      if (now > until) return yield* new InVain()
      yield* Effect.sleep(pace)
    }
  })

const now = ({ sights }: Server): Sight | undefined => sights.at(-1)

/** Whether all see all, and follow one. */
export const isAgreed = (servers: ReadonlyArray<Server>): boolean => {
  const leader = servers[0] === undefined ? undefined : now(servers[0])?.leader
  return servers.some(({ name }) => name === leader) &&
    servers.every((server) => now(server)?.leader === leader && now(server)?.sees === servers.length - 1)
}

/** Whom all follow, if they are agreed on one of themselves; who left them may still be in their view. */
export const leaderOf = (servers: ReadonlyArray<Server>): string | undefined => {
  const leader = servers[0] === undefined ? undefined : now(servers[0])?.leader
  return servers.every((server) => now(server)?.leader === leader) && servers.some(({ name }) => name === leader)
    ? leader!
    : undefined
}

/**
 * When, in Unix ms, the last of them came to what it says now, by a part of what they say: to the leader, or to all of it.
 */
export const since = (servers: ReadonlyArray<Server>, part: (sight: Sight) => unknown): number =>
  Math.max(...servers.map(({ sights }) => {
    const last = part(sights.at(-1)!)
    const before = sights.findLastIndex((sight) => part(sight) !== last)
    return sights[before + 1]!.at
  }))
