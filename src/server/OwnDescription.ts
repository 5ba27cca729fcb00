/** Changes what this server says of itself while it runs: its tags and its priority. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Member from "../protocol/model/Member.ts"
import type { State } from "../protocol/model/State.ts"
import type * as Step from "../protocol/Step.ts"
import { SettingRefused, shown } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import type { CrashLinks } from "../transport/CrashLinks.ts"
import type { GroupShape } from "./Group.ts"
import * as KeepingLinks from "./KeepingLinks.ts"
import { OlderMembers } from "./OlderMembers.ts"

/** The operations over a server's state. Its tags leave more or less room for the port of its links. */
export const make = (
  engine: {
    readonly offer: (input: Extract<Step.Input, { readonly _tag: "Describe" }>) => void
    readonly stateUnsafe: () => Pick<State, "self" | "members">
  },
  links: Pick<CrashLinks, "port"> | null
): Pick<GroupShape, "setTags" | "setPriority"> => {
  const describe = (change: Partial<Pick<Member.Member, "priority" | "tags">>) =>
    Effect.sync(() => {
      const { priority, tags, tcp } = KeepingLinks.announced({ ...engine.stateUnsafe().self, ...change }, links)
      engine.offer({ _tag: "Describe", description: { priority, tags, ...(tcp === undefined ? {} : { tcp }) } })
    })
  return {
    setTags: (tags) =>
      // A copy: what the caller does to its own later is not told.
      Effect.flatMap(allowed("tags", "setTags", tags), (tags) => describe({ tags: { ...tags } })),
    setPriority: (priority) =>
      Effect.flatMap(allowed("priority", "setPriority", priority), (priority) => {
        const members = engine.stateUnsafe().members.filter(({ revision }) => revision === undefined)
        return members.length > 0
          ? Effect.fail(new OlderMembers({ what: "setPriority", members }))
          : describe({ priority })
      })
  }
}

/** As the setting of that name takes it. */
const allowed = <K extends "priority" | "tags">(
  setting: K,
  as: string,
  given: Settings.Settings[K]
): Effect.Effect<Settings.Settings[K], SettingRefused> => {
  const { allowed, code } = Settings.settings[setting]
  const read = Schema.decodeOption(code as Schema.Codec<Settings.Settings[K]>)(given)
  return Effect.mapError(
    Effect.fromOption(read),
    () => new SettingRefused({ setting, as, was: shown(given), allowed })
  )
}
