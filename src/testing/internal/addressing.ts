/** Which addresses the machines of a simulated network have: interfaces that come, go, and get another address. */
import * as Effect from "effect/Effect"
import type { Host } from "../SimulatedHost.ts"
import type { Agenda } from "./agenda.ts"
import * as Interfaces from "./interfaces.ts"
import type { Interface, Machine } from "./machine.ts"
import * as Sockets from "./sockets.ts"

/** That of the first interface that has one. */
export const ipOf = ({ interfaces }: Machine): string =>
  (interfaces.find(({ ip }) => ip !== null) ?? interfaces[0])?.ip ?? "no address"

const interfaceOf = (machine: Machine, name?: string) =>
  Effect.suspend(() => {
    const found = name === undefined ? machine.interfaces[0] : machine.interfaces.find((one) => one.name === name)
    return found === undefined
      ? Effect.die(new Error(`${machine.name} has no interface ${name ?? ""}`))
      : Effect.succeed(found)
  })

/** The verbs that change the interfaces of a machine. */
export const verbs = (
  machine: Machine,
  byIp: Map<string, Machine>,
  agenda: Agenda
): Pick<Host, "setAddress" | "addInterface" | "removeInterface"> => {
  const assign = (one: Interface, ip: string | null) => {
    if (ip !== null && byIp.has(ip) && ip !== one.ip) {
      return Effect.die(new Error(`a machine with the address ${ip} exists already`))
    }
    return Effect.sync(() => {
      if (one.ip !== null) byIp.delete(one.ip)
      Interfaces.assign(one, ip)
      if (ip !== null) byIp.set(ip, machine)
      Sockets.changed(machine, agenda)
    })
  }
  return {
    setAddress: (ip, name) => Effect.flatMap(interfaceOf(machine, name), (one) => assign(one, ip)),
    addInterface: (name, ip) =>
      Effect.suspend(() => {
        if (name === Interfaces.loopback || machine.interfaces.some((one) => one.name === name)) {
          return Effect.die(new Error(`${machine.name} has an interface ${name} already`))
        }
        const one = Interfaces.make(name, null)
        machine.interfaces.push(one)
        return assign(one, ip)
      }),
    removeInterface: (name) =>
      Effect.flatMap(interfaceOf(machine, name), (one) => {
        machine.interfaces.splice(machine.interfaces.indexOf(one), 1)
        return assign(one, null)
      })
  }
}
