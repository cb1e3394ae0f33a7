//! Linker flags of the addon, nothing else.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os == "linux" || os == "freebsd" {
        // When a worker thread that was the only one to load the addon ends, Node unloads it; the I/O threads run on.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
