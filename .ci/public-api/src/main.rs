//! Prints the public API in a JSON file of rustdoc, one item a line.
//!
//! Implementations of auto traits, blanket ones and derived ones are left out: they are many, and
//! rarely change on purpose.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("name a JSON file of rustdoc")?;
    let api = public_api::Builder::from_rustdoc_json(path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    println!("{api}");
    Ok(())
}
