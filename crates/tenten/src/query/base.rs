/// A table and what is done to it, independent of any session.
///
/// The operations are the platform's Macro Language in XML, and stand in the request as
/// they are: ``<sel value="(elev&gt;10)"/><colord cols="id,name,elev"/>``.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseQuery {
    table: String,
    ops: String,
}

impl BaseQuery {
    /// The operations, which may be none, on the table at that path.
    #[must_use]
    pub fn new(table: impl Into<String>, ops: impl Into<String>) -> Self {
        Self { table: table.into(), ops: ops.into() }
    }

    /// The table's path: `pub.demo.weather.stations`.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The operations.
    #[must_use]
    pub fn ops(&self) -> &str {
        &self.ops
    }
}
