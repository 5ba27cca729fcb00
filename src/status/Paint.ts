/** The few ways in which text on a terminal stands out: the one place that knows their codes. */
const codes = { dim: "2", bold: "1", leader: "1;32", warning: "1;33", bad: "31" } as const

/** One of these ways. */
export type Look = keyof typeof codes

/** The text as it looks in a style: as it is where there are no colours. For texts that are cut already. */
export const paint = (style: { readonly color: boolean }, look: Look, text: string): string =>
  style.color && text !== "" ? `\x1b[${codes[look]}m${text}\x1b[0m` : text
