//! The shipped example: its files are what its recipe makes.

use std::path::Path;

#[path = "../../examples/make_shop.rs"]
mod make_shop;

#[test]
fn the_example_is_what_its_recipe_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    for (name, made) in make_shop::files() {
        let kept = std::fs::read(folder.join(name)).unwrap();
        assert!(kept == made, "{name} differs: run `cargo run --example make_shop`");
    }
}
