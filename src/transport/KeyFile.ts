/**
 * The port through which a file of keys is read. Where nothing is provided, no file can be: a key is then given in code or
 * in the environment. `NodeDatagrams` brings the one that reads files of the system.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A file could not be read, and why. What is in it is never told.
 *
 * @category errors
 * @since 0.1.0
 */
export class KeyFileUnreadable extends Schema.TaggedError<KeyFileUnreadable>()("KeyFileUnreadable", {
  path: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.why}`
  }
}

/**
 * The most bytes that a file of keys may have.
 *
 * @category models
 * @since 0.1.0
 */
export const maxBytes = 65_536

/**
 * Reads a whole file as text.
 *
 * @category services
 * @since 0.1.0
 */
export const KeyFile = Context.Reference<{
  readonly read: (path: string) => Effect.Effect<string, KeyFileUnreadable>
}>("bellwether/transport/KeyFile", {
  defaultValue: () => ({
    read: (path) => Effect.fail(new KeyFileUnreadable({ path, why: "files cannot be read here" }))
  })
})
