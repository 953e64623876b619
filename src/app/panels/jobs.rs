//! Jobs: what is being done and what was done, how far it is, how to stop it.

use std::sync::Arc;

use egui::{
    Align, Button, Label, Layout, ProgressBar, RichText, Role, ScrollArea, Ui, WidgetInfo, vec2,
};

use super::{Panel, View, empty_ui, no_tools};
use crate::app::theme::{self, Palette, icon};
use crate::app::times;
use crate::app::widgets::text::{counted, time};
use crate::clock;
use crate::engine::workbench::{Command, JobState, JobView};
use crate::model::{Timestamp, Visible};

/// Jobs of this run.
pub const PANEL: Panel = Panel {
    title: "Jobs",
    icon: icon::JOBS,
    help: "What takes time, the newest first: reading, opening, saving, handing over. Stop ends a \
           job and keeps what it has done until then. What is listed goes when the program ends; \
           what was done to a case stands in the case.",
    ui,
    tools: no_tools,
};

/// Failures that find room on the start page.
const FAILURES_MAX: usize = 3;

/// Seconds between two looks at how long a job has run that says nothing.
const LOOK_SECS: f32 = 0.5;

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    let jobs = Arc::clone(&view.snapshot.jobs);
    if jobs.is_empty() {
        let what = "Reading, saving and handing over are listed here, with how far they are and a \
                    button that stops them";
        return empty_ui(ui, view, "No jobs yet", what);
    }
    let now = clock::now();
    if jobs.iter().any(|job| !job.state.is_over()) {
        ui.ctx().request_repaint_after_secs(LOOK_SECS);
    }
    head_ui(ui, view, &jobs);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for job in jobs.iter().rev() {
            egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 6)).show(ui, |ui| {
                job_ui(ui, view, job, now);
            });
            ui.separator();
        }
    });
}

/// How many there are, and a way to be rid of those that ended.
fn head_ui(ui: &mut Ui, view: &mut View<'_>, jobs: &[JobView]) {
    let going = jobs.iter().filter(|job| !job.state.is_over()).count();
    let frame = egui::Frame::new().fill(Palette::of(ui).raised);
    frame.inner_margin(egui::Margin::symmetric(12, 4)).show(ui, |ui| {
        ui.horizontal(|ui| {
            let all = counted(jobs.len() as u64, "job", "jobs");
            let text = format!("{all} of this run, {going} still to end");
            ui.colored_label(Palette::of(ui).quiet, text);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let clear = ui.add_enabled(going < jobs.len(), Button::new("Clear finished"));
                if clear.on_hover_text("Takes finished jobs out of this list").clicked() {
                    view.wish(Command::DismissFinished);
                }
            });
        });
    });
}

/// One job: what and when on the first line, how it stands below.
fn job_ui(ui: &mut Ui, view: &mut View<'_>, job: &JobView, now: Timestamp) {
    let quiet = Palette::of(ui).quiet;
    ui.horizontal(|ui| {
        let (word, colour) = word(ui, &job.state);
        let state = ui.allocate_ui(vec2(72.0, theme::row(ui)), |ui| {
            ui.set_width(72.0);
            ui.colored_label(colour, word);
        });
        state.response.on_hover_text(format!("Asked for {}", time(Some(job.asked))));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            buttons_ui(ui, view, job);
            ui.label(RichText::new(when(job, now)).color(quiet));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = RichText::new(Visible(&job.title).to_string());
                ui.add(Label::new(title.font(theme::strong(theme::BODY))).truncate());
            });
        });
    });
    ui.horizontal(|ui| {
        ui.add_space(72.0 + ui.spacing().item_spacing.x);
        state_ui(ui, job, Room::Wide);
    });
}

/// Stop or hide, and what a failure said.
fn buttons_ui(ui: &mut Ui, view: &mut View<'_>, job: &JobView) {
    let title = Visible(&job.title).to_string();
    let (verb, wish) = verb(job);
    let button = ui.add(Button::new(verb).min_size(vec2(48.0, 0.0)));
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{verb}: {title}")));
    if button.clicked() {
        view.wish(wish);
    }
    if let JobState::Failed(why) = &job.state {
        let copy = ui.button(format!("{} Copy", icon::COPY));
        let name = format!("Copy why it failed: {title}");
        copy.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if copy.clicked() {
            ui.copy_text(format!("{title}: {}", Visible(why)));
        }
    }
}

/// A word for how it stands, and its colour.
fn word(ui: &Ui, state: &JobState) -> (&'static str, egui::Color32) {
    let palette = Palette::of(ui);
    match state {
        JobState::Waiting => ("waits", palette.quiet),
        JobState::Running { .. } => ("runs", palette.accent),
        JobState::Done(_) => ("done", palette.text),
        JobState::Stopped(_) => ("stopped", palette.warned),
        JobState::Failed(_) => ("failed", palette.failed),
    }
}

/// `2026-06-05 03:12:44 UTC · 4.0 s`: when it began, how long it took or has taken.
fn when(job: &JobView, now: Timestamp) -> String {
    let zone = times::zone();
    let Some(begun) = job.begun else { return format!("{} {zone}", time(Some(job.asked))) };
    let secs = job.ended.unwrap_or(now).secs_since(begun).max(0.0);
    format!("{} {zone} · {}", time(Some(begun)), took(secs))
}

/// `0.4 s`, `12 s`, `3 min 5 s`, `2 h 5 min`.
fn took(secs: f64) -> String {
    match secs {
        secs if secs < 9.95 => format!("{secs:.1} s"),
        secs if secs < 59.5 => format!("{secs:.0} s"),
        secs => {
            let whole = secs.round() as u64;
            match whole / 60 {
                minutes if minutes < 60 => format!("{minutes} min {} s", whole % 60),
                minutes => format!("{} h {} min", minutes / 60, minutes % 60),
            }
        }
    }
}

/// How much room there is.
#[derive(Clone, Copy)]
enum Room {
    /// As many lines as it takes.
    Wide,
    /// What is left of a line.
    Line,
}

/// How far it is, or what it came to.
fn state_ui(ui: &mut Ui, job: &JobView, room: Room) {
    let palette = Palette::of(ui);
    let (text, colour) = match &job.state {
        JobState::Waiting => ("Begins when what runs before it has ended", palette.quiet),
        JobState::Running { part, detail } => {
            bar_ui(ui, job, *part, room);
            (detail.as_str(), palette.quiet)
        }
        JobState::Done(what) | JobState::Stopped(what) => (what.as_str(), palette.quiet),
        JobState::Failed(why) => (why.as_str(), palette.failed),
    };
    let text = RichText::new(Visible(text).to_string()).color(colour);
    match room {
        Room::Wide => ui.add(Label::new(text).wrap()),
        Room::Line => ui.add(Label::new(text).truncate()),
    };
}

/// A bar as full as the job is far; one that cannot tell how far it is turns.
fn bar_ui(ui: &mut Ui, job: &JobView, part: Option<f32>, room: Room) {
    let width = match room {
        Room::Wide => 220.0,
        Room::Line => 120.0,
    };
    let bar = match part {
        Some(part) => {
            let bar = ProgressBar::new(part).fill(Palette::of(ui).amount);
            ui.add(bar.desired_width(width).desired_height(6.0))
        }
        None => ui.spinner(),
    };
    let title = Visible(&job.title).to_string();
    bar.widget_info(|| match part {
        Some(part) => {
            let name = format!("{title}: {:.0} % done", part * 100.0);
            WidgetInfo::labeled(Role::ProgressIndicator, true, name)
        }
        None => {
            let name = format!("{title}: it cannot be told how far");
            WidgetInfo::labeled(Role::ProgressIndicator, true, name)
        }
    });
}

/// One line below the timeline, always as high as that: the job that goes on, else the one that
/// ended last. All others are a click away.
pub fn strip_ui(ui: &mut Ui, view: &mut View<'_>) {
    let jobs = Arc::clone(&view.snapshot.jobs);
    let size = vec2(ui.available_width(), theme::row(ui));
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(size.y);
        let (others, is_failure) = others(&jobs);
        let palette = Palette::of(ui);
        let colour = if is_failure { palette.failed } else { palette.quiet };
        let link = Button::new(RichText::new(others).color(colour)).frame(false);
        if ui.add(link).on_hover_text("Show all jobs").clicked() {
            view.memory.wanted_view = Some(PANEL.title);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            if let Some(job) = on_strip(&jobs) {
                line_ui(ui, view, job);
            }
        });
    });
}

/// The jobs that failed, one line each: on the start page, which has no views.
pub fn failures_ui(ui: &mut Ui, view: &mut View<'_>) {
    let jobs = Arc::clone(&view.snapshot.jobs);
    let failed = jobs.iter().rev().filter(|job| matches!(job.state, JobState::Failed(_)));
    for job in failed.take(FAILURES_MAX) {
        ui.horizontal(|ui| {
            hide_ui(ui, view, job);
            ui.label(Visible(&job.title).to_string());
        });
        state_ui(ui, job, Room::Wide);
    }
}

/// What goes on, else what ended last.
fn on_strip(jobs: &[JobView]) -> Option<&JobView> {
    let going = jobs.iter().find(|job| !job.state.is_over());
    going.or_else(|| jobs.iter().max_by_key(|job| (job.ended, job.id)))
}

/// `2 more run · 1 failed`, and whether it tells of a failure.
fn others(jobs: &[JobView]) -> (String, bool) {
    let going = jobs.iter().filter(|job| !job.state.is_over()).count();
    let failed = jobs.iter().filter(|job| matches!(job.state, JobState::Failed(_))).count();
    let mut words = Vec::new();
    if going > 1 {
        words.push(format!("{} more to do", going - 1));
    }
    if failed > 0 {
        words.push(format!("{failed} failed"));
    }
    let text = match (words.is_empty(), jobs.len()) {
        (false, _) => words.join(" · "),
        (true, 0) => "No jobs".to_owned(),
        (true, many) => counted(many as u64, "job", "jobs"),
    };
    (text, failed > 0)
}

fn line_ui(ui: &mut Ui, view: &mut View<'_>, job: &JobView) {
    hide_ui(ui, view, job);
    let title = match &job.state {
        JobState::Done(_) => format!("{}: done", Visible(&job.title)),
        _ => Visible(&job.title).to_string(),
    };
    let title = Button::new(title).frame(false);
    if ui.add(title).on_hover_text("Show all jobs").clicked() {
        view.memory.wanted_view = Some(PANEL.title);
    }
    state_ui(ui, job, Room::Line);
}

fn hide_ui(ui: &mut Ui, view: &mut View<'_>, job: &JobView) {
    let (verb, wish) = verb(job);
    let name = format!("{verb}: {}", Visible(&job.title));
    let button = ui.small_button(format!("{} {verb}", icon::CLOSE));
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    if button.clicked() {
        view.wish(wish);
    }
}

/// What can be done about it.
fn verb(job: &JobView) -> (&'static str, Command) {
    match job.state.is_over() {
        true => ("Hide", Command::Dismiss(job.id)),
        false => ("Stop", Command::Cancel(job.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::JobId;

    fn job(id: u32, state: JobState) -> JobView {
        let asked = Timestamp::from_nanos(0);
        JobView { id: JobId(id), title: String::new(), asked, begun: None, ended: None, state }
    }

    fn done() -> JobState {
        JobState::Done(String::new())
    }

    #[test]
    fn the_strip_shows_what_goes_on_before_what_ended() {
        let shown = |jobs: &[JobView]| on_strip(jobs).map(|job| job.id.0);
        assert_eq!((shown(&[]), others(&[])), (None, ("No jobs".to_owned(), false)));
        let mut jobs: Vec<_> = (0..4).map(|id| job(id, done())).collect();
        assert_eq!((shown(&jobs), others(&jobs)), (Some(3), ("4 jobs".to_owned(), false)));
        jobs[1].ended = Some(Timestamp::from_nanos(1));
        assert_eq!(shown(&jobs), Some(1), "the one that ended last");
        jobs[2] = job(2, JobState::Waiting);
        jobs[3] = job(3, JobState::Waiting);
        assert_eq!((shown(&jobs), others(&jobs)), (Some(2), ("1 more to do".to_owned(), false)));
        jobs[0] = job(0, JobState::Failed("x".to_owned()));
        assert_eq!(others(&jobs), ("1 more to do · 1 failed".to_owned(), true));
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        for (secs, shown) in [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (9.96, "10 s"),
            (59.4, "59 s"),
            (59.6, "1 min 0 s"),
            (185.2, "3 min 5 s"),
            (7_519.0, "2 h 5 min"),
        ] {
            assert_eq!(took(secs), shown);
        }
    }
}
