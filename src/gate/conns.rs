//! Who is connected: limits per address and in all, and who gives way.

use super::limits;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// All connections.
#[derive(Default)]
pub(crate) struct Conns {
    open: Mutex<Open>,
    gone: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Weak<Conn>>,
    per_address: HashMap<IpAddr, usize>,
}

/// One connection. It leaves the list when dropped.
pub(crate) struct Conn {
    id: u64,
    /// Where it comes from.
    pub(crate) from: IpAddr,
    born: Instant,
    /// Milliseconds after `born` of the last request; -1 until the first.
    last: AtomicI64,
    /// Requests under way.
    busy: AtomicU32,
    /// It was told to go.
    leaving: AtomicBool,
    dismiss: Notify,
    conns: Arc<Conns>,
}

impl Conns {
    /// A place for a connection from `from`, unless that address has its share. When the house is full, whoever has been idle
    /// longest goes.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Arc<Conn>> {
        let mut open = self.lock();
        let count = open.per_address.entry(from).or_default();
        if *count >= limits::PER_ADDRESS {
            return None;
        }
        *count += 1;
        let id = open.next;
        open.next += 1;
        let conn = Arc::new(Conn {
            id,
            from,
            born: Instant::now(),
            last: AtomicI64::new(-1),
            busy: AtomicU32::new(0),
            leaving: AtomicBool::new(false),
            dismiss: Notify::new(),
            conns: Arc::clone(self),
        });
        open.all.insert(id, Arc::downgrade(&conn));
        let surplus = open.all.len() > limits::IN_ALL;
        drop(open);
        if surplus {
            let idle = self.all().into_iter().filter(|c| c.id != id && !c.is_busy() && !c.leaving.load(Ordering::Relaxed));
            if let Some(longest) = idle.min_by_key(|c| c.idle_since()) {
                longest.go();
            }
        }
        Some(conn)
    }

    /// Every connection of this moment. The list is unlocked before any of them can be dropped: the last one to let go of a
    /// connection takes it off the list, which locks it again.
    fn all(&self) -> Vec<Arc<Conn>> {
        let open = self.lock();
        let all = open.all.values().filter_map(Weak::upgrade).collect();
        drop(open);
        all
    }

    /// Waits until nobody is connected.
    pub(crate) async fn all_gone(&self) {
        loop {
            let gone = self.gone.notified();
            if self.lock().all.is_empty() {
                return;
            }
            gone.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conn {
    /// Counts a request as under way until the returned value is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Whether a request is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// Tells the connection to go.
    fn go(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.dismiss.notify_one();
    }

    /// Resolves when this connection has to go.
    pub(crate) async fn dismissed(&self) {
        self.dismiss.notified().await;
    }

    fn idle_since(&self) -> Instant {
        let last = u64::try_from(self.last.load(Ordering::Relaxed)).unwrap_or(0);
        self.born + Duration::from_millis(last)
    }
}

/// A request under way.
pub(crate) struct Busy(Arc<Conn>);

impl Drop for Busy {
    fn drop(&mut self) {
        let now = i64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.0.last.store(now, Ordering::Relaxed);
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let mut open = self.conns.lock();
        open.all.remove(&self.id);
        if let Some(count) = open.per_address.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                open.per_address.remove(&self.from);
            }
        }
        drop(open);
        self.conns.gone.notify_waiters();
    }
}

/// Dismisses those that have been idle for too long; HTTP/2 has no such limit of its own. Ends with the gate.
pub(crate) async fn sweep(conns: Weak<Conns>) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let Some(conns) = conns.upgrade() else { return };
        conns.all().iter().filter(|c| !c.is_busy() && c.idle_since().elapsed() > limits::IDLE).for_each(|conn| conn.go());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_leaving_makes_room() {
        let conns = Arc::<Conns>::default();
        let here = IpAddr::from([192, 0, 2, 1]);
        let mut held: Vec<_> = (0..limits::PER_ADDRESS).map(|_| conns.admit(here).unwrap()).collect();
        assert!(conns.admit(here).is_none());
        assert!(conns.admit(IpAddr::from([192, 0, 2, 2])).is_some());
        held.pop();
        assert!(conns.admit(here).is_some());
    }

    #[tokio::test]
    async fn when_full_the_longest_idle_goes_and_the_busy_stay() {
        let conns = Arc::<Conns>::default();
        let from = |n: usize| IpAddr::from([10, (n >> 16) as u8, (n >> 8) as u8, n as u8]);
        let held: Vec<_> = (0..limits::IN_ALL).map(|n| conns.admit(from(n)).unwrap()).collect();
        let busy = held[0].begin();
        let _last = conns.admit(from(limits::IN_ALL)).unwrap();
        tokio::time::timeout(Duration::from_secs(1), held[1].dismissed()).await.unwrap();
        drop(busy);
    }

    /// Connections that end while the list is looked through: with the last hold dropped under the lock, this never came to its end.
    #[test]
    fn looking_through_the_list_while_connections_end_does_not_hang() {
        let conns = Arc::<Conns>::default();
        let (done, ended) = std::sync::mpsc::channel();
        let churn = Arc::clone(&conns);
        let threads: Vec<_> = (0..2u8).map(|n| {
            let (conns, done) = (Arc::clone(&churn), done.clone());
            std::thread::spawn(move || {
                for _ in 0..20_000 {
                    drop(conns.admit(IpAddr::from([192, 0, 2, n])));
                    drop(conns.all());
                }
                let _ = done.send(());
            })
        }).collect();
        for _ in &threads {
            ended.recv_timeout(Duration::from_secs(30)).unwrap();
        }
    }
}
