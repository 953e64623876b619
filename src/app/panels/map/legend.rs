//! What the marks mean, and how many hosts have which: above the map, beside its name.

use egui::{Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::app::panels::View;
use crate::app::panels::filter_menu;
use crate::app::theme::{self, Palette};
use crate::app::widgets::band;
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::Verdict;

/// Points of width below which numbers stand without their words.
const WORDS_FROM: f32 = 520.0;

/// Beside the tab: marks, numbers and words; a click leaves the hosts of one alone.
pub(super) fn tools(ui: &mut Ui, view: &mut View<'_>) {
    let words = match ui.available_width() >= WORDS_FROM {
        true => Words::Shown,
        false => Words::Hidden,
    };
    ui.add_space(theme::SPACE);
    // From the right, so that the most alarming comes first from the left.
    for (verdict, count) in Verdict::ALL.into_iter().zip(view.snapshot.verdicts) {
        if count > 0 && verdict_ui(ui, verdict, count, words) {
            view.filter_by(filter_menu::of_verdict(verdict));
        }
    }
}

/// Whether there is room for words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Shown,
    Hidden,
}

/// Whether it was clicked.
fn verdict_ui(ui: &mut Ui, verdict: Verdict, count: u32, words: Words) -> bool {
    let palette = Palette::of(ui);
    let word = verdict.as_str();
    let text = match words {
        Words::Shown => format!("{} {word}", grouped(count.into())),
        Words::Hidden => grouped(count.into()),
    };
    let galley = ui.painter().layout_no_wrap(text, theme::text(theme::BODY), palette.quiet);
    let size = vec2(galley.size().x + 24.0, theme::row(ui));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = format!("{}: {word}", counted(count.into(), "host", "hosts"));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let painter = ui.painter();
    if response.hovered() || response.has_focus() {
        painter.rect_filled(rect, 4.0, palette.border);
    }
    band::mark(painter, palette, pos2(rect.min.x + 10.0, rect.center().y), 4.5, verdict);
    let at = pos2(rect.min.x + 19.0, rect.center().y - galley.size().y / 2.0);
    painter.galley(at, galley, palette.quiet);
    response.on_hover_text(format!("{name}\nClick to show these alone")).clicked()
}
