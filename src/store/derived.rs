//! What the program made of a case, kept so that the case opens at once; and where addresses were
//! said to be over time.
//!
//! It is a cache: its key names everything it was made from (profile, data, program, imports), and
//! under another key it is as if it were not there. The history of places is no cache: it says what
//! was believed when, and is kept for as long as retention says.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::cells::{addr, addr_cell, cell, maybe_number_at, number_at, time_at};
use super::{Store, StoreError};
use crate::model::{Addr, RealmId, Timestamp};

/// What derived data was made from, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedFrom {
    /// Names everything that matters; compared as a whole.
    pub key: String,
    /// The profile's name.
    pub profile: String,
    /// The date of the reference data.
    pub data_date: Option<Timestamp>,
}

/// A host as it was judged. Lists, names and candidates are JSON, as `triage --json` writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DerivedHost {
    /// Its realm; `None` for a public address.
    pub realm: Option<RealmId>,
    /// Whether it is the analyst's own.
    pub mine: bool,
    /// The score, unrounded: hosts stand in its order.
    pub exact: f64,
    /// The score with one decimal.
    pub score: f64,
    /// The band, "unknown" or "evidence conflicts".
    pub word: String,
    /// 0 to 1.
    pub malice: f64,
    /// 0 to 1.
    pub anonymity: f64,
    /// 0 to 1.
    pub evidence_amount: f64,
    /// Origin AS.
    pub asn: Option<u32>,
    /// Its name.
    pub as_name: Option<String>,
    /// Around it in the reference data.
    pub prefix: Option<String>,
    /// Sorts of network, joined by `,`.
    pub kinds: String,
    /// JSON.
    pub lists: String,
    /// JSON.
    pub names: String,
    /// When first.
    pub first_seen: Option<Timestamp>,
    /// When last.
    pub last_seen: Option<Timestamp>,
    /// Flows, of logs records.
    pub flows: u64,
    /// Sent or received.
    pub packets: u64,
    /// Received.
    pub bytes_in: u64,
    /// Sent.
    pub bytes_out: u64,
    /// `originator`, `responder`, `listed`, joined by `,`.
    pub roles: String,
    /// Where it is.
    pub place: Option<DerivedPlace>,
}

/// Where a host was said to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DerivedPlace {
    /// Degrees north.
    pub lat: Option<f64>,
    /// Degrees east.
    pub lon: Option<f64>,
    /// The 90 % radius.
    pub radius_km: Option<f64>,
    /// That the truth lies within 40 km.
    pub confidence: Option<f64>,
    /// City.
    pub city: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country_code: Option<String>,
    /// `country`, `region`, `city`, `site`.
    pub granularity: Option<String>,
    /// Why there is no point.
    pub note: Option<String>,
    /// JSON: all that was claimed.
    pub candidates: String,
    /// JSON: the sources that voted.
    pub inputs: String,
}

/// A row of evidence as it was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DerivedEvidence {
    /// `prior`, `scan.horizontal` …
    pub id: String,
    /// `detector`, `list`, `activity`, `profile`.
    pub source: String,
    /// Rows of a group overlap.
    pub group: Option<String>,
    /// Points of the score.
    pub contribution: f64,
    /// Nats, as counted.
    pub x: f64,
    /// Nats.
    pub llr: Option<f64>,
    /// The analyst's weight.
    pub weight: Option<f64>,
    /// 0 to 1.
    pub decay: Option<f64>,
    /// Whether it counts.
    pub counted: bool,
    /// How often.
    pub count: Option<u64>,
    /// When first.
    pub first_seen: Option<Timestamp>,
    /// When last.
    pub last_seen: Option<Timestamp>,
    /// One sentence.
    pub what: Option<String>,
    /// JSON: ways back.
    pub refs: String,
}

/// A detection; `row` is all of it as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedDetection {
    /// `scan.horizontal` …
    pub detector: String,
    /// The host it is about.
    pub subject: Addr,
    /// Its realm.
    pub realm: Option<RealmId>,
    /// 0 to 100.
    pub severity: u8,
    /// 0 to 1.
    pub confidence: f64,
    /// When first.
    pub first_seen: Option<Timestamp>,
    /// When last.
    pub last_seen: Option<Timestamp>,
    /// JSON, as `detections --ndjson` writes it.
    pub row: String,
}

/// Where an address was said to be at some time.
#[derive(Clone, Debug, PartialEq)]
pub struct LocationEvent {
    /// When it was said.
    pub time: Timestamp,
    /// The place.
    pub place: DerivedPlace,
    /// The profile that weighed the sources.
    pub profile: String,
    /// The date of the reference data.
    pub data_date: Option<Timestamp>,
}

/// Takes hosts with their evidence, from the highest score down, then detections.
pub struct Deriving<'a> {
    db: &'a Connection,
    from: &'a DerivedFrom,
    now: Timestamp,
    hosts: i64,
    detections: i64,
}

impl Deriving<'_> {
    /// Adds the next host.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn host(
        &mut self,
        host_addr: Addr,
        host: &DerivedHost,
        evidence: &[DerivedEvidence],
    ) -> Result<(), StoreError> {
        self.hosts += 1;
        let realm = host.realm.map(|realm| realm.0);
        self.db
            .prepare_cached(
                "INSERT INTO host VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
                 ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
            )?
            .execute(params![
                self.hosts,
                addr_cell(host_addr),
                realm,
                host.mine,
                host.exact,
                host.score,
                host.word,
                host.malice,
                host.anonymity,
                host.evidence_amount,
                host.asn,
                host.as_name,
                host.prefix,
                host.kinds,
                host.lists,
                host.names,
                host.first_seen.map(Timestamp::nanos),
                host.last_seen.map(Timestamp::nanos),
                cell(host.flows),
                cell(host.packets),
                cell(host.bytes_in),
                cell(host.bytes_out),
                host.roles,
            ])?;
        for (number, row) in (0_u32..).zip(evidence) {
            self.evidence(number, row)?;
        }
        match &host.place {
            Some(place) => self.place(host_addr, realm, place),
            None => Ok(()),
        }
    }

    fn evidence(&self, number: u32, row: &DerivedEvidence) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
                 ?13, ?14, ?15, ?16)",
            )?
            .execute(params![
                self.hosts,
                number,
                row.id,
                row.source,
                row.group,
                row.contribution,
                row.x,
                row.llr,
                row.weight,
                row.decay,
                row.counted,
                row.count.map(cell),
                row.first_seen.map(Timestamp::nanos),
                row.last_seen.map(Timestamp::nanos),
                row.what,
                row.refs,
            ])?;
        Ok(())
    }

    fn place(
        &self,
        host: Addr,
        realm: Option<u32>,
        place: &DerivedPlace,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO ip_locations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
                 ?12, ?13)",
            )?
            .execute(params![
                self.hosts,
                addr_cell(host),
                realm,
                place.lat,
                place.lon,
                place.radius_km,
                place.confidence,
                place.city,
                place.region,
                place.country_code,
                place.granularity,
                place.note,
                place.candidates,
            ])?;
        self.event(host, realm, place)
    }

    /// Says where an address is, if that is not what was said last.
    fn event(
        &self,
        host: Addr,
        realm: Option<u32>,
        place: &DerivedPlace,
    ) -> Result<(), StoreError> {
        let newest = "SELECT lat, lon, radius_km, confidence, city, country_code \
                      FROM geolocation_events WHERE addr = ?1 AND realm IS ?2 \
                      ORDER BY time DESC, id DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(newest)?;
        let said = statement.query_row((addr_cell(host), realm), |row| {
            Ok(DerivedPlace {
                lat: row.get(0)?,
                lon: row.get(1)?,
                radius_km: row.get(2)?,
                confidence: row.get(3)?,
                city: row.get(4)?,
                country_code: row.get(5)?,
                ..DerivedPlace::default()
            })
        });
        let is_same = said.optional()?.is_some_and(|said| {
            said.lat == place.lat
                && said.lon == place.lon
                && said.radius_km == place.radius_km
                && said.confidence == place.confidence
                && said.city == place.city
                && said.country_code == place.country_code
        });
        if is_same {
            return Ok(());
        }
        self.db
            .prepare_cached(
                "INSERT INTO geolocation_events (time, addr, realm, lat, lon, radius_km, \
                 confidence, city, country_code, profile, data_date, inputs) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                self.now.nanos(),
                addr_cell(host),
                realm,
                place.lat,
                place.lon,
                place.radius_km,
                place.confidence,
                place.city,
                place.country_code,
                self.from.profile,
                self.from.data_date.map(Timestamp::nanos),
                place.inputs,
            ])?;
        Ok(())
    }

    /// Adds the next detection.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn detection(&mut self, detection: &DerivedDetection) -> Result<(), StoreError> {
        self.detections += 1;
        self.db
            .prepare_cached("INSERT INTO detection VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
            .execute(params![
                self.detections,
                detection.detector,
                addr_cell(detection.subject),
                detection.realm.map(|realm| realm.0),
                detection.severity,
                detection.confidence,
                detection.first_seen.map(Timestamp::nanos),
                detection.last_seen.map(Timestamp::nanos),
                detection.row,
            ])?;
        Ok(())
    }
}

impl Store {
    /// Puts what was made of the case in the place of what was made of it before, all or nothing.
    ///
    /// # Errors
    /// When the case cannot be written, or `fill` gives an error.
    pub fn derive(
        &mut self,
        from: &DerivedFrom,
        now: Timestamp,
        fill: impl FnOnce(&mut Deriving<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.writable()?;
        let transaction = self.db.unchecked_transaction()?;
        for table in ["host", "evidence", "detection", "ip_locations"] {
            transaction.execute(&format!("DELETE FROM {table}"), [])?;
        }
        fill(&mut Deriving { db: &transaction, from, now, hosts: 0, detections: 0 })?;
        let sql = "INSERT OR REPLACE INTO about (key, value) VALUES ('derived', ?1)";
        transaction.execute(sql, [&from.key])?;
        Ok(transaction.commit()?)
    }

    /// The key under which derived data is there.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn derived_key(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM about WHERE key = 'derived'";
        Ok(self.db.query_row(sql, [], |row| row.get(0)).optional()?)
    }

    /// Calls `take` with each derived host and its rank from 1, from the highest score down.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn each_derived_host(
        &self,
        take: &mut dyn FnMut(u32, Addr, DerivedHost),
    ) -> Result<(), StoreError> {
        let mut places = self.db.prepare_cached("SELECT * FROM ip_locations ORDER BY host")?;
        let mut places = places.query([])?;
        let mut next_place = read_place(places.next()?)?;
        let mut statement = self.db.prepare_cached("SELECT * FROM host ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let rank: u32 = row.get(0)?;
            let mut host = read_host(row)?;
            while next_place.as_ref().is_some_and(|(of, _)| *of < rank) {
                next_place = read_place(places.next()?)?;
            }
            if next_place.as_ref().is_some_and(|(of, _)| *of == rank) {
                host.place = next_place.take().map(|(_, place)| place);
                next_place = read_place(places.next()?)?;
            }
            take(rank, addr(row.get_ref(1)?.as_blob().map_err(StoreError::damaged)?)?, host);
        }
        Ok(())
    }

    /// The evidence of the derived host of this rank.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn derived_evidence(&self, rank: u32) -> Result<Vec<DerivedEvidence>, StoreError> {
        let sql = "SELECT * FROM evidence WHERE host = ?1 ORDER BY number";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([rank])?;
        let mut evidence = Vec::new();
        while let Some(row) = rows.next()? {
            evidence.push(DerivedEvidence {
                id: row.get(2)?,
                source: row.get(3)?,
                group: row.get(4)?,
                contribution: row.get(5)?,
                x: row.get(6)?,
                llr: row.get(7)?,
                weight: row.get(8)?,
                decay: row.get(9)?,
                counted: row.get(10)?,
                count: maybe_number_at(row, 11)?,
                first_seen: time_at(row, 12)?,
                last_seen: time_at(row, 13)?,
                what: row.get(14)?,
                refs: row.get(15)?,
            });
        }
        Ok(evidence)
    }

    /// The derived detections, the most severe first.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn derived_detections(&self) -> Result<Vec<DerivedDetection>, StoreError> {
        let mut statement = self.db.prepare_cached("SELECT * FROM detection ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut detections = Vec::new();
        while let Some(row) = rows.next()? {
            detections.push(DerivedDetection {
                detector: row.get(1)?,
                subject: addr(row.get_ref(2)?.as_blob().map_err(StoreError::damaged)?)?,
                realm: row.get::<_, Option<u32>>(3)?.map(RealmId),
                severity: row.get(4)?,
                confidence: row.get(5)?,
                first_seen: time_at(row, 6)?,
                last_seen: time_at(row, 7)?,
                row: row.get(8)?,
            });
        }
        Ok(detections)
    }
}

fn read_host(row: &Row<'_>) -> Result<DerivedHost, StoreError> {
    Ok(DerivedHost {
        realm: row.get::<_, Option<u32>>(2)?.map(RealmId),
        mine: row.get(3)?,
        exact: row.get(4)?,
        score: row.get(5)?,
        word: row.get(6)?,
        malice: row.get(7)?,
        anonymity: row.get(8)?,
        evidence_amount: row.get(9)?,
        asn: row.get(10)?,
        as_name: row.get(11)?,
        prefix: row.get(12)?,
        kinds: row.get(13)?,
        lists: row.get(14)?,
        names: row.get(15)?,
        first_seen: time_at(row, 16)?,
        last_seen: time_at(row, 17)?,
        flows: number_at(row, 18)?,
        packets: number_at(row, 19)?,
        bytes_in: number_at(row, 20)?,
        bytes_out: number_at(row, 21)?,
        roles: row.get(22)?,
        place: None,
    })
}

fn read_place(row: Option<&Row<'_>>) -> Result<Option<(u32, DerivedPlace)>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let place = DerivedPlace {
        lat: row.get(3)?,
        lon: row.get(4)?,
        radius_km: row.get(5)?,
        confidence: row.get(6)?,
        city: row.get(7)?,
        region: row.get(8)?,
        country_code: row.get(9)?,
        granularity: row.get(10)?,
        note: row.get(11)?,
        candidates: row.get(12)?,
        inputs: String::new(),
    };
    Ok(Some((row.get(0)?, place)))
}
