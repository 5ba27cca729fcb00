/**
 * The one list of settings: meaning, what is allowed, and default of each. To add a setting is to add an entry here; flags,
 * the environment, help and refusals follow.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as KeyRing from "../protocol/KeyRing.ts"
import * as Member from "../protocol/Member.ts"
import * as Profile from "./Profile.ts"
import * as Setting from "./Setting.ts"

const { duration, whole } = Setting

const ms = Duration.millis
const minute = Duration.minutes(1)
const hour = Duration.hours(1)

/** An IPv6 multicast address, without a zone: each interface has its own. */
const isIpv6Multicast = (text: string): boolean =>
  /^ff[0-9a-f][0-9a-f]:[0-9a-f:.]+$/i.test(text) && Result.isSuccess(NetAddress.ipv6FromString(text))

/** One address, or one of each family. */
const isMeeting = (text: string): boolean => {
  const parts = text.split(",").map((part) => part.trim())
  const [ipv4, ipv6] = [parts.filter(isIpv4Multicast), parts.filter(isIpv6Multicast)]
  return ipv4.length + ipv6.length === parts.length && ipv4.length <= 1 && ipv6.length <= 1
}

const isIpv4Multicast = (text: string): boolean => {
  const octets = text.split(".")
  return octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= 255)
    && Number(octets[0]) >= 224 && Number(octets[0]) <= 239
}

/**
 * The settings by key, in the order in which help shows them.
 *
 * @category models
 * @since 0.1.0
 */
export const settings = {
  group: Setting.text(64, {
    summary: "name of the group",
    documentation:
      "Servers with the same group, multicast address and port find each other; all others are strangers whose datagrams "
      + "are dropped unread. Two deployments on one network need different names. When it is wrong on one host, that host "
      + "leads a group of its own.",
    default: () => "default"
  }),
  key: Setting.secret(
    `keys of 32 bytes, as base64 or as 64 hex digits, at most ${KeyRing.maxKeys} with commas between them, each once`,
    "keys",
    (text) => Option.isSome(KeyRing.parse(text)),
    {
      summary: "the group's keys, the first one seals; no flag",
      documentation:
        "All that is sent is sealed with the first key; what was sealed with any of them is heard. The same on every host. "
        + "Draw one with `head -c 32 /dev/urandom | base64`. From code or the environment only: flags are seen in lists of "
        + "processes. To change it with no member lost: add the new one behind the old everywhere, then put it first "
        + "everywhere, then take the old one away everywhere. The word `plain` in the first place, with `keyMode` permissive, "
        + "hears by the keys and seals nothing yet. Where it is wrong, that host is alone, and both sides tell `WrongKey`."
    }
  ),
  keyFile: Setting.text<string | undefined>(1_024, {
    summary: "file with the group's keys, one a line",
    documentation:
      "In place of `key`, and read again every 2 s, so that keys can be changed while the server runs; while it holds "
      + "something else, the keys read before stay in use. What follows `#` is a remark. Only its owner should be able to "
      + "read or change it (`chmod 600`); else `KeyFileExposed` is told.",
    default: () => undefined
  }),
  keyMode: Setting.choice(["enforce", "permissive"], {
    summary: "whether only sealed messages are heard",
    documentation:
      "`enforce`: what is not sealed with a key of ours is dropped. `permissive`: what is not sealed is heard too, for the "
      + "time in which a running group gets its first key; nothing is protected meanwhile. Only with a key.",
    default: () => "enforce"
  }),
  multicastAddress: Setting.form(
    "a multicast address of IPv4 (224.0.0.0 to 239.255.255.255; 239.x.x.x is for private use) or IPv6 (such as "
      + "ff02::b011; with no zone, since `interfaces` names the links), or one of each with a comma between them",
    "address",
    isMeeting,
    {
      summary: "multicast address of the group, IPv4 or IPv6",
      documentation:
        "Where the group meets. The same on every host. Addresses in 239.0.0.0/8 stay within an organisation; 224.0.0.x is "
        + "taken by protocols of the network itself. IPv6 addresses in ff02::/16 stay on the link, and so its servers speak "
        + "from the addresses of the link; ff05::/16 and ff08::/16 reach further where routers carry them. With one of "
        + "each the group meets in both, for the time in which hosts change over: two hosts that have no family in common "
        + "do not hear each other, and everything is said twice. Where it differs or is filtered, servers do not find each "
        + "other.",
      default: () => "239.255.253.87"
    }
  ),
  port: whole([1, 65_535], "port", {
    summary: "UDP port of the group",
    documentation:
      "The port that multicasts are sent to. The same on every host; open for UDP in firewalls. Several servers on one host "
      + "share it.",
    default: () => 16_983
  }),
  ttl: whole([0, 255], "hops", {
    summary: "how many routers a multicast may cross",
    documentation:
      "0 keeps multicasts on this host, 1 on the local network, more lets multicast routers carry them on. Too small, and "
      + "servers behind a router are not found; too large, and the group is heard where it should not be.",
    default: () => 1
  }),
  interfaces: Setting.list(64, "names", {
    summary: "network interfaces, by name or address",
    documentation:
      "Which networks to use, with commas between them, such as `eth0,192.168.1.7`; the first is the primary one unless "
      + "another has the default route. Empty: every one that is up, can multicast and is no virtual bridge, or loopback "
      + "where there is none. A server waits for what is named and not there; other commands refuse it. Too few, and servers "
      + "on the other networks are not found; bridges of containers among them bring datagrams twice.",
    unset: "automatic",
    default: () => []
  }),
  unicastPort: whole([0, 65_535], "port", {
    summary: "UDP port of this server's own sockets, 0 for any",
    documentation:
      "Answers come to this port. 0 lets the system choose, another one each start. Fixed, the node id is the same after a "
      + "restart, so others see a member return instead of a new one, and a firewall can name it. It must differ from "
      + "`port`, and each server on a host needs its own.",
    default: () => 0
  }),
  multicast: Setting.toggle({
    summary: "whether the group is found and spoken to by multicast",
    documentation:
      "Off where no multicast gets through (clouds, most container networks, some Wi-Fi): then members are found by `seeds` "
      + "and each is told by unicast, which costs a datagram a member instead of one for all. On beside `seeds` it serves "
      + "those whom it reaches. Off on one host only, that host is still found by its seeds.",
    default: () => true
  }),
  seeds: Setting.endpoints(64, {
    summary: "servers to find the group by without multicast",
    documentation:
      "Addresses or names with the `unicastPort` of some servers, the same list everywhere; a server may be on it itself. "
      + "One that lives is enough: the others are learned from it. Names are resolved again as long as a seed is no member. "
      + "Seeds outside the directly connected networks are answered too; whoever else is out there must be on one of "
      + "`networks`. All of them dead, and a newcomer leads alone until one is back.",
    default: () => []
  }),
  networks: Setting.networks(64, {
    summary: "networks behind routers that belong to the group",
    documentation:
      "Whom this server speaks to by unicast, and hears, besides the directly connected networks and its seeds: such as "
      + "`10.0.0.0/8` for the subnets of a cloud. The same list everywhere; it needs `seeds`, or a `ttl` with which "
      + "multicast gets there. As small as it can be: a forged question from an address on them is answered. Where one is "
      + "missing, servers there are alone, and `Dropped` tells `NotDirect`.",
    default: () => []
  }),
  profile: Setting.choice(Profile.names, {
    summary: "sets all eight times together",
    documentation:
      "`standard` for most networks: a silent leader is replaced within 46 s. `fast`: within about 3 s. `realtime`: within "
      + "about 200 ms, for quiet hosts on one switch only. The same on every host. A time set by itself overrides its "
      + "profile. Too fast a profile shows as members removed as silent that were only busy.",
    default: () => "standard"
  }),
  heartbeatInterval: duration([ms(5), hour], {
    summary: "time between two signs of life",
    documentation:
      "How often this server tells the group that it lives and whom it follows. `memberTimeout` must be more than twice "
      + "this. Shorter costs a multicast each and lets views agree sooner after a partition; longer delays that.",
    default: (profile) => Profile.profiles[profile].heartbeatInterval
  }),
  cleanupInterval: duration([ms(5), hour], {
    summary: "time between two sweeps for silent members",
    documentation:
      "A member that fell silent is noticed up to this long after `memberTimeout`. Starting value: half of `memberTimeout`. "
      + "Shorter costs a look at every member each; longer keeps the dead in view.",
    default: (profile) => Profile.profiles[profile].cleanupInterval
  }),
  memberTimeout: duration([ms(15), Duration.days(1)], {
    summary: "silence after which a member is asked, then removed",
    documentation:
      "More than 2 x `heartbeatInterval`, so that one lost heartbeat is no death; 3 x is the starting value. A silent member "
      + "is asked directly five times, `probeTimeout` apart, before it is removed. Too short: members that were only slow "
      + "are removed and come back. Too long: a dead leader leads on for that long.",
    default: (profile) => Profile.profiles[profile].memberTimeout
  }),
  probeTimeout: duration([ms(1), minute], {
    summary: "time to wait for the answer of one probe",
    documentation:
      "A member gets five probes this far apart. More than the slowest round trip between two hosts. Too short: the slow are "
      + "removed; too long: a death is noticed later, by five times as much.",
    default: (profile) => Profile.profiles[profile].probeTimeout
  }),
  discoveryWindow: duration([ms(1), minute], {
    summary: "time to look for others after the start",
    documentation:
      "A server that starts listens this long before it stands for election. More than a few round trips. Too short: a "
      + "server that starts leads for a moment before it hears of the others; too long: a first server leads later.",
    default: (profile) => Profile.profiles[profile].discoveryWindow
  }),
  electionStagger: duration([ms(0), Duration.seconds(1)], {
    summary: "head start of each higher ranked server",
    documentation:
      "A server waits this long for each living one that outranks it, at most 1 s in all, before it stands. 0 makes all "
      + "stand at once: correct, but with as many datagrams as servers squared. Too long: the next leader comes later where "
      + "the highest ranked are gone.",
    default: (profile) => Profile.profiles[profile].electionStagger
  }),
  okTimeout: duration([ms(1), minute], {
    summary: "time to wait for an objection before leading",
    documentation:
      "A server that stands leads when no higher ranked one has objected for so long; it asks at 0, a quarter and a half of "
      + "it. More than two round trips. Too short: two lead for a moment; too long: elections take that long.",
    default: (profile) => Profile.profiles[profile].okTimeout
  }),
  coordinatorTimeout: duration([ms(1), Duration.minutes(10)], {
    summary: "time to wait for whoever objected to lead",
    documentation:
      "After an objection, this long (and up to a quarter more, at random) until the server stands again. More than "
      + "`okTimeout`, best twice. Too short: needless elections; too long: a late one where the objector died.",
    default: (profile) => Profile.profiles[profile].coordinatorTimeout
  }),
  stopTimeout: duration([ms(0), minute], {
    summary: "time that leading work has to stop",
    documentation:
      "When a reign ends, its work is interrupted and its finalizers run for at most so long before the group hears of it; "
      + "work that overruns is told. Shutdown is bounded to 1 s whatever this is. Too short: successors start while old "
      + "work still writes; too long: the group waits for its next leader.",
    default: () => ms(500)
  }),
  priority: whole([-2_147_483_648, 2_147_483_647], "number", {
    summary: "the higher one leads",
    documentation:
      "The living server of the highest priority should lead; between equal ones the node id decides. Where all have 0, "
      + "which one leads is arbitrary, though all agree on it.",
    default: () => 0
  }),
  preempt: Setting.toggle({
    summary: "whether a higher ranked newcomer takes the lead",
    documentation:
      "On: the highest ranked server leads as soon as it is there. Off: a healthy leader stays until it goes. The same on "
      + "every host. Off where a change of leader is dear.",
    default: () => true
  }),
  stableAfter: duration([ms(0), Duration.days(1)], {
    summary: "time that a newcomer leaves a healthy leader in peace",
    documentation:
      "Where `preempt` is on, a server that outranks the leader takes the lead once it has run for so long; 0: at once. A "
      + "vacant place it takes at any age. Longer than a server that crashes lives between two starts, so that one that "
      + "starts and crashes again and again does not move the lead each time. The same on every host. Too short: the lead "
      + "goes to and fro with it; too long: after a restart the highest ranked server leads that much later, and a first "
      + "start takes `okTimeout` longer, as a newcomer asks before it leads.",
    default: () => ms(0)
  }),
  minimumMembers: whole([1, 65_535], "count", {
    summary: "fewest living servers with which one may lead",
    documentation:
      "With fewer in view, this server included, nobody stands and a leader steps down. With more than half of all servers, "
      + "the smaller part of a split network goes without a leader once its time-outs have removed the others. Larger than "
      + "the number of servers: nobody ever leads.",
    default: () => 1
  }),
  maxMembers: whole([1, 65_535], "count", {
    summary: "most other servers that a view holds",
    documentation:
      "Whoever comes when so many are there is dropped and counted as `MembersFull`, and the event `TableFull` is told; the "
      + "others stay. It bounds memory where strangers can join. Smaller than the number of servers: views differ in who is "
      + "missing, and some may follow no leader.",
    default: () => 4_096
  }),
  maxClients: whole([1, 65_535], "count", {
    summary: "most clients that a server knows",
    documentation:
      "What a client says that comes when so many are there is dropped and counted as `ClientsFull`, and `TableFull` is told; "
      + "those who are there stay, and who has left makes room. It bounds memory where strangers can join. Smaller than the "
      + "number of clients: some find no leader that lets them in, though servers are heard. The same on every host, as the "
      + "leader changes.",
    default: () => 1_024
  }),
  maxSessions: whole([16, 65_535], "count", {
    summary: "most sessions that are known, with a key",
    documentation:
      "With a key, each start of a server, a client or a command is a session that proves once that it lives. Beyond so many "
      + "the one not heard for the longest is forgotten, which `TableFull` tells if it still counted; beside them a sixteenth "
      + "as many are kept that have still to prove themselves. Starting value: 1.5 x `maxMembers` and `maxClients` together. "
      + "Smaller than the number of those who speak: nothing is lost, but each of them proves itself again and again, at two "
      + "datagrams a time.",
    default: () => 8_192
  }),
  maxDeparted: whole([1, 4_096], "count", {
    summary: "most servers that are remembered as gone",
    documentation:
      "Who has left or was removed is remembered for 2 x `memberTimeout`, so that a late datagram of its does not bring it "
      + "back. Beyond so many the longest gone is forgotten early, which `TableFull` tells. Best not below the number of "
      + "servers that may go within that time. Too small: a dead server may be in view again until it is found silent once "
      + "more; larger costs memory, and a search for the longest gone with each goodbye once it is full.",
    default: () => 1_024
  }),
  leadership: Setting.choice(["bully", "lease"], {
    summary: "how the leader is elected",
    documentation:
      "`bully`: whoever ranks highest among those who hear each other; while the network is split each part has a leader. "
      + "`lease`: whoever ranks highest among those whom a majority of `groupSize` servers has voted for, so that at most one "
      + "leads at any instant; without a majority nobody does. The same on every host; changing it, or one of the three "
      + "settings below, takes a full stop of the group. Where it differs, `SettingsDiffer` is told.",
    default: () => "bully"
  }),
  groupSize: Setting.optional(
    whole([1, 1_000], "count", {
      summary: "number of all servers of the group, for lease",
      documentation:
        "How many servers there are in all, running or not: more than half of them must be there for one to lead. Needed "
        + "with `lease`, and of no meaning without. The same on every host. An odd number is best: four bear the loss of no "
        + "more servers than three. Too large: nobody leads. Too small, with more servers running: two majorities, and so "
        + "two leaders, are possible.",
      default: () => 1
    }),
    "none"
  ),
  leaseDuration: Setting.optional(
    duration([ms(60), hour], {
      summary: "time for which a vote binds, for lease",
      documentation:
        "After the leader is gone nobody leads for up to so long, and a server that starts does not vote for so long. A "
        + "leader renews its lease six times in it; it must be at least 3 x `stopTimeout`, as work is ended that much "
        + "before the lease is over. Unless set, 3 x `heartbeatInterval`, or 3 x `stopTimeout` where that is longer. The "
        + "same on every host. Too short: the lead is lost to a pause or a few lost datagrams; too long: the group waits "
        + "that long for its next leader.",
      default: () => ms(0)
    }),
    "3 x heartbeatInterval"
  ),
  clockDrift: Setting.share([0, 0.1], {
    summary: "largest difference in speed of two clocks, for lease",
    documentation:
      "A lease is taken to be over 2 x this share of `leaseDuration` early. The same on every host. Clocks of healthy "
      + "machines differ by less than one in a thousand. Smaller than the truth: two may lead for a moment; larger costs a "
      + "little of each lease.",
    default: () => 0.01
  }),
  name: Setting.text<string | undefined>(Member.limits.name, {
    summary: "what people call this server",
    documentation: "Shown in views, events and logs; nothing is decided by it, and two servers may share one.",
    unset: "host name",
    default: () => undefined
  }),
  tags: Setting.pairs(Member.limits.tags, {
    summary: "texts that others see with this server",
    documentation:
      "For routing and for people, such as `zone=a,version=12`. Every message carries them: keep them short. They stay the "
      + "same until the process ends.",
    default: () => ({})
  })
} as const
