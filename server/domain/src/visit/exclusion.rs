//! Which visits may not earn: a workspace's own list of tests over what reports group visits by. A visit that fits one
//! is counted as a visit and earns nothing. Never says what a visit is: that is what rules are for.
//!
//! As text: `channel=Direct`, `referrer*=intranet`, see [`super::rules`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Facets;
use super::rules::{RuleError, RuleTest, test_of};
use crate::report::{DIMENSIONS, Dimension};

/// One test; what fits may not earn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// Of visits, not of orders.
    pub dimension: Dimension,
    pub test: RuleTest,
    pub value: String,
}

impl Exclusion {
    /// Whether a touch of these facets may not earn.
    pub fn fits(&self, facets: &Facets) -> bool {
        self.test.fits(facets.value(self.dimension), &self.value)
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.dimension.name(), self.test.sign(), self.value)
    }
}

impl FromStr for Exclusion {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Exclusion, RuleError> {
        let (given, test, value) = test_of(text)?;
        let of_visits = || DIMENSIONS.into_iter().filter(|dimension| !dimension.is_of_order());
        let dimension = of_visits().find(|dimension| dimension.name() == given).ok_or_else(|| {
            let known = of_visits().map(Dimension::name).collect::<Vec<_>>().join(", ");
            RuleError::Field { given: given.to_owned(), known }
        })?;
        Ok(Exclusion { dimension, test, value: value.to_owned() })
    }
}

impl Serialize for Exclusion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Exclusion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Exclusion, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_reads_as_it_is_written_and_looks_at_visits_only() {
        for text in ["channel=Direct", "referrer*=intranet", "landing_page^=/jobs"] {
            assert_eq!(text.parse::<Exclusion>().expect(text).to_string(), text);
        }
        let refused = "product=book".parse::<Exclusion>().expect_err("a visit has no product").to_string();
        assert!(refused.contains("there are channel, source") && !refused.contains("product, "), "{refused}");
    }

    #[test]
    fn it_fits_without_regard_to_case() {
        let direct: Exclusion = "channel=direct".parse().expect("an exclusion");
        assert!(direct.fits(&Facets::direct()) && !direct.fits(&Facets::unattributed()));
    }
}
