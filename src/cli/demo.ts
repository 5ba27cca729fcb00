/**
 * `demo`: five servers as processes of this host, and keys that kill, stop, freeze and cut them off. What follows is shown with
 * the times that the servers' own events give.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import * as Acting from "./demo/acting.ts"
import * as Keys from "./demo/keys.ts"
import * as Model from "./demo/model.ts"
import * as Stage from "./demo/stage.ts"
import * as Typing from "./demo/typing.ts"
import * as Display from "./display.ts"
import * as Ending from "./exit.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

/** What shows a demo, and how it is told that something has changed. */
interface Face {
  readonly changed: (before: Model.Model, after: Model.Model) => void
  readonly open: (model: () => Model.Model) => Effect.Effect<void, never, Scope.Scope>
}

/** On the whole of a terminal. At its end the last act stays there. */
const onTerminal = Effect.gen(function*() {
  let current: () => Model.Model = () => Model.make({ group: "", token: "", leadership: "bully" })
  const display = yield* Display.make({
    frame: Effect.map(Terminal.style, (style) => Stage.render(current(), style)),
    remains: () => ["The demo has ended, and so have its servers."]
  })
  const face: Face = {
    changed: display.redraw,
    open: (model) =>
      Effect.suspend(() => {
        current = model
        return display.open
      })
  }
  return { face, guarded: display.guarded }
})

/** A line for each thing that is told. */
const inLines = Effect.gen(function*() {
  const lines = yield* Output.lines({ capacity: 1_024, lost: (count) => `${count} lines are missing here\n` })
  const face: Face = {
    changed: (before, after) => {
      for (const line of Stage.added(before, after)) lines.add(`${line}\n`)
    },
    open: () => Effect.void
  }
  return face
})

/** Does what the keys ask for, until one of them ends the demo. */
const play = Effect.fnUntraced(function*(acting: Acting.Acting) {
  const quit = yield* Deferred.make<void>()
  const obey = (command: Keys.Command | undefined): Effect.Effect<void> => {
    switch (command?._tag) {
      case "Act":
        return acting.act(command.kind, command.target)
      case "Choose":
        return Effect.sync(() => acting.update((model) => Model.choose(model, command.name)))
      case "Refused":
        return Effect.sync(() => acting.update((model) => Model.refuse(model, command.why)))
      case "Quit":
        return Effect.asVoid(Deferred.succeed(quit, undefined))
      default:
        return Effect.void
    }
  }
  const keys = yield* Typing.keys
  yield* acting.act(acting.model().leadership === "bully" ? "AllByBully" : "AllByLease", null)
  // Where nobody can type, or can no more, it goes on until it is told to stop.
  yield* keys.pipe(
    Stream.runForEach((key) => Effect.suspend(() => obey(Keys.read(acting.model(), key)))),
    Effect.forkScoped
  )
  yield* Deferred.await(quit)
})

const run = Effect.fnUntraced(function*(face: Face): Effect.fn.Return<
  void,
  Error,
  Scope.Scope | ChildProcessSpawner.ChildProcessSpawner
> {
  const given = {
    group: `demo-${process.pid}`,
    token: randomBytes(12).toString("base64url"),
    leadership: "bully" as const
  }
  const acting = yield* Acting.make({ ...given, changed: face.changed })
  yield* face.open(acting.model)
  yield* play(acting)
})

export const demo = Effect.gen(function*() {
  yield* Ending.stoppingIsSuccess
  if (!(yield* Terminal.isScreen)) return yield* Effect.scoped(Effect.flatMap(inLines, run))
  const { face, guarded } = yield* onTerminal
  return yield* guarded(Effect.scoped(run(face)))
})
