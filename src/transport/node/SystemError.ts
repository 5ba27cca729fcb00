/** The system's refusal of something: the name of its error and of the call, anywhere in an error. */
import * as Os from "node:os"
import { DatagramsFailed } from "../Datagrams.ts"

/** The name of an error of the system (`EMFILE`) and of the call (`bind`), if they are known. */
export interface SystemError {
  readonly code?: string
  readonly syscall?: string
}

/** The system's refusal, by an error of Node or by one that has it as its cause. */
export const of = (error: unknown): SystemError => {
  let code: string | undefined
  let syscall: string | undefined
  // An error of ours wraps one of Effect, which wraps one of Node, which may say more in `info`.
  for (let depth = 0, one = error; depth < mostCauses && isRecord(one); depth++) {
    const said = isRecord(one["info"]) ? { ...one, ...one["info"] } : one
    code = nameOf(said) ?? code
    if (typeof said["syscall"] === "string") syscall = said["syscall"]
    one = one["cause"] ?? one["reason"]
  }
  return { ...code === undefined ? {} : { code }, ...syscall === undefined ? {} : { syscall } }
}

/** The error for the layers above of an error of Node. */
export const failedBy = (during: DatagramsFailed["during"], where: string, cause: unknown): DatagramsFailed => {
  const said = of(cause)
  return new DatagramsFailed({ during, kind: kindOf(during, said.code ?? ""), where, ...said, cause })
}

// internal

const mostCauses = 8

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Some calls of libuv give the number with the wrong sign, and so no name. */
const nameOf = ({ code, errno }: Readonly<Record<string, unknown>>): string | undefined => {
  const byNumber = typeof errno === "number" ? names.get(Math.abs(errno)) : undefined
  return byNumber ?? (typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined)
}

const names = new Map(Object.entries(Os.constants.errno).map(([name, number]) => [number, name]))

const kindOf = (during: DatagramsFailed["during"], code: string): DatagramsFailed["kind"] => {
  // Linux says so of a destination that the address of the socket cannot reach: another network from the loopback.
  if (during === "send" && code === "EINVAL") return "Unreachable"
  // Of IPv4 by a count, of IPv6 by the memory that options of a socket may take.
  if (during === "join" && (code === "ENOBUFS" || code === "ENOMEM")) return "TooManyMemberships"
  return kinds[code] ?? "Unknown"
}

const kinds: Record<string, DatagramsFailed["kind"]> = {
  EADDRINUSE: "AddressInUse",
  EADDRNOTAVAIL: "AddressNotAvailable",
  // No such device: the interface went while it was being joined, or knows no multicast.
  ENODEV: "AddressNotAvailable",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EMFILE: "OutOfDescriptors",
  ENFILE: "OutOfDescriptors",
  EMSGSIZE: "TooLarge",
  ENETUNREACH: "Unreachable",
  EHOSTUNREACH: "Unreachable",
  ENETDOWN: "Unreachable",
  EHOSTDOWN: "Unreachable",
  ECONNREFUSED: "ConnectionRefused"
}
