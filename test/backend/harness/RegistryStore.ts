/** The model of a registry: what etcd or a database does, in memory, at instants that the caller gives. */
import type * as Registry from "../../../src/registry/Registry.ts"

/** What happened in one transaction, or at the end of one session. */
export interface Revision {
  readonly number: number
  readonly changes: ReadonlyArray<Registry.Change>
}

/** Keys, sessions, and the log of their changes. */
export class RegistryStore {
  readonly entries = new Map<string, Registry.Entry>()
  /** Until when each session lasts. */
  readonly sessions = new Map<string, number>()
  /** Sessions that were ended before their time. */
  readonly endedEarly = new Set<string>()
  readonly log: Array<Revision> = []
  #listeners: ReadonlyArray<(revision: Revision) => void> = []
  #compacted = 0
  #sessions = 0

  get revision(): number {
    return this.#compacted + this.log.length
  }

  get compacted(): number {
    return this.#compacted
  }

  /** One that looks is told of each later revision; answers how to stop it. */
  listen(listener: (revision: Revision) => void): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener)
    }
  }

  #write(changes: ReadonlyArray<Registry.Change>): void {
    if (changes.length === 0) return
    for (const change of changes) {
      if (change._tag === "Put") this.entries.set(change.entry.key, change.entry)
      if (change._tag === "Gone") this.entries.delete(change.key)
    }
    const revision = { number: this.revision + 1, changes }
    this.log.push(revision)
    for (const listener of this.#listeners) listener(revision)
  }

  /** Begins a session. */
  begin(until: number): string {
    const id = `s${++this.#sessions}`
    this.sessions.set(id, until)
    return id
  }

  /** Renews a session; whether there still is one. */
  renew(session: string, until: number): boolean {
    const before = this.sessions.get(session)
    if (before === undefined) return false
    this.sessions.set(session, Math.max(before, until))
    return true
  }

  /** Ends a session, and all that is bound to it. */
  end(session: string, why: "deleted" | "expired"): void {
    if (!this.sessions.delete(session)) return
    const bound = [...this.entries.values()].filter((entry) => entry.session === session)
    this.#write(bound.map(({ key }) => ({ _tag: "Gone", key, why })))
  }

  /** Ends a session before its time, as an engine with a fault does. */
  endEarly(session: string): void {
    this.endedEarly.add(session)
    this.end(session, "expired")
  }

  /** Ends the sessions that are over. */
  expire(now: number): void {
    for (const [session, until] of this.sessions) if (until <= now) this.end(session, "expired")
  }

  /** One transaction of a session. */
  commit(
    session: string | null,
    { if: conditions, put = [], remove = [] }: Registry.Transaction
  ): "done" | "refused" | "over" {
    if (session === null || !this.sessions.has(session)) return "over"
    const holds = conditions.every(({ key, version }) => (this.entries.get(key)?.version ?? null) === version)
    if (!holds) return "refused"
    const version = String(this.revision + 1)
    this.#write([
      ...put.map(({ bound, key, value }): Registry.Change => ({
        _tag: "Put",
        entry: { key, value, version, session: bound ? session : null }
      })),
      ...remove.filter((key) => this.entries.has(key)).map((key): Registry.Change => ({
        _tag: "Gone",
        key,
        why: "deleted"
      }))
    ])
    return "done"
  }

  /** All entries now. */
  picture(): Registry.Change {
    return { _tag: "Picture", entries: [...this.entries.values()] }
  }

  /** Forgets the log: who is behind must begin anew. */
  compact(): void {
    this.#compacted += this.log.length
    this.log.length = 0
  }

  /** What came after a revision; null where that is forgotten. */
  after(revision: number): ReadonlyArray<Revision> | null {
    return revision < this.#compacted ? null : this.log.slice(revision - this.#compacted)
  }
}
