/**
 * The servers that run in one process, so that one that was started twice by mistake is told: a layer that is built twice starts
 * two, and they share the work of one.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Member from "../protocol/model/Member.ts"
import * as Name from "../protocol/model/Name.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type { Settings } from "../settings/Settings.ts"

interface Running {
  readonly servers: Set<Member.Member>
  isTold: boolean
}

/** By process, then by group and name: two that are meant have names of their own. */
const processes = new WeakMap<object, Map<string, Running>>()

const of = (owner: object): Map<string, Running> => {
  const before = processes.get(owner)
  if (before !== undefined) return before
  const none = new Map<string, Running>()
  processes.set(owner, none)
  return none
}

const shown = ({ id, ip, name, port }: Member.Member): string =>
  `${Name.quoted(name)} (${Member.formatAddress({ ip, port })}, id ${id})`

/**
 * Notes a server until the scope closes. The second of one group and name in a process is told in the log, once while they run.
 * Without a process, as on a simulated network, nothing is told.
 */
export const note = (
  owner: object | undefined,
  { group, multicastAddress, port }: Pick<Settings, "group" | "multicastAddress" | "port">,
  self: Member.Member
): Effect.Effect<void, never, Scope.Scope> => {
  if (owner === undefined) return Effect.void
  const key = JSON.stringify([group, MulticastGroup.format(multicastAddress), port, self.name])
  const all = of(owner)
  const begin = Effect.suspend(() => {
    const running = all.get(key) ?? { servers: new Set(), isTold: false }
    all.set(key, running)
    const [first] = running.servers
    running.servers.add(self)
    if (first === undefined || running.isTold) return Effect.void
    running.isTold = true
    return Effect.logWarning(
      `two servers of group ${Name.quoted(group)} run in this process: ${shown(first)} and ${
        shown(self)
      }; a layer that is built twice starts two: provide one value of it, or give each server a name of its own`
    )
  })
  const end = Effect.sync(() => {
    const running = all.get(key)
    running?.servers.delete(self)
    if (running?.servers.size === 0) all.delete(key)
  })
  return Effect.acquireRelease(begin, () => end)
}
