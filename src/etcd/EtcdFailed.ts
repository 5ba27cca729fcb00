/** Why a request to etcd has no answer to use, and what that means for what it asked for. */
import type * as HttpClientError from "effect/http/HttpClientError"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isObject, messageOr, shortened } from "../registry/FailureText.ts"

/**
 * - `NotDone`: it was not carried out, and may be at another endpoint or later. `Unknown`: it may have been, or may still be.
 * - `LeaseGone`: the lease that it names is over. `TokenGone`: the token is no longer known, or there was none.
 * - `Refused`: it never will be. `GatewayOff`: nothing answers there at the paths of the JSON gateway.
 */
export const Kind = Schema.Literals(["NotDone", "Unknown", "LeaseGone", "TokenGone", "Refused", "GatewayOff"])

export type Kind = typeof Kind.Type

export class EtcdFailed extends Schema.TaggedError<EtcdFailed>()("EtcdFailed", {
  kind: Kind,
  endpoint: Schema.String,
  detail: Schema.String,
  /** The connection ended before the answer did. */
  isHungUp: Schema.optionalKey(Schema.Literal(true)),
  /** One side does not believe the other's certificate. */
  isUntrusted: Schema.optionalKey(Schema.Literal(true))
}) {
  override get message() {
    return `${this.endpoint}: ${this.detail}`
  }
}

/** What an endpoint refuses, for good. */
export const refused = (endpoint: string, detail: string): EtcdFailed =>
  new EtcdFailed({ kind: "Refused", endpoint, detail })

/** As the gateway tells an error: before 3.6 with the text twice, within a stream of 3.4 with other names. */
const Told = Schema.Struct({
  code: Schema.optionalKey(Schema.Int),
  grpc_code: Schema.optionalKey(Schema.Int),
  message: Schema.String
})

const told = Schema.decodeUnknownOption(Told)

/** By the codes of gRPC, which stay from version to version. What they are for: grpc.io/docs/guides/status-codes. */
const kindOf = (code: number, message: string): Kind => {
  if (code === 16 || /revision of auth store is old|user name is empty/.test(message)) return "TokenGone"
  if (code === 5 && message.includes("lease not found")) return "LeaseGone"
  // Too much is asked for at once, or the disk is full: etcd looks before it does anything.
  if (code === 8) return "NotDone"
  // The argument, the name, the right, or the state of things is not what it has to be.
  return [3, 5, 6, 7, 9, 11, 12].includes(code) ? "Refused" : "Unknown"
}

/** What an answer in JSON says that is an error, within a stream too. */
export const ofError = (endpoint: string, error: unknown): EtcdFailed =>
  Option.match(told(error), {
    onNone: () => ofNonsense(endpoint),
    onSome: ({ code, grpc_code = code ?? 2, message }) =>
      new EtcdFailed({ kind: kindOf(grpc_code, message), endpoint, detail: shortened(message) })
  })

/** What an answer of another status than 200 says. */
export const ofStatus = (endpoint: string, status: number, body: unknown): EtcdFailed => {
  if (Option.isSome(told(body))) return ofError(endpoint, body)
  const detail = `HTTP status ${status}`
  if (status === 404) {
    return new EtcdFailed({ kind: "GatewayOff", endpoint, detail: "no JSON gateway of etcd answers here" })
  }
  if (status === 401) return new EtcdFailed({ kind: "TokenGone", endpoint, detail })
  return new EtcdFailed({ kind: status === 429 ? "NotDone" : status < 500 ? "Refused" : "Unknown", endpoint, detail })
}

/** Errors of a connection that was never made: nothing was sent over it. */
const unsent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|EPROTO)$/

/** So do those of TLS say it, by Node's names: it makes them of OpenSSL's words, such as `ssl/tls alert bad certificate`. */
const untrusted =
  /^(ERR_(TLS|SSL)_[\w/]+|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|HOSTNAME_MISMATCH)$/

/** The first code in an error and what caused it, with its text; `fetch` has it one below. */
const codeIn = (error: unknown, depth = 0): { readonly code: string; readonly text: string } | undefined => {
  if (!isObject(error) || depth > 4) return undefined
  const { cause, code, errors, message } = error
  if (typeof code === "string") return { code, text: messageOr(message, code) }
  // Each address of a name has an error of its own: one will do.
  return codeIn(cause, depth + 1) ?? (Array.isArray(errors) ? codeIn(errors[0], depth + 1) : undefined)
}

/** What the client says of a request that was not answered. */
export const ofClient = (endpoint: string, error: HttpClientError.HttpClientError): EtcdFailed => {
  const found = codeIn(error)
  const detail = shortened(found?.text ?? error.message)
  if (found !== undefined && untrusted.test(found.code)) {
    return new EtcdFailed({ kind: "NotDone", endpoint, detail, isUntrusted: true })
  }
  return found !== undefined && unsent.test(found.code)
    ? new EtcdFailed({ kind: "NotDone", endpoint, detail })
    : new EtcdFailed({ kind: "Unknown", endpoint, detail, isHungUp: true })
}

/** What is known of a request that was given up. */
export const ofTime = (endpoint: string, ms: number): EtcdFailed =>
  new EtcdFailed({ kind: "Unknown", endpoint, detail: `no answer within ${Math.round(ms)} ms` })

/** An answer that cannot be read. */
export const ofNonsense = (endpoint: string): EtcdFailed =>
  new EtcdFailed({ kind: "Unknown", endpoint, detail: "an answer that is none of etcd's" })
