//! Finds the engine library on this machine. It never downloads anything.

use std::path::{Path, PathBuf};

/// The library's file name.
pub const FILE_NAME: &str = "libchdb.so";
/// The environment variable that names the library.
pub const VARIABLE: &str = "TRIBUTARY_STORE_LIBRARY";

/// Every place the library may be, in the order they are tried. A path given by option or variable is the only
/// candidate: a mistyped path must not silently fall back to another build.
pub fn candidates(option: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = option {
        return vec![named(path)];
    }
    if let Some(path) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return vec![named(Path::new(&path))];
    }
    let mut found = Vec::new();
    if let Some(directory) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        found.push(directory.join(FILE_NAME));
        found.push(directory.join("lib").join(FILE_NAME));
    }
    found.extend(["/usr/local/lib", "/usr/lib"].map(|directory| Path::new(directory).join(FILE_NAME)));
    // Last, for checkouts: whoever may write to a folder the program happens to run in must not choose its code.
    if let Ok(current) = std::env::current_dir() {
        found.extend(current.ancestors().map(|directory| directory.join(".engine").join(FILE_NAME)));
    }
    found
}

/// A directory stands for the library in it.
fn named(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_library_is_the_only_candidate() {
        let named = candidates(Some(Path::new("/nowhere/libchdb.so")));
        assert_eq!(named, [PathBuf::from("/nowhere/libchdb.so")]);
    }

    #[test]
    fn the_checkout_root_is_found_from_a_crate_folder() {
        let root = std::env::current_dir().unwrap().ancestors().nth(1).unwrap().join(".engine/libchdb.so");
        let found = candidates(None);
        let at = |path: &Path| found.iter().position(|known| known == path);
        let system = at(Path::new("/usr/lib/libchdb.so"));
        assert!(at(&root) > system && system.is_some() || std::env::var_os(VARIABLE).is_some(), "{found:?}");
    }
}
