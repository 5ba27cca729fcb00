/**
 * Marks of scheduled runs on one server that hears the others (protocol, Scheduled runs); stale, repeated, reordered and
 * contradicted messages among them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import type * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import * as Runs from "../../src/protocol/work/Runs.ts"
import * as Peer from "./harness/Peer.ts"
import { type Options, Server } from "./harness/Server.ts"

const { alive, id, member, says } = Peer
const L = 1_500
const three: Lease.Agreement = { groupSize: 3, duration: L, drift: 0.01 }
const noon = 1_800_000_000_000

/** `m` that leads without a lease; the others are members too. */
const byRank = (others: ReadonlyArray<string> = ["a", "b"]) => {
  const server = Server.live({ profile: "fast" }, others.map((other) => alive(other))).advance(100)
  assert.isTrue(server.leads)
  for (const other of others) server.hear(alive(other))
  return server.forget()
}

/** `m` that leads by the vote of `a`. */
const byLease = (others: ReadonlyArray<string> = ["a", "b"], change: Options = {}) => {
  const server = Server.live({
    profile: "fast",
    preVote: { granted: true, promised: 0, boundTo: null, remaining: 0 },
    timing: { lease: three, stopTimeout: 300 },
    ...change
  })
  server.advance(L - server.now - 1)
  for (const other of others) server.hear(alive(other))
  server.forget().advance(20)
  const standing = server.said("ELECTION")[0]!.message.standing
  const vote = { election: "", standing, incarnation: 1_000, granted: true, promised: standing, boundTo: id("m") }
  server.hear(says("a", { type: "VOTE", ...vote, remaining: 0 }), "unicast")
  assert.isTrue(server.leads)
  return server.forget()
}

const ask = (server: Server, request: number, mark = { begun: 0, done: 0 }, job = "clean") =>
  server.step({ _tag: "MarkRun", request, leadership: "", job, mark })

const marked = (sender: string | Member.Member, nonce: string, begun = 0, done = 0) =>
  says(sender, { type: "RUN_MARKED", nonce, begun, done })

const mark = (sender: string, begun: number, { done = 0, job = "clean", leadership = "", nonce = "1" } = {}) =>
  says(sender, { type: "RUN_MARK", nonce, leadership, job, begun, done })

/** Takes what it has answered to the job, by request. */
const answers = (server: Server) =>
  server.outputs.splice(0).flatMap((output) =>
    output._tag === "RunMarked" ? [{ ...output.known, request: output.request }] : []
  )

const nonceOf = (server: Server) => server.said("RUN_MARK").at(-1)!.message.nonce

const known = (server: Server, job = "\nclean") => HashMap.getUnsafe(server.state.runs.marks, job)

describe("marks of scheduled runs, with a lease (protocol, Scheduled runs)", () => {
  it("are kept by a majority before the leader is told that they are", () => {
    const server = byLease()
    ask(server, 1, { begun: noon, done: 0 })
    assert.deepStrictEqual(answers(server), [])
    const said = server.said("RUN_MARK")
    assert.deepStrictEqual(said.map(({ to }) => to), [null])
    server.hear(marked("b", said[0]!.message.nonce, noon), "unicast")
    const [answer] = answers(server)
    assert.deepStrictEqual(answer, { request: 1, begun: noon, done: 0, since: 1_000 + L })
    assert.deepStrictEqual(known(server), { begun: noon, done: 0 })
  })

  it("that others know are told: the newest of each, also where one repeats or contradicts itself", () => {
    const server = byLease(["a", "b", "c"])
    ask(server, 7)
    const nonce = nonceOf(server)
    server.hear(marked("a", nonce, noon, noon - 60_000), "unicast")
    assert.deepStrictEqual(answers(server), [{ request: 7, begun: noon, done: noon - 60_000, since: 1_000 + L }])
    server.hear(marked("a", nonce, noon + 1, noon), "unicast")
    server.hear(marked("b", nonce, noon + 1, noon), "unicast")
    assert.deepStrictEqual(answers(server), [], "it is answered once")
  })

  it("are not known to a server that has started anew: of runs until then, and a lease longer, nothing is known", () => {
    const server = byLease()
    ask(server, 1)
    const wall = server.now + server.wall
    server.hear(alive(member("b", { incarnation: wall - 10 })))
    server.hear(marked(member("b", { incarnation: wall - 10 }), nonceOf(server)), "unicast")
    assert.deepStrictEqual(answers(server), [{ request: 1, begun: 0, done: 0, since: wall - 10 + L }])
  })

  it("of a server whose clock was far ahead as it started do not hold up all runs until then", () => {
    const server = byLease()
    ask(server, 1)
    server.hear(marked(member("b", { incarnation: noon }), nonceOf(server)), "unicast")
    assert.deepStrictEqual(answers(server), [{ request: 1, begun: 0, done: 0, since: server.now + server.wall + L }])
  })

  it("of one member count once, and those for another question not at all", () => {
    const server = byLease(["a", "b", "c"], { timing: { lease: three, stopTimeout: 300 } })
    ask(server, 1)
    server.hear(marked("a", "abc", noon), "unicast")
    assert.deepStrictEqual(answers(server), [])
    server.hear(marked("a", nonceOf(server)), "unicast")
    assert.strictEqual(answers(server).length, 1)
  })

  it("are asked for no more once the lead is lost", () => {
    const server = byLease()
    ask(server, 1)
    const nonce = nonceOf(server)
    server.step({ _tag: "Resign" })
    server.advance(5_000)
    assert.deepStrictEqual(server.state.runs.asking, [])
    server.hear(marked("b", nonce), "unicast")
    assert.deepStrictEqual(answers(server), [])
    ask(server, 2)
    assert.deepStrictEqual(server.said("RUN_MARK"), [])
  })
})

describe("marks of scheduled runs, without a lease (protocol, Scheduled runs)", () => {
  it("are kept by all members in view", () => {
    const server = byRank()
    ask(server, 1, { begun: noon, done: 0 })
    const nonce = nonceOf(server)
    server.hear(marked("a", nonce, noon), "unicast")
    server.hear(marked("a", nonce, noon), "unicast")
    assert.deepStrictEqual(answers(server), [], "one that repeats itself counts once")
    server.hear(marked("b", nonce, noon), "unicast")
    assert.strictEqual(answers(server)[0]?.begun, noon)
  })

  it("are said again at 50, 150, 350 ms and so on to those that have not answered, and not waited for in the end", () => {
    const server = byRank()
    const from = server.now
    ask(server, 1)
    const nonce = nonceOf(server)
    server.hear(marked("a", nonce), "unicast")
    const times: Array<number> = []
    while (answers(server).length === 0) {
      server.advance(1)
      for (const { to } of server.said("RUN_MARK")) {
        assert.strictEqual(Peer.nameOf(to!), "b")
        times.push(server.now - from)
      }
    }
    assert.deepStrictEqual(times, [50, 150, 350, 750, 1_550])
    assert.strictEqual(server.now - from, 2_550)
  })

  it("are the leader's alone where there is nobody else", () => {
    const server = byRank([])
    ask(server, 3, { begun: noon, done: 0 })
    assert.strictEqual(answers(server)[0]?.request, 3)
    assert.deepStrictEqual(server.said("RUN_MARK"), [])
  })

  it("of a later request of the job take the place of an earlier one; other jobs go on", () => {
    const server = byRank()
    ask(server, 1)
    ask(server, 2, undefined, "other")
    ask(server, 3)
    assert.deepStrictEqual(server.state.runs.asking.map(({ request }) => request), [2, 3])
  })
})

describe("marks that a member keeps (protocol, Scheduled runs)", () => {
  it("are the newest it was told, even if some came late or twice, and are told to who asks", () => {
    const server = Server.live({ profile: "fast" }, [alive("z")]).forget()
    const told = (message: ReturnType<typeof mark>) => {
      server.hear(message)
      return server.said("RUN_MARKED").map(({ message: { begun, done }, to }) => [Peer.nameOf(to!), begun, done])
    }
    assert.deepStrictEqual(told(mark("z", 0)), [["z", 0, 0]])
    assert.isTrue(HashMap.isEmpty(server.state.runs.marks), "a question leaves no trace")
    assert.deepStrictEqual(told(mark("z", noon)), [["z", noon, 0]])
    assert.deepStrictEqual(told(mark("z", noon)), [["z", noon, 0]])
    assert.deepStrictEqual(told(mark("z", noon, { done: noon })), [["z", noon, noon]])
    assert.deepStrictEqual(told(mark("y", noon - 1)), [["y", noon, noon]])
    assert.deepStrictEqual(told(mark("z", 0, { leadership: "billing" })), [["z", 0, 0]], "another leadership's job")
    assert.deepStrictEqual(told(mark("z", 0, { job: "other" })), [["z", 0, 0]])
  })

  it("are of 256 jobs: beyond, the one is forgotten that began longest ago, and counted", () => {
    const server = Server.live({ profile: "fast" }, [alive("z")]).forget()
    for (let at = 0; at < Runs.maxJobs; at++) server.hear(mark("z", noon - at, { job: `job ${at}` }))
    assert.deepStrictEqual(server.drops(), [])
    server.hear(mark("z", noon, { job: "one more" }))
    assert.deepStrictEqual(server.drops(), ["RunsFull"])
    assert.strictEqual(HashMap.size(server.state.runs.marks), Runs.maxJobs)
    assert.isFalse(HashMap.has(server.state.runs.marks, `\njob ${Runs.maxJobs - 1}`))
    server.hear(mark("z", noon + 1, { job: "one more" }))
    assert.deepStrictEqual(server.drops(), [])
  })
})
