//! Jobs: what is being done, how far it is, how to stop it.

use egui::{ProgressBar, RichText, Ui};

use super::View;
use crate::app::theme::{Palette, icon};
use crate::engine::workbench::{Command, JobState, JobView};

/// The jobs that run or ended, one line each; at most the last three.
pub fn jobs_ui(ui: &mut Ui, view: &mut View<'_>) {
    let jobs = std::sync::Arc::clone(&view.snapshot.jobs);
    let first = jobs.len().saturating_sub(3);
    for job in jobs.iter().skip(first) {
        ui.horizontal(|ui| job_ui(ui, view, job));
    }
}

fn job_ui(ui: &mut Ui, view: &mut View<'_>, job: &JobView) {
    let palette = Palette::of(ui);
    let close = format!("{} {}", icon::CLOSE, if job.state.is_over() { "Hide" } else { "Stop" });
    if ui.small_button(close).clicked() {
        view.wish(match job.state.is_over() {
            true => Command::Dismiss(job.id),
            false => Command::Cancel(job.id),
        });
    }
    ui.label(&job.title);
    match &job.state {
        JobState::Waiting => {
            ui.label(RichText::new("waits").color(palette.quiet));
        }
        JobState::Running { part, detail } => {
            match part {
                Some(part) => ui.add(ProgressBar::new(*part).desired_width(120.0)),
                None => ui.spinner(),
            };
            ui.label(RichText::new(detail).color(palette.quiet));
        }
        JobState::Done(what) | JobState::Stopped(what) => {
            ui.label(RichText::new(what).color(palette.quiet));
        }
        JobState::Failed(why) => {
            ui.label(RichText::new(why).color(palette.failed));
        }
    }
}
