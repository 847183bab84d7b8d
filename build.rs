//! Sees to it that the folder of the built web client exists, if empty, and that its files are read anew when they
//! change.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
    if let Err(error) = std::fs::create_dir_all("web/dist") {
        println!("cargo:warning=no folder web/dist: {error}");
    }
}
