/**
 * Group membership and leader election for services on a LAN, with nothing else to install.
 *
 * This is the part that is free of platform code: `bellwether/NodeServer` and `bellwether/NodeClient` have the layers
 * with real sockets, and `bellwether/testing` a simulated network.
 *
 * @since 0.1.0
 */

export * as Client from "./client/Client.ts"

export * as ClientEvent from "./protocol/model/ClientEvent.ts"

export * as Datagrams from "./transport/Datagrams.ts"

export * as Event from "./protocol/model/Event.ts"

export * as EventLog from "./status/EventLog.ts"

export * as Generation from "./transport/Generation.ts"

export * as Grant from "./server/Grant.ts"

export * as Group from "./server/Group.ts"

export * as History from "./status/History.ts"

export * as Inbox from "./server/Inbox.ts"

export * as Inquiry from "./client/Inquiry.ts"

export * as Leadership from "./server/Leadership.ts"

export * as Lock from "./server/Lock.ts"

export * as Member from "./protocol/model/Member.ts"

export * as Members from "./server/Members.ts"

export * as Metrics from "./status/metrics/Metrics.ts"

export * as Observer from "./client/Observer.ts"

export * as Partitions from "./server/Partitions.ts"

export * as Profile from "./settings/Profile.ts"

export * as Question from "./protocol/model/Question.ts"
export * as Publishing from "./server/Publishing.ts"

export * as Reign from "./protocol/model/Reign.ts"

export * as Server from "./server/Server.ts"

export * as Settings from "./settings/Settings.ts"

export * as Status from "./protocol/Status.ts"

export * as Topic from "./protocol/model/Topic.ts"

export * as Traffic from "./server/Traffic.ts"
