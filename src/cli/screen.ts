/** A view of a group that fills a terminal, and the keys that move in it: what `serve` and `watch` show there. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Model from "../status/terminal/Model.ts"
import * as View from "../status/terminal/View.ts"
import * as Text from "../status/Text.ts"
import * as Display from "./display.ts"
import * as Keyboard from "./keyboard.ts"
import * as Terminal from "./terminal.ts"

/** How many notes stay on the terminal at the end. */
const newestNotes = 8

/** A change of the model. */
export type Change = (model: Model.Model) => Model.Model

export interface Screen {
  /** Changes the model, and draws it soon. */
  readonly update: (change: Change) => void
  /** Draws until the scope closes. */
  readonly open: Effect.Effect<void, never, Scope.Scope>
  /** Runs with the terminal guarded, and with the log among the notes. */
  readonly on: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Completes when the key to quit is pressed, where there is one. */
  readonly quit: Effect.Effect<void>
}

/** The keys of the program that shows the view, and what is newly known when it is drawn. */
export interface Options {
  readonly hints: ReadonlyArray<Model.Hint>
  readonly refresh: Effect.Effect<Change>
}

export const make = Effect.fnUntraced(function*({ hints, refresh }: Options): Effect.fn.Return<Screen> {
  let model = Model.make(hints)
  let keyboard: Keyboard.Keyboard | undefined
  const quit = yield* Deferred.make<void>()
  const remains = () => model.notes.slice(-newestNotes).map(({ at, text }) => `${Text.clock(at)}  ${Text.clean(text)}`)
  const frame = Effect.gen(function*() {
    // It is drawn in the foreground only.
    keyboard?.take()
    const change = yield* refresh
    model = change(model)
    return View.render(model, yield* Terminal.style)
  })
  const display = yield* Display.make({ frame, remains, released: () => keyboard?.giveBack() })
  const update = (change: Change) => {
    model = change(model)
    display.redraw()
  }
  const press = (key: string) => {
    update((before) => View.key(before, key))
    if (model.quit) Deferred.doneUnsafe(quit, Effect.void)
  }
  const log = Logger.layer([Terminal.logger((at, text) => update((before) => Model.noted(before, at, text)))])
  return {
    update,
    open: Effect.gen(function*() {
      keyboard = yield* Keyboard.make(press)
      yield* display.open
    }),
    on: (effect) => display.guarded(Effect.provide(effect, log)),
    quit: Deferred.await(quit)
  }
})
