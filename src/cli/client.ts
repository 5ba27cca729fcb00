/**
 * `client`: joins a group as a client, sends each line of standard input, and shows what all clients send. On a terminal
 * that is a dialogue; else standard output is a line an event, as JSON where that is asked for.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Client from "../client/Client.ts"
import * as ClientEvent from "../protocol/model/ClientEvent.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
import * as ClientEventText from "../status/ClientEventText.ts"
import * as EventText from "../status/EventText.ts"
import * as Text from "../status/Text.ts"
import * as NodeDatagrams from "../transport/node/NodeDatagrams.ts"
import * as Dialogue from "./dialogue.ts"
import * as ExitCode from "./exit.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

/** Some of the lines were not acknowledged. `code` is 3 where nobody answered, 2 where lines were refused. */
class NotAllSent extends Schema.TaggedError<NotAllSent>()("NotAllSent", {
  lines: Schema.Natural,
  of: Schema.Natural,
  code: Schema.Literals([2, 3])
}) {
  override get [Runtime.errorExitCode]() {
    return this.code
  }
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `${this.lines} of ${this.of} lines were not acknowledged`
  }
}

/** How many lines may wait for their acknowledgement before another one is read: less than the client's own queue. */
const outstanding = 256
const unreadCapacity = 8_192

/**
 * Sends lines as they come, in order, many at once. `told` hears of each that will not be acknowledged, `settled` of each
 * that is on its way no more.
 */
const makeSending = Effect.fnUntraced(function*(
  client: Client.ClientShape,
  told: (line: string, number: number, error: Exclude<Client.SendError, Client.ClientClosed>) => Effect.Effect<void>,
  settled: Effect.Effect<void> = Effect.void
) {
  const permits = yield* Semaphore.make(outstanding)
  const fibers = yield* FiberSet.make()
  const lost: Array<Client.SendError> = []
  let read = 0
  let waiting = 0
  const send = (line: string) =>
    Effect.gen(function*() {
      const number = (read += 1)
      yield* permits.take(1)
      waiting += 1
      // Begins at once: lines are sent in the order in which they are read.
      yield* FiberSet.run(
        fibers,
        client.send(line).pipe(
          Effect.catch((error) => {
            lost.push(error)
            return Predicate.isTagged(error, "ClientClosed") ? Effect.void : told(line, number, error)
          }),
          Effect.ensuring(Effect.suspend(() => {
            waiting -= 1
            return Effect.andThen(permits.release(1), settled)
          }))
        )
      )
    })
  /** Fails where a line was not acknowledged: how many were not. Why was told before. */
  const outcome = Effect.suspend(() => {
    const [first] = lost
    return first === undefined ? Effect.void : Effect.fail(
      new NotAllSent({
        lines: lost.length,
        of: read,
        code: Predicate.isTagged(first, "NobodyLeads") ? 3 : 2
      })
    )
  })
  return {
    send,
    /** How many are on their way. */
    waiting: () => waiting,
    /** Waits until no line is on its way. */
    settled: FiberSet.awaitEmpty(fibers),
    outcome,
    /** How many were given up when we left. */
    abandoned: () => lost.filter((error) => Predicate.isTagged(error, "ClientClosed")).length
  }
})

type Sending = Effect.Success<ReturnType<typeof makeSending>>

/** How a client is shown, and where its lines come from. */
interface Face {
  readonly show: (event: ClientEvent.ClientEvent) => Effect.Effect<void>
  /** Completes when all that was to be shown is, or when it cannot be. */
  readonly shown: Effect.Effect<void>
  /** Completes when nobody is there any more to whom anything could be shown. */
  readonly gone: Effect.Effect<void>
  readonly complain: (text: string) => Effect.Effect<void>
  /** Sends lines until there are no more and all are acknowledged, or until it is left. */
  readonly talk: Effect.Effect<void, NotAllSent>
  readonly abandoned: () => number
}

const encode = Schema.encodeSync(ClientEvent.ClientEvent)

/** Standard input line by line, and on standard output a line an event. */
const piped = Effect.fnUntraced(function*(client: Client.ClientShape, json: boolean) {
  const { stdin } = yield* Stdio.Stdio
  // Whoever writes to it may go on to; that is no reason to stay.
  yield* Effect.addFinalizer(() => Effect.sync(() => void process.stdin.destroy()))
  let isLeaderless = false
  const sending = yield* makeSending(client, (_, number, error) => {
    // A thousand lines that wait for one leader are one complaint, and their number is told at the end.
    if (Predicate.isTagged(error, "NobodyLeads")) {
      if (isLeaderless) return Effect.void
      isLeaderless = true
    }
    return Output.complain(`line ${number}: ${error.message}`)
  })
  const lineOf = json
    ? (event: ClientEvent.ClientEvent) => JSON.stringify(encode(event))
    : ClientEventText.line
  let at = 0
  const text = (event: ClientEvent.ClientEvent) => `${lineOf(event)}\n`
  const lines = yield* Output.lines({
    capacity: unreadCapacity,
    lost: (count) => text({ at, event: "EventsLost", count })
  }, ({ isGone }) => isGone)
  const face: Face = {
    show: (event) =>
      Effect.sync(() => {
        at = event.at
        lines.add(text(event))
      }),
    shown: lines.flushed,
    gone: lines.readerGone,
    complain: Output.complain,
    talk: stdin.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach(sending.send),
      Effect.catchTag("PlatformError", (error) => Output.complain(`standard input cannot be read: ${error.message}`)),
      Effect.andThen(sending.settled),
      Effect.andThen(sending.outcome)
    ),
    abandoned: sending.abandoned
  }
  return face
})

/** Somebody types, and reads. */
const dialogue = Effect.fnUntraced(function*(
  client: Client.ClientShape,
  terminal: Dialogue.Dialogue,
  settings: Settings.Settings
) {
  const { color } = yield* Terminal.style
  const paint = (code: string, text: string) => color ? `\x1b[${code}m${text}\x1b[0m` : text
  const note = (at: number, text: string) => terminal.print(paint("2", `${Text.clock(at)}  ${Text.clean(text)}`))
  const complain = (text: string) => terminal.print(paint("31", Text.clean(text)))
  const name = Text.clean(client.self.name)
  let shown = 0
  const show = (waiting: number) => {
    shown = waiting
    return terminal.setPrompt(`${name}${waiting > 0 ? ` (${waiting} waiting)` : ""}> `)
  }
  const sending: Sending = yield* makeSending(
    client,
    (line, _, error) => Effect.andThen(complain(`not sent: ${error.message}`), terminal.giveBack(line)),
    Effect.suspend(() => shown > 0 ? show(sending.waiting()) : Effect.void)
  )
  const scope = yield* Effect.scope
  const send = (line: string) =>
    Effect.andThen(
      sending.send(line),
      // What is acknowledged at once need not flicker.
      Effect.forkIn(Effect.sleep("300 millis").pipe(Effect.flatMap(() => show(sending.waiting()))), scope)
    )
  const showOne = (event: ClientEvent.ClientEvent): Effect.Effect<void> => {
    switch (event.event) {
      case "MessageReceived":
        // Our own stand there as they were typed.
        return event.client.id === client.self.id ? Effect.void : terminal.print(
          `${paint("2", Text.clock(event.at))}  ${paint("1", Text.clean(event.client.name))}: ${
            Text.clean(EventText.words(event.body))
          }`
        )
      case "MessageAcknowledged":
        return Effect.void
      default:
        return note(event.at, ClientEventText.describe(event))
    }
  }
  yield* terminal.print(paint(
    "2",
    `Client ${name} of group ${Text.clean(settings.group)} at ${
      MulticastGroup.format(settings.multicastAddress)
    }:${settings.port}. `
      + "Enter sends a line; Ctrl-D leaves when all is sent, Ctrl-C at once."
  ))
  yield* show(0)
  const face: Face = {
    show: showOne,
    shown: terminal.shown,
    gone: terminal.gone,
    complain,
    talk: Effect.raceFirst(
      terminal.lines.pipe(
        Stream.filter((line) => line.trim() !== ""),
        Stream.runForEach(send),
        Effect.andThen(Effect.suspend(() => {
          const waiting = sending.waiting()
          return waiting > 0
            ? complain(`${waiting} of the lines wait to be acknowledged; Ctrl-C leaves at once`)
            : Effect.void
        })),
        Effect.andThen(sending.settled)
      ),
      terminal.left
    ),
    abandoned: sending.abandoned
  }
  return face
})

export const client = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  options: { readonly json: boolean; readonly timeout: Duration.Duration }
) {
  yield* ExitCode.stoppingIsSuccess
  const isDialogue = !options.json && (yield* Dialogue.isPossible)
  const run = Effect.fnUntraced(function*(terminal: Dialogue.Dialogue | undefined) {
    const clientScope = yield* Scope.make()
    const stays = Effect.gen(function*() {
      const client = yield* Scope.provide(
        Client.fromSettings(settings, { sendTimeout: options.timeout }),
        clientScope
      )
      const { events } = yield* client.subscribe
      const face = yield* (terminal === undefined
        ? piped(client, options.json)
        : dialogue(client, terminal, settings))
      // The subscription outlives the client: its `Left` is the last event.
      const showing = yield* events.pipe(
        Stream.takeUntil((event) => event.event === "Left"),
        Stream.runForEach(face.show),
        Effect.forkScoped
      )
      yield* client.join.pipe(
        Effect.catchTag("NobodyLeads", (error) => face.complain(`${error.message}; still trying`)),
        Effect.ignore,
        Effect.forkScoped
      )
      const added = Fiber.await(showing)
      const addedSoon = Effect.timeoutOption(Effect.interruptible(added), "300 millis")
      const result = yield* Effect.result(
        Effect.raceFirst(Effect.raceFirst(client.failed, face.gone), face.talk)
      ).pipe(
        Effect.onExit((exit) =>
          Effect.andThen(Scope.close(clientScope, exit), Exit.isSuccess(exit) ? Effect.void : addedSoon)
        )
      )
      // At the end of the input a reader gets all, however slow; told to go, we do not wait for it.
      yield* terminal === undefined ? Effect.andThen(added, face.shown) : addedSoon
      const lines = face.abandoned()
      if (lines > 0) yield* face.complain(`left with ${lines} of the lines not acknowledged`)
      yield* Effect.fromResult(result)
    })
    yield* Effect.onExit(stays, (exit) => Scope.close(clientScope, exit))
  })
  yield* Effect.scoped(
    isDialogue
      ? Effect.flatMap(Dialogue.make, (terminal) => Effect.provide(run(terminal), Logger.layer([terminal.logger])))
      : run(undefined)
  )
}, Effect.provide(NodeDatagrams.layer))
