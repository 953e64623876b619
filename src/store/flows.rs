//! Flows ↔ rows of `flow`.

use rusqlite::{Connection, Row, params};

use super::StoreError;
use super::cells::{CONN_STATES, addr, addr_cell, cell, maybe_number_at, number_at, one_of, uid};
use super::words::{WordsIn, WordsOut};
use crate::flow::apps::known_app;
use crate::flow::known_os;
use crate::model::{ConnState, Endpoint, Flow, ImportId, Proto, Spoken, Timestamp, Uid, Untrusted};

const INSERT: &str = "INSERT INTO flow VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
    ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, \
    ?32, ?33)";

/// Rows of an import in their order; its bounds are the parameters.
pub(super) const SELECT: &str = "SELECT * FROM flow WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

pub(super) fn insert(
    db: &Connection,
    id: i64,
    flow: &Flow,
    words: &mut WordsOut,
) -> Result<(), StoreError> {
    let spoken = &*flow.spoken;
    let raw = |text: &'_ Option<Untrusted>| text.as_ref().map(|text| text.raw().to_owned());
    let parents: Option<Vec<u8>> = (!flow.tunnel_parents.is_empty())
        .then(|| flow.tunnel_parents.iter().flat_map(|uid| uid.to_bytes()).collect());
    let apps = (!spoken.apps.is_empty()).then(|| spoken.apps.join(","));
    let history = (!flow.history.is_empty()).then_some(flow.history.as_str());
    let service = words.maybe(db, flow.service.as_deref())?;
    let history = words.maybe(db, history)?;
    let apps = words.maybe(db, apps.as_deref())?;
    let ja3 = words.maybe(db, spoken.ja3.as_deref())?;
    let ja3s = words.maybe(db, spoken.ja3s.as_deref())?;
    let ja4 = words.maybe(db, spoken.ja4.as_deref())?;
    let hassh = words.maybe(db, spoken.hassh.as_deref())?;
    let hassh_server = words.maybe(db, spoken.hassh_server.as_deref())?;
    let sni = words.maybe(db, raw(&spoken.sni).as_deref())?;
    let alpn = words.maybe(db, raw(&spoken.alpn).as_deref())?;
    let server_name = words.maybe(db, raw(&spoken.server_name).as_deref())?;
    let user_agent = words.maybe(db, raw(&spoken.user_agent).as_deref())?;
    let os_guess = words.maybe(db, spoken.os_guess)?;
    db.prepare_cached(INSERT)?.execute(params![
        id,
        flow.uid.to_bytes(),
        flow.first_seen.nanos(),
        flow.duration_nanos.map(cell),
        addr_cell(flow.originator.addr),
        flow.originator.port,
        addr_cell(flow.responder.addr),
        flow.responder.port,
        flow.proto.number(),
        service,
        flow.orig_bytes.map(cell),
        flow.resp_bytes.map(cell),
        flow.conn_state.as_str(),
        cell(flow.missed_bytes),
        history,
        cell(flow.orig_pkts),
        cell(flow.orig_ip_bytes),
        cell(flow.resp_pkts),
        cell(flow.resp_ip_bytes),
        parents,
        flow.vlan,
        flow.inner_vlan,
        apps,
        ja3,
        ja3s,
        ja4,
        hassh,
        hassh_server,
        sni,
        alpn,
        server_name,
        user_agent,
        os_guess,
    ])?;
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(super) fn read(
    db: &Connection,
    row: &Row<'_>,
    import: ImportId,
    words: &mut WordsIn,
) -> Result<Flow, StoreError> {
    let blob = |column| row.get_ref(column)?.as_blob().map_err(StoreError::damaged);
    let end = |at: usize| -> Result<Endpoint, StoreError> {
        Ok(Endpoint { addr: addr(blob(at)?)?, port: row.get(at + 1)? })
    };
    let state = row.get_ref(12)?.as_str().map_err(StoreError::damaged)?;
    Ok(Flow {
        uid: uid(blob(1)?)?,
        import,
        first_seen: Timestamp::from_nanos(row.get(2)?),
        duration_nanos: maybe_number_at(row, 3)?,
        originator: end(4)?,
        responder: end(6)?,
        proto: Proto::from_number(row.get(8)?),
        service: text(db, row, 9, words)?.map(str::to_owned),
        orig_bytes: maybe_number_at(row, 10)?,
        resp_bytes: maybe_number_at(row, 11)?,
        conn_state: one_of(state, &CONN_STATES, ConnState::as_str)?,
        missed_bytes: number_at(row, 13)?,
        history: text(db, row, 14, words)?.unwrap_or_default().to_owned(),
        orig_pkts: number_at(row, 15)?,
        orig_ip_bytes: number_at(row, 16)?,
        resp_pkts: number_at(row, 17)?,
        resp_ip_bytes: number_at(row, 18)?,
        tunnel_parents: parents(row)?,
        vlan: row.get(20)?,
        inner_vlan: row.get(21)?,
        spoken: Box::new(spoken(db, row, words)?),
    })
}

fn spoken(db: &Connection, row: &Row<'_>, words: &mut WordsIn) -> Result<Spoken, StoreError> {
    let apps = text(db, row, 22, words)?.unwrap_or_default();
    // A word that only a newer program knows is left out.
    let apps = apps.split(',').filter_map(known_app).collect();
    let mut owned = |column| Ok::<_, StoreError>(text(db, row, column, words)?.map(str::to_owned));
    let known: [Option<String>; 5] = [owned(23)?, owned(24)?, owned(25)?, owned(26)?, owned(27)?];
    let [ja3, ja3s, ja4, hassh, hassh_server] = known;
    let mut foreign =
        |column| Ok::<_, StoreError>(text(db, row, column, words)?.map(Untrusted::new));
    Ok(Spoken {
        apps,
        ja3,
        ja3s,
        ja4,
        hassh,
        hassh_server,
        sni: foreign(28)?,
        alpn: foreign(29)?,
        server_name: foreign(30)?,
        user_agent: foreign(31)?,
        os_guess: text(db, row, 32, words)?.and_then(known_os),
    })
}

fn parents(row: &Row<'_>) -> Result<Vec<Uid>, StoreError> {
    let bytes = row.get_ref(19)?.as_blob_or_null().map_err(StoreError::damaged)?;
    bytes.unwrap_or_default().chunks(12).map(uid).collect()
}

/// The text behind a column that holds a word's number.
pub(super) fn text<'w>(
    db: &Connection,
    row: &Row<'_>,
    column: usize,
    words: &'w mut WordsIn,
) -> Result<Option<&'w str>, StoreError> {
    match row.get::<_, Option<i64>>(column)? {
        Some(number) => words.text(db, number).map(Some),
        None => Ok(None),
    }
}
