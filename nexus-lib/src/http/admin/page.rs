use crate::error::Result;
use crate::http::admin::query::Query;
use crate::http::admin::statistics::limit;

/// The requested part of a list: `limit`, `after` and `q` of a query.
pub(super) struct PageQuery {
    /// Everything if not set.
    limit: Option<usize>,
    after: Option<i64>,
    /// In lower case.
    words: Option<String>,
}

/// A part of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// If pages were requested: the `after` of the next one, if there is one.
    pub(super) next: Option<Option<i64>>,
}

impl PageQuery {
    /// # Errors
    /// `Unprocessable` naming the parameter.
    pub(super) fn read(query: &Query) -> Result<Self> {
        let limit = limit(query)?;
        Ok(Self {
            limit: limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            after: query.value("after", "an id, as `next` has it")?,
            words: query.text("q")?.map(str::to_lowercase),
        })
    }

    /// The requested part of `all`, which is ordered by id. `words_of` returns the searchable
    /// texts.
    pub(super) fn of<'a, T>(
        &self,
        all: impl Iterator<Item = &'a T>,
        id: impl Fn(&T) -> i64,
        words_of: impl Fn(&'a T) -> [&'a str; 2],
    ) -> Page<&'a T> {
        let matches = |item: &'a T| {
            self.words.as_deref().is_none_or(|words| {
                let mut texts = words_of(item).into_iter();
                texts.any(|text| text.to_lowercase().contains(words))
            })
        };
        let mut items = all
            .filter(|item| self.after.is_none_or(|after| id(item) > after))
            .filter(|item| matches(item));
        let Some(limit) = self.limit else {
            let next = None;
            return Page {
                items: items.collect(),
                next,
            };
        };
        let page: Vec<_> = items.by_ref().take(limit).collect();
        let more = items.next().is_some();
        let last = page.last().map(|item| id(item)).filter(|_| more);
        Page {
            items: page,
            next: Some(last),
        }
    }
}
