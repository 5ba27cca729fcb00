/** What load balancers and service managers ask: does it run, is it ready, does it lead. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { withHeaders } from "effect/http-api/HttpApiSchema"
import type * as Status from "../../protocol/Status.ts"
import * as Group from "../../server/Group.ts"
import type * as Settings from "../../settings/Settings.ts"
import * as Contract from "./Contract.ts"
import * as Problem from "./Problem.ts"

/** An answer: well, or what is missing. */
type Answer = typeof Contract.Well.Type | typeof Contract.Unwell.Type

const well: Answer = { ok: true }

const unwell = (why: string): Answer => ({ ok: false, why })

/**
 * Whether a server runs: it has sent something lately, as it does with every heartbeat. Three missed ones are too many, as they
 * are to the others.
 */
export const isLive = (
  pulse: number,
  { heartbeatInterval }: Pick<Settings.Settings, "heartbeatInterval">
): Answer => {
  const most = 3 * Duration.toMillis(heartbeatInterval)
  return pulse <= most ? well : unwell(`nothing was sent for ${Math.round(pulse)} ms, at most ${most} are well`)
}

/**
 * Whether a server is ready: it knows its group, and votes where there are leases. So a rolling restart that waits for it never
 * takes the group its majority. Whether somebody leads is not asked: who serves without a leader stays in service.
 */
export const isReady = ({ phase, votesIn }: Pick<Status.Status, "phase" | "votesIn">): Answer => {
  if (phase !== "Live") return unwell(`it is ${phase.toLowerCase()}`)
  return votesIn !== null && votesIn > 0 ? unwell(`it does not vote yet: in ${votesIn} ms at the latest`) : well
}

/** The handlers of the contract's group `health`. */
export const layer = HttpApiBuilder.group(
  Contract.Api,
  "health",
  Effect.fnUntraced(function*(handlers) {
    const group = yield* Group.Group
    return handlers
      .handle("live", () => Effect.map(group.pulse, (pulse) => isLive(pulse, group.settings)))
      .handle("ready", () => Effect.map(group.status, isReady))
      .handle(
        "leader",
        Effect.fnUntraced(function*({ query: { election = "" } }) {
          const { elections, members } = yield* group.status
          const seen = elections.find(({ name }) => name === election)
          if (seen === undefined) return yield* new Problem.NoSuchElection({ election })
          const { leads, reign } = seen
          const leader = members.find(({ id }) => id === reign?.leader.id)
          const headers = {
            ...(reign === null ? {} : { "bellwether-leader": reign.leader.id }),
            ...(leader === undefined ? {} : { "bellwether-leader-name": encodeURIComponent(leader.name) }),
            ...(leader === undefined || leader.page === null ? {} : { "bellwether-leader-page": leader.page })
          }
          return leads && reign !== null
            ? withHeaders({ headers, body: { ok: true as const, reign } })
            : withHeaders({ headers, body: { ok: false as const, reign } })
        })
      )
  })
)
