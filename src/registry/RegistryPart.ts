/** A server over a registry as one of two backends of a server: who it is, and how it leads within reigns of the other. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Member from "../protocol/model/Member.ts"
import type * as Pairing from "../server/Pairing.ts"
import * as DurationText from "../settings/DurationText.ts"
import { SettingRefused, shown } from "../settings/SettingRefused.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Enclosing from "./Enclosing.ts"
import type * as RegistryEngine from "./RegistryEngine.ts"
import * as RegistryStatus from "./RegistryStatus.ts"

/** The same server in another backend: others know it by one id, and its work ends in one time. */
export const sameAs = Effect.fnUntraced(function*(
  { backend, works }: Pairing.Part,
  { stopTimeout }: Settings.Settings
): Effect.fn.Return<Member.Member, SettingRefused> {
  if (!Duration.equals(stopTimeout, works.stopTimeout)) {
    return yield* new SettingRefused({
      setting: "stopTimeout",
      as: "stopTimeout",
      was: shown(stopTimeout),
      allowed: `what the first of two backends has, which is ${DurationText.format(works.stopTimeout)}`
    })
  }
  const { hostname, id, incarnation, ip, name, port, priority, tags } = (yield* backend.view).self
  return { id, ip, port, hostname, name, priority, incarnation, revision: 0, tags }
})

/** How it leads within reigns elsewhere. */
export const enclosedIn = (engine: RegistryEngine.RegistryEngine, leaseDuration: number): Pairing.Enclosed => ({
  enclose: (election, term) => engine.step({ _tag: "Enclose", election, term }),
  passedBy: (election) => Effect.map(engine.state, (state) => Enclosing.passedBy(state, election)),
  isLive: Effect.map(engine.state, (state) => RegistryStatus.phaseOf(state, engine.now()) === "Live"),
  leaseDuration
})
