//! Addresses of machines: IPv4, IPv6 and MAC.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str;

/// A dotted quad that can belong to somebody: not `0.x`, not a netmask, not 127.0.0.1.
pub(super) fn ipv4(text: &[u8]) -> bool {
    let Some(address) = str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<Ipv4Addr>().ok())
    else {
        return false;
    };
    !(address.octets()[0] == 0
        || address == Ipv4Addr::LOCALHOST
        || address.is_broadcast()
        || netmask(address))
}

/// `255.255.255.0` and its like.
fn netmask(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    bits.leading_ones() >= 8 && bits.leading_ones() + bits.trailing_zeros() >= 32
}

/// Any address that is neither unspecified nor loopback, with three groups or more.
pub(super) fn ipv6(text: &[u8]) -> bool {
    let groups = text
        .split(|byte| *byte == b':')
        .filter(|group| !group.is_empty())
        .count();
    let Some(address) = str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<Ipv6Addr>().ok())
    else {
        return false;
    };
    groups >= 2 && !address.is_unspecified() && !address.is_loopback() && text.len() >= 6
}

/// One separator throughout, and neither all zeros nor broadcast.
pub(super) fn mac(text: &[u8]) -> bool {
    let separators = || text.iter().filter(|byte| !byte.is_ascii_hexdigit());
    let same = separators()
        .next()
        .is_some_and(|first| separators().all(|other| other == first));
    let all = |wanted: u8| {
        text.iter()
            .filter(|byte| byte.is_ascii_hexdigit())
            .all(|byte| byte.eq_ignore_ascii_case(&wanted))
    };
    same && !all(b'0') && !all(b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        // RFC 5737, RFC 3849 and RFC 7042: blocks for documentation.
        for good in ["192.0.2.17", "203.0.113.254", "10.1.2.3"] {
            assert!(ipv4(good.as_bytes()), "{good}");
        }
        for bad in [
            "0.1.2.3",
            "127.0.0.1",
            "255.255.255.0",
            "255.255.255.255",
            "256.1.1.1",
            "1.2.3",
            "01.2.3.4",
        ] {
            assert!(!ipv4(bad.as_bytes()), "{bad}");
        }
        for good in [
            "2001:db8::1",
            "2001:db8:0:0:0:0:2:1",
            "fe80::a00:27ff:fe4e:66a1",
        ] {
            assert!(ipv6(good.as_bytes()), "{good}");
        }
        for bad in ["::1", "::", "12:34:56", "2001:db8::1::2", "1::2"] {
            assert!(!ipv6(bad.as_bytes()), "{bad}");
        }
        assert!(mac(b"00:00:5E:00:53:AF") && mac(b"00-00-5e-00-53-af"));
        assert!(
            !mac(b"00:00:5E-00:53:AF") && !mac(b"00:00:00:00:00:00") && !mac(b"ff:ff:ff:ff:ff:ff")
        );
    }
}
