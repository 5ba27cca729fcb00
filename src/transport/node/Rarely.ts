/** Modules of Node that few processes need: loaded when they are needed first, as they take up to three milliseconds of a start each. */

export const childProcess = () => process.getBuiltinModule("node:child_process")
export const cluster = () => process.getBuiltinModule("node:cluster")
export const dns = () => process.getBuiltinModule("node:dns")
export const filePromises = () => process.getBuiltinModule("node:fs/promises")
export const workerThreads = () => process.getBuiltinModule("node:worker_threads")
