/**
 * Who should hold a resource: in a shared space the session whose server has the highest random weight for it (`Rendezvous`), so
 * that each has its share and few resources move when one comes or goes; in any other the one that has wanted it for longest.
 */
import * as HashMap from "effect/HashMap"
import * as Rendezvous from "../membership/Rendezvous.ts"
import type { Session, Space } from "../model/Grants.ts"
import type * as Member from "../model/Member.ts"
import type * as Resources from "../model/Resources.ts"

/** Whether a server is there: nothing is kept for one that is not, though what it holds stays its own until it is over. */
export type IsThere = (id: Member.NodeId) => boolean

type Entry = readonly [session: string, known: Session]

/** The sessions of servers that are there, in the order in which they came; of a server that shares a space the newest. */
const present = ({ isShared, sessions }: Space, isThere: IsThere): ReadonlyArray<Entry> => {
  const all = [...HashMap.entries(sessions)].filter(([, { id }]) => isThere(id))
    .sort(([, self], [, that]) => self.arrived - that.arrived)
  return isShared ? [...new Map(all.map((entry) => [entry[1].id, entry])).values()] : all
}

/** A shared space whose shares are those of the sessions that it has now. */
export const shared = (name: string, space: Space, isThere: IsThere): Space => {
  if (!space.isShared) return space
  const sessions = present(space, isThere)
  const among = sessions.map(([session, { weight }]) => `${session} ${weight}`).join()
  if (space.shares?.among === among) return space
  const candidates = sessions.map(([session, { id, weight }]) => ({ id, session, weight }))
  const owner = (resource: number) =>
    Rendezvous.owners(`${name} ${resource}`, candidates, { weight: ({ weight }) => weight })[0]?.session ?? null
  const owners = Array.from({ length: space.count }, (_, resource) => owner(resource))
  return { ...space, shares: { among, sessions: owners, of: bySession(owners) } }
}

const bySession = (owners: ReadonlyArray<string | null>): ReadonlyMap<string, Resources.Resources> => {
  const all = new Map<string, Array<number>>()
  for (const [resource, session] of owners.entries()) {
    if (session === null) continue
    const own = all.get(session)
    if (own === undefined) all.set(session, [resource])
    else own.push(resource)
  }
  return all
}

/** The session that should hold each of these resources, or null: in a shared space as its shares are. */
export const ofEach = (space: Space, isThere: IsThere): (resource: number) => string | null => {
  if (space.isShared) return (resource) => space.shares?.sessions[resource] ?? null
  const first = new Map<number, string>()
  for (const [session, { wanted }] of present(space, isThere)) {
    for (const resource of wanted!) if (!first.has(resource)) first.set(resource, session)
  }
  return (resource) => first.get(resource) ?? null
}
