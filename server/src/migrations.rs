//! Rules both stores' migrations share: numbered files, checksums, refusal with advice.
//! Never runs SQL itself.

use sha2::{Digest, Sha256};
use thiserror::Error;

/// One migration file, compiled in.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// File name, `0001_visits.sql`: its first four digits order it.
    pub name: &'static str,
    pub sql: &'static str,
}

impl Migration {
    /// SHA-256 of the file, hex: an applied file must never change.
    pub fn checksum(&self) -> String {
        crate::secrets::hex(&Sha256::digest(self.sql.as_bytes()))
    }

    /// The statements of the file: split at a semicolon that ends a line, comments dropped.
    pub fn statements(&self) -> Vec<String> {
        let without_comments: String = self
            .sql
            .lines()
            .map(|line| line.split_once("--").map_or(line, |(code, _)| code).trim_end())
            .filter(|line| !line.trim().is_empty())
            .flat_map(|line| [line, "\n"])
            .collect();
        let statements = without_comments.split(";\n").map(str::trim).filter(|s| !s.is_empty());
        statements.map(|s| s.trim_end_matches(';').to_owned()).collect()
    }
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum MigrationError {
    #[error(
        "migration {name} was changed after it was applied to the {store} store; \
         restore the file as released (or the backup of the store), then start again"
    )]
    Altered { store: &'static str, name: String },
    #[error(
        "the {store} store has migration {name}, which this program does not know: \
         it was written by a newer Tributary; start that version, or restore a backup"
    )]
    Unknown { store: &'static str, name: String },
    #[error(
        "migration {name} of the {store} store failed: {why}; it is safe to run `tributary migrate` again"
    )]
    Failed { store: &'static str, name: String, why: String },
}

/// What is left to apply, given `applied` (name, checksum) pairs.
pub fn pending<'a>(
    store: &'static str,
    known: &'a [Migration],
    applied: &[(String, String)],
) -> Result<Vec<&'a Migration>, MigrationError> {
    for (name, checksum) in applied {
        match known.iter().find(|migration| migration.name == name) {
            None => return Err(MigrationError::Unknown { store, name: name.clone() }),
            Some(migration) if migration.checksum() != *checksum => {
                return Err(MigrationError::Altered { store, name: name.clone() });
            }
            Some(_) => {}
        }
    }
    let is_applied = |migration: &Migration| applied.iter().any(|(name, _)| name == migration.name);
    Ok(known.iter().filter(|migration| !is_applied(migration)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration { name: "0001_a.sql", sql: "-- why\nCREATE a; -- x\nCREATE\n b;\n" };

    #[test]
    fn statements_split_at_line_ends_and_lose_comments() {
        assert_eq!(ONE.statements(), ["CREATE a", "CREATE\n b"]);
    }

    #[test]
    fn altered_and_unknown_migrations_refuse_with_their_name() {
        let good = (ONE.name.to_owned(), ONE.checksum());
        assert_eq!(pending("s", &[ONE], &[]).unwrap().len(), 1);
        assert!(pending("s", &[ONE], std::slice::from_ref(&good)).unwrap().is_empty());
        let altered = (ONE.name.to_owned(), "0".to_owned());
        assert!(matches!(pending("s", &[ONE], &[altered]), Err(MigrationError::Altered { .. })));
        let unknown = ("0009_z.sql".to_owned(), "0".to_owned());
        assert!(matches!(pending("s", &[ONE], &[good, unknown]), Err(MigrationError::Unknown { .. })));
    }
}
