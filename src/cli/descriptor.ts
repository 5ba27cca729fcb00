/**
 * Standard output and standard error as file descriptors that never block. A write to a terminal that is not read, or to a
 * full pipe, would hold up the whole process, signals included.
 */
import * as Fs from "node:fs"
import * as Tty from "node:tty"

const flags = Fs.constants.O_WRONLY | Fs.constants.O_NONBLOCK | Fs.constants.O_NOCTTY

/**
 * The descriptor anew, so that not blocking is ours alone: other processes, such as the shell, share what is behind the
 * one that we inherited. A file is not opened anew, since it would be written from its beginning, and never blocks.
 */
const reopened = (fd: 1 | 2): number | undefined => {
  try {
    return Tty.isatty(fd) || Fs.fstatSync(fd).isFIFO() ? Fs.openSync(`/proc/self/fd/${fd}`, flags) : undefined
  } catch {
    // No Linux, or it belongs to another user, as after `su`.
    return undefined
  }
}

interface Handle {
  readonly fd?: number
  readonly setBlocking?: (blocking: boolean) => unknown
}

/** The descriptor of Node's own stream. Node makes pipes and sockets non-blocking when it opens them, but not terminals. */
const ofNode = (fd: 1 | 2): number => {
  const stream = fd === 1 ? process.stdout : process.stderr
  if (!stream.isTTY || process.platform === "win32") return fd
  const handle = (stream as { readonly _handle?: Handle })._handle
  handle?.setBlocking?.(false)
  return handle?.fd ?? fd
}

/** Writes what is taken at once, and returns how many bytes that is. Throws the system's error, `EAGAIN` where it is none. */
export const writerTo = (fd: 1 | 2): (bytes: Uint8Array) => number => {
  let open: number | undefined
  return (bytes) => Fs.writeSync(open ??= reopened(fd) ?? ofNode(fd), bytes)
}
