/** The view that a server shows of itself on a terminal. */
import * as Effect from "effect/Effect"
import type * as Event from "../protocol/model/Event.ts"
import type * as Group from "../server/Group.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Shortfall from "../status/Shortfall.ts"
import * as Model from "../status/terminal/Model.ts"
import * as Seen from "../status/terminal/Seen.ts"
import * as Screen from "./screen.ts"

/** Makes the view. `watch` says which server it shows from now on, `show` that something has happened. */
export const make = Effect.fnUntraced(function*(settings: Settings.Settings) {
  const { group: name, multicastAddress, port, profile } = settings
  const where = `${MulticastGroup.format(multicastAddress)}:${port}  profile ${profile}`
  let status: Group.GroupShape["status"] | undefined
  const refresh = Effect.suspend(() =>
    status === undefined ? Effect.succeed<Screen.Change>((model) => model) : Effect.map(
      status,
      (known): Screen.Change => {
        const seen = Seen.ofStatus(known, {
          group: name,
          where,
          isOwn: true,
          few: Shortfall.shortfall(settings, known)
        })
        return (model) => Model.saw(model, seen)
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
