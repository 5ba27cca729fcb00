/** Events of a client in words, for logs and for the terminal. */
import type * as ClientEvent from "../protocol/model/ClientEvent.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as EventText from "./EventText.ts"
import * as Text from "./Text.ts"

/** One event as one line without its time. */
export const describe = (event: ClientEvent.ClientEvent): string => Text.clean(say(event))

/** One event as one line of a log. */
export const line = (event: ClientEvent.ClientEvent): string => `${Text.timestamp(event.at)} ${describe(event)}`

const where = ({ ip, port }: Reign.Leader): string => `the leader at ${Member.formatAddress({ ip, port })}`

const say = (event: ClientEvent.ClientEvent): string => {
  switch (event.event) {
    case "Joined": {
      const count = `${event.members} ${event.members === 1 ? "server" : "servers"}`
      return `${event.client.name} joined: ${count}, let in by ${where(event.leader)}`
    }
    case "LeaderChanged":
      return event.leader === null
        ? "nobody leads: what is sent waits"
        : `talking to ${where(event.leader)}`
    case "MessageReceived":
      return `${event.client.name}${EventText.on(event)}: ${EventText.words(event.body)}`
    case "MessageAcknowledged":
      return `the leader acknowledged message ${event.seq}`
    case "MessageLost":
      return EventText.lost(event)
    case "EventsLost":
      return `this reader is too slow and lost ${event.count} events`
    case "Left":
      return "left the group"
  }
}
