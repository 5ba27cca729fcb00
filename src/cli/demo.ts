/**
 * `demo`: five servers as processes of this host, and keys that kill, stop, freeze and cut them off. What follows is shown with
 * the times that the servers' own events give.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import { randomBytes } from "node:crypto"
import type * as Style from "../status/Style.ts"
import * as Acting from "./demo/acting.ts"
import * as Keys from "./demo/keys.ts"
import * as Measured from "./demo/measured.ts"
import * as Model from "./demo/model.ts"
import * as Stage from "./demo/stage.ts"
import * as Typing from "./demo/typing.ts"
import * as Views from "./demo/views.ts"
import * as Watching from "./demo/watching.ts"
import * as Display from "./display.ts"
import * as Ending from "./exit.ts"
import type * as Frame from "./frame.ts"
import * as Keyboard from "./keyboard.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

/** What a demo is to what shows it. */
interface Shown {
  readonly frame: (style: Style.Style, now: number) => Frame.Frame
  readonly pressed: (key: string) => void
}

/** What shows a demo. */
interface Face {
  /** Something has changed, and these lines tell what. */
  readonly changed: (lines: ReadonlyArray<string>) => void
  /** Shows it, and takes keys, until the scope closes. */
  readonly open: (shown: Shown) => Effect.Effect<void, never, Scope.Scope | Stdio.Stdio>
}

/** On the whole of a terminal. */
const onTerminal = Effect.gen(function*() {
  let current: Shown | undefined
  let keyboard: Keyboard.Keyboard | undefined
  const frame = Effect.gen(function*() {
    // It is drawn in the foreground only.
    keyboard?.take()
    const [style, now] = [yield* Terminal.style, yield* Clock.currentTimeMillis]
    return current?.frame(style, now) ?? []
  })
  const display = yield* Display.make({
    frame,
    remains: () => ["The demo has ended, and so have its servers."],
    released: () => keyboard?.giveBack()
  })
  const face: Face = {
    changed: display.redraw,
    open: (shown) =>
      Effect.gen(function*() {
        current = shown
        keyboard = yield* Keyboard.make(shown.pressed)
        yield* display.open
      })
  }
  return { face, guarded: display.guarded }
})

/** A line for each thing that is told. */
const inLines = Effect.gen(function*() {
  const lines = yield* Output.lines({ capacity: 1_024, lost: (count) => `${count} lines are missing here\n` })
  const face: Face = {
    changed: (told) => {
      for (const line of told) lines.add(`${line}\n`)
    },
    open: ({ pressed }) => Typing.read(pressed)
  }
  return face
})

/** How many keys wait at most while one is obeyed: a person that holds a key down means the last ones. */
const maxKeys = 64

/** The model, the views of its servers, and what shows them. */
const stage = Effect.fnUntraced(function*(face: Face, pressed: (key: string) => void) {
  let views = Views.empty
  const view = (change: (views: Views.Views) => Views.Views) => {
    views = change(views)
    face.changed([])
  }
  const acting = yield* Acting.make({
    group: `demo-${process.pid}`,
    token: randomBytes(12).toString("base64url"),
    leadership: "bully",
    heard: (name, event) => {
      views = Views.heard(views, name, event)
    },
    changed: (before, after) => {
      const lines = Stage.added(before, after)
      const act = after.acts.at(-1)
      if (act !== undefined) views = Views.told(views, Measured.changedAt(act), lines)
      face.changed(lines)
    }
  })
  yield* face.open({
    pressed,
    frame: (style, now) =>
      views.shown === null ? Stage.render(acting.model(), style) : Views.render(views, views.shown, now, style)
  })
  yield* Watching.run(
    () => Model.serverOf(acting.model(), views.shown),
    (name, seen) => view((views) => Views.saw(views, name, seen))
  )
  const read = (key: string): Keys.Command | undefined => {
    if (views.shown === null) return Keys.read(acting.model(), key)
    const { command, views: after } = Views.read(views, views.shown, acting.model(), key)
    view(() => after)
    return command
  }
  /** The view of another server takes the place of the one that is shown. */
  const choose = (name: string | null) => {
    acting.update((model) => Model.choose(model, name))
    if (views.shown !== null) view((views) => Views.show(views, Model.targetOf(acting.model())?.name ?? null))
  }
  return { acting, choose, read, show: (name: string | null) => view((views) => Views.show(views, name)) }
})

/** Does what the keys ask for, until one of them ends the demo. */
const play = Effect.fnUntraced(function*(face: Face): Effect.fn.Return<
  void,
  Error,
  Scope.Scope | ChildProcessSpawner.ChildProcessSpawner | Stdio.Stdio
> {
  const keys = yield* Queue.sliding<string>(maxKeys)
  const { acting, choose, read, show } = yield* stage(face, (key) => void Queue.offerUnsafe(keys, key))
  yield* acting.act("AllByBully", null)
  // Where nobody can type, or can no more, it goes on until it is told to stop.
  while (true) {
    const command = read(yield* Queue.take(keys))
    if (command?._tag === "Quit") return
    if (command?._tag === "Act") yield* acting.act(command.kind, command.target)
    if (command?._tag === "Choose") choose(command.name)
    if (command?._tag === "View") show(command.name)
    if (command?._tag === "Refused") acting.update((model) => Model.refuse(model, command.why))
  }
})

export const demo = Effect.gen(function*() {
  yield* Ending.stoppingIsSuccess
  if (!(yield* Terminal.isScreen)) return yield* Effect.scoped(Effect.flatMap(inLines, play))
  const { face, guarded } = yield* onTerminal
  return yield* guarded(Effect.scoped(play(face)))
})
