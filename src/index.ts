/**
 * Group membership and leader election for services on a LAN, with nothing else to install.
 *
 * This is the part that is free of platform code: `bellwether/NodeServer` and `bellwether/NodeClient` have the layers
 * with real sockets, and `bellwether/testing` a simulated network.
 *
 * @since 0.1.0
 */

export * as Client from "./client/Client.ts"

export * as ClientEvent from "./protocol/ClientEvent.ts"

export * as Datagrams from "./transport/Datagrams.ts"

export * as Event from "./protocol/Event.ts"

export * as Generation from "./transport/Generation.ts"

export * as Group from "./group/Group.ts"

export * as Inbox from "./group/Inbox.ts"

export * as Leadership from "./group/Leadership.ts"

export * as Member from "./protocol/Member.ts"

export * as Profile from "./settings/Profile.ts"

export * as Reign from "./protocol/Reign.ts"

export * as Server from "./group/Server.ts"

export * as Settings from "./settings/Settings.ts"
