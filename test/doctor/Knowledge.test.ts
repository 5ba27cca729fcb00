/**
 * What an examination knows after some evidence, and what is found of it: no socket, no time.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Diagnosis from "../../src/doctor/Diagnosis.ts"
import type { Evidence, Question } from "../../src/doctor/Evidence.ts"
import * as Knowledge from "../../src/doctor/Knowledge.ts"
import type { Refusal } from "../../src/doctor/Observations.ts"
import * as Questions from "../../src/doctor/Questions.ts"
import { type Member, NodeId } from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { DropReason } from "../../src/transport/Messenger.ts"
import * as Peer from "../protocol/harness/Peer.ts"
import { eth0, healthy, lo } from "./Sample.ts"

type Timed = readonly [now: number, evidence: Evidence]

const learn = (evidence: ReadonlyArray<Timed>, subject: Partial<Knowledge.Subject> = {}): Knowledge.Knowledge =>
  evidence.reduce(
    (known, [now, one]) => Knowledge.step(known, one, now),
    Knowledge.make({ ...healthy, ...subject })
  )
const seen = (evidence: ReadonlyArray<Timed>, now: number, subject: Partial<Knowledge.Subject> = {}) =>
  Knowledge.observations(learn(evidence, subject), now)
const found = (evidence: ReadonlyArray<Timed>, now: number, subject: Partial<Knowledge.Subject> = {}) =>
  Diagnosis.diagnose(seen(evidence, now, subject)).map(({ finding }) => finding)

const [a, b] = [Peer.member("a"), Peer.member("b")]
const alive = (name = "a", leader = "a") => Peer.alive(name, Peer.reign(7, leader))
const listed = ({ id, ip, name, port }: Member, heard: number): Message.Listed => ({
  id,
  ip,
  name,
  port,
  priority: 0,
  incarnation: 1_000,
  heard
})
const answer = (nonce: string, by = a, change: Partial<Message.Of<"MEMBERS">> = {}): Message.Of<"MEMBERS"> => ({
  type: "MEMBERS",
  nonce,
  from: { id: by.id, incarnation: by.incarnation },
  term: 7,
  leader: Peer.reign(7, "a").leader,
  page: 0,
  of: 1,
  list: [a, b].map((one) => listed(one, one === by ? 0 : 50)),
  ...change
})

const scanned: Evidence = {
  _tag: "InterfacesScanned",
  interfaces: [{ ...lo, prefixLength: 8 }, { ...eth0, prefixLength: 24 }]
}
const opened: Evidence = { _tag: "SocketsOpened", address: eth0.address }
const began: Evidence = { _tag: "RoundBegan" }
const asked = (nonce: string, question: Question = { _tag: "Group", address: eth0.address }): Evidence => ({
  _tag: "Asked",
  question,
  nonces: [nonce]
})
const askedOf = (id: NodeId, nonce: string) => asked(nonce, { _tag: "Server", id })
const heard = (message: Message.Message, via: "multicast" | "unicast" = "multicast", from = a): Evidence => ({
  _tag: "Heard",
  message,
  from: { ip: from.ip, port: from.port },
  via
})
const echo = (nonce: string) => heard({ type: "MEMBERS_ASK", nonce, page: 0 })
const dropped = (reason: DropReason, ip = "192.0.2.66", tag: string | null = null): Evidence => ({
  _tag: "Dropped",
  ip,
  reason,
  tag
})
const refusal = (kind: string, errno: string | null = null, during: Refusal["during"] = "open"): Refusal => ({
  during,
  kind,
  where: "eth0 192.0.2.1",
  errno
})

/** Four rounds, of which each question comes back and the leader answers. */
const rounds = (count = 4, from = 0): ReadonlyArray<Timed> =>
  Array.from({ length: count }, (_, at): ReadonlyArray<Timed> => {
    const now = from + at * 1_000
    return [
      [now, began],
      [now, asked(`g${now}`)],
      [now + 1, echo(`g${now}`)],
      [now + 1, heard(answer(`g${now}`), "unicast")],
      [now + 2, askedOf(a.id, `a${now}`)],
      [now + 2, askedOf(b.id, `b${now}`)],
      [now + 3, heard(answer(`a${now}`), "unicast")],
      [now + 3, heard(answer(`b${now}`, b), "unicast", b)]
    ]
  }).flat()
const unanswered = (count: number, from = 0): ReadonlyArray<Timed> =>
  Array.from({ length: count }, (_, at): ReadonlyArray<Timed> => [
    [from + at * 1_000, began],
    [from + at * 1_000, asked(`g${from + at * 1_000}`)]
  ]).flat()
const start: ReadonlyArray<Timed> = [[0, scanned], [0, opened]]
const both: ReadonlyArray<Timed> = [[10, heard(alive())], [11, heard(alive("b"), "multicast", b)]]

describe("what evidence adds up to", () => {
  it.each<[what: string, evidence: ReadonlyArray<Timed>, findings: ReadonlyArray<string>, Partial<Knowledge.Subject>?]>(
    [
      ["servers that are heard and answer", [...start, ...both, ...rounds()], []],
      ["no interface", [[0, { _tag: "InterfacesScanned", interfaces: [] }]], ["NoInterface"]],
      ["a scan that was refused, and so no news of interfaces", [
        [0, { _tag: "Refused", refusal: refusal("OutOfDescriptors", "EMFILE", "scan") }]
      ], ["Refused"]],
      ["an interface and nobody", [...start, [0, began], [0, asked("g")], [1, echo("g")]], ["Alone"]],
      ["a port that is taken", [
        [0, scanned],
        [0, { _tag: "SocketsRefused", address: eth0.address, refusal: refusal("AddressInUse", "EADDRINUSE") }]
      ], ["PortTaken"]],
      ["sockets that the system refuses", [
        [0, scanned],
        [0, { _tag: "SocketsRefused", address: eth0.address, refusal: refusal("PermissionDenied", "EPERM") }]
      ], ["Refused"]],
      ["probes that do not come back", [...start, ...both, ...unanswered(3)], ["OwnMulticastLost"]],
      ["nothing at all", [...start, ...unanswered(3)], ["OwnMulticastLost", "NothingArrives"]],
      ["another key", [...start, ...both, ...rounds(), [50, dropped("UnknownKey")]], ["WrongKey"]],
      ["another group", [...start, ...both, ...rounds(), [50, dropped("OtherGroup", "192.0.2.66", "1c168adb")]], [
        "OtherGroup"
      ]],
      ["another program", [...start, ...both, ...rounds(), [50, dropped("NotOurs")]], ["OtherProgram"]],
      [
        "what we did ourselves",
        [...start, ...both, ...rounds(), [50, dropped("Repeated")], [50, dropped("NotDirect")]],
        []
      ],
      ["one that answers and is not heard", [...start, [10, heard(alive())], ...rounds()], ["NotHeardYet"]],
      ["one that is only listed", [
        ...start,
        [10, heard(alive())],
        [11, askedOf(a.id, "a")],
        ...rounds(3).filter(([, { _tag }]) => _tag === "RoundBegan" || _tag === "Asked"),
        [2_001, echo("g2000")],
        [2_003, heard(answer("a2000"), "unicast")],
        ...[1, 2, 3].map((at): Timed => [2_003, askedOf(b.id, `late${at}`)])
      ], ["OnlyThisHost", "MulticastUnheard", "NotReached"]],
      ["a socket of another that loses datagrams", [
        ...start,
        ...both,
        ...rounds(),
        [50, {
          _tag: "SystemReported",
          sockets: [{ ip: "0.0.0.0", port: healthy.port, uid: 0, drops: 3, owner: null }],
          receiveBufferLimit: 4_096
        }]
      ], ["Drops", "SmallReceiveBuffer"]],
      ["a seed without an address", [
        ...start,
        ...both,
        ...rounds(),
        [50, { _tag: "SeedResolved", seed: "x:4000", addresses: [] }]
      ], ["SeedUnresolved"]],
      ["a seed that does not answer", [
        ...start,
        ...both,
        ...rounds(),
        [50, { _tag: "SeedResolved", seed: "x:4000", addresses: ["192.0.2.9:4000"] }],
        ...[1, 2, 3].map((at): Timed => [60, asked(`x${at}`, { _tag: "Seed", seed: "x:4000" })])
      ], ["SeedSilent"]]
    ]
  )("%s", (_, evidence, findings) => {
    assert.sameMembers(found(evidence, 3_500), [...findings])
  })
})

describe("evidence", () => {
  it("that repeats itself changes counts at most", () => {
    const once: ReadonlyArray<Timed> = [...start, ...both, ...rounds(), [50, dropped("UnknownKey")]]
    const twice = once.flatMap((at): ReadonlyArray<Timed> => at[1]._tag === "Asked" ? [at] : [at, at])
    assert.deepStrictEqual(found(twice, 3_500), found(once, 3_500))
    const eth = seen(twice, 3_500).interfaces.find(({ chosen }) => chosen)
    assert.deepStrictEqual([eth?.sent, eth?.echoed], [4, 4])
    assert.deepStrictEqual(seen(twice, 3_500).foreign.map(({ datagrams }) => datagrams), [2])
  })

  it("that contradicts an earlier one takes its place: sockets that open, a leader that others name, a name that resolves", () => {
    const refused: ReadonlyArray<Timed> = [
      [0, scanned],
      [0, { _tag: "SocketsRefused", address: eth0.address, refusal: refusal("AddressInUse", "EADDRINUSE") }]
    ]
    assert.deepStrictEqual(found(refused, 100), ["PortTaken"])
    assert.deepStrictEqual(found([...refused, [200, opened], ...both, ...rounds()], 3_500), [])
    const other: ReadonlyArray<Timed> = [
      ...start,
      ...rounds(),
      [3_100, heard(alive("b", "b"), "multicast", b)]
    ]
    assert.include(found([...other, [4_200, heard(alive(), "multicast")]], 4_300), "SeveralLeaders")
    assert.notInclude(
      found([...other, [4_200, heard(alive())], [4_300, heard(alive("b"), "multicast", b)]], 4_400),
      "SeveralLeaders"
    )
    const seeds = seen([
      [0, { _tag: "SeedResolved", seed: "x:4000", addresses: [] }],
      [1, { _tag: "SeedResolved", seed: "x:4000", addresses: ["192.0.2.9:4000"] }]
    ], 2).seeds
    assert.deepStrictEqual(seeds.map(({ addresses }) => addresses), [["192.0.2.9:4000"]])
  })

  it("of votes is a server's own word, else that of who lists it, and of groupSize what it said with a lease", () => {
    const votes = (evidence: ReadonlyArray<Timed>) =>
      seen([...start, [1, began], [2, asked("01")], ...evidence], 5_000).servers.map(({ groupSize, name, votesIn }) => [
        name,
        votesIn,
        groupSize
      ])
    const list = [{ ...listed(a, 0), votesIn: 20_000 }, { ...listed(b, 50), votesIn: 86_400_000 }]
    const lines: Timed = [100, heard(answer("01", a, { list }), "unicast")]
    assert.deepStrictEqual(votes([lines]), [["a", 20_000, undefined], ["b", 86_400_000, undefined]])
    const silent = (name: "a" | "b", silent: number) => heard({ ...Peer.alive(name), silent } as Message.Message)
    assert.deepStrictEqual(votes([[50, silent("b", 1_000)], lines]), [["b", 1_000, undefined], [
      "a",
      20_000,
      undefined
    ]])
    assert.deepStrictEqual(votes([lines, [200, heard(alive("b"))]]), [["a", 20_000, undefined], [
      "b",
      undefined,
      undefined
    ]])
    const lease = { groupSize: 3, duration: 1_500, drift: 0.01 }
    const { interval: _, type: __, ...header } = Peer.alive("a") as Message.Of<"SERVER_ALIVE">
    const beat = heard({ ...header, type: "BEAT", election: "", claim: 7, beat: 1, lease } as Message.Message)
    assert.deepStrictEqual(votes([[50, beat], [60, heard(alive())]]), [["a", undefined, 3]])
  })

  it("of a scan that succeeds takes back that one was refused, and nothing else that was", () => {
    const [scan, send] = [refusal("OutOfDescriptors", "EMFILE", "scan"), refusal("Unreachable", "ENETUNREACH", "send")]
    const refused: ReadonlyArray<Timed> = [...start, [1, { _tag: "Refused", refusal: scan }], [2, {
      _tag: "Refused",
      refusal: send
    }]]
    assert.deepStrictEqual(seen(refused, 3).refusals, [scan, send])
    assert.deepStrictEqual(seen([...refused, [3, scanned]], 4).refusals, [send])
    const again: Timed = [4, { _tag: "Refused", refusal: scan }]
    assert.deepStrictEqual(seen([...refused, [3, scanned], again], 5).refusals, [send, scan])
  })

  it("that comes late still counts, and is no news where nobody asked for it", () => {
    const late = seen(
      [...start, ...unanswered(3), [9_000, echo("g0")], [9_001, heard(answer("g1000"), "unicast")]],
      9_500
    )
    const eth = late.interfaces.find(({ chosen }) => chosen)
    assert.deepStrictEqual([eth?.echoed, eth?.lastEcho], [1, 9_000])
    assert.deepStrictEqual(late.questions, { asked: 3, unanswered: 1, lastAnswer: 9_001, answeredBy: [a.id] })
    const unasked = seen([...start, [1, echo("x")], [1, heard(answer("x"), "unicast")]], 2)
    assert.deepStrictEqual(unasked, seen(start, 2))
    const unknown = seen([...start, [1, { _tag: "OwnHeard", address: "10.9.9.9" }], [1, askedOf(a.id, "a")]], 2)
    assert.deepStrictEqual(unknown, seen(start, 2))
  })

  it("of a sealed echo counts no more than there were probes", () => {
    const own: Timed = [5, { _tag: "OwnHeard", address: eth0.address }]
    const [, eth] = seen([...start, ...unanswered(2), own, own, own], 2_000).interfaces
    assert.deepStrictEqual([eth?.sent, eth?.echoed, eth?.lastEcho], [2, 2, 5])
  })

  it("of who leaves, and of who is silent for three heartbeats, is that it is gone", () => {
    const left = [...start, ...both, [20, heard(Peer.leaving("b"), "multicast", b)] as const]
    assert.deepStrictEqual(seen(left, 30).servers.map(({ id }) => id), [a.id])
    const names = (now: number) => seen([...start, ...both, [now, began]], now).servers.length
    assert.deepStrictEqual([names(30_010), names(30_011), names(30_012)], [2, 1, 0])
  })

  it("of what was never found out leaves it unknown", () => {
    const { interfaces, receiveBuffer, sockets } = seen([], 0)
    assert.deepStrictEqual([interfaces, sockets, receiveBuffer.limit], [[], null, null])
    assert.isNull(learn([]).interfaces)
    const refused: Timed = [1, { _tag: "Refused", refusal: refusal("OutOfDescriptors", "EMFILE", "scan") }]
    assert.strictEqual(seen([...start, refused], 2).interfaces.length, 2)
  })

  it("takes bounded space, however much of it comes", () => {
    const many = learn(
      Array.from({ length: 2_000 }, (_, at): ReadonlyArray<Timed> => {
        const peer = Peer.member("n", { id: NodeId.make(at.toString(16).padStart(16, "0")) })
        return [
          [0, dropped("NotOurs", `10.0.${at >> 8}.${at & 255}`)],
          [0, heard(Peer.alive(peer), "multicast", peer)],
          [0, asked(`n${at}`)],
          [0, { _tag: "Refused", refusal: { ...refusal("Unknown"), where: String(at) } }]
        ]
      }).flat()
    )
    assert.deepStrictEqual([many.foreign.size, many.servers.size, many.refusals.size], [256, 1_024, 64])
    const nonces = Array.from({ length: 9_000 }, (_, at) => `x${at}`)
    const { byNonce } = Questions.ask(many.questions, { _tag: "Seed", seed: "x" }, nonces)
    assert.deepStrictEqual([byNonce.size, byNonce.has("x807"), byNonce.has("x808")], [8_192, false, true])
  })

  it("of pages is asked for, but not of a server that is only asked whether it is there", () => {
    const { questions } = learn([[0, asked("g")], [0, askedOf(a.id, "a")]])
    const next = (nonce: string, page: number, of: number) =>
      Questions.nextPage(questions, answer(nonce, a, { page, of }))
    assert.deepStrictEqual([next("g", 0, 2), next("g", 1, 2), next("a", 0, 2), next("x", 0, 2)], [
      1,
      undefined,
      undefined,
      undefined
    ])
    assert.deepStrictEqual([next("g", 254, 1_000), next("g", 255, 1_000)], [255, undefined])
  })
})

describe("the order of evidence that came at one time", () => {
  const pieces: ReadonlyArray<Evidence> = [
    scanned,
    dropped("UnknownKey"),
    dropped("OtherGroup", "192.0.2.67", "1c168adb"),
    dropped("NotOurs", "192.0.2.68"),
    { _tag: "Refused", refusal: refusal("PermissionDenied", "EPERM", "send") },
    { _tag: "SystemReported", sockets: [], receiveBufferLimit: 4_096 },
    { _tag: "SeedResolved", seed: "x:4000", addresses: [] },
    echo("g0"),
    heard(answer("g0"), "unicast"),
    heard(answer("b0", b), "unicast", b),
    heard(alive()),
    heard(alive("b"), "multicast", b)
  ]
  const before: ReadonlyArray<Timed> = [...start, [0, began], [0, asked("g0")], [0, askedOf(b.id, "b0")]]
  const shown = (evidence: ReadonlyArray<Evidence>) =>
    Diagnosis.diagnose(seen([...before, ...evidence.map((one): Timed => [100, one])], 2_000))
      .map(({ about, finding, severity }) => `${severity} ${finding} ${about.toSorted().join(" ")}`)

  // Each is drawn before another by a number of its own.
  it.prop("does not matter", [
    Arbitrary.array(Arbitrary.schema(Schema.Finite), { minLength: pieces.length, maxLength: pieces.length })
  ], ([ranks]) => {
    const shuffled = [...pieces.entries()].toSorted(([one], [other]) => ranks[one]! - ranks[other]!)
    assert.deepStrictEqual(shown(shuffled.map(([, piece]) => piece)), shown(pieces))
  }, { arbitrary: { runs: 300 } })
})
