/**
 * `client` as a process of its own.
 */
import * as Schema from "effect/Schema"
import * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import * as Process from "./process.ts"

const decode = Schema.decodeUnknownSync(ClientEvent.ClientEvent)

/** A client that reads what is typed into it. */
export const startClient = (args: ReadonlyArray<string>, env: Record<string, string>) =>
  Process.startTyped(["client", ...args], env)

/** The events that a client with `--json` has written so far. */
export const eventsOf = (client: Process.Running) =>
  client.stdout.split("\n").slice(0, -1).map((line) => decode(JSON.parse(line)))

/** Waits for an event of a client. */
export const event = <E extends ClientEvent.ClientEvent["event"]>(
  client: Process.Running,
  name: E,
  holds: (event: Extract<ClientEvent.ClientEvent, { event: E }>) => boolean = () => true
) =>
  client.until(() =>
    eventsOf(client).find((event): event is Extract<ClientEvent.ClientEvent, { event: E }> =>
      event.event === name && holds(event as Extract<ClientEvent.ClientEvent, { event: E }>)
    )
  )

/** The messages that a client received from another, by its name. */
export const bodiesOf = (client: Process.Running, name: string) =>
  eventsOf(client).flatMap((event) =>
    event.event === "MessageReceived" && event.client.name === name ? [event.body] : []
  )
