/** What a server knows of the runs of scheduled jobs. */
import type * as HashMap from "effect/HashMap"
import type * as Member from "./Member.ts"

/** The newest scheduled instant of a job whose run has begun, and the newest whose run is done: Unix ms, 0 for none. */
export interface Mark {
  readonly begun: number
  readonly done: number
}

/**
 * What a majority knows of a job. `since`: of runs up to that instant a member may have known that has started anew: its marks
 * are lost.
 */
export interface Known extends Mark {
  readonly since: number
}

/** A job of a leadership; the group's own leadership has no name. */
export interface Job {
  readonly leadership: string
  readonly job: string
}

/** Marks that this server, which leads, wants the others to keep, and to say which they know. */
export interface Asking extends Job {
  readonly request: number
  readonly nonce: string
  readonly mark: Mark
  /** How often it was said. */
  readonly said: number
  readonly answered: ReadonlyArray<Member.NodeId>
  /** The newest that has been heard so far. */
  readonly known: Known
}

/** The marks that a server keeps, by job, and those that it asks for. */
export interface Runs {
  readonly marks: HashMap.HashMap<string, Mark>
  readonly asking: ReadonlyArray<Asking>
}
