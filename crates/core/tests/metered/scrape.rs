use sessionpool_core::{Counters, Status};

/// What a scrape of Prometheus finds.
pub(crate) struct Scrape(pub(crate) String);

impl Scrape {
    /// The value of a pool's series: its name and labels beside the pool's.
    fn series(&self, pool: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut wanted = vec![format!("db_client_connection_pool_name=\"{pool}\"")];
        wanted.extend(labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")));
        wanted.sort();
        self.0.lines().find_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (of, found) = series.split_once('{')?;
            let mut found: Vec<_> = found.strip_suffix('}')?.split(',').collect();
            found.sort_unstable();
            (of == name && found == wanted).then(|| value.parse().unwrap())
        })
    }

    pub(crate) fn value(&self, pool: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
        let value = self.series(pool, name, labels);
        value.unwrap_or_else(|| panic!("no {name} {labels:?} of {pool} in\n{}", self.0))
    }

    pub(crate) fn state(&self, pool: &str, state: &str) -> usize {
        let labels = [("db_client_connection_state", state)];
        self.value(pool, "db_client_connection_count", &labels) as usize
    }

    pub(crate) fn by_reason(&self, pool: &str, name: &str, reason: &str) -> u64 {
        self.value(pool, name, &[("sessionpool_reason", reason)]) as u64
    }

    /// Every gauge is what the pool says.
    pub(crate) fn has_gauges_of(&self, pool: &str, status: &Status) {
        let states = ["idle", "used", "opening", "checking", "cleaning", "closing"];
        let Status { idle, leased, opening, checking, cleaning, closing, .. } = *status;
        assert_eq!(
            states.map(|state| self.state(pool, state)),
            [idle, leased, opening, checking, cleaning, closing],
            "{status}"
        );
        let gauge = |name: &str| self.value(pool, name, &[]) as usize;
        assert_eq!(gauge("db_client_connection_max"), status.max_size);
        assert_eq!(gauge("db_client_connection_pending_requests"), status.waiters);
        assert_eq!(gauge("sessionpool_generation"), status.generation as usize);
    }

    /// Which counters are not what the pool says: (name, scraped, counted).
    pub(crate) fn differences(&self, pool: &str, counters: &Counters) -> Vec<(String, u64, u64)> {
        let Counters { acquired, returned, opened, closed, .. } = *counters;
        let plain = [
            ("db_client_connection_timeouts", counters.timed_out),
            ("db_client_connection_wait_time_count", acquired),
            ("db_client_connection_use_time_count", returned),
            ("db_client_connection_create_time_count", opened),
            ("sessionpool_acquire_cancelled", counters.cancelled),
            ("sessionpool_session_unconfirmed", counters.close_failed),
            ("sessionpool_session_leaked", counters.leaked),
        ];
        let plain = plain
            .map(|(name, counted)| (name.to_owned(), self.value(pool, name, &[]) as u64, counted));
        let labelled = |name: &'static str, reasons: &[(&'static str, u64)]| {
            let reason = |(reason, counted): &(&str, u64)| {
                (format!("{name} {reason}"), self.by_reason(pool, name, reason), *counted)
            };
            reasons.iter().map(reason).collect::<Vec<_>>()
        };
        let refused = labelled(
            "sessionpool_acquire_refused",
            &[
                ("queue_full", counters.queue_full),
                ("failed", counters.failed),
                ("paused", counters.refused_paused),
                ("pool_closed", counters.refused_closed),
            ],
        );
        let closed: Vec<_> = closed.by_ending().map(|(it, count)| (it.as_str(), count)).collect();
        let closed = labelled("sessionpool_session_closed", &closed);
        let all = plain.into_iter().chain(refused).chain(closed);
        all.filter(|(_, scraped, counted)| scraped != counted).collect()
    }
}
