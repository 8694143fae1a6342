//! Networks from which people may come: a list of address ranges, as typed and as checked.

use crate::Problem;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

/// Most ranges in one list.
const MOST: usize = 64;

/// A range of addresses in CIDR form (RFC 4632, RFC 4291).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// From `192.0.2.0/24`, `2001:db8::/32` or a single address. Bits beyond the mask must be zero, so that a slip is noticed.
    pub fn parse(typed: &str) -> Option<Network> {
        let (address, bits) = match typed.split_once('/') {
            Some((address, bits)) => (address.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
            None => (typed.parse().ok()?, None),
        };
        let most = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
        let network = Network { address, bits: bits.unwrap_or(most) };
        (network.bits <= most && number(address) & !mask(network.bits, most) == 0).then_some(network)
    }

    /// Whether the address lies in it. An IPv4 address that came inside IPv6 counts as what it is.
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(_)) => number(address) & mask(self.bits, 32) == number(self.address),
            (IpAddr::V6(_), IpAddr::V6(_)) => number(address) & mask(self.bits, 128) == number(self.address),
            _ => false,
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six),
    }
}

/// The first `bits` of `most` set.
fn mask(bits: u8, most: u8) -> u128 {
    let rest = u32::from(most - bits.min(most));
    let all = u128::MAX >> (128 - u32::from(most));
    all.checked_shr(rest).map_or(0, |_| all & u128::MAX.checked_shl(rest).unwrap_or(0))
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// A list of networks, one a line or separated by commas or spaces. Empty means anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// From what was typed.
    pub fn parse(field: &'static str, typed: &str) -> Result<Networks, Problem> {
        let words: Vec<&str> = typed.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
        if words.len() > MOST {
            return Err(Problem::new(field, format!("These are {} networks. Give at most {MOST}.", words.len())));
        }
        let one = |word: &&str| {
            let sentence = || format!("“{}” is no network. Write an address range such as 192.0.2.0/24 or 2001:db8::/32, or a single address.", word.chars().take(60).collect::<String>());
            Network::parse(word).ok_or_else(|| Problem::new(field, sentence()))
        };
        words.iter().map(one).collect::<Result<_, _>>().map(Networks)
    }

    /// Whether the address may come. An empty list lets everybody come.
    pub fn let_in(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.iter().any(|network| network.holds(address))
    }

    /// Whether there is no limit.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(Network::to_string).collect();
        f.write_str(&words.join("\n"))
    }
}

/// The part of an address by which a household or office is counted: an IPv4 address itself, the first 64 bits of an IPv6 address.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & mask(64, 128)).into()),
        four => four,
    }
}

/// How near to this server an address lies, for connections that settings ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Anywhere on the internet.
    Far,
    /// This machine, or the network of its own that it stands in (RFC 1918, RFC 4193, RFC 6598).
    Near,
    /// Nowhere that a server is: link-local addresses, where clouds tell machines their secrets, and those that name no single machine.
    Never,
}

const NEAR: [Network; 10] = [
    four([10, 0, 0, 0], 8),
    four([100, 64, 0, 0], 10),
    four([127, 0, 0, 0], 8),
    four([172, 16, 0, 0], 12),
    four([192, 0, 0, 0], 24),
    four([192, 168, 0, 0], 16),
    four([198, 18, 0, 0], 15),
    six([0, 0, 0, 0, 0, 0, 0, 1], 128),
    six([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    six([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
];

const NEVER: [Network; 6] = [
    four([0, 0, 0, 0], 8),
    four([169, 254, 0, 0], 16),
    four([224, 0, 0, 0], 3),
    six([0, 0, 0, 0, 0, 0, 0, 0], 128),
    six([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    six([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

/// Addresses of IPv4 behind a translator (RFC 6052 2.1): what stands in their last 32 bits is reached.
const TRANSLATED: Network = six([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn four([a, b, c, d]: [u8; 4], bits: u8) -> Network {
    Network { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
}

const fn six(groups: [u16; 8], bits: u8) -> Network {
    let [a, b, c, d, e, f, g, h] = groups;
    Network { address: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), bits }
}

impl Reach {
    /// Of this address.
    pub fn of(address: IpAddr) -> Reach {
        let address = match address.to_canonical() {
            IpAddr::V6(six) if TRANSLATED.holds(address) => {
                let [.., a, b, c, d] = six.octets();
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            plain => plain,
        };
        match address {
            _ if NEVER.iter().any(|network| network.holds(address)) => Reach::Never,
            _ if NEAR.iter().any(|network| network.holds(address)) => Reach::Near,
            _ => Reach::Far,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_hold_what_they_say() {
        let rows = [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "10.0.0.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.7", true),
        ];
        for (range, address, expected) in rows {
            assert_eq!(Network::parse(range).unwrap().holds(ip(address)), expected, "{range} {address}");
        }
    }

    #[test]
    fn slips_are_told_and_an_empty_list_lets_everybody_come() {
        for bad in ["192.0.2.1/24", "192.0.2.0/33", "office", "10.0.0", "::1/129", "192.0.2.0/-1", "192.0.2.0/"] {
            assert!(Networks::parse("n", bad).unwrap_err().text.contains("is no network"), "{bad}");
        }
        assert!(Networks::parse("n", " \n ").unwrap().let_in(ip("203.0.113.9")));
        let two = Networks::parse("n", "10.0.0.0/8, 2001:db8::/32").unwrap();
        assert!(two.let_in(ip("10.9.9.9")) && two.let_in(ip("2001:db8::5")) && !two.let_in(ip("11.0.0.0")));
        assert_eq!(Networks::parse("n", &two.to_string()).unwrap(), two);
        assert!(Networks::parse("n", &"10.0.0.1 ".repeat(65)).is_err());
    }

    #[test]
    fn addresses_of_this_machine_and_its_network_are_near_and_link_local_ones_are_nowhere() {
        let rows = [
            (Reach::Far, ["203.0.113.25", "172.32.0.1", "2001:db8::25", "64:ff9b::203.0.113.25"]),
            (Reach::Near, ["127.0.0.1", "10.0.0.5", "172.31.255.255", "100.64.0.1"]),
            (Reach::Near, ["::1", "fd00::25", "::ffff:192.168.1.1", "64:ff9b::10.0.0.5"]),
            (Reach::Never, ["169.254.169.254", "fe80::1", "::ffff:169.254.0.1", "64:ff9b::169.254.169.254"]),
            (Reach::Never, ["0.0.0.0", "::", "255.255.255.255", "ff02::1"]),
        ];
        for (reach, addresses) in rows {
            for address in addresses {
                assert_eq!(Reach::of(ip(address)), reach, "{address}");
            }
        }
        assert!(Reach::Far < Reach::Near && Reach::Near < Reach::Never);
    }

    #[test]
    fn neighbours_are_counted_together() {
        assert_eq!(neighbourhood(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(neighbourhood(ip("::ffff:10.0.0.1")), ip("10.0.0.1"));
    }
}
