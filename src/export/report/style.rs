//! How the page looks: tokens, style sheet, script, and the policy that admits only these two.

use sha2::{Digest, Sha256};

use crate::model::base64;

/// Name and value of each colour by day. Text is at least 4.5:1 on the ground, marks 3:1.
pub(super) const LIGHT: [(&str, &str); 13] = [
    ("ground", "#ffffff"),
    ("text", "#1b1b1b"),
    ("muted", "#5d5d5d"),
    ("line", "#dddddd"),
    ("accent", "#186add"),
    ("land", "#ebe9e4"),
    ("border", "#cbc7be"),
    ("unknown", "#757575"),
    ("none", "#757575"),
    ("low", "#0072b2"),
    ("medium", "#a86d00"),
    ("high", "#d55e00"),
    ("critical", "#b8005c"),
];

/// The same by night: designed, not inverted. Bands are Okabe and Ito's, lightened.
pub(super) const DARK: [(&str, &str); 13] = [
    ("ground", "#0d0d0d"),
    ("text", "#e4e4e4"),
    ("muted", "#9b9b9b"),
    ("line", "#2b2b2b"),
    ("accent", "#6ba6ff"),
    ("land", "#202427"),
    ("border", "#3a4045"),
    ("unknown", "#8f8f8f"),
    ("none", "#8f8f8f"),
    ("low", "#56b4e9"),
    ("medium", "#e69f00"),
    ("high", "#f0702a"),
    ("critical", "#ff5c9e"),
];

const RULES: &str = "
*{box-sizing:border-box}
html{color-scheme:light dark;background:var(--ground);color:var(--text);
font:13px/1.5 Inter,system-ui,-apple-system,\"Segoe UI\",sans-serif;
font-variant-numeric:tabular-nums;
-webkit-text-size-adjust:100%}
body{max-width:1200px;margin:0 auto;padding:24px 24px 48px;overflow-wrap:break-word}
h1{font-size:11px;letter-spacing:.08em;text-transform:uppercase;color:var(--muted);font-weight:600;
margin:0 0 16px}
h2{font-size:11px;letter-spacing:.08em;text-transform:uppercase;color:var(--muted);font-weight:600;
margin:40px 0 8px;padding-top:8px;border-top:1px solid var(--line)}
h3{font-size:13px;font-weight:600;margin:16px 0 4px}
p{margin:0 0 8px;max-width:76ch}
.tlp{background:#000;color:#fff;padding:4px 8px;border-radius:4px;max-width:none;font-size:12px}
.tlp.green b{color:#3f0}.tlp.amber b{color:#ffc000}.tlp.red b{color:#ff2b2b}
.answer{font-size:22px;line-height:1.35;max-width:44em;margin:0 0 12px;font-weight:500}
.then{font-size:16px;line-height:1.45;max-width:58em}
.answer .mono,.then .mono{font-size:.9em;font-weight:600}
.muted,caption,dt{color:var(--muted)}
a{color:var(--accent)}
code,.mono{font-family:\"JetBrains Mono\",ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
font-size:12px;overflow-wrap:anywhere}
.bands{display:flex;flex-wrap:wrap;gap:4px 24px;margin:16px 0 0;padding:0;list-style:none}
.bands b{font-weight:600}
.mark{width:14px;height:14px;vertical-align:-2px;overflow:visible;flex:none}
.unknown{color:var(--unknown)}.none{color:var(--none)}.low{color:var(--low)}
.medium{color:var(--medium)}.high{color:var(--high)}.critical{color:var(--critical)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{caption-side:top;text-align:left;padding:0 0 8px}
th,td{text-align:left;vertical-align:top;padding:4px 16px 4px 0}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--muted);font-weight:500;border-bottom:1px solid var(--line);white-space:nowrap;
vertical-align:bottom}
thead button{all:unset;cursor:pointer}
thead button:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);
outline-offset:2px}
thead button:hover{color:var(--text)}
[aria-sort=descending] button::after{content:\" \\2193\"}
[aria-sort=ascending] button::after{content:\" \\2191\"}
.num{text-align:right;white-space:nowrap}
.nowrap{white-space:nowrap}
.wrap{overflow-wrap:anywhere;min-width:13ch}.net{min-width:20ch}
.answer,.then,h1,dd{overflow-wrap:anywhere}
.hosts>tbody{border-bottom:1px solid var(--line)}
.hosts>tbody>tr:first-child>td{padding-top:8px}
.score{white-space:nowrap;font-weight:600}
.score .mark{margin-right:6px}
.addr{font-weight:600;white-space:nowrap}
.addr6{white-space:normal;min-width:17ch}
.why>td{padding:0 0 8px}
summary{cursor:pointer;color:var(--muted);width:max-content;max-width:100%}
summary:hover{color:var(--text)}
.rows{margin:4px 0 8px}
.rows td{padding:2px 16px 2px 0;border:0}
.rows .id{white-space:nowrap}
.rows .bar{width:230px}
.bar svg{width:220px;height:12px;display:block;margin-top:4px}
.plus{fill:currentColor}.minus{fill:var(--low)}.axis{stroke:var(--muted);stroke-width:1}
.off{color:var(--muted)}
.map{width:100%;height:auto;display:block}
.land{fill:var(--land);fill-rule:evenodd}.lake{fill:var(--ground)}
.borders{fill:none;stroke:var(--border);stroke-width:.8;stroke-linejoin:round;
vector-effect:non-scaling-stroke}
.circle{fill:currentColor;fill-opacity:.08;stroke:currentColor;stroke-opacity:.75;stroke-width:1;
vector-effect:non-scaling-stroke}
.halo{stroke:var(--ground);stroke-width:3;paint-order:stroke;stroke-linejoin:round}
.label{font-size:13px;fill:var(--text);font-weight:600}
.tick{font-size:11px;fill:var(--muted)}
.grid{stroke:var(--line);stroke-width:1}
.lane{font-size:11px;fill:var(--text)}
.span{stroke:currentColor;stroke-width:6;stroke-linecap:round}
.in{fill:var(--ground);stroke:currentColor;stroke-width:2.5}
.yes{font-weight:600;white-space:nowrap}
.sha{width:35ch;min-width:35ch}.file{min-width:18ch}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0}
dd{margin:0}
ul{margin:0 0 8px;padding-left:18px}
@media(max-width:700px){body{padding:16px}.answer{font-size:18px}.then{font-size:14px}
.wide{min-width:680px}dl{grid-template-columns:1fr}dt{margin-top:8px}
.label{display:none}.world use{transform:scale(2.2)}
.hosts,.hosts>caption,.hosts>tbody,.hosts>tbody>tr{display:block}.hosts>thead{display:none}
.hosts>tbody>tr:first-child{display:flex;flex-wrap:wrap;gap:0 16px;padding-top:8px}
.hosts>tbody>tr>td{display:block;padding:0 0 2px;text-align:left}
.hosts>tbody>tr>td:empty{display:none}.hosts>tbody>tr:first-child>td{padding-top:0}
.hosts>tbody>tr>.line{flex-basis:100%}.addr{white-space:normal;overflow-wrap:anywhere}
td[data-l]::before{content:attr(data-l) \" \";
color:var(--muted)}.rows,.rows tbody{display:block}.rows tr{display:flex;flex-wrap:wrap;
justify-content:space-between;margin-bottom:4px}.rows td{padding:0}.rows .bar,.rows .what{
flex-basis:100%}}
@media print{@page{size:A4;margin:14mm}html{font-size:9.5px;color-scheme:light}body{padding:0;
max-width:none}.scroll{overflow:visible}.answer{font-size:17px}.then{font-size:12px}
code,.mono{font-size:8.5px}thead{display:table-header-group}tr,.keep{break-inside:avoid}
h2{break-after:avoid;margin-top:24px}.sha{width:auto;min-width:0}th,td{padding-right:8px}
.rows .bar{width:130px}.bar svg{width:120px}details.key::details-content{content-visibility:visible;
display:block}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
";

/// Sorts a table by a heading. Without it the tables stand as ranked.
pub(super) const SCRIPT: &str = r#""use strict";
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const kind = head.dataset.by;
    if (!kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const value = (body) => {
      const cell = body.rows[0].cells[column];
      const text = cell.dataset.v ?? cell.textContent.trim();
      return kind === "number" ? (text === "" ? null : Number(text)) : text;
    };
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const down = before ? before !== "descending" : kind === "number";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = (a, b) => (typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0);
      const bodies = Array.from(table.tBodies, (body) => [value(body), body]);
      const unknown = (v) => v === null || v === "";
      bodies.sort(([a], [b]) => unknown(a) - unknown(b) || (down ? order(b, a) : order(a, b)));
      table.append(...bodies.map(([, body]) => body));
    });
  });
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details.key")) details.open = true;
});
"#;

/// The whole style sheet.
pub(super) fn sheet() -> String {
    let tokens = |palette: &[(&str, &str)]| {
        let each = palette.iter().map(|(name, value)| format!("--{name}:{value};"));
        format!(":root{{{}}}", each.collect::<String>())
    };
    let (light, dark) = (tokens(&LIGHT), tokens(&DARK));
    // Paper is white whatever the screen is.
    format!("{light}@media screen and (prefers-color-scheme:dark){{{dark}}}{RULES}")
}

/// The policy: no request of any kind; this style sheet and this script, by their hashes, alone.
pub(super) fn policy(sheet: &str, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text)));
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        hash(script),
        hash(sheet)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, relative luminance.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_marks_stand_out_by_day_and_by_night() {
        for palette in [LIGHT, DARK] {
            let of = |wanted: &str| palette.iter().find(|(name, _)| *name == wanted).unwrap().1;
            for name in ["text", "muted", "accent"] {
                let ratio = contrast(of(name), of("ground"));
                assert!(ratio >= 4.5, "{name} on ground: {ratio:.2}");
            }
            assert!(contrast(of("text"), of("land")) >= 4.5, "labels on land");
            for name in ["unknown", "none", "low", "medium", "high", "critical"] {
                for ground in ["ground", "land"] {
                    let ratio = contrast(of(name), of(ground));
                    assert!(ratio >= 3.0, "{name} on {ground}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn the_policy_admits_nothing_from_anywhere() {
        let policy = policy(&sheet(), SCRIPT);
        assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'));
        assert!(!sheet().contains("url(") && !sheet().contains("@import"));
    }
}
