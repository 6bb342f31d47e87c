use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use crate::isolate;
use crate::observe::Observer;

/// All who are told, in the order in which they were added. A clone is the same.
///
/// An observer that panics is on its own: the others are still told, and so is it the next time.
#[derive(Clone, Default)]
pub struct Observers(Option<Arc<All>>);

struct All {
    observers: Box<[Arc<dyn Observer>]>,
    /// Which of them have panicked over which event: each is logged once.
    panicked: Mutex<Vec<(usize, &'static Location<'static>)>>,
}

impl Observers {
    /// Tells each of them, if there is any: `event` is made of nothing where nobody listens.
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

    /// Whether there is nobody to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl All {
    /// Not on the way of what goes well.
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
            "an observer panicked; standard error has its message. It goes on; further panics over \
             this event are not logged"
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
