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
  const { limits } = Member
  const name = settings.name ?? Member.shortened(endpoint.hostname, limits.name)
  const room = limits.name + limits.hostname + limits.tags - Member.readsBytes
    - Member.textBytes({ name, hostname: "", tags: settings.tags })
  const hostname = Member.shortened(endpoint.hostname, Math.min(limits.hostname, room))
  return {
    id: Member.nodeId(distinct, endpoint.hostname, port),
    ip,
    port,
    hostname,
    name,
    priority: settings.priority,
    incarnation: Math.max(0, Math.floor(now)),
    revision: 0,
    batches: true,
    topics: true,
    tags: settings.tags
  }
}
