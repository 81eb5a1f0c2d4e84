use std::time::Duration;

use super::{Book, Holding, HoldingEnd, Stray, Visit};

/// The book's writing side.
impl Book {
    pub(crate) fn call(&mut self, api: &'static str) {
        *self.calls.entry(api).or_default() += 1;
    }

    /// Books an ID as handed out; answers the holding's number.
    pub(crate) fn hand_out(&mut self, uid: &str, gid: &str, visit: &Visit) -> u64 {
        let number = self.holdings.len() as u64 + 1;
        self.holdings.push(Holding {
            number,
            uid: uid.to_owned(),
            gid: gid.to_owned(),
            caller: visit.caller.clone(),
            from: visit.now,
            end: None,
        });
        number
    }

    pub(crate) fn take_back(&mut self, number: Option<u64>, at: Duration, how: HoldingEnd) {
        if let Some(holding) = number.and_then(|number| self.holding_mut(number)) {
            holding.end = Some((at, how));
        }
    }

    /// Who has the ID with this holding.
    pub(crate) fn holder(&self, number: Option<u64>) -> Option<&str> {
        let index = usize::try_from(number?).ok()?.checked_sub(1)?;
        Some(self.holdings.get(index)?.caller.as_str())
    }

    /// Books a request for a pool's ID, if its caller does not hold it.
    pub(crate) fn touch(
        &mut self,
        uid: &str,
        holding: Option<u64>,
        api: &'static str,
        visit: &Visit,
        took_effect: bool,
    ) {
        let holder = self.holder(holding);
        if holder == Some(visit.caller.as_str()) {
            return;
        }
        let holder = holder.map(str::to_owned);
        self.strays.push(Stray {
            at: visit.now,
            uid: uid.to_owned(),
            api,
            caller: visit.caller.clone(),
            holder,
            took_effect,
        });
    }

    fn holding_mut(&mut self, number: u64) -> Option<&mut Holding> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.holdings.get_mut(index)
    }
}
