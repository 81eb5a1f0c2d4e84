use std::borrow::Cow;

use sessionpool_core::TxOptions;

use crate::failure::SqlFailure;
use crate::mark::Mark;

/// Settings that each unit has to bring along, outside of which nothing is allowed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Required {
    names: Vec<Cow<'static, str>>,
}

impl Required {
    pub(crate) fn add(&mut self, name: Cow<'static, str>) {
        self.names.push(name);
    }

    /// Why a unit like this may not begin.
    pub(crate) fn refuses_unit(&self, options: &TxOptions) -> Option<SqlFailure> {
        let has = |wanted: &str| options.settings.iter().any(|(name, _)| name == wanted);
        let missing = self.names.iter().find(|name| !has(name))?;
        Some(SqlFailure::MissingSetting { setting: missing.clone().into_owned() })
    }

    /// Why no statement may be sent now.
    pub(crate) fn refuses(&self, mark: &Mark) -> Option<SqlFailure> {
        let name = self.names.first().filter(|_| !mark.is_ours())?;
        Some(SqlFailure::OutsideUnit { setting: name.clone().into_owned() })
    }
}
