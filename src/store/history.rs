//! Where hosts were said to be over time, and how long that is kept.

use super::cells::{addr_cell, time_at};
use super::{DerivedPlace, LocationEvent, Store, StoreError};
use crate::model::{HostKey, Timestamp, counted};

impl Store {
    /// Where a host was said to be, oldest first: the newest `most` sayings, and how many there
    /// are.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn place_history(
        &self,
        host: HostKey,
        most: usize,
    ) -> Result<(Vec<LocationEvent>, u64), StoreError> {
        let realm = host.realm().map(|realm| realm.0);
        let of = (addr_cell(host.addr()), realm);
        let sql = "SELECT count(*) FROM geolocation_events WHERE addr = ?1 AND realm IS ?2";
        let count: i64 = self.db.prepare_cached(sql)?.query_row(of, |row| row.get(0))?;
        let sql = "SELECT time, lat, lon, radius_km, confidence, city, country_code, profile, \
                   data_date, inputs FROM geolocation_events WHERE addr = ?1 AND realm IS ?2 \
                   ORDER BY time DESC, id DESC LIMIT ?3";
        let mut statement = self.db.prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query((of.0, of.1, most))?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(LocationEvent {
                time: Timestamp::from_nanos(row.get(0)?),
                place: DerivedPlace {
                    lat: row.get(1)?,
                    lon: row.get(2)?,
                    radius_km: row.get(3)?,
                    confidence: row.get(4)?,
                    city: row.get(5)?,
                    country_code: row.get(6)?,
                    inputs: row.get(9)?,
                    ..DerivedPlace::default()
                },
                profile: row.get(7)?,
                data_date: time_at(row, 8)?,
            });
        }
        events.reverse();
        Ok((events, count.cast_unsigned()))
    }

    /// Deletes for good what was said of places more than `days` before `now`; says how many
    /// sayings went. Where any did, the file's free pages are written anew, so that none is left in
    /// them.
    ///
    /// # Errors
    /// When the case cannot be written, or another program reads it: then the rows are gone, and
    /// the file may still hold them.
    pub fn retain_locations(&mut self, days: u32, now: Timestamp) -> Result<u64, StoreError> {
        let oldest = now.plus_days(-i64::from(days)).nanos();
        let sql = "SELECT EXISTS (SELECT 1 FROM geolocation_events WHERE time < ?1)";
        let has_old: bool = self.db.query_row(sql, [oldest], |row| row.get(0))?;
        if !has_old {
            return Ok(0);
        }
        self.writable()?;
        self.db.pragma_update(None, "secure_delete", true)?;
        let gone = self.durably(|db| {
            let sql = "DELETE FROM geolocation_events WHERE time < ?1";
            let gone = db.execute(sql, [oldest])? as u64;
            let what = counted(gone, "saying of a place", "sayings of places");
            let what = format!("retention: {what} older than {days} days deleted");
            super::log::note(db, &what, now)?;
            Ok(gone)
        })?;
        self.sweep()?;
        Ok(gone)
    }
}
