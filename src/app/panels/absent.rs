//! Said where a view has nothing to show: that nothing is open, that it is still read, that it
//! could not be read, or that there truly is none. The four never look the same.

use std::sync::Arc;

use egui::{ProgressBar, RichText, Role, Ui, WidgetInfo};

use super::{View, problems};
use crate::app::theme::{self, Palette};
use crate::engine::workbench::{Command, DataState, JobState, JobView, Snapshot};
use crate::model::Visible;

/// What a view says of the things it has none of.
pub struct Absent {
    /// `hosts`.
    pub things: &'static str,
    /// Where nothing is open: where they come from, or what to do.
    pub closed: &'static str,
    /// While files are read: when they come.
    pub reading: &'static str,
    /// Where all was read: what it means that there is none.
    pub none: &'static str,
}

/// Why there is nothing to show.
#[derive(Clone, Debug, PartialEq)]
enum Why<'a> {
    /// Nothing was opened.
    Closed,
    /// The job that reads, if it can be told.
    Reading(Option<&'a JobView>),
    /// Nobody can be looked up, and why.
    NoData(&'a str),
    /// Of all files nothing could be read, and what was wrong with the first.
    Unread(&'a str),
    /// There is none.
    None,
}

impl<'a> Why<'a> {
    fn of(snapshot: &'a Snapshot, jobs: &'a [JobView]) -> Self {
        let imports = &snapshot.case.imports;
        if let DataState::Failed(why) = &snapshot.data {
            return Self::NoData(why);
        }
        if snapshot.case.is_growing {
            let runs = |job: &&JobView| matches!(job.state, JobState::Running { .. });
            return Self::Reading(jobs.iter().find(runs));
        }
        if imports.is_empty() {
            return Self::Closed;
        }
        let is_unread = imports.iter().all(|row| row.format.is_none() && row.bytes > 0);
        let problem = imports.iter().flat_map(|row| &row.problems).next();
        match problem.filter(|_| is_unread) {
            Some(problem) => Self::Unread(&problem.what),
            None => Self::None,
        }
    }
}

/// Says why a view is empty, and what to do.
pub fn absent_ui(ui: &mut Ui, view: &mut View<'_>, absent: &Absent) {
    let snapshot = view.snapshot;
    let jobs = Arc::clone(&snapshot.jobs);
    let quiet = Palette::of(ui).quiet;
    let Absent { things, .. } = absent;
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        match Why::of(snapshot, &jobs) {
            Why::Closed => {
                head(ui, &format!("No {things} yet"));
                ui.colored_label(quiet, absent.closed);
                if snapshot.case.is_empty() && ui.button("Open the example").clicked() {
                    view.wish(Command::OpenExample);
                }
            }
            Why::Reading(job) => {
                head(ui, &format!("No {things} so far"));
                if let Some(job) = job {
                    progress_ui(ui, job);
                }
                ui.colored_label(quiet, absent.reading);
            }
            Why::NoData(why) => failed_ui(ui, "The reference data cannot be opened", why),
            Why::Unread(why) => {
                failed_ui(ui, "Nothing could be read", why);
                problems_ui(ui, view);
            }
            Why::None => {
                head(ui, &format!("No {things}"));
                ui.colored_label(quiet, absent.none);
                if snapshot.case.imports.iter().any(|row| !row.problems.is_empty()) {
                    ui.colored_label(Palette::of(ui).warned, "Part of it could not be read");
                    problems_ui(ui, view);
                }
            }
        }
    });
}

fn head(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).font(theme::strong(theme::TITLE)));
}

fn problems_ui(ui: &mut Ui, view: &mut View<'_>) {
    if ui.button("Show the problems").clicked() {
        view.memory.wanted_view = Some(problems::PANEL.title);
    }
}

fn failed_ui(ui: &mut Ui, title: &str, why: &str) {
    head(ui, title);
    ui.colored_label(Palette::of(ui).failed, Visible(why).to_string());
}

/// A thin bar with what the job says; a veil would hide what is there already.
fn progress_ui(ui: &mut Ui, job: &JobView) {
    let JobState::Running { part, detail } = &job.state else { return };
    let title = Visible(&job.title).to_string();
    if let Some(part) = part {
        let bar = ProgressBar::new(*part).fill(Palette::of(ui).amount);
        let bar = bar.desired_width(320.0).desired_height(4.0);
        let name = format!("{title}: {:.0} % done", part * 100.0);
        ui.add(bar)
            .widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name.as_str()));
    }
    let quiet = Palette::of(ui).quiet;
    ui.colored_label(quiet, format!("{title}: {}", Visible(detail)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::CaseView;
    use crate::model::{ImportRow, Position, Problem};

    fn import(format: Option<&'static str>, bytes: u64) -> ImportRow {
        let what = "no format that is known".to_owned();
        let problems = vec![Problem { place: Position::Whole, what, count: 1 }];
        ImportRow { format, bytes, problems, ..ImportRow::default() }
    }

    fn case(imports: Vec<ImportRow>) -> Snapshot {
        Snapshot {
            case: Arc::new(CaseView { imports, ..CaseView::default() }),
            ..Snapshot::default()
        }
    }

    #[test]
    fn one_file_that_could_be_read_is_enough_to_know_that_there_is_none() {
        let why = |imports| match Why::of(&case(imports), &[]) {
            Why::Closed => "closed",
            Why::Unread(_) => "unread",
            Why::None => "none",
            Why::Reading(_) | Why::NoData(_) => "else",
        };
        assert_eq!(why(Vec::new()), "closed");
        assert_eq!(why(vec![import(None, 9)]), "unread");
        assert_eq!(why(vec![import(None, 9), import(Some("pcap"), 9)]), "none");
        assert_eq!(why(vec![import(None, 0)]), "none", "an empty file was read whole");
    }
}
