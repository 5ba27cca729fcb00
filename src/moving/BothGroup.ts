/** The service `Group` of a server with two backends. What only one of them can know, such as its traffic, is that of the first. */
import * as Effect from "effect/Effect"
import type * as Backend from "../backend/Backend.ts"
import * as Group from "../server/Group.ts"
import type { Pair } from "./BothBackend.ts"

/** The service over both. */
export const make = (
  { first, second }: Pair,
  backend: Backend.Backend,
  own: Pick<Group.GroupShape, "failed" | "fail">
): Group.GroupShape => {
  const [one, other] = [first.group, second.group]
  return {
    ...one,
    backend: {
      name: `${one.backend.name}+${other.backend.name}`,
      settings: [...new Set([...one.backend.settings, ...other.backend.settings])]
    },
    ...Group.watching(backend),
    ...own,
    status: Effect.flatMap(one.status, (status) =>
      Effect.map(
        Effect.forEach(status.elections, (election) =>
          Effect.zipWith(backend.own(election.name), backend.followed(election.name), (own, reign) => ({
            ...election,
            leads: own !== null,
            reign
          }))),
        (elections) => ({ ...status, elections, sequence: backend.events.sequence() })
      )),
    setTags: (tags) => Effect.andThen(one.setTags(tags), other.setTags(tags)),
    setPriority: (priority) => Effect.andThen(one.setPriority(priority), other.setPriority(priority)),
    healthy: Effect.zipWith(one.healthy, other.healthy, (one, other) => ({
      healthy: one.healthy && other.healthy,
      reasons: [...one.reasons, ...other.reasons]
    }))
  }
}
