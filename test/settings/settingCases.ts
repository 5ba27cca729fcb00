/**
 * Good and bad values of every setting, for each way in which it can be given.
 */
import * as Duration from "effect/Duration"
import * as Host from "effect/net/Host"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"
import * as Profile from "../../src/settings/Profile.ts"
import * as Settings from "../../src/settings/Settings.ts"

const { millis } = Duration

/** A value of code as it is written elsewhere. */
export const textOf = (key: Settings.Key, value: unknown): string =>
  typeof value === "string" ? value : Settings.format(key, value as never)

export interface Case {
  /** Value in code, the same as text, and what it resolves to. `beside` are other settings that it needs. */
  readonly good: ReadonlyArray<readonly [code: unknown, text: string, is?: unknown]>
  readonly badCode: ReadonlyArray<unknown>
  readonly badText: ReadonlyArray<string>
  readonly beside?: Settings.Options
}

const duration = (max: string, min: string): Case => ({
  good: [["100 millis", "100 millis", millis(100)], [millis(100), "100ms", millis(100)], [100, "0.1s", millis(100)], [
    { milliseconds: 100 },
    "0.1 seconds",
    millis(100)
  ], [max, max.replace(" ", "")]],
  badCode: [
    -1,
    Number.NaN,
    Infinity,
    Duration.infinity,
    "soon",
    "",
    null,
    [],
    {},
    { second: 5 },
    `${Number.parseInt(max, 10) + 1}h`,
    min
  ],
  badText: ["", "100", "-1s", "1 fortnight", "Infinity", "1e9s", "soon", "1s2", `${Number.parseInt(max, 10) + 1}h`, min]
})

const whole = (good: ReadonlyArray<number>, bad: ReadonlyArray<number>): Case => ({
  good: good.map((value) => [value, String(value)]),
  badCode: [...bad, Number.NaN, Infinity, "1", null, true],
  badText: [...bad.map(String), "eleven", "0x10", "1e3", "one", "1_000", "99999999999999999999"]
})

const notKeys = [
  "secret",
  "plain",
  "01".repeat(31),
  "01".repeat(33),
  `${"01".repeat(32)},x`,
  `plain,${"01".repeat(32)}`
]

const keysOf = (text: string) => Option.getOrThrow(KeyRing.parse(text))

const groups = (...all: ReadonlyArray<readonly [ip: string, family: string]>) =>
  all.map(([ip, family]) => ({ ip, family, linkLocal: false }))

const networks = (...texts: ReadonlyArray<string>) => texts.map(IpNetwork.fromStringUnsafe)

const hostPorts = (...texts: ReadonlyArray<string>) => texts.map(Host.hostPortFromStringUnsafe)

export const cases: { readonly [K in Settings.Key]: Case } = {
  group: {
    good: [["orders", "orders"], ["é".repeat(32), "é".repeat(32)], ["a b", "a b"]],
    badCode: ["", "  ", "x".repeat(65), "é".repeat(33), "orders\r", "e\u0301", 7, null],
    badText: ["  ", "x".repeat(65), "é".repeat(33), "\"orders\"", " orders", "orders\u200b"]
  },
  key: {
    good: [
      ["01".repeat(32), "01".repeat(32), keysOf("01".repeat(32))],
      [Redacted.make("02".repeat(32)), "02".repeat(32), keysOf("02".repeat(32))],
      [keysOf("03".repeat(32)), "03".repeat(32), keysOf("03".repeat(32))]
    ],
    badCode: [...notKeys, Redacted.make("secret"), 7, null, ["01".repeat(32)]],
    badText: notKeys
  },
  keyFile: {
    good: [["/run/secrets/bellwether", "/run/secrets/bellwether"]],
    badCode: ["", " ", "x".repeat(1_025), 7, null],
    badText: [" ", "x".repeat(1_025)]
  },
  keyMode: {
    good: [["enforce", "enforce"], ["permissive", "PERMISSIVE"]],
    badCode: ["off", "", "Enforce", 1, null],
    badText: ["off", "enforce,permissive"],
    beside: { keyFile: "/run/secrets/bellwether" }
  },
  multicastAddress: {
    good: [
      ["239.1.2.3", "239.1.2.3", groups(["239.1.2.3", "IPv4"])],
      ["224.0.0.251", " 224.0.0.251 ", groups(["224.0.0.251", "IPv4"])],
      ["239.255.255.255", "239.255.255.255", groups(["239.255.255.255", "IPv4"])],
      ["FF02:0::B011", "ff02::b011", [{ ip: "ff02::b011", family: "IPv6", linkLocal: true }]],
      ["239.1.2.3,ff05::b011", "239.1.2.3,ff05::b011", groups(["239.1.2.3", "IPv4"], ["ff05::b011", "IPv6"])],
      [groups(["239.1.2.3", "IPv4"]), "239.1.2.3", groups(["239.1.2.3", "IPv4"])]
    ],
    badCode: [
      "10.0.0.1",
      "223.255.255.255",
      "240.0.0.0",
      "239.1.2",
      "239.1.2.256",
      "239.01.2.3",
      "ff02::1%eth0",
      "fe80::1",
      "239.1.2.3,239.1.2.4",
      "ff02::1,ff02::2",
      "239.1.2.3,",
      "all",
      "",
      5
    ],
    badText: [
      "10.0.0.1",
      "240.0.0.0",
      "239.1.2",
      "239.1.2.256",
      "239.1.2.3.4",
      "ff02:::1",
      "2001:db8::1",
      "all",
      "239.1.2.-3"
    ]
  },
  port: whole([1, 4000, 65_535], [0, -1, 70_000, 1.5]),
  ttl: whole([0, 1, 255], [-1, 256, 0.5]),
  interfaces: {
    good: [[["lo"], "lo"], [["eth0", "127.0.0.1"], "eth0, 127.0.0.1"], [["fe80::1%eth0"], "fe80::1%eth0"]],
    badCode: [[""], ["a b"], ["a,b"], "lo", Array.from({ length: 65 }, () => "lo"), null],
    badText: ["lo,", ",", "a b", "lo,,eth0"]
  },
  unicastPort: whole([0, 1, 65_535], [-1, 65_536, 1.5]),
  multicast: {
    good: [[true, "on", true], [false, "off", false]],
    badCode: ["on", 0, null],
    badText: ["maybe", ""],
    beside: { unicastPort: 4_000 }
  },
  networks: {
    good: [
      [["10.0.0.0/8"], "10.0.0.0/8", networks("10.0.0.0/8")],
      [["10.1.2.3/8"], "10.1.2.3/8", networks("10.0.0.0/8")],
      [["192.0.2.0/24", "2001:db8::/32"], "192.0.2.0/24, 2001:db8::/32", networks("192.0.2.0/24", "2001:db8::/32")],
      [networks("10.0.0.0/8"), "10.0.0.0/8", networks("10.0.0.0/8")],
      [[], ""]
    ],
    badCode: [["10.0.0.0"], ["10.0.0.0/7"], ["0.0.0.0/0"], ["fd00::/129"], [7], "10.0.0.0/8", null],
    badText: ["10.0.0.0/8,", "lan", "10.0.0.0/8 192.0.2.0/24"]
  },
  seeds: {
    good: [
      [["192.0.2.1:4000"], "192.0.2.1:4000", hostPorts("192.0.2.1:4000")],
      [
        ["A.example:1", "[fe80::1%eth0]:65535"],
        "a.example:1, [fe80::1%eth0]:65535",
        hostPorts("a.example:1", "[fe80::1%eth0]:65535")
      ],
      [["[::ffff:192.0.2.1]:4000"], "[::ffff:c000:201]:4000", hostPorts("192.0.2.1:4000")],
      [hostPorts("a.example:1"), "a.example:1", hostPorts("a.example:1")],
      [[], ""]
    ],
    badCode: [
      ["192.0.2.1"],
      ["a:0"],
      ["a:65536"],
      [":4000"],
      ["fe80::1:4000"],
      ["[1:2]:4000"],
      ["a b:4000"],
      [7],
      "a:4000",
      Array.from({ length: 65 }, (_, index) => `a:${index + 1}`),
      null
    ],
    badText: ["192.0.2.1", "a:0", "a:1,", "a:1,,b:2", "[::1]", "a:4000/udp"]
  },
  profile: {
    good: Profile.names.map((name) => [name, name]),
    badCode: ["slow", "", "Standard", 1, null],
    badText: ["slow", "standard,fast"]
  },
  heartbeatInterval: { ...duration("1 hour", "4ms"), beside: { memberTimeout: "1 day" } },
  leaderInterval: duration("1 hour", "4ms"),
  cleanupInterval: duration("1 hour", "4ms"),
  memberTimeout: { ...duration("24 hours", "14ms"), beside: { heartbeatInterval: "6 millis" } },
  probeTimeout: duration("1 minute", "0"),
  discoveryWindow: duration("1 minute", "0"),
  electionStagger: duration("1 second", "1001ms"),
  okTimeout: duration("1 minute", "0"),
  coordinatorTimeout: duration("10 minutes", "0"),
  stopTimeout: duration("1 minute", "61s"),
  priority: whole([0, -5, 2_147_483_647, -2_147_483_648], [2_147_483_648, -2_147_483_649, 0.1]),
  links: {
    good: [[true, "on"], [false, "off"]].map(([value, text]) => [value, String(text), value]),
    badCode: ["on", 1, null],
    badText: ["maybe", "2"]
  },
  preempt: {
    good: [[true, "true"], [true, "on"], [true, "YES"], [true, "1"], [false, "false"], [false, "Off"], [false, "no"], [
      false,
      "0"
    ]].map(([value, text]) => [value, String(text), value]),
    badCode: ["on", 1, null],
    badText: ["maybe", "2", "constructor"]
  },
  stableAfter: duration("24 hours", "-1ms"),
  minimumMembers: { ...whole([1, 3, 65_535], [0, -1, 1.5]), beside: { maxMembers: 65_535 } },
  maxHeartbeatsPerSecond: whole([1, 100, 1_000_000], [0, -1, 1_000_001, 1.5]),
  maxMembers: whole([1, 100, 65_535], [0, -1, 65_536, 1.5]),
  maxClients: whole([1, 100, 65_535], [0, -1, 65_536, 1.5]),
  maxSessions: whole([16, 100, 65_535], [15, 0, -1, 65_536, 1.5]),
  maxTombstones: whole([1, 100, 4_096], [0, -1, 4_097, 1.5]),
  maxMessageBytes: whole([512, 1_000, 1_048_576], [511, 1_048_577, 600.5]),
  leadership: {
    good: [["bully", "bully"], ["bully", " Bully "]],
    badCode: ["raft", "", 1, null],
    badText: ["raft", "bully,lease"]
  },
  groupSize: { ...whole([1, 3, 1_000], [0, -1, 1_001, 1.5]), beside: { leadership: "lease" } },
  leaseDuration: duration("1 hour", "59ms"),
  votes: {
    good: [[true, "on", true], [false, "off", false]],
    badCode: ["on", 1, null],
    badText: ["maybe", "2"],
    beside: { leadership: "lease", groupSize: 3 }
  },
  clockDrift: {
    good: [[0.01, "1%"], [0, "0"], [0.1, "10%"], [0.005, "0.5%"], [0.02, " 0.02 "]],
    badCode: [-0.01, 0.11, Number.NaN, "1%", null],
    badText: ["", "-1%", "11%", "0.2", "one", "1 %%", "1e-2"]
  },
  name: {
    good: [["kitchen", "kitchen"], ["x".repeat(64), "x".repeat(64)]],
    badCode: ["", " ", "x".repeat(65), "\"".repeat(33), 3, null],
    badText: [" ", "x".repeat(65), "a\u001b[2Jb"]
  },
  tags: {
    good: [
      [{ zone: "a" }, "zone=a"],
      [{ zone: "a", v: "1=2" }, "zone=a, v=1=2"],
      [{ empty: "" }, "empty="],
      [{ ["__proto__"]: "x" }, "__proto__=x"]
    ],
    badCode: [{ a: 1 }, { "": "x" }, { "a ": "x" }, { a: "x\r" }, { a: "x".repeat(256) }, ["a"], "a=b", null],
    badText: ["zone", "=a", "a=\"x\"", "a=1,a=2", `a=${"x".repeat(256)}`, "a=1,"]
  },
  http: {
    good: [
      ["127.0.0.1:7780", "127.0.0.1:7780", Host.hostPortFromStringUnsafe("127.0.0.1:7780")],
      ["[::1]:0", "[::1]:0", Host.hostPortFromStringUnsafe("[::1]:0")],
      ["localhost:80", "LOCALHOST:80", Host.hostPortFromStringUnsafe("localhost:80")]
    ],
    badCode: ["7780", "127.0.0.1", "127.0.0.1:65536", "", 7, null],
    badText: ["7780", "127.0.0.1", ":7780"]
  },
  httpToken: {
    good: [
      ["0123456789abcdef", "0123456789abcdef", Redacted.make("0123456789abcdef")],
      [Redacted.make("x".repeat(256)), "x".repeat(256), Redacted.make("x".repeat(256))]
    ],
    badCode: ["0123456789abcde", "x".repeat(257), "0123456789 abcdef", "", Redacted.make("short"), 7, null],
    badText: ["0123456789abcde", "x".repeat(257), "0123456789\tabcdef"]
  },
  httpTokenFile: {
    good: [["/run/secrets/token", "/run/secrets/token"]],
    badCode: ["", " ", "x".repeat(1_025), 7, null],
    badText: [" ", "x".repeat(1_025)]
  },
  httpHosts: {
    good: [[["status.example"], "status.example"], [["a", "b"], "a, b"], [[], ""]],
    badCode: [[""], ["a b"], "a", Array.from({ length: 17 }, () => "a"), null],
    badText: ["a,", "a b"]
  },
  eventHistory: whole([0, 1_000, 100_000], [-1, 100_001, 0.5])
}
