//! Threads that make batches ahead of time.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use super::loader::Fetch;
use crate::{Error, Result};

/// The threads of one epoch. Dropping it ends and joins them.
pub(super) struct Workers<B> {
    shared: Arc<Shared<B>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    /// A batch was made or taken, or the end has come.
    changed: Condvar,
    total: usize,
    /// Batches that may be begun or done but not taken.
    ahead: usize,
}

struct State<B> {
    /// The next batch to begin.
    next: usize,
    /// The next batch to hand out.
    taken: usize,
    done: BTreeMap<usize, Result<B>>,
    stop: bool,
}

impl<B: Send + 'static> Workers<B> {
    pub fn start<D: Send + Sync + 'static>(
        dataset: Arc<D>,
        fetch: Fetch<D, B>,
        batches: Vec<Vec<usize>>,
        workers: usize,
        ahead: usize,
    ) -> Result<Self> {
        let state = State { next: 0, taken: 0, done: BTreeMap::new(), stop: false };
        let total = batches.len();
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), total, ahead });
        let batches = Arc::new(batches);
        let mut started = Self { shared, threads: Vec::new() };
        for _ in 0..workers.min(total) {
            let (shared, batches) = (started.shared.clone(), batches.clone());
            let (dataset, fetch) = (dataset.clone(), fetch.clone());
            let work = move || shared.work(|index| fetch(&dataset, &batches[index]));
            match std::thread::Builder::new().spawn(work) {
                Ok(thread) => started.threads.push(thread),
                Err(error) => {
                    let count = started.threads.len();
                    return Err(Error::argument(
                        "DataLoader",
                        format!("{workers} workers, but only {count} threads could be started: {error}"),
                    ));
                }
            }
        }
        Ok(started)
    }
}

impl<B> Workers<B> {
    pub fn left(&self) -> usize {
        self.shared.total - self.shared.state.lock().taken
    }

    pub fn next(&mut self) -> Option<Result<B>> {
        let mut state = self.shared.state.lock();
        if state.taken == self.shared.total {
            return None;
        }
        let index = state.taken;
        loop {
            if let Some(batch) = state.done.remove(&index) {
                state.taken += 1;
                self.shared.changed.notify_all();
                return Some(batch);
            }
            self.shared.changed.wait(&mut state);
        }
    }
}

impl<B> Drop for Workers<B> {
    fn drop(&mut self) {
        self.shared.state.lock().stop = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // Panics of the dataset were caught and handed out as errors.
            let _ = thread.join();
        }
    }
}

impl<B> Shared<B> {
    /// A worker's life.
    fn work(&self, make: impl Fn(usize) -> Result<B>) {
        while let Some(index) = self.begin() {
            let batch = catch_unwind(AssertUnwindSafe(|| make(index)))
                .unwrap_or_else(|panic| Err(panicked(index, panic.as_ref())));
            self.state.lock().done.insert(index, batch);
            self.changed.notify_all();
        }
    }

    /// The next batch to make, once there is room for it; `None` at the end.
    fn begin(&self) -> Option<usize> {
        let mut state = self.state.lock();
        loop {
            if state.stop || state.next == self.total {
                return None;
            }
            if state.next - state.taken < self.ahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            self.changed.wait(&mut state);
        }
    }
}

fn panicked(batch: usize, panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "of a type that has no text".to_owned());
    Error::argument("DataLoader", format!("a worker panicked while making batch {batch}: {message}"))
}
