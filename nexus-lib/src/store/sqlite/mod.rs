//! stub
#[allow(missing_docs)]
pub struct SqliteStore;
#[allow(missing_docs)]
pub struct SqliteOptions;
