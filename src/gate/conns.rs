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
    /// Of these, the ones that are being answered, and milliseconds after `born` when something of an answer last moved.
    answering: AtomicU32,
    moved: AtomicI64,
    /// It was told to go.
    leaving: AtomicBool,
    dismiss: Notify,
    conns: Arc<Conns>,
}

impl Conns {
    /// A place for a connection from `from`, unless that address has its share. When the house is full, whoever has been idle
    /// longest goes; when nobody is idle, nobody is let in.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Arc<Conn>> {
        if self.lock().all.len() >= limits::IN_ALL {
            let idle = self.all().into_iter().filter(|c| !c.is_busy() && !c.leaving.load(Ordering::Relaxed));
            idle.min_by_key(|c| c.idle_since())?.go();
        }
        let mut open = self.lock();
        let count = open.per_address.entry(neighbourhood(from)).or_default();
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
            answering: AtomicU32::new(0),
            moved: AtomicI64::new(0),
            leaving: AtomicBool::new(false),
            dismiss: Notify::new(),
            conns: Arc::clone(self),
        });
        open.all.insert(id, Arc::downgrade(&conn));
        drop(open);
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
        Busy { conn: Arc::clone(self), answers: false }
    }

    /// Whether an answer stands ready that the client has not taken for too long. HTTP/2 lets it hold us up without a full socket.
    fn is_stalled(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0 && self.age() - self.moved.load(Ordering::Relaxed) > i64::try_from(limits::STALL.as_millis()).unwrap_or(i64::MAX)
    }

    /// Milliseconds after `born`.
    fn age(&self) -> i64 {
        i64::try_from(self.born.elapsed().as_millis()).unwrap_or(i64::MAX)
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
pub(crate) struct Busy {
    conn: Arc<Conn>,
    answers: bool,
}

impl Busy {
    /// Something of the answer moves on its way to the client.
    pub(crate) fn moves(&mut self) {
        if !self.answers {
            self.answers = true;
            self.conn.answering.fetch_add(1, Ordering::Relaxed);
        }
        self.conn.moved.store(self.conn.age(), Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.answers {
            self.conn.answering.fetch_sub(1, Ordering::Relaxed);
        }
        self.conn.last.store(self.conn.age(), Ordering::Relaxed);
        self.conn.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let mut open = self.conns.lock();
        open.all.remove(&self.id);
        let from = neighbourhood(self.from);
        if let Some(count) = open.per_address.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                open.per_address.remove(&from);
            }
        }
        drop(open);
        self.conns.gone.notify_waiters();
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, which is the least that one household is given.
fn neighbourhood(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & !u128::from(u64::MAX)).into()),
        four => four,
    }
}

/// Dismisses those that have been idle for too long, or do not take their answers; HTTP/2 has no such limit of its own. Ends with the gate.
pub(crate) async fn sweep(conns: Weak<Conns>) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let Some(conns) = conns.upgrade() else { return };
        conns.all().iter().filter(|c| c.is_stalled() || (!c.is_busy() && c.idle_since().elapsed() > limits::IDLE)).for_each(|conn| conn.go());
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

    #[test]
    fn of_ipv6_the_network_counts() {
        let conns = Arc::<Conns>::default();
        let host = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
        let held: Vec<_> = (0..limits::PER_ADDRESS as u16).map(|n| conns.admit(host(n)).unwrap()).collect();
        assert!(conns.admit(host(9999)).is_none());
        assert!(conns.admit(IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1])).is_some());
        drop(held);
        assert!(conns.admit(host(9999)).is_some());
    }

    #[test]
    fn an_answer_that_does_not_move_makes_the_connection_stalled() {
        let conns = Arc::<Conns>::default();
        let conn = conns.admit(IpAddr::from([192, 0, 2, 1])).unwrap();
        let mut busy = conn.begin();
        conn.moved.store(-1_000_000, Ordering::Relaxed);
        assert!(!conn.is_stalled(), "a request that is being worked on is none");
        busy.moves();
        assert!(!conn.is_stalled());
        conn.moved.store(-1_000_000, Ordering::Relaxed);
        assert!(conn.is_stalled());
        drop(busy);
        assert!(!conn.is_stalled());
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
        let _all_busy: Vec<_> = held.iter().map(Conn::begin).collect();
        drop(_last);
        assert!(conns.admit(from(limits::IN_ALL + 1)).is_none(), "nobody is idle, nobody is let in");
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
