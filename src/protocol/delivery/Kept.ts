/**
 * The newest messages that one receiver has, of all reigns, for those that missed them. They are kept in blocks, so that to add one copies
 * a block at most, and not all of them.
 */
import * as Client from "../model/Client.ts"
import type * as Message from "../model/Message.ts"

type Delivered = Message.Of<"CLIENT_DELIVER">

/** How many of the newest messages are kept at least. */
export const limit = 1_024

const blockSize = 32

/** How many are kept at most. */
export const most = limit + blockSize

/** The blocks that are full, oldest first, and the newest messages, which do not fill one yet. */
export interface Kept {
  readonly blocks: ReadonlyArray<ReadonlyArray<Delivered>>
  readonly newest: ReadonlyArray<Delivered>
}

/** No message. */
export const empty: Kept = { blocks: [], newest: [] }

/** With one more message. The oldest block is dropped where the others suffice. */
export const add = ({ blocks, newest }: Kept, message: Delivered): Kept =>
  newest.length < blockSize
    ? { blocks, newest: [...newest, message] }
    : { blocks: [...blocks.slice(1 - limit / blockSize), newest], newest: [message] }

/** All of them, oldest first. */
export const all = ({ blocks, newest }: Kept): ReadonlyArray<Delivered> => [...blocks.flat(), ...newest]

/** The newest message of a client with that number. */
export const of = ({ blocks, newest }: Kept, client: Client.ClientId, seq: number): Delivered | undefined => {
  const isIt = (message: Delivered) => message.seq === seq && message.client.id === client
  return newest.find(isIt) ?? blocks.findLast((block) => block.some(isIt))?.find(isIt)
}

/** The missed messages, in order, at most as many as may be on their way of one client. */
export const find = (kept: Kept, missed: Message.Missed, from: number, to: number): ReadonlyArray<Delivered> =>
  "client" in missed
    ? all(kept).filter(({ client, seq }) => client.id === missed.client && from <= seq && seq <= to)
      .toSorted((a, b) => a.seq - b.seq).slice(0, Client.window)
    : all(kept).filter(({ index, leader, term }) =>
      term === missed.term && leader === missed.leader && from <= index && index <= to
    ).toSorted((a, b) => a.index - b.index).slice(0, Client.window)

/** The messages that are still to be repeated, now that somebody else has repeated one. */
export const withoutAnswered = (
  answers: ReadonlyArray<Delivered>,
  { index, leader, term }: Delivered
): ReadonlyArray<Delivered> =>
  answers.length === 0
    ? answers
    : answers.filter((one) => one.index !== index || one.leader !== leader || one.term !== term)
