/**
 * The interfaces of the system that Node runs on.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Fs from "node:fs"
import * as Os from "node:os"
import { Interfaces } from "./interfaces/Interfaces.ts"
import { defaultRoute6Of, defaultRouteOf } from "./interfaces/Routes.ts"
import type { SystemInterface } from "./interfaces/SystemInterface.ts"

/**
 * Asks the system each time. The default route is known on Linux only; elsewhere the first interface is the primary
 * one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Interfaces> = Layer.succeed(Interfaces, {
  scan: Effect.sync(() => {
    const found: Array<SystemInterface> = []
    try {
      for (const [name, addresses] of Object.entries(Os.networkInterfaces())) {
        const index = addresses?.find((one) => one.family === "IPv6" && one.scopeid > 0)?.scopeid
        for (const { address, family, internal, netmask, scopeid = 0 } of addresses ?? []) {
          if (family === "IPv4") found.push({ name, address, netmask, internal })
          else if (scopeid === 0) found.push({ name, address, netmask, internal, index })
          else found.push({ name, address: `${address}%${zoneOf(name, scopeid)}`, netmask, internal, index })
        }
      }
    } catch {
      // Where the system refuses to tell (some sandboxes), there are none to choose from, and the choice says so.
    }
    return found
  }),
  defaultRoute: Effect.sync(() => {
    try {
      return Option.orElse(
        defaultRouteOf(Fs.readFileSync("/proc/net/route", "latin1")),
        () => defaultRoute6Of(Fs.readFileSync("/proc/net/ipv6_route", "latin1"))
      )
    } catch {
      return Option.none()
    }
  })
})

// internal

// Windows knows zones by number only.
const zoneOf = (name: string, scopeId: number): string => process.platform === "win32" ? String(scopeId) : name
