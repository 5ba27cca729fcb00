/**
 * Why etcd cannot be used as it is.
 *
 * @since 0.1.0
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { EtcdFailed } from "./EtcdFailed.ts"

/**
 * etcd cannot be used as it is, and waiting changes nothing. Programs exit with 2.
 *
 * - `gateway-off`: nothing answers at the paths of the JSON gateway. Before 3.5 it is off where a configuration file does not set
 *   `enable-grpc-gateway: true`.
 * - `version`: it is older than 3.4.
 * - `auth`: the name or the password is wrong, or there is none, or it has no right to the keys below the group's prefix.
 * - `clusters`: the endpoints belong to more than one cluster.
 * - `unreachable`: no endpoint has answered, or none that follows a majority; only where an answer was needed at once, as by `fence`.
 *
 * @category errors
 * @since 0.1.0
 */
export class EtcdRefused extends Schema.TaggedError<EtcdRefused>()("EtcdRefused", {
  reason: Schema.Literals(["gateway-off", "version", "auth", "clusters", "unreachable"]),
  endpoint: Schema.String,
  /** What etcd has said, or what came in place of an answer. */
  detail: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `etcd at ${this.endpoint}: ${this.detail}${hints[this.reason]}`
  }
}

const hints = {
  "gateway-off": "; before 3.5 it needs enable-grpc-gateway: true in its configuration file",
  version: "; 3.4 and later have the JSON gateway that is needed",
  auth: "; the user needs the right to read and write all keys below the group's prefix",
  clusters: "",
  unreachable: ""
}

/**
 * What a failure is to those who needed an answer at once.
 *
 * @internal
 */
export const of = ({ detail, endpoint, kind }: EtcdFailed): EtcdRefused =>
  new EtcdRefused({ reason: reasonOf(kind, detail), endpoint, detail })

const reasonOf = (kind: EtcdFailed["kind"], detail: string): EtcdRefused["reason"] =>
  kind === "GatewayOff"
    ? "gateway-off"
    : kind === "Refused" || kind === "TokenGone"
    ? detail.includes("another cluster") ? "clusters" : "auth"
    : "unreachable"
