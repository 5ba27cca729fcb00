/** The answer of a group to an inquiry, as lines for people: pure, from data to text. */
import type * as Inquiry from "../client/Inquiry.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import * as Voters from "../protocol/model/Voters.ts"
import * as Names from "./Names.ts"
import type * as Style from "./Style.ts"
import * as Table from "./Table.ts"
import * as Text from "./Text.ts"

/** A member as it is listed. What is not known of it is left out. */
type Shown = Omit<Table.Row, "term"> & Partial<Pick<Message.Listed, "votesIn">>

/** The server that answered: its id, and the source of the answer. */
export const answeredBy = ({ by, from }: Inquiry.Answer): Pick<Message.Listed, "id" | "ip" | "port"> => ({
  id: by,
  ip: from.ip,
  port: from.port
})

/** The answering server's line of the leader that it follows; undefined if it follows none, or one that is in no list. */
export const leaderOf = <M extends Shown>(
  { leader, members }: { readonly leader: Inquiry.Answer["leader"]; readonly members: ReadonlyArray<M> }
): M | undefined => members.find(({ id }) => id === leader?.id)

/** The members of the group, and its leader. */
export const members = (
  answer: Pick<Inquiry.Answer, "leader" | "term"> & { readonly members: ReadonlyArray<Shown> },
  now: number,
  style: Style.Style,
  without?: "heard"
): ReadonlyArray<string> => {
  const { leader, members, term } = answer
  const rows: Array<Table.Row> = []
  for (const line of members) rows.push({ ...line, term: line.id === leader?.id ? term : null })
  const isListed = leaderOf(answer) !== undefined
  return [
    ...Table.table(rows, now, style, without),
    ...Names.toldApart(members).flatMap(({ name, votesIn }) =>
      votesIn === undefined ?
        [] :
        [`${Text.clean(name)} ${
          votesIn >= Voters.never ? "has no vote" : `does not vote yet: in ${Text.age(votesIn)} at the latest`
        }`]
    ),
    ...(leader === null
      ? ["nobody leads"]
      : isListed
      ? []
      : [`${leader.id} at ${Member.formatAddress(leader)} leads, and is not in this list`])
  ]
}

/** Who leads, as one line; `line` is what is listed of it. */
export const leads = (
  { leader, line, term }: {
    readonly leader: Inquiry.Answer["leader"]
    readonly line: Shown | undefined
    readonly term: number
  },
  now: number,
  style: Style.Style,
  without?: "heard"
): ReadonlyArray<string> =>
  leader === null ? ["nobody leads"] : Table.table([{ name: leader.id, ...leader, ...line, term }], now, style, without)

/** The leader. If another server says so, that one is named, and since when it has not heard the leader. */
export const leader = (answer: Inquiry.Answer, now: number, style: Style.Style): ReadonlyArray<string> => {
  const { by, from, leader, members, term } = answer
  const line = leaderOf(answer)
  const table = leads({ leader, line, term }, now, style)
  if (leader === null || leader.id === by) return table
  const teller = Text.clean(Names.toldApart(members).find(({ id }) => id === by)?.name ?? by)
  const heard = line === undefined ? "does not have it in its list" : `last heard it ${Text.age(line.heard)} ago`
  return [...table, `as told by ${teller} at ${Member.formatAddress(from)}, which ${heard}`]
}
