//! The binary: the program of the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    chat_service::main().await
}
