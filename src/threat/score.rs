//! The arithmetic of the score: evidence → rows that add up to it (INTERFACE, "Score arithmetic").
//!
//! Each piece of evidence weighs x = weight · decay · llr, in nats: the log-likelihood ratio of
//! Good (1950), lessened by age. Pieces that overlap stand in a group, where only the strongest
//! counts. The sum moves the prior's log odds, and its logistic is the malice. What each row adds
//! to the score is its Aumann–Shapley share (Aumann & Shapley 1974): the mean slope along the way
//! from prior to end, times x. So rows sum to the score, equal evidence has equal points, no row
//! depends on the order, and what speaks for a host takes points away.
//!
//! Deliberately absent: detectors, files, clocks. `now` is an argument, every sum runs in ascending
//! id, and exp and ln are `libm`'s, so the result is the same to the bit on every machine.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::evidence::merge;
use super::profile::{Profile, Row};
use crate::model::{Evidence, EvidenceRow, Kind, Score, Timestamp, Weighing};

/// The log odds that a score may reach: σ(7) is 99.9 of 100. Evidence of this kind is never proof.
pub const LOG_ODDS_MAX: f64 = 7.0;

/// Positives and negatives that each exceed this many nats are called conflicting.
const CONFLICT_NATS: f64 = 2.0;

/// Below this distance of L from L0 the slope is taken at L0 itself: the quotient would be noise.
const SAME_LOG_ODDS: f64 = 1e-9;

/// The id of the row that stands for the profile's prior.
pub const PRIOR: &str = "prior";

/// The id of the row that carries what the clamp at ±[`LOG_ODDS_MAX`] took.
pub const CAP: &str = "cap";

/// Scores one host: `evidence` in any order, `kinds` of its address for the anonymity.
///
/// Evidence of one id is merged first. `now` is the moment from which sightings decay. The result
/// explains itself: its rows sum to its score, in tenths.
pub fn score(evidence: &[Evidence], kinds: &[Kind], profile: &Profile, now: Timestamp) -> Score {
    let mut weighed: Vec<Weighed> =
        merge(evidence.to_vec()).into_iter().map(|one| Weighed::new(one, profile, now)).collect();
    count_strongest(&mut weighed, profile);
    let counted = weighed.iter().filter(|row| row.counted);

    let prior_log_odds = log_odds(profile.prior);
    let sum = counted.clone().fold(0.0, |sum, row| sum + row.x);
    let unclamped = prior_log_odds + sum;
    let end = unclamped.clamp(-LOG_ODDS_MAX, LOG_ODDS_MAX);
    let malice = logistic(end);
    let slope = points_per_nat(prior_log_odds, end);
    let positive = counted.clone().filter(|row| row.x > 0.0).fold(0.0, |sum, row| sum + row.x);
    let negative = counted.filter(|row| row.x < 0.0).fold(0.0, |sum, row| sum - row.x);

    let mut rows = vec![prior_row(prior_log_odds)];
    rows.extend(weighed.into_iter().map(|row| row.explained(slope)));
    if end != unclamped {
        rows.push(cap_row(end - unclamped, slope));
    }
    let shown = round_to(100.0 * malice, 10.0);
    share_tenths(&mut rows, shown);
    rows.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| by_weight_then_id(a, b)));

    Score {
        exact: 100.0 * malice,
        score: shown,
        malice: round_to(malice, 10_000.0),
        anonymity: round_to(anonymity(kinds, profile), 10_000.0),
        evidence_amount: round_to(evidence_amount(positive + negative), 10_000.0),
        conflicting: positive > CONFLICT_NATS && negative > CONFLICT_NATS,
        rows,
    }
}

/// How much was seen: 1 − 2^(−E/2), where E is the sum of |x| in nats. Two nats are one half.
pub fn evidence_amount(nats: f64) -> f64 {
    1.0 - libm::exp2(-nats / 2.0)
}

/// 1 − Π(1 − a_k): how well kinds that are independent of one another hide who is behind a host.
pub fn anonymity(kinds: &[Kind], profile: &Profile) -> f64 {
    let mut kinds = kinds.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let hidden = |kind: &Kind| profile.anonymity.get(kind).copied().unwrap_or(0.0);
    1.0 - kinds.iter().fold(1.0, |open, kind| open * (1.0 - hidden(kind)))
}

/// 0.5 to the power of the age over the half-life; 1 for what has no date or never ages.
///
/// The age is |now − sighting|: a list dated after the capture is as far from it as one before.
pub fn decay(seen: Option<Timestamp>, half_life_days: Option<f64>, now: Timestamp) -> f64 {
    let (Some(seen), Some(half_life_days)) = (seen, half_life_days) else { return 1.0 };
    let age_days = libm::fabs(now.secs_since(seen)) / 86_400.0;
    libm::exp2(-age_days / half_life_days)
}

/// One piece of evidence on its way to a row.
struct Weighed {
    evidence: Evidence,
    group: Option<String>,
    llr: Option<f64>,
    weight: Option<f64>,
    decay: Option<f64>,
    x: f64,
    counted: bool,
}

impl Weighed {
    /// A statement that the profile does not weigh is kept, counts nothing, and shows no ratio.
    fn new(evidence: Evidence, profile: &Profile, now: Timestamp) -> Self {
        let Some(row) = weighing_row(&evidence, profile) else {
            let (llr, weight, decay) = (None, None, None);
            return Self { evidence, group: None, llr, weight, decay, x: 0.0, counted: false };
        };
        // What was said of an own feed goes before the profile's row for such.
        let terms = evidence.terms.as_deref();
        let half_life_days = terms.and_then(|terms| terms.half_life_days).or(row.half_life_days);
        let decay = decay(evidence.last_seen, half_life_days, now);
        let group = terms.and_then(|terms| terms.group.as_deref()).map(str::to_owned);
        Self {
            group: group.or_else(|| row.group.clone()),
            llr: Some(row.llr),
            weight: Some(row.weight),
            decay: Some(decay),
            x: row.weight * decay * row.llr,
            counted: true,
            evidence,
        }
    }

    fn explained(self, points_per_nat: f64) -> EvidenceRow {
        let evidence = self.evidence;
        let x = if self.counted { unsigned_zero(self.x) } else { 0.0 };
        EvidenceRow {
            id: evidence.id,
            source: evidence.source,
            group: self.group,
            contribution: points_per_nat * x,
            x,
            llr: self.llr,
            weight: self.weight,
            decay: self.decay,
            counted: self.counted,
            count: Some(evidence.count),
            first_seen: evidence.first_seen,
            last_seen: evidence.last_seen,
            what: Some(evidence.what),
            refs: evidence.refs,
        }
    }
}

fn weighing_row<'a>(evidence: &Evidence, profile: &'a Profile) -> Option<&'a Row> {
    let own = profile.rows.get(evidence.id.as_ref());
    match evidence.weighing {
        Weighing::ById => own,
        Weighing::ElseBy(other) => own.or_else(|| profile.rows.get(other)),
        Weighing::InsteadBy(other) => profile.rows.get(other),
    }
}

/// Leaves one row of each group counted: that of the largest |x|, of equal ones the smallest id.
/// Its x is clamped to the group's cap. Takes rows in ascending id.
fn count_strongest(weighed: &mut [Weighed], profile: &Profile) {
    let mut strongest: BTreeMap<String, usize> = BTreeMap::new();
    for at in 0..weighed.len() {
        let Some(group) = weighed[at].group.clone() else { continue };
        let size = libm::fabs(weighed[at].x);
        let best = strongest.entry(group).or_insert(at);
        if libm::fabs(weighed[*best].x) < size {
            *best = at;
        }
    }
    for (at, row) in weighed.iter_mut().enumerate() {
        let Some(group) = &row.group else { continue };
        row.counted = strongest.get(group) == Some(&at);
        if let Some(cap) = profile.groups.get(group) {
            row.x = row.x.clamp(-cap, *cap);
        }
    }
}

fn prior_row(prior_log_odds: f64) -> EvidenceRow {
    EvidenceRow {
        contribution: 100.0 * logistic(prior_log_odds),
        llr: Some(prior_log_odds),
        what: Some("The share of hosts that act with hostile intent, before any evidence".into()),
        ..row_of_profile(PRIOR, prior_log_odds)
    }
}

fn cap_row(x: f64, points_per_nat: f64) -> EvidenceRow {
    EvidenceRow {
        contribution: points_per_nat * x,
        what: Some("Evidence of this kind is never proof: the log odds end at 7".into()),
        ..row_of_profile(CAP, x)
    }
}

fn row_of_profile(id: &'static str, x: f64) -> EvidenceRow {
    EvidenceRow {
        id: Cow::Borrowed(id),
        source: "profile",
        group: None,
        contribution: 0.0,
        x,
        llr: None,
        weight: None,
        decay: None,
        counted: true,
        count: None,
        first_seen: None,
        last_seen: None,
        what: None,
        refs: Vec::new(),
    }
}

/// k of the Aumann–Shapley share: 100 · (σ(L) − σ(L0)) / (L − L0), or the slope at L0.
fn points_per_nat(from: f64, to: f64) -> f64 {
    if libm::fabs(to - from) < SAME_LOG_ODDS {
        return 100.0 * logistic(from) * (1.0 - logistic(from));
    }
    100.0 * (logistic(to) - logistic(from)) / (to - from)
}

/// Rounds the contributions to tenths by largest remainder (ties: smaller id), so that they sum to
/// `score`. Rows that do not count stay at 0. Takes rows in ascending id, `prior` and `cap` aside.
fn share_tenths(rows: &mut [EvidenceRow], score: f64) {
    let floor = |row: &EvidenceRow| libm::floor(row.contribution * 10.0);
    let mut order: Vec<usize> = (0..rows.len()).filter(|&at| rows[at].counted).collect();
    let kept: f64 = order.iter().fold(0.0, |sum, &at| sum + floor(&rows[at]));
    let missing = libm::round(score * 10.0) - kept;
    order.sort_by(|&a, &b| {
        let remainder = |at: usize| rows[at].contribution * 10.0 - floor(&rows[at]);
        remainder(b).total_cmp(&remainder(a)).then_with(|| rows[a].id.cmp(&rows[b].id))
    });
    for (place, at) in order.into_iter().enumerate() {
        let extra = if (place as f64) < missing { 1.0 } else { 0.0 };
        rows[at].contribution = unsigned_zero((floor(&rows[at]) + extra) / 10.0);
    }
}

/// `prior` first, `cap` last.
fn rank(row: &EvidenceRow) -> u8 {
    match (row.source, row.id.as_ref()) {
        ("profile", PRIOR) => 0,
        ("profile", CAP) => 2,
        _ => 1,
    }
}

fn by_weight_then_id(a: &EvidenceRow, b: &EvidenceRow) -> std::cmp::Ordering {
    let size = |row: &EvidenceRow| libm::fabs(row.contribution);
    size(b).total_cmp(&size(a)).then_with(|| a.id.cmp(&b.id))
}

fn log_odds(p: f64) -> f64 {
    libm::log(p / (1.0 - p))
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}

fn round_to(value: f64, steps: f64) -> f64 {
    unsigned_zero(libm::round(value * steps) / steps)
}

/// −0 is written 0.
fn unsigned_zero(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::threat::profile::{Form, check};

    fn profile(rows: &str) -> Profile {
        let groups = "g = { cap = 3.0 }\nh = { cap = 8.0 }\n";
        let text = format!(
            "name = \"t\"\n[score]\nprior = 0.005\n[score.groups]\n{groups}[score.rows]\n{rows}\n\
             [score.anonymity]\ntor = 0.9\nvpn = 0.5\n"
        );
        check(&text).unwrap()
    }

    fn seen(id: &str, last_seen: Option<&str>) -> Evidence {
        Evidence {
            id: Cow::Owned(id.to_owned()),
            weighing: Weighing::ById,
            source: "detector",
            count: 1,
            first_seen: None,
            last_seen: last_seen.map(|text| text.parse().unwrap()),
            what: id.to_owned(),
            refs: Vec::new(),
            terms: None,
        }
    }

    /// `now` is 2026-06-01; a piece of evidence is `id` or `id@date`.
    fn scored(rows: &str, evidence: &str) -> Score {
        let evidence: Vec<Evidence> = evidence
            .split_whitespace()
            .map(|word| match word.split_once('@') {
                Some((id, date)) => seen(id, Some(date)),
                None => seen(word, None),
            })
            .collect();
        score(&evidence, &[], &profile(rows), "2026-06-01".parse().unwrap())
    }

    /// `id:contribution` of every row, `!` before one that does not count.
    fn shown(score: &Score) -> String {
        let row = |row: &EvidenceRow| {
            let mark = if row.counted { "" } else { "!" };
            format!("{mark}{}:{:.1}", row.id, row.contribution)
        };
        score.rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    fn check_case(rows: &str, evidence: &str, expected: &str) {
        let score = scored(rows, evidence);
        let shown = format!("{:.1} {}", score.score, shown(&score));
        assert_eq!(shown, expected, "rows {rows} evidence {evidence}");
    }

    #[test]
    fn the_example_of_the_interface() {
        let score = scored("\"scan.horizontal\" = { llr = 7.88 }", "scan.horizontal");
        assert_eq!(shown(&score), "prior:0.5 scan.horizontal:92.5");
        assert_eq!((score.score, score.malice), (93.0, 0.93));
        assert_eq!((score.evidence_amount, score.conflicting), (0.9348, false));
        assert_eq!(score.verdict_word(), "critical");
        assert_eq!(format!("{:.2}", score.rows[0].x), "-5.29");
        assert_eq!(score.rows[0].llr, Some(score.rows[0].x));
    }

    #[test]
    fn a_host_nobody_knows_is_unknown() {
        let score = scored("a = { llr = 1.0 }", "");
        assert_eq!(shown(&score), "prior:0.5");
        assert_eq!((score.score, score.evidence_amount), (0.5, 0.0));
        assert_eq!(score.verdict_word(), "unknown");
    }

    #[test]
    fn tables() {
        let two = "a = { llr = 3.0 }\nb = { llr = 3.0 }";
        check_case(two, "b a", "67.0 prior:0.5 a:33.3 b:33.2");
        // Of a group the strongest counts, up to the cap; equal ones: the smallest id.
        let group = "a = { llr = 2.0, group = \"g\" }\nb = { llr = 5.0, group = \"g\" }";
        check_case(group, "a b", "9.2 prior:0.5 b:8.7 !a:0.0");
        let tie = "a = { llr = 2.0, group = \"g\" }\nb = { llr = 2.0, group = \"g\" }";
        check_case(tie, "b a", "3.6 prior:0.5 a:3.1 !b:0.0");
        // Negative evidence takes points.
        check_case("a = { llr = -4.0 }", "a", "0.1 prior:0.5 a:-1.0 cap:0.6");
        // Half a life old, half the weight, on either side of now.
        let old = "a = { llr = 6.0, half_life_days = 30 }";
        check_case(old, "a@2026-05-02", "9.2 prior:0.5 a:8.7");
        check_case(old, "a@2026-07-01", "9.2 prior:0.5 a:8.7");
        // The clamp at 7 is a row of its own, and stands last.
        check_case("a = { llr = 20.0 }", "a", "99.9 prior:0.5 a:161.7 cap:-62.3");
        check_case("a = { llr = -20.0 }", "a", "0.1 prior:0.5 a:-4.8 cap:4.4");
        // What the profile does not weigh is shown and adds nothing; so does a weight of 0.
        check_case("a = { llr = 1.0 }", "zzz", "0.5 prior:0.5 !zzz:0.0");
        check_case("a = { llr = 1.0, weight = 0 }", "a", "0.5 prior:0.5 a:0.0");
    }

    #[test]
    fn nothing_is_minus_zero() {
        let score = scored("a = { llr = -1.0, weight = 0.0 }", "a");
        for row in &score.rows {
            assert!(row.contribution.is_sign_positive(), "{}", row.id);
            assert!(row.x != 0.0 || row.x.is_sign_positive(), "{}", row.id);
        }
    }

    #[test]
    fn strong_evidence_both_ways_conflicts() {
        let rows = "a = { llr = 2.1 }\nb = { llr = -2.1 }\nc = { llr = -2.0 }";
        assert!(scored(rows, "a b").conflicting);
        assert!(!scored(rows, "a c").conflicting);
        assert_eq!(scored(rows, "a b").verdict_word(), "evidence conflicts");
        // L = L0: the quotient is the slope there, and equal evidence cancels.
        assert_eq!(shown(&scored(rows, "a b")), "prior:0.5 a:1.0 b:-1.0");
    }

    #[test]
    fn anonymity_joins_independent_kinds_and_leaves_malice_alone() {
        let profile = profile("a = { llr = 1.0 }");
        let now = Timestamp::default();
        let score = score(&[], &[Kind::Tor, Kind::Vpn, Kind::Tor, Kind::Isp], &profile, now);
        assert_eq!((score.anonymity, score.score), (0.95, 0.5));
    }

    #[test]
    fn a_weighing_of_its_own_comes_before_the_family() {
        let rows = "\"list.hostile\" = { llr = 6.0 }\n\"list.mine\" = { llr = 1.0 }\n\
                    scan = { llr = 7.0 }\n\
                    explained = { llr = 0.0 }";
        let weigh = |id: &str, weighing| {
            let one = Evidence { weighing, ..seen(id, None) };
            score(&[one], &[], &profile(rows), Timestamp::default()).rows[1].llr
        };
        assert_eq!(weigh("list.mine", Weighing::ElseBy("list.hostile")), Some(1.0));
        assert_eq!(weigh("list.other", Weighing::ElseBy("list.hostile")), Some(6.0));
        assert_eq!(weigh("scan", Weighing::InsteadBy("explained")), Some(0.0));
        assert_eq!(weigh("other", Weighing::ById), None);
    }

    /// The score by another way: Shapley's shares as the mean marginal gain along the straight
    /// path from prior to end, summed in 20,000 steps.
    fn oracle(xs: &[f64], prior: f64) -> (f64, Vec<f64>) {
        let sigma = |l: f64| 100.0 / (1.0 + (-l).exp());
        let start = (prior / (1.0 - prior)).ln();
        let total: f64 = xs.iter().sum();
        let end = (start + total).clamp(-7.0, 7.0);
        let span = end - start;
        let steps = 20_000;
        let mut slope = 0.0;
        for step in 0..steps {
            let l = start + span * (f64::from(step) + 0.5) / f64::from(steps);
            slope += sigma(l) * (100.0 - sigma(l)) / 100.0 / f64::from(steps);
        }
        (sigma(end), xs.iter().map(|x| x * slope).collect())
    }

    fn free_profile(llrs: &[f64], prior: f64) -> (Profile, Vec<Evidence>) {
        let row = |llr: &f64| Row {
            llr: *llr,
            weight: 1.0,
            half_life_days: None,
            group: None,
            severity: 0,
        };
        let id = |at: usize| format!("e{at:02}");
        let profile = Profile {
            name: "t".into(),
            form: Form::LogOdds,
            prior,
            groups: BTreeMap::new(),
            rows: llrs.iter().enumerate().map(|(at, llr)| (id(at), row(llr))).collect(),
            anonymity: BTreeMap::new(),
        };
        let evidence = (0..llrs.len()).map(|at| seen(&id(at), None)).collect();
        (profile, evidence)
    }

    fn tenths(value: f64) -> i64 {
        let tenths = (value * 10.0).round();
        assert!((value * 10.0 - tenths).abs() < 1e-9, "{value} is no tenth");
        tenths as i64
    }

    proptest! {
        #[test]
        fn rows_sum_to_the_score_in_any_order_and_agree_with_the_oracle(
            llrs in proptest::collection::vec(-9.0..9.0_f64, 0..9),
            prior in 0.001..0.999_f64,
            swap in any::<proptest::sample::Index>(),
        ) {
            let (profile, mut evidence) = free_profile(&llrs, prior);
            let first = score(&evidence, &[], &profile, Timestamp::default());
            let sum: i64 = first.rows.iter().map(|row| tenths(row.contribution)).sum();
            prop_assert_eq!(sum, tenths(first.score));
            prop_assert!((0.0..=100.0).contains(&first.score));
            prop_assert!((0.0..=1.0).contains(&first.evidence_amount));

            let (points, shares) = oracle(&llrs, prior);
            prop_assert!((points - first.exact).abs() < 1e-9);
            for (at, share) in shares.iter().enumerate() {
                let id = format!("e{at:02}");
                let row = first.rows.iter().find(|row| row.id == id).unwrap();
                let points = row.contribution;
                prop_assert!((points - share).abs() < 0.101, "{} {}", points, share);
            }

            if !evidence.is_empty() {
                let at = swap.index(evidence.len());
                evidence.rotate_left(at);
                evidence.reverse();
            }
            prop_assert_eq!(score(&evidence, &[], &profile, Timestamp::default()), first);
        }

        #[test]
        fn more_against_a_host_never_lowers_its_score(
            llrs in proptest::collection::vec(-5.0..5.0_f64, 1..6),
            more in 0.0..5.0_f64,
        ) {
            let (profile, evidence) = free_profile(&llrs, 0.005);
            let before = score(&evidence, &[], &profile, Timestamp::default()).exact;
            let mut raised = llrs.clone();
            raised[0] += more;
            let (profile, evidence) = free_profile(&raised, 0.005);
            prop_assert!(score(&evidence, &[], &profile, Timestamp::default()).exact >= before);
        }

        #[test]
        fn equal_evidence_has_equal_points_but_for_rounding(
            llr in -5.0..5.0_f64,
            n in 2..8_usize,
        ) {
            let (profile, evidence) = free_profile(&vec![llr; n], 0.005);
            let score = score(&evidence, &[], &profile, Timestamp::default());
            let points = score.rows.iter().filter(|row| row.id.starts_with('e'));
            let points: Vec<i64> = points.map(|row| tenths(row.contribution)).collect();
            prop_assert!(points.iter().max().unwrap() - points.iter().min().unwrap() <= 1);
        }

        #[test]
        fn age_takes_weight_and_never_gives_it(days in 0.0..4000.0_f64, half in 0.01..400.0_f64) {
            let now = Timestamp::from_secs_nanos(1_780_000_000, 0);
            let back = now.plus_nanos(-(days * 86_400e9) as i64);
            let weight = decay(Some(back), Some(half), now);
            prop_assert!((0.0..=1.0).contains(&weight));
            prop_assert!((weight - 0.5_f64.powf(days / half)).abs() < 1e-6);
            prop_assert_eq!(decay(None, Some(half), now), 1.0);
        }
    }
}
