/**
 * The names of interfaces that lead to no other host of the LAN.
 *
 * @since 0.1.0
 */
/**
 * Whether an interface is left out unless it is named: bridges and links of containers and virtual machines, which
 * lead to no other host of the LAN, and tunnels, most of which carry no multicast and all of which lead elsewhere.
 *
 * @category guards
 * @since 0.1.0
 */
export const isVirtual = (name: string): boolean => virtual.some((pattern) => pattern.test(name))

// internal

const virtual: ReadonlyArray<RegExp> = [
  // Docker's default bridge, its bridges of user networks and of swarm.
  /^docker\d/,
  /^br-/,
  /^docker_gwbridge$/,
  // The host's end of a link into a container, and the bridges and links of Kubernetes' networks.
  /^veth/,
  /^cni/,
  /^cali/,
  /^cilium/,
  /^lxc/,
  /^flannel/,
  // Bridges of podman, LXD and Incus.
  /^podman\d/,
  /^(lxd|incus)br/,
  // Bridges and host-only networks of libvirt, VMware, VirtualBox, Parallels, and of Apple's and Microsoft's machines.
  /^virbr/,
  /^vmnet/,
  /^VMware /,
  /^vboxnet/,
  /^VirtualBox /,
  /^vnic\d/,
  /^bridge1\d\d/,
  /^vEthernet \((WSL|Default Switch|nat)/,
  // Tunnels: OpenVPN and its like, IPsec, WireGuard, Tailscale, ZeroTier, dial-up.
  /^tun/,
  /^tap/,
  /^utun/,
  /^ipsec/,
  /^wg/,
  /^tailscale/i,
  /^zt/,
  /^ppp/,
  /^(sit|gre|ip6tnl|tunl)\d/,
  // Apple's link to devices nearby: no network of the operator's.
  /^(awdl|llw|anpi|ap)\d/
]
