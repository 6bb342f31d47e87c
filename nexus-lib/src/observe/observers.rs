use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use crate::isolate;
use crate::observe::Observer;

/// All observers, in the order in which they were added. A clone is the same set.
///
/// A panic affects only its observer: the others are still called, and so is this one next time.
#[derive(Clone, Default)]
pub struct Observers(Option<Arc<All>>);

struct All {
    observers: Box<[Arc<dyn Observer>]>,
    /// Which of them panicked at which event: each is logged once.
    panicked: Mutex<Vec<(usize, &'static Location<'static>)>>,
}

impl Observers {
    /// Calls each observer, if any: `event` is not built without one.
    #[inline]
    #[track_caller]
    pub(crate) fn tell(&self, event: impl Fn(&dyn Observer)) {
        if let Some(all) = &self.0 {
            let place = Location::caller();
            for (index, observer) in all.observers.iter().enumerate() {
                if isolate::call(|| event(&**observer)).is_err() {
                    all.has_panicked(index, place);
                }
            }
        }
    }

    /// Whether there is no observer.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl All {
    /// Only called after a panic.
    #[cold]
    fn has_panicked(&self, index: usize, place: &'static Location<'static>) {
        let mut panicked = self.panicked.lock().unwrap_or_else(PoisonError::into_inner);
        if panicked.contains(&(index, place)) {
            return;
        }
        panicked.push((index, place));
        drop(panicked);
        tracing::error!(
            observer = index,
            event = %place,
            "an observer panicked; see standard error for the message. It stays registered; \
             further panics at this event are not logged"
        );
    }
}

impl FromIterator<Arc<dyn Observer>> for Observers {
    fn from_iter<T: IntoIterator<Item = Arc<dyn Observer>>>(observers: T) -> Self {
        let observers: Box<[_]> = observers.into_iter().collect();
        let is_any = !observers.is_empty();
        Self(is_any.then(|| {
            Arc::new(All {
                observers,
                panicked: Mutex::default(),
            })
        }))
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.as_ref().map_or(0, |all| all.observers.len());
        f.debug_tuple("Observers").field(&count).finish()
    }
}
