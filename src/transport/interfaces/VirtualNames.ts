/** The names of interfaces that, as a rule, lead to no other host of the LAN. */

/**
 * Whether an interface is left out as long as there is another: bridges and links of containers and virtual machines, which
 * lead to no other host of the LAN, and tunnels, most of which carry no multicast and all of which lead elsewhere.
 */
export const isVirtual = (name: string): boolean =>
  isInner(name) || isTunnel(name) || links.some((pattern) => pattern.test(name))

/** Whether an interface is a bridge that a manager of containers or virtual machines made for those of this host alone. */
export const isInner = (name: string): boolean => inner.some((pattern) => pattern.test(name))

/** Whether an interface is a tunnel. */
export const isTunnel = (name: string): boolean => tunnels.some((pattern) => pattern.test(name))

// internal

const inner: ReadonlyArray<RegExp> = [
  // Docker's default bridge, those of user networks, whose names are the beginning of an id, and that of swarm. Other bridges
  // are called br-lan or br-ex, and are where the LAN is.
  /^docker\d/,
  /^br-[0-9a-f]{12}$/,
  /^docker_gwbridge$/,
  // Bridges of podman, LXD and Incus, and of Kubernetes' networks.
  /^podman\d/,
  /^(lxd|incus)br/,
  /^cni/,
  // Bridges and host-only networks of libvirt, VMware, VirtualBox, Parallels, and of Apple's and Microsoft's machines.
  /^virbr/,
  /^vmnet/,
  /^VMware /,
  /^vboxnet/,
  /^VirtualBox /,
  /^vnic\d/,
  /^bridge1\d\d/,
  /^vEthernet \((WSL|Default Switch|nat)/
]

const links: ReadonlyArray<RegExp> = [
  // The host's end of a link into a container.
  /^veth/,
  /^cali/,
  /^cilium/,
  /^lxc/,
  /^flannel/,
  // Apple's link to devices nearby: no network of the operator's.
  /^(awdl|llw|anpi|ap)\d/
]

const tunnels: ReadonlyArray<RegExp> = [
  // OpenVPN and its like, IPsec, WireGuard, Tailscale, ZeroTier, dial-up.
  /^tun/,
  /^tap/,
  /^utun/,
  /^ipsec/,
  /^wg/,
  /^tailscale/i,
  /^zt/,
  /^ppp/,
  /^(sit|gre|ip6tnl|tunl)\d/
]
