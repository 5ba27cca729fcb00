/** How a client is shown, and where its lines come from: pipes, or a terminal on which somebody types. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type * as Client from "../client/Client.ts"
import * as ClientEvent from "../protocol/model/ClientEvent.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
import * as ClientEventText from "../status/ClientEventText.ts"
import * as EventText from "../status/EventText.ts"
import * as Text from "../status/Text.ts"
import type * as Dialogue from "./dialogue.ts"
import * as Events from "./events.ts"
import * as Output from "./output.ts"
import * as Sending from "./sending.ts"
import * as Terminal from "./terminal.ts"

export interface Face {
  readonly show: (event: ClientEvent.ClientEvent) => Effect.Effect<void>
  /** Completes when all that was to be shown is, or when it cannot be. */
  readonly shown: Effect.Effect<void>
  /** Completes when nobody is there any more to whom anything could be shown. */
  readonly gone: Effect.Effect<void>
  readonly complain: (text: string) => Effect.Effect<void>
  /** Sends lines until there are no more and all are acknowledged, or until it is left. */
  readonly talk: Effect.Effect<void, Sending.NotAllSent>
  readonly abandoned: () => number
}

const encode = Schema.encodeSync(ClientEvent.ClientEvent)

/** Standard input line by line, and on standard output a line an event. */
export const piped = Effect.fnUntraced(function*(client: Client.ClientShape, json: boolean) {
  const { stdin } = yield* Stdio.Stdio
  // Another program may go on writing to it; that is no reason to stay.
  yield* Effect.addFinalizer(() => Effect.sync(() => void process.stdin.destroy()))
  const sending = yield* Sending.make(client, complainOnce())
  const { flushed, readerGone, show } = yield* Events.lines<ClientEvent.ClientEvent>(
    json ? (event) => JSON.stringify(encode(event)) : ClientEventText.line,
    ({ isGone }) => isGone
  )
  const face: Face = {
    show: (event) => Effect.sync(() => show(event)),
    shown: flushed,
    gone: readerGone,
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

/** A thousand lines that wait for one leader are one complaint, and their number is told at the end. */
const complainOnce = () => {
  let isLeaderless = false
  return (_: string, number: number, error: Sending.Refused) => {
    if (Predicate.isTagged(error, "NobodyLeads")) {
      if (isLeaderless) return Effect.void
      isLeaderless = true
    }
    return Output.complain(`line ${number}: ${error.message}`)
  }
}

/** Somebody types, and reads. */
export const dialogue = Effect.fnUntraced(function*(
  client: Client.ClientShape,
  terminal: Dialogue.Dialogue,
  settings: Settings.Settings
) {
  const { color } = yield* Terminal.style
  const paint: Paint = (code, text) => color ? `\x1b[${code}m${text}\x1b[0m` : text
  const complain = (text: string) => terminal.print(paint("31", Text.clean(text)))
  const name = Text.clean(client.self.name)
  let shown = 0
  const showWaiting = (waiting: number) => {
    shown = waiting
    return terminal.setPrompt(`${name}${waiting > 0 ? ` (${waiting} waiting)` : ""}> `)
  }
  const sending: Sending.Sending = yield* Sending.make(
    client,
    (line, _, error) => Effect.andThen(complain(`not sent: ${error.message}`), terminal.giveBack(line)),
    Effect.suspend(() => shown > 0 ? showWaiting(sending.waiting()) : Effect.void)
  )
  const scope = yield* Effect.scope
  const send = (line: string) =>
    Effect.andThen(
      sending.send(line),
      // What is acknowledged at once need not flicker.
      Effect.forkIn(Effect.sleep("300 millis").pipe(Effect.flatMap(() => showWaiting(sending.waiting()))), scope)
    )
  const endOfInput = Effect.suspend(() => {
    const waiting = sending.waiting()
    return waiting > 0
      ? complain(`${waiting} of the lines wait to be acknowledged; Ctrl-C leaves at once`)
      : Effect.void
  })
  yield* terminal.print(paint("2", greeting(name, settings)))
  yield* showWaiting(0)
  const face: Face = {
    show: (event) => {
      const text = textOf(event, client, paint)
      return text === undefined ? Effect.void : terminal.print(text)
    },
    shown: terminal.shown,
    gone: terminal.gone,
    complain,
    talk: Effect.raceFirst(
      terminal.lines.pipe(
        Stream.filter((line) => line.trim() !== ""),
        Stream.runForEach(send),
        Effect.andThen(endOfInput),
        Effect.andThen(sending.settled)
      ),
      terminal.left
    ),
    abandoned: sending.abandoned
  }
  return face
})

type Paint = (code: string, text: string) => string

const greeting = (name: string, { group, multicastAddress, port }: Settings.Settings) =>
  `Client ${name} of group ${Text.clean(group)} at ${MulticastGroup.format(multicastAddress)}:${port}. `
  + "Enter sends a line; Ctrl-D leaves when all is sent, Ctrl-C at once."

/** What a person reads of an event, if anything. */
const textOf = (event: ClientEvent.ClientEvent, { self }: Client.ClientShape, paint: Paint): string | undefined => {
  const clock = Text.clock(event.at)
  switch (event.event) {
    case "MessageReceived":
      // Our own stand there as they were typed.
      return event.client.id === self.id ?
        undefined :
        `${paint("2", clock)}  ${paint("1", Text.clean(event.client.name + EventText.on(event)))}: ${
          Text.clean(EventText.words(event.body))
        }`
    case "MessageAcknowledged":
      return undefined
    default:
      return paint("2", `${clock}  ${Text.clean(ClientEventText.describe(event))}`)
  }
}
