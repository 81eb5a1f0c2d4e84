use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

/// Values of the application's own that stay with a session from lease to lease, one of
/// each type: [`Lease::extensions`](crate::Lease::extensions).
///
/// They are for what belongs to the session, like a cache of what was prepared on it, and
/// are dropped when it ends. The pool does not clean them: what belongs to a borrower must
/// not be left here, or the next one meets it.
///
/// ```
/// # use sessionpool_testkit::Scripted;
/// # use sessionpool_core::{Lease, Pool};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// #[derive(Default)]
/// struct Prepared(Vec<String>);
///
/// # let pool = Pool::builder(Scripted::new()).max_size(1).build()?;
/// let mut lease = pool.acquire().await?;
/// Lease::extensions(&mut lease).get_or_insert_with(Prepared::default).0.push("select".into());
/// drop(lease);
///
/// let mut lease = pool.acquire().await?; // the same session
/// let prepared = Lease::extensions(&mut lease).get::<Prepared>();
/// assert_eq!(prepared.map(|prepared| prepared.0.len()), Some(1));
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Extensions {
    values: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Extensions {
    /// Puts a value in; answers the one of that type that was there.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        let old = self.values.insert(TypeId::of::<T>(), Box::new(value))?;
        old.downcast().ok().map(|old| *old)
    }

    /// The value of that type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The value of that type.
    #[must_use]
    pub fn get_mut<T: Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        self.values.get_mut(&TypeId::of::<T>())?.downcast_mut()
    }

    /// The value of that type, made if there is none.
    #[expect(clippy::missing_panics_doc, reason = "a value is kept under its own type")]
    pub fn get_or_insert_with<T: Send + Sync + 'static>(
        &mut self,
        make: impl FnOnce() -> T,
    ) -> &mut T {
        let value = self.values.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(make()));
        value.downcast_mut().expect("a value is kept under its own type")
    }

    /// Takes the value of that type out.
    pub fn remove<T: Send + Sync + 'static>(&mut self) -> Option<T> {
        let value = self.values.remove(&TypeId::of::<T>())?;
        value.downcast().ok().map(|value| *value)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").field("values", &self.values.len()).finish()
    }
}
