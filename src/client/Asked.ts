/** How a group was asked, and what is told where nobody answers. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
import type * as Datagrams from "../transport/Datagrams.ts"

/**
 * How a group was asked, to compare if nobody answers. The question went out of `interfaces`; `within` is how many ms it
 * waited.
 */
export const Asked = Schema.Struct({
  group: Schema.String,
  multicastAddress: Schema.String,
  port: Schema.Natural,
  interfaces: Schema.Array(Schema.String),
  within: Schema.Natural
})

export type Asked = typeof Asked.Type

/** How these settings ask, over this endpoint, for so long. */
export const asked = (
  { group, multicastAddress, port }: Pick<Settings.Settings, "group" | "multicastAddress" | "port">,
  endpoint: Pick<Datagrams.Endpoint, "local">,
  within: Duration.Duration
): Asked => ({
  group,
  multicastAddress: MulticastGroup.format(multicastAddress),
  port,
  interfaces: endpoint.local.map((local) => `${local.interface} (${local.ip})`),
  within: Math.round(Duration.toMillis(within))
})

/** That nobody answered, and what to compare. */
export const nobody = ({ group, interfaces, multicastAddress, port, within }: Asked): string =>
  `nobody in group ${JSON.stringify(group)} answered within ${within} ms on ${multicastAddress}:${port} through ${
    interfaces.join(", ")
  }; check that a server runs, that group, key, address and port are the same there, the interface, and that no firewall `
  + "stops UDP"

/** The same where only this host was asked. */
export const nobodyHere = (
  { group, interfaces, multicastAddress, port, unicastPort, within }: Asked & { readonly unicastPort?: number }
): string =>
  `no server of group ${JSON.stringify(group)} on this host answered within ${within} ms ${
    unicastPort === undefined ? `on ${multicastAddress}:${port}` : `at port ${unicastPort}`
  } through ${interfaces.join(", ")}; check that one runs here, and that its settings are those of this question`
