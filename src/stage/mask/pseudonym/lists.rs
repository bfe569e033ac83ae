//! The lists in `rules/pseudonyms/` that pseudonyms are chosen from, and the choosing.

use std::sync::LazyLock;

/// Country codes of the numbers that come without one.
const NORTH_AMERICAN: &str = "1";
const BRITISH: &str = "44";

/// Numbers taken from a hash, four bytes each.
pub struct Draw {
    digest: [u8; 32],
    at: usize,
}

impl Draw {
    /// Draws from a hash.
    pub fn new(digest: [u8; 32]) -> Self {
        Self { digest, at: 0 }
    }

    /// The next number. Past the end of the hash all are zero; no shape takes more than there are.
    pub fn next(&mut self) -> u32 {
        let number = self.digest.as_chunks::<4>().0.get(self.at);
        self.at += 1;
        number.map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    /// From 0 to below `limit`, even to 1 in 2^32 / `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        ((u64::from(self.next()) * u64::from(limit)) >> 32) as u32
    }

    /// An entry of a list.
    pub fn from(&mut self, list: &[&'static str]) -> &'static str {
        let at = self.below(u32::try_from(list.len()).unwrap_or(u32::MAX));
        list.get(at as usize).copied().unwrap_or_default()
    }

    /// Up to six letters and digits that are not mistaken for each other.
    pub fn letters(&mut self, count: usize, out: &mut String) {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        let mut number = self.next();
        for _ in 0..count.min(6) {
            out.push(char::from(LETTERS[(number & 31) as usize]));
            number >>= 5;
        }
    }
}

/// The word lists, read once.
pub struct Lists {
    pub given_names: Vec<&'static str>,
    pub surnames: Vec<&'static str>,
    pub streets: Vec<&'static str>,
    pub ways: Vec<&'static str>,
    pub cities: Vec<&'static str>,
    pub companies: Vec<&'static str>,
    pub sectors: Vec<&'static str>,
    pub words: Vec<&'static str>,
    countries: Vec<Country>,
}

/// The telephone numbers that one country sets aside for fiction.
struct Country {
    code: &'static str,
    ranges: Vec<PhoneRange>,
}

/// A range of numbers: `#` stands for any digit.
struct PhoneRange {
    international: &'static str,
    national: &'static str,
}

pub static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    macro_rules! list {
        ($name:literal) => {
            entries(include_str!(concat!(
                "../../../../rules/pseudonyms/",
                $name,
                ".txt"
            )))
        };
    }
    Lists {
        given_names: list!("given_names").collect(),
        surnames: list!("surnames").collect(),
        streets: list!("streets").collect(),
        ways: list!("street_types").collect(),
        cities: list!("cities").collect(),
        companies: list!("companies").collect(),
        sectors: list!("sectors").collect(),
        words: list!("words").collect(),
        countries: countries(list!("phones")),
    }
});

/// Countries in the order in which the lines `code | international | national` first name them.
fn countries(lines: impl Iterator<Item = &'static str>) -> Vec<Country> {
    let mut countries: Vec<Country> = Vec::new();
    for line in lines {
        let mut fields = line.split('|').map(str::trim);
        let (Some(code), Some(international), Some(national)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let range = PhoneRange {
            international,
            national,
        };
        match countries.iter_mut().find(|country| country.code == code) {
            Some(country) => country.ranges.push(range),
            None => countries.push(Country {
                code,
                ranges: vec![range],
            }),
        }
    }
    countries
}

/// The lines of a list without comments and blank ones.
fn entries(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

impl Lists {
    /// A number of the country that `text` starts with. Without one, a leading 0 counts as British and
    /// anything else as North American.
    pub fn phone(&self, draw: &mut Draw, text: &str, out: &mut String) {
        let mut digits = text.bytes().filter(u8::is_ascii_digit);
        let mut start = [0; 4];
        for (place, digit) in start.iter_mut().zip(&mut digits) {
            *place = digit;
        }
        let zeros = start.starts_with(b"00");
        let international = zeros || text.trim_start().starts_with('+');
        let number = if zeros { &start[2..] } else { &start[..] };
        let of_number = |country: &&Country| number.starts_with(country.code.as_bytes());
        let country = match (international, start.first()) {
            (true, _) => self.countries.iter().find(of_number),
            (false, Some(b'0')) => self.country(BRITISH),
            _ => None,
        };
        let Some(country) = country.or_else(|| self.country(NORTH_AMERICAN)) else {
            return;
        };
        let at = draw.below(u32::try_from(country.ranges.len()).unwrap_or(u32::MAX));
        let Some(range) = country.ranges.get(at as usize) else {
            return;
        };
        let form = if international {
            range.international
        } else {
            range.national
        };
        let mut digits = draw.next();
        out.extend(form.chars().map(|letter| {
            if letter != '#' {
                return letter;
            }
            let digit = digits % 10;
            digits /= 10;
            char::from_digit(digit, 10).unwrap_or('0')
        }));
    }

    fn country(&self, code: &str) -> Option<&Country> {
        self.countries.iter().find(|country| country.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lists_have_the_documented_sizes_and_no_doubles() {
        let lists = &*LISTS;
        for (list, length) in [
            (&lists.given_names, 404),
            (&lists.surnames, 583),
            (&lists.streets, 319),
            (&lists.ways, 16),
            (&lists.cities, 480),
            (&lists.companies, 286),
            (&lists.sectors, 65),
            (&lists.words, 375),
        ] {
            let distinct: HashSet<_> = list.iter().map(|entry| entry.to_lowercase()).collect();
            assert_eq!((list.len(), distinct.len()), (length, length));
            assert!(
                list.iter()
                    .all(|entry| entry.bytes().all(|b| b.is_ascii_alphabetic()))
            );
        }
    }

    #[test]
    fn phone_ranges_are_well_formed() {
        for (country, range) in LISTS
            .countries
            .iter()
            .flat_map(|c| c.ranges.iter().map(move |r| (c, r)))
        {
            let free = |form: &str| form.matches('#').count();
            assert!(
                range
                    .international
                    .starts_with(&format!("+{} ", country.code))
            );
            assert_eq!(free(range.international), free(range.national));
            assert!(
                (2..=4).contains(&free(range.national)),
                "{}",
                range.national
            );
        }
        let codes = LISTS.countries.iter().map(|country| country.code);
        assert!(codes.eq([NORTH_AMERICAN, BRITISH, "33", "49", "61"]));
    }
}
