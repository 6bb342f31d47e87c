/// The masked form of a key: its first three and last four characters, or nothing if that would
/// show more than it hides.
///
/// ```
/// assert_eq!(nexus_lib::wire::mask("sk-0123456789wxyz"), "sk-…wxyz");
/// assert_eq!(nexus_lib::wire::mask("demo-key"), "…");
/// assert_eq!(nexus_lib::wire::mask(""), "");
/// ```
pub fn mask(key: &str) -> String {
    const SHORTEST_SHOWN: usize = 14;
    match (
        key.is_empty(),
        key.get(..3),
        key.len().checked_sub(4).and_then(|at| key.get(at..)),
    ) {
        (true, ..) => String::new(),
        (_, Some(head), Some(tail)) if key.len() >= SHORTEST_SHOWN => format!("{head}…{tail}"),
        _ => "…".to_owned(),
    }
}
