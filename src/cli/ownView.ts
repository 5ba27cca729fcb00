/** The view that a server shows of itself on a terminal. */
import * as Effect from "effect/Effect"
import type * as Event from "../protocol/model/Event.ts"
import type * as Status from "../protocol/Status.ts"
import type * as Group from "../server/Group.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Shortfall from "../status/Shortfall.ts"
import * as Model from "../status/terminal/Model.ts"
import * as Seen from "../status/terminal/Seen.ts"
import * as Text from "../status/Text.ts"
import * as Screen from "./screen.ts"

/** Why a server does not know who is there now; null where it does, or does not know it yet. */
const notCurrent = ({ members, phase }: Status.Status): string | null => {
  if (phase !== "Recovering") return null
  const through = members.find(({ heard }) => heard !== null)?.heard
  return through?.via === "registry"
    ? `the registry was last reached ${Text.age(through.ago)} ago: who is there now is not known`
    : "who is there now is not known"
}

/** Makes the view. `watch` says which server it shows from now on, `show` that something has happened. */
export const make = Effect.fnUntraced(function*(
  { settings, where }: { readonly settings: Settings.Settings; readonly where: string }
) {
  const { group: name, profile } = settings
  let status: Group.GroupShape["status"] | undefined
  const refresh = Effect.suspend(() =>
    status === undefined ? Effect.succeed<Screen.Change>((model) => model) : Effect.map(
      status,
      (known): Screen.Change => {
        const seen = Seen.ofStatus(known, {
          group: name,
          where: `${where}  profile ${profile}`,
          isOwn: true,
          few: Shortfall.shortfall(settings, known)
        })
        const why = notCurrent(known)
        return (model) => Model.stale(Model.saw(model, seen), why)
      }
    )
  )
  const screen = yield* Screen.make({ hints: [{ key: "Ctrl-C", does: "stop" }], refresh })
  return {
    ...screen,
    watch: (group: Group.GroupShape): void => {
      status = group.status
      screen.update((model) => model)
    },
    show: (event: Event.Event): void => screen.update((model) => Model.happened(model, event))
  }
})
