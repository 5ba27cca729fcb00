/**
 * The port through which a file of keys is read. Without it, no file can be read: a key is then given in code or in the
 * environment. `NodeDatagrams` brings the one that reads files of the system.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A file could not be read, and why. Its content is never shown. */
export class KeyFileUnreadable extends Schema.TaggedError<KeyFileUnreadable>()("KeyFileUnreadable", {
  path: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.why}`
  }
}

/** The most bytes that a file of keys may have. */
export const maxBytes = 65_536

/** The content of a file of keys, and the permissions of the file as POSIX has them; null if the system knows none. */
export interface Contents {
  readonly text: string
  readonly mode: number | null
}

/**
 * Whether others than the owner of a file may do anything with it: then it keeps no secret from them, or they can put their
 * own keys in it. The same bits as `ssh` asks of its keys.
 */
export const isExposed = (mode: number | null): mode is number => mode !== null && (mode & 0o077) !== 0

/** Permissions as `chmod` takes them: `0640`. */
export const formatMode = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0")

/** Reads a whole file as text. */
export const KeyFile = Context.Reference<{
  readonly read: (path: string) => Effect.Effect<Contents, KeyFileUnreadable>
}>("bellwether/transport/KeyFile", {
  defaultValue: () => ({
    read: (path) => Effect.fail(new KeyFileUnreadable({ path, why: "files cannot be read here" }))
  })
})
