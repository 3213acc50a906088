//! Runs wasm-bindgen over the compiled pixel: `pixel-build <pixel.wasm> <folder for glue and module>`.
//!
//! wasm-bindgen's tool and library must be of one version. Used as a library here, Cargo.lock keeps them
//! together and nobody has to install anything. What follows (wasm-opt, minifying, packing) is in `pack.mjs`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder] = arguments.as_slice() else {
        bail!("usage: pixel-build <pixel.wasm> <output folder>");
    };
    let bytes = std::fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    let bytes =
        without_features(&bytes).with_context(|| format!("{} is no wasm module", module.display()))?;
    Bindgen::new()
        .input_bytes("pixel", bytes)
        .web(true)
        .context("the web target is part of wasm-bindgen")?
        .typescript(false)
        // The names are for stack traces; visitors need none.
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
        .with_context(|| format!("wasm-bindgen could not read {}", module.display()))
}

/// The module without the section that lists the features it was compiled with.
///
/// Rust's own libraries come compiled with reference types, ours is compiled without (`scripts/pixel.sh`), because
/// a table of references is glue that visitors would download, and nothing that runs as JavaScript can have one.
/// wasm-bindgen believes the list.
fn without_features(module: &[u8]) -> Option<Vec<u8>> {
    const HEADER_BYTES: usize = 8;
    const CUSTOM: u8 = 0;
    let mut kept = module.get(..HEADER_BYTES)?.to_vec();
    let mut at = HEADER_BYTES;
    while at < module.len() {
        let (size, start) = leb(module, at + 1)?;
        let end = start.checked_add(size)?;
        let (name_len, name) = leb(module, start)?;
        let is_list = module[at] == CUSTOM && module.get(name..name + name_len) == Some(b"target_features");
        if !is_list {
            kept.extend_from_slice(module.get(at..end)?);
        }
        at = end;
    }
    Some(kept)
}

/// Reads an unsigned LEB128 number; and where it ends.
fn leb(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
}
