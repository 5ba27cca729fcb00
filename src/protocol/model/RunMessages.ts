/** The messages of scheduled runs: which have begun, and which are done. */
import * as Schema from "effect/Schema"
import { ElectionName, header, kind, Nonce } from "./MessageFields.ts"

/** Unix milliseconds of a scheduled instant; 0 for none. The greatest is the last that a date can be. */
const Instant = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_640_000_000_000_000 }))

const mark = {
  /** The newest instant whose run has begun. */
  begun: Instant,
  /** The newest instant whose run is done. */
  done: Instant
}

/** The marks of one job of one leadership. */
export const kinds = [
  /** Keep these marks of that job, and say which are known to you. With marks of 0 it only asks. */
  kind("RUN_MARK", {
    ...header,
    nonce: Nonce,
    leadership: ElectionName,
    job: ElectionName.check(Schema.isMinLength(1)),
    ...mark
  }),
  /** I keep them: in answer to that nonce, the newest marks of the job that I know. */
  kind("RUN_MARKED", { ...header, nonce: Nonce, ...mark })
] as const
