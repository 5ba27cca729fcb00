/** Files of keys, read from the system's disks. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { constants } from "node:fs"
import { type Contents, KeyFile, KeyFileUnreadable, maxBytes } from "../KeyFile.ts"
import * as Rarely from "./Rarely.ts"

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
  ENXIO: "it is no file"
}

// To open a pipe that nobody writes to would wait without end, and hold the exit of the process.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

const whyOf = (cause: unknown): string => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  return reasons[code] ?? (code === "" ? "it cannot be read" : code)
}

/**
 * Reads a file whole. One that is larger than any list of keys is refused without being read to its end, and so is anything
 * but a file, such as a pipe.
 */
export const read = (path: string): Effect.Effect<Contents, KeyFileUnreadable> =>
  Effect.tryPromise({
    try: async () => {
      const file = await Rarely.filePromises().open(path, flags)
      try {
        const stat = await file.stat()
        if (!stat.isFile() && !stat.isDirectory()) throw Object.assign(new Error("no file"), { code: "ENXIO" })
        const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0)
        // Windows makes up what it shows here.
        const mode = process.platform === "win32" ? null : stat.mode & 0o7777
        return bytesRead > maxBytes ? undefined : { text: buffer.toString("utf8", 0, bytesRead), mode }
      } finally {
        await file.close()
      }
    },
    catch: (cause) => new KeyFileUnreadable({ path, why: whyOf(cause) })
  }).pipe(
    Effect.filterOrFail(
      (contents) => contents !== undefined,
      () => new KeyFileUnreadable({ path, why: `it has more than ${maxBytes} bytes` })
    )
  )

/** `KeyFile` on the system's disks. */
export const layer: Layer.Layer<never> = Layer.succeed(KeyFile, { read })
