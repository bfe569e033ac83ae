//! The classes themselves, and what each means by itself.

/// Why runs fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nobody knows who asks: a password, key or token is wrong, expired or revoked.
    Auth,
    /// It is known who asks, and that is not allowed.
    Permission,
    /// Too many requests in too short a time.
    RateLimit,
    /// What was paid or allotted is used up.
    Quota,
    /// Tables, columns or types are others than expected.
    Schema,
    /// No connection: names, addresses, certificates, broken connections.
    Network,
    /// Something took longer than anybody waits.
    Timeout,
    Memory,
    /// No space, or a file system that is broken or may not be written.
    Disk,
    /// What the source gave cannot be read.
    SourceData,
    /// Something was set wrongly.
    Configuration,
    /// The other side is there and does not work: its own errors, its maintenance.
    Outage,
    /// Others were at work in the same place.
    Conflict,
    /// The destination does not take what it is given.
    Destination,
    /// A defect of a connector or of midflight.
    Internal,
    Unknown,
}

impl Class {
    /// Every class, by its word.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("auth", Self::Auth),
        ("permission", Self::Permission),
        ("rate_limit", Self::RateLimit),
        ("quota", Self::Quota),
        ("schema", Self::Schema),
        ("network", Self::Network),
        ("timeout", Self::Timeout),
        ("memory", Self::Memory),
        ("disk", Self::Disk),
        ("source_data", Self::SourceData),
        ("configuration", Self::Configuration),
        ("outage", Self::Outage),
        ("conflict", Self::Conflict),
        ("destination", Self::Destination),
        ("internal", Self::Internal),
        ("unknown", Self::Unknown),
    ];

    /// The word of the history and of the rule files.
    pub fn as_str(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, class)| *class == self);
        known.map_or("unknown", |(word, _)| word)
    }

    /// The class of a word.
    pub fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(name, _)| *name == word);
        known.map(|(_, class)| *class)
    }
}
