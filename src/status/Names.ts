/** How servers are called where several are shown: two of one name, as on one host by default, are told apart. */
import * as Member from "../protocol/model/Member.ts"

interface Named extends Pick<Member.Member, "name" | "ip" | "port"> {
  readonly id: string
}

const withPort = ({ name, port }: Named): string => `${name}:${port}`

/** How each of these is called: by its name, with its port where two share the name, with its address where they share both, or its id if it has none. */
export const among = (members: ReadonlyArray<Named>): (one: Named) => string => {
  const counts = new Map<string, number>()
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const { name } of members) count(name)
  const isAlone = (name: string) => (counts.get(name) ?? 0) < 2
  if (counts.size === members.length) return ({ name }) => name
  // No name of a member is taken for one with a port: it is counted as a name already.
  for (const one of members) if (!isAlone(one.name) && !Member.isNowhere(one)) count(withPort(one))
  return (one) =>
    isAlone(one.name)
      ? one.name
      : !Member.isNowhere(one) && isAlone(withPort(one))
      ? withPort(one)
      : Member.isNowhere(one)
      ? `${one.name} ${one.id.slice(0, 6)}`
      : `${one.name} ${Member.formatAddress({ ip: one.ip, port: one.port })}`
}

/** The same members by names that tell them apart. */
export const toldApart = <M extends Named>(members: ReadonlyArray<M>): ReadonlyArray<M> => {
  const nameOf = among(members)
  return members.map((one) => Object.assign({}, one, { name: nameOf(one) }))
}
