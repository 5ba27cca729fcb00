/** What is said of a failure of a registry: a client may have put anything into an error. */

const longest = 200

/** On one line, and not more than fits into one of a log. */
export const shortened = (text: string): string => {
  const line = text.trim().replaceAll(/\s+/g, " ")
  return line.length > longest ? `${line.slice(0, longest)}...` : line
}

/** Whether a value has fields to look at, as errors and what caused them have. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null

/** What an error says, unless that is nothing. */
export const messageOr = (message: unknown, otherwise: string): string =>
  typeof message === "string" && message !== "" ? message : otherwise
