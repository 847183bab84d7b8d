//! Work on many things, some at a time.

use std::cell::Cell;
use std::rc::Rc;

use tokio::task::JoinSet;

use super::Result;

/// Does `work` for each of the items, `at_a_time` of them at the same time. Returns the results in the order of the items.
pub async fn in_parallel<T: 'static, R: 'static>(
    items: Vec<T>,
    at_a_time: usize,
    work: impl AsyncFn(&T) -> Result<R> + 'static,
) -> Result<Vec<R>> {
    let shared = Rc::new((items, work, Cell::new(0)));
    let mut workers = JoinSet::new();
    for _ in 0..at_a_time.min(shared.0.len()) {
        let shared = Rc::clone(&shared);
        workers.spawn_local(async move {
            let ((items, work, next), mut done) = (&*shared, Vec::new());
            loop {
                let index = next.replace(next.get() + 1);
                let Some(item) = items.get(index) else { return Ok::<_, String>(done) };
                done.push((index, work(item).await.map_err(|error| error.to_string())?));
            }
        });
    }
    let mut done = Vec::with_capacity(shared.0.len());
    while let Some(some) = workers.join_next().await {
        done.extend(some??);
    }
    done.sort_unstable_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
