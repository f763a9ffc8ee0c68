//! The migrations are built into the crate by a macro whose reading of files cargo does not see.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
