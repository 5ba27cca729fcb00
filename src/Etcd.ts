/**
 * Groups in etcd: see `etcd/Etcd.ts`.
 *
 * @since 0.1.0
 */
export * from "./etcd/Etcd.ts"
