/** Waiting to be let in, and what is told where nobody answers. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as ClientStep from "../protocol/delivery/ClientStep.ts"
import * as Member from "../protocol/model/Member.ts"
import type { Settings } from "../settings/SettingRules.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import * as Asked from "./Asked.ts"
import type * as ClientEngine from "./ClientEngine.ts"
import { type ClientClosed, NobodyLeads } from "./ClientError.ts"

/** If nobody answered within that time, fails with what is known. */
export type Nobody = (
  during: NobodyLeads["during"],
  within: Duration.Duration,
  mayArrive: boolean
) => Effect.Effect<never, NobodyLeads>

export const nobody = (
  engine: Pick<ClientEngine.ClientEngine, "state">,
  settings: Settings,
  endpoint: Datagrams.Endpoint
): Nobody =>
(during, within, mayArrive) =>
  Effect.flatMap(engine.state, (state) => {
    const address = ClientStep.leaderAddress(state)
    return Effect.fail(
      new NobodyLeads({
        during,
        ...Asked.asked(settings, endpoint, within),
        servers: HashMap.size(state.heard),
        leader: address === null ? null : Member.formatAddress(address),
        mayArrive
      })
    )
  })

/** Waits until the leader has let us in, that long at most. */
export const join = (
  { joined }: Pick<ClientEngine.ClientEngine, "joined">,
  closed: Effect.Effect<never, ClientClosed>,
  within: Duration.Duration,
  nobody: Nobody
): Effect.Effect<void, NobodyLeads | ClientClosed> =>
  Effect.timeoutOrElse(Effect.raceFirst(joined, closed), {
    duration: within,
    orElse: () => nobody("join", within, false)
  })
