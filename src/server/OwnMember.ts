/** The member that a server is: what it announces of itself from its start on. */
import { bytesToHex } from "@noble/hashes/utils.js"
import * as Member from "../protocol/model/Member.ts"
import * as Zone from "../protocol/model/Zone.ts"
import type { Settings } from "../settings/Settings.ts"
import type { Endpoint } from "../transport/Datagrams.ts"

/** The member that starts now, in Unix ms, with these settings at this endpoint. */
export const make = (
  settings: Pick<Settings, "name" | "priority" | "tags">,
  endpoint: Pick<Endpoint, "hasAddress" | "hostname" | "local" | "random">,
  now: number
): Member.Member => {
  const [{ ip: address, port }] = endpoint.local
  const ip = Zone.without(address)
  // Hosts of one image that start before their network have all the same name, port and loopback address.
  const distinct = endpoint.hasAddress() ? ip : bytesToHex(endpoint.random(16))
  const hostname = Member.shortened(endpoint.hostname, Member.limits.hostname)
  return {
    id: Member.nodeId(distinct, endpoint.hostname, port),
    ip,
    port,
    hostname,
    name: settings.name ?? Member.shortened(hostname, Member.limits.name),
    priority: settings.priority,
    incarnation: Math.max(0, Math.floor(now)),
    revision: 0,
    batches: true,
    tags: settings.tags
  }
}
