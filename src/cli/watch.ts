/**
 * `watch`: shows a group live and takes no part in it, over its network as an observer, or by the HTTP API of a server. On a
 * terminal that is a view with keys, else a line for each thing that happens.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import type * as Settings from "../settings/Settings.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Ending from "./exit.ts"
import * as Screen from "./screen.ts"
import * as Terminal from "./terminal.ts"
import * as WatchedGroup from "./watchedGroup.ts"
import * as WatchLines from "./watchLines.ts"

interface Options {
  readonly settings: Settings.Settings
  /** The address of a server's HTTP API, to be asked instead of the group. */
  readonly url: string | undefined
  readonly token: Redacted.Redacted | undefined
}

/** What is watched. */
interface Watched {
  readonly refresh: Effect.Effect<Screen.Change>
  readonly failed: Effect.Effect<never, GroupFailed>
}

const begin = Effect.fnUntraced(function*({ settings, token, url }: Options, update: Screen.Screen["update"]) {
  if (url === undefined) return yield* WatchedGroup.make(settings, update)
  const { make } = yield* Effect.promise(() => import("./watchedUrl.ts"))
  return yield* make({ url, token }, update)
})

const onScreen = Effect.fnUntraced(function*(options: Options) {
  let watched: Watched | undefined
  const refresh = Effect.suspend(() =>
    watched === undefined ? Effect.succeed<Screen.Change>((model) => model) : watched.refresh
  )
  const screen = yield* Screen.make({ hints: [{ key: "q", does: "quit" }], refresh })
  const run = Effect.gen(function*() {
    const found: Watched = yield* begin(options, screen.update)
    watched = found
    yield* screen.open
    screen.update((model) => model)
    yield* Effect.raceFirst(screen.quit, found.failed)
  })
  return yield* screen.on(Effect.scoped(run))
})

const asLines = Effect.fnUntraced(function*(options: Options) {
  const { gone, open, update } = yield* WatchLines.make
  const { failed, refresh } = yield* begin(options, update)
  yield* open(refresh)
  yield* Effect.raceFirst(gone, failed)
}, Effect.scoped)

export const watch = Effect.fnUntraced(function*(options: Options) {
  yield* Ending.stoppingIsSuccess
  return yield* (yield* Terminal.isScreen) ? onScreen(options) : asLines(options)
}, Effect.provide(NodeDatagrams.layer))
