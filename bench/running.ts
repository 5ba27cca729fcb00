/** A server as a process on loopback: whom it sees and follows, by what it tells. */
import { type ChildProcess } from "node:child_process"
import { createInterface } from "node:readline"
import { environment } from "./loopback.ts"
import * as Usage from "./usage.ts"

/** What one of its lines says. */
export interface Told {
  readonly event: string
  readonly at: number
  readonly self?: { readonly id: string }
  readonly member?: { readonly id: string; readonly incarnation: number }
  readonly leader?: { readonly id: string } | null
  readonly reason?: { readonly _tag: string }
}

/** One of them. `changed` is called after each line that was read. */
export class Running {
  readonly child: ChildProcess
  /** All that it told, oldest first. */
  readonly events: Array<Told> = []
  /** The others that it sees. */
  readonly members = new Set<string>()
  id = ""
  leader: string | null = null

  constructor(port: number, flags: ReadonlyArray<string> = [], changed: () => void = () => {}) {
    this.child = Usage.start(["serve", "--json", ...flags], {
      env: environment(port),
      stdio: ["ignore", "pipe", "inherit"]
    })
    createInterface(this.child.stdout!).on("line", (line) => {
      this.#read(JSON.parse(line))
      changed()
    })
  }

  #read(told: Told): void {
    this.events.push(told)
    if (told.event === "Started" && told.self !== undefined) this.id = told.self.id
    if (told.event === "MemberJoined" && told.member !== undefined) this.members.add(told.member.id)
    if (told.event === "MemberRemoved" && told.member !== undefined) this.members.delete(told.member.id)
    if (told.event === "LeaderChanged") this.leader = told.leader?.id ?? null
  }
}
