/**
 * The generation id of a virtual machine: it changes whenever the machine is set back to a snapshot, or copied from one.
 * Servers under a lease notice by it that they may have forgotten promises.
 *
 * Node reads none on any platform, so there is none unless the app provides it, from its hypervisor or its agent.
 *
 * ```ts import { Generation } from "bellwether" import * as Layer from "effect/Layer" import * as Fs from "node:fs"
 *
 * // A file that the hypervisor shares with the machine: memory would be set back with all else. export const layer =
 * Layer.succeed(Generation.Generation, () => Fs.readFileSync("/mnt/host/generation", "utf8")) ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * Answers the id at each call, at once; undefined while it is not known. It is asked at every step of a server.
 *
 * @category services
 * @since 0.1.0
 */
export const Generation = Context.Reference<() => string | undefined>("bellwether/transport/Generation", {
  defaultValue: () => () => undefined
})
