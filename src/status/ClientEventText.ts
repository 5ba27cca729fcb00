/** What happens to a client in words, for logs and for the terminal. */
import type * as ClientEvent from "../protocol/ClientEvent.ts"
import * as Member from "../protocol/Member.ts"
import type * as Reign from "../protocol/Reign.ts"
import * as EventText from "./EventText.ts"
import * as Text from "./Text.ts"

/** One event as one line without its time. */
export const describe = (event: ClientEvent.ClientEvent): string => Text.clean(say(event))

/** One event as one line of a log. */
export const line = (event: ClientEvent.ClientEvent): string => `${Text.timestamp(event.at)} ${describe(event)}`

const who = ({ id, ip, port }: Reign.Leader): string => `${id} at ${Member.formatAddress({ ip, port })}`

const say = (event: ClientEvent.ClientEvent): string => {
  switch (event.event) {
    case "Joined": {
      const count = `${event.members} ${event.members === 1 ? "server" : "servers"}`
      return `${event.client.name} (${event.client.id}) joined: ${count}, led by ${who(event.leader)}`
    }
    case "LeaderChanged":
      return event.leader === null
        ? `nobody leads (term ${event.term} ended): what is sent waits`
        : `talking to ${who(event.leader)}, the leader (term ${event.term})`
    case "MessageReceived":
      return `${event.client.name}: ${EventText.words(event.body)}`
    case "MessageAcknowledged":
      return `message ${event.seq} is acknowledged`
    case "MessageLost":
      return EventText.lost(event)
    case "EventsLost":
      return `${event.count} events were lost: this reader is too slow`
    case "Left":
      return "left the group"
  }
}
