/**
 * Every metric once: its name, unit and labels, what it says, and what not to conclude from it. Each has the labels `group` and
 * `node` (the id of the server) besides its own. Names and units are those of Prometheus: seconds, bytes, `_total` for what only
 * grows.
 *
 * @since 0.1.0
 */

/**
 * One metric. `beware` is what not to conclude from it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Definition {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly unit: string
  readonly labels: ReadonlyArray<string>
  readonly help: string
  readonly beware: string
}

type Text = Omit<Definition, "type" | "labels"> & { readonly labels?: ReadonlyArray<string> }

const define = (type: Definition["type"]) => (text: Text): Definition => ({ labels: [], ...text, type })
const gauge = define("gauge")
const counter = define("counter")
const histogram = define("histogram")

const ofElection = ["election"] as const

/**
 * The metrics by their short names, in the order in which they are shown.
 *
 * @category models
 * @since 0.1.0
 */
export const metrics = {
  info: gauge({
    name: "bellwether_info",
    unit: "1",
    labels: ["name", "version", "leadership"],
    help:
      "Always 1: the name and the version of a server, and the algorithm by which its group has a leader (bully, lease), or the backend that has (etcd, sql).",
    beware: "Two servers may have one name. Join it by group and node."
  }),
  uptime: gauge({
    name: "bellwether_uptime_seconds",
    unit: "s",
    help: "Time since this server started.",
    beware: "It starts anew when the process does, not when the server changes its address."
  }),
  members: gauge({
    name: "bellwether_members",
    unit: "{members}",
    help: "Members in this server's view, itself included.",
    beware:
      "It is one server's view: in a split each part counts its own. A member that has died counts until it is removed."
  }),
  silentMembers: gauge({
    name: "bellwether_silent_members",
    unit: "{members}",
    help: "Members that have been silent for too long and are being asked directly.",
    beware: "One that answers stays a member: above 0 for a moment is a lost datagram or two, not a death."
  }),
  lastHeard: gauge({
    name: "bellwether_last_heard_seconds",
    unit: "s",
    labels: ["which"],
    help:
      "Time since a member was last heard: of the one heard the longest ago (oldest), and of the middle one (median).",
    beware:
      "Between two heartbeats it rises to heartbeatInterval; only above that was something missed. 0 without others."
  }),
  clients: gauge({
    name: "bellwether_clients",
    unit: "{clients}",
    help: "Clients that take part, as far as this server knows.",
    beware: "Clients speak to the leader: another server may know of fewer."
  }),
  leader: gauge({
    name: "bellwether_leader",
    unit: "1",
    labels: ofElection,
    help: "1 while this server leads, by its clock.",
    beware:
      "Servers are asked at different instants: a sum of 2 for one scrape is a change of leader. With bully, a split has one leader each."
  }),
  followsLeader: gauge({
    name: "bellwether_follows_leader",
    unit: "1",
    labels: ofElection,
    help: "1 while this server follows a leader, itself included.",
    beware: "The leader that it follows may have died: that shows once it is removed."
  }),
  vacantFor: gauge({
    name: "bellwether_vacant_seconds",
    unit: "s",
    labels: ofElection,
    help: "For how long nobody has led, as far as this server knows; 0 while somebody does.",
    beware: "It counts from what this server saw. Others may follow a leader that it cannot hear."
  }),
  term: gauge({
    name: "bellwether_term",
    unit: "1",
    labels: ofElection,
    help: "The term of the reign that this server follows, or followed last.",
    beware: "Terms grow, not by 1: they are no count of elections. Compare them within one election only."
  }),
  elections: counter({
    name: "bellwether_elections_total",
    unit: "{elections}",
    labels: ["election", "outcome"],
    help: "Elections that this server took part in and that ended: won (it leads), lost (another does), open (nobody).",
    beware: "Each server counts its own part, so the sum over all servers is no count of elections."
  }),
  leaderChanges: counter({
    name: "bellwether_leader_changes_total",
    unit: "{changes}",
    labels: ["election", "cause"],
    help: "New leaders that this server followed, by the cause, as the event LeaderChanged names it.",
    beware: "Every server counts the same change: take the maximum over a group, not the sum. A start counts one."
  }),
  withoutLeader: histogram({
    name: "bellwether_without_leader_seconds",
    unit: "s",
    labels: ofElection,
    help: "For how long nobody had led when a new leader was followed.",
    beware:
      "After a silent or crashed leader it counts from its last sign of life, the longest possible time. A vacancy that lasts is not in it."
  }),
  leaseLeft: gauge({
    name: "bellwether_lease_remaining_seconds",
    unit: "s",
    labels: ofElection,
    help: "How long the lease of this server still lasts; 0 where it holds none.",
    beware: "It falls and is renewed all the time: only one that stays near 0 on the leader is in danger."
  }),
  votesIn: gauge({
    name: "bellwether_votes_in_seconds",
    unit: "s",
    help:
      "With leases, in how long this server votes at the latest; 0 where it does or has no vote, and without leases.",
    beware: "After a start it is leaseDuration unless the former start handed its promises over: no fault."
  }),
  grantsHeld: gauge({
    name: "bellwether_grants_held",
    unit: "{grants}",
    help: "Partitions and locks that this server holds, by its clock.",
    beware:
      "One whose work is told to end counts until that has ended. Those of a dead server are nobody's until they expire."
  }),
  lag: gauge({
    name: "bellwether_loop_lag_seconds",
    unit: "s",
    help: "How late this server's own watch ran at worst lately.",
    beware: "It is the process or its host that was late, not the network."
  }),
  pauses: histogram({
    name: "bellwether_pause_seconds",
    unit: "s",
    help: "Pauses of this server's process that were long enough to matter, as the event Stalled tells them.",
    beware: "A suspended laptop counts too. Short pauses are not in it: see the lateness of heartbeats."
  }),
  lateness: histogram({
    name: "bellwether_heartbeat_lateness_seconds",
    unit: "s",
    help: "How late this server's own heartbeats were due to be sent and were not yet.",
    beware: "It ends where the heartbeat is queued: what the system or the network does then is not in it."
  }),
  received: counter({
    name: "bellwether_datagrams_received_total",
    unit: "{datagrams}",
    help: "Datagrams that came, also those that were dropped then.",
    beware: "This server's own multicasts come back and count, and those of others on the same address and port."
  }),
  receivedBytes: counter({
    name: "bellwether_received_bytes_total",
    unit: "By",
    help: "Bytes of the datagrams that came, without the headers of IP and UDP.",
    beware: "As with the datagrams."
  }),
  sent: counter({
    name: "bellwether_datagrams_sent_total",
    unit: "{datagrams}",
    help: "Datagrams handed to the system, one for each address, and one for a multicast.",
    beware: "A multicast leaves by every interface, and what is handed over may be lost."
  }),
  sentBytes: counter({
    name: "bellwether_sent_bytes_total",
    unit: "By",
    help: "Bytes of the datagrams handed to the system, without the headers of IP and UDP.",
    beware: "As with the datagrams."
  }),
  dropped: counter({
    name: "bellwether_datagrams_dropped_total",
    unit: "{datagrams}",
    labels: ["reason"],
    help: "Datagrams and messages that went no further, in or out, by reason.",
    beware: "Own is ordinary: a server's multicasts come back to it. A reason appears when it first counts."
  }),
  accepted: counter({
    name: "bellwether_client_messages_accepted_total",
    unit: "{messages}",
    help: "Messages of clients that this server, as the leader, accepted and relayed to the group.",
    beware: "It does not change on a server that does not lead."
  }),
  repeated: counter({
    name: "bellwether_client_messages_repeated_total",
    unit: "{messages}",
    help: "Messages of clients that this server said again to those who had missed them.",
    beware: "One that was lost on the way to many is repeated once for all, or for each."
  }),
  delivered: counter({
    name: "bellwether_client_messages_received_total",
    unit: "{messages}",
    help: "Messages of clients that came to this server's own app, in order.",
    beware: "They count whether or not the app reads its inbox."
  }),
  lost: counter({
    name: "bellwether_client_messages_lost_total",
    unit: "{messages}",
    help: "Messages of clients that this server missed and nobody has any more.",
    beware: "The client may send them again under the next leader: then they come after all."
  }),
  waiting: gauge({
    name: "bellwether_client_messages_waiting",
    unit: "{messages}",
    help: "Messages of clients that wait for those before them, or for the app to read its inbox.",
    beware: "Some wait for a moment under load. Only a number that stays is a reader that does not read."
  }),
  talkSaid: counter({
    name: "bellwether_talk_said_total",
    unit: "{messages}",
    help: "Messages on topics that this server sent, to all members or to one.",
    beware: "Nobody acknowledges them: how many were heard, the others count."
  }),
  talkHeard: counter({
    name: "bellwether_talk_heard_total",
    unit: "{messages}",
    help: "Messages on topics that came to this server, its own to all included, each once.",
    beware: "They count whether or not the app reads their topic."
  }),
  talkLost: counter({
    name: "bellwether_talk_lost_total",
    unit: "{messages}",
    help:
      "Messages on topics that readers of this server's app lost: too slow, or not what the schema of the topic says.",
    labels: ["reason"],
    beware: "Each counts once a reader. What the network lost is not among them."
  }),
  questionsAsked: counter({
    name: "bellwether_questions_asked_total",
    unit: "{questions}",
    help: "Questions of this server's app to members that are over, answered or not.",
    beware: "One that the app gave up waiting for is not counted."
  }),
  questionsHandled: counter({
    name: "bellwether_questions_handled_total",
    unit: "{questions}",
    help: "Questions that were given to the handlers of this server's app.",
    beware: "One for which there is no handler is counted, too."
  }),
  entries: gauge({
    name: "bellwether_table_entries",
    unit: "{entries}",
    labels: ["table"],
    help: "Entries of the tables: members (the others), clients, sessions, tombstones.",
    beware: "Sessions and tombstones go by time: that they are many after a restart of all is ordinary."
  }),
  limits: gauge({
    name: "bellwether_table_limit",
    unit: "{entries}",
    labels: ["table"],
    help: "The most entries of each table, by its setting.",
    beware: "Of sessions it is the servers that are remembered: two sessions are kept of each."
  }),
  readers: gauge({
    name: "bellwether_event_readers",
    unit: "{readers}",
    help: "Readers of this server's events: the app, logs, the HTTP streams.",
    beware: "Parts of the program itself read events too."
  }),
  events: counter({
    name: "bellwether_events_total",
    unit: "{events}",
    help: "Events of this server since its start.",
    beware: "Messages of clients are events."
  }),
  eventsLost: counter({
    name: "bellwether_events_lost_total",
    unit: "{events}",
    help: "Events that readers lost, as they were too slow, over all readers.",
    beware: "A reader over HTTP is closed for it and reads on from where it was: then nothing is lost to it."
  })
} as const satisfies Readonly<Record<string, Definition>>

/**
 * The short name of a metric.
 *
 * @category models
 * @since 0.1.0
 */
export type Key = keyof typeof metrics
