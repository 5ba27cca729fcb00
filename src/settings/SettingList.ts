/**
 * The one list of settings: the allowed values and the default of each. To add a setting, add an entry here, and its
 * meaning to `Options`; flags, the environment, help and refusals follow.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Host from "effect/net/Host"
import * as Redacted from "effect/Redacted"
import * as Client from "../protocol/model/Client.ts"
import * as Member from "../protocol/model/Member.ts"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import * as Forms from "./Forms.ts"
import type { MulticastGroup } from "./MulticastGroup.ts"
import type { Options } from "./Options.ts"
import * as Profile from "./Profile.ts"
import * as Setting from "./Setting.ts"

const { duration, whole } = Setting

const ms = Duration.millis
const minute = Duration.minutes(1)
const hour = Duration.hours(1)

const defaultGroups: ReadonlyArray<MulticastGroup> = [{ ip: "239.255.253.87", family: "IPv4", linkLocal: false }]

/**
 * The settings by key, in the order in which help shows them.
 *
 * @category models
 * @since 0.1.0
 */
export const settings = {
  group: Setting.text(64, {
    summary: "name of the group",
    default: () => "default"
  }),
  key: {
    ...Setting.form<KeyRing.Keys, Redacted.Redacted, undefined>(
      `keys of 32 bytes, as base64 or as 64 hex digits, at most ${KeyRing.maxKeys} with commas between them, each once`,
      "keys",
      Forms.keys,
      {
        summary: "the group's keys, the first one seals; no flag",
        default: () => undefined
      },
      (given) => Redacted.isRedacted(given) ? Redacted.value(given) : given
    ),
    isSecret: true
  },
  keyFile: Setting.text(1_024, {
    summary: "file with the group's keys, one a line",
    default: () => undefined
  }),
  keyMode: Setting.choice(["enforce", "permissive"], {
    summary: "whether only sealed messages are heard",
    default: () => "enforce"
  }),
  multicastAddress: Setting.form<ReadonlyArray<MulticastGroup>>(
    "a multicast address of IPv4 (224.0.0.0 to 239.255.255.255; 239.x.x.x is for private use) or IPv6 (such as "
      + "ff02::b011; with no zone, since `interfaces` names the links), or one of each with a comma between them",
    "address",
    Forms.multicastGroups,
    {
      summary: "multicast address of the group, IPv4 or IPv6",
      default: () => defaultGroups
    }
  ),
  port: whole([1, 65_535], "port", {
    summary: "UDP port of the group",
    default: () => 16_983
  }),
  ttl: whole([0, 255], "hops", {
    summary: "how many routers a multicast may cross",
    default: () => 1
  }),
  interfaces: Setting.list(
    64,
    "names or addresses with commas between them, no quotes; empty for automatic",
    "names",
    Forms.word,
    {
      summary: "network interfaces, by name or address",
      unset: "automatic",
      default: () => []
    }
  ),
  unicastPort: whole([0, 65_535], "port", {
    summary: "UDP port of this server's unicast sockets, 0 for any",
    default: () => 0
  }),
  multicast: Setting.toggle({
    summary: "whether the group is found and spoken to by multicast",
    default: () => true
  }),
  links: Setting.toggle({
    summary: "whether TCP connections tell of a crash at once",
    default: () => true
  }),
  seeds: Setting.list(
    64,
    "of host:port with commas between them, IPv6 addresses as [address]:port; empty for none",
    "host:port,...",
    Forms.hostPort,
    {
      summary: "servers to find the group by without multicast",
      default: () => []
    }
  ),
  networks: Setting.list(
    64,
    `of address/bits with commas between them, of ${Forms.fewestBits.IPv4} to 32 bits, in IPv6 ${Forms.fewestBits.IPv6} `
      + "to 128; empty for none",
    "address/bits,...",
    Forms.network,
    {
      summary: "networks behind routers that belong to the group",
      default: () => []
    }
  ),
  profile: Setting.choice(Profile.names, {
    summary: "sets all nine times together",
    default: () => "standard"
  }),
  heartbeatInterval: duration([ms(5), hour], {
    summary: "time between two signs of life",
    default: (profile) => Profile.profiles[profile].heartbeatInterval
  }),
  leaderInterval: duration([ms(5), hour], {
    summary: "time between two signs of life of a leader",
    default: (profile) => Profile.profiles[profile].leaderInterval
  }),
  cleanupInterval: duration([ms(5), hour], {
    summary: "time between two sweeps for silent members",
    default: (profile) => Profile.profiles[profile].cleanupInterval
  }),
  memberTimeout: duration([ms(15), Duration.days(1)], {
    summary: "silence after which a member is asked, then removed",
    default: (profile) => Profile.profiles[profile].memberTimeout
  }),
  probeTimeout: duration([ms(1), minute], {
    summary: "time to wait for the answer of one probe",
    default: (profile) => Profile.profiles[profile].probeTimeout
  }),
  discoveryWindow: duration([ms(1), minute], {
    summary: "time to look for others after the start",
    default: (profile) => Profile.profiles[profile].discoveryWindow
  }),
  electionStagger: duration([ms(0), Duration.seconds(1)], {
    summary: "head start of each higher ranked server",
    default: (profile) => Profile.profiles[profile].electionStagger
  }),
  okTimeout: duration([ms(1), minute], {
    summary: "time to wait for an objection before leading",
    default: (profile) => Profile.profiles[profile].okTimeout
  }),
  coordinatorTimeout: duration([ms(1), Duration.minutes(10)], {
    summary: "time to wait for an objector to lead",
    default: (profile) => Profile.profiles[profile].coordinatorTimeout
  }),
  stopTimeout: duration([ms(0), minute], {
    summary: "time that leading work has to stop",
    default: () => ms(500)
  }),
  priority: whole([-2_147_483_648, 2_147_483_647], "number", {
    summary: "the higher one leads",
    default: () => 0
  }),
  preempt: Setting.toggle({
    summary: "whether a higher ranked newcomer takes the lead",
    default: () => true
  }),
  stableAfter: duration([ms(0), Duration.days(1)], {
    summary: "time that a newcomer leaves a healthy leader alone",
    default: () => ms(0)
  }),
  minimumMembers: whole([1, 65_535], "count", {
    summary: "fewest living servers with which one may lead",
    default: () => 1
  }),
  maxHeartbeatsPerSecond: whole([1, 1_000_000], "count", {
    summary: "most heartbeats that a server hears in a second",
    default: () => 500
  }),
  maxMembers: whole([1, 65_535], "count", {
    summary: "most other servers that a view holds",
    default: () => 4_096
  }),
  maxClients: whole([1, 65_535], "count", {
    summary: "most clients that a server knows",
    default: () => 1_024
  }),
  maxSessions: whole([16, 65_535], "count", {
    summary: "most sessions that are known, with a key",
    default: () => 8_192
  }),
  maxTombstones: whole([1, 4_096], "count", {
    summary: "most servers that are remembered as gone",
    default: () => 1_024
  }),
  maxMessageBytes: whole([512, Client.maxMessageBytes], "bytes", {
    summary: "largest message that is sent in parts",
    default: () => 65_536
  }),
  leadership: Setting.choice(["bully", "lease"], {
    summary: "how the leader is elected",
    default: () => "bully"
  }),
  groupSize: whole([1, 1_000], "count", {
    summary: "number of all voters of the group, for lease",
    default: () => undefined
  }),
  leaseDuration: duration([ms(60), hour], {
    summary: "time for which a vote binds, for lease",
    unset: "3 x heartbeatInterval",
    default: () => undefined
  }),
  clockDrift: Setting.share([0, 0.1], {
    summary: "largest difference in speed of two clocks, for lease",
    default: () => 0.01
  }),
  votes: Setting.toggle({
    summary: "whether this server votes and may lead, for lease",
    default: () => true
  }),
  name: Setting.text(Member.limits.name, {
    summary: "what people call this server",
    unset: "host name",
    default: () => undefined
  }),
  tags: Setting.pairs(Member.limits.tags, {
    summary: "texts that others see with this server",
    default: () => ({})
  }),
  http: Setting.form<Host.HostPort, never, undefined>(
    "host:port, such as 127.0.0.1:7780 or [::1]:7780; port 0 for any; one that is not of this host alone only with a token",
    "host:port",
    Forms.listening,
    {
      summary: "where the page and the HTTP API are served",
      default: () => undefined
    }
  ),
  httpToken: {
    ...Setting.form<Redacted.Redacted, never, undefined>(
      "16 to 256 letters, digits and any of - . _ ~ + /, with = at the end alone",
      "token",
      Forms.token,
      {
        summary: "the token that allows changes over HTTP; no flag",
        default: () => undefined
      }
    ),
    isSecret: true
  },
  httpTokenFile: Setting.text(1_024, {
    summary: "file with the token, on its first line",
    default: () => undefined
  }),
  httpHosts: Setting.list(
    16,
    "host names with commas between them; empty for none",
    "names",
    Forms.word,
    {
      summary: "names under which the page is reached, behind a proxy",
      default: () => []
    }
  ),
  eventHistory: whole([0, 100_000], "count", {
    summary: "how many of the newest events are kept",
    default: () => 1_000
  })
} as const satisfies { readonly [K in keyof Options]-?: Setting.Setting<unknown, NonNullable<Options[K]>> }
