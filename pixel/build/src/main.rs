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
    Bindgen::new()
        .input_path(module)
        .web(true)
        .context("the web target is part of wasm-bindgen")?
        .typescript(false)
        // The names are for stack traces; visitors need none.
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
        .with_context(|| format!("wasm-bindgen could not read {}", module.display()))
}
