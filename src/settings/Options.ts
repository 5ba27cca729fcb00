/**
 * The settings as code gives them: the meaning of each, its unit, its relation to others, and the symptom if it is wrong.
 * Editors show this for each option. The checks and the defaults are in `SettingList`.
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
   * Name of the group. Servers with the same group, multicast address and port find each other; the datagrams of all
   * others are dropped unread. Two deployments on one network need different names. If it is wrong on one host, that
   * host leads a group of its own.
   *
   * Default: default. Allowed: 1 to 64 bytes of text, no blank or quote at either end, nothing invisible.
   */
  readonly group?: string | undefined
  /**
   * The group's keys, the first one seals; no flag. Every message is sealed with the first key; a message that was
   * sealed with any of them is heard. The same on every host. Draw one with `head -c 32 /dev/urandom | base64`. From
   * code or the environment only: lists of processes show flags. To change it with no member lost: add the new one
   * behind the old everywhere, then put it first everywhere, then take the old one away everywhere. With the word
   * `plain` in the first place, and `keyMode` permissive, the server opens with the keys and seals nothing yet. If
   * the key is wrong on one host, that host is alone, and both sides report `WrongKey`.
   *
   * Default: none. Allowed: keys of 32 bytes, as base64 or as 64 hex digits, at most 8 with commas between them, each
   * once.
   */
  readonly key?: KeyRing.Keys | Redacted.Redacted | string | undefined
  /**
   * File with the group's keys, one a line. In place of `key`. It is read again every 2 s, so keys can be changed
   * while the server runs; while it holds something else, the keys read before stay in use. Text after `#` is a
   * remark. Only its owner should be able to read or change it (`chmod 600`); otherwise the server reports
   * `KeyFileExposed`.
   *
   * Default: none. Allowed: 1 to 1024 bytes of text, no blank or quote at either end, nothing invisible.
   */
  readonly keyFile?: string | undefined
  /**
   * Whether only sealed messages are heard. `enforce`: a datagram that is not sealed with a key of ours is dropped.
   * `permissive`: one that is not sealed is heard too, for the time in which a running group gets its first key;
   * nothing is protected meanwhile. Only with a key.
   *
   * Default: enforce. Allowed: enforce, permissive.
   */
  readonly keyMode?: "enforce" | "permissive" | undefined
  /**
   * Multicast address of the group, IPv4 or IPv6. The group meets there. The same on every host. Addresses in
   * 239.0.0.0/8 stay within an organisation; 224.0.0.x is taken by protocols of the network itself. IPv6 addresses in
   * ff02::/16 stay on the link, and so its servers speak from the addresses of the link; ff05::/16 and ff08::/16
   * reach further if routers carry them. With one of each the group meets in both, for the time in which hosts change
   * over: two hosts that have no family in common do not hear each other, and every message is sent twice. If the
   * address differs or is filtered, servers do not find each other.
   *
   * Default: 239.255.253.87. Allowed: a multicast address of IPv4 (224.0.0.0 to 239.255.255.255; 239.x.x.x is for
   * private use) or IPv6 (such as ff02::b011; with no zone, since `interfaces` names the links), or one of each with
   * a comma between them.
   */
  readonly multicastAddress?: ReadonlyArray<MulticastGroup.MulticastGroup> | string | undefined
  /**
   * UDP port of the group. The port that multicasts are sent to. The same on every host; open for UDP in firewalls.
   * Several servers on one host share it. Best below 32768: Linux draws the ports of outgoing connections from there
   * up, and one of them may have the port already.
   *
   * Default: 16983. Allowed: a whole number from 1 to 65535.
   */
  readonly port?: number | undefined
  /**
   * How many routers a multicast may cross. 0 keeps multicasts on this host, 1 on the local network, more lets
   * multicast routers carry them on. Too small: servers behind a router are not found. Too large: the group is heard
   * in networks where it should not be.
   *
   * Default: 1. Allowed: a whole number from 0 to 255.
   */
  readonly ttl?: number | undefined
  /**
   * Network interfaces, by name or address. The networks to use, with commas between them, such as
   * `eth0,192.168.1.7`; the first is the primary one unless another has the default route. Empty: every interface
   * that is up, can multicast and is no virtual bridge, or loopback if there is none. A server waits for a named
   * interface that is not there; other commands refuse it. Too few: servers on the other networks are not found. With
   * bridges of containers among them datagrams come twice.
   *
   * Default: automatic. Allowed: at most 64 names or addresses with commas between them, no quotes; empty for
   * automatic.
   */
  readonly interfaces?: ReadonlyArray<string> | undefined
  /**
   * UDP port of this server's unicast sockets, 0 for any. Answers come to this port. 0 lets the system choose,
   * another one each start. With a fixed port the node id is the same after a restart, so others see a member return
   * instead of a new one, and a firewall can name the port. It must differ from `port`, and each server on a host
   * needs its own.
   *
   * Default: 0. Allowed: a whole number from 0 to 65535.
   */
  readonly unicastPort?: number | undefined
  /**
   * Whether the group is found and spoken to by multicast. Turn it off if no multicast gets through (clouds, most
   * container networks, some Wi-Fi): then members are found by `seeds`, and each gets its own unicast, which costs a
   * datagram a member instead of one for all. On, beside `seeds`, multicast serves the members that it reaches. If it
   * is off on one host only, its seeds still find that host.
   *
   * Default: on. Allowed: on or off (also true, yes, 1; false, no, 0).
   */
  readonly multicast?: boolean | undefined
  /**
   * Whether TCP connections tell of a crash at once. Each server accepts connections at a port of its
   * own, of the number of its unicast port if no other program has that, and keeps one to its two neighbours and, if it ranks high, to the leader: their break is how the others
   * know within milliseconds that its process has died. They carry no message. Off, or where TCP is blocked: a crash is
   * known when heartbeats are missed. It may be off on some hosts only.
   *
   * Default: on. Allowed: on or off (also true, yes, 1; false, no, 0).
   */
  readonly links?: boolean | undefined
  /**
   * Servers to find the group by without multicast. Addresses or names with the `unicastPort` of some servers, the
   * same list everywhere; a server may be on it itself. One seed that lives is enough: a newcomer learns the others
   * from it. Names are resolved again as long as a seed is no member. Seeds outside the directly connected networks
   * are answered too; other servers out there must be on one of `networks`. A seed name that has link-local addresses
   * only (fe80::) is refused: `SeedUnresolved` reports it. If all seeds are dead, a newcomer leads alone until one is
   * back.
   *
   * Default: none. Allowed: at most 64 of host:port with commas between them, IPv6 addresses as [address]:port; empty
   * for none.
   */
  readonly seeds?: ReadonlyArray<Host.HostPort | string> | undefined
  /**
   * Networks behind routers that belong to the group. This server speaks by unicast to addresses on them, and hears
   * them, besides the directly connected networks and its seeds: such as `10.0.0.0/8` for the subnets of a cloud. The
   * same list everywhere; it needs `seeds`, or a `ttl` with which multicast gets there. Keep the networks small: a
   * forged question from an address on them is answered. If one is missing, servers there are alone, and `Dropped`
   * reports `NotDirect`.
   *
   * Default: none. Allowed: at most 64 of address/bits with commas between them, of 8 to 32 bits, in IPv6 16 to 128;
   * empty for none.
   */
  readonly networks?: ReadonlyArray<IpNetwork.IpNetwork | string> | undefined
  /**
   * Sets all nine times together. `standard` for most networks: a silent leader is replaced within 2.5 s, another
   * silent member removed within 46 s. `fast`: within about 1.2 s and 3 s. `realtime`: within about 200 ms, for quiet
   * hosts on one switch only. The same on every host. A time set by itself overrides its profile. If the profile is
   * too fast, members that were only busy are removed as silent.
   *
   * Default: standard. Allowed: standard, fast, realtime.
   */
  readonly profile?: Profile | undefined
  /**
   * Time between two signs of life. How often this server tells the group that it lives and whom it follows.
   * `memberTimeout` must be more than twice this. Shorter: views agree sooner after a partition, and each heartbeat
   * costs a multicast. Longer: they agree later.
   *
   * Default: 10s; fast 500ms, realtime 50ms. Allowed: a duration from 5ms to 1h, written as in 500ms, 10s, 2m.
   */
  readonly heartbeatInterval?: Duration.Input | undefined
  /**
   * Time between two signs of life of a leader. Others ask a leader directly when they have missed it for three of
   * these, and replace it when five questions have gone unanswered; it stays a member until its `memberTimeout`. With
   * as much as `heartbeatInterval` or more, the heartbeats are all that it says, and it is replaced when it is removed.
   * With `leadership` `lease` the renewals of the lease are its signs of life, and this has no part. Shorter: a silent
   * leader is replaced sooner, and a shorter pause costs it the lead. Longer: later.
   *
   * Default: 500ms; fast 150ms, realtime 30ms. Allowed: a duration from 5ms to 1h, written as in 500ms, 10s, 2m.
   */
  readonly leaderInterval?: Duration.Input | undefined
  /**
   * Time between two sweeps for silent members. A member that fell silent is noticed up to this long after
   * `memberTimeout`. Starting value: half of `memberTimeout`. Shorter: each sweep costs a look at every member.
   * Longer: the dead stay in view longer.
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
   * Time to wait for the answer of one probe. A member gets five probes this far apart. It must be more than the
   * slowest round trip between two hosts. Too short: slow members are removed. Too long: a death is noticed later, by
   * five times as much.
   *
   * Default: 150ms; fast 100ms, realtime 10ms. Allowed: a duration from 1ms to 1m, written as in 500ms, 10s, 2m.
   */
  readonly probeTimeout?: Duration.Input | undefined
  /**
   * Time to look for others after the start. A server that starts listens this long before it is a candidate. It must
   * be more than a few round trips. Too short: a server that starts leads for a moment before it hears of the others.
   * Too long: a first server leads later.
   *
   * Default: 300ms; fast 200ms, realtime 100ms. Allowed: a duration from 1ms to 1m, written as in 500ms, 10s, 2m.
   */
  readonly discoveryWindow?: Duration.Input | undefined
  /**
   * Head start of each higher ranked server. A server waits this long for each living one that outranks it, at most 1
   * s in all, before it is a candidate. With 0 all are candidates at once: correct, but with as many datagrams as
   * servers squared. Too long: the next leader comes later if the highest ranked are gone.
   *
   * Default: 20ms; fast 10ms, realtime 3ms. Allowed: a duration from 0 to 1s, written as in 500ms, 10s, 2m.
   */
  readonly electionStagger?: Duration.Input | undefined
  /**
   * Time to wait for an objection before leading. A candidate leads when no higher ranked server has objected for
   * this time; it asks at 0, a quarter and a half of it. It must be more than two round trips. Too short: two lead
   * for a moment. Too long: elections take that long.
   *
   * Default: 1s; fast 300ms, realtime 40ms. Allowed: a duration from 1ms to 1m, written as in 500ms, 10s, 2m.
   */
  readonly okTimeout?: Duration.Input | undefined
  /**
   * Time to wait for an objector to lead. After an objection the server waits this long (and up to a quarter more, at
   * random) before it is a candidate again. It must be more than `okTimeout`, best twice. Too short: needless
   * elections. Too long: the next election comes late if the objector died.
   *
   * Default: 2s; fast 600ms, realtime 80ms. Allowed: a duration from 1ms to 10m, written as in 500ms, 10s, 2m.
   */
  readonly coordinatorTimeout?: Duration.Input | undefined
  /**
   * Time that leading work has to stop. When a reign ends, its work is interrupted and its finalizers run for at most
   * this time before the group hears of it; work that overruns is reported. Shutdown takes at most 1 s after that.
   * Too short: the next leader starts while old work still writes. Too long: the group waits for its next leader.
   *
   * Default: 500ms. Allowed: a duration from 0 to 1m, written as in 500ms, 10s, 2m.
   */
  readonly stopTimeout?: Duration.Input | undefined
  /**
   * The higher one leads. The living server of the highest priority should lead; between equal ones the node id
   * decides. If all have 0, the leader is an arbitrary one, though all agree on it.
   *
   * Default: 0. Allowed: a whole number from -2147483648 to 2147483647.
   */
  readonly priority?: number | undefined
  /**
   * Whether a higher ranked newcomer takes the lead. On: the highest ranked server leads as soon as it is there. Off:
   * a healthy leader stays until it goes. The same on every host. Turn it off if a change of leader is expensive.
   *
   * Default: on. Allowed: on or off (also true, yes, 1; false, no, 0).
   */
  readonly preempt?: boolean | undefined
  /**
   * Time that a newcomer leaves a healthy leader alone. With `preempt` on, a server that outranks the leader takes
   * the lead once it has run for this time; 0: at once. It takes a vacant place at any age. Choose it longer than a
   * server that crashes lives between two starts: then a server that starts and crashes again and again does not move
   * the lead each time. The same on every host. Too short: the lead goes to and fro with that server. Too long: after
   * a restart the highest ranked server leads that much later. A first start takes `okTimeout` longer, as a newcomer
   * asks before it leads.
   *
   * Default: 0. Allowed: a duration from 0 to 24h, written as in 500ms, 10s, 2m.
   */
  readonly stableAfter?: Duration.Input | undefined
  /**
   * Fewest living servers with which one may lead. With fewer in view, this server included, nobody is a candidate
   * and a leader steps down. If it is more than half of all servers, the smaller part of a split network goes without
   * a leader once its time-outs have removed the others. Larger than the number of servers: nobody ever leads.
   *
   * Default: 1. Allowed: a whole number from 1 to 65535.
   */
  readonly minimumMembers?: number | undefined
  /**
   * Most heartbeats that a server hears in a second. It is an average. Where more than `heartbeatInterval` x this setting
   * would come, servers that lead nothing say theirs less often, and announce that. Such a member is removed after three of the longer
   * intervals of silence, if that is more than `memberTimeout`. Leaders keep their pace, so failover stays as fast. The same on every
   * host. Smaller costs less in a large group; a silent server is found later.
   *
   * Default: 500. Allowed: a whole number from 1 to 1000000.
   */
  readonly maxHeartbeatsPerSecond?: number | undefined
  /**
   * Most other servers that a view holds. The datagrams of one more server are dropped and counted as `MembersFull`,
   * and the event `TableFull` reports it; the others stay. It bounds memory if strangers can join. Smaller than the
   * number of servers: views lack different members, and some servers may follow no leader.
   *
   * Default: 4096. Allowed: a whole number from 1 to 65535.
   */
  readonly maxMembers?: number | undefined
  /**
   * Most clients that a server knows. The datagrams of one more client are dropped and counted as `ClientsFull`, and
   * `TableFull` reports it. The clients that are there stay; one that has left makes room. It bounds memory if
   * strangers can join. Smaller than the number of clients: some find no leader that lets them in, though they hear
   * servers. The same on every host, as the leader changes.
   *
   * Default: 1024. Allowed: a whole number from 1 to 65535.
   */
  readonly maxClients?: number | undefined
  /**
   * Most sessions that are known, with a key. With a key, each start of a server, a client or a command has a
   * session, which is authenticated once. Beyond this number the session not heard for the longest is forgotten;
   * `TableFull` reports it if the session still counted. Besides, a sixteenth as many unauthenticated sessions are
   * kept. Starting value: 1.5 x `maxMembers` and `maxClients` together. Smaller than the number of senders: nothing
   * is lost, but each is authenticated again and again, at two datagrams a time.
   *
   * Default: 8192. Allowed: a whole number from 16 to 65535.
   */
  readonly maxSessions?: number | undefined
  /**
   * Most servers that are remembered as gone. A server that has left or was removed is remembered for 2 x
   * `memberTimeout`, so that its late datagrams do not bring it back. Beyond this number the one that went first is
   * forgotten early, and `TableFull` reports it. Best not below the number of servers that may go within that time.
   * Too small: a dead server may be in view again until it is found silent once more. Larger costs memory and, once
   * it is full, a search with each server that goes.
   *
   * Default: 1024. Allowed: a whole number from 1 to 4096.
   */
  readonly maxTombstones?: number | undefined
  /**
   * Largest message that is sent in parts. In bytes of JSON: the body of a published one, a question that a member is
   * asked, or an answer. A larger one is refused where it is sent. Best the same everywhere: a server or client of a
   * lower value drops a published message that is larger, and counts it (`PartLost`), and refuses such a question. A
   * server keeps at most 16 of each kind of which parts are missing, and 16 answers. Larger: one message may keep the
   * others waiting for longer.
   *
   * Default: 65536. Allowed: a whole number from 512 to 1048576.
   */
  readonly maxMessageBytes?: number | undefined
  /**
   * How the leader is elected. `bully`: the highest ranked of the servers that hear each other leads; while the
   * network is split each part has a leader. `lease`: the highest ranked of those that a majority of `groupSize`
   * servers has voted for leads; so at most one leads at any instant, and without a majority nobody does. The same on
   * every host; changing it, or one of the three settings below, takes a full stop of the group. If it differs, both
   * sides report `SettingsDiffer`.
   *
   * Default: bully. Allowed: bully, lease.
   */
  readonly leadership?: "bully" | "lease" | undefined
  /**
   * Number of all voters of the group, for lease. It counts all servers but those with `votes` off, running or not: more
   * than half of them must be there for one to lead. It is needed with `lease`, and means nothing without. The same on every host. An odd
   * number is best: four servers bear the loss of no more than three do. Too large: nobody leads. Too small, with
   * more servers running: two majorities, and so two leaders, are possible.
   *
   * Default: none. Allowed: a whole number from 1 to 1000.
   */
  readonly groupSize?: number | undefined
  /**
   * Time for which a vote binds, for lease. After the leader is gone nobody leads for up to this time, and a server
   * that starts does not vote for this time. A leader renews its lease six times in it. It must be at least 3 x
   * `stopTimeout`: work is ended `stopTimeout` before the lease is over. Unless set, it is 3 x `heartbeatInterval`,
   * or 3 x `stopTimeout` if that is longer. The same on every host. Too short: a pause or a few lost datagrams cost
   * the lead. Too long: the group waits that long for its next leader.
   *
   * Default: 3 x heartbeatInterval. Allowed: a duration from 60ms to 1h, written as in 500ms, 10s, 2m.
   */
  readonly leaseDuration?: Duration.Input | undefined
  /**
   * Largest difference in speed of two clocks, for lease. A leader takes its lease to be over early, by 2 x this
   * share of `leaseDuration`. The same on every host. Clocks of healthy machines differ by less than one in a
   * thousand. Smaller than the truth: two may lead for a moment. Larger costs a little of each lease.
   *
   * Default: 0.01. Allowed: a share from 0% to 10%, written as in 1% or 0.01.
   */
  readonly clockDrift?: number | undefined
  /**
   * Whether this server votes and may lead, for lease. Off: it takes part as a member, follows the leader and may hold
   * partitions and locks, but it never leads, counts in no majority, and is none of the servers that `groupSize`
   * counts. For servers that come and go as the load does. It stays the same until the process ends; give all starts
   * of a server the same. With `bully` nobody votes. Too many with it on: more voters than `groupSize`, and two
   * majorities are possible. Too few: nobody leads.
   *
   * Default: on. Allowed: on or off (also true, yes, 1; false, no, 0).
   */
  readonly votes?: boolean | undefined
  /**
   * What people call this server. Views, events and logs show it. It decides nothing, and two servers may share one.
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
   * through a browser. Where a name is missing, requests by it are answered with 403. With a name the token is needed
   * to look, too, also on loopback: a proxy brings requests from anywhere.
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
