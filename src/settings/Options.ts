/**
 * The settings as code gives them: what each means, its unit, how it goes with others, in which direction it errs, and the
 * symptom where it is wrong. Editors show this for each option. What is checked, and each default, is in `SettingList`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Host from "effect/net/Host"
import type * as IpNetwork from "effect/net/IpNetwork"
import type * as Redacted from "effect/Redacted"
import type * as KeyRing from "../protocol/wire/KeyRing.ts"
import type * as MulticastGroup from "./MulticastGroup.ts"
import type { Profile } from "./Profile.ts"

/**
 * Settings as code gives them: those that are absent have their default, or that of the profile. A name that is none of
 * these is refused.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Name of the group. Servers with the same group, multicast address and port find each other; all others are
   * strangers whose datagrams are dropped unread. Two deployments on one network need different names. When it is
   * wrong on one host, that host leads a group of its own.
   *
   * Default: default. Allowed: 1 to 64 bytes of text, no blank or quote at either end, nothing invisible.
   */
  readonly group?: string | undefined
  /**
   * The group's keys, the first one seals; no flag. All that is sent is sealed with the first key; what was sealed
   * with any of them is heard. The same on every host. Draw one with `head -c 32 /dev/urandom | base64`. From code
   * or the environment only: flags are seen in lists of processes. To change it with no member lost: add the new one
   * behind the old everywhere, then put it first everywhere, then take the old one away everywhere. The word `plain`
   * in the first place, with `keyMode` permissive, hears by the keys and seals nothing yet. Where it is wrong, that
   * host is alone, and both sides tell `WrongKey`.
   *
   * Default: none. Allowed: keys of 32 bytes, as base64 or as 64 hex digits, at most 8 with commas between them,
   * each once.
   */
  readonly key?: KeyRing.Keys | Redacted.Redacted | string | undefined
  /**
   * File with the group's keys, one a line. In place of `key`, and read again every 2 s, so that keys can be changed
   * while the server runs; while it holds something else, the keys read before stay in use. What follows `#` is a
   * remark. Only its owner should be able to read or change it (`chmod 600`); else `KeyFileExposed` is told.
   *
   * Default: none. Allowed: 1 to 1024 bytes of text, no blank or quote at either end, nothing invisible.
   */
  readonly keyFile?: string | undefined
  /**
   * Whether only sealed messages are heard. `enforce`: what is not sealed with a key of ours is dropped.
   * `permissive`: what is not sealed is heard too, for the time in which a running group gets its first key; nothing
   * is protected meanwhile. Only with a key.
   *
   * Default: enforce. Allowed: enforce, permissive.
   */
  readonly keyMode?: "enforce" | "permissive" | undefined
  /**
   * Multicast address of the group, IPv4 or IPv6. Where the group meets. The same on every host. Addresses in
   * 239.0.0.0/8 stay within an organisation; 224.0.0.x is taken by protocols of the network itself. IPv6 addresses
   * in ff02::/16 stay on the link, and so its servers speak from the addresses of the link; ff05::/16 and ff08::/16
   * reach further where routers carry them. With one of each the group meets in both, for the time in which hosts
   * change over: two hosts that have no family in common do not hear each other, and everything is said twice. Where
   * it differs or is filtered, servers do not find each other.
   *
   * Default: 239.255.253.87. Allowed: a multicast address of IPv4 (224.0.0.0 to 239.255.255.255; 239.x.x.x is for
   * private use) or IPv6 (such as ff02::b011; with no zone, since `interfaces` names the links), or one of each with
   * a comma between them.
   */
  readonly multicastAddress?: ReadonlyArray<MulticastGroup.MulticastGroup> | string | undefined
  /**
   * UDP port of the group. The port that multicasts are sent to. The same on every host; open for UDP in firewalls.
   * Several servers on one host share it. Best below 32768: from there up Linux draws the ports of outgoing
   * connections, one of which may have it already.
   *
   * Default: 16983. Allowed: a whole number from 1 to 65535.
   */
  readonly port?: number | undefined
  /**
   * How many routers a multicast may cross. 0 keeps multicasts on this host, 1 on the local network, more lets
   * multicast routers carry them on. Too small, and servers behind a router are not found; too large, and the group
   * is heard where it should not be.
   *
   * Default: 1. Allowed: a whole number from 0 to 255.
   */
  readonly ttl?: number | undefined
  /**
   * Network interfaces, by name or address. Which networks to use, with commas between them, such as
   * `eth0,192.168.1.7`; the first is the primary one unless another has the default route. Empty: every one that is
   * up, can multicast and is no virtual bridge, or loopback where there is none. A server waits for what is named
   * and not there; other commands refuse it. Too few, and servers on the other networks are not found; bridges of
   * containers among them bring datagrams twice.
   *
   * Default: automatic. Allowed: at most 64 names or addresses with commas between them, no quotes; empty for
   * automatic.
   */
  readonly interfaces?: ReadonlyArray<string> | undefined
  /**
   * UDP port of this server's unicast sockets, 0 for any. Answers come to this port. 0 lets the system choose, another
   * one each start. Fixed, the node id is the same after a restart, so others see a member return instead of a new
   * one, and a firewall can name it. It must differ from `port`, and each server on a host needs its own.
   *
   * Default: 0. Allowed: a whole number from 0 to 65535.
   */
  readonly unicastPort?: number | undefined
  /**
   * Whether the group is found and spoken to by multicast. Off where no multicast gets through (clouds, most
   * container networks, some Wi-Fi): then members are found by `seeds` and each is told by unicast, which costs a
   * datagram a member instead of one for all. On beside `seeds` it serves those whom it reaches. Off on one host
   * only, that host is still found by its seeds.
   *
   * Default: on. Allowed: on or off (also true, yes, 1; false, no, 0).
   */
  readonly multicast?: boolean | undefined
  /**
   * Servers to find the group by without multicast. Addresses or names with the `unicastPort` of some servers, the
   * same list everywhere; a server may be on it itself. One that lives is enough: the others are learned from it.
   * Names are resolved again as long as a seed is no member. Seeds outside the directly connected networks are
   * answered too; whoever else is out there must be on one of `networks`. All of them dead, and a newcomer leads
   * alone until one is back.
   *
   * Default: none. Allowed: at most 64 of host:port with commas between them, IPv6 addresses as [address]:port;
   * empty for none.
   */
  readonly seeds?: ReadonlyArray<Host.HostPort | string> | undefined
  /**
   * Networks behind routers that belong to the group. Whom this server speaks to by unicast, and hears, besides the
   * directly connected networks and its seeds: such as `10.0.0.0/8` for the subnets of a cloud. The same list
   * everywhere; it needs `seeds`, or a `ttl` with which multicast gets there. As small as it can be: a forged
   * question from an address on them is answered. Where one is missing, servers there are alone, and `Dropped` tells
   * `NotDirect`.
   *
   * Default: none. Allowed: at most 64 of address/bits with commas between them, of 8 to 32 bits, in IPv6 16 to 128;
   * empty for none.
   */
  readonly networks?: ReadonlyArray<IpNetwork.IpNetwork | string> | undefined
  /**
   * Sets all eight times together. `standard` for most networks: a silent leader is replaced within 46 s. `fast`:
   * within about 3 s. `realtime`: within about 200 ms, for quiet hosts on one switch only. The same on every host. A
   * time set by itself overrides its profile. Too fast a profile shows as members removed as silent that were only
   * busy.
   *
   * Default: standard. Allowed: standard, fast, realtime.
   */
  readonly profile?: Profile | undefined
  /**
   * Time between two signs of life. How often this server tells the group that it lives and whom it follows.
   * `memberTimeout` must be more than twice this. Shorter costs a multicast each and lets views agree sooner after a
   * partition; longer delays that.
   *
   * Default: 10s; fast 500ms, realtime 50ms. Allowed: a duration from 5ms to 1h, written as in 500ms, 10s, 2m.
   */
  readonly heartbeatInterval?: Duration.Input | undefined
  /**
   * Time between two sweeps for silent members. A member that fell silent is noticed up to this long after
   * `memberTimeout`. Starting value: half of `memberTimeout`. Shorter costs a look at every member each; longer
   * keeps the dead in view.
   *
   * Default: 15s; fast 500ms, realtime 25ms. Allowed: a duration from 5ms to 1h, written as in 500ms, 10s, 2m.
   */
  readonly cleanupInterval?: Duration.Input | undefined
  /**
   * Silence after which a member is asked, then removed. More than 2 x `heartbeatInterval`, so that one lost
   * heartbeat is no death; 3 x is the starting value. A silent member is asked directly five times, `probeTimeout`
   * apart, before it is removed. Too short: members that were only slow are removed and come back. Too long: a dead
   * leader leads on for that long.
   *
   * Default: 30s; fast 1.6s, realtime 120ms. Allowed: a duration from 15ms to 24h, written as in 500ms, 10s, 2m.
   */
  readonly memberTimeout?: Duration.Input | undefined
  /**
   * Time to wait for the answer of one probe. A member gets five probes this far apart. More than the slowest round
   * trip between two hosts. Too short: the slow are removed; too long: a death is noticed later, by five times as
   * much.
   *
   * Default: 150ms; fast 100ms, realtime 10ms. Allowed: a duration from 1ms to 1m, written as in 500ms, 10s, 2m.
   */
  readonly probeTimeout?: Duration.Input | undefined
  /**
   * Time to look for others after the start. A server that starts listens this long before it stands for election.
   * More than a few round trips. Too short: a server that starts leads for a moment before it hears of the others;
   * too long: a first server leads later.
   *
   * Default: 300ms; fast 200ms, realtime 100ms. Allowed: a duration from 1ms to 1m, written as in 500ms, 10s, 2m.
   */
  readonly discoveryWindow?: Duration.Input | undefined
  /**
   * Head start of each higher ranked server. A server waits this long for each living one that outranks it, at most
   * 1 s in all, before it stands. 0 makes all stand at once: correct, but with as many datagrams as servers squared.
   * Too long: the next leader comes later where the highest ranked are gone.
   *
   * Default: 20ms; fast 10ms, realtime 3ms. Allowed: a duration from 0 to 1s, written as in 500ms, 10s, 2m.
   */
  readonly electionStagger?: Duration.Input | undefined
  /**
   * Time to wait for an objection before leading. A server that stands leads when no higher ranked one has objected
   * for so long; it asks at 0, a quarter and a half of it. More than two round trips. Too short: two lead for a
   * moment; too long: elections take that long.
   *
   * Default: 1s; fast 300ms, realtime 40ms. Allowed: a duration from 1ms to 1m, written as in 500ms, 10s, 2m.
   */
  readonly okTimeout?: Duration.Input | undefined
  /**
   * Time to wait for whoever objected to lead. After an objection, this long (and up to a quarter more, at random)
   * until the server stands again. More than `okTimeout`, best twice. Too short: needless elections; too long: a
   * late one where the objector died.
   *
   * Default: 2s; fast 600ms, realtime 80ms. Allowed: a duration from 1ms to 10m, written as in 500ms, 10s, 2m.
   */
  readonly coordinatorTimeout?: Duration.Input | undefined
  /**
   * Time that leading work has to stop. When a reign ends, its work is interrupted and its finalizers run for at
   * most so long before the group hears of it; work that overruns is told. Shutdown is bounded to 1 s whatever this
   * is. Too short: successors start while old work still writes; too long: the group waits for its next leader.
   *
   * Default: 500ms. Allowed: a duration from 0 to 1m, written as in 500ms, 10s, 2m.
   */
  readonly stopTimeout?: Duration.Input | undefined
  /**
   * The higher one leads. The living server of the highest priority should lead; between equal ones the node id
   * decides. Where all have 0, which one leads is arbitrary, though all agree on it.
   *
   * Default: 0. Allowed: a whole number from -2147483648 to 2147483647.
   */
  readonly priority?: number | undefined
  /**
   * Whether a higher ranked newcomer takes the lead. On: the highest ranked server leads as soon as it is there.
   * Off: a healthy leader stays until it goes. The same on every host. Off where a change of leader is dear.
   *
   * Default: on. Allowed: on or off (also true, yes, 1; false, no, 0).
   */
  readonly preempt?: boolean | undefined
  /**
   * Time that a newcomer leaves a healthy leader in peace. Where `preempt` is on, a server that outranks the leader
   * takes the lead once it has run for so long; 0: at once. A vacant place it takes at any age. Longer than a server
   * that crashes lives between two starts, so that one that starts and crashes again and again does not move the
   * lead each time. The same on every host. Too short: the lead goes to and fro with it; too long: after a restart
   * the highest ranked server leads that much later, and a first start takes `okTimeout` longer, as a newcomer asks
   * before it leads.
   *
   * Default: 0. Allowed: a duration from 0 to 24h, written as in 500ms, 10s, 2m.
   */
  readonly stableAfter?: Duration.Input | undefined
  /**
   * Fewest living servers with which one may lead. With fewer in view, this server included, nobody stands and a
   * leader steps down. With more than half of all servers, the smaller part of a split network goes without a leader
   * once its time-outs have removed the others. Larger than the number of servers: nobody ever leads.
   *
   * Default: 1. Allowed: a whole number from 1 to 65535.
   */
  readonly minimumMembers?: number | undefined
  /**
   * Most other servers that a view holds. Whoever comes when so many are there is dropped and counted as
   * `MembersFull`, and the event `TableFull` is told; the others stay. It bounds memory where strangers can join.
   * Smaller than the number of servers: views differ in who is missing, and some may follow no leader.
   *
   * Default: 4096. Allowed: a whole number from 1 to 65535.
   */
  readonly maxMembers?: number | undefined
  /**
   * Most clients that a server knows. What a client says that comes when so many are there is dropped and counted as
   * `ClientsFull`, and `TableFull` is told; those who are there stay, and who has left makes room. It bounds memory
   * where strangers can join. Smaller than the number of clients: some find no leader that lets them in, though
   * servers are heard. The same on every host, as the leader changes.
   *
   * Default: 1024. Allowed: a whole number from 1 to 65535.
   */
  readonly maxClients?: number | undefined
  /**
   * Most sessions that are known, with a key. With a key, each start of a server, a client or a command is a session
   * that proves once that it lives. Beyond so many the one not heard for the longest is forgotten, which `TableFull`
   * tells if it still counted; beside them a sixteenth as many are kept that have still to prove themselves.
   * Starting value: 1.5 x `maxMembers` and `maxClients` together. Smaller than the number of those who speak:
   * nothing is lost, but each of them proves itself again and again, at two datagrams a time.
   *
   * Default: 8192. Allowed: a whole number from 16 to 65535.
   */
  readonly maxSessions?: number | undefined
  /**
   * Most servers that are remembered as gone. Who has left or was removed is remembered for 2 x `memberTimeout`, so
   * that a late datagram of its does not bring it back. Beyond so many the longest gone is forgotten early, which
   * `TableFull` tells. Best not below the number of servers that may go within that time. Too small: a dead server
   * may be in view again until it is found silent once more; larger costs memory, and a search for the longest gone
   * with each goodbye once it is full.
   *
   * Default: 1024. Allowed: a whole number from 1 to 4096.
   */
  readonly maxTombstones?: number | undefined
  /**
   * How the leader is elected. `bully`: whoever ranks highest among those who hear each other; while the network is
   * split each part has a leader. `lease`: whoever ranks highest among those whom a majority of `groupSize` servers
   * has voted for, so that at most one leads at any instant; without a majority nobody does. The same on every host;
   * changing it, or one of the three settings below, takes a full stop of the group. Where it differs,
   * `SettingsDiffer` is told.
   *
   * Default: bully. Allowed: bully, lease.
   */
  readonly leadership?: "bully" | "lease" | undefined
  /**
   * Number of all servers of the group, for lease. How many servers there are in all, running or not: more than half
   * of them must be there for one to lead. Needed with `lease`, and of no meaning without. The same on every host.
   * An odd number is best: four bear the loss of no more servers than three. Too large: nobody leads. Too small,
   * with more servers running: two majorities, and so two leaders, are possible.
   *
   * Default: none. Allowed: a whole number from 1 to 1000.
   */
  readonly groupSize?: number | undefined
  /**
   * Time for which a vote binds, for lease. After the leader is gone nobody leads for up to so long, and a server
   * that starts does not vote for so long. A leader renews its lease six times in it; it must be at least 3 x
   * `stopTimeout`, as work is ended that much before the lease is over. Unless set, 3 x `heartbeatInterval`, or 3 x
   * `stopTimeout` where that is longer. The same on every host. Too short: the lead is lost to a pause or a few lost
   * datagrams; too long: the group waits that long for its next leader.
   *
   * Default: 3 x heartbeatInterval. Allowed: a duration from 60ms to 1h, written as in 500ms, 10s, 2m.
   */
  readonly leaseDuration?: Duration.Input | undefined
  /**
   * Largest difference in speed of two clocks, for lease. A lease is taken to be over 2 x this share of
   * `leaseDuration` early. The same on every host. Clocks of healthy machines differ by less than one in a thousand.
   * Smaller than the truth: two may lead for a moment; larger costs a little of each lease.
   *
   * Default: 0.01. Allowed: a share from 0% to 10%, written as in 1% or 0.01.
   */
  readonly clockDrift?: number | undefined
  /**
   * What people call this server. Shown in views, events and logs; nothing is decided by it, and two servers may
   * share one.
   *
   * Default: host name. Allowed: 1 to 64 bytes of text, no blank or quote at either end, nothing invisible.
   */
  readonly name?: string | undefined
  /**
   * Texts that others see with this server. For routing and for people, such as `zone=a,version=12`. Every message
   * carries them: keep them short. They stay the same until the process ends.
   *
   * Default: none. Allowed: key=value,key=value, each key once, together at most 256 bytes of JSON; in each no blank
   * or quote at either end, nothing invisible.
   */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /**
   * Where the page and the HTTP API are served. By the program, and by the layers of `NodeServer`; `Server.layer`
   * alone, which knows no platform, listens nowhere. Best a loopback address, with a proxy before it that speaks TLS:
   * there anybody on the host may look. Any other address is taken only with a token, which is then needed for all but
   * the health checks. A port that is taken is told, and tried again; the group's work goes on meanwhile.
   *
   * Default: none. Allowed: host:port, such as 127.0.0.1:7780 or [::1]:7780; port 0 for any; one that is not of this
   * host alone only with a token.
   */
  readonly http?: Host.HostPort | string | undefined
  /**
   * The token that allows changes over HTTP; no flag. Who sends it as a bearer token may resign, step down, hand the
   * lead on and send messages. Without one nothing can be changed over HTTP. Draw one with
   * `head -c 24 /dev/urandom | base64`. From code or the environment only: flags are seen in lists of processes.
   *
   * Default: none. Allowed: 16 to 256 letters, digits and any of - . _ ~ + /, with = at the end alone.
   */
  readonly httpToken?: Redacted.Redacted | string | undefined
  /**
   * File with the token, on its first line. In place of `httpToken`; read once, at the start. Only its owner should be
   * able to read or change it (`chmod 600`).
   *
   * Default: none. Allowed: 1 to 1024 bytes of text, no blank or quote at either end, nothing invisible.
   */
  readonly httpTokenFile?: string | undefined
  /**
   * Names under which the page is reached, behind a proxy. A request that names another host than the address of
   * `http`, a name of this host, or one of these is refused, so that no page of another site can speak to this server
   * through a browser. Where a name is missing, requests by it are answered with 403.
   *
   * Default: none. Allowed: at most 16 host names with commas between them; empty for none.
   */
  readonly httpHosts?: ReadonlyArray<string> | undefined
  /**
   * How many of the newest events are kept. For `Group.subscribeAfter` and for who reads events over HTTP and comes
   * back. Smaller: a reader that comes back late is told of a gap; larger costs some 300 bytes each.
   *
   * Default: 1000. Allowed: a whole number from 0 to 100000.
   */
  readonly eventHistory?: number | undefined
}
