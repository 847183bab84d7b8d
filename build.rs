//! Creates the folder of the built web client if it is missing, and rebuilds when its files change: the binary embeds
//! them.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
    if let Err(error) = std::fs::create_dir_all("web/dist") {
        println!("cargo:warning=could not create web/dist: {error}");
    }
}
