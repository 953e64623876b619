//! A scene without reference data: private addresses are ours, all files are of one realm.

use infralock::model::{Addr, Facts, HostKey, ImportId, RealmId};
use infralock::threat::Scene;

#[allow(unreachable_pub, reason = "also a module of a bench and of the fuzz crate")]
pub struct Stage;

impl Scene for Stage {
    fn realm(&self, _import: ImportId) -> RealmId {
        RealmId(0)
    }

    fn is_mine(&self, host: HostKey) -> bool {
        host.addr().is_mine_by_default()
    }

    fn facts(&self, _addr: Addr) -> Facts {
        Facts::default()
    }
}
