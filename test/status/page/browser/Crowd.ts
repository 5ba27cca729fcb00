/**
 * A server that is made up: it serves the page, and the answers of a server in a large group. So the page is seen with more
 * members than a machine has room for.
 */
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import type { ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"

const page = Path.resolve(import.meta.dirname, "../../../../dist/page.js")

const idOf = (index: number): string => (index + 1).toString(16).padStart(8, "0").repeat(2)

const memberOf = (index: number) => ({
  id: idOf(index),
  ip: `10.0.${index >> 8}.${index & 255}`,
  port: 47_000 + index,
  hostname: `host-${index}`,
  name: `server-${String(index).padStart(3, "0")}`,
  priority: index === 0 ? 1 : 0,
  incarnation: 1_796_038_000_000 + index,
  tags: { zone: "abc"[index % 3] }
})

const startedAt = Date.now() - 500_000

/** What `/api/group` answers. */
const statusOf = (count: number) => {
  const members = Array.from({ length: count }, (_, index) => memberOf(index))
  const leader = members[0]!
  const silent = (index: number) => ({
    ago: index % 37 === 5 ? 2_400 : (index * 7_919 + Date.now()) % 500,
    via: "multicast",
    unicastOnly: false,
    through: null
  })
  return {
    group: "orders",
    version: "0.1.0",
    sequence: "1-400",
    at: Date.now(),
    phase: "Live",
    uptime: 500_000,
    self: members[1],
    members: members.map((member, index) =>
      Object.assign(member, {
        heard: index === 1 ? null : silent(index),
        asked: index % 37 === 5 ? 2 : 0,
        page: index < 3 ? `http://10.0.0.${index}:7780/` : null
      })
    ),
    elections: [{
      name: "",
      reign: { term: startedAt, leader },
      term: startedAt,
      through: null,
      leads: false,
      vacant: null,
      activity: "Idle",
      ineligible: 0,
      lease: null,
      promise: null
    }],
    upcoming: [],
    votesIn: null,
    clients: 3,
    lag: 1,
    settings: {},
    dropped: {}
  }
}

/** What `/api/history` answers: half an hour in which the lead went around, and some were away. */
const historyOf = (count: number) => ({
  since: startedAt,
  missed: 0,
  reigns: Array.from({ length: 40 }, (_, index) => ({
    election: "",
    term: startedAt + index,
    leader: memberOf(index === 39 ? 0 : index % count),
    from: startedAt + index * 12_000,
    to: index === 39 ? null : startedAt + index * 12_000 + 11_500,
    cause: "Silent",
    end: index === 39 ? null : "Silent",
    without: 500
  })),
  absences: Array.from({ length: 120 }, (_, index) => ({
    member: memberOf(index % count),
    from: startedAt + index * 4_000,
    to: startedAt + index * 4_000 + 9_000,
    reason: { _tag: "Silent", for: 1_700, lastHeardOn: "multicast", ownLag: 2 }
  })),
  pauses: [{ at: startedAt + 100_000, for: 700 }]
})

const write = (response: ServerResponse, event: { readonly at: number }, id?: string) => {
  response.write(`${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(event)}\n\n`)
}

/** Every member's heartbeat twice a second, and an election now and then. */
const chatter = (response: ServerResponse, count: number): () => void => {
  let turn = 0
  const message = (type: string, by: number, election: string | null) => ({
    at: Date.now(),
    way: "heard",
    type,
    by: idOf(by),
    to: null,
    election,
    term: startedAt
  })
  const timer = setInterval(() => {
    for (let index = 0; index < count / 10; index++) {
      write(response, message("SERVER_ALIVE", (turn * Math.ceil(count / 10) + index) % count, null))
    }
    turn++
    if (turn % 40 === 1) {
      write(response, message("ELECTION", count >> 1, ""))
      for (let index = 0; index < 20; index++) write(response, message("OK", index, ""))
      write(response, message("COORDINATOR", 0, ""))
    }
  }, 50)
  return () => clearInterval(timer)
}

/** The events up to now: each member once. */
const events = (response: ServerResponse, count: number) => {
  for (let index = 0; index < count; index++) {
    const event = { at: startedAt + index, event: "MemberJoined", member: memberOf(index), via: "probe" }
    write(response, event, `1-${index + 1}`)
  }
}

/** Serves a group of so many; gives the address of its page. */
export const serve = (count: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const { html, policy } = await import(page) as { readonly html: string; readonly policy: string }
      const server = createServer((request, response) => {
        const stream = () => response.writeHead(200, { "content-type": "text/event-stream" })
        const json = (body: unknown) =>
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
        switch (request.url) {
          case "/":
            return response.writeHead(200, { "content-type": "text/html", "content-security-policy": policy }).end(html)
          case "/api/group":
            return json(statusOf(count))
          case "/api/history":
            return json(historyOf(count))
          case "/api/events":
            return events(stream(), count)
          case "/api/traffic":
            return response.once("close", chatter(stream(), count))
          default:
            return response.writeHead(404).end()
        }
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
