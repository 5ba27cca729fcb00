/**
 * `client`: joins a group as a client, sends each line of standard input, and shows what all clients send. On a terminal
 * that is a dialogue; else standard output is a line an event, as JSON where that is asked for.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Client from "../client/Client.ts"
import type * as Settings from "../settings/Settings.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Faces from "./clientFaces.ts"
import * as Dialogue from "./dialogue.ts"
import * as Events from "./events.ts"
import * as ExitCode from "./exit.ts"

interface Options {
  readonly json: boolean
  readonly timeout: Duration.Duration
}

/** Takes part until all is sent, until nobody is there to show anything to, or until the client cannot go on. */
const takePart = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  options: Options,
  terminal: Dialogue.Dialogue | undefined
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const client = yield* Scope.provide(Client.fromSettings(settings, { sendTimeout: options.timeout }), scope)
  const face = yield* (terminal === undefined
    ? Faces.piped(client, options.json)
    : Faces.dialogue(client, terminal, settings))
  const shown = yield* Events.follow(client, face.show)
  // Last acquired, first released: what shows the client's goodbye runs until that is done.
  const leave = Effect.uninterruptible(Scope.close(scope, Exit.void))
  yield* Effect.addFinalizer(() => Effect.andThen(leave, Events.soon(shown)))
  yield* client.join.pipe(
    Effect.catchTag("NobodyLeads", (error) => face.complain(`${error.message}; still trying`)),
    Effect.ignore,
    Effect.forkScoped
  )
  const result = yield* Effect.result(Effect.raceFirst(Effect.raceFirst(client.failed, face.gone), face.talk))
  yield* leave
  // At the end of the input a reader gets all, however slow; told to go, we do not wait for it.
  yield* terminal === undefined ? Effect.andThen(shown, face.shown) : Events.soon(shown)
  const lines = face.abandoned()
  if (lines > 0) yield* face.complain(`left with ${lines} of the lines not acknowledged`)
  yield* Effect.fromResult(result)
})

export const client = Effect.fnUntraced(function*(settings: Settings.Settings, options: Options) {
  yield* ExitCode.stoppingIsSuccess
  const isDialogue = !options.json && (yield* Dialogue.isPossible)
  const onTerminal = Effect.flatMap(
    Dialogue.make,
    (terminal) => Effect.provide(takePart(settings, options, terminal), Logger.layer([terminal.logger]))
  )
  yield* Effect.scoped(isDialogue ? onTerminal : takePart(settings, options, undefined))
}, Effect.provide(NodeDatagrams.layer))
