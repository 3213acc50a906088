//! The `tributary` program; everything is in the library.

fn main() -> std::process::ExitCode {
    tributary::cli::main()
}
