/** Members have their colours by their ids, so that one looks the same everywhere and on every page. */

/** How many colours there are. */
const colours = 8

/** The name of a member's colour, as the style sheet knows it. */
export const of = (id: string): string => `c${Number.parseInt(id.slice(0, 8), 16) % colours}`
