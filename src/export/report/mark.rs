//! The mark of a band: a shape, a colour and a word, never colour alone.

use super::html::Html;
use crate::export::HostRow;

/// The shapes, drawn around (0, 0) and at most 14 units wide.
pub(super) const SYMBOLS: &str = "<svg width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\
<g id=\"m-unknown\"><circle r=\"5\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\" \
stroke-dasharray=\"2 1.9\"/></g>\
<g id=\"m-none\"><circle r=\"2.5\" fill=\"currentColor\"/></g>\
<g id=\"m-low\"><circle r=\"4.5\" fill=\"currentColor\"/></g>\
<g id=\"m-medium\"><path d=\"M0-5.5 5.5 0 0 5.5-5.5 0Z\" fill=\"none\" stroke=\"currentColor\" \
stroke-width=\"2\"/></g>\
<g id=\"m-high\"><path d=\"M0-6.5 6.5 0 0 6.5-6.5 0Z\" fill=\"currentColor\"/></g>\
<g id=\"m-critical\"><path d=\"M0-6.5 7 5.5-7 5.5Z\" fill=\"currentColor\"/></g>\
</defs></svg>";

/// Words of all marks, the highest first.
pub(super) const WORDS: [&str; 6] = ["critical", "high", "medium", "low", "none", "unknown"];

/// Which mark a host has. Conflicting evidence shows the band; the table says that it conflicts.
pub(super) fn word_of(host: &HostRow) -> &'static str {
    if host.word == "unknown" { "unknown" } else { host.band.as_str() }
}

/// The mark as a small picture in running text.
pub(super) fn inline(word: &'static str, page: &mut Html) {
    page.markup("<svg class=\"mark ").markup(word);
    page.markup("\" viewBox=\"-7 -7 14 14\" aria-hidden=\"true\"><use href=\"#m-").markup(word);
    page.markup("\"/></svg>");
}
