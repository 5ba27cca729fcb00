/** The page as the build makes it: see `scripts/page.mjs`. */

/** The whole of it. */
export declare const html: string
/** What a browser may do with it, and nothing else: the value of its Content-Security-Policy. */
export declare const policy: string
/** Which page it is. */
export declare const etag: string
