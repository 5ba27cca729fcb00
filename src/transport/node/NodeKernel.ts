/** Linux's facts about UDP sockets in `/proc`. Elsewhere nothing is known. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { Kernel, parseSockets, type UdpSocket } from "../Kernel.ts"

/** Reads `/proc` each time it is asked. Of other users' sockets only root learns whose they are. */
export const layer: Layer.Layer<Kernel> = Layer.succeed(Kernel, {
  udpSockets: (port) =>
    Effect.sync(() => {
      const texts = ["/proc/net/udp", "/proc/net/udp6"].map(read).filter((text) => text !== undefined)
      if (texts.length === 0) return Option.none()
      const sockets = texts.flatMap((text) => parseSockets(text, Os.endianness() === "LE"))
        .filter((socket) => socket.port === port)
      const owners = ownersOf(new Set(sockets.map(({ inode }) => inode)))
      const owned: Array<UdpSocket> = []
      for (const socket of sockets) {
        const pid = owners.get(socket.inode)
        const owner = pid === undefined ? null : { pid, command: commandOf(pid) }
        owned.push({ ...socket, owner, own: pid === process.pid })
      }
      return Option.some(owned)
    }),
  receiveBufferLimit: Effect.sync(() => {
    const limit = Number(read("/proc/sys/net/core/rmem_max") ?? Number.NaN)
    return Number.isInteger(limit) ? Option.some(limit) : Option.none()
  })
})

// internal

const read = (path: string): string | undefined => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

const list = (path: string): ReadonlyArray<string> => {
  try {
    return Fs.readdirSync(path)
  } catch {
    // Gone meanwhile, or another user's.
    return []
  }
}

/** The program's file, without its arguments, in which there may be secrets; else the name that it gave itself. */
const commandOf = (pid: number): string => {
  const file = target(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "")
  return Path.basename(file) || read(`/proc/${pid}/comm`)?.trim() || "unknown"
}

const target = (link: string): string => {
  try {
    return Fs.readlinkSync(link)
  } catch {
    // Gone meanwhile, or another user's.
    return ""
  }
}

/** The processes that hold these sockets, as far as they let us see. */
const ownersOf = (inodes: ReadonlySet<number>): ReadonlyMap<number, number> => {
  const owners = new Map<number, number>()
  if (inodes.size === 0) return owners
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = Number(/^socket:\[(\d+)\]$/.exec(target(`/proc/${pid}/fd/${fd}`))?.[1])
      // A forked child holds its parent's sockets too: the first one found is named.
      if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, Number(pid))
    }
  }
  return owners
}
