//! The binary: the program of the library, with an allocator of its own.

use std::process::ExitCode;

/// A request is some forty small allocations, given back on the thread that made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    chat_service::main().await
}
