/** Starts several servers as the workers of `node:cluster`, as PM2 does in its cluster mode: `cluster.mjs MAIN`. */
import cluster from "node:cluster"

cluster.setupPrimary({ exec: process.argv[2], args: ["serve", "--json"] })
for (const name of ["one", "two", "three"]) cluster.fork({ BELLWETHER_NAME: name })
