/**
 * Messages through real processes while their leaders go: one that is told to stop, and one that is killed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Event from "../../src/protocol/model/Event.ts"
import { event, eventsOf, startClient } from "../cli/clientProcess.ts"
import * as Process from "../cli/process.ts"

Process.goFirst()

const names = ["anna", "boris", "clara"]
/** Of each client, three times: under the first leader, while it is stopped, and while the second is killed. 504 in all. */
const part = Array.from({ length: 56 }, (_, at) => at)

interface Told {
  readonly event: string
}

/** What one reader made of the messages of one client: the numbers in the order in which they came, and those it was told are lost. */
const readingOf = (events: ReadonlyArray<Event.Event | Told>, client: string) => {
  const seqs: Array<number> = []
  const lost = new Set<number>()
  for (const event of events as ReadonlyArray<Event.Event>) {
    if (event.event === "MessageReceived" && event.client.name === client) seqs.push(event.seq)
    if (event.event !== "MessageLost") continue
    // Where only the index in a reign is known, the client's own number, if it is lost too, is told as well.
    if (event.client !== null) { for (let seq = event.from; seq <= event.to; seq++) lost.add(seq) }
  }
  return { seqs, lost }
}

describe("messages from three clients (protocol 5, Messages from clients)", () => {
  it.live(
    "500 of them, while the leader is stopped and the next is killed: each acknowledged, and each once and in order at all who stay",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const servers = yield* Effect.forEach(
          [1, 2, 3],
          (priority) =>
            Process.start(
              ["--json", "--profile", "fast", "--name", `n${priority}`, "--priority", String(priority)],
              env
            )
        )
        const [stays, killed, stopped] = servers as [Process.Running, Process.Running, Process.Running]
        for (const server of servers) yield* server.event("LeaderChanged", ({ leader }) => leader?.name === "n3")
        // Sends nothing, and hears everything.
        const ear = yield* startClient(["--json", "--profile", "fast", "--name", "ear"], env)
        yield* event(ear, "Joined")
        const clients = yield* Effect.forEach(
          names,
          (name) => startClient(["--json", "--profile", "fast", "--name", name], env)
        )
        for (const client of clients) yield* event(client, "Joined")
        const sendPart = (which: number) =>
          Effect.forEach(clients, (client) => client.type(part.map((at) => `${which}-${at}\n`).join("")), {
            discard: true
          })
        const acknowledged = (client: Process.Running) =>
          eventsOf(client).flatMap((event) => event.event === "MessageAcknowledged" ? [event.seq] : [])
        const someAcknowledged = (count: number) =>
          Effect.forEach(
            clients,
            (client) => client.until(() => acknowledged(client).length >= count ? true : undefined),
            { discard: true }
          )

        yield* sendPart(1)
        yield* someAcknowledged(part.length / 2)
        // With messages under way.
        yield* sendPart(2)
        yield* stopped.kill("SIGTERM")
        assert.strictEqual((yield* stopped.ended).code, 0)
        yield* stays.event("LeaderChanged", ({ leader }) => leader?.name === "n2")
        yield* someAcknowledged(part.length * 1.5)
        const before = clients.map((client) => acknowledged(client).length)
        yield* sendPart(3)
        yield* killed.kill("SIGKILL")
        yield* stays.event("LeaderChanged", ({ leader }) => leader?.name === "n1")
        for (const client of clients) yield* Effect.sync(() => client.child.stdin?.end())
        for (const client of clients) {
          const { code, stderr } = yield* client.ended
          assert.strictEqual(stderr, "")
          assert.strictEqual(code, 0)
          assert.strictEqual(new Set(acknowledged(client)).size, 3 * part.length)
        }

        // Who died between an acknowledgement and the arrival of its multicast anywhere took that message along (docs/promises.md):
        // it must be told then, can only be of the reign of the one who was killed, and nothing else may be missing.
        for (const [index, name] of names.entries()) {
          for (const [who, reader] of [["server", stays], ["client", ear]] as const) {
            const reading = () => readingOf(who === "server" ? stays.events : eventsOf(ear), name)
            yield* reader.until(() => {
              const { lost, seqs } = reading()
              return seqs.length + lost.size >= 3 * part.length ? true : undefined
            })
            const { lost, seqs } = reading()
            assert.deepStrictEqual(seqs, seqs.toSorted((a, b) => a - b), `${who}: ${name} in order`)
            assert.strictEqual(new Set(seqs).size, seqs.length, `${who}: ${name} once`)
            for (const seq of lost) {
              assert.notInclude(seqs, seq, `${who}: ${name} has what is told as lost`)
              assert.isAbove(seq, (before[index] ?? 0) - 64, `${who}: ${name} lost what was acknowledged before`)
            }
            assert.strictEqual(seqs.length + lost.size, 3 * part.length, `${who}: ${name} complete`)
          }
        }
      }).pipe(Effect.scoped),
    60_000
  )
})
