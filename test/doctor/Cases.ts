/** One case for each thing that `doctor` may find, and for what it must not find. */
import type * as Finding from "../../src/doctor/Finding.ts"
import type { Observations } from "../../src/doctor/Observations.ts"
import { deaf, docker0, eth0, foreign, id, lo, mute, refused, server, socket, unheard } from "./Sample.ts"

/** What was seen, the findings that it gives (`?` for a note), and words that the first of them has. */
export const cases: ReadonlyArray<
  readonly [
    what: string,
    seen: Partial<Observations>,
    findings: ReadonlyArray<`${"" | "?"}${Finding.Kind}`>,
    words?: ReadonlyArray<string>
  ]
> = [
  ["servers on two hosts, heard both ways", {}, []],
  [
    "nothing that comes in, not even its own",
    { interfaces: unheard, servers: [] },
    ["OwnMulticastLost", "NothingArrives"],
    []
  ],
  [
    "a server that is heard, sees nobody and answers nothing",
    { servers: [server("a"), server("b", { ...mute, alone: true })] },
    ["HearsNobody"],
    ["b (", "does not get in"]
  ],
  [
    "servers of two hosts that are heard and answer nothing",
    {
      servers: [server("a", mute), server("b", { ...mute, ip: "192.0.2.78" }), server("c", { local: true })],
      questions: { asked: 5, unanswered: 5, lastAnswer: null, answeredBy: [] }
    },
    ["NobodyHears"],
    ["arrives nowhere"]
  ],
  [
    "a server that has not heard another which is heard here",
    {
      servers: [
        server("a", { unheard: [id("b"), id("c")] }),
        server("b"),
        server("c", { answered: null, multicast: null, listed: false })
      ]
    },
    ["LinkMissing"],
    ["does not hear b ("]
  ],
  [
    "the same after less than two of its heartbeats, with one that is not heard here either",
    {
      lasted: 12_000,
      servers: [
        server("a", { unheard: [id("b"), id("c")] }),
        server("b"),
        server("c", { answered: null, multicast: null, listed: false })
      ]
    },
    ["LinkMissing"],
    ["a (192.0.2.97:4000) does not hear b (192.0.2.98:4000), and"]
  ],
  [
    "servers whose firewalls let in UDP alone, of which one says so",
    {
      servers: [
        server("a", { links: { port: 7_000, tried: 2, last: "Unanswered" } }),
        server("b", { links: { port: 7_001, tried: 2, last: "Refused" } }),
        server("c", { links: { port: 7_002, tried: 1, last: "Unanswered" } }),
        server("d", { links: { port: 7_003, tried: 9, last: "Connected" } }),
        server("e", { links: { port: 7_004, tried: 9, last: "Unknown" } })
      ]
    },
    ["?LinksBlocked", "?LinksBlocked"],
    ["b (192.0.2.98:4000) answers by UDP, but a connection over TCP is refused (port 7001)", "--unicast-port"]
  ],
  ["no interface at all", { interfaces: [], servers: [] }, ["NoInterface"]],
  [
    "interfaces of which none is used",
    { interfaces: [{ ...eth0, chosen: false, why: "NotNamed" }], servers: [] },
    ["NoInterface"],
    ["eth0 (192.0.2.1)", "--interfaces"]
  ],
  [
    "only the loopback, with a bridge left out",
    { interfaces: [{ ...eth0, ...lo, chosen: true, sent: 3, echoed: 3, why: "OnlyLoopback" }, docker0] },
    ["OnlyLoopback"],
    ["docker0 (172.17.0.1)", "--interfaces docker0"]
  ],
  [
    "only the loopback, and nothing else there",
    { interfaces: [{ ...lo, chosen: true, sent: 3, echoed: 3, why: "OnlyLoopback" }] },
    ["OnlyLoopback"],
    ["ip link"]
  ],
  [
    "the loopback because it is named, with two servers",
    { interfaces: [{ ...lo, chosen: true, sent: 3, echoed: 3, why: "Named" }], ttl: 0 },
    []
  ],
  [
    "the port taken",
    {
      interfaces: [{ ...eth0, sent: 0, echoed: 0, refusal: refused("AddressInUse", "EADDRINUSE") }],
      servers: [],
      sockets: [socket()]
    },
    ["PortTaken"],
    ["16983", "EADDRINUSE", "radio (process 4711)"]
  ],
  [
    "the port taken by another user's process",
    { interfaces: unheard, refusals: [refused("AddressInUse", "EADDRINUSE")], sockets: [socket({ owner: null })] },
    ["PortTaken"],
    ["user 1000"]
  ],
  [
    "the port taken, on a system that does not say by whom",
    { interfaces: unheard, refusals: [refused("AddressInUse", "EADDRINUSE")], sockets: null },
    ["PortTaken"],
    ["does not say"]
  ],
  [
    "the port taken by who cannot be seen from here",
    { interfaces: unheard, refusals: [refused("AddressInUse", "EADDRINUSE")], sockets: [] },
    ["PortTaken"],
    ["not seen from here"]
  ],
  ["the port taken at first, and free now", { refusals: [refused("AddressInUse", "EADDRINUSE")] }, []],
  [
    "unicastPort taken by another program",
    { unicastPort: 4_500, sockets: [socket({ port: 4_500 })] },
    ["PortTaken"],
    ["4500", "radio", "--unicast-port"]
  ],
  [
    "unicastPort held by the server on this host",
    { unicastPort: 4_000, sockets: [socket({ port: 4_000 })] },
    []
  ],
  ["unicastPort free", { unicastPort: 4_500 }, []],
  ["unicastPort fixed, where nothing is known of sockets", { unicastPort: 4_500, sockets: null }, []],
  [
    "an error of the system, twice the same",
    { refusals: [refused("Unreachable", "ENETUNREACH", "send"), refused("Unreachable", "ENETUNREACH", "send")] },
    ["Refused"],
    ["refused to send", "ENETUNREACH", "ip route add 224.0.0.0/4"]
  ],
  [
    "an error without a name",
    { refusals: [refused("Unknown", null, "join")] },
    ["Refused"],
    ["join the multicast group", "Unknown"]
  ],
  ["ttl 0 and nobody", { ttl: 0, servers: [] }, ["TtlZero", "Alone"], ["--ttl 1"]],
  ["ttl 0 and company all the same", { ttl: 0 }, ["?TtlZero"]],
  [
    "own multicasts that do not come back",
    { interfaces: [{ ...eth0, echoed: 0, lastEcho: null }] },
    ["OwnMulticastLost"],
    ["None of 12 probes", "eth0 (192.0.2.1)", "239.255.253.87 port 16983"]
  ],
  [
    "own multicasts of which too few went out to say",
    { interfaces: [{ ...eth0, sent: 2, echoed: 0, lastEcho: null }] },
    []
  ],
  [
    "own multicasts that came back at first",
    { interfaces: [{ ...eth0, lastEcho: 1_000, lastSent: 60_000 }], lasted: 61_000 },
    ["OwnMulticastFaded"],
    ["in the last 1m00s"]
  ],
  [
    "another group, and nobody of ours",
    { servers: [], foreign: [foreign("OtherGroup"), foreign("OtherGroup", { ip: "192.0.2.67" })] },
    ["OtherGroup", "Alone"],
    ["192.0.2.66 and 192.0.2.67 speak", "tag 1c168adb", "ours is 37a8eec1", "--group"]
  ],
  ["another group beside ours", { foreign: [foreign("OtherGroup")] }, ["?OtherGroup"]],
  [
    "another key",
    {
      foreign: [
        foreign("UnknownKey"),
        foreign("Sealed", { ip: "192.0.2.67" }),
        foreign("Sealed", { ip: "192.0.2.68" })
      ]
    },
    ["WrongKey", "WrongKey"],
    ["192.0.2.67 and 192.0.2.68 speak with a key, and this host has none", "\"orders\"", "--key-file"]
  ],
  ["no key", { foreign: [foreign("NotSealed")] }, ["WrongKey"], ["192.0.2.66 speaks without a key"]],
  ["a false key", { foreign: [foreign("Forged")] }, ["WrongKey"], ["no key of this host"]],
  ["a flood", { foreign: [foreign("SourceTooFast")] }, ["?Flood"], ["192.0.2.66 sends more"]],
  [
    "sealed datagrams of a sender that stays unauthenticated, and of one that answers in the end",
    { foreign: [foreign("Unauthenticated"), foreign("Unauthenticated", { ip: "192.0.2.97" })] },
    ["NoUnicast"],
    ["192.0.2.66 is heard by multicast"]
  ],
  ["a newer version", { foreign: [foreign("UnknownVersion"), foreign("UnknownType")] }, ["?OtherVersion"], [
    "UnknownVersion and UnknownType"
  ]],
  ["another program", { foreign: [foreign("NotOurs"), foreign("NotJson")] }, ["?OtherProgram"]],
  [
    "seeds that resolve to nothing and that do not answer, and nobody",
    {
      servers: [],
      multicast: false,
      interfaces: [{ ...eth0, sent: 0, echoed: 0, lastSent: null, lastEcho: null }],
      seeds: [
        { seed: "nowhere.example:4000", addresses: [], asked: 4, answered: null },
        { seed: "a.example:4000", addresses: ["192.0.2.97:4000"], asked: 4, answered: null },
        { seed: "192.0.2.98:4000", addresses: ["192.0.2.98:4000"], asked: 4, answered: null }
      ]
    },
    ["SeedUnresolved", "SeedSilent", "Alone"],
    ["nowhere.example:4000 resolves to no address"]
  ],
  [
    "one seed of two that does not answer, and a group without multicast",
    {
      multicast: false,
      ttl: 0,
      servers: [server("a", deaf), server("b", deaf)],
      questions: { asked: 0, unanswered: 0, lastAnswer: null, answeredBy: [] },
      seeds: [
        { seed: "a.example:4000", addresses: ["192.0.2.97:4000"], asked: 4, answered: null },
        { seed: "192.0.2.98:4000", addresses: ["192.0.2.98:4000"], asked: 4, answered: { first: 1, last: 2 } }
      ]
    },
    ["?SeedSilent"],
    ["a.example:4000 (192.0.2.97:4000) does not answer"]
  ],
  [
    "a server that multicast does not reach, beside seeds",
    {
      servers: [server("a"), server("b", deaf)],
      seeds: [{ seed: "192.0.2.98:4000", addresses: ["192.0.2.98:4000"], asked: 4, answered: { first: 1, last: 2 } }]
    },
    ["?OneWay"]
  ],
  ["nobody", { servers: [] }, ["Alone"], ["group \"orders\" on 239.255.253.87:16983", "12s"]],
  ["one server, on this host", { servers: [server("a", { local: true })] }, ["OnlyThisHost"], ["a (192.0.2.97:4000)"]],
  [
    "two servers, both on this host",
    { servers: [server("a", { local: true }), server("b", { local: true })] },
    ["?OnlyThisHost"]
  ],
  [
    "one server that alone is not heard by multicast",
    { servers: [server("a"), server("b", deaf), server("c", { local: true })] },
    ["OneWay"],
    ["b (192.0.2.98:4000) answers by unicast", "while others' do", "Run doctor on that host"]
  ],
  [
    "none of the others heard by multicast",
    { servers: [server("a", deaf), server("b", deaf), server("c", { local: true })] },
    ["OneWay"],
    ["answer by unicast", "nor does anybody else's", "querier"]
  ],
  [
    "a server not heard by multicast that was listened for too short a time",
    { servers: [server("a"), server("b", deaf)], lasted: 12_059 },
    ["?NotHeardYet"],
    ["every 10s", "--timeout"]
  ],
  [
    "one that has not announced an interval: that of the settings",
    { servers: [server("a"), server("b", { ...deaf, interval: null })], heartbeatInterval: 11_000 },
    ["?NotHeardYet"]
  ],
  [
    "one that was heard by multicast at first",
    {
      lasted: 600_000,
      interfaces: [{ ...eth0, lastSent: 600_000, lastEcho: 600_000 }],
      servers: [server("a", { answered: { first: 60, last: 599_000 } })]
    },
    ["MulticastFaded"],
    ["heard by multicast at first", "IGMP"]
  ],
  [
    "a leader that our multicast does not reach",
    { questions: { asked: 12, unanswered: 12, lastAnswer: null, answeredBy: [] } },
    ["MulticastUnheard"],
    ["a (192.0.2.97:4000)", "12 questions"]
  ],
  [
    "a leader that our multicast reached at first, and does no more",
    {
      lasted: 600_000,
      interfaces: [{ ...eth0, lastSent: 600_000, lastEcho: 600_000 }],
      servers: [server("a", { multicast: { first: 1, last: 599_000 }, answered: { first: 60, last: 599_000 } })],
      questions: { asked: 140, unanswered: 20, lastAnswer: 500_000, answeredBy: [id("a")] }
    },
    ["OutgoingFaded"],
    ["a (192.0.2.97:4000)", "the last 20 questions", "querier"]
  ],
  [
    "a leader that has just come after nobody led for a while",
    {
      lasted: 600_000,
      interfaces: [{ ...eth0, lastSent: 600_000, lastEcho: 600_000 }],
      servers: [server("a", {
        multicast: { first: 1, last: 599_000 },
        answered: { first: 60, last: 599_000 },
        follows: { leader: id("a"), term: 8, since: 598_000 }
      })],
      questions: { asked: 140, unanswered: 20, lastAnswer: 500_000, answeredBy: [id("a")] }
    },
    []
  ],
  [
    "no interface, as the system refused to list them",
    {
      interfaces: [],
      servers: [],
      refusals: [{ during: "scan", kind: "OutOfDescriptors", where: "the interfaces", errno: "EMFILE" }]
    },
    ["Refused"],
    ["list the network interfaces"]
  ],
  [
    "a few questions in a row that were lost, and a leader that has died",
    {
      lasted: 600_000,
      interfaces: [{ ...eth0, lastSent: 600_000, lastEcho: 600_000 }],
      servers: [server("a", { multicast: { first: 1, last: 500_000 }, answered: { first: 60, last: 501_000 } })],
      questions: { asked: 140, unanswered: 20, lastAnswer: 500_000, answeredBy: [id("a")] }
    },
    []
  ],
  [
    "another leader, that has not answered all yet",
    { questions: { asked: 140, unanswered: 1, lastAnswer: 11_000, answeredBy: [id("b")] } },
    []
  ],
  [
    "a file of keys that others can read",
    { exposedKeyFile: { path: "/etc/bellwether/key", mode: "0644" } },
    ["?KeyFileExposed"],
    ["/etc/bellwether/key", "0644", "chmod 600"]
  ],
  [
    "a leader that has hardly been asked",
    { questions: { asked: 2, unanswered: 2, lastAnswer: null, answeredBy: [] } },
    []
  ],
  [
    "one that does not answer by unicast",
    { servers: [server("a"), server("b", { answered: null })] },
    ["NoUnicast"],
    ["b (192.0.2.98:4000) is heard", "--unicast-port"]
  ],
  [
    "one that only another knows",
    { servers: [server("a"), server("b", { answered: null, multicast: null })] },
    ["NotReached"],
    ["in the list of another"]
  ],
  [
    "two servers under one id",
    {
      servers: [
        server("a", {
          starts: [
            { incarnation: 1, address: "192.0.2.7:4000", first: 60, last: 12_000 },
            { incarnation: 2, address: "192.0.2.8:4000", first: 900, last: 11_000 }
          ]
        }),
        server("b")
      ]
    },
    ["DuplicateIdentity"],
    ["192.0.2.7:4000 (incarnation 1) and 192.0.2.8:4000 (incarnation 2)", "--unicast-port"]
  ],
  [
    "a server that restarted, and one that is heard from two addresses",
    {
      servers: [
        server("a", {
          starts: [
            { incarnation: 1, address: "192.0.2.7:4000", first: 60, last: 900 },
            { incarnation: 2, address: "192.0.2.7:4000", first: 901, last: 11_000 }
          ]
        }),
        server("b", {
          starts: [
            { incarnation: 1, address: "192.0.2.8:4000", first: 60, last: 9_000 },
            { incarnation: 1, address: "198.51.100.8:4000", first: 61, last: 9_000 }
          ]
        })
      ]
    },
    []
  ],
  [
    "two leaders",
    {
      servers: [server("a"), server("b", { follows: { leader: id("c"), term: 9, since: 4_000 } })]
    },
    ["SeveralLeaders"],
    ["a (term 7)", `${id("c")} (term 9)`]
  ],
  [
    "a leader that is so new that who was heard before it cannot know of it",
    { servers: [server("a"), server("b", { follows: { leader: id("b"), term: 9, since: 11_200 } })] },
    []
  ],
  ["three voters of three, and one without a vote", {
    groupSize: 3,
    servers: [server("a", { groupSize: 3 }), server("b"), server("c"), server("d", { votesIn: 86_400_000 })]
  }, []],
  ["a voter that has just started", { groupSize: 2, servers: [server("a"), server("b", { votesIn: 28_000 })] }, []],
  ["no lease that is known of", { servers: [server("a")] }, []],
  [
    "no server with a vote",
    {
      servers: [
        server("a", { votesIn: 86_400_000, follows: null }),
        server("b", { votesIn: 86_400_000, follows: null })
      ]
    },
    ["NobodyVotes"],
    ["a (192.0.2.97:4000) and b (", "votes off"]
  ],
  [
    "more voters than groupSize, as the leader says",
    { servers: [server("a", { groupSize: 2 }), server("b"), server("c"), server("d", { votesIn: 86_400_000 })] },
    ["VotersTooMany"],
    ["3 servers have a vote, and groupSize is 2: a (", "Two majorities"]
  ],
  [
    "one voter more that is only in a list, as it was killed",
    { groupSize: 2, servers: [server("a"), server("b"), server("c", { answered: null, multicast: null })] },
    ["NotReached"],
    []
  ],
  [
    "no majority of voters, while nobody leads",
    {
      groupSize: 5,
      servers: ["a", "b"].map((one) => server(one, { follows: null })).concat(
        server("c", { votesIn: 86_400_000, follows: null })
      )
    },
    ["VotersTooFew"],
    ["Only 2 of 5 voters are seen: a (", "A majority is 3"]
  ],
  [
    "one voter less than there may be",
    { groupSize: 3, servers: [server("a"), server("b")] },
    ["?VotersTooFew"],
    ["2 of 3 voters are seen"]
  ],
  [
    "a majority that leads, and is not seen from here",
    { groupSize: 5, servers: [server("a"), server("b")] },
    ["?VotersTooFew"],
    []
  ],
  [
    "servers that differ in groupSize",
    { servers: [server("a", { groupSize: 2 }), server("b", { groupSize: 3 })] },
    ["GroupSizeDiffers"],
    ["a (192.0.2.97:4000) 2 and b (192.0.2.98:4000) 3", "stop all"]
  ],
  [
    "settings that differ from what the leader says",
    { groupSize: 3, servers: [server("a", { groupSize: 2 }), server("b")] },
    ["GroupSizeDiffers"],
    ["here have groupSize 3", "If doctor alone"]
  ],
  ["nobody leads", { servers: [server("a", { follows: null }), server("b", { follows: null })] }, []],
  [
    "a full buffer",
    { sockets: [socket({ drops: 17 }), socket({ drops: 1, owner: null })] },
    ["?Drops"],
    ["radio (process 4711) lost 17 on 0.0.0.0:16983", "a process lost 1"]
  ],
  [
    "a small buffer",
    { receiveBuffer: { wanted: 1_048_576, limit: 212_992 } },
    ["?SmallReceiveBuffer"],
    ["212992", "sysctl -w net.core.rmem_max=1048576"]
  ],
  ["a buffer of unknown size", { receiveBuffer: { wanted: 1_048_576, limit: null } }, []]
]
