/**
 * The programs that are compared: how a server of each is started, and what it says whom it follows and how many others it sees.
 */
import * as Path from "node:path"

/** What one server says of the group at a time, in Unix ms of its own clock: that of this machine. */
export interface Sight {
  readonly at: number
  readonly leader: string | null
  readonly sees: number
}

export interface Contender {
  readonly name: string
  /** The words after `node` that start the server of that name and rank. */
  readonly words: (name: string, rank: number) => ReadonlyArray<string>
  /** A reader of the lines that one server prints, one after the other. */
  readonly reader: () => (line: string) => Sight
}

const program = Path.resolve(import.meta.dirname, "../../dist/main.js")
const nodeDiscover = Path.resolve(import.meta.dirname, "nodeDiscover.mjs")

interface Event {
  readonly at: number
  readonly event: string
  readonly leader?: { readonly name: string } | null
}

const bellwether = (name: string, flags: ReadonlyArray<string>): Contender => ({
  name,
  words: (server, rank) => [program, "serve", "--json", "--name", server, "--priority", String(rank), ...flags],
  reader: () => {
    let sight: Sight = { at: 0, leader: null, sees: 0 }
    return (line) => {
      const event: Event = JSON.parse(line)
      const { leader, sees } = sight
      sight = {
        at: event.at,
        leader: event.event === "LeaderChanged" ? event.leader?.name ?? null : leader,
        sees: sees + (event.event === "MemberJoined" ? 1 : event.event === "MemberRemoved" ? -1 : 0)
      }
      return sight
    }
  }
})

const discover = (name: string, hello: number, check: number, timeout: number): Contender => ({
  name: `node-discover ${name} (${hello}/${check}/${timeout} ms)`,
  words: (server, rank) => [nodeDiscover, server, ...[rank, hello, check, timeout].map(String)],
  reader: () => (line) => JSON.parse(line)
})

/** Those of this project's profiles, and node-discover by its defaults and as fast as its users set it. */
export const contenders: ReadonlyArray<Contender> = [
  bellwether("standard", []),
  bellwether("fast", ["--profile", "fast"]),
  bellwether("realtime", ["--profile", "realtime"]),
  bellwether("lease, fast", ["--profile", "fast", "--leadership", "lease", "--group-size", "5"]),
  discover("default", 1_000, 2_000, 2_000),
  discover("fast", 100, 100, 300)
]
