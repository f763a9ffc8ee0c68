//! The binary: the program of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_service::main()
}
