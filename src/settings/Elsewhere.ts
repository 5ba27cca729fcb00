/**
 * The names in an environment that mean something to a part of this program which is not loaded with the settings of a server on a LAN:
 * which backend `serve` has, and where its registry is. One environment may serve several backends, so each passes over them.
 */
export const names: ReadonlySet<string> = new Set([
  "BELLWETHER_BACKEND",
  "BELLWETHER_ADVERTISE",
  "BELLWETHER_ETCD_ENDPOINTS",
  "BELLWETHER_ETCD_USERNAME",
  "BELLWETHER_ETCD_PASSWORD",
  "BELLWETHER_ETCD_PREFIX",
  "BELLWETHER_ETCD_CA_FILE",
  "BELLWETHER_ETCD_CERT_FILE",
  "BELLWETHER_ETCD_KEY_FILE",
  "BELLWETHER_SQL_POLL_INTERVAL",
  "BELLWETHER_SQL_SCHEMA",
  "BELLWETHER_SQL_MIGRATE"
])
