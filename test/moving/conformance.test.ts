/** The conformance cases on a group that has two backends at once. */
import { VirtualTime } from "../../src/testing/index.ts"
import { conformance } from "../backend/Conformance.ts"
import * as Servers from "./Servers.ts"

conformance("a group on a LAN and in a registry", Servers.ground("both"), VirtualTime.run)

conformance("a group in two registries", Servers.ground("two registries"), VirtualTime.run)
