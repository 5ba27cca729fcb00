/** What is said of a failure of a registry: a client may have put anything into an error. */

const longest = 200

/** Not more than fits into a line of a log. */
export const shortened = (text: string): string => text.length > longest ? `${text.slice(0, longest)}...` : text

/** Whether a value has fields to look at, as errors and what caused them have. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null

/** What an error says, unless that is nothing. */
export const messageOr = (message: unknown, otherwise: string): string =>
  typeof message === "string" && message !== "" ? message : otherwise
