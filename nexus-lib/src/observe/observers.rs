use std::fmt;
use std::sync::Arc;

use crate::observe::Observer;

/// All who are told, in the order in which they were added. A clone is the same.
#[derive(Clone, Default)]
pub struct Observers(Option<Arc<[Arc<dyn Observer>]>>);

impl Observers {
    /// Tells each of them, if there is any: `event` is made of nothing where nobody listens.
    #[inline]
    pub(crate) fn tell(&self, event: impl Fn(&dyn Observer)) {
        if let Some(observers) = &self.0 {
            for observer in &**observers {
                event(&**observer);
            }
        }
    }

    /// Whether there is nobody to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl FromIterator<Arc<dyn Observer>> for Observers {
    fn from_iter<T: IntoIterator<Item = Arc<dyn Observer>>>(observers: T) -> Self {
        let observers: Arc<[_]> = observers.into_iter().collect();
        Self((!observers.is_empty()).then_some(observers))
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.as_ref().map_or(0, |observers| observers.len());
        f.debug_tuple("Observers").field(&count).finish()
    }
}
