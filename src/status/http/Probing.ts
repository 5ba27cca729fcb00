/** What load balancers and service managers ask: does it run, is it ready, does it lead. */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { withHeaders } from "effect/http-api/HttpApiSchema"
import * as Group from "../../server/Group.ts"
import * as Health from "../../server/Health.ts"
import * as Contract from "./Contract.ts"
import * as Problem from "./Problem.ts"

/** An answer: well, or what is missing. */
type Answer = typeof Contract.Well.Type | typeof Contract.Unwell.Type

const answer = (unwell: Health.Unwell | null): Answer => unwell === null ? { ok: true } : { ok: false, why: unwell.why }

/** The handlers of the contract's group `health`. */
export const layer = HttpApiBuilder.group(
  Contract.Api,
  "health",
  Effect.fnUntraced(function*(handlers) {
    const group = yield* Group.Group
    return handlers
      .handle("live", () => Effect.map(group.pulse, (pulse) => answer(Health.pulse(pulse, group.settings))))
      .handle("ready", () => Effect.map(group.status, (status) => answer(Health.ready(status))))
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
