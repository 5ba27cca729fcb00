/** What the versions of etcd can do, and cannot. */
import * as Schema from "effect/Schema"

/** As the path `/version` answers. */
export const Version = Schema.Struct({ etcdserver: Schema.String })

const partsOf = (version: string): readonly [number, number, number] => {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.+-]/, 3).map(Number)
  return [major, minor, patch]
}

/** Whether it has the paths of the gateway that are asked for. */
export const hasGateway = (version: string): boolean => {
  const [major, minor] = partsOf(version)
  return major > 3 || (major === 3 && minor >= 4)
}

/**
 * Whether a node that leads and stands still may end leases of this version early, while they are renewed elsewhere
 * (etcd-io/etcd#15247; mended in 3.4.31 and 3.5.13).
 */
export const endsLeasesEarly = (version: string): boolean => {
  const [major, minor, patch] = partsOf(version)
  return major === 3 && ((minor === 4 && patch < 31) || (minor === 5 && patch < 13))
}
