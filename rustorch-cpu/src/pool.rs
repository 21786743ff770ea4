//! The threads behind [`super::parallel`]: workers that take part in the caller's job.
//!
//! A kernel's parallel section often lasts 10 µs, and waking a sleeping thread costs as much again. So the caller works
//! itself, workers that had something to do a moment ago spin for a while before they sleep, and the caller never waits
//! for a worker that has not started: it closes the job, and a late worker finds it closed. One job runs at a time; a second caller, and a
//! job inside a job, run their work themselves.

use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How long an idle worker keeps looking for the next job: kernels of one network follow each other faster than this.
const PATIENCE: Duration = Duration::from_micros(300);

/// The job takes more workers.
const OPEN: u32 = 1 << 31;
/// One place for a worker; below it stands the number of workers inside.
const TICKET: u32 = 1 << 16;
const INSIDE: u32 = TICKET - 1;

type Body<'a> = &'a (dyn Fn() + Sync);

struct Pool {
    /// `OPEN`, tickets left, workers inside.
    state: AtomicU32,
    /// Counts jobs; idle workers watch it.
    epoch: AtomicU32,
    /// The open job. Written by the holder of `busy` while nobody is inside, read by those inside.
    job: UnsafeCell<Option<Body<'static>>>,
    busy: Mutex<()>,
    sleepers: AtomicUsize,
    workers: Mutex<Vec<Arc<Worker>>>,
    spawned: AtomicUsize,
}

struct Worker {
    asleep: AtomicBool,
    thread: std::sync::OnceLock<Thread>,
}

// SAFETY: `job` is the only member that is not `Sync`, and `state` orders its accesses as said there.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool {
    state: AtomicU32::new(0),
    epoch: AtomicU32::new(0),
    job: UnsafeCell::new(None),
    busy: Mutex::new(()),
    sleepers: AtomicUsize::new(0),
    workers: Mutex::new(Vec::new()),
    spawned: AtomicUsize::new(0),
};

thread_local! {
    /// This thread is inside a job.
    static INSIDE_JOB: Cell<bool> = const { Cell::new(false) };
    /// Which run of a job's tasks this thread begins with: 0 for those who start jobs.
    static SHARE: Cell<usize> = const { Cell::new(0) };
}

/// Whether a job started here would run on this thread alone.
pub(super) fn inside_job() -> bool {
    INSIDE_JOB.get()
}

/// Calls `f(0)`, …, `f(tasks - 1)`, each once, in any order, on up to `threads` threads including this one.
/// A panic in `f` reaches the caller after all threads have left.
pub(super) fn run(threads: usize, tasks: usize, f: &(dyn Fn(usize) + Sync)) {
    let helpers = threads.min(tasks).saturating_sub(1).min(INSIDE as usize / 2);
    let guard = if helpers == 0 || inside_job() { None } else { POOL.busy.try_lock().ok() };
    let Some(_guard) = guard else {
        return (0..tasks).for_each(f);
    };
    let shares = Shares::new(helpers + 1, tasks);
    let panicked = Mutex::new(None);
    let body = || {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| shares.work(f))) {
            shares.cancel();
            panicked.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(payload);
        }
    };
    POOL.broadcast(helpers, &body);
    if let Some(payload) = panicked.into_inner().unwrap_or_else(|e| e.into_inner()) {
        drop(_guard);
        resume_unwind(payload);
    }
}

/// The tasks of a job, cut into one run per thread. A thread begins with its own run, which is the same from job to job, so
/// that it finds in its cache what it left there, and then helps with the others.
struct Shares {
    shares: [Share; MAX_SHARES],
    count: usize,
}

/// More threads than this begin with the same runs.
const MAX_SHARES: usize = 16;

/// Tasks `next..end`; a line of its own, since every thread changes its own all the time.
#[repr(align(64))]
struct Share {
    next: AtomicUsize,
    end: usize,
}

impl Shares {
    fn new(threads: usize, tasks: usize) -> Self {
        let count = threads.min(MAX_SHARES);
        let bound = |share: usize| tasks * share.min(count) / count;
        let shares = std::array::from_fn(|k| Share { next: AtomicUsize::new(bound(k)), end: bound(k + 1) });
        Self { shares, count }
    }

    /// Takes tasks until there are none.
    fn work(&self, f: &(dyn Fn(usize) + Sync)) {
        let own = SHARE.get();
        for other in 0..self.count {
            let share = &self.shares[(own + other) % self.count];
            loop {
                let task = share.next.fetch_add(1, Ordering::Relaxed);
                if task >= share.end {
                    break;
                }
                f(task);
            }
        }
    }

    /// Lets nobody begin another task.
    fn cancel(&self) {
        for share in &self.shares {
            share.next.store(share.end, Ordering::Relaxed);
        }
    }
}

impl Pool {
    /// Runs `body` on this thread and up to `helpers` workers. `body` does not unwind. The caller holds `busy`.
    fn broadcast(&'static self, helpers: usize, body: Body<'_>) {
        if self.spawned.load(Ordering::Relaxed) < helpers {
            self.spawn(helpers);
        }
        // SAFETY: lengthens a lifetime. Workers use the reference between entering and leaving, and this function
        // returns after closing the job and seeing everybody leave.
        let job = unsafe { std::mem::transmute::<Body<'_>, Body<'static>>(body) };
        // SAFETY: the job is closed and nobody is inside, so nobody reads; `busy` excludes other writers.
        unsafe { *self.job.get() = Some(job) };
        self.state.store(OPEN + TICKET * helpers as u32, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.wake(helpers);
        }
        INSIDE_JOB.set(true);
        body();
        INSIDE_JOB.set(false);
        self.state.fetch_and(INSIDE, Ordering::AcqRel);
        let mut spins = 0u32;
        while self.state.load(Ordering::Acquire) != 0 {
            pause(&mut spins);
        }
    }

    #[cold]
    fn spawn(&'static self, helpers: usize) {
        let mut workers = self.workers.lock().unwrap_or_else(|e| e.into_inner());
        while workers.len() < helpers {
            let worker =
                Arc::new(Worker { asleep: AtomicBool::new(false), thread: std::sync::OnceLock::new() });
            let own = Arc::clone(&worker);
            let share = workers.len() + 1;
            let thread = std::thread::Builder::new().name("rustorch".into()).spawn(move || {
                SHARE.set(share);
                self.work(&own);
            });
            // Without another thread the caller does the work alone.
            let Ok(handle) = thread else { break };
            let _ = worker.thread.set(handle.thread().clone());
            workers.push(worker);
        }
        self.spawned.store(workers.len(), Ordering::Relaxed);
    }

    #[cold]
    fn wake(&self, mut helpers: usize) {
        for worker in self.workers.lock().unwrap_or_else(|e| e.into_inner()).iter() {
            if helpers == 0 {
                break;
            }
            if worker.asleep.swap(false, Ordering::SeqCst) {
                self.sleepers.fetch_sub(1, Ordering::SeqCst);
                if let Some(thread) = worker.thread.get() {
                    thread.unpark();
                }
                helpers -= 1;
            }
        }
    }

    /// A worker's life.
    fn work(&self, own: &Worker) {
        INSIDE_JOB.set(true);
        let mut seen;
        loop {
            seen = self.epoch.load(Ordering::SeqCst);
            if self.enter() {
                // SAFETY: inside an open job, which was written before it was opened.
                if let Some(job) = unsafe { *self.job.get() } {
                    job();
                }
                self.state.fetch_sub(1, Ordering::Release);
            }
            self.wait(own, seen);
        }
    }

    /// Takes a ticket of the open job.
    fn enter(&self) -> bool {
        let take = |state: u32| (state >= OPEN + TICKET).then(|| state - TICKET + 1);
        self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, take).is_ok()
    }

    /// Returns once there is another job than `seen`.
    fn wait(&self, own: &Worker, seen: u32) {
        let mut spins = 0u32;
        let start = Instant::now();
        loop {
            if self.epoch.load(Ordering::Acquire) != seen {
                return;
            }
            pause(&mut spins);
            if spins.is_multiple_of(64) && start.elapsed() > PATIENCE {
                break;
            }
        }
        own.asleep.store(true, Ordering::SeqCst);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        if self.epoch.load(Ordering::SeqCst) != seen && own.asleep.swap(false, Ordering::SeqCst) {
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
        while own.asleep.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

/// Waits a moment: in the processor at first, then giving way to other threads.
fn pause(spins: &mut u32) {
    *spins = spins.wrapping_add(1);
    if *spins < 2000 { std::hint::spin_loop() } else { std::thread::yield_now() }
}
