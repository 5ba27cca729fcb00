/**
 * Moving a group between backends: see `moving/Moving.ts`.
 *
 * @since 0.1.0
 */
export * from "./moving/Moving.ts"
