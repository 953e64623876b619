//! Traffic Light Protocol 2.0 (FIRST, August 2022): how far a thing may be passed on.

/// A marking, from the freest to the strictest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// No limit.
    Clear,
    /// The community.
    Green,
    /// The organisation and its clients.
    #[default]
    Amber,
    /// The organisation alone.
    AmberStrict,
    /// Those it was given to.
    Red,
}

impl Tlp {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// As FIRST writes it: `TLP:AMBER+STRICT`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Clear => "TLP:CLEAR",
            Self::Green => "TLP:GREEN",
            Self::Amber => "TLP:AMBER",
            Self::AmberStrict => "TLP:AMBER+STRICT",
            Self::Red => "TLP:RED",
        }
    }

    /// As MISP's taxonomy `tlp` writes it: `tlp:amber+strict`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Clear => "tlp:clear",
            Self::Green => "tlp:green",
            Self::Amber => "tlp:amber",
            Self::AmberStrict => "tlp:amber+strict",
            Self::Red => "tlp:red",
        }
    }

    /// As the command line and STIX's `tlp_2_0` write it: `amber+strict`.
    pub fn word(self) -> &'static str {
        self.tag().trim_start_matches("tlp:")
    }

    /// By its word; `None`: there is no such marking.
    pub fn find(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        Self::ALL.into_iter().find(|tlp| tlp.word() == word.trim_start_matches("tlp:"))
    }

    /// What it allows, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Clear => "may be passed on without limit",
            Self::Green => "may be passed on within your community, not in public",
            Self::Amber => {
                "may be passed on within your organisation and to its clients, to those \
                            who need to know"
            }
            Self::AmberStrict => {
                "may be passed on within your organisation alone, to those who \
                                  need to know"
            }
            Self::Red => "for the named recipients alone",
        }
    }

    /// Text and ground that FIRST prescribes for print and screen, as RGB in hex.
    pub const fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Clear => ("#FFFFFF", "#000000"),
            Self::Green => ("#33FF00", "#000000"),
            Self::Amber | Self::AmberStrict => ("#FFC000", "#000000"),
            Self::Red => ("#FF2B2B", "#000000"),
        }
    }

    /// The id of its marking definition (OASIS, extension definition of TLP 2.0 for STIX 2.1).
    pub(super) const fn stix_id(self) -> &'static str {
        match self {
            Self::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
            Self::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
            Self::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
            Self::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            Self::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marking_is_found_by_its_word_in_any_case() {
        for tlp in Tlp::ALL {
            assert_eq!(Tlp::find(tlp.word()), Some(tlp));
            assert_eq!(Tlp::find(tlp.label()), Some(tlp));
        }
        assert_eq!(Tlp::find("white"), None);
        assert_eq!(Tlp::default(), Tlp::Amber);
    }
}
