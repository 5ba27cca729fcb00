/** Where leaders of a test write: a service over HTTP that knows nothing of their group; and what the leaders tell of their writes. */
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type * as Process from "../cli/process.ts"

/** A write as the store judged it. */
export interface Write {
  readonly token: string
  readonly accepted: boolean
}

/** The same at an address of a host, which tells each write in the order in which they came. */
export const fencedStoreAt = (ip: string, tell: (write: Write) => void) =>
  Effect.acquireRelease(
    Effect.promise(() => {
      const seen = { highest: "", accepted: new Map<string, number>(), refused: new Map<string, number>() }
      const count = (counts: Map<string, number>, token: string) => counts.set(token, (counts.get(token) ?? 0) + 1)
      const server = createServer((request, response) => {
        let text = ""
        request.on("data", (chunk) => text += chunk).on("end", () => {
          const { token } = JSON.parse(text) as { readonly token: string }
          const accepted = token >= seen.highest
          if (accepted) seen.highest = token
          count(accepted ? seen.accepted : seen.refused, token)
          tell({ token, accepted })
          response.end(JSON.stringify({ accepted }))
        })
      })
      return new Promise<{ readonly url: string; readonly seen: typeof seen; readonly close: () => void }>(
        (resolve) => {
          server.listen(0, ip, () => {
            const { port } = server.address() as AddressInfo
            resolve({ url: `http://${ip}:${port}`, seen, close: () => server.closeAllConnections() })
          })
        }
      )
    }),
    ({ close }) => Effect.sync(close)
  )

/** A store that refuses a token lower than it has seen, and counts what it took and what not. */
export const fencedStore = fencedStoreAt("127.0.0.1", () => {})

/** A line of an app that writes. `stored` is about the store, `put` about a write under a fence of its group's own; null is not known. */
export interface Line {
  readonly leads?: string
  readonly holds?: string
  readonly ended?: string
  readonly token?: string
  readonly stored?: boolean | null
  readonly put?: boolean | null
}

export const linesOf = (app: Process.Running): ReadonlyArray<Line> =>
  app.stdout.split("\n").slice(0, -1).flatMap((line) => line.startsWith("{") ? [JSON.parse(line) as Line] : [])

/** Waits until the work of an app under this token has ended. */
export const ends = (app: Process.Running, token: string) =>
  app.until(() => linesOf(app).find(({ ended }) => ended === token))
