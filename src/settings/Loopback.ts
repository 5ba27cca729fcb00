/** Which hosts are reached from this machine alone. */
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"

/** Whether a host is an address of loopback, or the name that always means one (RFC 6761, 6.3). */
export const isLoopback = (host: Host.Host): boolean =>
  Host.isDomainName(host)
    ? /^(?:.*\.)?localhost\.?$/i.test(Host.formatHost(host))
    : NetAddress.isIpAddress(host) && NetAddress.isLoopback(host)
