/** What `serve` shows on a terminal: the table of the group, and below it what happened last. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import type * as Event from "../protocol/model/Event.ts"
import type * as Group from "../server/Group.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
import * as EventText from "../status/EventText.ts"
import * as Table from "../status/Table.ts"
import * as Text from "../status/Text.ts"
import * as Display from "./display.ts"
import * as Terminal from "./terminal.ts"

/** How many notes are kept, and how many of them are shown before there is a table and stay at the end. */
const keptNotes = 50
const newestNotes = 8

export interface Screen {
  /** From now on there is a group to show. */
  readonly watch: (group: Group.GroupShape) => void
  /** Draws until the scope closes. What it returns shows an event. */
  readonly open: Effect.Effect<(event: Event.Event) => void, never, Scope.Scope>
  /** Runs with the terminal guarded, and with the log among the notes. */
  readonly on: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const make = Effect.fnUntraced(function*(settings: Settings.Settings): Effect.fn.Return<Screen> {
  const notes: Array<Table.Note> = []
  let group: Group.GroupShape | undefined
  const remains = () => notes.slice(-newestNotes).map(({ at, text }) => `${Text.clock(at)}  ${Text.clean(text)}`)
  const frame = Effect.gen(function*() {
    const style = yield* Terminal.style
    return group === undefined
      ? remains().slice(-style.rows).map((line) => Text.clip(line, style.columns))
      : Table.render(yield* snapshotOf(settings, group, notes), style)
  })
  const display = yield* Display.make({ frame, remains })
  const note = (at: number, text: string) => {
    notes.push({ at, text })
    if (notes.length > keptNotes) notes.shift()
    display.redraw()
  }
  const log = Logger.layer([Terminal.logger(note)])
  return {
    watch: (watched) => {
      group = watched
      display.redraw()
    },
    open: Effect.as(display.open, (event) => note(event.at, EventText.describe(event))),
    on: (effect) => display.guarded(Effect.provide(effect, log))
  }
})

const snapshotOf = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  group: Group.GroupShape,
  recent: ReadonlyArray<Table.Note>
) {
  return {
    ...settings,
    multicastAddress: MulticastGroup.format(settings.multicastAddress),
    view: yield* group.view,
    lastHeard: yield* group.lastHeard,
    recent,
    now: yield* Clock.currentTimeMillis
  }
})
